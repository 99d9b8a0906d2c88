"""Where worktrees go when the branches they are on move or vanish."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, NamedTuple

from release.errors import Problem
from release.flows import checks
from release.git import probing
from release.git import worktree as trees
from release.git import world as git
from release.plan import WorktreeMove

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from release.flows.situation import Situation
    from release.git.probing import Probe
    from release.git.world import Worktree


class Landing(NamedTuple):
    """Where a worktree goes whose branch vanishes: a branch (full refname, empty for none) and its commit."""

    branch: str
    commit: str


def follow(
    scene: Situation, probe: Probe, moved: Mapping[str, str], leaving: Iterable[str], landing: Landing
) -> tuple[tuple[WorktreeMove, ...], tuple[str, ...], list[Problem]]:
    """Plan how every worktree follows: `moved` branches to their new commits, `leaving` ones to the landing.

    `probe` is of the worktree that the flow runs in. Returns the moves, notes on them, and what stands in the way.
    """
    gone = set(leaving)
    moves: list[WorktreeMove] = []
    notes: list[str] = []
    problems: list[Problem] = []
    for tree in scene.world.worktrees:
        goal = _goal(scene, tree, moved, gone, landing)
        if goal is None:
            if not tree.branch and git.held_branch(tree.git_dir) in (*moved, *gone):
                problems += checks.busy(tree, is_here=tree.path == scene.worktree.path)
            continue
        if not tree.path.is_dir():
            problems.append(_out_of_reach(tree))
            continue
        if tree.branch in gone and not goal.branch:
            notes.append(_detached(scene, tree, goal, landing))
        move = move_of(scene, tree, goal)
        if tree.path == scene.worktree.path:
            found = checks.following(tree, probe, move, is_here=True)
        else:
            with probing.probed(tree) as other:
                found = checks.following(tree, other, move, is_here=False)
        problems += found
        moves.append(move)
    return tuple(moves), tuple(notes), problems


def _out_of_reach(tree: Worktree) -> Problem:
    """Say that a worktree is locked, so that git goes on counting with it, and not there."""
    name, place = tree.branch.removeprefix("refs/heads/"), shlex.quote(str(tree.path))
    return Problem(
        what=f"the worktree {tree.path} on {name} is out of reach: it cannot follow",
        hint=f"bring it back, or let git forget it: git worktree unlock {place} && git worktree prune",
    )


def _detached(scene: Situation, tree: Worktree, goal: Landing, landing: Landing) -> str:
    """Say where a worktree ends without a branch, and why."""
    name = landing.branch.removeprefix("refs/heads/")
    other = next((one.path for one in scene.world.worktrees if one.branch == landing.branch and one is not tree), None)
    why = f"{name} is checked out in {other}" if other else "its branch is not here"
    if name and not other:
        why = f"{name} goes to another worktree"
    return f"{tree.path} ends detached at {goal.commit[:10]}: {why}"


def _goal(
    scene: Situation, tree: Worktree, moved: Mapping[str, str], gone: set[str], landing: Landing
) -> Landing | None:
    """Return where a worktree goes; None when it stays."""
    if tree.branch in gone:
        elsewhere = {other.branch for other in scene.world.worktrees if other.path != tree.path}
        is_first = next(one for one in scene.world.worktrees if one.branch in gone).path == tree.path
        return landing if landing.branch not in elsewhere and is_first else Landing("", landing.commit)
    return Landing(tree.branch, moved[tree.branch]) if tree.branch in moved else None


def move_of(scene: Situation, tree: Worktree, goal: Landing) -> WorktreeMove:
    """Return how a worktree goes from where it is to a commit on a branch."""
    old, new = (scene.objects.commit(commit).tree for commit in (tree.head, goal.commit))
    return WorktreeMove(
        path=str(tree.path),
        git_dir=str(tree.git_dir),
        old_branch=tree.branch,
        old=tree.head,
        new_branch=goal.branch,
        new=goal.commit,
        changes=trees.changes(scene.objects, old, new),
    )
