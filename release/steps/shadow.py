"""A history that git-cliff may see: the commits of one range with messages that mean nothing, and nothing else.

It lies in a temporary bare repository. There are no tags in it (an rc or a legacy tag could hide commits), no
configuration, no files but those of the commits if a cliff.toml asks for them, and ids of its own. So nothing that
stands in a message, and nothing in the user's repository, can make git-cliff do what the range does not ask for.
"""

from __future__ import annotations

import hashlib
import itertools
import re
import struct
import zlib
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from release.entry import is_id
from release.errors import Problem, ReleaseError, usage
from release.formats import inert
from release.git import command, scratch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# %an and %ae as they were written, %B re-encoded to UTF-8; no field can hold a NUL.
_FIELDS = ("%H", "%T", "%P", "%an", "%ae", "%at", "%cn", "%ce", "%ct", "%B")
_SHA1 = 40  # hexadecimal digits
_COMMIT, _TREE = (b"commit", 1), (b"tree", 2)  # word and number of a kind of object
_NOBODY = b"release <release@invalid> 0 +0000"


class MissingHistoryError(ReleaseError):
    """A commit of the range is not in the object database: unknown, collected, or beyond a shallow clone's edge."""


class Person(NamedTuple):
    """An identity; `time` is in seconds since 1970."""

    name: str
    address: str
    time: int

    def __str__(self) -> str:
        return f"{self.name} <{self.address}> {self.time} +0000"


class Commit(NamedTuple):
    """A commit of the range: ids and parents as they are, texts inert."""

    id: str
    tree: str
    parents: tuple[str, ...]
    author: Person
    committer: Person
    message: str


class Shadow(NamedTuple):
    """What git-cliff sees: a repository, its commits (parents first) by the ids they have there, and the range."""

    folder: Path
    commits: dict[str, Commit]
    range: str

    def up_to(self, stop: str) -> set[str]:
        """Return the real ids of the commits of the range that `stop` has; none if it is not in it itself."""
        found: set[str] = set()
        reached = {stop}
        for commit in reversed(self.commits.values()):
            if commit.id in reached:
                found.add(commit.id)
                reached |= {*commit.parents}
        return found


@contextmanager
def cast(objects: Path, start: str | None, stop: str, *, with_trees: bool) -> Iterator[Shadow]:
    """Make the shadow of the commits that `stop` has and `start` has not; `objects` is the object folder.

    Without trees each commit has an empty one, which spares git-cliff a diff for each. A repository of any object
    format can be read; with trees it has to be SHA-1, the only one that git-cliff knows.

    Raises:
        MissingHistoryError: a commit is missing (exit 3).
        ReleaseError: trees of a SHA-256 repository are asked for (exit 2).
    """
    if with_trees and len(stop) != _SHA1:
        raise usage(
            "git-cliff cannot read the files of a SHA-256 repository",
            "leave paths and statistics out of cliff.toml",
        )
    with TemporaryDirectory(prefix="release-notes-") as name:
        folder = Path(name)
        source = scratch.bare(folder / "source", objects, hash_name="sha1" if len(stop) == _SHA1 else "sha256")
        commits = _commits(source, start, stop)
        if not commits:
            yield Shadow(folder=folder, commits={}, range="")
            return
        shadow = scratch.bare(folder / "shadow", objects if with_trees else None)
        yield _written(shadow, commits, start, with_trees=with_trees)


def _commits(folder: Path, start: str | None, stop: str) -> tuple[Commit, ...]:
    """Read the commits of the range, parents first."""
    for name in (stop, start or stop):
        if not is_id(name):
            raise _missing(f"{name[:80]!a} is not the id of a commit")
    arguments = [
        "rev-list",
        "--topo-order",
        "--reverse",
        "--no-commit-header",
        "--encoding=UTF-8",
        f"--format=tformat:{'%x00'.join(_FIELDS)}%x00",
        stop,
        *([f"^{start}"] if start else []),
        "--",
    ]
    result = command.start(arguments, cwd=folder, env={"GIT_DIR": str(folder)}).finish()
    if result.status:
        raise _missing(inert.reason(result.complaint))
    fields = result.out.split(b"\0")[:-1]
    size = len(_FIELDS)
    return tuple(_commit(fields[at : at + size]) for at in range(0, len(fields), size))


def _missing(why: str) -> MissingHistoryError:
    return MissingHistoryError(
        [
            Problem(
                what=f"the history cannot be read: {why}",
                hint="fetch what is missing (in a shallow clone: git fetch --unshallow --tags)",
            )
        ]
    )


def _commit(fields: Sequence[bytes]) -> Commit:
    name, tree, parents, *people, message = map(_decoded, fields)
    return Commit(
        id=name.strip(),
        tree=tree,
        parents=tuple(parents.split()),
        author=_person(*people[:3]),
        committer=_person(*people[3:]),
        message=inert.message(message),
    )


def _decoded(text: bytes) -> str:
    """Decode what git could not: text in no known encoding is nearly always Western."""
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        return text.decode("cp1252", "replace")


def _person(name: str, address: str, time: str) -> Person:
    """Return an identity that every parser reads; some commits of old have none or half of one."""
    return Person(
        name=inert.line(name) or "unknown",
        address=re.sub(r"[<>]", "", inert.line(address)),
        time=int(time) if re.fullmatch(r"[0-9]{1,11}", time) else 0,
    )


def _written(folder: Path, commits: Sequence[Commit], start: str | None, *, with_trees: bool) -> Shadow:
    """Write the commits into `folder`. Parents outside the range are the real ones, or one that stands for all.

    A root gets that one too: git-cliff does not say of a first commit which files it brought.
    """
    pack = _Pack()
    empty = pack.add(_TREE, b"")
    outside = pack.add(_COMMIT, b"tree %s\nauthor %s\ncommitter %s\n\n" % (empty.encode(), _NOBODY, _NOBODY))
    has_real_edge = with_trees and start is not None
    known: dict[str, str] = {}
    for commit in commits:
        parents = [known.get(parent) or (parent if has_real_edge else outside) for parent in commit.parents]
        if not parents and not has_real_edge:
            parents = [outside]
        lines = [
            f"tree {commit.tree if with_trees else empty}",
            *(f"parent {parent}" for parent in parents),
            f"author {commit.author}",
            f"committer {commit.committer}",
            f"origin {commit.id}",  # two commits that differ in nothing else stay two
            "",
            commit.message,
        ]
        known[commit.id] = pack.add(_COMMIT, "\n".join(lines).encode())
    pack.write(folder / "objects" / "pack")
    tip = known[commits[-1].id]
    (folder / "refs" / "heads" / "main").write_text(f"{tip}\n", encoding="ascii")
    return Shadow(
        folder=folder,
        commits=dict(zip(known.values(), commits, strict=True)),
        range=f"{start if has_real_edge else outside}..{tip}",
    )


class _Pack:
    """A pack and its index, version 2 of both (git's gitformat-pack): two files, however many commits."""

    def __init__(self) -> None:
        self._data = [b"PACK" + struct.pack(">LL", 2, 0)]
        self._size = len(self._data[0])
        self._entries: dict[bytes, tuple[int, int]] = {}  # id: CRC-32 and offset

    def add(self, kind: tuple[bytes, int], content: bytes) -> str:
        """Add an object and return its id."""
        word, number = kind
        name = hashlib.sha1(b"%s %d\0%s" % (word, len(content), content), usedforsecurity=False)
        head = bytearray([number << 4 | len(content) & 15])
        rest = len(content) >> 4
        while rest:
            head[-1] |= 128
            head.append(rest & 127)
            rest >>= 7
        data = bytes(head) + zlib.compress(content, 1)
        self._entries[name.digest()] = (zlib.crc32(data), self._size)
        self._data.append(data)
        self._size += len(data)
        return name.hexdigest()

    def write(self, folder: Path) -> None:
        """Write both files; offsets of over 2 GiB would need another table and do not occur."""
        folder.mkdir()
        self._data[0] = b"PACK" + struct.pack(">LL", 2, len(self._data) - 1)
        pack = b"".join(self._data)
        trailer = hashlib.sha1(pack, usedforsecurity=False).digest()
        names = sorted(self._entries)
        counts = Counter(name[0] for name in names)
        index = b"".join(
            [
                b"\xfftOc" + struct.pack(">L", 2),
                struct.pack(">256L", *itertools.accumulate(counts[first] for first in range(256))),
                *names,
                *(struct.pack(">L", self._entries[name][0]) for name in names),
                *(struct.pack(">L", self._entries[name][1]) for name in names),
                trailer,
            ]
        )
        (folder / f"pack-{trailer.hex()}.pack").write_bytes(pack + trailer)
        checksum = hashlib.sha1(index, usedforsecurity=False).digest()
        (folder / f"pack-{trailer.hex()}.idx").write_bytes(index + checksum)
