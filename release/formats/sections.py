"""A changelog as lines and sections: what is not touched comes out byte for byte.

Sections are those of Keep a Changelog 1.1.0 (`## [Unreleased]`, `## [1.0.0] - 2026-01-31`) and what other tools write
for them: `## 1.0.0`, `# [v1.0.0](url) (2026-01-31)`. Headings are ATX headings (CommonMark §4.2); what stands in fenced
code or in an HTML comment is text. Setext headings (§4.3) are text too; `underlined` says which of them open a section
in the eyes of everybody else.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from release.formats import markdown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

UNRELEASED = "Unreleased"
DEEPEST = 2  # level of a heading that opens a section

_MARK = "\ufeff"  # a byte order mark is part of the file and of no line in it

_UNRELEASED = re.compile(r"\[?unreleased\b", re.IGNORECASE)
# A version has a dot, "2026" or "3 things" are none; nine digits are more than any part of one needs.
_NUMBER = re.compile(
    r"\[?(?:(?:version|release)[ \t]+)?v?"
    r"([0-9]{1,9}(?:\.[0-9]{1,9})+(?:[-+.]?[0-9A-Za-z][0-9A-Za-z.+-]*)?)(?=[\])\s(:,]|$)",
    re.IGNORECASE,
)


class Section(NamedTuple):
    """A heading and the lines up to the next one; in a file with CRLF each line ends in CR.

    `name` is `Unreleased`, a version without its "v", or the text of a heading that is neither.
    """

    heading: str
    body: tuple[str, ...]
    name: str
    is_numbered: bool = False

    @property
    def text(self) -> str:
        """The section from its heading on with LF, less blanks at the end of a line and lines at its end."""
        return "\n".join(line.rstrip() for line in (self.heading, *self.body)).rstrip("\n")

    @property
    def key(self) -> str:
        """What two files call the same section by."""
        return self.name.lower()


class Document(NamedTuple):
    """A file: preamble, sections in their order, the link definitions at its end, and what it begins and ends with."""

    preamble: tuple[str, ...] = ()
    sections: tuple[Section, ...] = ()
    links: tuple[str, ...] = ()
    end: str = ""  # what stands before LF in lines of ours: CR or nothing
    has_last_newline: bool = True
    mark: str = ""  # a byte order mark, or nothing

    def find(self, name: str) -> int | None:
        """Return the index of the first section with this name."""
        return next((index for index, section in enumerate(self.sections) if section.key == name.lower()), None)

    def get(self, name: str) -> Section | None:
        """Return the first section with this name."""
        index = self.find(name)
        return None if index is None else self.sections[index]

    def with_section(self, index: int, section: Section) -> Document:
        """Return the document with one section exchanged."""
        return self._replace(sections=(*self.sections[:index], section, *self.sections[index + 1 :]))

    def lines(self, text: str) -> list[str]:
        """Return LF text as lines of this document."""
        return [line.rstrip("\r") + self.end for line in text.split("\n")]


def parse(data: bytes) -> Document:
    """Read a changelog; any bytes are one."""
    mark, lines = _lines(data)
    end = "\r" if lines[0].endswith("\r") and len(lines) > 1 else ""
    has_last_newline = lines[-1] == ""
    if has_last_newline:
        del lines[-1]
    else:
        lines[-1] += end
    starts = [
        (index, section)
        for index, (line, is_text) in enumerate(zip(lines, markdown.is_prose(lines), strict=True))
        if is_text and (section := _opened(line)) is not None
    ]
    bounds = [*(index for index, _ in starts), len(lines)]
    sections = [
        section._replace(body=tuple(lines[index + 1 : stop]))
        for (index, section), stop in zip(starts, bounds[1:], strict=True)
    ]
    preamble: tuple[str, ...] = tuple(lines[: bounds[0]])
    if sections:
        body, links = _split_links(sections[-1].body)
        sections[-1] = sections[-1]._replace(body=body)
    else:
        preamble, links = _split_links(preamble)
    return Document(
        preamble=preamble, sections=tuple(sections), links=links, end=end, has_last_newline=has_last_newline, mark=mark
    )


def underlined(data: bytes) -> list[tuple[int, str]]:
    """Return the Setext headings that name a version or Unreleased: number (from 1) and text of the line that does.

    That is the first or the last line of one; a heading of two lines is mostly one without the blank line above it.
    """
    _, lines = _lines(data)
    ends = sorted({at for heading in markdown.underlined(lines) for at in (heading[0], heading[-1])})
    return [(at + 1, lines[at].strip()) for at in ends if _names_release(lines[at].strip())]


def _names_release(text: str) -> bool:
    return not markdown.label(text) and (_NUMBER.match(text) or _UNRELEASED.match(text)) is not None


def _lines(data: bytes) -> tuple[str, list[str]]:
    """Return the byte order mark, if there is one, and what stands between line feeds."""
    text = data.decode("utf-8", "surrogateescape")
    mark = _MARK if text.startswith(_MARK) else ""
    return mark, text[len(mark) :].split("\n")


def unparse(document: Document) -> bytes:
    """Write the document; of one that was only parsed, the very bytes."""
    lines = [*document.preamble]
    for section in document.sections:
        lines += [section.heading, *section.body]
    text = "\n".join([*lines, *document.links])
    if document.has_last_newline:
        text = f"{text}\n" if lines or document.links else ""
    else:
        text = text.removesuffix(document.end)
    return (document.mark + text).encode("utf-8", "surrogateescape")


def is_readable(document: Document) -> bool:
    """Whether the document, once written, is read as these sections again.

    It is not when a comment or fenced code that nothing closed has met a line that closes it.
    """
    return [one.key for one in parse(unparse(document)).sections] == [one.key for one in document.sections]


def _opened(line: str) -> Section | None:
    """Return the section, still without a body, that the heading `line` opens."""
    found = markdown.heading(line)
    if found is None or found[0] > DEEPEST:
        return None
    level, text = found
    number = _NUMBER.match(text)
    if number is not None:
        return Section(heading=line, body=(), name=number[1], is_numbered=True)
    if _UNRELEASED.match(text):
        return Section(heading=line, body=(), name=UNRELEASED)
    return Section(heading=line, body=(), name=text) if level == DEEPEST else None


def _split_links(lines: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Part the link reference definitions (§4.7) that end a file from what stands before them."""
    start = len(lines)
    for index in range(len(lines) - 1, -1, -1):
        if markdown.label(lines[index]):
            start = index
        elif lines[index].strip():
            break
    return lines[:start], lines[start:]


def order(name: str) -> tuple[tuple[int, ...], bool, str]:
    """Return a key by which versions of any style sort: numbers, then a suffix below none (SemVer §11)."""
    match = re.match(r"[0-9]{1,9}(?:\.[0-9]{1,9})*", name)
    numbers = tuple(int(part) for part in match[0].split(".")) if match else ()
    suffix = name[match.end() :] if match else name
    return numbers, not suffix or suffix.startswith("+"), suffix


def place(sections: Sequence[Section], name: str) -> int:
    """Return the index at which a new section of version `name` keeps descending order.

    That is in front of the first lower version; behind the last version if all are higher; else behind Unreleased.
    """
    wanted = order(name)
    numbered = [index for index, section in enumerate(sections) if section.is_numbered]
    lower = next((index for index in numbered if order(sections[index].name) < wanted), None)
    if lower is not None:
        return lower
    unreleased = [index for index, section in enumerate(sections) if section.name == UNRELEASED]
    return max([*numbered, *unreleased], default=-1) + 1


def insert(document: Document, index: int, new: Section) -> Document:
    """Return the document with a section more, a blank line in front of it and behind it."""
    blank = (document.end,)
    known = document.sections
    is_last = index == len(known) and not document.links
    body = trimmed(new.body)
    new = new._replace(body=body if is_last else body + blank)
    if index == 0:
        front = document.preamble
        preamble = front if not front or not front[-1].strip() else front + blank
        return document._replace(preamble=preamble, sections=(new, *known))
    before = known[index - 1]
    if not before.body or before.body[-1].strip():
        before = before._replace(body=before.body + blank)
    return document._replace(sections=(*known[: index - 1], before, new, *known[index:]))


def trimmed(lines: Iterable[str]) -> tuple[str, ...]:
    """Return the lines without the blank ones at their end."""
    kept = list(lines)
    while kept and not kept[-1].strip():
        del kept[-1]
    return tuple(kept)
