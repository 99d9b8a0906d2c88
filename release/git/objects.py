"""The object database: read through one `cat-file`, written as one pack; no ref, index or file is touched."""

from __future__ import annotations

import hashlib
import os
import struct
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from release.errors import Exit, Problem, ReleaseError, refusal
from release.git import command
from release.plan import Entry, PathChange

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from release.git.repository import Repository
    from release.process import Process

_PACK_TYPES = {"commit": 1, "tree": 2, "blob": 3, "tag": 4}
_LOOSE_AT_MOST = 100  # as git's own fetch.unpackLimit: more objects than this stay one pack
TREE = "40000"
_SUBMODULE = "160000"


class ObjectReader:
    """Reads objects through one long-lived `git cat-file --batch-command`, started when first asked."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._process: Process | None = None
        self._blobs: dict[str, bytes] = {}
        self._trees: dict[str, Mapping[str, Entry]] = {}
        self._roots: dict[str, Entry] = {}

    def close(self) -> None:
        """End the git process, if one was started."""
        if self._process is not None:
            self._process.kill()
            self._process = None

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
        header = self._ask("contents", name)
        if header is None:
            raise refusal(f"object {name} is missing", "complete the clone: git fetch --unshallow, or clone anew")
        _, kind, size = header
        stdout = self._running().stdout
        content = stdout.read(int(size))
        if len(content) < int(size) or not stdout.read(1):
            raise _ended(name)
        return kind, content

    def resolve(self, name: str) -> str | None:
        """Return the full object id that `name` (an id or a refname) stands for, or None."""
        header = self._ask("info", name)
        return None if header is None else header[0]

    def file(self, commit: str, path: str) -> bytes | None:
        """Return a file of a commit, or None when the commit has none there (or a folder)."""
        entry = self.entry(commit, path)
        return None if entry is None or entry.mode in (TREE, _SUBMODULE) else self.blob(entry.oid)

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

    def compare(self, old: str, new: str, prefix: str = "") -> tuple[PathChange, ...]:
        """Return the paths in which two trees differ (ids; empty is the empty tree); equal subtrees are not read."""
        if old == new:
            return ()
        before = self.tree(old) if old else {}
        after = self.tree(new) if new else {}
        changes: list[PathChange] = []
        for name in sorted(before.keys() | after.keys()):
            ours, theirs = before.get(name), after.get(name)
            if ours == theirs:
                continue
            folders = [entry.oid if entry is not None and entry.mode == TREE else "" for entry in (ours, theirs)]
            changes += self.compare(folders[0], folders[1], f"{prefix}{name}/")
            leaves = [None if entry is None or entry.mode == TREE else entry for entry in (ours, theirs)]
            if leaves != [None, None]:
                changes.append(PathChange(path=prefix + name, old=leaves[0], new=leaves[1]))
        return tuple(changes)

    def commit(self, oid: str) -> Commit:
        """Return what a commit records."""
        _, content = self.read(oid)
        head, _, message = content.decode("utf-8", "replace").partition("\n\n")
        fields = [line.partition(" ")[::2] for line in head.splitlines()]
        return Commit(
            tree=next(value for key, value in fields if key == "tree"),
            parents=tuple(value for key, value in fields if key == "parent"),
            message=message,
            time=int(next(value for key, value in fields if key == "committer").rsplit(" ", 2)[-2]),
        )

    def _running(self) -> Process:
        if self._process is None:
            self._process = self._repository.start("cat-file", "--batch-command", "-z")
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Commit:
    """The parts of a commit that plans look at; `time` is the committer's, in seconds since 1970."""

    tree: str
    parents: tuple[str, ...]
    message: str
    time: int


@dataclass(kw_only=True)
class ObjectWriter:
    """Makes objects in memory, knows their ids at once, and stores them all with one git process."""

    repository: Repository
    reader: ObjectReader
    lock: int | None = None
    _pending: dict[str, tuple[str, bytes]] = field(default_factory=dict)

    def add(self, kind: str, content: bytes) -> str:
        """Remember an object and return its id."""
        digest = hashlib.new(self.repository.hash_name, usedforsecurity=False)
        digest.update(f"{kind} {len(content)}\0".encode())
        digest.update(content)
        oid = digest.hexdigest()
        self._pending[oid] = (kind, content)
        return oid

    def blob(self, content: bytes) -> str:
        """Remember a blob."""
        return self.add("blob", content)

    def tree(self, base: str, edits: Mapping[str, Entry | None]) -> str:
        """Return the tree `base` (an id, or empty) with `edits` at their paths; None removes, empty folders vanish."""
        entries = dict(self._entries(base))
        below: dict[str, dict[str, Entry | None]] = {}
        for path, entry in edits.items():
            name, slash, rest = path.partition("/")
            if slash:
                below.setdefault(name, {})[rest] = entry
            elif entry is None:
                entries.pop(name, None)
            else:
                entries[name] = entry
        for name, inner in below.items():
            old = entries.get(name)
            new = self.tree(old.oid if old is not None and old.mode == TREE else "", inner)
            if self._entries(new):
                entries[name] = Entry(mode=TREE, oid=new)
            else:
                entries.pop(name, None)
        return self.add("tree", b"".join(_record(name, entries[name]) for name in sorted(entries, key=_order(entries))))

    def _entries(self, oid: str) -> Mapping[str, Entry]:
        if not oid:
            return {}
        if oid in self._pending:
            return parse_tree(self._pending[oid][1], len(oid) // 2)
        return self.reader.tree(oid)

    def commit(self, *, tree: str, parents: Sequence[str], message: str, identity: Identity) -> str:
        """Return a commit; signed by git when the repository says so (`commit.gpgSign`)."""
        if identity.sign:
            return self._signed_commit(tree, parents, message, identity)
        lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
        lines += [f"author {identity.author}", f"committer {identity.committer}", "", message.rstrip("\n") + "\n"]
        return self.add("commit", "\n".join(lines).encode())

    def _signed_commit(self, tree: str, parents: Sequence[str], message: str, identity: Identity) -> str:
        self.flush()
        arguments = ["commit-tree", "-S", "-F", "-", *(word for parent in parents for word in ("-p", parent)), tree]
        made = command.write(
            arguments,
            cwd=self.repository.top,
            lock=self.lock,
            data=(message.rstrip("\n") + "\n").encode(),
            env=identity.environment(),
            accept=range(-64, 256),
        )
        if made.status != 0:
            raise refusal(f"the commit could not be signed: {made.complaint}", "check: git commit --allow-empty -S")
        oid = made.out.decode().strip()
        if b"\ngpgsig" not in self.reader.read(oid)[1]:
            raise refusal("git made the commit without a signature", "check gpg.format and user.signingKey")
        return oid

    def flush(self) -> None:
        """Store everything remembered, durably: up to 100 objects loose, more as one pack."""
        if not self._pending:
            return
        pack = _pack(self._pending.values(), self.repository.hash_name)
        small = len(self._pending) <= _LOOSE_AT_MOST
        arguments = ["unpack-objects", "-q"] if small else ["index-pack", "--stdin"]
        command.write(arguments, cwd=self.repository.top, lock=self.lock, data=pack)
        self._pending.clear()


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """Who makes the commits and when: two ident lines (`Name <email> seconds zone`), and whether git signs."""

    author: str
    committer: str
    sign: bool = False

    def environment(self) -> dict[str, str]:
        """The same identities for a git process."""
        env: dict[str, str] = {}
        for role, ident in (("AUTHOR", self.author), ("COMMITTER", self.committer)):
            name, _, rest = ident.partition(" <")
            email, _, date = rest.partition("> ")
            env |= {f"GIT_{role}_NAME": name, f"GIT_{role}_EMAIL": email, f"GIT_{role}_DATE": f"@{date}"}
        return env


def identity(repository: Repository, settings: Mapping[str, Sequence[str]], *, epoch: str | None) -> Identity:
    """Ask git who commits. `epoch` (SOURCE_DATE_EPOCH) sets the date unless GIT_*_DATE does.

    Raises:
        ReleaseError: git does not know who you are (exit 3).
    """
    dates = {}
    for role in ("AUTHOR", "COMMITTER"):
        if epoch is not None and f"GIT_{role}_DATE" not in os.environ:
            dates[f"GIT_{role}_DATE"] = f"@{int(epoch)} +0000"
    committer = repository.start("var", "GIT_COMMITTER_IDENT", env=dates)
    # Author and committer are the same person at the same second unless something names one of them alone.
    apart = any(key.startswith(("author.", "committer.")) for key in settings) or any(
        name.startswith(("GIT_AUTHOR_", "GIT_COMMITTER_")) for name in os.environ
    )
    author = repository.start("var", "GIT_AUTHOR_IDENT", env=dates) if apart else None
    lines: list[str] = []
    for started in (committer, author):
        if started is None:
            lines.append(lines[0])
            continue
        answer = started.finish()
        if answer.status != 0:
            raise refusal(
                "git does not know who you are",
                'git config user.name "Your Name" && git config user.email you@example.org',
            )
        lines.append(answer.out.decode("utf-8", "replace").strip())
    sign = (settings.get("commit.gpgsign") or ["false"])[-1].lower() in ("", "true", "yes", "on", "1")
    return Identity(committer=lines[0], author=lines[1], sign=sign)


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


def _order(entries: Mapping[str, Entry]) -> Callable[[str], bytes]:
    # git sorts a folder as if its name ended with a slash
    return lambda name: os.fsencode(name) + (b"/" if entries[name].mode == TREE else b"")


def _record(name: str, entry: Entry) -> bytes:
    return f"{entry.mode} ".encode() + os.fsencode(name) + b"\0" + bytes.fromhex(entry.oid)


def _pack(objects: Iterable[tuple[str, bytes]], hash_name: str) -> bytes:
    """Return a pack of whole objects (gitformat-pack: header, type and size varint, deflated data, checksum)."""
    items = list(objects)
    parts = [b"PACK", struct.pack(">II", 2, len(items))]
    for kind, content in items:
        size = len(content)
        byte = _PACK_TYPES[kind] << 4 | size & 15
        size >>= 4
        while size:
            parts.append(bytes([byte | 128]))
            byte = size & 127
            size >>= 7
        parts += [bytes([byte]), zlib.compress(content, 1)]
    body = b"".join(parts)
    return body + hashlib.new(hash_name, body, usedforsecurity=False).digest()
