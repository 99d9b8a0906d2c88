"""Preflight: each check returns what it found, so that all problems are shown at once."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from release import version as versions
from release.errors import Problem
from release.flows import commands
from release.formats import changelog as document_of
from release.git import leftovers
from release.git import world as git
from release.git.worktree import name_some
from release.steps import merging

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from release.config import Config
    from release.flows.sides import Sides
    from release.flows.situation import Branch, Situation
    from release.flows.subjects import Subject
    from release.git.probing import Probe
    from release.git.world import Worktree
    from release.plan import WorktreeMove
    from release.version import Version


_DROPPED = ("release", "hotfix", "feature")  # groups of tasks with a drop


def release_branch(scene: Situation, version: Version, *, current_main: Version | None) -> list[Problem]:
    """What keeps a release branch of `version` from being opened."""
    release = versions.release_segment(version)
    branch = scene.branch(versions.tag_name(release, scene.config.release))
    return [
        *free(scene, branch),
        *_no_other_release(scene, release),
        *_version_is_new(scene, version, current_main),
    ]


def free(scene: Situation, branch: Branch) -> Iterator[Problem]:
    """What keeps a branch from being opened: it exists, or its name cannot stand beside another."""
    if branch.here is not None:
        group = scene.group(branch.name)
        drop = f"    or drop it: {commands.invoke(f'{group}.drop', '--name', branch.name)}" if group in _DROPPED else ""
        go_on = f"go on with it: {commands.git('switch', branch.name)}"
        yield Problem(what=f"{branch.name} is already open", hint=f"{go_on}{drop}")
    elif branch.there is not None:
        remote = scene.world.remote
        yield Problem(
            what=f"{branch.name} is already open at {remote}",
            hint=f"track it: {commands.git('fetch', remote)} && "
            f"{commands.git('switch', '--track', f'{remote}/{branch.name}')}",
        )
    for other in scene.branches():
        if branch.name.startswith(f"{other.name}/") or other.name.startswith(f"{branch.name}/"):
            yield Problem(
                what=f"git cannot hold the branches {branch.name} and {other.name}: one would be a folder of the other",
                hint=f"rename it: {commands.git('branch', '-m', other.name, 'NEW-NAME')}",
            )


def _no_other_release(scene: Situation, release: Version) -> Iterator[Problem]:
    if scene.config.parallel_releases:
        return
    for version, branch in scene.open_releases.items():
        if version != release:
            where = "" if branch.here is not None else f" at {scene.world.remote}"
            yield Problem(
                what=f"another release is open{where}: {branch.name}",
                hint="finish it first, drop it, or set parallel_releases = true in [tool.release]",
            )


def _version_is_new(scene: Situation, version: Version, current_main: Version | None) -> Iterator[Problem]:
    tips = {tip for branch in (scene.main, scene.develop) for tip in (branch.there, branch.here)}
    reached = [scene.released(tip).greatest for tip in tips if tip is not None]
    yield from versions.check_new(
        version, reachable_ga=[tagged.version for tagged in reached if tagged is not None], tags=scene.tags
    )
    known = [tagged.version for tagged in reached if tagged is not None]
    if current_main is not None and version <= current_main and current_main not in known:
        yield Problem(
            what=f"{version} is not newer than {current_main}, the VERSION of {scene.main.name}",
            hint=f"choose a version above {current_main}",
        )
    yield from _number_follows(scene, version)


def _number_follows(scene: Situation, version: Version) -> Iterator[Problem]:
    """A pre-release takes 1 + the largest tagged number of its phase (§5)."""
    kind = versions.kind(version)
    if kind not in ("alpha", "beta", "rc"):
        return
    expected = versions.next_candidate(versions.release_segment(version), kind, scene.tags)
    if expected != version and version not in scene.tags:
        yield Problem(what=f"{version} leaves a gap: the next is {expected}", hint=f"use {expected}, or {kind}")


def untaken(scene: Situation, version: Version, tip: str) -> list[Problem]:
    """What tags say against `version` as the next one of the branch at `tip`."""
    last = scene.released(tip).greatest
    return list(versions.check_new(version, reachable_ga=[] if last is None else [last.version], tags=scene.tags))


def newer(scene: Situation, version: Version, target: Branch, tip: str) -> list[Problem]:
    """What keeps `version` from being the next one of the branch that is to receive it."""
    found = untaken(scene, version, tip)
    current = scene.version_at(tip)
    if not found and current is not None and version <= current:
        found.append(
            Problem(
                what=f"{version} is not newer than {current}, the VERSION of {target.name}",
                hint=versions.older_line(version, scene.tags) or "choose a version above that",
            )
        )
    return found


def older_releases(scene: Situation, subject: Subject) -> Iterator[Problem]:
    """A release is not finished before an older one that is open."""
    is_release = subject.branch in scene.open_releases.values()
    if scene.config.parallel_releases or not is_release:
        return
    for version, branch in scene.open_releases.items():
        if version < subject.version:
            yield Problem(
                what=f"an older release is open: {branch.name}",
                hint=f"finish it first: invoke release.finish --version {version}    "
                f"or drop it: invoke release.drop --name {version}",
            )


def not_empty(sides: Sides, subject: Subject, changelog: str) -> Iterator[Problem]:
    """A branch that changes nothing but versions and changelog is no release."""
    scene, target, branch = sides.scene, subject.target, subject.branch
    held = scene.version_at(subject.target_tip)
    if held is not None and held.pre is not None and versions.release_segment(held) == subject.version:
        return  # a candidate of it was merged: what is new is that it is final
    before, name = subject.target_tip, target.name
    if scene.trunk and subject.is_main:  # what is to be released is on main already: nothing is new since the last one
        last = scene.released(subject.target_tip).greatest
        if last is None:
            return
        before, name = last.commit, str(last.version)
    if not _differ(sides, subject, before, name, changelog, lambda _: None):
        yield Problem(
            what=f"{branch.name} has nothing that {name} has not",
            hint="commit what is to be released, or drop it: "
            f"{commands.invoke(f'{scene.group(branch.name)}.drop', '--name', branch.name)}",
        )


def unchanged_since_candidate(sides: Sides, subject: Subject, changelog: str) -> Iterator[Problem]:
    """What was tested as the last candidate is what is released, but for version literals and the notes of it."""
    scene = sides.scene
    own = [tag for tag in scene.tags if tag.release == subject.version.release and not versions.is_final(tag)]
    last = max(own, default=None)
    if last is None:
        return

    def counts(document: bytes) -> object:
        return document_of.beside(document, str(subject.version))

    if _differ(sides, subject, scene.tags[last], str(last), changelog, counts):
        yield Problem(
            what=f"{subject.branch.name} has changed since {last}, its last candidate",
            hint="test it as a new one: invoke release.candidate    or release it all the same: --allow-changed",
        )


def _differ(
    sides: Sides, subject: Subject, other: str, name: str, changelog: str, counts: Callable[[bytes], object]
) -> bool:
    """Whether a branch differs from another commit in more than versions and what does not count of the changelog."""
    return merging.differs(
        sides.scene.writer,
        sides.of_commit(subject.tip, subject.branch.name),
        sides.tree_of(other),
        lambda: sides.of_commit(other, name),
        subject.version,
        changelog=changelog,
        counts=counts,
    )


def without_gates(config: Config) -> list[str]:
    """Return the note on a configuration without gates, which is said wherever something is tagged."""
    return [] if config.gates else ["no gates configured"]


def worktree(tree: Worktree, probe: Probe) -> list[Problem]:
    """What keeps the worktree that a flow runs in from following: git at work, or changes that no commit holds."""
    problems = busy(tree, is_here=True)
    if probe.tracked.files:
        problems.append(
            Problem(
                what=f"uncommitted changes in {name_some(probe.tracked.files)}",
                hint="commit them, or put them aside: git stash",
            )
        )
    if probe.tracked.submodules:
        problems.append(
            Problem(
                what=f"submodules with changes: {name_some(probe.tracked.submodules)}",
                hint="commit inside them and record them, or put the changes aside: "
                "git submodule foreach git stash && git submodule update",
            )
        )
    return problems


def following(tree: Worktree, probe: Probe, move: WorktreeMove, *, is_here: bool) -> list[Problem]:
    """What keeps a worktree from a move; uncommitted changes do so at once only where the flow runs (`is_here`)."""
    problems = worktree(tree, probe) if is_here else busy(tree, is_here=False)
    if not problems and move.changes and (problem := probe.can_follow(move)) is not None:
        problems.append(problem)
    return problems


def busy(tree: Worktree, *, is_here: bool) -> list[Problem]:
    """Say what git is in the middle of in a worktree; its end is typed here (`is_here`: in that worktree)."""
    problems = []
    if (found := git.in_progress(tree.git_dir)) is not None:
        end = found[1] if is_here else found[1].replace("git", f"git -C {shlex.quote(str(tree.path))}", 1)
        problems.append(Problem(what=f"a {found[0]} is in progress in {tree.path}", hint=f"end it: {end}"))
    if (locked := leftovers.index_lock(str(tree.path), tree.git_dir)) is not None:
        problems.append(locked)
    return problems
