"""CHANGELOG.md as Keep a Changelog 1.1.0 has it: one section a version, written again and again until it is finished.

All functions are pure, on the bytes of the file. What they do not write stays byte for byte; what they write has the
line ends of the file. An unfinished section ends with `<!-- release: FROM..TO -->`: the range of commits (full ids,
FROM is empty when the range is the whole history) that it was last written from.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from release.errors import refusal, usage
from release.formats import entries, entries_merge, markdown, sections
from release.formats.changelog_merge import merge

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from release.formats.entries import Group
    from release.formats.sections import Document, Section

__all__ = [
    "PREAMBLE",
    "Range",
    "add_section",
    "beside",
    "finish_section",
    "has_section",
    "is_empty",
    "marker",
    "merge",
    "put_section",
    "rename_section",
    "section",
]

# First and last commit, the first excluded: full object ids; None stands for the root.
Range = tuple["str | None", str]

PREAMBLE = """\
# Changelog

All notable changes to this project are documented in this file.

The format is based on [Keep a Changelog](https://keepachangelog.com/en/1.1.0/),
and this project adheres to [Semantic Versioning](https://semver.org/spec/v2.0.0.html).

## [Unreleased]
"""

_LISTED = 5  # headings that a message names
_SHOWN = 40  # characters of each
_MARKER = re.compile(r"\s*<!-- release: ([0-9a-f]{40}|[0-9a-f]{64}|)\.\.([0-9a-f]{40}|[0-9a-f]{64}) -->\s*")
_DATE = re.compile(r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}\b|\b(?:unreleased|tbd|tba)\b", re.IGNORECASE)


def put_section(
    document: bytes | None,
    *,
    version: str,
    date: dt.date,
    rendered: str,
    base: str | None,
    marker: Range | None,
) -> bytes:
    """Write the section of `version` from `rendered` Markdown, with what stands under Unreleased moved into it.

    A section that exists already keeps what was done to it by hand: only what `rendered` has and `base` has not is
    added, and what only `base` has is removed. `base` is the Markdown that the section was last written from; without
    it every entry counts as new, and equal ones appear once. With a `marker` the section is unfinished, and dated
    anew. Doing the same twice changes nothing; neither does another range that renders the same entries.

    Raises:
        ReleaseError: something in the file is opened and not closed, so that sections would vanish in it, or the
            heading of a section is underlined (exit 3); that of `rendered` is (exit 2).
    """
    known = _parsed(document or PREAMBLE.encode())
    opened = _open_section(known, version, date)
    index = opened.find(version)
    assert index is not None  # noqa: S101  # _open_section has seen to it
    old = opened.sections[index]
    opened, moved = _take_unreleased(opened)
    theirs = _rendered(rendered)
    last = None if base is None else entries.keys(_rendered(base))
    ours = entries.read(_without_marker(sections.trimmed(old.body)))
    groups = entries_merge.adopt(ours, moved, base=(), end=known.end)
    groups = entries_merge.adopt(groups, theirs, base=last, end=known.end)
    written = _marker_of(old)
    span = written if marker and written and entries.keys(theirs) == last else marker
    heading = _dated(old.heading, date) if marker else old.heading
    if (groups, heading, span) == (ours, old.heading, written) and document:
        return _written(opened)
    body = _body(groups, span, old, is_last=_is_last(opened, index), end=known.end)
    return _written(opened.with_section(index, old._replace(heading=heading, body=body)))


def add_section(document: bytes, *, version: str, date: dt.date, rendered: str) -> bytes:
    """Add the finished section of a version that has none, in descending order; nothing else changes.

    Raises:
        ReleaseError: as `put_section`.
    """
    opened = _open_section(_parsed(document), version, date)
    index = opened.find(version)
    assert index is not None  # noqa: S101  # _open_section has seen to it
    new = opened.sections[index]
    groups = entries_merge.adopt(entries.read(()), _rendered(rendered), base=None, end=opened.end)
    body = _body(groups, None, new, is_last=_is_last(opened, index), end=opened.end)
    return _written(opened.with_section(index, new._replace(body=body)))


def finish_section(document: bytes, version: str, date: dt.date) -> bytes:
    """Date the section and take its marker away.

    Raises:
        ReleaseError: there is no such section, or the heading of one is underlined (exit 3).
    """
    known = _parsed(document)
    index = known.find(version)
    if index is None:
        raise refusal(f"the changelog has no section [{version}]", "write it with: invoke changelog")
    old = known.sections[index]
    body = tuple(_without_marker(old.body))
    return _written(known.with_section(index, old._replace(heading=_dated(old.heading, date), body=body)))


def rename_section(document: bytes, old: str, new: str) -> bytes:
    """Give the section of a version another one, when there is such a section and none of the other."""
    known = sections.parse(document)
    index = known.find(old)
    if index is None or known.find(new) is not None:
        return document
    found = known.sections[index]
    heading = re.sub(rf"(?<![0-9.]){re.escape(found.name)}(?![0-9])", new, found.heading)  # in its link too
    return sections.unparse(known.with_section(index, found._replace(heading=heading, name=new)))


def marker(document: bytes, version: str) -> Range | None:
    """Return the range that an unfinished section was last written from; None: finished, foreign, or no section."""
    found = sections.parse(document).get(version)
    return None if found is None else _marker_of(found)


def section(document: bytes, version: str) -> str | None:
    """Return the section of `version` with LF, from its heading on, without its marker; None if there is none."""
    found = sections.parse(document).get(version)
    if found is None:
        return None
    return found._replace(body=tuple(_without_marker(found.body))).text + "\n"


def beside(document: bytes, version: str) -> tuple[str, ...]:
    """Return what a changelog holds beside the section of `version` and Unreleased, which goes into it, for comparison.

    Line ends, blanks at the end of a line or a section, and the links of these two do not count.
    """
    known = sections.parse(document)
    own = {version.lower(), sections.UNRELEASED.lower()}
    kept = [section.text for section in known.sections if section.key not in own]
    links = [line.strip() for line in known.links if line.strip() and markdown.label(line) not in own]
    return ("\n".join(line.rstrip() for line in sections.trimmed(known.preamble)), *kept, *sorted(links))


def has_section(document: bytes, version: str) -> bool:
    """Whether there is a section of `version`."""
    return sections.parse(document).find(version) is not None


def is_empty(document: bytes, version: str) -> bool:
    """Whether the section of `version` has no entry that a reader would see, or there is no section."""
    found = sections.parse(document).get(version)
    groups = () if found is None else entries.read(_without_marker(found.body))
    return all(entry.is_silent for group in groups for entry in group.entries)


def _parsed(document: bytes) -> Document:
    """Read a changelog that will be written.

    Raises:
        ReleaseError: the heading of a section is underlined: the section would count as text of the one above (exit 3).
    """
    found = sections.underlined(document)
    if found:
        named = [f"line {line}: {text[:_SHOWN]!a}" for line, text in found[:_LISTED]]
        more = [f"{len(found) - _LISTED} more"] if len(found) > _LISTED else []
        raise refusal(
            f"the changelog has underlined headings, which are not read as sections: {', '.join(named + more)}",
            "write each as one line, such as ## 1.0.0, without the line of = or - below it; "
            "text that is no heading needs a blank line there",
        )
    return sections.parse(document)


def _written(document: Document) -> bytes:
    if not sections.is_readable(document):
        raise refusal(
            "the changelog cannot be written: a comment or a code block in it is not closed",
            "look for <!-- without -->, and for ``` or ~~~ without a second one",
        )
    return sections.unparse(document)


def _is_last(document: Document, index: int) -> bool:
    return index + 1 == len(document.sections) and not document.links


def _open_section(document: Document, version: str, date: dt.date) -> Document:
    """Return the document with a section of `version`, an empty one in its place if there was none."""
    if document.find(version) is not None:
        return document
    if document.find(sections.UNRELEASED) is None:
        first = next((at for at, known in enumerate(document.sections) if known.is_numbered), len(document.sections))
        unreleased = sections.Section(
            heading=f"## [{sections.UNRELEASED}]{document.end}", body=(), name=sections.UNRELEASED
        )
        document = sections.insert(document, first, unreleased)
    heading = f"## [{version}] - {date.isoformat()}{document.end}"
    new = sections.Section(heading=heading, body=(), name=version, is_numbered=True)
    return sections.insert(document, sections.place(document.sections, version), new)


def _take_unreleased(document: Document) -> tuple[Document, Sequence[Group]]:
    """Return the document without the entries under Unreleased, and them; comments, breaks and empty headings stay."""
    index = document.find(sections.UNRELEASED)
    if index is None:
        return document, ()
    unreleased = document.sections[index]
    groups = entries.read(unreleased.body)
    moved = [group._replace(entries=tuple(entry for entry in group.entries if not entry.is_silent)) for group in groups]
    if not entries.keys(moved):
        return document, ()
    rest = sections.trimmed(entries.write(entries_merge.without(groups, entries.keys(moved), end=document.end)))
    return document.with_section(index, unreleased._replace(body=(*rest, document.end))), moved


def _rendered(text: str) -> tuple[Group, ...]:
    """Return the groups of a section that git-cliff rendered, with or without its heading.

    Raises:
        ReleaseError: there is an underlined heading of a section in it (exit 2).
    """
    found = sections.underlined(text.encode("utf-8", "surrogateescape"))
    if found:
        what = f"cliff.toml makes an underlined heading of {found[0][1][:_SHOWN]!a}"
        raise usage(what, "let its template write ## in front of it, without a line of = or - below it")
    text = text.removeprefix("\ufeff")  # it would end up in the middle of the file
    first, _, rest = text.partition("\n")
    has_heading = (markdown.heading(first) or (sections.DEEPEST + 1, ""))[0] <= sections.DEEPEST
    return entries.read((rest if has_heading else text).rstrip().split("\n"))


def _body(groups: Sequence[Group], span: Range | None, old: Section, *, is_last: bool, end: str) -> tuple[str, ...]:
    """Return the lines of a section, with a marker at its end if there is a `span`, and its blank lines behind it."""
    lines = list(sections.trimmed(entries.write(groups)))
    if span is not None:
        lines += [end, f"<!-- release: {span[0] or ''}..{span[1]} -->{end}"]
    behind = old.body[len(sections.trimmed(old.body)) :]
    return (*lines, *(behind if behind or is_last else (end,)))


def _marker_of(known: Section) -> Range | None:
    found = [match for match in map(_MARKER.fullmatch, known.body) if match is not None]
    return (found[-1][1] or None, found[-1][2]) if found else None


def _without_marker(body: Sequence[str]) -> list[str]:
    """Return the lines less markers, and less the blank line in front of each."""
    lines: list[str] = []
    for at, line in enumerate(body):
        if not _MARKER.fullmatch(line):
            lines.append(line)
        elif lines and not lines[-1].strip() and not "".join(body[at + 1 : at + 2]).strip():
            del lines[-1]
    return lines


def _dated(heading: str, date: dt.date) -> str:
    """Return a heading with its date exchanged, or with one at its end."""
    found = list(_DATE.finditer(heading))
    if found:
        return f"{heading[: found[-1].start()]}{date.isoformat()}{heading[found[-1].end() :]}"
    text = heading.rstrip()
    return f"{text} - {date.isoformat()}{heading[len(text) :]}"
