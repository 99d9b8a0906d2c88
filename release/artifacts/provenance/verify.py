"""Verifying a seal: who signed it, and whether its statement is the one about these files of this release."""

from __future__ import annotations

import os
import shutil
import stat
import time
from typing import TYPE_CHECKING, NamedTuple

from release.artifacts import store
from release.artifacts.provenance import dsse, raw
from release.artifacts.provenance import statement as statements
from release.artifacts.provenance.names import ALL, BY_PGP, BY_SSH, ENVELOPE, PURPOSE, STATEMENT
from release.errors import Exit, ReleaseError, refusal, unseen
from release.git import signers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from release.artifacts.record import File, Record
    from release.git.repository import Repository
    from release.git.signers import Pins

_LARGEST = 64 * 1024 * 1024  # bytes; a statement about a thousand files has a thousandth of it


class Sealed(NamedTuple):
    """A statement whose signature counts, and who made it, in words."""

    statement: bytes
    signer: str


class Verdict(NamedTuple):
    """What came of a look at a seal: who signed ("": nobody who counts), what is wrong, what could not be looked at."""

    signer: str
    wrong: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()

    @property
    def is_good(self) -> bool:
        """Whether all was looked at, and nothing is wrong."""
        return bool(self.signer) and not self.wrong and not self.unseen


def trust(repository: Repository, settings: Mapping[str, Sequence[str]], pinned: Sequence[str]) -> Pins:
    """Return whose seals count by `signers` of the configuration; `()` is anybody whom git or gpg knows.

    Raises:
        ReleaseError: names are pinned, and git has no file of allowed signers that no commit can change (exit 3).
    """
    return signers.pins(repository, settings, pinned, PURPOSE)


def verify(folder: Path, record: Record, trust: Pins, *, files: Sequence[File] | None = None) -> Verdict:
    """Look at the seal in a folder; never an error.

    Its statement has to be about exactly `files` (those of the record, less the seal's own), which have to lie beside
    it as it says, and about the commit, tag, version and repository of the record.
    """
    about = tuple(one for one in (record.files if files is None else files) if one.name not in ALL)
    try:
        found = sealed(folder, trust)
    except ReleaseError as error:
        blind = tuple(one.what for one in error.problems if one.exit is Exit.NOT_AUDITED)
        return Verdict("", tuple(one.what for one in error.problems if one.exit is not Exit.NOT_AUDITED), blind)
    wrong = [f"the statement is signed, but {why}" for why in statements.objections(found.statement, record, about)]
    return Verdict(found.signer, (*wrong, *_changed(folder, about)))


def _changed(folder: Path, files: Sequence[File]) -> Iterator[str]:
    """Yield what lies in the folder otherwise than it was recorded."""
    try:
        held = {one.name: one for one in store.files(folder)}
    except OSError as error:
        yield f"the files cannot be read: {error.strerror or error}"
        return
    for one in files:
        if one.name not in held:
            yield f"{one.name} is not there"
        elif held[one.name] != one:
            yield f"{one.name} has another digest than was recorded"


def sealed(folder: Path, trust: Pins, *, now: int | None = None) -> Sealed:
    """Return the statement in a folder, once it is sure who signed it; `now` is the time (seconds since 1970).

    Raises:
        ReleaseError: there is no seal, or more than one, or nobody who counts has signed (exit 3); what tells is not
            installed, or has no key to try (exit 5).
    """
    there = {name for name in ALL if os.path.lexists(folder / name)}
    if there == {ENVELOPE}:
        return _enveloped(_read(folder / ENVELOPE), trust, int(time.time()) if now is None else now)
    if there not in ({STATEMENT, BY_SSH}, {STATEMENT, BY_PGP}):
        what = f"it has {', '.join(sorted(there))}" if there else "there is none"
        raise refusal(f"provenance is {ENVELOPE} alone, or {STATEMENT} and one signature beside it: {what}")
    is_ssh = BY_SSH in there
    program = "ssh-keygen" if is_ssh else trust.gpg
    if shutil.which(program) is None:
        raise unseen(f"{program} is not installed", "install OpenSSH" if is_ssh else "install GnuPG")
    data, signature = _read(folder / STATEMENT), _read(folder / (BY_SSH if is_ssh else BY_PGP))
    if not signature.startswith(signers.SSH if is_ssh else signers.PGP):
        raise refusal(f"{BY_SSH if is_ssh else BY_PGP} is no such signature")
    return Sealed(data, signers.signer(trust, data, signature, PURPOSE, at=now))


def _enveloped(data: bytes, trust: Pins, now: int) -> Sealed:
    try:
        envelope = dsse.parse(data)
    except ValueError as error:
        raise refusal(f"{ENVELOPE} is no DSSE envelope: {error}") from None
    return Sealed(envelope.payload, raw.signer(trust, envelope, now=now))


def _read(place: Path) -> bytes:
    """Return the bytes of a plain file of a usual size.

    Raises:
        ReleaseError: it is none, or cannot be read (exit 3).
    """
    try:
        descriptor = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            data = file.read(_LARGEST + 1) if stat.S_ISREG(os.fstat(descriptor).st_mode) else None
    except OSError as error:
        raise refusal(f"{place.name} cannot be read: {error.strerror}") from None
    if data is None or len(data) > _LARGEST:
        raise refusal(f"{place.name} is no file of provenance")
    return data
