"""Snapshots: the files of one commit, or of the working tree, plus edits held in memory."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from release.entry import Entry
from release.git import command

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from pathlib import Path

    from release.git.database import ObjectReader
    from release.git.repository import Repository
    from release.plan import PathChange
    from release.process import Process


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Snapshot:
    """Tracked files by path (relative, `/`), read on demand. Edits shadow them and touch nothing on disk."""

    entries: Mapping[str, Entry]
    reader: Callable[[str, Entry], bytes]
    edits: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def paths(self) -> Collection[str]:
        """All tracked paths, edits included."""
        new = self.edits.keys() - self.entries.keys()
        return [*self.entries, *sorted(new)] if new else self.entries.keys()

    def mode(self, path: str) -> str:
        """Git's mode of a path: 100644, 100755, 120000 (symlink) or 160000 (submodule)."""
        return self.entries[path].mode if path in self.entries else "100644"

    def read(self, path: str) -> bytes:
        """Return a file's bytes.

        Raises:
            OSError: in a working tree the path is missing, no regular file, or behind a symlink.
        """
        if path in self.edits:
            return self.edits[path]
        return self.original(path)

    def original(self, path: str) -> bytes:
        """Return a file's bytes without the edits."""
        return self.reader(path, self.entries[path])

    def get(self, path: str) -> bytes | None:
        """Return a file's bytes, or None when nothing is tracked there."""
        return self.read(path) if path in self.entries or path in self.edits else None

    def objection(self, path: str) -> str:
        """Say why no plain file can be written at a path; "" when one can."""
        if path in self.entries:
            return "" if self.entries[path].is_file else "is no plain file"
        if any(other.startswith(f"{path}/") for other in self.entries):
            return "is a folder"
        parts = path.split("/")
        above = ("/".join(parts[:count]) for count in range(1, len(parts)))
        return next((f"lies below {name}, which is no folder" for name in above if name in self.entries), "")

    def edited(self, edits: Mapping[str, bytes]) -> Snapshot:
        """Return a snapshot in which `edits` stand on top of this one's."""
        return replace(self, edits={**self.edits, **edits})

    def changed(self) -> dict[str, bytes]:
        """The edits that really change bytes."""
        return {
            path: data
            for path, data in sorted(self.edits.items())
            if path not in self.entries or self.original(path) != data
        }


def of_commit(repository: Repository, objects: ObjectReader, commit: str) -> Snapshot:
    """Return the files of a commit. One `ls-tree`; contents are read when asked for, each object once."""
    return of_tree(repository, objects, commit)


def of_tree(repository: Repository, objects: ObjectReader, tree: str) -> Snapshot:
    """Return the files of a tree that the database has, by its id or that of its commit, as `of_commit`."""
    out = repository.run("ls-tree", "-r", "-z", "--full-tree", tree).out
    return Snapshot(entries=entries(out, tree=True), reader=lambda _, entry: objects.blob(entry.oid))


def derived(objects: ObjectReader, known: Snapshot, changes: Iterable[PathChange]) -> Snapshot:
    """Return the files of a tree that differs by `changes` from the one whose files are `known`; no process."""
    entries = dict(known.entries)
    for change in changes:
        if change.new is None:
            entries.pop(change.path, None)
        else:
            entries[change.path] = change.new
    return Snapshot(entries=entries, reader=lambda _, entry: objects.blob(entry.oid))


class _LookedUp(Mapping[str, Entry]):
    """The entries of a commit, each looked up when it is asked for: a few paths cost nothing like a whole tree."""

    def __init__(self, objects: ObjectReader, commit: str) -> None:
        self._objects = objects
        self._commit = commit
        self._found: dict[str, Entry | None] = {}

    def __getitem__(self, path: str) -> Entry:
        if path not in self._found:
            entry = self._objects.entry(self._commit, path)
            self._found[path] = None if entry is None or entry.mode == "40000" else entry
        entry = self._found[path]
        if entry is None:
            raise KeyError(path)
        return entry

    def __iter__(self) -> Iterator[str]:
        return (path for path, entry in self._found.items() if entry is not None)

    def __len__(self) -> int:
        return sum(entry is not None for entry in self._found.values())


def looked_up(objects: ObjectReader, commit: str) -> Snapshot:
    """Return the files of a commit for questions about single paths; it lists only what was asked for already."""
    return Snapshot(entries=_LookedUp(objects, commit), reader=lambda _, entry: objects.blob(entry.oid))


def list_tracked(folder: Path) -> Process:
    """Start listing what the index of the repository around `folder` holds, for `of_working_tree`."""
    return command.start(["ls-files", "--cached", "--stage", "-z", "--full-name", "--", ":/"], cwd=folder)


def of_working_tree(repository: Repository, listing: Process) -> Snapshot:
    """Return the tracked files as they lie on disk; a conflicted index entry counts once."""
    out = command.checked(listing.finish()).out
    return Snapshot(entries=entries(out, tree=False), reader=lambda path, _: read_regular(repository.top, path))


def entries(out: bytes, *, tree: bool) -> dict[str, Entry]:
    """Read what `ls-files --stage -z` prints, or of a `tree` what `ls-tree -z` does."""
    found = {}
    for record in os.fsdecode(out).split("\0")[:-1]:
        facts, _, path = record.partition("\t")
        mode, second, third = facts.split(" ")
        found[path] = Entry(mode=mode, oid=third if tree else second)
    return found


def read_regular(top: Path, path: str) -> bytes:
    """Return the bytes of a regular file below `top`.

    Raises:
        OSError: missing, not a regular file (a FIFO is not opened), or a component of the path is a symlink.
    """
    refuse_odd_parents(top, path)
    place = f"{top}/{path}"  # joining Paths, for thousands of files, takes longer than reading them
    if not stat.S_ISREG(os.lstat(place).st_mode):
        raise OSError(f"{path} is not a regular file")
    descriptor = os.open(place, os.O_RDONLY | os.O_NOFOLLOW)
    with open(descriptor, "rb", buffering=0) as file:  # noqa: PTH123  # a descriptor
        return file.readall()


def refuse_odd_parents(top: Path, path: str) -> None:
    """Refuse a `path` of which a component is anything but a real folder below `top`.

    Raises:
        OSError: the path leaves the repository, or a component is a symlink or no folder.
    """
    parts = path.split("/")
    if path.startswith("/") or any(part in ("", ".", "..") or part.lower() == ".git" for part in parts):
        raise OSError(f"{path} does not stay inside the repository")
    folder = str(top)
    for part in parts[:-1]:
        folder = f"{folder}/{part}"
        if not stat.S_ISDIR(os.lstat(folder).st_mode):
            raise OSError(f"{path} lies behind {part}, which is not a plain folder")
