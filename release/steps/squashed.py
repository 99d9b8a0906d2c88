"""Releases that a pull request squashed or rebased: where what is new since one of them begins."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from release.version import is_final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from release.git.database import ObjectReader
    from release.git.history import Tagged
    from release.git.objects import ObjectWriter
    from release.version import Version

# The last line of a tag's message, where nothing that somebody writes into it can stand; a signature follows it.
_RELEASE_TIP = re.compile(rb"\n\nRelease-Tip: ([0-9a-f]{40}(?:[0-9a-f]{24})?)\n(?:-----BEGIN |\Z)")


def tip(reader: ObjectReader, tag: str) -> str:
    """Return the tip of the branch that a tag (id or full refname) names and does not contain, or ""."""
    oid = reader.resolve(tag)
    kind, text = ("", b"") if oid is None else reader.read(oid)
    match = _RELEASE_TIP.search(text) if kind == "tag" else None
    return "" if match is None else match[1].decode()


def line(last: Tagged, tags: Iterable[Version]) -> list[Version]:
    """Return the GA versions that a release stands on in its line X.Y, itself included.

    A hotfix comes from what was released, and so does not contain the branches either that came before it.
    """
    return [
        one for one in tags if one.release[:2] == last.version.release[:2] and is_final(one) and one <= last.version
    ]


def since(writer: ObjectWriter, last: Tagged, tags: Iterable[str]) -> Tagged:
    """Return a release as the start of what is new since, with the branches that it and its line came from.

    `tags` are theirs. What contains the release and the tips that they name is a commit that no ref shows.
    """
    reader = writer.reader
    named = dict.fromkeys(filter(None, (tip(reader, tag) for tag in tags)))
    tips = [one for one in named if reader.commit_here(one) is not None]
    if not tips:
        return last
    return last._replace(commit=together(writer, last.commit, tips, f"{last.version} with its branch"))


def together(writer: ObjectWriter, first: str, others: Iterable[str], message: str) -> str:
    """Return a commit that contains all of these, with the tree of the first; no ref shows it, and it is stored.

    It is the same whenever it is made.
    """
    known = writer.reader.commit(first)
    who = f"release <release@invalid> {known.time} +0000"
    lines = [f"tree {known.tree}", *(f"parent {one}" for one in (first, *others))]
    lines += [f"author {who}", f"committer {who}", "", f"{message}\n"]
    made = writer.add("commit", "\n".join(lines).encode())
    writer.flush(made)
    return made
