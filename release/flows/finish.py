"""`release.finish` and `hotfix.finish`: merge to main, tag, merge back, and delete the branch, as one plan."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, NamedTuple

from release.errors import Problem, ReleaseError, usage
from release.flows import checks, conflicts, content, fixes, landed, landing, releasing, requests, subjects
from release.flows.receiving import Incoming, Merging, Receiver
from release.flows.releasing import Finish, Merges
from release.flows.sides import Sides
from release.git import merge, probing
from release.steps import squashed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from release.flows.content import Content
    from release.flows.situation import Situation
    from release.plan import Plan


class Wish(NamedTuple):
    """What the task was told. `flow` is its name, `version` renumbers a hotfix.

    `message_file`, where the message came from, `receipts` and `publish` are only for whoever begins it again.
    """

    flow: str
    name: str = ""
    version: str = ""
    push: bool = True
    keep: bool = False
    message: str = ""
    message_file: str = ""
    allow_changed: bool = False
    allow_empty: bool = False
    pr: bool = False
    commit: str = ""
    receipts: str = ""
    publish: bool = False


def finish(scene: Situation, wish: Wish, resolutions: Mapping[str, str]) -> Plan:
    """Plan the end of a release or hotfix branch. `resolutions` are the trees that people made of earlier conflicts.

    Raises:
        Stopped: a merge conflicts, and a person has to resolve it (exit 6); nothing has changed.
        ReleaseError: everything that stands in the way, at once.
    """
    if wish.pr and not wish.push:
        raise usage("--pr pushes the branch, and --no-push was given too", "leave out one of them")
    if wish.publish and (wish.pr or not wish.push):
        raise usage("--publish needs a tag that is pushed now", "leave it out, and later: invoke publish")
    with _begun(scene, wish, resolutions) as run:
        if (over := landing.is_over(run)) is not None:
            return over
        found = landed.find(run.merging, run.subject, wish.commit)
        if found is not None:
            return landing.tag_landed(run, found)
        run = _opened(run)  # noqa: PLW2901  # the same run, now that it is known what it is about
        final, problems = _final(run)
        receivers, notes, wrong = ([], [], []) if wish.pr else releasing.receivers(run)
        problems = [*run.subject.problems, *_objections(run), *problems, *wrong]
        if problems:
            raise ReleaseError(problems)
        if wish.pr:
            return requests.plan(run, final)
        return releasing.plan(run, final, _merge(run, final, receivers), notes)


@contextlib.contextmanager
def _begun(scene: Situation, wish: Wish, resolutions: Mapping[str, str]) -> Iterator[Finish]:
    is_hotfix = wish.flow == "hotfix.finish"
    with probing.probed(scene.worktree) as probe, merge.merger(scene.repository, scene.objects) as merger:
        found = subjects.hotfix(scene, wish.name, wish.version) if is_hotfix else subjects.release(scene, wish.name)
        sides = Sides(scene=scene)
        merging = Merging(scene=scene, sides=sides, merger=merger, resolutions=resolutions)
        config = scene.config_at(found.tip or found.target_tip, found.branch.name)
        with contextlib.closing(merging):
            yield Finish(scene=scene, wish=wish, merging=merging, probe=probe, subject=found, config=config)


def _opened(run: Finish) -> Finish:
    """Return the run of a branch that has not landed: there has to be one, and a hotfix gets the number that is free.

    Raises:
        ReleaseError: there is no such branch (exit 2), or its target has moved on (exit 3).
    """
    scene, wish = run.scene, run.wish
    if not run.subject.branch.exists:
        subjects.of_group(scene, wish.flow.partition(".")[0], wish.name or run.subject.branch.name)
    if wish.flow == "hotfix.finish" and not wish.version:
        return run._replace(subject=subjects.numbered(scene, run.subject, pr=wish.pr))
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
            told=_told_of(run),
        ),
    )


def _told_of(run: Finish) -> str:
    """Return the commit that has all that will be released: the tip, or one that no ref shows with what main has more.

    In trunk mode work goes on there, and what is released with this version is in no later section.
    """
    scene, tip, target = run.scene, run.subject.tip, run.subject.target_tip
    if run.merging.bases(target, (tip,)).found == [target]:
        return tip
    return squashed.together(scene.writer, tip, [target], f"{run.subject.version} with {run.subject.target.name}")


def _objections(run: Finish) -> list[Problem]:
    """What keeps this branch from being released now."""
    scene, subject = run.scene, run.subject
    return [
        *checks.worktree(scene.worktree, run.probe),
        *fixes.overtaken(
            scene, subject.branch, subject.tip, subject.version, target=subject.target, onto=subject.target_tip
        ),
        *checks.older_releases(scene, subject),
        *checks.not_empty(run.sides, subject, run.config.changelog),
        *([] if run.wish.allow_changed else checks.unchanged_since_candidate(run.sides, subject, run.config.changelog)),
    ]


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
    for one in receivers:
        merging.bases(one.tip, history.tips)  # to be answered while main is merged
    candidate = merging.into(target, incoming, next_part=next_part)
    # After a conflict what follows can only be predicted, from what the branch brings.
    tree = final.tree if candidate.outcome.conflicts else candidate.outcome.tree
    tagged = history._replace(side=run.sides.side(tree, run.tag, released))
    back = releasing.into_all(run, tagged, receivers)
    conflicting = [one for one in (candidate, *back) if one.outcome.conflicts]
    if conflicting and conflicting[0] is candidate:
        raise conflicts.stopped(scene, releasing.stop(run), candidate, final.commit, conflicting[1:])
    message = f"Merge branch '{subject.branch.name}'"
    commit = releasing.commit_of(scene, candidate, (target.tip, final.commit), message)
    if conflicting:
        raise conflicts.stopped(scene, releasing.stop(run), conflicting[0], commit, conflicting[1:])
    return Merges(commit, candidate.outcome.tree, candidate, releasing.committed(run, back, (commit,)))
