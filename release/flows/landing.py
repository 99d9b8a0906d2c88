"""A release that landed by a pull request: its tag, and its ancestry for the branches that get the tag."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from release.errors import Problem, ReleaseError, refusal
from release.flows import (
    checks,
    commands,
    conflicts,
    content,
    fixes,
    landed,
    moves,
    publishing,
    releasing,
    situation,
    tagging,
    unpublished,
)
from release.flows.landed import Landed
from release.flows.receiving import Incoming, Receiver
from release.flows.releasing import Merges
from release.plan import Plan
from release.steps import squashed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from release.flows.releasing import Finish


def is_over(run: Finish) -> Plan | None:
    """Return what is left to do when the version is tagged and its branch is gone; None when it is not.

    That is mostly nothing. A branch that lacks the ancestry of what it got, as after a squashed back-merge, gets it.

    Raises:
        Stopped: that conflicts.
        ReleaseError: it is tagged, and its branch was not deleted, or something else stands in the way (exit 3).
    """
    scene, subject = run.scene, run.subject
    commit = scene.tags.get(subject.version)
    if commit is None or not tagging.is_on_chain(scene, commit, subject.target_tip):
        return None
    if subject.branch.exists:
        if scene.group(subject.branch.name) == "release":
            _refuse_released(run)
        return None
    tip = squashed.tip(scene.objects, scene.tag_object(subject.version) or "")
    is_here = bool(tip) and scene.objects.commit_here(tip) is not None
    found = Landed(commit, "", 0, tip if is_here else "", is_whole=True)
    done = f"{run.tag} is released already: nothing to do"
    then = releasing.STATUS
    waiting = run.backmerge.there
    if run.wish.pr and waiting is not None and not landed.lacking(scene, [Receiver(run.backmerge, waiting)], found):
        develop = Receiver(scene.develop, situation.starting_point(scene, scene.develop)[0])
        if landed.lacking(scene, [develop], found):
            asked = releasing.back_request(run)
            done = f"{run.tag} is released already, and {run.backmerge.name} awaits its merge: {asked.address}"
            return Plan(task=run.task, top=str(scene.repository.top), done=done, then=releasing.MERGE, request=asked)
        then = f"{commands.git('push', scene.world.remote, f':{run.backmerge.name}')}    (it is merged)"
    merges, notes = _merged_back(run, found)
    if not merges.back:
        return Plan(task=run.task, top=str(scene.repository.top), done=done, then=then)
    return _given_again(run, merges, notes)


def _given_again(run: Finish, merges: Merges, notes: list[str]) -> Plan:
    """Plan the merges back alone."""
    scene, wish = run.scene, run.wish
    scene.writer.flush(*(commit for _, commit in merges.back))
    moved = list(releasing.given_back(run, merges))
    refs, push, later = publishing.visible(scene, moved, None, push=wish.push)
    goals = {ref.name: ref.new for ref in refs if ref.new is not None}
    followed, more, problems = moves.follow(scene, run.probe, goals, [], moves.Landing("", merges.commit))
    problems = [*checks.worktree(scene.worktree, run.probe), *_backmerge_is_free(run), *problems]
    if problems:
        raise ReleaseError(dict.fromkeys(problems))
    asked = releasing.requested_back(run, merges)
    return Plan(
        task=run.task,
        top=str(scene.repository.top),
        done=f"{run.tag} is merged back: {', '.join(releasing.given_to(run, merges, asked))}",
        request=asked,
        undo=releasing.PUBLISHED if push is not None else commands.undo(scene, refs, followed),
        then=releasing.then(run, merges, later, is_pushed=push is not None),
        push=push,
        refs=refs,
        worktrees=followed,
        trees=tuple((one.receiver.branch.name, one.outcome.tree) for one, _ in merges.back),
        notes=(*run.subject.notes, *notes, *more),
    )


def _refuse_released(run: Finish) -> NoReturn:
    """Refuse a branch whose version is tagged. It can go, when its release is pushed and has all its commits.

    Raises:
        ReleaseError: always (exit 3).
    """
    scene, subject = run.scene, run.subject
    name, what = subject.branch.name, f"{subject.branch.name} is released already, as {run.tag}"
    later = fixes.after(scene, subject.tip, subject.version)
    if later:
        some = f"{len(later)} more commits that are" if len(later) > 1 else "1 more commit that is"
        soon = f"invoke hotfix.start && {fixes.picked(later)}"
        hint = f"take them along: {fixes.along(scene, later)}    or release them soon: {soon}"
        raise refusal(f"{what}, and has {some} in no release", hint)
    unpublished.refuse(scene, "")  # its end at the remote may be part of that
    gone = ("--remote",) if subject.branch.here is None else ()
    raise refusal(what, f"it can go: {commands.invoke(f'{scene.group(name)}.drop', '--name', name, *gone)}")


def tag_landed(run: Finish, found: Landed) -> Plan:
    """Plan the tag of what landed by a pull request, and give its ancestry to the branches that get the tag.

    Raises:
        Stopped: a merge back conflicts.
        ReleaseError: the version is not new, or something else stands in the way.
    """
    scene, subject = run.scene, run.subject
    if scene.tags.get(subject.version) == found.commit:
        _refuse_released(run)
    run = run._replace(config=scene.config_at(found.commit, subject.target.name))
    problems = [
        *subject.problems,
        *checks.worktree(scene.worktree, run.probe),
        *checks.newer(scene, subject.version, subject.target, found.before),
        *_backmerge_is_free(run),
    ]
    if problems:
        raise ReleaseError(problems)
    merges, notes = _merged_back(run, found)
    notes[:0] = _of_landed(run, found)
    return releasing.plan(run, content.Content(found.commit, merges.tree, (), None), merges, notes)


def _merged_back(run: Finish, found: Landed) -> tuple[Merges, list[str]]:
    """Merge what landed into the branches that lack any of it; also return notes on them.

    Raises:
        Stopped: a merge conflicts.
        ReleaseError: one of them has diverged from the remote's (exit 3).
    """
    scene = run.scene
    receivers, notes, problems = releasing.receivers(run)
    if problems:
        raise ReleaseError(problems)
    receivers = landed.lacking(scene, receivers, found)
    tree, released = run.sides.tree_of(found.commit), scene.released(found.tip or found.commit)
    incoming = Incoming(run.sides.side(tree, run.tag, released), landed.tips(found), released, run.subject.version)
    back = releasing.into_all(run, incoming, receivers)
    conflicting = [one for one in back if one.outcome.conflicts]
    if conflicting:
        raise conflicts.stopped(scene, releasing.stop(run), conflicting[0], found.commit, conflicting[1:])
    return Merges(found.commit, tree, None, releasing.committed(run, back, landed.tips(found)), found), notes


def _of_landed(run: Finish, found: Landed) -> Iterator[str]:
    """What the person at the terminal should know of what was found."""
    subject, commit = run.subject, found.commit[:10]
    yield f"{subject.version} landed on {subject.target.name} as {commit}: this is tagged"
    if found.later:
        some = f"{found.later} later commits have" if found.later > 1 else "1 later commit has"
        yield f"{some} the version {subject.version} too; to tag one of them: --commit OID"
    if not landed.is_finished(run.scene, found.commit, subject):
        name, pr = run.config.changelog, f"invoke {run.wish.flow} --pr"
        yield f"warning: {name} has no finished section [{subject.version}]: that is made by {pr}, before the merge"
    if not found.is_whole:
        yield f"{subject.branch.name} is kept: it has commits that are not in {commit}"


def _backmerge_is_free(run: Finish) -> Iterator[Problem]:
    """A branch for the back-merge that somebody has made, or worked on, is not overwritten."""
    scene, branch = run.scene, run.backmerge
    if run.wish.pr and not scene.trunk and run.subject.is_main and branch.exists:
        there = commands.git("push", scene.world.remote, f":{branch.name}") if branch.there is not None else ""
        here = commands.git("branch", "-D", branch.name) if branch.here is not None else ""
        yield Problem(
            what=f"{branch.name}, for the back-merge, exists already",
            hint=f"delete it: {' && '.join(filter(None, (here, there)))}",
        )
