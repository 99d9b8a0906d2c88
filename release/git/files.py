"""Replacing files of a working tree so that a crash at any instant can be completed or undone."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from release.errors import Problem, ReleaseError
from release.git import journal, snapshot

if TYPE_CHECKING:
    from collections.abc import Iterable

    from release.git.database import ObjectReader
    from release.plan import FileEdit, Plan


def refuse_taken(top: Path, paths: Iterable[str]) -> None:
    """Refuse to replace files beside which lies one with the name that their new content would wait under.

    Raises:
        ReleaseError: without a journal such a file is no leftover of ours but somebody's (exit 3).
    """
    waiting = [(path, journal.temporary(top / path)) for path in paths]
    problems = [
        Problem(
            what=f"{place.relative_to(top).as_posix()!a} is in the way of a new {path!a}",
            hint="move it away, or give it another name",
        )
        for path, place in waiting
        if os.path.lexists(place)
    ]
    if problems:
        raise ReleaseError(problems)


def replace_all(plan: Plan, objects: ObjectReader, *, fresh: bool) -> tuple[str, ...]:
    """Bring every file of the plan to its new content; return the paths that hold neither and were left alone.

    What holds the new content already is done, so that this both carries a plan out (`fresh`) and completes it after
    a crash.
    """
    top = Path(plan.top)
    strangers = [edit.path for edit in plan.files if not _replace(top, edit, objects, fresh=fresh)]
    journal.sync_all(sorted({(top / edit.path).parent for edit in plan.files}))
    return tuple(strangers)


def _replace(top: Path, edit: FileEdit, objects: ObjectReader, *, fresh: bool) -> bool:
    place = top / edit.path
    if not fresh:
        with contextlib.suppress(FileNotFoundError):
            journal.temporary(place).unlink()  # a crash left it between writing and renaming
    present = content(top, edit.path)
    old = None if edit.old is None else objects.blob(edit.old)
    new = None if edit.new is None else objects.blob(edit.new)
    if present == new:
        return True
    if present != old:
        return False
    if new is None:
        place.unlink()
        return True
    place.parent.mkdir(parents=True, exist_ok=True)
    snapshot.refuse_odd_parents(top, edit.path)
    journal.replace_file(place, new, edit.permissions)
    return True


def content(top: Path, path: str) -> bytes | None:
    """Return a file's bytes, None when it is absent; what is no regular file holds nothing of ours."""
    try:
        return snapshot.read_regular(top, path)
    except FileNotFoundError:
        return None
    except OSError:
        return b"\0not a file of ours"


def permissions(top: Path, path: str) -> int:
    """Return a file's permission bits; for a file to come, what this process's umask leaves of 0666."""
    try:
        return (top / path).stat().st_mode & 0o7777
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask
