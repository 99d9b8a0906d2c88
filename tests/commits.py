"""A real repository whose commits hold exactly the bytes that a test wants, whatever git itself would do to them."""

from __future__ import annotations

import datetime as dt
import hashlib
import subprocess
import zlib
from typing import TYPE_CHECKING

from release.steps import notes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

DATE = dt.date(2026, 1, 31)
EMPTY = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


class History:
    """A repository on branch main; each commit follows the last one."""

    def __init__(self, folder: Path) -> None:
        self.path = folder
        self.tip: str | None = None
        self.count = 0
        folder.mkdir(parents=True)
        self.git("init", "-q", "-b", "main", ".")
        self.objects = folder / ".git" / "objects"
        self.put(b"tree", b"")

    def git(self, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.path, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode("utf-8", "surrogateescape").strip()

    def put(self, kind: bytes, content: bytes) -> str:
        data = b"%s %d\0%s" % (kind, len(content), content)
        name = hashlib.sha1(data).hexdigest()
        place = self.objects / name[:2] / name[2:]
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(zlib.compress(data))
        return name

    def file(self, name: str, content: bytes) -> str:
        """Return a tree with one file."""
        blob = bytes.fromhex(self.put(b"blob", content))
        return self.put(b"tree", b"100644 %s\0%s" % (name.encode(), blob))

    def commit(
        self,
        message: str | bytes,
        *,
        parents: Sequence[str] | None = None,
        tree: str = EMPTY,
        author: bytes = b"Ann <ann@example.org>",
        header: bytes = b"",
    ) -> str:
        """Write a commit with this very message and move main to it."""
        self.count += 1
        if parents is None:
            parents = [self.tip] if self.tip else []
        time = 1_700_000_000 + 60 * self.count
        content = b"".join(
            [
                b"tree %s\n" % tree.encode(),
                *(b"parent %s\n" % parent.encode() for parent in parents),
                b"author %s %d +0000\ncommitter %s %d +0000\n" % (author, time, author, time),
                header,
                b"\n",
                message.encode() if isinstance(message, str) else message,
            ]
        )
        self.tip = self.put(b"commit", content)
        (self.path / ".git" / "refs" / "heads" / "main").write_text(f"{self.tip}\n")
        return self.tip

    def render(
        self,
        start: str | None = None,
        stop: str | None = None,
        *,
        cliff: str | None = None,
        tag: str = "",
        previous: str = "",
        remote_url: str = "",
        objects: Path | None = None,
    ) -> str:
        """Return the section 1.1.0 for a range up to the tip."""
        stop = stop or self.tip
        assert stop is not None
        section = self.section(cliff)._replace(tag=tag, previous=previous, remote_url=remote_url)
        return section._replace(objects=objects or self.objects).render(start, stop)

    def section(self, cliff: str | None = None) -> notes.Section:
        """The section 1.1.0, to be told of a range."""
        data = None if cliff is None else cliff.encode()
        return notes.Section(objects=self.objects, cliff=data, version="1.1.0", date=DATE)

    def entries(self, start: str | None = None, *, cliff: str | None = None) -> list[str]:
        """Return the items of the section, in their order."""
        return [line[2:] for line in self.render(start, cliff=cliff).split("\n") if line.startswith("- ")]
