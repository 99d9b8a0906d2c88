"""What holds for merges of any changelogs: sections of both sides, entries under Unreleased, several merge bases."""

from __future__ import annotations

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from release.formats import changelog, changelog_merge, entries, sections

NUMBERS = [f"1.{minor}.{patch}" for minor in range(4) for patch in range(3)]
NAMES = ["Added", "Fixed", ""]
# Entries with their groups; a side has each once, as an entry that stands in another group was moved there.
Entries = dict[str, str]
SOME = st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from(NAMES))


def changes(unreleased: Entries, released: dict[str, str]) -> bytes:
    """Return a changelog with these entries under Unreleased, and sections of a text each, in descending order."""
    text = "# Changelog\n\n## [Unreleased]\n"
    for name in ("", "Added", "Fixed"):
        own = sorted(word for word, group in unreleased.items() if group == name)
        text += (f"\n### {name}\n" if own and name else "") + ("\n" if own else "")
        text += "".join(f"- {word}\n" for word in own)
    for number in sorted(released, key=NUMBERS.index, reverse=True):
        text += f"\n## [{number}] - 2026-01-01\n\n- {released[number]}\n"
    return text.encode()


def told(document: bytes) -> tuple[set[tuple[str, str]], dict[str, str]]:
    """Return what `changes` was made of, the entries as pairs."""
    known = sections.parse(document)
    unreleased = known.get("Unreleased")
    assert unreleased is not None
    found = {section.name: section.text.rpartition("- ")[2] for section in known.sections if section.is_numbered}
    assert list(found) == sorted(found, key=NUMBERS.index, reverse=True)
    keys = entries.keys(entries.read(unreleased.body))
    return {(word, "".join(path).capitalize()) for path, word in keys}, found


def merged_entry(base: str | None, ours: str | None, theirs: str | None) -> set[str]:
    """Return the groups in which an entry stands after a merge, by those in which the three have it."""
    if base is None:
        return {ours, theirs} - {None}  # type: ignore[return-value]  # which takes None away
    if ours is None or theirs is None:
        return set()
    return {theirs if ours == base else ours}


@given(SOME, SOME, SOME)
def test_under_unreleased_removals_moves_and_additions_of_both_sides_apply(
    base: Entries, one: Entries, two: Entries
) -> None:
    for ours, theirs in ((one, two), (two, one)):
        merged = changelog.merge(*(changes(side, {}) for side in (base, ours, theirs)))
        assert isinstance(merged, bytes)
        names = base.keys() | ours.keys() | theirs.keys()
        wanted = {
            (word, group) for word in names for group in merged_entry(base.get(word), ours.get(word), theirs.get(word))
        }
        assert told(merged) == (wanted, {})


@given(SOME, SOME, SOME)
def test_a_section_takes_over_what_its_commits_do_and_keeps_what_was_done_by_hand(
    base: Entries, ours: Entries, theirs: Entries
) -> None:
    first, edited, second = (
        changes(side, {}).partition(b"## [Unreleased]\n")[2].decode() for side in (base, ours, theirs)
    )
    known = f"# Changelog\n\n## [Unreleased]\n\n## [1.1.0] - 2026-01-31\n{edited}".encode()
    written = changelog.put_section(
        known, version="1.1.0", date=dt.date(2026, 1, 31), rendered=second, base=first, marker=(None, "b" * 40)
    )
    names = base.keys() | ours.keys() | theirs.keys()
    wanted = {
        (word, group) for word in names for group in merged_entry(base.get(word), ours.get(word), theirs.get(word))
    }
    section = changelog.section(written, "1.1.0") or ""
    found = entries.keys(entries.read(section.split("\n")[1:]))
    assert {(word, "".join(path).capitalize()) for path, word in found} == wanted


SECTIONS = st.dictionaries(st.sampled_from(NUMBERS), st.sampled_from(["x", "y"]))


@given(SECTIONS, SECTIONS, SECTIONS, SOME, SOME)
def test_a_section_is_that_of_the_side_that_changed_it_or_a_conflict_when_both_did(
    base: dict[str, str], one: dict[str, str], two: dict[str, str], here: Entries, there: Entries
) -> None:
    both = {
        number
        for number in NUMBERS
        if one.get(number) != two.get(number) and base.get(number) not in (one.get(number), two.get(number))
    }
    wanted: dict[str, str] = {}
    for number in NUMBERS:
        text = two.get(number) if one.get(number) == base.get(number) else one.get(number)
        wanted |= {number: text} if text is not None else {}
    old, ours, theirs = changes({}, base), changes(here, one), changes(there, two)
    merged = changelog.merge(old, ours, theirs)
    assert isinstance(changelog.merge(old, theirs, ours), type(merged))
    if both:
        assert merged == tuple(sorted(both))
        marked = changelog_merge.with_markers(old, ours, theirs, ("ours", "theirs")).decode()
        assert marked.count("<<<<<<< ours") == marked.count(">>>>>>> theirs") == len(both)
    else:
        assert isinstance(merged, bytes)
        assert told(merged) == (here.items() | there.items(), wanted)


@given(st.permutations(NUMBERS), st.integers(0, 12), st.integers(0, 12), SOME)
def test_several_bases_are_one_base_with_the_sections_of_all(
    numbers: list[str], first: int, second: int, more: Entries
) -> None:
    low, high = sorted((first, second))
    one, two, rest = numbers[:low], numbers[low:high], numbers[high:]
    united = changelog_merge.united(changes({}, dict.fromkeys(one, "x")), changes({}, dict.fromkeys(two, "x")))
    assert told(united) == (set(), dict.fromkeys(one + two, "x"))
    ours = changes(more, dict.fromkeys(one + two + rest[::2], "x"))
    theirs = changes({}, dict.fromkeys(one + two + rest[1::2], "x") | dict.fromkeys(two, "y"))
    merged = changelog.merge(united, ours, theirs)
    assert isinstance(merged, bytes)
    assert told(merged) == (set(more.items()), dict.fromkeys(numbers, "x") | dict.fromkeys(two, "y"))
    back = changelog.merge(united, theirs, ours)
    assert isinstance(back, bytes)
    assert told(back) == told(merged)


@given(SECTIONS, SECTIONS, SOME, SOME, st.sampled_from(NUMBERS))
def test_beside_a_section_and_unreleased_everything_counts(
    one: dict[str, str], two: dict[str, str], here: Entries, there: Entries, number: str
) -> None:
    first, second = (changelog.beside(changes(*side), number) for side in ((here, one), (there, two)))
    rest = [{name: text for name, text in side.items() if name != number} for side in (one, two)]
    assert (first == second) is (rest[0] == rest[1])
    crlf = changes(here, one).replace(b"\n", b"\r\n\r\n")
    assert changelog.beside(crlf + b"\r\n[unreleased]: x\r\n", number)[:1] == first[:1]
    linked = changes(here, one) + f"\n[{number}]: https://x\n[Unreleased]: https://y\n".encode()
    assert changelog.beside(linked, number) == first
    assert changelog.beside(linked + b"[other]: https://z\n", number) != first
