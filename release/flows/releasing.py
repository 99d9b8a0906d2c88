"""What all ways of releasing a branch have in common: who gets the tag, and what becomes visible."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from release import version as versions
from release.errors import ReleaseError
from release.flows import checks, commands, moves, publishing, requests, situation
from release.flows.receiving import Incoming, Merging, Received, Receiver
from release.git import world as git
from release.plan import Candidate, Plan

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from release.config import Config
    from release.errors import Problem
    from release.flows.content import Content
    from release.flows.finish import Wish
    from release.flows.landed import Landed
    from release.flows.sides import Sides
    from release.flows.situation import Branch, Situation
    from release.flows.subjects import Subject
    from release.git.probing import Probe
    from release.plan import Push, Request, Stop

STATUS = "invoke release.status"
MERGE = "merge that request with a merge commit: squashed, it loses the ancestry; then: invoke release.check"
PUBLISHED = "it is published: mend it with a hotfix: invoke hotfix.start"


class Finish(NamedTuple):
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
        return stop(self).task

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


def receivers(run: Finish) -> tuple[list[Receiver], list[str], list[Problem]]:
    """Return the branches that get the tag: newer open releases, oldest first, and develop.

    Also returns notes on them, and what is wrong with them.
    """
    scene, subject = run.scene, run.subject
    if not subject.is_main:
        return [], [], []  # a support branch is the end of its line
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
    return receivers, notes, problems


def into_all(run: Finish, incoming: Incoming, receivers: Sequence[Receiver]) -> list[Received]:
    """Merge into every receiver; git finds the merge bases side by side."""
    for one in receivers:
        run.merging.bases(one.tip, incoming.tips)
    return [run.merging.into(one, incoming, next_part=run.config.next) for one in receivers]


def committed(run: Finish, back: Sequence[Received], parents: tuple[str, ...]) -> tuple[tuple[Received, str], ...]:
    """Return the merges into the receivers, each with its commit, whose further parents are `parents`."""
    found = []
    for one in back:
        message = f"Merge tag '{run.tag}' into {one.receiver.branch.name}"
        found.append((one, commit_of(run.scene, one, (one.receiver.tip, *parents), message)))
    return tuple(found)


def commit_of(scene: Situation, merged: Received, parents: tuple[str, ...], message: str) -> str:
    """Return the commit of a merge."""
    return scene.writer.commit(tree=merged.outcome.tree, parents=parents, message=message, identity=scene.identity)


def stop(run: Finish) -> Stop:
    """Return what it takes to plan this finish again after a person has resolved a conflict."""
    subject = run.subject
    is_release = run.wish.flow == "release.finish"
    # One may stand elsewhere when it goes on.
    wish = run.wish._replace(name=str(subject.version) if is_release else subject.branch.name)
    pins = ((subject.target, subject.target_tip), (subject.branch, subject.tip))
    return run.merging.stop(wish, [(branch.name, tip) for branch, tip in pins if branch.exists])


def plan(run: Finish, final: Content, merges: Merges, notes: Sequence[str]) -> Plan:
    """Plan the tag and all that follows it: main, the branches that get it, the end of the branch, the worktrees.

    Raises:
        ReleaseError: a worktree cannot follow (exit 3).
    """
    scene, subject, wish = run.scene, run.subject, run.wish
    tag = publishing.annotated(scene, subject.version, merges.commit, _message(run, merges), run.config)
    made = [final.commit, tag.oid, *(commit for _, commit in merges.back)]
    scene.writer.flush(*made)
    moved = [*_targets(run, merges), *given_back(run, merges), *_end(run, final, merges)]
    refs, push, later = publishing.visible(scene, moved, tag, push=wish.push)
    followed, more, problems = moves.follow(
        scene,
        run.probe,
        {ref.name: ref.new for ref in refs if ref.new is not None and not ref.name.startswith("refs/tags/")},
        [] if _is_kept(run, merges) else [subject.branch.ref],
        _landing(run, merges),
    )
    if problems:
        raise ReleaseError(problems)
    asked = requested_back(run, merges)
    return Plan(
        task=run.task,
        top=str(scene.repository.top),
        done=_done(run, merges, asked, is_pushed=push is not None),
        undo=PUBLISHED if push is not None else commands.undo(scene, refs, followed),
        then=then(run, merges, later, is_pushed=push is not None),
        push=push,
        refs=refs,
        worktrees=followed,
        tree=merges.tree,
        commit=merges.commit,
        trees=tuple((one.receiver.branch.name, one.outcome.tree) for one, _ in merges.back),
        candidate=Candidate(commit=merges.commit, tree=merges.tree, gates=run.config.gates, build=run.config.build),
        tag=tag,
        request=asked,
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


def given_back(run: Finish, merges: Merges) -> Iterator[publishing.Moved]:
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


def _done(run: Finish, merges: Merges, asked: Request | None, *, is_pushed: bool) -> str:
    scene = run.scene
    where = f"pushed to {scene.world.remote}" if is_pushed else "only here"
    given = ", ".join(given_to(run, merges, asked))
    return f"{run.tag} is released on {run.subject.target.name}, {where}{f'; {given}' if given else ''}"


def requested_back(run: Finish, merges: Merges) -> Request | None:
    """Return the request by which a protected develop gets the tag; None when it gets it otherwise, or not."""
    if not run.wish.pr or all(one.receiver.branch != run.scene.develop for one, _ in merges.back):
        return None
    return back_request(run)


def back_request(run: Finish) -> Request:
    """Return the request of the branch of the back-merge into develop."""
    title = f"Merge {run.tag} back into {run.scene.develop.name}"
    body = "Merge this with a merge commit: squashed or rebased, it loses the ancestry of the tag.\n"
    return requests.request(run.scene, run.backmerge, run.scene.develop, title=title, body=body)


def given_to(run: Finish, merges: Merges, asked: Request | None) -> Iterator[str]:
    """Say what the branches that get the tag are at, or that develop waits for a request."""
    scene = run.scene
    for one, _ in merges.back:
        branch = one.receiver.branch
        if asked is not None and branch == scene.develop:
            yield f"{branch.name} gets it from {run.backmerge.name}, awaiting merge: {asked.address}"
        else:
            yield f"{branch.name} at {one.version}"


def then(run: Finish, merges: Merges, later: Push | None, *, is_pushed: bool) -> str:
    """Return the next command."""
    if run.wish.pr and merges.back:
        return MERGE
    return STATUS if is_pushed else commands.push(run.scene, later) or STATUS
