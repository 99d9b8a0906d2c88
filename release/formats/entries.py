"""The entries of one changelog section, by group, and how changes of one side are taken over by the other.

An entry is a list item of the top level with all that belongs to it, a paragraph, or a thematic break. A group is a
heading of level 3 or deeper, and what stands before any heading is a group without one.
Entries are equal when their group and their words are: the bullet's sign, line breaks and blanks do not count.
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
# An entry as it is compared: the path of its group, and its words.
Key = tuple[tuple[str, ...], str]
_TAB = 4  # columns


class Entry(NamedTuple):
    """The lines of an entry, and the blank lines behind it."""

    lines: tuple[str, ...]
    blanks: tuple[str, ...] = ()

    @property
    def is_bullet(self) -> bool:
        """Whether this is an item of a list."""
        return _bullet(self.lines[0]) is not None

    @property
    def is_break(self) -> bool:
        """Whether this is a thematic break, which parts what stands around it."""
        return len(self.lines) == 1 and markdown.is_break(self.lines[0])

    @property
    def is_comment(self) -> bool:
        """Whether this is an HTML comment, which readers do not see."""
        return self.lines[0].lstrip().startswith("<!--")

    @property
    def is_silent(self) -> bool:
        """Whether it says nothing to readers."""
        return self.is_comment or self.is_break

    @property
    def words(self) -> str:
        """What it says, by which entries of a group are compared."""
        bullet = _bullet(self.lines[0])
        first = self.lines[0][bullet.end() if bullet else 0 :]
        return " ".join(" ".join([first, *self.lines[1:]]).split())


def _bullet(line: str) -> re.Match[str] | None:
    """Return the sign of a list item, with the blanks around it; None for every other line."""
    return None if markdown.is_break(line) else _BULLET.match(line)


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
        bullet = _bullet(line) if is_prose else None
        is_outside = not self.offset or _column(line) < self.offset
        # Below a line of a paragraph it underlines that.
        is_break = is_prose and markdown.is_break(line) and bool(self.offset or self.blanks)
        if self.lines and is_outside and (bullet is not None or is_break or self.blanks):
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


def keys(groups: Iterable[Group]) -> set[Key]:
    """Return the keys of all entries."""
    return {(group.path, entry.words) for group in groups for entry in group.entries}


def adopt(ours: Sequence[Group], theirs: Sequence[Group], *, base: Iterable[Key] | None, end: str) -> tuple[Group, ...]:
    """Take over what `theirs` did since `base` (keys of entries): its removals, its moves and its additions, each once.

    An entry that ours edited, moved or removed stays as ours has it, unless theirs removed it. Without a base nothing
    counts as removed, and what has the words of one of our entries counts as that, whatever group it is in.
    New entries go to the end of their group, new groups to where they stand among theirs. `end` is CR or nothing.
    """
    known, present = keys(theirs), keys(ours)
    if base is None:
        gone, new = set[Key](), {one for one, other in _paired(known, present).items() if other is None}
    else:
        gone, new = _changes(set(base), known, present)
    result = list(ours) if not gone else without(ours, gone)
    new -= present
    for group in theirs:
        fresh = []
        for entry in group.entries:
            key = (group.path, entry.words)
            if key in new:
                new.remove(key)
                fresh.append(_moved(entry, end))
        if fresh:
            result = _add(result, group, fresh, order=theirs, end=end)
    return tuple(result)


def _changes(base: set[Key], theirs: set[Key], ours: set[Key]) -> tuple[set[Key], set[Key]]:
    """Return which of our entries go and which of theirs come, by what theirs did since the base."""
    here = _paired(base, ours)
    gone, new = set(), set(theirs)
    for key, now in _paired(base, theirs).items():
        mine = here[key]
        if now is None and mine is not None:
            gone.add(mine)
        elif now is not None and now != key and mine == key:
            gone.add(key)  # theirs moved it, and it comes in its new group
        elif now is not None:
            new.discard(now)
    return gone, new


def _paired(one: set[Key], other: set[Key]) -> dict[Key, Key | None]:
    """Return for each key of `one` the same in `other`, else one of the same words that was moved there, else None."""
    pairs: dict[Key, Key | None] = {key: key if key in other else None for key in one}
    left: dict[str, list[Key]] = {}
    for key in sorted(other - one, reverse=True):
        left.setdefault(key[1], []).append(key)
    for key in sorted(key for key, found in pairs.items() if found is None):
        if left.get(key[1]):
            pairs[key] = left[key[1]].pop()
    return pairs


def _moved(entry: Entry, end: str) -> Entry:
    """Return the entry with other line ends, and so far to the left that it joins no entry in front of it."""
    first = entry.lines[0]
    blank = first[: len(first) - len(first.lstrip())]
    return Entry(lines=tuple(line.removeprefix(blank).rstrip() + end for line in entry.lines))


def without(groups: Sequence[Group], gone: set[Key]) -> list[Group]:
    """Return the groups less some entries; a group that loses its last entry goes too, and leaves its breaks behind."""
    result: list[Group] = []
    for group in groups:
        kept = tuple(entry for entry in group.entries if (group.path, entry.words) not in gone)
        breaks = all(entry.is_break for entry in kept)
        if len(kept) == len(group.entries):
            result.append(group)
        elif not breaks or not group.heading:
            result.append(group._replace(entries=kept).with_tail(group.tail))
        elif result:
            before = result[-1]
            result[-1] = before._replace(entries=(*before.entries, *kept)).with_tail(group.tail)
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
    """Return the group with entries at its end: items close together and with one sign, paragraphs apart.

    Breaks at its end stay there.
    """
    known = len(group.entries)
    while known and group.entries[known - 1].is_break:
        known -= 1
    entries, behind = list(group.entries[:known]), group.entries[known:]
    signs = [match[1].strip() for entry in entries if (match := _bullet(entry.lines[0]))]
    for fresh in new:
        entry = _signed(fresh, signs[-1]) if signs and signs[-1] in _SIGNS else fresh
        if entries:
            apart = not (entries[-1].is_bullet and entry.is_bullet)
            entries[-1] = entries[-1]._replace(blanks=(end,) if apart else ())
        entries.append(entry)
    if behind:
        entries[-1] = entries[-1]._replace(blanks=(end,))
    blanks = group.blanks if group.entries else (end,)
    return group._replace(blanks=blanks, entries=(*entries, *behind)).with_tail(group.tail)


def _signed(entry: Entry, sign: str) -> Entry:
    """Return the item with another bullet: a change of it would part the list in two (CommonMark §5.3)."""
    first = entry.lines[0]
    match = _bullet(first)
    if match is None or match[1].strip() not in _SIGNS:
        return entry
    at = match.end(1) - 1
    return entry._replace(lines=(first[:at] + sign + first[at + 1 :], *entry.lines[1:]))
