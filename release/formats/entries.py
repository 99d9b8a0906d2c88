"""The entries of one changelog section, by group, and how changes of one side are taken over by the other.

An entry is a list item of the top level with all that belongs to it, or a paragraph. A group is a heading of level 3
or deeper, and what stands before any heading is a group without one.
Entries are equal when their words are: the bullet's sign, line breaks and blanks do not count.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from release.formats import markdown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_BULLET = re.compile(r"([ \t]*(?:[-*+]|[0-9]{1,9}[.)]))([ \t]+|$)")
_SIGNS = ("-", "*", "+")
_TAB = 4  # columns


class Entry(NamedTuple):
    """The lines of an entry, and the blank lines behind it."""

    lines: tuple[str, ...]
    blanks: tuple[str, ...] = ()

    @property
    def is_bullet(self) -> bool:
        """Whether this is an item of a list."""
        return _BULLET.match(self.lines[0]) is not None

    @property
    def is_comment(self) -> bool:
        """Whether this is an HTML comment, which readers do not see."""
        return self.lines[0].lstrip().startswith("<!--")

    @property
    def key(self) -> str:
        """The words, by which entries are compared."""
        bullet = _BULLET.match(self.lines[0])
        first = self.lines[0][bullet.end() if bullet else 0 :]
        return " ".join(" ".join([first, *self.lines[1:]]).split())


class Group(NamedTuple):
    """A heading with the blank lines behind it, and the entries up to the next; `path` is its name among the others."""

    heading: str = ""
    path: tuple[str, ...] = ()
    blanks: tuple[str, ...] = ()
    entries: tuple[Entry, ...] = ()

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

    def end_entry(self) -> None:
        group = self.groups[-1]
        if self.lines:
            entry = Entry(lines=tuple(self.lines), blanks=tuple(self.blanks))
            self.groups[-1] = group._replace(entries=(*group.entries, entry))
        else:
            self.groups[-1] = group._replace(blanks=tuple(self.blanks))
        self.lines, self.blanks, self.offset = [], [], 0

    def open_group(self, line: str, level: int, name: str) -> None:
        self.end_entry()
        self.levels = [(outer, known) for outer, known in self.levels if outer < level]
        self.levels.append((level, name.rstrip(":").casefold()))
        self.groups.append(Group(heading=line, path=tuple(known for _, known in self.levels)))

    def take(self, line: str, *, is_prose: bool) -> None:
        """Add a line to the current entry, or start another."""
        bullet = _BULLET.match(line) if is_prose else None
        is_outside = not self.offset or _column(line) < self.offset
        if self.lines and is_outside and (bullet is not None or self.blanks):
            self.end_entry()
        if self.lines:
            self.lines += self.blanks
        else:
            self.end_lead()
        if bullet is not None and not self.lines:
            self.offset = len(bullet[1].expandtabs(_TAB)) + min(len(bullet[2]) or 1, _TAB)
        self.lines.append(line)
        self.blanks = []

    def end_lead(self) -> None:
        if self.blanks:
            self.groups[-1] = self.groups[-1]._replace(blanks=tuple(self.blanks))


def _column(line: str) -> int:
    return len(line.expandtabs(_TAB)) - len(line.expandtabs(_TAB).lstrip())


def read(lines: Sequence[str]) -> tuple[Group, ...]:
    """Return the groups of a section's lines; the first has no heading and may be empty."""
    reader = _Reader()
    for line, is_prose in zip(lines, markdown.is_prose(lines), strict=True):
        found = markdown.heading(line) if is_prose else None
        if found is not None:
            reader.open_group(line, *found)
        elif line.strip() or not (is_prose or not reader.lines):
            reader.take(line, is_prose=is_prose)
        else:
            reader.blanks.append(line)
    reader.end_entry()
    return tuple(reader.groups)


def write(groups: Iterable[Group]) -> list[str]:
    """Return the lines of groups; of groups that were only read, the very lines."""
    lines: list[str] = []
    for group in groups:
        lines += [group.heading] if group.heading else []
        lines += group.blanks
        for entry in group.entries:
            lines += [*entry.lines, *entry.blanks]
    return lines


def keys(groups: Iterable[Group]) -> set[str]:
    """Return the keys of all entries."""
    return {entry.key for group in groups for entry in group.entries}


def adopt(ours: Sequence[Group], theirs: Sequence[Group], *, base: Iterable[str] | None, end: str) -> tuple[Group, ...]:
    """Take over what `theirs` did since `base` (keys of entries): its removals and its additions, each once.

    An entry that ours edited, moved or removed stays as ours has it. Without a base nothing counts as removed.
    New entries go to the end of their group, new groups to where they stand among theirs. `end` is CR or nothing.
    """
    known = set(base or ())
    gone = known - keys(theirs)
    result = list(ours) if not gone else without(ours, gone)
    present = keys(ours)
    for group in theirs:
        new = []
        for entry in group.entries:
            if entry.key not in known | present:
                present.add(entry.key)
                new.append(_moved(entry, end))
        if new:
            result = _add(result, group, new, order=theirs, end=end)
    return tuple(result)


def _moved(entry: Entry, end: str) -> Entry:
    """Return the entry with other line ends, and so far to the left that it joins no entry in front of it."""
    first = entry.lines[0]
    blank = first[: len(first) - len(first.lstrip())]
    return Entry(lines=tuple(line.removeprefix(blank).rstrip() + end for line in entry.lines))


def without(groups: Sequence[Group], gone: set[str]) -> list[Group]:
    """Return the groups less some entries; a group that loses its last entry goes too."""
    result: list[Group] = []
    for group in groups:
        kept = tuple(entry for entry in group.entries if entry.key not in gone)
        if len(kept) == len(group.entries):
            result.append(group)
        elif kept or not group.heading:
            result.append(group._replace(entries=kept).with_tail(group.tail))
        elif result:
            result[-1] = result[-1].with_tail(group.tail)
    return result


def _add(groups: list[Group], group: Group, new: Sequence[Entry], *, order: Sequence[Group], end: str) -> list[Group]:
    """Return the groups with new entries at the end of the one that is called like `group`."""
    for outer in order:
        if outer.path and outer.path == group.path[: len(outer.path)] and outer.path not in _paths(groups):
            groups = _open(groups, outer, order=_paths(order), end=end)
    index = _paths(groups).index(group.path)
    extended = _extended(groups[index], new, end)
    if index + 1 < len(groups) and not extended.tail and not groups[index].entries:
        extended = extended.with_tail((end,))
    return [*groups[:index], extended, *groups[index + 1 :]]


def _paths(groups: Iterable[Group]) -> list[tuple[str, ...]]:
    return [group.path for group in groups]


def _open(groups: list[Group], group: Group, *, order: list[tuple[str, ...]], end: str) -> list[Group]:
    """Return the groups with an empty one where `order` has it: behind what stands before it there, or before the rest.

    Subgroups of what stands before it stay with their group.
    """
    paths = _paths(groups)
    at = order.index(group.path)
    before = [path for path in order[:at] if path and path in paths]
    after = [path for path in order[at:] if path in paths]
    index = min((paths.index(path) for path in after), default=len(groups))
    if before:
        index = paths.index(before[-1]) + 1
        while index < len(groups) and paths[index][: len(before[-1])] == before[-1] and group.path[:-1] != before[-1]:
            index += 1
    tail = groups[index - 1].tail if index == len(groups) else (end,)
    fresh = Group(heading=group.heading.rstrip() + end, path=group.path, blanks=tail)
    return [*groups[: index - 1], groups[index - 1].with_tail((end,)), fresh, *groups[index:]]


def _extended(group: Group, new: Sequence[Entry], end: str) -> Group:
    """Return the group with entries at its end: items close together and with one sign, paragraphs apart."""
    entries = list(group.entries)
    signs = [match[1].strip() for entry in entries if (match := _BULLET.match(entry.lines[0]))]
    for fresh in new:
        entry = _signed(fresh, signs[-1]) if signs and signs[-1] in _SIGNS else fresh
        if entries:
            apart = not (entries[-1].is_bullet and entry.is_bullet)
            entries[-1] = entries[-1]._replace(blanks=(end,) if apart else ())
        entries.append(entry)
    blanks = group.blanks if group.entries else (end,)
    return group._replace(blanks=blanks, entries=tuple(entries)).with_tail(group.tail)


def _signed(entry: Entry, sign: str) -> Entry:
    """Return the item with another bullet: a change of it would part the list in two (CommonMark §5.3)."""
    first = entry.lines[0]
    return entry._replace(lines=(sign + first[1:], *entry.lines[1:])) if first[0] in _SIGNS else entry
