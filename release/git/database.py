"""Reading the object database through one long-lived git process."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from release.entry import SUBMODULE, TREE, Entry
from release.errors import Exit, Problem, ReleaseError, refusal
from release.git import command

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from release.process import Process


class Commit(NamedTuple):
    """The parts of a commit that plans look at; `time` is the committer's, in seconds since 1970."""

    tree: str
    parents: tuple[str, ...]
    message: str
    time: int


class ObjectReader:
    """Reads objects through one long-lived `git cat-file --batch-command`, started when first asked."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: Process | None = None
        self._blobs: dict[str, bytes] = {}
        self._trees: dict[str, Mapping[str, Entry]] = {}
        self._roots: dict[str, Entry] = {}
        self._held: dict[str, tuple[str, bytes]] = {}
        self._commits: dict[str, Commit | None] = {}

    def hold(self, oid: str, kind: str, content: bytes) -> None:
        """Answer questions for an object that is not in the database, or not yet, from memory."""
        self._held[oid] = (kind, content)

    @property
    def held(self) -> Mapping[str, tuple[str, bytes]]:
        """The objects held in memory: type and content by id."""
        return self._held

    def close(self) -> None:
        """End the git process, if one was started."""
        if self._process is not None:
            self._process.kill()
            self._process = None

    def start(self) -> None:
        """Start the process now, so that it is ready when the first question comes."""
        self._running()

    def blob(self, oid: str) -> bytes:
        """Return a blob's bytes; each is read once."""
        if oid not in self._blobs:
            self._blobs[oid] = self.read(oid)[1]
        return self._blobs[oid]

    def read(self, name: str) -> tuple[str, bytes]:
        """Return type and content of an object.

        Raises:
            ReleaseError: it is missing (exit 3): a shallow, partial or damaged object database.
        """
        found = self._read(name)
        if found is None:
            raise refusal(f"object {name} is missing", "complete the clone: git fetch --unshallow, or clone anew")
        return found

    def _read(self, name: str) -> tuple[str, bytes] | None:
        if name in self._held:
            return self._held[name]
        header = self._ask("contents", name)
        if header is None:
            return None
        _, kind, size = header
        stdout = self._running().stdout
        content = stdout.read(int(size))
        if len(content) < int(size) or not stdout.read(1):
            raise _ended(name)
        return kind, content

    def resolve(self, name: str) -> str | None:
        """Return the full object id that the database has for `name` (an id or a refname), or None."""
        header = self._ask("info", name)
        return None if header is None else header[0]

    def file(self, commit: str, path: str) -> bytes | None:
        """Return a file of a commit, or None when the commit has none there (or a folder)."""
        entry = self.entry(commit, path)
        return None if entry is None or entry.mode in (TREE, SUBMODULE) else self.blob(entry.oid)

    def plain_file(self, commit: str, path: str) -> bytes | None:
        """Return a file of a commit as `file` does, but None for a symbolic link."""
        entry = self.entry(commit, path)
        return self.blob(entry.oid) if entry is not None and entry.is_file else None

    def entry(self, commit: str, path: str) -> Entry | None:
        """Return the entry at a path of a commit; found through the trees, so that any name is only data."""
        if commit not in self._roots:
            self._roots[commit] = Entry(mode=TREE, oid=self.commit(commit).tree)
        entry: Entry | None = self._roots[commit]
        for name in path.split("/"):
            if entry is None or entry.mode != TREE:
                return None
            entry = self.tree(entry.oid).get(name)
        return entry

    def tree(self, oid: str) -> Mapping[str, Entry]:
        """Return the entries of one tree object by name; each is read once."""
        if oid not in self._trees:
            self._trees[oid] = parse_tree(self.read(oid)[1], len(oid) // 2)
        return self._trees[oid]

    def commit(self, oid: str) -> Commit:
        """Return what a commit records."""
        return self._commits.get(oid) or _parse_commit(self.read(oid)[1])

    def commit_here(self, oid: str) -> Commit | None:
        """Return what a commit records; None when it is missing, as in a shallow clone, or no commit."""
        if oid not in self._commits:
            found = self._read(oid)
            self._commits[oid] = _parse_commit(found[1]) if found is not None and found[0] == "commit" else None
        return self._commits[oid]

    def _running(self) -> Process:
        if self._process is None:
            self._process = command.start(["cat-file", "--batch-command", "-z"], cwd=self._folder)
        return self._process

    def _ask(self, question: str, name: str) -> tuple[str, str, str] | None:
        running = self._running()
        running.stdin.write(os.fsencode(f"{question} {name}\0"))
        running.stdin.flush()
        line = running.stdout.readline()
        if not line:
            raise _ended(name)
        if line.endswith((b" missing\n", b" ambiguous\n")):
            return None
        oid, kind, size = line.decode().split()
        return oid, kind, size


def _ended(name: str) -> ReleaseError:
    what = f"git cat-file ended while reading {name}"
    return ReleaseError([Problem(what=what, hint="check the repository: git fsck", exit=Exit.UNEXPECTED)])


def _parse_commit(content: bytes) -> Commit:
    head, _, message = content.decode("utf-8", "replace").partition("\n\n")
    fields = [line.partition(" ")[::2] for line in head.splitlines()]
    return Commit(
        tree=next(value for key, value in fields if key == "tree"),
        parents=tuple(value for key, value in fields if key == "parent"),
        message=message,
        time=int(next(value for key, value in fields if key == "committer").rsplit(" ", 2)[-2]),
    )


def parse_tree(content: bytes, width: int) -> dict[str, Entry]:
    """Read a tree object; `width` is the length of a raw object id in bytes."""
    entries = {}
    position = 0
    while position < len(content):
        blank = content.index(b" ", position)
        zero = content.index(b"\0", blank)
        entries[os.fsdecode(content[blank + 1 : zero])] = Entry(
            mode=content[position:blank].decode(), oid=content[zero + 1 : zero + 1 + width].hex()
        )
        position = zero + 1 + width
    return entries
