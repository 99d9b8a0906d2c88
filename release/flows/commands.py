"""Commands for a person to type: what takes a plan back while it is only here, and what pushes it later."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from release.flows.situation import Situation
    from release.plan import Push, RefUpdate, WorktreeMove

_SHORT = 12  # digits of an id: enough for git, and for a line that people read
_BRANCHES, _TAGS = "refs/heads/", "refs/tags/"


def git(*words: str) -> str:
    """Return a git command as it is typed: names of branches, remotes and folders are data there, too."""
    return shlex.join(("git", *words))


def invoke(*words: str) -> str:
    """Return a task's command as it is typed."""
    return shlex.join(("invoke", *words))


def undo(scene: Situation, refs: Sequence[RefUpdate], moves: Sequence[WorktreeMove]) -> str:
    """Return what puts refs and worktrees back as they were before: all of it, or nothing when a branch went on since.

    HEADs let go of branches that move, and are put back to them if these do not.
    """
    leaving = [f"{_git(scene, move)} switch -q --detach" for move in moves if move.new_branch]
    returning = [f"{_git(scene, move)} switch {_goal(move.old_branch, move.old)}" for move in moves]
    staying = [f"{_git(scene, move)} switch {_goal(move.new_branch, move.new)}" for move in moves if move.new_branch]
    line = " && ".join([*leaving, *([_put_back(refs)] if refs else []), *returning])
    return f"{line} || {{ {'; '.join(staying)}; false; }}" if staying and refs else line


def _git(scene: Situation, move: WorktreeMove) -> str:
    return "git" if move.path == str(scene.worktree.path) else f"git -C {shlex.quote(move.path)}"


def _goal(branch: str, commit: str) -> str:
    name = branch.removeprefix(_BRANCHES)
    return shlex.quote(name) if name else f"--detach {commit[:_SHORT]}"


def _put_back(refs: Sequence[RefUpdate]) -> str:
    """Return one command: what it moves together, it moves in one transaction."""
    if len(refs) > 1:
        lines = [shlex.quote(_instruction(ref)) for ref in refs]
        return f"printf '%s\\n' {' '.join(lines)} | git update-ref --stdin"
    ref = refs[0]
    if ref.name.startswith(_TAGS):
        return git("tag", "-d", ref.name.removeprefix(_TAGS))
    if ref.new is None:
        assert ref.old is not None  # noqa: S101  # a ref that neither was nor will be is no update
        return git("branch", ref.name.removeprefix(_BRANCHES), ref.old[:_SHORT])
    if ref.old is None:
        return git("update-ref", "-d", ref.name, ref.new[:_SHORT])
    return git("update-ref", ref.name, ref.old[:_SHORT], ref.new[:_SHORT])


def _instruction(ref: RefUpdate) -> str:
    """Return a line of `git update-ref --stdin` that takes an update back, if nobody has moved the ref since."""
    old, new = (oid and oid[:_SHORT] for oid in (ref.old, ref.new))
    if old is None:
        return f"delete {ref.name} {new}"
    return f"create {ref.name} {old}" if new is None else f"update {ref.name} {old} {new}"


def push(scene: Situation, later: Push | None) -> str:
    """Return what pushes all of it at once; "" when there is nothing to push or no remote.

    A branch is deleted there only if it still is where it was seen.
    """
    if later is None:
        return ""
    gone = [ref for ref in later.updates if ref.new is None and ref.old is not None]
    leases = [f"--force-with-lease={_word(scene, ref)}:{(ref.old or '')[:_SHORT]}" for ref in gone]
    words = [f"{':' if ref.new is None else ''}{_word(scene, ref)}" for ref in later.updates]
    return " ".join(["git push --atomic", *leases, shlex.quote(later.remote), *words])


def _word(scene: Situation, ref: RefUpdate) -> str:
    """Return a ref's short name; the full one where a branch and a tag share it."""
    prefix = _TAGS if ref.name.startswith(_TAGS) else _BRANCHES
    short = ref.name.removeprefix(prefix)
    other = (_BRANCHES if prefix == _TAGS else _TAGS) + short
    is_shared = other in scene.world.refs or other in (scene.world.remote_refs or {})
    return shlex.quote(ref.name if is_shared else short)
