"""What is being finished: an open release or a hotfix, the branch that receives it, and the version it gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from release import version as versions
from release.config import fill, unfill
from release.errors import Problem, refusal, usage
from release.flows import commands, situation
from release.git import world as git

if TYPE_CHECKING:
    from collections.abc import Mapping

    from release.flows.situation import Branch, Situation
    from release.version import Version


class Subject(NamedTuple):
    """A branch to be finished. `target` is main or a support branch; tips are those that the plan starts from.

    The branch may be gone, when a forge deleted what it merged: its tip is then where it was last seen, or "".
    """

    branch: Branch
    tip: str
    version: Version
    target: Branch
    target_tip: str
    is_main: bool
    notes: tuple[str, ...]
    problems: tuple[Problem, ...]


def release(scene: Situation, name: str) -> Subject:
    """Return the open release that `name` means, to be merged into main; one that is gone is known by its version.

    Raises:
        ReleaseError: no such branch and no version, or several branches and none named (exit 2).
    """
    wanted = versions.read(name) or versions.from_tag(name, scene.config.release)
    if wanted is not None and versions.is_final(wanted):
        branch = scene.branch(versions.tag_name(wanted, scene.config.release))
        if not branch.exists:
            return _gone(scene, branch, wanted, scene.main)
    branch = release_branch(scene, name)
    version = versions.from_tag(branch.name, scene.config.release)
    assert version is not None  # noqa: S101  # it is a release branch
    tip, note, problems = situation.starting_point(scene, branch)
    held = scene.version_at(tip)
    found = list(problems)
    if held is None or versions.release_segment(held) != version:
        found.append(other_version(branch, held, version))
    target_tip, more, wrong = situation.starting_point(scene, scene.main)
    return Subject(
        branch=branch,
        tip=tip,
        version=version,
        target=scene.main,
        target_tip=target_tip,
        is_main=True,
        notes=tuple(filter(None, (note, more))),
        problems=(*found, *wrong),
    )


def _gone(scene: Situation, branch: Branch, version: Version, target: Branch) -> Subject:
    """Return what a branch that exists nowhere any more was to become."""
    seen = scene.world.refs.get(f"refs/remotes/{scene.world.remote}/{branch.name}")
    target_tip, note, problems = situation.starting_point(scene, target)
    return Subject(
        branch=branch,
        tip="" if seen is None else seen.commit,
        version=version,
        target=target,
        target_tip=target_tip,
        is_main=target.name == scene.main.name,
        notes=(note,) if note else (),
        problems=problems,
    )


def other_version(branch: Branch, held: Version | None, version: Version) -> Problem:
    """Say that a release branch holds the version of another release."""
    return Problem(
        what=f"VERSION of {branch.name} is {held or 'missing'}",
        hint=f"it has to be {version} or a pre-release of it: invoke bump {version}",
    )


def hotfix(scene: Situation, name: str, wanted: str) -> Subject:
    """Return the hotfix that `name` means, to be merged into main or the support branch that it came from.

    It has the number that it holds, or `wanted`. One that is gone is known by the version in `wanted`.

    Raises:
        ReleaseError: no such branch, or several and none named (exit 2); its VERSION is no release (exit 3).
    """
    version = versions.parse(wanted) if wanted else None
    if version is not None and not versions.is_final(version):
        final = versions.release_segment(version)
        raise usage(f"a hotfix is released as a final version, and {version} is none", f"name one, such as {final}")
    gone = None if version is None else _gone_hotfix(scene, name, version)
    if gone is not None:
        return gone
    branch = named_branch(scene, scene.config.hotfix, name, "hotfix")
    tip, note, problems = situation.starting_point(scene, branch)
    target = origin(scene, tip)
    target_tip, more, wrong = situation.starting_point(scene, target)
    held = scene.version_at(tip)
    if version is None and (held is None or not versions.is_final(held)):
        hint = f"write the version it releases: {commands.git('switch', branch.name)} && invoke bump patch"
        raise refusal(f"VERSION of {branch.name} is {held or 'missing'}, which is no release", hint)
    found = version or held
    assert found is not None  # noqa: S101  # refused above
    return Subject(
        branch=branch,
        tip=tip,
        version=found,
        target=target,
        target_tip=target_tip,
        is_main=target.name == scene.main.name,
        notes=tuple(filter(None, (note, more, "" if found == held else f"{branch.name} is released as {found}"))),
        problems=(*problems, *wrong),
    )


def _gone_hotfix(scene: Situation, name: str, version: Version) -> Subject | None:
    """Return a hotfix whose branch exists nowhere any more; None when there is one that can be meant."""
    pattern = scene.config.hotfix
    known = [one.name for one in scene.branches() if unfill(pattern, one.name) is not None]
    wanted = name if unfill(pattern, name) is not None else fill(pattern, name or f"v{version}")
    also = versions.read(name)  # as `named_branch` reads it
    if (known and not name) or not {wanted, fill(pattern, f"v{also}")}.isdisjoint(known):
        return None
    supports = (one for one in scene.branches() if unfill(scene.config.support, one.name) is not None)
    for target in (scene.main, *supports):
        held = scene.version_at(situation.starting_point(scene, target)[0])
        if held is not None and held >= version and held.release[:2] == version.release[:2]:
            return _gone(scene, scene.branch(wanted), version, target)
    return _gone(scene, scene.branch(wanted), version, scene.main)


def numbered(scene: Situation, subject: Subject, *, pr: bool) -> Subject:
    """Return a hotfix with the number it gets.

    With its target still on the same X.Y, a number that is taken becomes the next free patch, and that is noted.

    Raises:
        ReleaseError: the target has moved on (exit 3).
    """
    version, note = _number(scene, subject, pr=pr)
    return subject._replace(version=version, notes=(*subject.notes, *([note] if note else [])))


def _number(scene: Situation, subject: Subject, *, pr: bool) -> tuple[Version, str]:
    """Return the version that a hotfix gets, and a note when that is not the one it holds."""
    held, target = subject.version, subject.target
    current = current_version(scene, subject.target_tip)
    if held not in scene.tags and (current is None or held > current):
        return held, ""
    following = free_patch(current or held, scene.tags)
    if current is not None and current.release[:2] != held.release[:2]:
        more = ("--version", str(following), *(["--pr"] if pr else []))
        on_top = f"on top of it: {commands.invoke('hotfix.finish', '--name', subject.branch.name, *more)}"
        line = f"for the older line: invoke support.start {held.major}.{held.minor}    or "
        hint = f"{line if versions.older_line(held, scene.tags) else ''}{on_top}"
        raise refusal(f"{target.name} is at {current}: {held} is not newer", hint)
    return following, f"{held} is taken: this hotfix becomes {following}"


def free_patch(version: Version, taken: Mapping[Version, object]) -> Version:
    """Return the next patch of `version` that nobody has taken."""
    following = versions.increment(versions.release_segment(version), "patch")
    while following in taken:
        following = versions.increment(following, "patch")
    return following


def current_version(scene: Situation, tip: str) -> Version | None:
    """Return the version of a released branch: its VERSION, else its greatest tag, else None."""
    last = scene.released(tip).greatest
    return scene.version_at(tip) or (None if last is None else last.version)


def origin(scene: Situation, tip: str) -> Branch:
    """Return the branch that a hotfix came from, main or a support branch: the one that lacks fewest of its commits.

    A support branch that was just opened has none but main's own. Then the hotfix came from main if that still is at
    the same X.Y, else from the branch that has the fewest commits besides.
    """
    supports = [branch for branch in scene.branches() if unfill(scene.config.support, branch.name) is not None]
    if not supports:
        return scene.main
    held = scene.version_at(tip)
    distances = []
    for number, branch in enumerate((scene.main, *supports)):
        there = branch.there or branch.here
        assert there is not None  # noqa: S101  # branches() lists what exists
        ahead, behind = git.relation(scene.repository, tip, there)
        current = current_version(scene, there) if branch is scene.main else None
        is_of_line = held is not None and current is not None and current.release[:2] == held.release[:2]
        distances.append((ahead, not is_of_line, behind, number, branch))
    return min(distances)[-1]


def of_group(scene: Situation, group: str, name: str) -> Branch:
    """Return the branch of a group of tasks (release, hotfix, feature) that `name` means.

    Raises:
        ReleaseError: there is none, or several (exit 2).
    """
    if group == "release":
        return release_branch(scene, name)
    pattern = scene.config.hotfix if group == "hotfix" else scene.config.feature
    return named_branch(scene, pattern, name, group)


def release_branch(scene: Situation, name: str) -> Branch:
    """Return the release branch that `name` means: a version, with or without v, or the branch itself.

    Without a name it is the current branch, else the only one.

    Raises:
        ReleaseError: there is none, or several (exit 2).
    """
    known = {
        branch.name: version
        for branch in scene.branches()
        if (version := versions.from_tag(branch.name, scene.config.release)) is not None
    }
    opened = {name: scene.branch(name) for name in known}
    version = versions.read(name) if name else None
    wanted = name if version is None else versions.tag_name(version, scene.config.release)
    current = scene.worktree.branch.removeprefix("refs/heads/")
    if not wanted and current not in opened:  # those that are released and were kept are asked for by name
        opened = {branch.name: branch for branch in scene.open_releases.values()} or opened
    return _chosen(scene, opened, wanted, "release", "--version X.Y.Z", "invoke release.prepare next")


def named_branch(scene: Situation, pattern: str, name: str, kind: str) -> Branch:
    """Return the branch of a pattern that `name`, with or without the prefix, means; else the current or only one.

    Raises:
        ReleaseError: there is none, or several (exit 2).
    """
    opened = {branch.name: branch for branch in scene.branches() if unfill(pattern, branch.name) is not None}
    wanted = name if not name or unfill(pattern, name) is not None else fill(pattern, name)
    if wanted not in opened and (version := versions.read(name)) is not None:
        wanted = fill(pattern, f"v{version}")
    return _chosen(scene, opened, wanted, kind, "--name NAME", f"invoke {kind}.start")


def _chosen(
    scene: Situation, opened: Mapping[str, Branch], wanted: str, kind: str, naming: str, opening: str
) -> Branch:
    if wanted:
        if wanted not in opened:
            known = ", ".join(opened) or "none"
            what = f"there is no {kind} branch {wanted[:64]!a} ({kind} branches: {known})"
            raise usage(what, "see: invoke release.status")
        return opened[wanted]
    current = scene.worktree.branch.removeprefix("refs/heads/")
    if current in opened:
        return opened[current]
    if len(opened) != 1:
        what = f"several {kind} branches: {', '.join(opened)}" if opened else f"there is no {kind} branch"
        raise usage(what, f"name one: {naming}" if opened else f"open one: {opening}")
    return next(iter(opened.values()))
