"""Releases that were finished without a push: what is only here of them, and the push that they still need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from release import version as versions
from release.errors import refusal
from release.flows import commands
from release.git import history
from release.git import world as git
from release.git.pushing import short
from release.plan import Push, RefUpdate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from release.flows.situation import Branch, Situation


def push(scene: Situation) -> Push | None:
    """Return the push of releases whose tag and merge are only here; None when there are none.

    It brings the tags, every branch that went on, and the end of the branches that were released. Of an offline look
    the branches of the last fetch count for the remote's.
    """
    tags = _tags(scene)
    if not tags:
        return None
    updates = [*_branches(scene), *tags.values()]
    for version in tags:
        branch = scene.branch(versions.tag_name(version, scene.config.release))
        if branch.here is None and branch.there is not None:
            updates.append(RefUpdate(name=branch.ref, old=branch.there, new=None))
    return Push(remote=scene.world.remote, updates=tuple(updates))


def refuse(scene: Situation, but: str) -> None:
    """Refuse to push past releases that are only here: their commits would get there, and their tags would not.

    `but` is the full name of a tag that goes along.

    Raises:
        ReleaseError: there are such (exit 3).
    """
    first = push(scene)
    if first is not None and named(first, but):
        what = f"{named(first, but)} only here, not at {scene.world.remote}"
        raise refusal(what, f"that comes first: {commands.push(scene, first)}")


def named(push: Push, but: str = "") -> str:
    """Return the tags of such a push, less one, with their verb; "" without any."""
    names = [short(ref.name) for ref in push.updates if ref.name.startswith("refs/tags/") and ref.name != but]
    return f"{', '.join(names)} {'is' if len(names) == 1 else 'are'}" if names else ""


def _tags(scene: Situation) -> dict[versions.Version, RefUpdate]:
    """Return the tags of final versions on what main, or a support branch, has more than at the remote."""
    ahead = [one for one in _named(scene) if one.name == scene.main.name or scene.group(one.name) == "support"]
    there = scene.world.refs_there()
    only_here = {
        commit: version
        for version, commit in scene.tags.items()
        if versions.is_final(version) and (name := _ref(scene, version)) in scene.world.refs and name not in there
    }
    if not ahead or not only_here:
        return {}
    new = history.only_in(scene.repository, [one.here or "" for one in ahead], [one.there or "" for one in ahead])
    found = sorted(only_here[commit] for commit in new if commit in only_here)
    return {
        one: RefUpdate(name=_ref(scene, one), old=None, new=scene.world.refs[_ref(scene, one)].oid) for one in found
    }


def _ref(scene: Situation, version: versions.Version) -> str:
    return f"refs/tags/{versions.tag_name(version, scene.config.tag)}"


def _named(scene: Situation) -> Iterator[Branch]:
    """Yield the branches of the flow that differ from the remote's."""
    for branch in scene.branches():
        named = branch.name in (scene.main.name, scene.config.develop) or scene.group(branch.name) in (
            "support",
            "release",
        )
        if named and branch.here is not None and branch.there is not None and branch.here != branch.there:
            yield branch


def _branches(scene: Situation) -> Iterator[RefUpdate]:
    for branch in _named(scene):
        assert branch.here is not None  # noqa: S101  # `_named` yields what is both here and there
        assert branch.there is not None  # noqa: S101  # as above
        if git.is_ancestor(scene.repository, branch.there, branch.here):
            yield RefUpdate(name=branch.ref, old=branch.there, new=branch.here)
