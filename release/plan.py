"""Plans: what a task is going to do, as frozen data that is shown, journalled and carried out alike."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from release.entry import Entry


class RefUpdate(NamedTuple):
    """One ref moves from `old` to `new`; None is a ref that does not exist."""

    name: str
    old: str | None
    new: str | None

    def reversed(self) -> RefUpdate:
        """The same step backwards."""
        return self._replace(old=self.new, new=self.old)


class PathChange(NamedTuple):
    """One tracked path differs between two commits; None is absence."""

    path: str
    old: Entry | None
    new: Entry | None

    def reversed(self) -> PathChange:
        """The same step backwards."""
        return self._replace(old=self.new, new=self.old)


class WorktreeMove(NamedTuple):
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
        return self._replace(
            old_branch=self.new_branch,
            old=self.new,
            new_branch=self.old_branch,
            new=self.old,
            changes=tuple(change.reversed() for change in self.changes),
        )


class FileEdit(NamedTuple):
    """One file of the working tree is replaced. Blobs hold the raw bytes on disk; None is no file."""

    path: str
    permissions: int
    old: str | None
    new: str | None

    def reversed(self) -> FileEdit:
        """The same step backwards."""
        return self._replace(old=self.new, new=self.old)


class Push(NamedTuple):
    """One atomic push; each ref's `old` is its lease."""

    remote: str
    updates: tuple[RefUpdate, ...]


class FileDiff(NamedTuple):
    """A file before and after, for the preview."""

    path: str
    mode: str
    old: bytes | None
    new: bytes | None


class Candidate(NamedTuple):
    """The commit that a plan tags, and the gates whose receipts for its tree have to be there before.

    `build`: its distributions, too.
    """

    commit: str
    tree: str
    gates: tuple[str, ...]
    build: bool = False


class Tag(NamedTuple):
    """An annotated tag as the plan makes it.

    `sign`: another object takes its place at the end, with a signature by one of `signers` if there are any.
    """

    name: str
    oid: str
    sign: bool
    signers: tuple[str, ...] = ()


class Request(NamedTuple):
    """A pull request of the branch `head` into `base`, opened at a forge after its branch was pushed.

    `repository` is OWNER/NAME at the `api`, "" where we know none to ask; `address` is how a person opens it.
    """

    repository: str
    api: str
    head: str
    base: str
    title: str
    body: str
    address: str


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Plan:
    """Everything one run does that can be seen, in the order push, refs, worktrees, files, index.

    Before that, the gates judge the `candidate`. `trees` are those of further branches, by name.
    `files` and `index` belong to the worktree at `top`. `done` says in one line what holds afterwards, `undo` names the
    command that takes it back and `then` the usual next one. When all is carried out, `request` is opened.
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
    trees: tuple[tuple[str, str], ...] = ()
    candidate: Candidate | None = None
    tag: Tag | None = None
    request: Request | None = None
    notes: tuple[str, ...] = ()
    diffs: tuple[FileDiff, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether carrying it out would change nothing."""
        return not (self.push or self.refs or self.worktrees or self.files or self.index)

    def with_tag(self, oid: str) -> Plan:
        """The same plan with another object in the place of its tag: the signed one."""
        assert self.tag is not None  # noqa: S101  # only plans with a tag are signed
        old = self.tag.oid

        def put(updates: tuple[RefUpdate, ...]) -> tuple[RefUpdate, ...]:
            return tuple(one._replace(new=oid) if one.new == old else one for one in updates)

        return replace(
            self,
            refs=put(self.refs),
            push=None if self.push is None else self.push._replace(updates=put(self.push.updates)),
            tag=self.tag._replace(oid=oid),
        )

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


class Opened(NamedTuple):
    """A merge that a person has to finish: the worktree it is in, what is merged into which branch, what conflicts.

    `key` names the merge by branch and contents; `tree` is the merge as far as it went. From the moment it is `handed`
    over, what lies in the worktree is that person's; once it is being `given_up`, nothing that still lies there counts.
    """

    path: str
    branch: str
    ours: str
    theirs: str
    key: str
    tree: str
    conflicts: tuple[tuple[str, Entry | None, Entry | None, Entry | None], ...]
    handed: bool = False
    given_up: bool = False


class Stop(NamedTuple):
    """A flow that stopped at a merge conflict, with all that it takes to plan it anew.

    `flow` and `options` are the task and what it was told, `moment` is when it began (seconds since 1970), `pins` are
    the refs that must not have moved, `resolutions` the trees that people made of conflicts, by the merge's key.
    """

    flow: str
    options: tuple[tuple[str, str | bool], ...]
    moment: int
    pins: tuple[tuple[str, str], ...]
    resolutions: tuple[tuple[str, str], ...]
    opened: Opened | None

    @property
    def task(self) -> str:
        """The command that begins the flow again, as `again`."""
        return again(self.flow, dict(self.options))


def again(flow: str, options: Mapping[str, object]) -> str:
    """Return the command that begins a flow that merges again, with all that it was told.

    Without `--pr` or `--no-push` it would do what nobody asked for.
    """
    is_release = flow == "release.finish"
    named = {"version" if is_release else "name": options["name"]}
    flags = ("commit", "receipts", "message", "message_file")
    texts = {flag: options.get(flag) for flag in (*(() if is_release else ("version",)), *flags)}
    return typed(
        flow,
        **named,
        **texts,
        no_push=not options.get("push", True),
        allow_changed=is_release and options.get("allow_changed"),  # others are always allowed to
        **{flag: options.get(flag) for flag in ("keep", "allow_empty", "pr", "publish")},
    )


def typed(task: str, *words: str, **flags: object) -> str:
    """Return a task's command as it is typed after `invoke`, with the flags that are set; a text is a flag's value.

    A message out of a file is not repeated: the file is named.
    """
    if flags.get("message_file"):
        flags["message"] = ""
    line = [task, *words]
    for name, value in flags.items():
        if value:
            line.append(f"--{name.replace('_', '-')}")
            line += [value] if isinstance(value, str) else []
    return shlex.join(line)
