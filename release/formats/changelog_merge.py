"""Three-way merge of changelogs: by section, and under Unreleased by entry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from release.formats import entries, entries_merge, markdown, sections

if TYPE_CHECKING:
    from collections.abc import Sequence

    from release.formats.entries import Key
    from release.formats.sections import Document, Section

# A section and how many with its name stand before it.
_Key = tuple[str, int]
# What conflict markers call the sides; None: no markers.
_Labels = tuple[str, str] | None


def merge(base: bytes, ours: bytes, theirs: bytes) -> bytes | tuple[str, ...]:
    """Merge what two sides made of `base`, or return what conflicts: versions, headings, "preamble", "link [LABEL]".

    A section that one side changed comes from that side; one that both changed, each in another way, is a conflict,
    and nothing is ever united line by line. Under Unreleased the removals and the additions of both sides apply.
    An underlined heading of a section is a conflict too: nobody can tell where the section above it ends.
    Sections that only theirs has are placed in descending version order. What theirs did not change stays byte for
    byte as it is in ours, and what comes from theirs takes the line ends of ours.
    """
    if base in {theirs, ours} or ours == theirs:
        return theirs if ours == base else ours
    merged, conflicts = _merged(base, ours, theirs, None)
    if not conflicts and not sections.is_readable(merged):
        conflicts.append("a comment or a code block that is not closed")
    return tuple(sorted(set(conflicts))) or sections.unparse(merged)


def with_markers(base: bytes, ours: bytes, theirs: bytes, labels: tuple[str, str]) -> bytes:
    """Return what `merge` makes of all that does not conflict, with git's conflict markers around what does."""
    return sections.unparse(_merged(base, ours, theirs, labels)[0])


def united(first: bytes, second: bytes) -> bytes:
    """Return a base for two sides that have two: what either base has; where they differ, what `first` has."""
    merged, _ = _merged(b"", first, second, None)
    one, two = (sections.parse(side).get(sections.UNRELEASED) for side in (first, second))
    index = merged.find(sections.UNRELEASED)
    if index is not None and one is not None and two is not None:
        # Had the base an entry in both groups that it stands in, each side would seem to have removed the other's.
        merged = merged.with_section(index, _merge_unreleased(None, one, two, merged.end))
    return sections.unparse(merged)


def _merged(base: bytes, ours: bytes, theirs: bytes, labels: _Labels) -> tuple[Document, list[str]]:
    """Merge as far as it goes: what conflicts stays as ours has it, or with `labels` stands between markers."""
    old, one, two = map(sections.parse, (base, ours, theirs))
    conflicts = [f"underlined heading {text}" for side in (ours, theirs) for _, text in sections.underlined(side)]
    if _text(one.preamble) != _text(two.preamble) and _text(one.preamble) != _text(old.preamble):
        if _text(two.preamble) != _text(old.preamble):
            conflicts.append("preamble")
            one = one._replace(preamble=_marked(one.preamble, two.preamble, labels, one.end))
    elif _text(one.preamble) != _text(two.preamble):
        one = one._replace(preamble=_converted(two.preamble, one.end))
    merged = _merge_sections(old, one, two, conflicts, labels)
    mark = two.mark if one.mark == old.mark else one.mark
    return merged._replace(links=_merge_links(old, one, two, conflicts, labels), mark=mark), conflicts


def _marked(ours: Sequence[str], theirs: Sequence[str], labels: _Labels, end: str) -> tuple[str, ...]:
    """Return both sides between conflict markers; without labels, ours."""
    if labels is None:
        return tuple(ours)
    lines = [f"<<<<<<< {labels[0]}{end}", *ours, f"======={end}", *_converted(theirs, end), f">>>>>>> {labels[1]}{end}"]
    return tuple(lines)


def _text(lines: Sequence[str]) -> list[str]:
    """Return lines as they are compared: without line ends and without blank lines behind them."""
    return [line.rstrip() for line in sections.trimmed(lines)]


def _converted(lines: Sequence[str], end: str) -> tuple[str, ...]:
    return tuple(line.removesuffix("\r") + end for line in lines)


def _keyed(document: Document) -> dict[_Key, Section]:
    found: dict[_Key, Section] = {}
    for section in document.sections:
        number = 0
        while (section.key, number) in found:
            number += 1
        found[section.key, number] = section
    return found


def _merge_sections(old: Document, one: Document, two: Document, conflicts: list[str], labels: _Labels) -> Document:
    before, ours, theirs = map(_keyed, (old, one, two))
    kept: list[Section] = []
    for key, section in ours.items():
        result = _merge_section(before.get(key), section, theirs.get(key), conflicts, labels, one.end)
        if result is not None:
            kept.append(result)
    merged = one._replace(sections=tuple(kept))
    for key, section in theirs.items():
        if key not in ours:
            result = _merge_section(before.get(key), None, section, conflicts, labels, one.end)
            if result is not None:
                merged = sections.insert(merged, _place(merged, result, two), result)
    return merged


def _merge_section(
    old: Section | None,
    one: Section | None,
    two: Section | None,
    conflicts: list[str],
    labels: _Labels,
    end: str,
) -> Section | None:
    """Return what becomes of one section; None: it is gone on the side that changed it."""
    before, ours, theirs = (None if section is None else section.text for section in (old, one, two))
    if theirs in {before, ours}:
        return one
    if ours == before:
        return None if two is None else _taken(two, one, end)
    known = one or two
    assert known is not None  # noqa: S101  # both sides without it are equal
    if known.name == sections.UNRELEASED:
        base = () if old is None else entries.read(old.body)
        return _merge_unreleased(entries.keys(base), one, two, end)
    conflicts.append(known.key)
    if labels is None:
        return one
    mine, yours = (() if side is None else sections.trimmed((side.heading, *side.body)) for side in (one, two))
    first, *rest = _marked(mine, yours, labels, end)
    return known._replace(heading=first, body=(*rest, end))


def _taken(two: Section, one: Section | None, end: str) -> Section:
    """Return their section with our line ends, and with our blank lines behind it."""
    behind = () if one is None else one.body[len(sections.trimmed(one.body)) :]
    body = _converted(sections.trimmed(two.body), end) + behind
    return two._replace(heading=two.heading.removesuffix("\r") + end, body=body)


def _merge_unreleased(base: set[Key] | None, one: Section | None, two: Section | None, end: str) -> Section:
    """Apply their removals and additions to our entries; without a base, what either has, equal words once."""
    known = _taken(two, one, end) if two is not None and one is None else one
    assert known is not None  # noqa: S101  # at least one side changed it
    theirs = () if two is None else entries.read(two.body)
    ours = () if one is None else entries.read(sections.trimmed(one.body))
    behind = known.body[len(sections.trimmed(known.body)) :]
    groups = entries_merge.adopt(ours or entries.read(()), theirs, base=base, end=end)
    return known._replace(body=(*sections.trimmed(entries.write(groups)), *(behind or (end,))))


def _place(document: Document, new: Section, two: Document) -> int:
    """Return where a section of theirs goes among ours: by its version, else behind its neighbour among theirs."""
    if new.is_numbered:
        return sections.place(document.sections, new.name)
    numbered = (at for at, known in enumerate(document.sections) if known.is_numbered)
    if new.name == sections.UNRELEASED:
        return next(numbered, len(document.sections))
    index = next(at for at, known in enumerate(two.sections) if known.key == new.key)
    neighbour = document.find(two.sections[index - 1].name) if index else None
    return next(numbered, len(document.sections)) if neighbour is None else neighbour + 1


def _merge_links(old: Document, one: Document, two: Document, conflicts: list[str], labels: _Labels) -> tuple[str, ...]:
    """Merge the link definitions by label."""
    before, ours, theirs = (
        {markdown.label(line): line.rstrip() for line in document.links if line.strip()} for document in (old, one, two)
    )
    if theirs in (before, ours):
        return one.links
    result = list(one.links)
    at = len(result)
    for label in [*theirs, *(label for label in ours if label not in theirs)]:
        mine = next((index for index, line in enumerate(result) if markdown.label(line) == label), None)
        change = theirs.get(label)
        if change in {before.get(label), ours.get(label)}:
            at = at if mine is None else mine + 1
        elif ours.get(label) != before.get(label):
            conflicts.append(f"link [{label}]")
            yours = [] if change is None else [change]
            span = slice(at if mine is None else mine, at if mine is None else mine + 1)
            marked = _marked(result[span], yours, labels, one.end)
            result[span] = marked
            at = span.start + len(marked)
        elif mine is not None:
            result[mine : mine + 1] = [] if change is None else [change + one.end]
            at = mine + (change is not None)
        elif change is not None:
            result.insert(at, change + one.end)
            at += 1
    return tuple(result)
