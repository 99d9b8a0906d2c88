"""Commits of a snapshot: its edits become blobs, the trees above them, and one commit."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from release.entry import Entry
from release.plan import FileDiff, PathChange

if TYPE_CHECKING:
    from release.git.objects import Identity, ObjectWriter
    from release.git.snapshot import Snapshot


class Made(NamedTuple):
    """A commit that no ref shows yet, its tree, its first parent, and what it changes in that."""

    commit: str
    tree: str
    parent: str
    changes: tuple[PathChange, ...]


def of_snapshot(
    writer: ObjectWriter,
    after: Snapshot,
    *,
    parent: str,
    message: str,
    identity: Identity,
) -> Made:
    """Remember the commit of `after`, whose entries are those of `parent`, in `writer`; nothing is visible.

    Raises:
        ReleaseError: git cannot sign (exit 3).
    """
    entries: dict[str, Entry | None] = {
        path: Entry(mode=after.mode(path), oid=writer.blob(data)) for path, data in after.changed().items()
    }
    changes = tuple(PathChange(path=path, old=after.entries.get(path), new=entry) for path, entry in entries.items())
    base = writer.reader.commit(parent).tree
    tree = writer.tree(base, entries)
    commit = writer.commit(tree=tree, parents=[parent], message=message, identity=identity)
    return Made(commit=commit, tree=tree, parent=parent, changes=changes)


def diffs(after: Snapshot) -> tuple[FileDiff, ...]:
    """Return what the preview shows of a commit's edits."""
    return tuple(
        FileDiff(
            path=path,
            mode=after.mode(path),
            old=after.original(path) if path in after.entries else None,
            new=data,
        )
        for path, data in after.changed().items()
    )
