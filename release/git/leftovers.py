"""Lock files that a killed git leaves: removed only when it is certain that nobody works there any more."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from release.errors import refusal

if TYPE_CHECKING:
    from release.git.repository import Repository
    from release.plan import Plan


def remove_locks(repository: Repository, plan: Plan) -> None:
    """Remove the `*.lock` files of journalled refs and worktrees. The caller holds our lock.

    Raises:
        ReleaseError: another git process works in this repository, or a ref's lock holds a value that is not ours
            (exit 3).
    """
    values = {update.name: {update.old, update.new} for update in plan.refs}
    if plan.push is not None:
        for update in plan.push.updates:
            tracking = update.name.replace("refs/heads/", f"refs/remotes/{plan.push.remote}/", 1)
            values.setdefault(tracking, {update.old, update.new})
    ref_locks = {repository.common / f"{name}.lock": oids for name, oids in values.items()}
    other = [
        repository.common / "packed-refs.lock",
        repository.git_dir / "index.lock",
        repository.git_dir / "HEAD.lock",
    ]
    for move in plan.worktrees:
        other += [Path(move.git_dir) / "index.lock", Path(move.git_dir) / "HEAD.lock"]
    present = [lock for lock in (*ref_locks, *other) if lock.exists()]
    if not present:
        return
    busy = working_git(repository)
    if busy is not None:
        raise refusal(
            f"git process {busy} is at work in this repository", "wait for it to end, then repeat this command"
        )
    for lock in present:
        held = lock.read_text(errors="replace").strip() if lock in ref_locks else ""
        if held and held not in ref_locks[lock]:
            raise refusal(
                f"{lock} was left by something else: it holds {held[:64]!r}", "remove it if no git is running"
            )
        lock.unlink(missing_ok=True)


def working_git(repository: Repository) -> int | None:
    """Return the id of a git process, not our own child, whose folder lies in this repository (Linux: /proc)."""
    inside = (repository.top, repository.common)
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            name = (entry / "comm").read_text().strip()
            if name != "git" and not name.startswith("git-"):
                continue
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            folder = (entry / "cwd").readlink()
            if state != "Z" and parent != os.getpid() and any(folder.is_relative_to(place) for place in inside):
                return int(entry.name)
    return None
