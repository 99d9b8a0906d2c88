"""What people did while a plan waited for its gates: it is told before anything moves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from release.errors import Problem, ReleaseError
from release.flows import checks, commands
from release.git import files, probing, world
from release.git import worktree as trees
from release.git.pushing import short

if TYPE_CHECKING:
    from collections.abc import Iterator

    from release.git.database import ObjectReader
    from release.git.repository import Repository
    from release.git.world import Worktree, World
    from release.plan import Plan, WorktreeMove


def refuse_changed(repository: Repository, plan: Plan, objects: ObjectReader) -> None:
    """Refuse a plan when what it was made from is not as it was any more.

    Raises:
        ReleaseError: all that has changed, here; what changed at the remote, its push tells (exit 3).
    """
    now = world.observe(repository)
    found = [*_refs(now, plan), *_worktrees(now, plan), *_branch(now, plan), *_files(plan, objects)]
    if found:
        raise ReleaseError(found)


def _refs(now: World, plan: Plan) -> Iterator[Problem]:
    for ref in plan.refs:
        held = now.refs[ref.name].oid if ref.name in now.refs else None
        if held != ref.old:
            yield _moved(short(ref.name), ref.old, held, plan)


def _moved(name: str, old: str | None, held: str | None, plan: Plan) -> Problem:
    was, is_now = ((oid or "absent")[:10] for oid in (old, held))
    return Problem(
        what=f"{name} has moved while the gates ran, from {was} to {is_now}: nothing else has changed",
        hint=f"begin again, it is planned on what is there now: invoke {plan.task}",
    )


def _worktrees(now: World, plan: Plan) -> Iterator[Problem]:
    known = {str(tree.path): tree for tree in now.worktrees}
    for move in plan.worktrees:
        tree = known.get(move.path)
        if tree is None or (tree.branch, tree.head) != (move.old_branch, move.old):
            there = None if tree is None else tree.head
            yield _moved(f"HEAD of {move.path}", move.old, there, plan)
        else:
            yield from _in_the_way(tree, move, plan)


def _in_the_way(tree: Worktree, move: WorktreeMove, plan: Plan) -> Iterator[Problem]:
    with probing.probed(tree) as probe:
        yield from checks.following(tree, probe, move, is_here=move.path == plan.top)


def _branch(now: World, plan: Plan) -> Iterator[Problem]:
    """Say that the files and the index that go with a branch are on another one now."""
    moving = [ref for ref in plan.refs if ref.old is not None]
    here = next((tree.branch for tree in now.worktrees if str(tree.path) == plan.top), "")
    if (plan.files or plan.index) and moving and here not in [ref.name for ref in moving]:
        yield Problem(
            what=f"{plan.top} is on {short(here) or 'no branch'} now, not on {short(moving[0].name)} any more",
            hint=f"{commands.git('switch', short(moving[0].name))}, then begin again: invoke {plan.task}",
        )


def _files(plan: Plan, objects: ObjectReader) -> Iterator[Problem]:
    top = Path(plan.top)
    changed = [
        edit.path
        for edit in plan.files
        if files.content(top, edit.path) != (None if edit.old is None else objects.blob(edit.old))
    ]
    held = trees.index(top, {change.path for change in plan.index}) if plan.index else {}
    changed += [change.path for change in plan.index if held.get(change.path) != change.old]
    if changed:
        yield Problem(
            what=f"changed while the gates ran: {trees.name_some(dict.fromkeys(changed))}",
            hint=f"begin again: invoke {plan.task}",
        )
