"""The seal of a release: provenance and its signature, where there is a key, and what they are worth later."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from release.artifacts import record as records
from release.artifacts import store
from release.artifacts.provenance import names, verify
from release.artifacts.provenance import seal as seals
from release.artifacts.provenance import statement as statements
from release.artifacts.provenance.verify import Verdict
from release.errors import Exit, Problem, ReleaseError
from release.git import signing, world

if TYPE_CHECKING:
    from pathlib import Path

    from release.artifacts.bundle import Bundle
    from release.artifacts.record import File, Record
    from release.artifacts.tagged import Tagged
    from release.git.repository import Repository


def seal(repository: Repository, release: Tagged, folder: Path, record: Record, *, started: int) -> None:
    """Add provenance to a folder with all files of a release, if there is a key: it is verified right after.

    `started` is when they began to be made (seconds since 1970).

    Raises:
        ReleaseError: the key does not sign, or its signature does not count (exit 2, 3).
        OSError: a file cannot be written.
    """
    settings = world.read_settings(repository)
    key = seals.sealer(os.environ, settings, sign=release.config.sign, top=repository.top)
    if key is None:
        return
    about = store.files(folder)
    made = statements.statement(record, about, started=started, finished=int(time.time()), env=os.environ)
    seals.seal(made, folder, key, verify.trust(repository, settings, release.config.signers))


def tag_signer(repository: Repository, release: Tagged) -> str:
    """Return who signed the tag of a release; "" when tags are not signed here.

    Raises:
        ReleaseError: they are, and this one is not, or not by one whose signatures count, or is another one (exit 3).
    """
    if not release.config.sign:
        return ""
    settings = world.read_settings(repository)
    pinned = release.config.signers
    return signing.verify_tag(repository, release.oid, release.name, settings, pinned, commit=release.commit)


def refuse_wrong(repository: Repository, release: Tagged, made: Bundle) -> None:
    """Refuse a bundle whose seal is not good; one without a seal passes where nobody says that releases are signed.

    Raises:
        ReleaseError: something is wrong with it (exit 3), or cannot be looked at (exit 5).
    """
    verdict = looked_at(repository, release, made)
    if verdict is None or verdict.is_good:
        return
    hint = f"nothing is published; look at what has changed in {made.folder}"
    problems = [Problem(what=f"provenance: {line}", hint=hint) for line in verdict.wrong]
    problems += [Problem(what=f"provenance: {line}", exit=Exit.NOT_AUDITED) for line in verdict.unseen]
    raise ReleaseError(problems or [Problem(what="provenance: nobody who counts has signed it", hint=hint)])


def looked_at(repository: Repository, release: Tagged, made: Bundle) -> Verdict | None:
    """Return what the seal of a bundle is worth; None if it has none, and none is missing.

    Raises:
        ReleaseError: whose signatures count is not set (exit 3).
    """
    if not any((made.folder / name).exists() for name in names.ALL):
        is_missing = release.config.sign
        return Verdict("", (f"there is none, and {release.name} is signed",)) if is_missing else None
    settings = world.read_settings(repository)
    trust = verify.trust(repository, settings, release.config.signers)
    return verify.verify(made.folder, made.record, trust, files=_about(made))


def _about(made: Bundle) -> tuple[File, ...]:
    return (*made.record.files, store.file(made.folder / records.NAME))
