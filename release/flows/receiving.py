"""Merging into the branches of the flow: what each one gets, which version it then has, and what conflicts."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from release import version as versions
from release.git import command
from release.plan import Stop
from release.steps.merging import Merge, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from release.flows.feature import Wish as FeatureWish
    from release.flows.finish import Wish as FinishWish
    from release.flows.sides import Sides
    from release.flows.situation import Branch, Situation
    from release.git.history import Released
    from release.git.merge import Merger
    from release.process import Process
    from release.steps.merging import Side
    from release.version import Version


class Incoming(NamedTuple):
    """What is merged: a tree with its history (`tips`: commits of the database) and the tags that it builds on.

    `version` is what all of its sites say; None for a feature, which has no say in the version of what it goes into.
    """

    side: Side
    tips: tuple[str, ...]
    released: Released
    version: Version | None


class Receiver(NamedTuple):
    """A branch that gets a merge, the commit it starts from, and whether it opens the next development version."""

    branch: Branch
    tip: str
    opens_next: bool = False


class Received(NamedTuple):
    """A merge into a branch: `key` names it by branch and contents, whoever repeats it. `version`: None without one."""

    receiver: Receiver
    version: Version | None
    outcome: Outcome
    key: str
    note: str = ""


class Bases:
    """The merge bases of a commit and what is to be merged into it: git is asked at once, and waited for later."""

    def __init__(self, asked: Process) -> None:
        self._asked = asked

    @functools.cached_property
    def found(self) -> list[str]:
        """The bases; empty for histories that have nothing in common."""
        return command.checked(self._asked.finish(), (0, 1)).out.decode().split()

    def drop(self) -> None:
        """End the question, when nobody needs the answer any more."""
        self._asked.kill()


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Merging:
    """Merges in one situation. `resolutions` are the trees that people made of conflicts, by key."""

    scene: Situation
    sides: Sides
    merger: Merger
    resolutions: Mapping[str, str]
    _asked: dict[tuple[str, ...], Bases] = field(default_factory=dict)

    def bases(self, ours: str, tips: Sequence[str]) -> Bases:
        """Start asking for the merge bases of a commit and all of `tips`; the same question is asked once."""
        key = (ours, *tips)
        if key not in self._asked:
            self._asked[key] = Bases(self.scene.repository.start("merge-base", "--all", *key))
        return self._asked[key]

    def close(self) -> None:
        """End what was asked and is not needed any more."""
        for one in self._asked.values():
            one.drop()

    def stop(self, wish: FinishWish | FeatureWish, pins: Iterable[tuple[str, str]]) -> Stop:
        """Return what it takes to plan a flow again, by its wish, after a person has resolved a conflict.

        `pins` are the branches, with their commits, that must not have moved by then.
        """
        return Stop(
            flow=wish.flow,
            options=tuple((name, value) for name, value in wish._asdict().items() if name != "flow"),
            moment=self.scene.now,
            pins=tuple(pins),
            resolutions=tuple(self.resolutions.items()),
            opened=None,
        )

    def into(self, receiver: Receiver, theirs: Incoming, *, next_part: str) -> Received:
        """Merge into a branch, in memory."""
        scene, tip = self.scene, receiver.tip
        held = scene.version_at(tip)
        if theirs.version is None:
            version, note = held or scene.version_at(theirs.tips[0]), ""
        else:
            version, note = resulting(receiver, held, theirs.version, next_part)
        bases = self.bases(tip, theirs.tips).found
        key = f"{receiver.branch.name} {tip} {theirs.side.tree} {version}"
        ours_tree = self.sides.tree_of(tip)
        if bases == [tip] and version is not None and version == theirs.version:
            return Received(receiver, version, Outcome(theirs.side.tree), key, note)  # nothing to merge with
        name = receiver.branch.name
        ours = self.sides.side(ours_tree, name, scene.released(tip))
        merge = Merge(
            bases=[self._base(base, tip, theirs, is_only=len(bases) == 1) for base in bases],
            ours=ours,
            theirs=theirs.side,
            version=version,
            changelog=self.sides.config(ours_tree, name).changelog,
            survey=lambda files: self.sides.sites_of(files, self.sides.config(ours_tree, name)),
            root=self._root(bases),
        )
        known = self.resolutions.get(key)
        outcome = merge.settle(known, scene.writer) if known else merge.carry_out(self.merger, scene.writer)
        return Received(receiver, version, outcome, key, note)

    def _base(self, base: str, ours: str, theirs: Incoming, *, is_only: bool) -> Side:
        """Return a merge base as a side. A tag nearest to both sides lies in their only base, and is nearest to it."""
        nearest = self.scene.released(ours)
        is_common = is_only and nearest.nearest == theirs.released.nearest
        released = nearest._replace(tip=base) if is_common else self.scene.released(base)
        return self.sides.side(self.sides.tree_of(base), f"base {base[:10]}", released)

    def _root(self, bases: list[str]) -> Side | None:
        """Return what several bases share themselves; without it, git takes that for new in each of them."""
        if len(bases) < 2:  # noqa: PLR2004  # several
            return None
        found = self.scene.repository.run("merge-base", *bases[:2], accept=(0, 1)).out.decode().split()
        return self.sides.of_commit(found[0], "base") if found else None


def resulting(receiver: Receiver, held: Version | None, incoming: Version, next_part: str) -> tuple[Version, str]:
    """Return the version of a merge: the greater one; develop never gets the released number but what comes after it.

    Also returns a note when the branch is moved past a release that it was not heading for.
    """
    version = incoming if held is None else max(held, incoming)
    name = receiver.branch.name
    if receiver.opens_next and version == incoming:
        version = versions.next_development(incoming, next_part)
        # A .dev number was only opened for whatever comes next; alpha, beta and rc were heading for their release.
        if held is not None and held.pre is not None and versions.release_segment(held) != incoming:
            return version, f"warning: {name} was at {held}, below {incoming}: it moves on to {version}"
    return version, ""
