"""Edits of the working tree as parts of a plan: what is replaced, and what the preview shows of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from release.git import files
from release.git.objects import ObjectWriter
from release.plan import FileDiff, FileEdit, Plan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from release.steps.working_tree import WorkingTree


def replacing(tree: WorkingTree, changed: Mapping[str, bytes], *, lock: int | None) -> tuple[FileEdit, ...]:
    """Return the replacement of each file; unless this is a preview, its old and new bytes are stored.

    Raises:
        ReleaseError: somebody's file has the name under which new content waits (exit 3).
    """
    files.refuse_taken(tree.repository.top, changed)
    writer = ObjectWriter(repository=tree.repository, reader=tree.objects, lock=lock)
    edits = tuple(
        FileEdit(
            path=path,
            permissions=files.permissions(tree.repository.top, path),
            old=writer.blob(old) if (old := tree.file(path)) is not None else None,
            new=writer.blob(data),
        )
        for path, data in changed.items()
    )
    if lock is not None:
        writer.flush(*(oid for edit in edits for oid in (edit.old, edit.new) if oid is not None))
    return edits


def diffs(tree: WorkingTree, changed: Mapping[str, bytes]) -> tuple[FileDiff, ...]:
    """Return what the preview shows of these edits."""
    return tuple(
        FileDiff(path=path, mode=tree.files.mode(path), old=tree.file(path), new=data) for path, data in changed.items()
    )


def plan(
    tree: WorkingTree, changed: Mapping[str, bytes], *, task: str, done: str, nothing: str, lock: int | None
) -> Plan:
    """Plan the replacement of these files alone; `done` or, without any, `nothing` says what holds afterwards."""
    return Plan(
        task=task,
        top=str(tree.repository.top),
        done=done if changed else f"{nothing}: nothing to do",
        then="look at it: git diff" if changed else "",
        files=replacing(tree, changed, lock=lock),
        diffs=diffs(tree, changed),
    )
