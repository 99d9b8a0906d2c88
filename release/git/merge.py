"""Three-way merges of trees, in a scratch repository: no checkout, no attribute file and no driver changes a result."""

from __future__ import annotations

import contextlib
import os
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from release.entry import SUBMODULE, Entry
from release.git import command, scratch, worktree
from release.git.objects import object_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from release.git.database import ObjectReader
    from release.git.repository import Repository
    from release.process import Result

_FATAL = 128  # git's status when it cannot go on
_NOBODY = "release <release@invalid> 0 +0000"


class Conflict(NamedTuple):
    """A path that could not be merged, and what base, ours and theirs hold there (None: nothing)."""

    path: str
    base: Entry | None
    ours: Entry | None
    theirs: Entry | None


class Merged(NamedTuple):
    """A merge: the tree (with conflict markers in the files that conflict), the conflicts, and git's words on them."""

    tree: str
    conflicts: tuple[Conflict, ...] = ()
    messages: tuple[str, ...] = ()


class Merger:
    """Merges trees that the reader knows, held ones too; results are held by the reader and stored by nobody."""

    def __init__(self, folder: Path, repository: Repository, reader: ObjectReader) -> None:
        self._folder = scratch.bare(folder / "merges", repository.objects, hash_name=repository.hash_name)
        self._hash_name = repository.hash_name
        self._reader = reader
        self._known: set[str] = set()

    def merge(
        self,
        bases: Sequence[str],
        ours: str,
        theirs: str,
        *,
        root: str = "",
        labels: tuple[str, str] = ("ours", "theirs"),
    ) -> Merged:
        """Merge two trees by their common bases (ids of trees); several bases are merged first, as git does.

        `root` is the tree that several bases have in common (empty: nothing). `labels` name the sides in conflict
        markers. A merge that needs no work starts no process.

        Raises:
            ReleaseError: git cannot merge, such as when an object is missing (exit 1).
        """
        if ours == theirs or (len(bases) == 1 and theirs == bases[0]):
            return Merged(ours)
        if len(bases) == 1 and ours == bases[0]:
            return Merged(theirs)
        first = [self._commit(root, ())] if root and len(bases) > 1 else []
        roots = [self._commit(tree, first, number) for number, tree in enumerate(bases)]
        sides = [self._commit(tree, roots, number) for number, tree in enumerate((ours, theirs), len(bases))]
        self._lend()
        with self._named(dict(zip(labels, sides, strict=True))):
            answer = self._merge(labels)
            if answer.status == _FATAL:  # of a partial clone, the scratch repository cannot ask for what is missing
                self._bring([*bases, *([root] if root else []), ours, theirs])
                answer = self._merge(labels)
        # 1 is a conflict, and what comes of it is told all the same: without a tree git has failed.
        command.checked(answer, (0, 1) if answer.out else ())
        self._take()
        return _read(answer.out)

    def _merge(self, labels: Sequence[str]) -> Result:
        arguments = ["merge-tree", "--write-tree", "-z", "--messages", "--allow-unrelated-histories", *labels]
        return command.start(arguments, cwd=self._folder, env=scratch.environment(self._folder)).finish()

    def _bring(self, sides: Sequence[str]) -> None:
        """Read every file in which trees differ: git then fetches those that a partial clone lacks."""
        for one in sides[1:]:
            for change in worktree.changes(self._reader, sides[0], one):
                for entry in (change.old, change.new):
                    if entry is not None and entry.mode != SUBMODULE:
                        self._reader.blob(entry.oid)

    @contextlib.contextmanager
    def _named(self, commits: Mapping[str, str]) -> Iterator[None]:
        """Let git know commits by names that people read in conflict markers."""
        places = {self._folder / "refs" / "heads" / name: oid for name, oid in commits.items()}
        for place, oid in places.items():
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(f"{oid}\n", encoding="ascii")
        try:
            yield
        finally:
            for place in places:
                place.unlink()

    def _commit(self, tree: str, parents: Sequence[str], number: int = 0) -> str:
        lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
        # A number keeps commits apart that are equal in all else: of several bases none may vanish.
        lines += [f"author {_NOBODY}", f"committer {_NOBODY}", "", f"{number}\n"]
        content = "\n".join(lines).encode()
        oid = object_id(self._hash_name, "commit", content)
        self._write(oid, "commit", content)
        return oid

    def _write(self, oid: str, kind: str, content: bytes) -> None:
        place = self._folder / "objects" / oid[:2] / oid[2:]
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(zlib.compress(f"{kind} {len(content)}\0".encode() + content, 1))
        self._known.add(oid)

    def _lend(self) -> None:
        """Give git the objects that only we hold."""
        for oid, (kind, content) in self._reader.held.items():
            if oid not in self._known:
                self._write(oid, kind, content)

    def _take(self) -> None:
        """Hold what git made."""
        for folder in os.scandir(self._folder / "objects"):
            for file in os.scandir(folder) if len(folder.name) == len("00") else ():
                oid = folder.name + file.name
                if oid not in self._known and not file.name.startswith("tmp_"):
                    head, _, content = zlib.decompress(Path(file.path).read_bytes()).partition(b"\0")
                    self._reader.hold(oid, head.decode().partition(" ")[0], content)
                    self._known.add(oid)


@contextlib.contextmanager
def merger(repository: Repository, reader: ObjectReader) -> Iterator[Merger]:
    """Make a place for merges, for as long as they are being planned."""
    with TemporaryDirectory(prefix="release-merge-") as folder:
        yield Merger(Path(folder), repository, reader)


def _read(out: bytes) -> Merged:
    """Read what merge-tree prints with -z (git-merge-tree, OUTPUT): tree, conflicted entries, messages."""
    parts = os.fsdecode(out).split("\0")
    tree, rest = parts[0], iter(parts[1:])
    stages: dict[str, dict[int, Entry]] = {}
    for record in rest:
        if not record:
            break
        facts, _, path = record.partition("\t")
        mode, oid, stage = facts.split(" ")
        stages.setdefault(path, {})[int(stage)] = Entry(mode=mode, oid=oid)
    messages = []
    for count in rest:
        if not count.isdigit():  # the end, or plain advice on submodules
            break
        paths = [next(rest) for _ in range(int(count))]
        kind, text = next(rest), next(rest)
        # Of a merge that went well git speaks too; what matters is what it could not do.
        if kind.startswith("CONFLICT"):
            messages.append(text.strip() or f"{kind}: {', '.join(paths)}")
    conflicts = tuple(
        Conflict(path, found.get(1), found.get(2), found.get(3)) for path, found in sorted(stages.items())
    )
    return Merged(tree, conflicts, tuple(messages))
