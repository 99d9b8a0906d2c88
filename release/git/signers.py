"""Who signed something, and whether that is one of those whose signatures count."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from release.errors import refusal
from release.git import openpgp, sshsig

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from release.git.repository import Repository
    from release.git.sshsig import Purpose

SSH = b"-----BEGIN SSH SIGNATURE-----"
PGP = b"-----BEGIN PGP SIGNATURE-----"
X509 = b"-----BEGIN SIGNED MESSAGE-----"

_EXAMPLE = "you@example.org"


class Pins(NamedTuple):
    """Whose signatures count: `ssh` are names in files of git's, `fingerprints` are those of OpenPGP keys.

    With neither it is anybody whom git or gpg knows: `is_open`. `allowed` and `revoked` are the same files when nobody
    is named, None when git has none.
    """

    ssh: sshsig.Trust | None
    fingerprints: tuple[str, ...]
    gpg: str
    allowed: Path | None = None
    revoked: Path | None = None

    @property
    def is_open(self) -> bool:
        """Whether nobody is pinned."""
        return self.ssh is None and not self.fingerprints

    def named(self) -> str:
        """Return all of them, for a message."""
        return ", ".join((*(() if self.ssh is None else self.ssh.signers), *self.fingerprints))


def pins(repository: Repository, settings: Mapping[str, Sequence[str]], signers: Sequence[str], what: Purpose) -> Pins:
    """Return whose signatures count by `signers` of the configuration, for one purpose.

    Raises:
        ReleaseError: names are pinned, and git has no file of allowed signers, or one that a commit could change
            (exit 3).
    """
    fingerprints = tuple(name.upper() for name in signers if openpgp.is_fingerprint(name))
    names = [name for name in signers if not openpgp.is_fingerprint(name)]
    gpg = openpgp.program(settings)
    if names:
        trust = sshsig.trusted(repository, names, what, example=names[0])
        return Pins(trust, fingerprints, gpg, trust.allowed, trust.revoked)
    if signers:
        return Pins(None, fingerprints, gpg)
    # Nobody is named: the files are git's own, wherever they lie.
    allowed, revoked = (_place(repository, settings, key) for key in (sshsig.ALLOWED, sshsig.REVOKED))
    return Pins(None, (), gpg, allowed, revoked)


def _place(repository: Repository, settings: Mapping[str, Sequence[str]], key: str) -> Path | None:
    value = (settings.get(key.lower()) or [""])[-1]
    place = (repository.top / Path(value).expanduser()).resolve() if value else None
    if place is not None and not place.is_file():
        raise refusal(f"{key} names {place}, which is no file", f"correct it, or: git config --unset {key}")
    return place


def signer(pinned: Pins, data: bytes, signature: bytes, purpose: Purpose, *, at: int | None = None) -> str:
    """Return who signed these bytes with OpenSSH or OpenPGP, in words; `at` is the time for SSH keys (None: now).

    Raises:
        ReleaseError: nobody who counts (exit 3), or the program that tells is not there (exit 3).
    """
    if signature.startswith(PGP):
        return _by_pgp(pinned, data, signature)
    if not signature.startswith(SSH):
        raise refusal("its signature is neither of OpenSSH nor of OpenPGP")
    if pinned.ssh is not None:
        found = sshsig.signer(pinned.ssh, data, signature, purpose, at=at)
        return f"{found.name} {found.key}"
    if not pinned.is_open:
        key = sshsig.checked(data, signature, purpose)
        raise refusal(f"its key {key} is pinned by no name: signers has {pinned.named()}")
    if pinned.allowed is None:
        return unpinned(sshsig.checked(data, signature, purpose))
    names = sshsig.principals(pinned.allowed, signature)
    if not names:
        raise refusal(f"its key {sshsig.checked(data, signature, purpose)} is not in {pinned.allowed}")
    found = sshsig.signer(sshsig.Trust(pinned.allowed, pinned.revoked, names), data, signature, purpose, at=at)
    return unpinned(f"{found.name} {found.key}")


def unpinned(who: str) -> str:
    """Say that nobody has said whose signature it has to be."""
    return f"{who}, by a key nobody has pinned"


def _by_pgp(pinned: Pins, data: bytes, signature: bytes) -> str:
    found = openpgp.signer(pinned.gpg, data, signature)
    who = f"{found.name} {found.primary}"
    if pinned.is_open:
        return unpinned(who)
    if {found.key, found.primary} & set(pinned.fingerprints):
        return who
    raise refusal(f"its key {found.key} ({found.name}) is not one of signers: {pinned.named()}")
