"""Bringing a worktree to a state after a crash in the middle of a checkout, without touching what is the user's."""

from __future__ import annotations

import contextlib
import enum
import os
import stat
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, NamedTuple

from release.entry import EXECUTABLE, SUBMODULE, SYMLINK, Entry
from release.errors import interrupted
from release.git import command, snapshot
from release.git.worktree import follow, index, name_some

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from release.git.database import ObjectReader
    from release.plan import PathChange, WorktreeMove


class Torn(enum.Flag):
    """Whose content a killed checkout can have left half written: that of the state to be left, or to be reached."""

    OLD = enum.auto()
    NEW = enum.auto()


def complete(move: WorktreeMove, objects: ObjectReader, *, lock: int | None, torn: Torn) -> None:
    """Converge after a killed `read-tree`: files of both states, torn ones, and an index of either.

    Raises:
        ReleaseError: a path holds what neither state has; it is the user's (exit 7, everything is kept).
    """
    place = Path(move.path)
    held = index(place, {change.path for change in move.changes})
    arrived = [change for change in move.changes if held.get(change.path) == change.new]
    waiting = [change for change in move.changes if held.get(change.path) != change.new]
    # Where attributes change too, what a file should look like cannot be told from what lies there now.
    unsure = any(PurePath(change.path).name == ".gitattributes" for change in move.changes)
    remake = [change for change in arrived if unsure or not _holds(place, change.new, change.path, objects)]
    strangers = [change.path for change in waiting if held.get(change.path) != change.old]
    strangers += [
        change.path
        for change in (*waiting, *remake)
        if change.path not in strangers and not _clear(place, change, objects, torn, keep=change in waiting)
    ]
    if strangers:
        raise interrupted(
            f"{place}: {name_some(strangers)} changed since the run was interrupted",
            "save your version elsewhere, git restore the file, then: invoke release.resume",
        )
    for change in move.changes:
        if not _is_submodule(change):
            _remove_empty_folders(place, change.path)
    if waiting:
        follow(move, lock=lock)
    _write_again(place, [change.path for change in remake if change.new is not None], lock=lock)


def _write_again(place: Path, paths: Sequence[str], *, lock: int | None) -> None:
    if paths:
        names = b"".join(os.fsencode(path) + b"\0" for path in paths)
        arguments = ["checkout-index", "-f", "-q", "-u", "-z", "--stdin"]
        command.write(arguments, cwd=place, lock=lock, data=names)


def _holds(place: Path, entry: Entry | None, path: str, objects: ObjectReader) -> bool:
    """Whether the path on disk is what git checks out for `entry`."""
    present = _present(place, path)
    if entry is None or present is None:
        return entry is None and present is None
    return entry.mode == SUBMODULE or present.holds(entry, _written(place, entry, path, objects))


def _clear(place: Path, change: PathChange, objects: ObjectReader, torn: Torn, *, keep: bool) -> bool:
    """Remove what a checkout wrote (whole files, or the start of one); False when it is the user's.

    With `keep` a file that still is as it was stays, so that git sees whether the user made it executable.
    """
    present = _present(place, change.path)
    if present is None or _is_submodule(change):
        return True
    for entry, side in ((change.old, Torn.OLD), (change.new, Torn.NEW)):
        if entry is None:
            continue
        whole = _written(place, entry, change.path, objects)
        if present.holds(entry, whole):
            if keep and side is Torn.OLD and present.data == whole[0] and not present.has_new_mode(change):
                return True
        elif side not in torn or present.link or not any(data.startswith(present.data) for data in whole):
            continue
        (place / change.path).unlink()
        return True
    return False


def _remove_empty_folders(place: Path, path: str) -> None:
    """Remove the folders that a killed checkout made for a path, or left in its place, and did not fill."""
    found = []
    folder = place
    with contextlib.suppress(FileNotFoundError):
        for part in path.split("/"):
            folder /= part
            if not stat.S_ISDIR(os.lstat(folder).st_mode):
                break
            found.append(folder)
    with contextlib.suppress(OSError):  # not empty: so are all above
        for folder in reversed(found):
            folder.rmdir()


def _is_submodule(change: PathChange) -> bool:
    return any(entry is not None and entry.mode == SUBMODULE for entry in (change.old, change.new))


def _written(place: Path, entry: Entry, path: str, objects: ObjectReader) -> tuple[bytes, ...]:
    """The bytes that a checkout leaves for `entry`: first what the attributes there now make of the blob.

    Then the blob itself, and the blob with CRLF: the attributes may have been others.
    """
    blob = objects.blob(entry.oid)
    if entry.mode == SYMLINK:
        return (blob,)
    filtered = command.run(["cat-file", "--filters", f"--path={path}", entry.oid], cwd=place).out
    return (filtered, blob, blob.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))


class _Present(NamedTuple):
    """What lies at a path: a file's bytes or a link's target."""

    data: bytes
    link: bool = False
    executable: bool = False

    def holds(self, entry: Entry, written: Collection[bytes]) -> bool:
        """Whether it is of the kind of `entry` and holds one of the contents that a checkout writes for it."""
        return self.link == (entry.mode == SYMLINK) and self.data in written

    def has_new_mode(self, change: PathChange) -> bool:
        """Whether it has the executable bit that the change sets or takes away."""
        if change.old is None or change.new is None or change.old.mode == change.new.mode:
            return False
        return self.executable == (change.new.mode == EXECUTABLE)


def _present(place: Path, path: str) -> _Present | None:
    """Look at a path; nothing, and a folder, is None."""
    target = place / path
    try:
        mode = os.lstat(target).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    if stat.S_ISLNK(mode):
        return _Present(data=os.fsencode(target.readlink()), link=True)
    if stat.S_ISDIR(mode):
        return None
    if not stat.S_ISREG(mode):
        return _Present(data=b"\0no regular file")
    return _Present(data=snapshot.read_regular(place, path), executable=bool(mode & stat.S_IXUSR))
