"""Looking at a worktree: what no commit holds, and whether it could follow a plan."""

from __future__ import annotations

import contextlib
import functools
import os
import shlex
import shutil
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from release.errors import Problem
from release.git import command
from release.git.worktree import SHOWN, name_some, printable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from release import process
    from release.git.world import Worktree
    from release.plan import WorktreeMove

_STATUS = ("status", "--porcelain=v2", "-z", "--untracked-files=no", "--ignore-submodules=untracked", "--no-renames")


class Tracked(NamedTuple):
    """Tracked files with changes that no commit holds (staged or not), and submodules that moved or have such files.

    What a submodule does not track is nobody's concern: no move of the worktree reaches into one.
    """

    files: tuple[str, ...]
    submodules: tuple[str, ...]


class Probe:
    """A worktree looked at through a copy of its index, so that the real one is neither locked nor refreshed."""

    def __init__(self, path: Path, env: Mapping[str, str]) -> None:
        self.path = path
        self._env = env
        self._status = command.start(_STATUS, cwd=path, env=env)

    @functools.cached_property
    def tracked(self) -> Tracked:
        """What no commit holds; waits for git, which looks at every file since the probe was made."""
        files: list[str] = []
        submodules: list[str] = []
        for record in os.fsdecode(command.checked(self._status.finish()).out).split("\0")[:-1]:
            facts = record.split(" ", 10 if record.startswith("u") else 8)
            (submodules if facts[2].startswith("S") else files).append(facts[-1])
        return Tracked(files=tuple(files), submodules=tuple(submodules))

    def close(self) -> None:
        """End the question if nobody waits for its answer any more."""
        self._status.kill()

    def can_follow(self, move: WorktreeMove) -> Problem | None:
        """Try `read-tree -m -u OLD NEW` without doing it; return what would stop it.

        git takes ignored files for expendable: whatever lies where a new file comes is somebody's.
        """
        going = {one.path for one in move.changes if one.new is None}
        taken = [
            path for one in move.changes if one.old is None for path in _there(self.path, one.path) if path not in going
        ]
        if taken:
            return Problem(
                what=f"files that git does not track are in the way: {name_some(taken)}",
                hint="move them away, or add and commit them",
            )
        _ = self.tracked  # the copy of the index is refreshed by then
        listing = list_flags(self.path, self._env)
        arguments = ["read-tree", "-n", "-m", "-u", "--no-recurse-submodules", move.old, move.new]
        result = command.start(arguments, cwd=self.path, env=self._env).finish()
        unseen = overlooked(self.path, {one.path for one in move.changes}, listing)
        if unseen is not None or result.status == 0:
            return unseen
        reason = result.complaint.removeprefix("error: ").splitlines()
        return Problem(
            what=f"the working tree {self.path} cannot follow: {' '.join(reason[:2])}",
            hint="move the named file away, or commit it",
        )


@contextlib.contextmanager
def probed(tree: Worktree) -> Iterator[Probe]:
    """Look at a worktree: what no commit holds, and whether it could go elsewhere. Its `git status` starts now."""
    with index_copy(tree.git_dir) as env, contextlib.closing(Probe(tree.path, env)) as probe:
        yield probe


@contextlib.contextmanager
def index_copy(git_dir: Path) -> Iterator[Mapping[str, str]]:
    """Yield an environment with a copy of a worktree's index for git: the real one is neither locked nor changed."""
    with tempfile.TemporaryDirectory(prefix="release-index-") as folder:
        copy = Path(folder) / "index"
        with contextlib.suppress(FileNotFoundError):
            shutil.copy2(git_dir / "index", copy)  # with its time, by which git judges racy entries
        yield {"GIT_INDEX_FILE": str(copy), "GIT_OPTIONAL_LOCKS": "1"}  # status may refresh the copy


def list_flags(place: Path, env: Mapping[str, str] | None = None) -> process.Process:
    """Start listing the index entries of a worktree with their flags, for `overlooked`."""
    return command.start(["ls-files", "--cached", "-v", "-z"], cwd=place, env=env)


def overlooked(place: Path, changed: Collection[str], listing: process.Process) -> Problem | None:
    """Return what is wrong when `git status` says nothing about some of the paths that are to change.

    Edits there are seen by nobody, and a new index entry does not keep what the old one was told. A sparse checkout
    has files that are not there on purpose: its entries stay as they are.
    """
    records = os.fsdecode(command.checked(listing.finish()).out).split("\0")[:-1]
    flagged = {record[2:]: record[0] for record in records if record[0] != "H" and record[2:] in changed}
    assumed = [path for path, flag in flagged.items() if flag.islower()]
    skipped = [path for path, flag in flagged.items() if flag in "Ss"]
    if skipped and _is_sparse(place):
        skipped = []
    hints = [
        f"git update-index {option} -- {' '.join(shlex.quote(path) for path in printable(paths[:SHOWN]))}"
        for option, paths in (("--no-assume-unchanged", assumed), ("--no-skip-worktree", skipped))
        if paths
    ]
    if not hints:
        return None
    return Problem(
        what=f"in {place} git was told to overlook changes in {name_some(dict.fromkeys([*assumed, *skipped]))}",
        hint=f"let it look again: {'    and: '.join(hints)}",
    )


def _is_sparse(place: Path) -> bool:
    asked = command.run(["config", "--type=bool", "--get", "core.sparseCheckout"], cwd=place, accept=(0, 1))
    return asked.out.strip() == b"true"


def _there(place: Path, path: str) -> list[str]:
    """What lies where a file is to come: a file there or at a folder above it, or the files of a folder."""
    target = place
    for part in path.split("/"):
        target /= part
        try:
            mode = os.lstat(target).st_mode
        except FileNotFoundError:
            return []
        if not stat.S_ISDIR(mode):
            return [target.relative_to(place).as_posix()]
    found = (Path(folder) / name for folder, _, names in os.walk(target) for name in names)
    return [one.relative_to(place).as_posix() for one in found]
