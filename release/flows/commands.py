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


def git(*words: str) -> str:
    """Return a git command as it is typed: names of branches, remotes and folders are data there, too."""
    return shlex.join(("git", *words))


def invoke(*words: str) -> str:
    """Return a task's command as it is typed."""
    return shlex.join(("invoke", *words))


def undo(scene: Situation, refs: Sequence[RefUpdate], moves: Sequence[WorktreeMove]) -> str:
    """Return what puts refs and worktrees back as they were before: all of it, or nothing.

    A ref that went on since is found before anything changes. Then files go back, which git refuses where it would lose
    some; then the refs, under no HEAD that follows them; and last the HEADs to their branches.
    """
    back = [_put_back(refs)] if refs else []
    checked = [_printed(map(_verified, refs))] if refs and moves else []
    returning = [f"{_git(scene, move)} switch {_name(move.old_branch)}" for move in moves if move.old_branch]
    return " && ".join([*checked, *_all_or_none(scene, moves, back), *returning])


def _all_or_none(scene: Situation, moves: Sequence[WorktreeMove], last: Sequence[str]) -> list[str]:
    """Return commands that take the files of each worktree back, then do the last; one that fails takes all along."""
    if not moves:
        return [*last]
    first, *others = moves
    leaving = f"{_git(scene, first)} switch -q --detach {first.old[:_SHORT]}"
    if not others:
        return [leaving, *last]
    rest = " && ".join(_all_or_none(scene, others, last))
    return [leaving, f"{{ {rest} || {{ {_git(scene, first)} checkout -q -; false; }}; }}"]


def _git(scene: Situation, move: WorktreeMove) -> str:
    return "git" if move.path == str(scene.worktree.path) else f"git -C {shlex.quote(move.path)}"


def _name(branch: str) -> str:
    return shlex.quote(branch.removeprefix(_BRANCHES))


def _put_back(refs: Sequence[RefUpdate]) -> str:
    """Return one command: what it moves together, it moves in one transaction."""
    if len(refs) > 1:
        return _printed(map(_instruction, refs))
    ref = refs[0]
    if ref.name.startswith(_TAGS):
        return git("tag", "-d", ref.name.removeprefix(_TAGS))
    if ref.new is None:
        assert ref.old is not None  # noqa: S101  # a ref that neither was nor will be is no update
        return git("branch", ref.name.removeprefix(_BRANCHES), ref.old[:_SHORT])
    if ref.old is None:
        return git("update-ref", "-d", ref.name, ref.new[:_SHORT])
    return git("update-ref", ref.name, ref.old[:_SHORT], ref.new[:_SHORT])


def _printed(lines: Iterable[str]) -> str:
    return f"printf '%s\\n' {' '.join(map(shlex.quote, lines))} | git update-ref --stdin"


def _verified(ref: RefUpdate) -> str:
    """Return a line of `git update-ref --stdin` that changes nothing, and fails if somebody has moved the ref since."""
    return f"verify {ref.name} {ref.new[:_SHORT]}" if ref.new else f"verify {ref.name}"


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
