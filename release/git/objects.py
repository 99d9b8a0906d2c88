"""The object database: read through one `cat-file`, written as one pack; no ref, index or file is touched."""

from __future__ import annotations

import hashlib
import os
import struct
import time
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from release.entry import TREE, Entry
from release.errors import refusal
from release.git import command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from release.git.database import ObjectReader
    from release.git.repository import Repository

_PACK_TYPES = {"commit": 1, "tree": 2, "blob": 3, "tag": 4}
_LOOSE_AT_MOST = 100  # as git's own fetch.unpackLimit: more objects than this stay one pack


@dataclass(kw_only=True)
class ObjectWriter:
    """Makes objects in memory, where the reader finds them at once, and stores what is wanted with one git process."""

    repository: Repository
    reader: ObjectReader
    lock: int | None = None
    _stored: set[str] = field(default_factory=set)

    def add(self, kind: str, content: bytes) -> str:
        """Remember an object and return its id."""
        oid = object_id(self.repository.hash_name, kind, content)
        self.reader.hold(oid, kind, content)
        return oid

    def blob(self, content: bytes) -> str:
        """Remember a blob."""
        return self.add("blob", content)

    def tree(self, base: str, edits: Mapping[str, Entry | None]) -> str:
        """Return the tree `base` (an id, or empty) with `edits` at their paths; None removes, empty folders vanish."""
        entries = dict(self.reader.tree(base)) if base else {}
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
            if self.reader.tree(new):
                entries[name] = Entry(mode=TREE, oid=new)
            else:
                entries.pop(name, None)
        return self.add("tree", b"".join(_record(name, entries[name]) for name in sorted(entries, key=_order(entries))))

    def commit(self, *, tree: str, parents: Sequence[str], message: str, identity: Identity) -> str:
        """Return a commit; signed by git when the repository says so (`commit.gpgSign`)."""
        if identity.sign:
            return self._signed_commit(tree, parents, message, identity)
        lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
        lines += [f"author {identity.author}", f"committer {identity.committer}", "", message.rstrip("\n") + "\n"]
        return self.add("commit", "\n".join(lines).encode())

    def _signed_commit(self, tree: str, parents: Sequence[str], message: str, identity: Identity) -> str:
        self.flush(tree, *parents)
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

    def tag(self, *, name: str, commit: str, message: str, identity: Identity) -> str:
        """Return an annotated tag of a commit, without a ref."""
        lines = [f"object {commit}", "type commit", f"tag {name}", f"tagger {identity.committer}", ""]
        return self.add("tag", "\n".join([*lines, message.rstrip("\n") + "\n"]).encode())

    def flush(self, *roots: str) -> None:
        """Store `roots` and what of ours they lead to, durably: up to 100 objects loose, more as one pack."""
        wanted = {oid: self.reader.held[oid] for oid in self._reached(roots)}
        if not wanted:
            return
        pack = _pack(wanted.values(), self.repository.hash_name)
        small = len(wanted) <= _LOOSE_AT_MOST
        arguments = ["unpack-objects", "-q"] if small else ["index-pack", "--stdin"]
        command.write(arguments, cwd=self.repository.top, lock=self.lock, data=pack)
        # unpack-objects (2.39) says nothing when the disk is full as it moves a batch of objects to its place.
        if small and any(self.reader.resolve(oid) is None for oid in wanted):
            raise refusal("git has not stored all objects, and nothing has changed", "is the disk full? see: df -h .")
        self._stored |= wanted.keys()

    def _reached(self, roots: Iterable[str]) -> dict[str, None]:
        """Return the ids of held objects, not stored yet, that `roots` lead to through held ones."""
        found: dict[str, None] = {}
        waiting = list(roots)
        while waiting:
            oid = waiting.pop()
            if oid in found or oid in self._stored or oid not in self.reader.held:
                continue
            found[oid] = None
            kind, content = self.reader.held[oid]
            if kind == "tree":
                waiting += [entry.oid for entry in self.reader.tree(oid).values()]
            elif kind != "blob":
                head = content.partition(b"\n\n")[0].decode("utf-8", "replace").splitlines()
                waiting += [line.partition(" ")[2] for line in head if line.startswith(("tree ", "parent ", "object "))]
        return found


def object_id(hash_name: str, kind: str, content: bytes) -> str:
    """Return the id that git gives an object."""
    digest = hashlib.new(hash_name, usedforsecurity=False)
    digest.update(f"{kind} {len(content)}\0".encode())
    digest.update(content)
    return digest.hexdigest()


class Identity(NamedTuple):
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


def identity(repository: Repository, settings: Mapping[str, Sequence[str]], *, when: int) -> Identity:
    """Ask git who commits. `when` (seconds since 1970) is the date unless GIT_*_DATE sets another.

    Raises:
        ReleaseError: git does not know who you are (exit 3).
    """
    zone = time.strftime("%z", time.localtime(when))
    if os.environ.get("SOURCE_DATE_EPOCH"):
        zone = "+0000"  # the same objects wherever they are made
    dates = {
        f"GIT_{role}_DATE": f"@{when} {zone}"
        for role in ("AUTHOR", "COMMITTER")
        if f"GIT_{role}_DATE" not in os.environ
    }
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
