"""Worktrees: probing whether one can follow a plan, moving it, and converging after a crash."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from release.errors import Problem, interrupted
from release.git import command, snapshot
from release.plan import Entry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from release.git.objects import ObjectReader
    from release.git.repository import Worktree
    from release.plan import PathChange, WorktreeMove

_SHOWN = 5  # paths named in one message


@dataclass(frozen=True, kw_only=True, slots=True)
class Tracked:
    """Tracked files with changes that no commit holds (staged or not), and submodules that moved or are dirty."""

    files: tuple[str, ...]
    submodules: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Probe:
    """A worktree looked at through a copy of its index, so that the real one is neither locked nor refreshed."""

    path: Path
    env: Mapping[str, str]
    tracked: Tracked

    def can_follow(self, old: str, new: str) -> Problem | None:
        """Try `read-tree -m -u OLD NEW` without doing it; return what would stop it."""
        arguments = ["read-tree", "-n", "-m", "-u", "--no-recurse-submodules", old, new]
        result = command.start(arguments, cwd=self.path, env=self.env).finish()
        if result.status == 0:
            return None
        reason = result.complaint.removeprefix("error: ").splitlines()
        return Problem(
            what=f"the working tree {self.path} cannot follow: {' '.join(reason[:2])}",
            hint="move the named file away, or commit it",
        )


@contextlib.contextmanager
def probed(tree: Worktree) -> Iterator[Probe]:
    """Look at a worktree: what no commit holds, and whether it could go elsewhere. One `git status`."""
    with tempfile.TemporaryDirectory(prefix="release-index-") as folder:
        copy = Path(folder) / "index"
        with contextlib.suppress(FileNotFoundError):
            shutil.copy2(tree.git_dir / "index", copy)  # with its time, by which git judges racy entries
        env = {"GIT_INDEX_FILE": str(copy), "GIT_OPTIONAL_LOCKS": "1"}  # status may refresh the copy
        yield Probe(path=tree.path, env=env, tracked=_tracked(tree.path, env))


def _tracked(path: Path, env: Mapping[str, str]) -> Tracked:
    out = command.run(
        ["status", "--porcelain=v2", "-z", "--untracked-files=no", "--ignore-submodules=none", "--no-renames"],
        cwd=path,
        env=env,
    ).out
    files: list[str] = []
    submodules: list[str] = []
    for record in os.fsdecode(out).split("\0")[:-1]:
        facts = record.split(" ", 10 if record.startswith("u") else 8)
        (submodules if facts[2].startswith("S") else files).append(facts[-1])
    return Tracked(files=tuple(files), submodules=tuple(submodules))


def follow(move: WorktreeMove, *, lock: int | None) -> None:
    """Bring index and files of a clean worktree from the old commit to the new one."""
    place = Path(move.path)
    command.write(["update-index", "-q", "--refresh"], cwd=place, lock=lock, accept=(0, 1))
    command.write(["read-tree", "-m", "-u", "--no-recurse-submodules", move.old, move.new], cwd=place, lock=lock)


def complete(move: WorktreeMove, objects: ObjectReader, *, lock: int | None) -> None:
    """Converge after a killed `read-tree`: files of both states, torn ones, and an index of either.

    Raises:
        ReleaseError: a path holds what neither state has; it is the user's (exit 7, everything is kept).
    """
    place = Path(move.path)
    index = _index(place, {change.path for change in move.changes})
    strangers, remake = [], []
    for change in move.changes:
        if index.get(change.path) == change.new:
            if not _holds(place, change.new, change.path, objects):
                remake.append(change)
        elif index.get(change.path) != change.old or not _clear(place, change, objects):
            strangers.append(change.path)
    strangers += [change.path for change in remake if not _clear(place, change, objects)]
    if strangers:
        raise interrupted(
            f"{place}: {name_some(strangers)} changed since the run was interrupted",
            "save your version elsewhere, git restore the file, then: invoke release.resume",
        )
    if any(index.get(change.path) != change.new for change in move.changes):
        follow(move, lock=lock)
    for change in remake:
        if change.new is None:
            (place / change.path).unlink(missing_ok=True)
    lost = [change.path for change in remake if change.new is not None]
    if lost:
        command.write(
            ["checkout-index", "-f", "-q", "-u", "-z", "--stdin"],
            cwd=place,
            lock=lock,
            data=b"".join(os.fsencode(path) + b"\0" for path in lost),
        )


def name_some(paths: Iterable[str]) -> str:
    """A few paths for a message, and how many more there are."""
    listed = list(paths)
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return ", ".join(listed[:_SHOWN]) + more


def _index(place: Path, wanted: set[str]) -> dict[str, Entry]:
    out = command.run(["ls-files", "--cached", "--stage", "-z"], cwd=place).out
    entries = {}
    for record in os.fsdecode(out).split("\0")[:-1]:
        facts, _, path = record.partition("\t")
        if path in wanted:
            mode, oid, _ = facts.split(" ")
            entries[path] = Entry(mode=mode, oid=oid)
    return entries


def _holds(place: Path, entry: Entry | None, path: str, objects: ObjectReader) -> bool:
    """Whether the path on disk is what git checks out for `entry`."""
    present = _content(place, path)
    if entry is None:
        return present is None
    return entry.mode == "160000" or present in _written(place, entry, path, objects)


def _clear(place: Path, change: PathChange, objects: ObjectReader) -> bool:
    """Remove what a killed checkout wrote (the new content or the start of it); False when it is the user's."""
    present = _content(place, change.path)
    if present is None or (change.old is not None and change.old.mode == "160000"):
        return True
    if change.old is not None and present in _written(place, change.old, change.path, objects):
        return True
    if change.new is None:
        return False
    if not any(whole.startswith(present) for whole in _written(place, change.new, change.path, objects)):
        return False
    (place / change.path).unlink()
    return True


def _written(place: Path, entry: Entry, path: str, objects: ObjectReader) -> tuple[bytes, ...]:
    """The bytes that a checkout leaves for `entry`: the blob, and what line-ending and other filters make of it."""
    blob = objects.blob(entry.oid)
    if entry.mode == "120000":
        return (blob,)
    filtered = command.run(["cat-file", "--filters", f"--path={path}", entry.oid], cwd=place).out
    return (blob, filtered)


def _content(place: Path, path: str) -> bytes | None:
    """What lies at a path: a file's bytes, a symlink's target, None for nothing (a folder is nothing of its own)."""
    target = place / path
    try:
        mode = os.lstat(target).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    if stat.S_ISLNK(mode):
        return os.fsencode(target.readlink())
    if stat.S_ISDIR(mode):
        return None
    return snapshot.read_regular(place, path) if stat.S_ISREG(mode) else b"\0no regular file"
