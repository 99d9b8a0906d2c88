"""Lock files that a killed git leaves: removed only when it is certain that nobody works there any more."""

from __future__ import annotations

import contextlib
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from release.errors import Problem, ReleaseError, refusal
from release.git import command, world

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from release.git.repository import Repository
    from release.plan import Plan

_SENDING = ("push", "send-pack", "remote-")  # the first words of git processes that move refs of a remote


def remove_locks(repository: Repository, plan: Plan) -> None:
    """Remove the lock files of journalled refs and worktrees. The caller holds our lock.

    Raises:
        ReleaseError: another git process works in this repository, or a ref's lock holds a value that is not ours
            (exit 3).
    """
    values = {update.name: {update.old, update.new} for update in plan.refs}
    if plan.push is not None:
        pushed = {update.name: {update.old, update.new} for update in plan.push.updates}
        for name, tracking in world.tracking(repository, plan.push.remote, pushed).items():
            values.setdefault(tracking, pushed[name])
    ref_locks = {repository.common / f"{name}.lock": oids for name, oids in values.items()}
    # packed-refs.new is what packed-refs.lock guards: git makes it anew and fails on one that is there.
    other = [repository.common / "packed-refs.lock", repository.common / "packed-refs.new"]
    for git_dir in (_git_dir(repository, plan), *(Path(move.git_dir) for move in plan.worktrees)):
        other += [git_dir / "index.lock", git_dir / "HEAD.lock"]
    present = [lock for lock in (*ref_locks, *other) if lock.exists()]
    if not present:
        return
    refuse_if_working(repository, plan)
    for lock in present:
        held = lock.read_text(errors="replace").strip() if lock in ref_locks else ""
        if held and held not in ref_locks[lock]:
            raise refusal(
                f"{lock} was left by something else: it holds {held[:64]!r}", "remove it if no git is running"
            )
        lock.unlink(missing_ok=True)


def index_lock(place: str, git_dir: Path) -> Problem | None:
    """Return what is wrong when the index of the worktree at `place` is locked: it cannot follow."""
    lock = git_dir / "index.lock"
    if not lock.exists():
        return None
    hint = f"wait for it to end; when no git works there: rm {shlex.quote(str(lock))}"
    return Problem(what=f"a git command is at work in {place}, or was killed: {lock} is there", hint=hint)


def refuse_locked(repository: Repository, plan: Plan) -> None:
    """Refuse a plan while an index that it changes is locked: that would be noticed when there is no way back.

    Raises:
        ReleaseError: there are such (exit 3).
    """
    places = {move.path: Path(move.git_dir) for move in plan.worktrees}
    if plan.index:
        places[plan.top] = repository.git_dir
    problems = [problem for place, git_dir in places.items() if (problem := index_lock(place, git_dir))]
    if problems:
        raise ReleaseError(problems)


def refuse_if_working(repository: Repository, plan: Plan, *, pushing: bool = False) -> None:
    """Refuse while a git process, or with `pushing` one that may still send to a remote, is at work here.

    Raises:
        ReleaseError: there is one (exit 3).
    """
    inside = (repository.top, repository.common, Path(plan.top), *(Path(move.path) for move in plan.worktrees))
    busy = _working_git(inside, _SENDING if pushing else ())
    if busy is not None:
        raise refusal(
            f"git process {busy} is at work in this repository", "wait for it to end, then repeat this command"
        )


def _git_dir(repository: Repository, plan: Plan) -> Path:
    """The git folder of the worktree that the plan was made in, which need not be the one we are called in."""
    if Path(plan.top) == repository.top:
        return repository.git_dir
    out = command.run(["rev-parse", "--absolute-git-dir"], cwd=Path(plan.top)).out
    return Path(os.fsdecode(out).rstrip("\n"))


def _working_git(inside: Iterable[Path], doing: Sequence[str]) -> int | None:
    """Return the id of a git process, not our own child, whose folder lies `inside` (Linux: /proc)."""
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            name = (entry / "comm").read_text().strip()
            if name != "git" and not name.startswith("git-"):
                continue
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            folder = (entry / "cwd").readlink()
            words = (entry / "cmdline").read_text(errors="replace").split("\0")
            if state == "Z" or parent == os.getpid() or not any(folder.is_relative_to(place) for place in inside):
                continue
            if not doing or any(word.removeprefix("git-").startswith(tuple(doing)) for word in words):
                return int(entry.name)
    return None
