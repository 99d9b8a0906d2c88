"""`release.candidate`: the next alpha, beta or rc on an open release branch, tagged and pushed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, cast

from release import version as versions
from release.errors import Problem, ReleaseError
from release.flows import checks, commands, content, moves, publishing, situation, subjects
from release.flows.sides import Sides
from release.git import probing
from release.plan import Candidate, Plan, typed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from release.flows.content import Content
    from release.flows.situation import Branch, Situation
    from release.version import Version

PHASES = ("alpha", "beta", "rc")
_THEN = "test it, commit fixes, then: invoke release.candidate    or: invoke release.finish"


class Wish(NamedTuple):
    """What the task was told; without a `phase` it is that of VERSION, or rc. `receipts` is for the gates alone."""

    name: str = ""
    phase: str = ""
    push: bool = True
    message: str = ""
    allow_empty: bool = False
    receipts: str = ""


def candidate(scene: Situation, wish: Wish) -> Plan:
    """Plan the next candidate: VERSION, sites and changelog in one commit (none, if all of it says so already), tagged.

    Raises:
        ReleaseError: no such branch (exit 2); everything that stands in the way, at once (exit 3).
    """
    branch = subjects.release_branch(scene, wish.name)
    release = versions.from_tag(branch.name, scene.config.release)
    assert release is not None  # noqa: S101  # it is a release branch
    tip, note, problems = situation.starting_point(scene, branch)
    held = scene.version_at(tip)
    phase = wish.phase or _phase(held) or "rc"
    version = versions.next_candidate(release, cast("versions.Phase", phase), scene.tags)
    problems = (*problems, *_objections(scene, branch, release, held, phase, tip))
    sides = Sides(scene=scene)
    wanted = content.Wanted(
        version=version, section="open", allow_empty=wish.allow_empty, message=f"chore(release): {version}"
    )
    made, more = content.of_branch(scene, sides, tip=tip, name=branch.name, released=scene.released(tip), wanted=wanted)
    with probing.probed(scene.worktree) as probe:
        found = [*problems, *more, *checks.worktree(scene.worktree, probe)]
        if found:
            raise ReleaseError(found)
        plan = _plan(scene, wish, branch, version, made, probe, notes=[note] if note else [])
        return replace(plan, task=_again(wish, release, phase))


def _again(wish: Wish, release: Version, phase: str) -> str:
    """Return the command that begins it again, with all that it was told."""
    return typed(
        "release.candidate",
        version=str(release),
        phase=phase,
        no_push=not wish.push,
        message=wish.message,
        allow_empty=wish.allow_empty,
        receipts=wish.receipts,
    )


def _phase(version: Version | None) -> str:
    kind = "" if version is None else versions.kind(version)
    return kind if kind in PHASES else ""


def _objections(
    scene: Situation, branch: Branch, release: Version, held: Version | None, phase: str, tip: str
) -> Iterator[Problem]:
    """What keeps the branch from a candidate of this phase."""
    if held is None or versions.release_segment(held) != release:
        yield subjects.other_version(branch, held, release)
    own = [tag for tag in scene.tags if tag.release == release.release]
    if release in own:
        yield Problem(
            what=f"{release} is released already", hint=f"drop the branch: invoke release.drop --name {release}"
        )
        return
    reached = max((PHASES.index(one) for one in map(_phase, (*own, held)) if one), default=-1)
    if PHASES.index(phase) < reached:
        later = PHASES[reached]
        yield Problem(
            what=f"{branch.name} is in its {later} phase: it does not go back to {phase}",
            hint=f"invoke release.candidate --phase {later}",
        )
    last = max(own, default=None)
    if last is not None and scene.tags[last] == tip and _phase(last) == phase:
        yield Problem(
            what=f"nothing has changed since {last}", hint="commit a fix first, or finish: invoke release.finish"
        )


def _plan(
    scene: Situation,
    wish: Wish,
    branch: Branch,
    version: Version,
    made: Content,
    probe: probing.Probe,
    *,
    notes: list[str],
) -> Plan:
    config = scene.config_at(made.commit, branch.name)
    tag = publishing.annotated(scene, version, made.commit, wish.message, config)
    scene.writer.flush(tag.oid)
    goals = [publishing.Moved(branch, made.commit)]
    refs, push, later = publishing.visible(scene, goals, tag, push=wish.push)
    moved = {ref.name: ref.new for ref in refs if ref.new is not None and ref.name == branch.ref}
    followed, more, problems = moves.follow(scene, probe, moved, [], moves.Landing("", made.commit))
    if problems:
        raise ReleaseError(problems)
    notes += more
    notes += checks.without_gates(config)
    notes += [] if scene.world.remote else ["no remote is configured: everything stays here"]
    remote = scene.world.remote
    return Plan(
        task="release.candidate",
        top=str(scene.repository.top),
        done=f"{tag.name} is tagged on {branch.name}, {f'pushed to {remote}' if push else 'only here'}",
        then=_THEN if push or not remote else commands.push(scene, later),
        undo="it is published: the next candidate replaces it" if push else commands.undo(scene, refs, followed),
        push=push,
        refs=refs,
        worktrees=followed,
        tree=made.tree,
        commit=made.commit,
        candidate=Candidate(commit=made.commit, tree=made.tree, gates=config.gates, build=config.build),
        tag=tag,
        notes=tuple(notes),
        diffs=made.diffs,
    )
