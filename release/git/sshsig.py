"""Signatures by OpenSSH, as `ssh-keygen -Y`: running it, whose count on this machine, and who made one.

Each is made in a namespace: one that was made of a commit is none of anything else, and the file of allowed signers can
let a key sign one kind of thing alone.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from release import process, terminal
from release.errors import refusal
from release.git import command

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from release.git.repository import Repository
    from release.process import Result

ALLOWED = "gpg.ssh.allowedSignersFile"
REVOKED = "gpg.ssh.revocationFile"

_LONGEST = 1_000  # characters of what a program said
_SECONDS = 60.0  # for an agent that asks its owner
_FINGERPRINT = re.compile(rb"SHA256:[A-Za-z0-9+/=]+")


class Purpose(NamedTuple):
    """What is signed: its namespace, and what messages call it, such as "receipt"."""

    namespace: str
    what: str


class Trust(NamedTuple):
    """Whose signatures count: git's files of allowed signers and of revoked keys, and names out of the former."""

    allowed: Path
    revoked: Path | None
    signers: tuple[str, ...]


class Signer(NamedTuple):
    """Who signed: a name in the file of allowed signers, and the fingerprint of the key."""

    name: str
    key: str


def trusted(repository: Repository, signers: Sequence[str], purpose: Purpose, *, example: str) -> Trust:
    """Return whose signatures count here: those of `signers`, whose keys git's own setting on this machine names.

    Whoever can push the commit that is released must not be able to say whose: so the keys come from no file in a
    working tree. What is committed can only choose among these. `example` is a line of such a file for a message.

    Raises:
        ReleaseError: nobody's, as long as something is not set (exit 3).
    """
    allowed = _setting(repository, ALLOWED)
    if allowed is None or not allowed.is_file():
        what = "is not set" if allowed is None else f"names {allowed}, which is no file"
        raise refusal(
            f"{ALLOWED} {what}",
            f'write into a file: {example} namespaces="{purpose.namespace}" ssh-ed25519 AAAA…    '
            f"and name it: git config --global {ALLOWED} ~/.ssh/allowed_signers",
        )
    if _is_committable(repository, allowed):
        raise refusal(
            f"{ALLOWED} names {allowed}, which lies in the working tree: whoever pushes a commit could change it",
            f"keep it elsewhere: git config {ALLOWED} ~/.ssh/allowed_signers",
        )
    revoked = _setting(repository, REVOKED)
    if revoked is not None and not revoked.is_file():
        raise refusal(f"{REVOKED} names {revoked}, which is no file", f"correct it, or: git config --unset {REVOKED}")
    return Trust(allowed=allowed, revoked=revoked, signers=tuple(signers))


def _setting(repository: Repository, key: str) -> Path | None:
    """Return the path that git has for a setting; a relative one starts at the root of the working tree, as in git."""
    found = repository.run("config", "-z", "--type=path", "--get", key, accept=(0, 1, 128))
    text = os.fsdecode(found.out).rstrip("\0")
    return (repository.top / text).resolve() if text else None


def _is_committable(repository: Repository, place: Path) -> bool:
    """Whether a file lies where a checkout of this repository could write it: in one of its working trees.

    Below this one also in a submodule, whose commit moves with ours.
    """
    if place.is_relative_to(repository.top.resolve()) and not place.is_relative_to(repository.common.resolve()):
        return True
    asked = command.start(["rev-parse", "--is-inside-work-tree", "--git-common-dir"], cwd=place.parent).finish()
    answers = os.fsdecode(asked.out).splitlines()
    if asked.status != 0 or answers[:1] != ["true"]:
        return False
    return (place.parent / answers[1]).resolve() == repository.common.resolve()


def signer(trust: Trust, data: bytes, signature: bytes, purpose: Purpose, *, at: int | None = None) -> Signer:
    """Return who of `trust` signed these bytes; a key that is revoked by now signs nothing.

    `at` is the time at which it has to be valid, in seconds since 1970 (None: now).

    Raises:
        ReleaseError: nobody who counts (exit 3), or there is no ssh-keygen (exit 3).
    """
    revoked = ["-r", str(trust.revoked)] if trust.revoked is not None else []
    # As git does it, in local time: OpenSSH understands no zone before 9.1.
    when = [] if at is None else [f"-Overify-time={time.strftime('%Y%m%d%H%M%S', time.localtime(at))}"]
    said: list[str] = []
    with written(signature) as place:
        end = ["-n", purpose.namespace, "-s", str(place)]
        for name in trust.signers:
            found = run(["verify", *when, "-f", str(trust.allowed), "-I", name, *revoked, *end], data)
            if found.status == 0:
                return Signer(name, _fingerprint(found))
            said += [line for line in found.complaint.splitlines() if line.startswith(f"{trust.allowed}:")]
    key = checked(data, signature, purpose)
    because = f": {words(said[0])}" if said else ""
    raise refusal(f"its key {key} is not one of {', '.join(trust.signers)} in {trust.allowed}{because}")


def checked(data: bytes, signature: bytes, purpose: Purpose) -> str:
    """Return the fingerprint of the key, whosever, that signed these bytes.

    Raises:
        ReleaseError: none did (exit 3), or there is no ssh-keygen (exit 3).
    """
    with written(signature) as place:
        found = run(["check-novalidate", "-n", purpose.namespace, "-s", str(place)], data)
    if found.status != 0:
        why = words(found.complaint.partition("\n")[0])
        what = f"its signature is not one of these bytes as a {purpose.what}"
        raise refusal(f"{what} ({why or 'ssh-keygen says nothing'})")
    return _fingerprint(found)


def principals(allowed: Path, signature: bytes) -> tuple[str, ...]:
    """Return the names in a file of allowed signers that have the key of a signature, whatever it is of.

    Raises:
        ReleaseError: there is no ssh-keygen (exit 3).
    """
    with written(signature) as place:
        found = run(["find-principals", "-f", str(allowed), "-s", str(place)], b"")
    names = os.fsdecode(found.out).replace(",", "\n").split("\n") if found.status == 0 else []
    return tuple(dict.fromkeys(filter(None, (name.strip() for name in names))))


def _fingerprint(found: Result) -> str:
    match = _FINGERPRINT.search(found.out)
    return match[0].decode() if match else ""


def words(said: str) -> str:
    """Return what a program said, fit for a message."""
    return terminal.visible(said.replace("\r", "")).strip()[:_LONGEST]


@contextlib.contextmanager
def written(data: bytes) -> Iterator[Path]:
    """Yield a file in a folder of its own, for nobody else to read, as long as it is needed."""
    with TemporaryDirectory(prefix="release-sign-") as folder:
        place = Path(folder) / "file"
        with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
        yield place


def run(
    arguments: Sequence[str], data: bytes, *, program: str = "ssh-keygen", cwd: Path | None = None, asks: bool = False
) -> Result:
    """Run `ssh-keygen -Y`, or what stands for it, on these bytes; unless it `asks`, nobody is asked for anything.

    Raises:
        ReleaseError: it is not there, or does not end (exit 3).
    """
    return _run([program, "-Y", *arguments], data, cwd or Path("/"), asks=asks)


def _run(argv: Sequence[str], data: bytes, cwd: Path, *, asks: bool = False) -> Result:
    silent = {} if asks else {"SSH_ASKPASS": "false", "SSH_ASKPASS_REQUIRE": "force"}
    try:
        return process.run(argv, cwd=cwd, env=command.environment(silent), data=data, timeout=_SECONDS)
    except (FileNotFoundError, PermissionError) as error:
        if error.filename != argv[0]:
            raise
        raise refusal(f"{argv[0]} is not installed", "install OpenSSH 8.2 or newer") from None
    except TimeoutError:
        raise refusal(f"{argv[0]} did not end within {_SECONDS:g} seconds") from None


def in_krl(place: Path, public: bytes) -> bool:
    """Whether a key revocation list has a key, given as its public line.

    Raises:
        ReleaseError: ssh-keygen cannot tell, or is not there (exit 3).
    """
    with written(public) as key:
        found = _run(["ssh-keygen", "-Q", "-f", str(place), str(key)], b"", Path("/"))
    if found.status != 0 and b"REVOKED" not in found.out:
        raise refusal(f"{place} cannot be read as a list of revoked keys: {words(found.complaint)}")
    return found.status != 0
