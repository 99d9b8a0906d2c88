"""Releases that were finished without a push: what is only here of them, and the push that they still need."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from release import version as versions
from release.errors import ReleaseError, refusal
from release.flows import commands
from release.git import history
from release.git import world as git
from release.git.pushing import short
from release.plan import Push, RefUpdate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from release.errors import Problem
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
        problems = [*unsigned(scene, [ref for ref in first.updates if ref.name != but])]
        if problems:
            raise ReleaseError(problems)
        what = f"{named(first, but)} only here, not at {scene.world.remote}"
        raise refusal(what, f"that comes first: {commands.push(scene, first)}")


def unsigned(scene: Situation, updates: Iterable[RefUpdate]) -> Iterator[Problem]:
    """Yield a problem for each tag among the updates that is to be signed, by its own commit, and is not as it has to.

    So does a tag whose commit does not say, because its configuration cannot be read.
    """
    for ref in updates:
        if not ref.name.startswith("refs/tags/") or ref.new is None:
            continue
        name, commit = short(ref.name), scene.world.refs[ref.name].commit
        try:
            config = scene.config_at(commit, name)
            if config.sign:
                from release.git import signing  # noqa: PLC0415  # most tags are not signed

                settings = scene.world.settings
                signing.verify_tag(scene.repository, ref.new, name, settings, config.signers, commit=commit)
        except ReleaseError as error:
            yield from error.problems


def named(push: Push, but: str = "") -> str:
    """Return the tags of such a push, less one, with their verb; "" without any."""
    names = [short(ref.name) for ref in push.updates if ref.name.startswith("refs/tags/") and ref.name != but]
    return f"{', '.join(names)} {'is' if len(names) == 1 else 'are'}" if names else ""


def _tags(scene: Situation) -> dict[versions.Version, RefUpdate]:
    """Return the tags of final versions on what main, or a support branch, has more than at the remote."""
    ends = [one for one in _differing(scene) if one.branch.name == scene.main.name or one.group == "support"]
    if not ends:
        return {}
    there, refs = scene.world.refs_there(), scene.world.refs
    names = {
        one: f"refs/tags/{versions.tag_name(one, scene.config.tag)}" for one in scene.tags if versions.is_final(one)
    }
    only_here = [one for one in sorted(names) if names[one] in refs and names[one] not in there]
    if not only_here:
        return {}
    new = set(history.only_in(scene.repository, [one.here for one in ends], [one.there for one in ends]))
    return {
        one: RefUpdate(name=names[one], old=None, new=refs[names[one]].oid)
        for one in only_here
        if scene.tags[one] in new
    }


class _Differing(NamedTuple):
    """A branch that is not where the remote has it: its group of tasks, and both commits."""

    branch: Branch
    group: str
    here: str
    there: str


def _differing(scene: Situation) -> Iterator[_Differing]:
    """Yield the branches of the flow that differ from the remote's."""
    trunks = (scene.main.name, scene.config.develop)
    for branch in scene.branches():
        if branch.here is None or branch.there is None or branch.here == branch.there:
            continue
        group = scene.group(branch.name)
        if branch.name in trunks or group in ("support", "release"):
            yield _Differing(branch, group, branch.here, branch.there)


def _branches(scene: Situation) -> Iterator[RefUpdate]:
    """Yield the updates of those that only went on here."""
    for branch, _, here, there in _differing(scene):
        if git.is_ancestor(scene.repository, there, here):
            yield RefUpdate(name=branch.ref, old=there, new=here)
