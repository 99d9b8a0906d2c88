"""`bump`: a new VERSION, and all managed sites with it, in the working tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from release import version as versions
from release.errors import refusal
from release.git import history, objects
from release.steps import propagate

if TYPE_CHECKING:
    from release.plan import Plan
    from release.steps.working_tree import WorkingTree
    from release.version import Version

_PHASES = ("alpha", "beta", "rc")
_IN_A_RELEASE = (*_PHASES, "final")
_THERE = "there: bump alpha, beta, rc or final of {}"
_COUNTED = (*_PHASES, "major", "minor", "patch")  # from what is tagged


def bump(tree: WorkingTree, wanted: str, *, lock: int | None) -> Plan:
    """Plan the edits that write `wanted`, a version or a part of one, to VERSION and every managed site.

    Raises:
        ReleaseError: neither a version nor a part (exit 2); nothing to count from, or no target matches (exit 3).
    """
    version = choose(tree, wanted)
    branch = tree.repository.run("symbolic-ref", "-q", "--short", "HEAD", accept=(0, 1)).out.decode().strip()
    release = versions.from_tag(branch, tree.config.release)
    if release is not None:
        if wanted in (*versions.PARTS, "next") and wanted not in _IN_A_RELEASE:
            raise refusal(f"bump {wanted} does not belong on {branch}", _THERE.format(release))
        _refuse_other_release(tree, version, release, branch)
    return propagate.rewrite_all(tree, version, committed=False, lock=lock, task=f"bump {wanted[:64]!a}")


def _refuse_other_release(tree: WorkingTree, version: Version, release: Version, branch: str) -> None:
    """On an open release branch the release stays, and its phase moves forward only."""
    kind = versions.kind(version)
    if kind == "dev" or versions.release_segment(version) != release:
        raise refusal(f"{version} does not belong on {branch}", _THERE.format(release))
    held = versions.kind(tree.version)
    if held in _PHASES and kind in _PHASES and _PHASES.index(kind) < _PHASES.index(held):
        raise refusal(f"{tree.version} does not go back to {version}", "go on with: invoke bump rc, or bump final")


def choose(tree: WorkingTree, wanted: str) -> Version:
    """Return the version that `wanted` stands for in this working tree."""
    if wanted == "next":
        return following(tree)
    if wanted in _COUNTED:
        tree.repository.refuse_shallow("the releases to count from may be missing")
    last = tree.released.greatest
    if wanted in versions.PARTS:
        return versions.bump(
            wanted,
            current=tree.version,
            tags=tree.tags,
            reachable=None if last is None else last.version,
            next_part=tree.config.next,
        )
    return versions.parse(wanted)


def following(tree: WorkingTree) -> Version:
    """Return the version that the commits since the last release ask for."""
    if tree.head is None:
        raise refusal("there are no commits yet", "make the first commit")
    tree.repository.refuse_shallow("the commits since the last release may be missing")
    writer = objects.ObjectWriter(repository=tree.repository, reader=tree.objects)
    last = tree.since(writer, tree.released.greatest)
    found = history.messages(tree.repository, None if last is None else last.commit, tree.head)
    final = tree.version if versions.is_final(tree.version) else None
    base = max((version for version in (last and last.version, final) if version is not None), default=None)
    return versions.next_version(found, base)
