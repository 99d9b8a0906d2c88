"""A merge that a person has to finish, in a worktree of its own: made, looked at, and put away."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from release.errors import Exit, Problem, ReleaseError
from release.git import command
from release.git.worktree import name_some

if TYPE_CHECKING:
    from release.git.repository import Repository
    from release.plan import Opened

_MARKS = (b"<<<<<<< ", b">>>>>>> ")


def place(repository: Repository, branch: str) -> Path:
    """Return where the worktree for a merge into `branch` goes: beside the repository, else in its git folder."""
    name = f"{repository.top.name}-merge-{branch.replace('/', '-')}"
    beside = repository.top.parent
    folder = beside if os.access(beside, os.W_OK) else repository.common / "release"
    found = folder / name
    number = 1
    while found.exists():
        number += 1
        found = folder / f"{name}-{number}"
    return found


def make(repository: Repository, opened: Opened, message: str, *, lock: int | None) -> None:
    """Make the worktree with the merge in progress: sites settled, conflicts marked and unmerged in the index.

    MERGE_HEAD is written last: a worktree without it was never handed over, and is made anew.
    """
    where = Path(opened.path)
    git_dir = _git_dir(where)
    if git_dir is not None and ((git_dir / "MERGE_HEAD").exists() or _head(where) != opened.ours):
        return
    remove(repository, opened, lock=lock)
    arguments = ["worktree", "add", "--quiet", "--detach", "--no-checkout", "--", str(where), opened.ours]
    command.write(arguments, cwd=repository.top, lock=lock)
    command.write(["read-tree", "--reset", "-u", "--no-recurse-submodules", opened.tree], cwd=where, lock=lock)
    lines = []
    for path, *stages in opened.conflicts:
        raw = os.fsencode(path)
        lines.append(b"0 " + b"0" * len(opened.ours) + b"\t" + raw + b"\0")
        lines += [
            f"{entry.mode} {entry.oid} {number}\t".encode() + raw + b"\0"
            for number, entry in enumerate(stages, 1)
            if entry is not None
        ]
    command.write(["update-index", "-z", "--index-info"], cwd=where, lock=lock, data=b"".join(lines))
    git_dir = _git_dir(where)
    assert git_dir is not None  # noqa: S101  # git has just made it
    (git_dir / "MERGE_MSG").write_text(f"{message}\n", encoding="utf-8")
    (git_dir / "MERGE_MODE").write_text("no-ff", encoding="ascii")
    (git_dir / "MERGE_HEAD").write_text(f"{opened.theirs}\n", encoding="ascii")


def resolution(opened: Opened, *, lock: int | None) -> str:
    """Return the tree that the person made, committed or only staged.

    Raises:
        ReleaseError: it is not finished, or was given up (exit 6).
    """
    where = Path(opened.path)
    git_dir = _git_dir(where)
    if git_dir is None:
        raise _unfinished(f"the worktree {where} is gone", "release.resume makes it anew")
    if _head(where) == opened.ours and not (git_dir / "MERGE_HEAD").exists():
        raise _unfinished(f"the merge in {where} was given up", "begin it again: invoke release.abort, then the task")
    unmerged = {record.partition(b"\t")[2] for record in _lines(where, "ls-files", "--unmerged", "-z")}
    if unmerged:
        raise _unfinished(f"not resolved in {where}: {_some(unmerged)}", "edit, git add, then: invoke release.resume")
    unstaged = set(_lines(where, "diff-files", "--name-only", "-z"))
    if unstaged:
        raise _unfinished(
            f"edited in {where} and not staged: {_some(unstaged)}", "git add, then: invoke release.resume"
        )
    marked = {os.fsencode(path) for path, *_ in opened.conflicts if _is_marked(where, path)}
    if marked:
        raise _unfinished(f"conflict markers in {where}: {_some(marked)}", "resolve them, git add, then resume")
    return command.write(["write-tree"], cwd=where, lock=lock).out.decode().strip()


def remove(repository: Repository, opened: Opened, *, lock: int | None) -> None:
    """Take the worktree away, with all that is in it."""
    where = Path(opened.path)
    arguments = ["worktree", "remove", "--force", "--force", "--", str(where)]
    command.write(arguments, cwd=repository.top, lock=lock, accept=range(256))
    if where.exists() and not (where / ".git").is_dir():  # never handed over, or half removed
        shutil.rmtree(where, ignore_errors=True)
    command.write(["worktree", "prune"], cwd=repository.top, lock=lock)


def _unfinished(what: str, hint: str) -> ReleaseError:
    return ReleaseError([Problem(what=what, hint=hint, exit=Exit.CONFLICT)])


def _git_dir(where: Path) -> Path | None:
    """The git folder of the worktree; None when there is none."""
    if not (where / ".git").is_file():
        return None
    found = command.run(["rev-parse", "--absolute-git-dir"], cwd=where, accept=(0, 128))
    return Path(os.fsdecode(found.out).rstrip("\n")) if found.status == 0 else None


def _head(where: Path) -> str:
    return command.run(["rev-parse", "-q", "--verify", "HEAD"], cwd=where, accept=(0, 1, 128)).out.decode().strip()


def _lines(where: Path, *arguments: str) -> list[bytes]:
    return command.run(arguments, cwd=where).out.split(b"\0")[:-1]


def _some(names: set[bytes]) -> str:
    return name_some(sorted(map(os.fsdecode, names)))


def _is_marked(where: Path, path: str) -> bool:
    staged = command.run(["cat-file", "blob", f":{path}"], cwd=where, accept=(0, 128)).out
    return any(line.startswith(_MARKS) for line in staged.splitlines())
