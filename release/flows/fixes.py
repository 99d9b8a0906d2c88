"""Commits of a release branch that cannot go on as it is, and how they get into another release."""

from __future__ import annotations

from typing import TYPE_CHECKING

from release import version as versions
from release.flows import checks, commands, situation
from release.git import history
from release.steps import squashed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from release.errors import Problem
    from release.flows.situation import Branch, Situation
    from release.version import Version

_OWN = "chore(release): "  # what this tool commits begins so: another release gets its own


def after(scene: Situation, tip: str, version: Version) -> list[str]:
    """Return the commits of a released branch that came after its release and are not in develop, oldest first.

    A commit that develop has as another one, as of a cherry-pick, is there.
    """
    return _not_in_develop(scene, tip, _released(scene, version))


def kept(scene: Situation) -> Iterator[tuple[Branch, Version, int]]:
    """Yield the release branches that were kept and have such commits, with the released version and their number."""
    found = {
        branch: version
        for branch in scene.branches()
        if (version := versions.from_tag(branch.name, scene.config.release)) is not None and version in scene.tags
    }
    tips = {branch: branch.here or branch.there or "" for branch in found}
    known = [commit for version in found.values() for commit in _released(scene, version)]
    if not found or not history.only_in(scene.repository, tips.values(), known):
        return  # as of most: one question for all of them
    for branch, version in found.items():
        if commits := after(scene, tips[branch], version):
            yield branch, version, len(commits)


def _released(scene: Situation, version: Version) -> list[str]:
    """Return the commits that a release has: its own, and the tip that its tag names."""
    told = squashed.tip(scene.objects, scene.tag_object(version) or "")
    return [scene.tags[version], *([told] if told else [])]


def _not_in_develop(scene: Situation, tip: str, known: Sequence[str]) -> list[str]:
    if not history.only_in(scene.repository, [tip], known):
        return []
    develop = situation.starting_point(scene, scene.develop)[0]
    new = history.not_picked(scene.repository, tip, develop, known)
    return [commit for commit, subject in new if not subject.startswith(_OWN)]


def along(scene: Situation, commits: Sequence[str]) -> str:
    """Return how commits get into develop."""
    return f"{commands.git('switch', scene.develop.name)} && {picked(commits)}"


def picked(commits: Sequence[str]) -> str:
    """Return how commits get onto the branch that one stands on."""
    return commands.git("cherry-pick", *(commit[:12] for commit in commits))


def overtaken(
    scene: Situation, branch: Branch, tip: str, version: Version, *, target: Branch, onto: str
) -> list[Problem]:
    """Return what keeps the version of a branch from being the next one of its target, which is at `onto`.

    An open release bears its number in its name and in its section of the changelog: it is prepared anew.
    """
    problems = checks.newer(scene, version, target, onto)
    if not problems or branch not in scene.open_releases.values():
        return problems
    commits = _not_in_develop(scene, tip, [])
    take = f"take its commits along: {along(scene, commits)}    " if commits else ""
    gone = ("--remote",) if branch.there is not None else ()
    drop = commands.invoke("release.drop", "--name", str(version), *gone)
    again = f"{take}drop it: {drop}    and prepare it anew: invoke release.prepare next"
    return [problem._replace(hint=f"{problem.hint}    {again}") for problem in problems]
