"""Preflight: each check returns what it found, so that all problems are shown at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from release import version as versions
from release.errors import Problem
from release.git import world as git
from release.git.worktree import name_some

if TYPE_CHECKING:
    from collections.abc import Iterator

    from release.flows.situation import Branch, Situation
    from release.git.worktree import Probe
    from release.git.world import Worktree
    from release.version import Version


def release_branch(scene: Situation, version: Version, *, current_main: Version | None) -> list[Problem]:
    """What keeps a release branch of `version` from being opened."""
    release = versions.release_segment(version)
    branch = scene.branch(versions.tag_name(release, scene.config.release))
    return [
        *_branch_is_free(scene, branch),
        *_no_other_release(scene, release),
        *_version_is_new(scene, version, current_main),
    ]


def _branch_is_free(scene: Situation, branch: Branch) -> Iterator[Problem]:
    if branch.here is not None:
        yield Problem(
            what=f"{branch.name} is already open",
            hint=f"go on with it: git switch {branch.name}    or drop it: invoke release.drop --name {branch.name}",
        )
    elif branch.there is not None:
        remote = scene.world.remote
        yield Problem(
            what=f"{branch.name} is already open at {remote}",
            hint=f"track it: git fetch {remote} && git switch --track {remote}/{branch.name}",
        )
    for other in scene.branches():
        if branch.name.startswith(f"{other.name}/") or other.name.startswith(f"{branch.name}/"):
            yield Problem(
                what=f"git cannot hold the branches {branch.name} and {other.name}: one would be a folder of the other",
                hint=f"rename it: git branch -m {other.name} NEW-NAME",
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


def worktree(tree: Worktree, probe: Probe) -> list[Problem]:
    """What keeps a worktree from following: git in the middle of something, or changes that no commit holds."""
    problems = []
    busy = git.in_progress(tree.git_dir)
    if busy is not None:
        problems.append(Problem(what=f"a {busy[0]} is in progress in {tree.path}", hint=f"end it: {busy[1]}"))
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
                hint="commit inside them and record them, or: git submodule update",
            )
        )
    return problems
