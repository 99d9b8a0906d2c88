"""The past that sites are judged by: trees of releases, and trees from before VERSION moved. No git process is started.

What is missing here, in a shallow clone or because a tag names no commit, is no evidence and no error.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from release import version as versions
from release.formats.survey import Reference
from release.git import history, snapshot

if TYPE_CHECKING:
    from collections.abc import Mapping

    from release.git.database import ObjectReader
    from release.git.history import Released, Tagged
    from release.git.snapshot import Snapshot
    from release.version import Version

VERSION = "VERSION"
_OLDER = 3  # tags looked at for an older release: candidates may hold the very VERSION of their release
_STEPS = 64  # commits followed to where VERSION moved: a release branch is shorter


def reference(objects: ObjectReader, released: Released) -> Reference | None:
    """Return the tree of the nearest version tag, with its past; None without such a tag."""
    nearest = released.nearest
    if nearest is None:
        return None
    held = versions.read_file(objects.plain_file(nearest.commit, VERSION))
    return _reference(objects, nearest, held or nearest.version, released.tags)


def past(objects: ObjectReader, tip: str | None) -> list[Snapshot]:
    """Return the tree that `tip` has (None: there is no commit yet), and those from before VERSION moved there."""
    return [] if tip is None else [snapshot.looked_up(objects, tip), *before(objects, tip)]


def before(objects: ObjectReader, commit: str) -> list[Snapshot]:
    """Return trees with another VERSION than `commit` has, from just before VERSION moved to that.

    They are those of its parents; and where a parent has the same VERSION, as the tip of a merged release branch does,
    that of the last commit on its line that has another one.
    """
    version = _version(objects, commit)
    found: dict[str, None] = {}
    at = commit
    for _ in range(_STEPS if version is not None else 0):
        known = objects.commit_here(at)
        parents = {oid: _version(objects, oid) for oid in (known.parents if known is not None else ())}
        same = next((oid for oid, held in parents.items() if held == version), None)
        if at == commit or same is None:
            found |= dict.fromkeys(oid for oid, held in parents.items() if held not in (None, version))
        if same is None:
            break
        at = same
    return [snapshot.looked_up(objects, oid) for oid in found]


def _version(objects: ObjectReader, commit: str) -> Version | None:
    """Return what VERSION holds in a commit; None when the commit is not here, or VERSION holds none of ours."""
    return versions.read_file(objects.plain_file(commit, VERSION)) if objects.commit_here(commit) is not None else None


def _reference(objects: ObjectReader, tagged: Tagged, held: Version, tags: Mapping[Version, str]) -> Reference:
    return Reference(
        files=snapshot.looked_up(objects, tagged.commit),
        version=held,
        before=functools.partial(before, objects, tagged.commit),
        older=functools.partial(_older, objects, tagged, held, tags),
    )


def _older(objects: ObjectReader, tagged: Tagged, held: Version, tags: Mapping[Version, str]) -> Reference | None:
    """Return the release below `tagged`, the greatest whose VERSION is another than `held`."""
    for other in history.below(tags, tagged.version, _OLDER):
        if objects.commit_here(other.commit) is None:
            continue
        # Without a file VERSION a candidate may well have stood at the version of its release.
        version = _version(objects, other.commit) or (other.version if versions.is_final(other.version) else None)
        if version not in (None, held):
            return _reference(objects, other, version, tags)
    return None
