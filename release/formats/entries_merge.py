"""How changes of one side of a changelog section are taken over by the other, entry by entry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from release.formats import markdown
from release.formats.entries import BULLETS, CLOSING, Entry, Group, Key, column, keyed, keys, read

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
    return _settled(result, end)


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


def _settled(groups: Iterable[Group], end: str) -> tuple[Group, ...]:
    """Return the groups with each entry so that it does not become part of the list item that has come above it."""
    result: list[Group] = []
    for group in groups:
        result.append(group._replace(entries=()))
        # What closes a section has no heading that parts it from the group in front.
        above = result[-2].entries[-1:] if group.path == CLOSING else ()
        for entry in group.entries:
            parted = _apart(above[-1] if above else None, entry, end)
            if len(parted) > 1:
                at = -1 if result[-1].entries else -2
                result[at] = result[at].with_tail(result[at].tail or (end,))
            result[-1] = result[-1]._replace(entries=(*result[-1].entries, *parted))
            above = parted
    return tuple(result)


def _apart(above: Entry | None, entry: Entry, end: str) -> tuple[Entry, ...]:
    """Return an item as far to the left as it takes to be none below `above`.

    What is no item, or would be read as something else there, stays where it is, behind an empty comment
    (CommonMark §5.3).
    """
    if above is None or not above.offset or column(entry.lines[0]) < above.offset:
        return (entry,)
    first, *rest = entry.text
    left = entry._replace(text=(first, *(line.removeprefix(entry.indent) for line in rest)), indent="")
    if entry.sign and read(left.lines)[0].entries == (left._replace(blanks=()),):
        return (left,)
    return (Entry(text=(f"<!-- -->{end}",), blanks=(end,)), entry)


def _signed(entry: Entry, bullet: str) -> Entry:
    """Return an item of a bullet list with this bullet: a change of it would part the list in two (CommonMark §5.3)."""
    signed = entry._replace(sign=bullet)
    if {bullet, entry.sign} <= set(BULLETS) and not markdown.is_break(signed.lines[0]):
        return signed
    return entry


def without(groups: Sequence[Group], gone: set[Key], *, end: str) -> list[Group]:
    """Return the groups less some entries; one that loses its last goes too, unless subgroups of it stay.

    It leaves its breaks behind. What stood on two sides of an entry does not grow together. `end` is CR or nothing.
    """
    less = [group._replace(entries=_kept(group, gone, end)) for group in groups]
    stays = [True] * len(groups)
    below: tuple[str, ...] = ()  # the path of the next group that stays
    for at in range(len(groups) - 1, 0, -1):
        path, kept = groups[at].path, less[at].entries
        is_emptied = len(kept) < len(groups[at].entries) and (
            not kept or (path != CLOSING and all(entry.is_break for entry in kept))
        )
        stays[at] = not is_emptied or below[: len(path)] == path
        below = path if stays[at] else below
    result: list[Group] = []
    for at, group in enumerate(groups):
        kept, tail = less[at].entries, group.tail
        if len(kept) == len(group.entries):
            result.append(group)
        elif stays[at]:
            is_open = bool(kept) and not kept[-1].sign  # a break or an underline could follow
            result.append(less[at].with_tail(tail or ((end,) if is_open else ())))
        else:
            before = result[-1].with_tail(result[-1].tail or (end,))
            result[-1] = before._replace(entries=(*before.entries, *kept)).with_tail(tail)
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
    index = min(range(1, len(groups) + 1), key=lambda at: (not _fits(groups, at, group), abs(at - index)))
    tail = groups[index - 1].tail if index == len(groups) else (end,)
    fresh = Group(heading=group.heading.rstrip() + end, path=group.path, blanks=tail)
    return [*groups[: index - 1], groups[index - 1].with_tail((end,)), fresh, *groups[index:]]


def _fits(groups: Sequence[Group], at: int, group: Group) -> bool:
    """Whether all groups keep their paths when one comes in at an index: a heading of any level opens below others."""
    some = [*groups[:at], group, *groups[at:]]
    return _paths(read([one.heading for one in some if one.heading])) == [
        path for path in _paths(some) if path != CLOSING
    ] and (at < len(groups) or groups[-1].path != CLOSING)


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
        if entries:
            entries[-1] = entries[-1]._replace(blanks=_between(entries[-1], fresh, end))
        entries.append(_signed(fresh, bullet))
    if behind:
        entries[-1] = entries[-1]._replace(blanks=(end,))
    blanks = group.blanks if group.entries else (end,)
    return group._replace(blanks=blanks, entries=(*entries, *behind)).with_tail(group.tail)
