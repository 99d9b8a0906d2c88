"""Worktrees: in what two trees differ, moving a clean one, and whether one is still there."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from release.entry import TREE, Entry
from release.errors import interrupted
from release.git import command
from release.plan import PathChange

if TYPE_CHECKING:
    from collections.abc import Iterable

    from release.git.database import ObjectReader
    from release.plan import WorktreeMove

SHOWN = 5  # paths named in one message


def changes(objects: ObjectReader, old: str, new: str, prefix: str = "") -> tuple[PathChange, ...]:
    """Return the paths in which two trees differ (ids; empty is the empty tree); equal subtrees are not read."""
    if old == new:
        return ()
    before = objects.tree(old) if old else {}
    after = objects.tree(new) if new else {}
    found: list[PathChange] = []
    for name in sorted(before.keys() | after.keys()):
        sides = (before.get(name), after.get(name))
        if sides[0] == sides[1]:
            continue
        folders = [side.oid if side is not None and side.mode == TREE else "" for side in sides]
        found += changes(objects, folders[0], folders[1], f"{prefix}{name}/")
        leaves = [None if side is None or side.mode == TREE else side for side in sides]
        if leaves != [None, None]:
            found.append(PathChange(path=prefix + name, old=leaves[0], new=leaves[1]))
    return tuple(found)


def is_gone(place: Path, git_dir: Path, common: Path) -> bool:
    """Whether a linked worktree was removed: its folder deleted, or with `git worktree remove`.

    Raises:
        ReleaseError: it is not there, but not removed either (exit 7, everything is kept).
    """
    if (place / ".git").exists():
        return False
    if git_dir.resolve().parent != common.resolve() / "worktrees":  # not a linked one, or of a repository elsewhere
        raise interrupted(
            f"{place} is not there any more: it was moved since the run was interrupted",
            "move it back, then: invoke release.resume, or invoke release.abort",
        )
    try:
        now = (git_dir / os.fsdecode((git_dir / "gitdir").read_bytes()).rstrip("\n")).parent
    except FileNotFoundError:
        return True
    if (now / ".git").exists():
        raise interrupted(
            f"the worktree {place} was moved to {now} since the run was interrupted",
            f"git worktree move {shlex.quote(str(now))} {shlex.quote(str(place))}, "
            "then: invoke release.resume, or invoke release.abort",
        )
    if (git_dir / "locked").exists():  # how git is told of a worktree whose disk is not always there
        raise interrupted(
            f"the worktree {place} is locked and not there",
            f"bring it back, or git worktree unlock {shlex.quote(str(place))}, "
            "then: invoke release.resume, or invoke release.abort",
        )
    return True


def follow(move: WorktreeMove, *, lock: int | None) -> None:
    """Bring index and files of a clean worktree from the old commit to the new one."""
    place = Path(move.path)
    arguments = ["read-tree", "-m", "-u", "--no-recurse-submodules", move.old, move.new]
    if command.write(arguments, cwd=place, lock=lock, accept=(0, 128)).status != 0:
        # It takes a file that was touched for changed until somebody has looked into it, as the probe did in its copy.
        command.write(["update-index", "--refresh"], cwd=place, lock=lock, accept=(0, 1))
        command.write(arguments, cwd=place, lock=lock)


def name_some(paths: Iterable[str]) -> str:
    """A few paths for a message, and how many more there are."""
    listed = printable(paths)
    more = f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
    return ", ".join(listed[:SHOWN]) + more


def printable(paths: Iterable[str]) -> list[str]:
    """Names without the line ends with which they could forge a message."""
    return [path.replace("\n", "\\n").replace("\r", "\\r") for path in paths]


def index(place: Path, wanted: set[str]) -> dict[str, Entry]:
    """Return the index entries of these paths."""
    out = command.run(["ls-files", "--cached", "--stage", "-z"], cwd=place).out
    entries = {}
    for record in os.fsdecode(out).split("\0")[:-1]:
        facts, _, path = record.partition("\t")
        if path in wanted:
            mode, oid, _ = facts.split(" ")
            entries[path] = Entry(mode=mode, oid=oid)
    return entries
