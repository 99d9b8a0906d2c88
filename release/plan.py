"""Plans: what a task is going to do, as frozen data that is shown, journalled and carried out alike."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from release.entry import Entry


@dataclass(frozen=True, kw_only=True, slots=True)
class RefUpdate:
    """One ref moves from `old` to `new`; None is a ref that does not exist."""

    name: str
    old: str | None
    new: str | None

    def reversed(self) -> RefUpdate:
        """The same step backwards."""
        return replace(self, old=self.new, new=self.old)


@dataclass(frozen=True, kw_only=True, slots=True)
class PathChange:
    """One tracked path differs between two commits; None is absence."""

    path: str
    old: Entry | None
    new: Entry | None

    def reversed(self) -> PathChange:
        """The same step backwards."""
        return replace(self, old=self.new, new=self.old)


@dataclass(frozen=True, kw_only=True, slots=True)
class WorktreeMove:
    """A worktree goes from one commit to another. A branch is a full refname, empty for a detached HEAD."""

    path: str
    git_dir: str
    old_branch: str
    old: str
    new_branch: str
    new: str
    changes: tuple[PathChange, ...]

    def reversed(self) -> WorktreeMove:
        """The same step backwards."""
        return replace(
            self,
            old_branch=self.new_branch,
            old=self.new,
            new_branch=self.old_branch,
            new=self.old,
            changes=tuple(change.reversed() for change in self.changes),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class FileEdit:
    """One file of the working tree is replaced. Blobs hold the raw bytes on disk; None is no file."""

    path: str
    permissions: int
    old: str | None
    new: str | None

    def reversed(self) -> FileEdit:
        """The same step backwards."""
        return replace(self, old=self.new, new=self.old)


@dataclass(frozen=True, kw_only=True, slots=True)
class Push:
    """One atomic push; each ref's `old` is its lease."""

    remote: str
    updates: tuple[RefUpdate, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class FileDiff:
    """A file before and after, for the preview."""

    path: str
    mode: str
    old: bytes | None
    new: bytes | None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything one run does that can be seen, in the order push, refs, worktrees, files, index.

    `files` and `index` belong to the worktree at `top`. `done` says in one line what holds afterwards, `undo` names
    the command that takes it back and `then` the usual next one.
    """

    task: str
    top: str
    done: str
    undo: str = ""
    then: str = ""
    push: Push | None = None
    refs: tuple[RefUpdate, ...] = ()
    worktrees: tuple[WorktreeMove, ...] = ()
    files: tuple[FileEdit, ...] = ()
    index: tuple[PathChange, ...] = ()
    tree: str = ""
    commit: str = ""
    notes: tuple[str, ...] = ()
    diffs: tuple[FileDiff, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether carrying it out would change nothing."""
        return not (self.push or self.refs or self.worktrees or self.files or self.index)

    def reversed(self) -> Plan:
        """What undoes the local part; a push has no way back."""
        return replace(
            self,
            push=None,
            refs=tuple(ref.reversed() for ref in self.refs),
            worktrees=tuple(move.reversed() for move in self.worktrees),
            files=tuple(edit.reversed() for edit in self.files),
            index=tuple(change.reversed() for change in self.index),
        )
