"""Detached signatures by GnuPG: made with the user's key, and read by what gpg tells machines."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from release import process
from release.errors import refusal, unseen
from release.git import command, sshsig

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from release.process import Result

_SECONDS = 300.0  # for a passphrase or a touch of a key
_BEGIN = b"-----BEGIN PGP SIGNATURE-----"
_STATUS = b"[GNUPG:] "
_FINGERPRINT = re.compile(r"[0-9A-F]{40}|[0-9A-F]{64}")
# What gpg says of a signature (doc/DETAILS): exactly one has to be there, and it has to be the first of these.
_JUDGED = ("GOODSIG", "EXPSIG", "EXPKEYSIG", "REVKEYSIG", "BADSIG", "ERRSIG")
_WHY = {
    "EXPSIG": "the signature has expired",
    "EXPKEYSIG": "its key has expired",
    "REVKEYSIG": "its key is revoked",
    "BADSIG": "it is one of other bytes",
}


class Signer(NamedTuple):
    """Whose key signed: the fingerprints of the key and of its primary key, and the name that gpg shows for it."""

    key: str
    primary: str
    name: str


def is_fingerprint(name: str) -> bool:
    """Whether a signer is named by the fingerprint of an OpenPGP key."""
    return _FINGERPRINT.fullmatch(name.upper()) is not None


def program(settings: Mapping[str, Sequence[str]]) -> str:
    """Return the gpg that git is configured with."""
    for key in ("gpg.openpgp.program", "gpg.program"):
        if settings.get(key):
            return settings[key][-1]
    return "gpg"


def sign(gpg: str, user: str, data: bytes) -> bytes:
    """Return the armoured signature of these bytes by a user's key ("": gpg's own choice).

    Raises:
        ReleaseError: gpg is not there or has not signed (exit 3).
    """
    whose = ["--local-user", user] if user else []
    made = _run(gpg, ["--batch", "--status-fd=2", "--armor", *whose, "--output", "-", "--detach-sign"], data)
    if made.status != 0 or _BEGIN not in made.out or b"SIG_CREATED " not in made.err:  # it may fail and say nothing
        said = [line for line in made.complaint.splitlines() if not line.startswith("[GNUPG:]")]
        raise refusal(
            f"gpg has not signed: {sshsig.words(' '.join(said)) or f'it ended with status {made.status}'}",
            "check user.signingKey: echo try | gpg --armor --detach-sign",
        )
    return made.out


def signer(gpg: str, data: bytes, signature: bytes) -> Signer:
    """Return whose key signed these bytes, as far as gpg knows it: whether it is to be trusted is not asked.

    Raises:
        ReleaseError: nobody's that is valid now, or more than one, or gpg is not there (exit 3); gpg does not know the
            key (exit 5).
    """
    with sshsig.written(signature) as place:
        found = _run(gpg, ["--batch", "--no-auto-key-retrieve", "--status-fd=1", "--verify", str(place), "-"], data)
    said = [
        line[len(_STATUS) :].decode("utf-8", "replace").split(" ")
        for line in found.out.splitlines()
        if line.startswith(_STATUS)
    ]
    judged = [words for words in said if words[0] in _JUDGED]
    valid = [words for words in said if words[0] == "VALIDSIG"]
    wrong = next((words[0] for words in judged if words[0] != "GOODSIG"), "")
    if wrong == "ERRSIG":
        raise unseen("its OpenPGP signature cannot be checked: its key is not in the key ring", "gpg --import KEY")
    if wrong or found.status != 0 or not judged:
        raise refusal(f"its OpenPGP signature does not verify: {_WHY.get(wrong) or _complaint(found)}")
    if len(judged) != 1 or len(valid) != 1:
        raise refusal("its OpenPGP signature is more than one")
    key, primary = valid[0][1], valid[0][10] if len(valid[0]) > 10 else valid[0][1]  # noqa: PLR2004  # doc/DETAILS
    return Signer(key=key, primary=primary, name=sshsig.words(" ".join(judged[0][2:])))


def _complaint(found: Result) -> str:
    return sshsig.words(found.complaint.partition("\n")[0]) or f"gpg ended with status {found.status}"


def _run(gpg: str, arguments: Sequence[str], data: bytes) -> Result:
    """Run gpg on these bytes.

    Raises:
        ReleaseError: it is not there, or does not end (exit 3).
    """
    try:
        return process.run([gpg, *arguments], cwd=Path("/"), env=command.environment(), data=data, timeout=_SECONDS)
    except (FileNotFoundError, PermissionError) as error:
        if error.filename != gpg:
            raise
        raise refusal(f"{gpg} is not installed", "install GnuPG, or set gpg.program to where it is") from None
    except TimeoutError:
        raise refusal(f"{gpg} did not end within {_SECONDS:g} seconds") from None
