"""Whether develop contains what was released: without that, released commits are told and merged once more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from release import version as versions
from release.errors import Problem
from release.flows import situation
from release.git import world as git
from release.steps import squashed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from release.flows.situation import Branch, Situation
    from release.version import Version


def problems(scene: Situation) -> Iterator[Problem]:
    """Say what of main's last release, and of those that it is a hotfix of, develop does not contain.

    A release that was not pushed counts. So does any other whose version develop says: it came there without its tag.
    """
    lasts = (
        [] if scene.trunk else [(found, tip) for tip in _tips(scene.main) if (found := scene.released(tip).greatest)]
    )
    if not lasts:
        return
    last, tip = max(lasts, key=lambda pair: pair[0].version)
    start, _, diverged = situation.starting_point(scene, scene.develop)
    develops = _tips(scene.develop) if diverged else [start]  # which are going to be one
    is_known = any(scene.released(one).greatest == last for one in develops)  # from the walk
    line = squashed.line(last, scene.tags)
    for version in line:
        named = squashed.tip(scene.objects, scene.tag_object(version) or "")
        if version == last.version and not named and is_known:
            continue
        is_mains = version == last.version or (named and git.is_ancestor(scene.repository, scene.tags[version], tip))
        if is_mains:
            yield from _lacking(scene, version, [scene.tags[version], *([named] if named else [])], develops)
    held = scene.version_at(start)
    if held is not None and held in scene.tags and versions.is_final(held) and held not in line:
        yield from _lacking(scene, held, [scene.tags[held]], develops)


def _tips(branch: Branch) -> list[str]:
    return list(dict.fromkeys(tip for tip in (branch.there, branch.here) if tip is not None))


def _lacking(scene: Situation, version: Version, wanted: list[str], develops: list[str]) -> Iterator[Problem]:
    missing = [commit for commit in wanted if scene.objects.commit_here(commit) is None]
    if not missing and any(
        all(git.is_ancestor(scene.repository, commit, develop) for commit in wanted) for develop in develops
    ):
        return
    name, tag = scene.develop.name, versions.tag_name(version, scene.config.tag)
    branch = scene.branch(versions.tag_name(version, scene.config.backmerge))
    if branch.exists:
        from release.flows import requests  # noqa: PLC0415  # rarely needed

        what = f"{name} does not contain {tag} yet: {branch.name} waits to be merged, with a merge commit"
        yield Problem(what=what, hint=requests.address(scene, branch, scene.develop))
        return
    where = f"in a clone that has the commit {missing[0][:10]}: " if missing else ""
    again = f"invoke release.finish --version {version}"
    yield Problem(
        what=f"{name} has lost the ancestry of {tag}: it was merged back by a squash or a rebase, or not at all",
        hint=f"{where}{again}    or, when {name} is protected: {again} --pr",
    )
