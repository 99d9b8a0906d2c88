"""`release.finish` and `hotfix.finish`: merge to main, tag, merge back, and delete the branch, as one plan."""

from __future__ import annotations

import contextlib
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from release import version as versions
from release.errors import Problem, ReleaseError, refusal, usage
from release.flows import (
    checks,
    commands,
    conflicts,
    content,
    landed,
    moves,
    publishing,
    requests,
    situation,
    subjects,
    tagging,
)
from release.flows.receiving import Incoming, Merging, Received, Receiver
from release.flows.sides import Sides
from release.git import merge
from release.git import worktree as trees
from release.git import world as git
from release.plan import Candidate, Plan, Stop, Tag

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from release.config import Config
    from release.flows.content import Content
    from release.flows.landed import Landed
    from release.flows.situation import Branch, Situation
    from release.flows.subjects import Subject
    from release.git.worktree import Probe
    from release.plan import Push
    from release.process import Process

STATUS = "invoke release.status"
PUBLISHED = "it is published: mend it with a hotfix: invoke hotfix.start"


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What the task was told. `flow` is its name; `version` renumbers a hotfix."""

    flow: str
    name: str = ""
    version: str = ""
    push: bool = True
    keep: bool = False
    message: str = ""
    allow_changed: bool = False
    allow_empty: bool = False
    pr: bool = False
    commit: str = ""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Finish:
    """One finish under way: what is finished, by which configuration, and the means to put it together."""

    scene: Situation
    wish: Wish
    merging: Merging
    probe: Probe
    subject: Subject
    config: Config

    @property
    def sides(self) -> Sides:
        """The trees that were looked at."""
        return self.merging.sides

    @property
    def task(self) -> str:
        """The command that begins this finish, wherever one stands."""
        return _stop(self).task

    @property
    def tag(self) -> str:
        """The name of the tag to be made."""
        return versions.tag_name(self.subject.version, self.scene.config.tag)

    @property
    def backmerge(self) -> Branch:
        """The branch by which a protected develop gets the tag."""
        return self.scene.branch(versions.tag_name(self.subject.version, self.scene.config.backmerge))


class Merges(NamedTuple):
    """The commit on main that is tagged, with its tree, and the merges into the branches that get the tag.

    `merged` is the merge that made it (None: it landed by a pull request, as `landed` says).
    """

    commit: str
    tree: str
    merged: Received | None
    back: tuple[tuple[Received, str], ...]
    landed: Landed | None = None


def finish(scene: Situation, wish: Wish, resolutions: Mapping[str, str]) -> Plan:
    """Plan the end of a release or hotfix branch. `resolutions` are the trees that people made of earlier conflicts.

    Raises:
        Stopped: a merge conflicts, and a person has to resolve it (exit 6); nothing has changed.
        ReleaseError: everything that stands in the way, at once.
    """
    if wish.pr and not wish.push:
        raise usage("--pr pushes the branch, and --no-push was given too", "leave out one of them")
    with _begun(scene, wish, resolutions) as run:
        if (over := _is_over(run)) is not None:
            return over
        found = landed.find(run.merging, run.subject, wish.commit)
        if found is not None:
            return _tag_landed(run, found)
        run = _opened(run)  # noqa: PLW2901  # the same run, now that it is known what it is about
        final, problems = _final(run)
        problems = [*run.subject.problems, *_objections(run), *problems]
        if problems:
            raise ReleaseError(problems)
        if wish.pr:
            return requests.plan(run, final)
        receivers, notes = _receivers(run)
        return _plan(run, final, _merge(run, final, receivers), notes)


@contextlib.contextmanager
def _begun(scene: Situation, wish: Wish, resolutions: Mapping[str, str]) -> Iterator[Finish]:
    is_hotfix = wish.flow == "hotfix.finish"
    with trees.probed(scene.worktree) as probe, merge.merger(scene.repository, scene.objects) as merger:
        found = subjects.hotfix(scene, wish.name, wish.version) if is_hotfix else subjects.release(scene, wish.name)
        sides = Sides(scene=scene)
        merging = Merging(scene=scene, sides=sides, merger=merger, resolutions=resolutions)
        config = scene.config_at(found.tip or found.target_tip, found.branch.name)
        with contextlib.closing(merging):
            yield Finish(scene=scene, wish=wish, merging=merging, probe=probe, subject=found, config=config)


def _is_over(run: Finish) -> Plan | None:
    """Return a plan that does nothing when the branch is gone and its version is tagged; None when it is not.

    Raises:
        ReleaseError: it is tagged, and its branch was not deleted (exit 3).
    """
    scene, subject = run.scene, run.subject
    commit = scene.tags.get(subject.version)
    if commit is None or not tagging.is_on_chain(scene, commit, subject.target_tip):
        return None
    if not subject.branch.exists:
        done = f"{run.tag} is released already: nothing to do"
        return Plan(task=run.task, top=str(scene.repository.top), done=done, then="invoke release.status")
    if scene.group(subject.branch.name) == "release":
        _refuse_released(run)
    return None


def _refuse_released(run: Finish) -> NoReturn:
    """Refuse a branch whose version is tagged.

    Raises:
        ReleaseError: always (exit 3).
    """
    name = run.subject.branch.name
    what = f"{name} is released already, as {run.tag}"
    raise refusal(what, f"it can go: invoke {run.scene.group(name)}.drop --name {name}")


def _opened(run: Finish) -> Finish:
    """Return the run of a branch that has not landed: there has to be one, and a hotfix gets the number that is free.

    Raises:
        ReleaseError: there is no such branch (exit 2), or its target has moved on (exit 3).
    """
    scene, wish = run.scene, run.wish
    if not run.subject.branch.exists:
        subjects.of_group(scene, wish.flow.partition(".")[0], wish.name or run.subject.branch.name)
    if wish.flow == "hotfix.finish" and not wish.version:
        return replace(run, subject=subjects.numbered(scene, run.subject))
    return run


def _final(run: Finish) -> tuple[Content, list[Problem]]:
    """Make the branch say the final version: VERSION, sites, and the finished section of the changelog."""
    subject = run.subject
    return content.of_branch(
        run.scene,
        run.sides,
        tip=subject.tip,
        name=subject.branch.name,
        released=run.scene.released(subject.tip),
        wanted=content.Wanted(
            version=subject.version,
            section="finished",
            allow_empty=run.wish.allow_empty,
            message=f"chore(release): {subject.version}",
        ),
    )


def _objections(run: Finish) -> list[Problem]:
    """What keeps this branch from being released now."""
    scene, subject = run.scene, run.subject
    return [
        *checks.worktree(scene.worktree, run.probe),
        *checks.newer(scene, subject.version, subject.target, subject.target_tip),
        *checks.older_releases(scene, subject),
        *checks.not_empty(run.sides, subject, run.config.changelog),
        *([] if run.wish.allow_changed else checks.unchanged_since_candidate(run.sides, subject, run.config.changelog)),
    ]


def _receivers(run: Finish) -> tuple[list[Receiver], list[str]]:
    """Return the branches that get the tag, newer open releases, oldest first, and develop, and notes on them.

    Raises:
        ReleaseError: one of them has diverged from the remote's (exit 3).
    """
    scene, subject = run.scene, run.subject
    if not subject.is_main:
        return [], []  # a support branch is the end of its line
    branches = [branch for version, branch in scene.open_releases.items() if version > subject.version]
    branches = [branch for branch in branches if branch.name != subject.branch.name]
    if not scene.trunk:
        branches.append(scene.develop)
    receivers: list[Receiver] = []
    notes: list[str] = []
    problems: list[Problem] = []
    for branch in branches:
        tip, note, wrong = situation.starting_point(scene, branch)
        receivers.append(Receiver(branch, tip, opens_next=branch == scene.develop and not scene.trunk))
        notes += [note] if note else []
        problems += wrong
    if problems:
        raise ReleaseError(problems)
    return receivers, notes


def _merge(run: Finish, final: Content, receivers: Sequence[Receiver]) -> Merges:
    """Merge into main, and the result into every receiver.

    Raises:
        Stopped: one of these merges conflicts.
    """
    scene, subject, merging = run.scene, run.subject, run.merging
    released = scene.released(subject.tip)
    version, next_part = subject.version, run.config.next
    side = run.sides.side(final.tree, subject.branch.name, released)
    incoming = Incoming(side, (subject.tip,), released, version)
    target = Receiver(subject.target, subject.target_tip)
    history = incoming._replace(tips=(subject.tip, subject.target_tip))
    asked = [merging.bases(target.tip, incoming), *(merging.bases(one.tip, history) for one in receivers)]
    candidate = merging.into(target, incoming, next_part=next_part, asked=asked[0])
    # After a conflict what follows can only be predicted, from what the branch brings.
    tree = final.tree if candidate.outcome.conflicts else candidate.outcome.tree
    tagged = history._replace(side=run.sides.side(tree, run.tag, released))
    back = _into_all(run, tagged, receivers, asked[1:])
    conflicting = [one for one in (candidate, *back) if one.outcome.conflicts]
    if conflicting and conflicting[0] is candidate:
        raise conflicts.stopped(scene, _stop(run), candidate, final.commit, conflicting[1:])
    message = f"Merge branch '{subject.branch.name}'"
    commit = _commit(scene, candidate, (target.tip, final.commit), message)
    if conflicting:
        raise conflicts.stopped(scene, _stop(run), conflicting[0], commit, conflicting[1:])
    return Merges(commit, candidate.outcome.tree, candidate, _committed(run, back, (commit,)))


def _into_all(
    run: Finish, incoming: Incoming, receivers: Sequence[Receiver], asked: Sequence[Process]
) -> list[Received]:
    next_part = run.config.next
    return [
        run.merging.into(one, incoming, next_part=next_part, asked=question)
        for one, question in zip(receivers, asked, strict=True)
    ]


def _committed(run: Finish, back: Sequence[Received], parents: tuple[str, ...]) -> tuple[tuple[Received, str], ...]:
    """Return the merges into the receivers, each with its commit, whose further parents are `parents`."""
    found = []
    for one in back:
        message = f"Merge tag '{run.tag}' into {one.receiver.branch.name}"
        found.append((one, _commit(run.scene, one, (one.receiver.tip, *parents), message)))
    return tuple(found)


def _tag_landed(run: Finish, found: Landed) -> Plan:
    """Plan the tag of what landed by a pull request, and give its ancestry to the branches that get the tag.

    Raises:
        Stopped: a merge back conflicts.
        ReleaseError: the version is not new, or something else stands in the way.
    """
    scene, subject = run.scene, run.subject
    if scene.tags.get(subject.version) == found.commit:
        _refuse_released(run)
    run = replace(run, config=scene.config_at(found.commit, subject.target.name))
    problems = [
        *subject.problems,
        *checks.worktree(scene.worktree, run.probe),
        *checks.newer(scene, subject.version, subject.target, found.before),
        *_backmerge_is_free(run),
    ]
    if problems:
        raise ReleaseError(problems)
    receivers, notes = _receivers(run)
    wanted = landed.tips(found)
    receivers = list(landed.lacking(scene, receivers, wanted))
    tree, released = run.sides.tree_of(found.commit), scene.released(found.tip or found.commit)
    incoming = Incoming(run.sides.side(tree, run.tag, released), wanted, released, subject.version)
    back = _into_all(run, incoming, receivers, [run.merging.bases(one.tip, incoming) for one in receivers])
    conflicting = [one for one in back if one.outcome.conflicts]
    if conflicting:
        raise conflicts.stopped(scene, _stop(run), conflicting[0], found.commit, conflicting[1:])
    merges = Merges(found.commit, tree, None, _committed(run, back, wanted), found)
    notes[:0] = _of_landed(run, found)
    return _plan(run, content.Content(found.commit, tree, (), None), merges, notes)


def _of_landed(run: Finish, found: Landed) -> Iterator[str]:
    """What the person at the terminal should know of what was found."""
    subject, commit = run.subject, found.commit[:10]
    yield f"{subject.version} landed on {subject.target.name} as {commit}: this is tagged"
    if found.later:
        some = f"{found.later} later commits have" if found.later > 1 else "1 later commit has"
        yield f"{some} the version {subject.version} too; to tag one of them: --commit OID"
    if not found.is_whole:
        yield f"{subject.branch.name} is kept: it has commits that are not in {commit}"


def _backmerge_is_free(run: Finish) -> Iterator[Problem]:
    """A branch for the back-merge that somebody has made, or worked on, is not overwritten."""
    scene, branch = run.scene, run.backmerge
    if run.wish.pr and not scene.trunk and run.subject.is_main and branch.exists:
        there = f"git push {scene.world.remote} :{branch.name}" if branch.there is not None else ""
        here = f"git branch -D {branch.name}" if branch.here is not None else ""
        yield Problem(
            what=f"{branch.name}, for the back-merge, exists already",
            hint=f"delete it: {' && '.join(filter(None, (here, there)))}",
        )


def _commit(scene: Situation, merged: Received, parents: tuple[str, ...], message: str) -> str:
    return scene.writer.commit(tree=merged.outcome.tree, parents=parents, message=message, identity=scene.identity)


def _stop(run: Finish) -> Stop:
    """Return what it takes to plan this finish again after a person has resolved a conflict."""
    subject = run.subject
    is_release = run.wish.flow == "release.finish"
    # One may stand elsewhere when it goes on.
    wish = replace(run.wish, name=str(subject.version) if is_release else subject.branch.name)
    return Stop(
        flow=wish.flow,
        options=tuple((name, value) for name, value in asdict(wish).items() if name != "flow"),
        moment=run.scene.now,
        pins=tuple(
            (branch.name, tip)
            for branch, tip in ((subject.target, subject.target_tip), (subject.branch, subject.tip))
            if branch.exists
        ),
        resolutions=tuple(run.merging.resolutions.items()),
        opened=None,
    )


def _plan(run: Finish, final: Content, merges: Merges, notes: Sequence[str]) -> Plan:
    scene, subject, wish = run.scene, run.subject, run.wish
    tag = Tag(
        name=run.tag,
        oid=scene.writer.tag(
            name=run.tag,
            commit=merges.commit,
            message=_message(run, merges),
            identity=scene.identity,
        ),
        sign=run.config.sign,
    )
    made = [final.commit, tag.oid, *(commit for _, commit in merges.back)]
    scene.writer.flush(*made)
    moved = [*_targets(run, merges), *_given_back(run, merges), *_end(run, final, merges)]
    refs, push = publishing.updates(scene, moved, tag, push=wish.push)
    _, later = publishing.updates(scene, moved, tag, push=True)
    followed, more, problems = moves.follow(
        scene,
        run.probe,
        {ref.name: ref.new for ref in refs if ref.new is not None and not ref.name.startswith("refs/tags/")},
        [] if _is_kept(run, merges) else [subject.branch.ref],
        _landing(run, merges),
    )
    if problems:
        raise ReleaseError(problems)
    return Plan(
        task=run.task,
        top=str(scene.repository.top),
        done=_done(run, merges, is_pushed=push is not None),
        undo=PUBLISHED if push is not None else commands.undo(scene, refs, followed),
        then=_then(run, merges, later, is_pushed=push is not None),
        push=push,
        refs=refs,
        worktrees=followed,
        tree=merges.tree,
        commit=merges.commit,
        trees=tuple((one.receiver.branch.name, one.outcome.tree) for one, _ in merges.back),
        candidate=Candidate(commit=merges.commit, tree=merges.tree, gates=run.config.gates),
        tag=tag,
        notes=(*subject.notes, *notes, *_told(run, merges), *more),
        diffs=final.diffs,
    )


def _message(run: Finish, merges: Merges) -> str:
    """Return the tag's message; it names a release branch's tip that the tag does not contain."""
    text = run.wish.message or f"Release {run.subject.version}"
    tip = merges.landed.tip if merges.landed is not None else ""
    return f"{text}\n\nRelease-Tip: {tip}" if tip else text


def _targets(run: Finish, merges: Merges) -> Iterator[publishing.Moved]:
    """Yield where main goes. What landed there is there: main follows the remote, and is pushed nowhere."""
    target = run.subject.target
    if merges.merged is not None:
        yield publishing.Moved(target, merges.commit)
    elif target.there is None or not git.is_ancestor(run.scene.repository, merges.commit, target.there):
        yield publishing.Moved(target, run.subject.target_tip)
    elif target.here is not None and git.is_ancestor(run.scene.repository, target.here, target.there):
        yield publishing.Moved(target, target.there)


def _given_back(run: Finish, merges: Merges) -> Iterator[publishing.Moved]:
    """Yield the branches that get the tag; with --pr, develop gets it from a branch for a pull request."""
    for one, commit in merges.back:
        branch = one.receiver.branch
        if run.wish.pr and branch == run.scene.develop:
            branch = run.backmerge
        yield publishing.Moved(branch, commit)


def _is_kept(run: Finish, merges: Merges) -> bool:
    """Whether the branch stays: as wished, or because it has what did not land."""
    return run.wish.keep or (merges.landed is not None and not merges.landed.is_whole)


def _end(run: Finish, final: Content, merges: Merges) -> Iterator[publishing.Moved]:
    """Yield where the branch ends: nowhere, or when it is kept at its final commit; what landed has none."""
    if not _is_kept(run, merges):
        yield publishing.Moved(run.subject.branch, None)
    elif merges.landed is None:
        yield publishing.Moved(run.subject.branch, final.commit, is_kept=True)


def _landing(run: Finish, merges: Merges) -> moves.Landing:
    """Return where a worktree goes that stood on the branch: develop, or main when there is no other."""
    scene, target = run.scene, run.subject.target
    is_pushed = run.wish.push and bool(scene.world.remote)
    home, commit = target, merges.commit if merges.merged is not None else run.subject.target_tip
    if run.subject.is_main and not scene.trunk:
        home = scene.develop
        given = {one.receiver.branch.name: made for one, made in merges.back}
        now = home.here or home.there or commit
        commit = now if run.wish.pr else given.get(home.name, now)  # else it waits for a request of its own
    return moves.Landing(home.ref if home.here is not None or not is_pushed else "", commit)


def _told(run: Finish, merges: Merges) -> Iterator[str]:
    """What the person at the terminal should know of this plan."""
    scene, subject = run.scene, run.subject
    for one in (*([merges.merged] if merges.merged else []), *(back for back, _ in merges.back)):
        name = one.receiver.branch.name
        yield from [one.note] if one.note else []
        yield from (f"{name}: repaired {place}, which said another version" for place in one.outcome.repaired)
        if one.receiver.branch in scene.open_releases.values() and one is not merges.merged:
            yield f"{name} gets {run.tag}: it needs a new candidate"
    yield from checks.without_gates(run.config)
    if not scene.world.remote:
        yield "no remote is configured: everything stays here"
    elif not run.wish.push:
        yield "nothing is pushed"
    elif subject.branch.here is not None and subject.branch.there is None and not _is_kept(run, merges):
        yield f"{subject.branch.name} is not at {scene.world.remote}: nothing to delete there"


def _done(run: Finish, merges: Merges, *, is_pushed: bool) -> str:
    scene = run.scene
    given = [f"{one.receiver.branch.name} at {one.version}" for one, _ in merges.back]
    if run.wish.pr and any(one.receiver.branch == scene.develop for one, _ in merges.back):
        given.pop()
        where = requests.address(scene, run.backmerge, scene.develop)
        given.append(f"{scene.develop.name} gets it from {run.backmerge.name}, awaiting merge: {where}")
    where = f"pushed to {scene.world.remote}" if is_pushed else "only here"
    end = f"; {', '.join(given)}" if given else ""
    return f"{run.tag} is released on {run.subject.target.name}, {where}{end}"


def _then(run: Finish, merges: Merges, later: Push | None, *, is_pushed: bool) -> str:
    if run.wish.pr and merges.back:
        return "merge that request with a merge commit: squashed, it loses the ancestry; then: invoke release.check"
    return STATUS if is_pushed else commands.push(run.scene, later) or STATUS
