"""`release.drop`, `hotfix.drop`, `feature.drop`: delete a branch that is not to be finished."""

from __future__ import annotations

from typing import TYPE_CHECKING

from release.errors import Problem, ReleaseError, usage
from release.flows import checks, commands, moves, subjects
from release.git import history, probing
from release.plan import Plan, Push, RefUpdate, typed

if TYPE_CHECKING:
    from release.flows.situation import Branch, Situation
    from release.plan import WorktreeMove


def drop(scene: Situation, group: str, name: str, *, remote: bool) -> tuple[Plan, str]:
    """Plan the deletion of a branch of a group of tasks; also return the question that says what would be lost.

    Raises:
        ReleaseError: no such branch, or several (exit 2); the worktree cannot leave it (exit 3).
    """
    branch = subjects.of_group(scene, group, name)
    if remote and branch.there is None:
        raise usage(f"{branch.name} is not at {scene.world.remote or 'any remote'}", "leave out --remote")
    if branch.here is None and not remote:
        raise usage(f"{branch.name} exists only at {scene.world.remote}", "delete it there with --remote")
    # A hotfix came from main, the others from develop.
    leaving, problems = _leave(scene, branch, scene.main if group == "hotfix" else scene.develop)
    problems += _used_elsewhere(scene, branch)
    if problems:
        raise ReleaseError(problems)
    pushed = (RefUpdate(name=branch.ref, old=branch.there, new=None),) if remote else ()
    local = (RefUpdate(name=branch.ref, old=branch.here, new=None),) if branch.here is not None else ()
    plan = Plan(
        task=typed(f"{group}.drop", name=branch.name, remote=remote),
        top=str(scene.repository.top),
        done=f"{branch.name} is deleted" + (f" here and at {scene.world.remote}" if remote else ""),
        undo=" && ".join(
            [
                *([commands.git("branch", branch.name, branch.here)] if branch.here else []),
                *([commands.git("push", scene.world.remote, f"{branch.there}:{branch.ref}")] if remote else []),
            ]
        ),
        push=Push(remote=scene.world.remote, updates=pushed) if pushed else None,
        refs=local,
        worktrees=leaving,
        notes=(
            (f"{branch.name} stays at {scene.world.remote}; delete it there with --remote",)
            if branch.there is not None and not remote
            else ()
        ),
    )
    return plan, f"delete {branch.name}? {_loss(scene, branch, remote=remote)}"


def _leave(scene: Situation, branch: Branch, home: Branch) -> tuple[tuple[WorktreeMove, ...], list[Problem]]:
    """Move the worktree to `home` when it stands on the branch."""
    tree = scene.worktree
    if tree.branch != branch.ref:
        return (), []
    if home.here is None:
        there = f"{scene.world.remote}/{home.name}"
        hint = f"{commands.git('fetch', scene.world.remote)} && {commands.git('branch', home.name, there)}"
        return (), [Problem(what=f"{home.name} does not exist here to go back to", hint=hint)]
    taken = any(other.branch == home.ref for other in scene.world.worktrees if other.path != tree.path)
    move = moves.move_of(scene, tree, moves.Landing("" if taken else home.ref, home.here))
    with probing.probed(tree) as probe:
        problems = checks.worktree(tree, probe)
        if not problems and (problem := probe.can_follow(move)) is not None:
            problems.append(problem)
    return (move,), problems


def _used_elsewhere(scene: Situation, branch: Branch) -> list[Problem]:
    return [
        Problem(
            what=f"{branch.name} is checked out in {other.path}",
            hint=commands.git("-C", str(other.path), "switch", "--detach"),
        )
        for other in scene.world.worktrees
        if other.branch == branch.ref and other.path != scene.worktree.path
    ]


def _loss(scene: Situation, branch: Branch, *, remote: bool) -> str:
    """Say how many commits no other branch holds; those that only the remote has are counted when it loses them."""
    tips = [tip for tip in (branch.here, branch.there if remote else None) if tip is not None]
    kept = [
        ref.commit
        for name, ref in (*scene.world.refs.items(), *(scene.world.remote_refs or {}).items())
        if name != branch.ref and not name.endswith(f"/{branch.name}")
    ]
    if branch.there is not None and not remote:
        kept.append(branch.there)
    lost = len(history.only_in(scene.repository, tips, kept))
    if not lost:
        return "All its commits are kept by other refs."
    return "1 commit is on no other branch." if lost == 1 else f"{lost} commits are on no other branch."
