"""The entries of one changelog section, by group: read once, and written as they were read.

An entry is a list item of the top level with all that belongs to it, a paragraph, or a thematic break. A group is a
heading of level 3 or deeper, and what stands before any heading is a group without one. Breaks at the end of a section
part it from the next one, and are a group of their own.
Entries are equal when their group and their words are: the bullet's sign, line breaks and blanks do not count.
What an entry is, the reader says once; nobody asks its text again. An item's sign is a part of its own, so that
another sign cannot change anything else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from release.formats import markdown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

BULLETS = ("-", "*", "+")
# An entry as it is compared: the path of its group, and its words.
Key = tuple[tuple[str, ...], str]
CLOSING = ("\n",)  # the path of the breaks at a section's end; no heading has it

_ITEM = re.compile(r"([ \t]*)([-*+]|[0-9]{1,9}[.)])([ \t]+|$)")
_INTERRUPTING = re.compile(r"\s*(?:[-*+]|1[.)])[ \t]+\S")  # an item below a line of a paragraph (§5.2)
_TAB = 4  # columns; from there on a line is code or goes on what is above (§4.4)


class Entry(NamedTuple):
    """What an entry says, the blank lines behind it, and what its first line has in front of that.

    `sign` is the one of a list item, such as "-" or "1.", and "" for all else.
    """

    text: tuple[str, ...]
    blanks: tuple[str, ...] = ()
    indent: str = ""
    sign: str = ""
    is_break: bool = False  # a thematic break, which parts what stands around it

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines as they stand in the file."""
        return (self.indent + self.sign + self.text[0], *self.text[1:])

    @property
    def words(self) -> str:
        """What it says, by which entries of a group are compared; of a break, what no text can say."""
        said = " ".join(" ".join(self.text).split())
        return f"\n{said}" if self.is_break else said

    @property
    def offset(self) -> int:
        """The column from which on what follows belongs to this list item; 0: it is none."""
        gap = self.text[0][: len(self.text[0]) - len(self.text[0].lstrip(" \t"))]
        return _offset(self.indent, self.sign, gap)

    @property
    def is_comment(self) -> bool:
        """Whether this is an HTML comment, which readers do not see."""
        return not self.sign and self.text[0].startswith("<!--")

    @property
    def is_silent(self) -> bool:
        """Whether it says nothing to readers."""
        return self.is_comment or self.is_break


class Group(NamedTuple):
    """A heading with the blank lines behind it, and the entries up to the next; `path` is its name among the others."""

    heading: str = ""
    path: tuple[str, ...] = ()
    blanks: tuple[str, ...] = ()
    entries: tuple[Entry, ...] = ()

    def key(self, entry: Entry) -> Key:
        """Return what an entry of this group is compared by."""
        return self.path, entry.words

    @property
    def tail(self) -> tuple[str, ...]:
        """The blank lines at the group's end."""
        return self.entries[-1].blanks if self.entries else self.blanks

    def with_tail(self, blanks: tuple[str, ...]) -> Group:
        """Return the group with other blank lines at its end."""
        if not self.entries:
            return self._replace(blanks=blanks)
        return self._replace(entries=(*self.entries[:-1], self.entries[-1]._replace(blanks=blanks)))


@dataclass(kw_only=True, slots=True)
class _Reader:
    """Collects groups line by line."""

    groups: list[Group] = field(default_factory=lambda: [Group()])
    levels: list[tuple[int, str]] = field(default_factory=list)  # the open headings
    lines: list[str] = field(default_factory=list)  # of the current entry
    blanks: list[str] = field(default_factory=list)  # behind them
    offset: int = 0  # the column at which the text of the current list item starts; 0: it is no list item
    sign: str = ""  # of the current entry
    is_break: bool = False  # whether the current entry is one
    was_prose: bool = True  # whether the line above is

    def end_entry(self) -> None:
        group = self.groups[-1]
        if self.lines:
            self.groups[-1] = group._replace(entries=(*group.entries, self._entry()))
        else:
            self.groups[-1] = group._replace(blanks=tuple(self.blanks))
        self.lines, self.blanks, self.offset, self.sign, self.is_break = [], [], 0, "", False

    def _entry(self) -> Entry:
        first, *rest = self.lines
        indent = first[: len(first) - len(first.lstrip())]
        text = (first.removeprefix(indent + self.sign), *rest)
        return Entry(text=text, blanks=tuple(self.blanks), indent=indent, sign=self.sign, is_break=self.is_break)

    def open_group(self, line: str, level: int, name: str) -> None:
        self.end_entry()
        self.levels = [(outer, known) for outer, known in self.levels if outer < level]
        self.levels.append((level, name.rstrip(":").casefold()))
        self.groups.append(Group(heading=line, path=tuple(known for _, known in self.levels)))

    def take(self, line: str, *, is_prose: bool, is_underline: bool) -> None:
        """Add a line to the current entry, or start another."""
        is_break = is_prose and markdown.is_break(line) and bool(self.offset or not is_underline)
        item = None if is_break or not is_prose else self._item(line, is_underline=is_underline)
        is_outside = not self.offset or column(line) < self.offset
        if self.lines and is_outside and (item is not None or is_break or self.blanks or self._is_over(is_prose)):
            self.end_entry()
        if self.lines:
            self.lines += self.blanks
        else:
            self.end_lead()
            self.is_break = is_break
            self.offset, self.sign = (0, "") if item is None else (_offset(*item.groups()), item[2])
        self.lines.append(line)
        self.blanks, self.was_prose = [], is_prose

    def _item(self, line: str, *, is_underline: bool) -> re.Match[str] | None:
        """Return indent, sign and gap of a list item of the top level; not all that looks like one ends a paragraph."""
        is_paragraph = self.lines and not (self.offset or self.blanks or self.is_break) and self.was_prose
        if column(line) >= _TAB or (is_paragraph and (is_underline or not _INTERRUPTING.match(line))):
            return None
        return _ITEM.match(line)

    def _is_over(self, is_prose: bool) -> bool:
        """Whether nothing goes on the current entry: a break is one line, and a comment ends where it is closed."""
        return self.is_break or (is_prose and not self.was_prose and self.lines[0].lstrip().startswith("<!--"))

    def end_lead(self) -> None:
        if self.blanks:
            self.groups[-1] = self.groups[-1]._replace(blanks=tuple(self.blanks))


def column(line: str) -> int:
    """Return the column at which the text of a line starts, the first being 0."""
    return len(line.expandtabs(_TAB)) - len(line.expandtabs(_TAB).lstrip())


def _offset(indent: str, sign: str, gap: str) -> int:
    return len((indent + sign).expandtabs(_TAB)) + min(len(gap) or 1, _TAB) if sign else 0


def read(lines: Sequence[str]) -> tuple[Group, ...]:
    """Return the groups of a section's lines; the first has no heading and may be empty."""
    reader = _Reader()
    underlines = {heading.stop for heading in markdown.underlined(lines)}
    for at, (line, is_prose) in enumerate(zip(lines, markdown.is_prose(lines), strict=True)):
        found = markdown.heading(line) if is_prose else None
        if found is not None:
            reader.open_group(line, *found)
        elif line.strip() or not (is_prose or not reader.lines):
            reader.take(line, is_prose=is_prose, is_underline=at in underlines)
        else:
            reader.blanks.append(line)
    reader.end_entry()
    return _closed(reader.groups)


def _closed(groups: Sequence[Group]) -> tuple[Group, ...]:
    """Return the groups with the breaks at their end apart."""
    last = groups[-1]
    kept = len(last.entries)
    while kept and last.entries[kept - 1].is_break:
        kept -= 1
    if kept == len(last.entries):
        return tuple(groups)
    closing = Group(path=CLOSING, entries=last.entries[kept:])
    return (*groups[:-1], last._replace(entries=last.entries[:kept]), closing)


def write(groups: Iterable[Group]) -> list[str]:
    """Return the lines of groups; of groups that were only read, the very lines."""
    lines: list[str] = []
    for group in groups:
        lines += [group.heading] if group.heading else []
        lines += group.blanks
        for entry in group.entries:
            lines += [*entry.lines, *entry.blanks]
    return lines


def keyed(groups: Iterable[Group]) -> Iterator[tuple[Key, Entry]]:
    """Yield all entries with their keys."""
    for group in groups:
        for entry in group.entries:
            yield group.key(entry), entry


def keys(groups: Iterable[Group]) -> set[Key]:
    """Return the keys of all entries."""
    return {key for key, _ in keyed(groups)}
