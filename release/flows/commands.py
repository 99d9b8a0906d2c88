"""Commands for a person to type: what takes a plan back while it is only here, and what pushes it later."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from release.flows.situation import Situation
    from release.plan import Push, RefUpdate, WorktreeMove

_SHORT = 12  # digits of an id: enough for git, and for a line that people read
_BRANCHES, _TAGS = "refs/heads/", "refs/tags/"


def undo(scene: Situation, refs: Iterable[RefUpdate], moves: Sequence[WorktreeMove]) -> str:
    """Return what puts refs and worktrees back as they were before; it does nothing to a branch that went on since."""
    leaving = [f"{_git(scene, move)} switch -q --detach" for move in moves if move.new_branch]
    returning = [f"{_git(scene, move)} switch {_goal(move)}" for move in moves]
    return " && ".join([*leaving, *map(_put_back, refs), *returning])


def _git(scene: Situation, move: WorktreeMove) -> str:
    return "git" if move.path == str(scene.worktree.path) else f"git -C {shlex.quote(move.path)}"


def _goal(move: WorktreeMove) -> str:
    name = move.old_branch.removeprefix(_BRANCHES)
    return shlex.quote(name) if name else f"--detach {move.old[:_SHORT]}"


def _put_back(ref: RefUpdate) -> str:
    name = shlex.quote(ref.name)
    if ref.name.startswith(_TAGS):
        return f"git tag -d {shlex.quote(ref.name.removeprefix(_TAGS))}"
    if ref.new is None:
        assert ref.old is not None  # noqa: S101  # a ref that neither was nor will be is no update
        return f"git branch {shlex.quote(ref.name.removeprefix(_BRANCHES))} {ref.old[:_SHORT]}"
    if ref.old is None:
        return f"git update-ref -d {name} {ref.new[:_SHORT]}"
    return f"git update-ref {name} {ref.old[:_SHORT]} {ref.new[:_SHORT]}"


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
