"""How changes of one side of a changelog section are taken over by the other, entry by entry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from release.formats import markdown
from release.formats.entries import BULLETS, CLOSING, TAB, Entry, Group, Key, column, keyed, keys, read

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


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
    result = list(ours) if not gone else without(ours, gone, end=end)
    new -= present
    for group in theirs:
        fresh = []
        for key, entry in keyed((group,)):
            if key in new:
                new.remove(key)
                fresh.append(_converted(entry, end))
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


def _converted(entry: Entry, end: str) -> Entry:
    return entry._replace(text=tuple(line.removesuffix("\r") + end for line in entry.text), blanks=())


def _apart(above: Entry, entry: Entry, end: str) -> tuple[Entry, ...]:
    """Return the entry so that it does not become part of the list item `above`.

    It goes to the left as far as needed for that; code, or what would be read as something else there, stays where it
    is, behind an empty comment (CommonMark §5.3).
    """
    at = column(entry.lines[0])
    if not above.offset or at < above.offset:
        return (entry,)
    first, *rest = entry.text
    left = entry._replace(text=(first, *(line.removeprefix(entry.indent) for line in rest)), indent="")
    is_code = at >= TAB and not entry.sign
    if not is_code and [one for _, one in keyed(read(left.lines))] == [left]:
        return (left,)
    return (Entry(text=(f"<!-- -->{end}",)), entry)


def _signed(entry: Entry, bullet: str) -> Entry:
    """Return an item of a bullet list with this bullet: a change of it would part the list in two (CommonMark §5.3)."""
    signed = entry._replace(sign=bullet)
    if {bullet, entry.sign} <= set(BULLETS) and not markdown.is_break(signed.lines[0]):
        return signed
    return entry


def without(groups: Sequence[Group], gone: set[Key], *, end: str) -> list[Group]:
    """Return the groups less some entries; a group that loses its last entry goes too, and leaves its breaks behind.

    What stood on two sides of an entry does not grow together. `end` is CR or nothing.
    """
    result: list[Group] = []
    for group in groups:
        kept = _kept(group, gone, end)
        if len(kept) == len(group.entries):
            result.append(group)
        elif not group.path or (kept and (group.path == CLOSING or not all(entry.is_break for entry in kept))):
            is_open = bool(kept) and not kept[-1].sign  # a break or an underline could follow
            result.append(group._replace(entries=kept).with_tail(group.tail or ((end,) if is_open else ())))
        elif result:
            before = result[-1].with_tail(result[-1].tail or (end,))
            result[-1] = before._replace(entries=(*before.entries, *kept)).with_tail(group.tail)
    return result


def _kept(group: Group, gone: set[Key], end: str) -> tuple[Entry, ...]:
    kept: list[Entry] = []
    was_cut = False
    for key, entry in keyed((group,)):
        if key in gone:
            was_cut = True
            continue
        if was_cut and kept and not kept[-1].blanks:
            kept[-1] = kept[-1]._replace(blanks=_between(kept[-1], entry, end))
        kept.append(entry)
        was_cut = False
    return tuple(kept)


def _between(above: Entry, below: Entry, end: str) -> tuple[str, ...]:
    """Return the blank lines that part two entries: none between items, else one."""
    return () if above.sign and below.sign else (end,)


def _add(groups: list[Group], group: Group, new: Sequence[Entry], *, order: Sequence[Group], end: str) -> list[Group]:
    """Return the groups with new entries at the end of the one that is called like `group`."""
    for outer in order:
        if outer.path and outer.path == group.path[: len(outer.path)] and outer.path not in _paths(groups):
            groups = _open(groups, outer, order=_paths(order), end=end)
    index = _paths(groups).index(group.path)
    known, behind = groups[index], groups[index + 1 :]
    extended = _extended(known, new, end)
    if behind and not extended.tail and (not known.entries or behind[0].path == CLOSING):
        extended = extended.with_tail((end,))
    return [*groups[:index], extended, *behind]


def _paths(groups: Iterable[Group]) -> list[tuple[str, ...]]:
    return [group.path for group in groups]


def _open(groups: list[Group], group: Group, *, order: list[tuple[str, ...]], end: str) -> list[Group]:
    """Return the groups with an empty one where `order` has it: behind what stands before it there, or before the rest.

    Subgroups of what stands before it stay with their group.
    """
    paths = _paths(groups)
    if group.path == CLOSING:
        return [*groups[:-1], groups[-1].with_tail(()), Group(path=CLOSING, blanks=groups[-1].tail)]
    at = order.index(group.path)
    before = [path for path in order[:at] if path and path in paths]
    after = [path for path in order[at:] if path in paths]
    index = min((paths.index(path) for path in after), default=len(paths) - (paths[-1] == CLOSING))
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
    bullet = next((entry.sign for entry in reversed(entries) if entry.sign), "")
    for fresh in new:
        for entry in _apart(entries[-1], fresh, end) if entries else (fresh,):
            if entries:
                entries[-1] = entries[-1]._replace(blanks=_between(entries[-1], entry, end))
            entries.append(_signed(entry, bullet))
    if behind:
        entries[-1] = entries[-1]._replace(blanks=(end,))
    blanks = group.blanks if group.entries else (end,)
    return group._replace(blanks=blanks, entries=(*entries, *behind)).with_tail(group.tail)
