"""Version-aware merge: a version line never conflicts, a changelog merges by section, and all sites agree afterwards.

Every side's sites are set to the result's version before the trees are merged, so that what is next to a version line
merges and only real conflicts remain. A site is managed in a merge if it is so in the base, in ours or in theirs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from release.entry import Entry
from release.formats import changelog_merge, sites
from release.git import snapshot
from release.git import worktree as trees
from release.git.merge import Conflict
from release.steps.working_tree import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from release.formats.sites import Site
    from release.formats.survey import Survey
    from release.git.merge import Merger
    from release.git.objects import ObjectWriter
    from release.git.snapshot import Snapshot
    from release.version import Version


class Side(NamedTuple):
    """One tree of a merge: its id, its files, the sites in them, and what conflict markers call it."""

    label: str
    tree: str
    files: Snapshot
    sites: tuple[Site, ...]


class Outcome(NamedTuple):
    """The merged tree, what conflicts in it, git's words on that, and the sites that the sides or it had at odds."""

    tree: str
    conflicts: tuple[Conflict, ...] = ()
    messages: tuple[str, ...] = ()
    repaired: tuple[str, ...] = ()


class Merge(NamedTuple):
    """What is merged: the bases (`root` is the one that several have in common), both sides, and where things stand.

    `version` is the result's (None: there is no VERSION, and sites are text like any other), `changelog` the path of
    the changelog, `survey` finds the sites of the merged files.
    """

    bases: Sequence[Side]
    ours: Side
    theirs: Side
    version: Version | None
    changelog: str
    survey: Callable[[Snapshot], Survey]
    root: Side | None = None

    @property
    def _sides(self) -> tuple[Side, ...]:
        return (*self.bases, self.ours, self.theirs)

    def carry_out(self, merger: Merger, writer: ObjectWriter) -> Outcome:
        """Merge in memory; the tree holds conflict markers where there are conflicts."""
        told, conflict = self._merged_changelog()
        normal = {id(side): self._normal(side, writer, told) for side in self._sides}
        root = self._normal(self.root, writer, told) if self.root is not None else ""
        merged = merger.merge(
            [normal[id(base)] for base in self.bases],
            normal[id(self.ours)],
            normal[id(self.theirs)],
            root=root,
            labels=(self.ours.label, self.theirs.label),
        )
        tree, conflicts, messages = merged
        odd = tuple(site.place for side in (self.ours, self.theirs) for site in self._odd(side))
        if conflict is not None:
            text, names = conflict
            tree = writer.tree(tree, {self.changelog: Entry(self.ours.files.mode(self.changelog), writer.blob(text))})
            conflicts = (*conflicts, self._stages())
            messages = (*messages, f"CONFLICT (changelog): {self.changelog}: {', '.join(names)} changed on both sides")
        return self._agreed(Outcome(tree, conflicts, messages, odd), writer)

    def settle(self, tree: str, writer: ObjectWriter) -> Outcome:
        """Return the outcome that a person made of the conflicts, with all sites in agreement."""
        return self._agreed(Outcome(tree), writer)

    def _managed(self, side: Side) -> tuple[Site, ...]:
        others = [one.sites for one in self._sides if one is not side]
        return tuple(site for site in sites.inherit(side.sites, *others) if site.managed)

    def _odd(self, side: Side) -> tuple[Site, ...]:
        """Return the managed sites of a side that disagree with its own VERSION."""
        own = next((site.version for site in side.sites if site.path == VERSION), None)
        return () if self.version is None or own is None else sites.drift(self._managed(side), own)

    def _normal(self, side: Side, writer: ObjectWriter, told: bytes | None) -> str:
        """Return the side's tree with the result's version at every site, and the merged changelog."""
        edits = {} if self.version is None else sites.edits(side.files, self._managed(side), self.version)
        if told is not None and self.changelog in side.files.entries:
            edits[self.changelog] = told
        return _with(side, edits, writer)

    def _merged_changelog(self) -> tuple[bytes | None, tuple[bytes, tuple[str, ...]] | None]:
        """Return what all sides get for a changelog (None: git merges it), and the text and names of a conflict."""
        ours, theirs = (self._changelog(side) for side in (self.ours, self.theirs))
        if ours is None or theirs is None:
            return None, None
        base = b""
        for known in filter(None, map(self._changelog, self.bases)):
            base = changelog_merge.united(base, known) if base else known
        found = changelog_merge.merge(base, ours, theirs)
        if isinstance(found, bytes):
            return found, None
        text = changelog_merge.with_markers(base, ours, theirs, (self.ours.label, self.theirs.label))
        return ours, (text, found)

    def _changelog(self, side: Side) -> bytes | None:
        """Return a side's changelog; None when it is absent or no file that can be merged by sections."""
        entry = side.files.entries.get(self.changelog)
        return None if entry is None or not entry.mode.startswith("100") else side.files.read(self.changelog)

    def _stages(self) -> Conflict:
        base = next((side.files.entries.get(self.changelog) for side in self.bases), None)
        ours, theirs = (side.files.entries.get(self.changelog) for side in (self.ours, self.theirs))
        return Conflict(self.changelog, base, ours, theirs)

    def _agreed(self, found: Outcome, writer: ObjectWriter) -> Outcome:
        """Make every site of the result say its version: a merge that git calls clean can leave them at odds."""
        if self.version is None:
            return found
        changes = trees.changes(writer.reader, self.ours.tree, found.tree)
        files = snapshot.derived(writer.reader, self.ours.files, changes)
        conflicting = {conflict.path for conflict in found.conflicts}
        present = [
            site._replace(managed=site.path == VERSION or site.origin.startswith("target "))
            for site in self.survey(files).sites
            if site.path not in conflicting
        ]
        drifted = sites.drift(sites.inherit(present, *(side.sites for side in self._sides)), self.version)
        if not drifted:
            return found
        side = Side(label="", tree=found.tree, files=files, sites=drifted)
        tree = _with(side, sites.edits(files, drifted, self.version), writer)
        repaired = dict.fromkeys([*found.repaired, *(site.place for site in drifted)])
        return found._replace(tree=tree, repaired=tuple(repaired))


def _with(side: Side, edits: dict[str, bytes], writer: ObjectWriter) -> str:
    """Return a side's tree with other contents at some paths."""
    entries: dict[str, Entry | None] = {
        path: Entry(side.files.mode(path), writer.blob(data)) for path, data in edits.items()
    }
    return writer.tree(side.tree, entries) if entries else side.tree


def differs(
    writer: ObjectWriter,
    one: Side,
    other_tree: str,
    look: Callable[[], Side],
    version: Version,
    *,
    changelog: str,
    counts: Callable[[bytes], object],
) -> bool:
    """Whether two trees differ in more than version literals and what does not count of the `changelog`.

    `counts` returns what of its contents does. `look` returns the other tree as a side; it is called only when the
    paths alone do not answer.
    """
    changes = {change.path: change for change in trees.changes(writer.reader, one.tree, other_tree)}
    told = changes.pop(changelog, None)
    if told is not None and _read(writer, told.old, counts) != _read(writer, told.new, counts):
        return True
    if not changes or changes.keys() - {site.path for site in one.sites}:
        return bool(changes)
    other = look()
    normal = []
    for side, peer in ((one, other), (other, one)):
        managed = [site for site in sites.inherit(side.sites, peer.sites) if site.managed]
        normal.append(_with(side, sites.edits(side.files, managed, version), writer))
    return any(change.path != changelog for change in trees.changes(writer.reader, normal[0], normal[1]))


def _read(writer: ObjectWriter, entry: Entry | None, counts: Callable[[bytes], object]) -> object:
    """Return what counts of a file; of what is no plain file, what it is."""
    if entry is not None and not entry.mode.startswith("100"):
        return entry
    return counts(b"" if entry is None else writer.reader.blob(entry.oid))
