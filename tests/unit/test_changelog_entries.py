"""Entries by their group and their words: what was written by hand comes through, and moves are moves."""

from __future__ import annotations

import datetime as dt

import pytest

from release.formats import changelog, changelog_merge

DAY = dt.date(2026, 1, 31)
RENDERED = "### Added\n\n- rendered\n"


def document(unreleased: str, section: str = "") -> bytes:
    released = f"## [1.1.0] - 2026-01-31\n\n{section}\n" if section else ""
    return f"# Changelog\n\n## [Unreleased]\n\n{unreleased}\n{released}## [1.0.0] - 2025-01-01\n\n- First\n".encode()


def put(known: bytes, rendered: str = RENDERED, base: str | None = None) -> str:
    return changelog.put_section(
        known, version="1.1.0", date=DAY, rendered=rendered, base=base, marker=("a" * 40, "b" * 40)
    ).decode()


def merged(base: str, ours: str, theirs: str) -> str:
    found = changelog.merge(document(base), document(ours), document(theirs))
    assert isinstance(found, bytes), found
    return found.decode()


@pytest.mark.parametrize(
    "text",
    ["**Note:** restart the daemon.", "*Breaking* the API", "+1 for speed", "-O3 is the default", "--flag is gone"],
)
@pytest.mark.parametrize("sign", ["-", "*", "+"])
def test_a_line_that_only_begins_like_an_item_keeps_its_first_character(text: str, sign: str) -> None:
    written = put(document(f"### Added\n\n{text}\n", f"### Added\n\n{sign} known\n"))
    assert f"\n{text}\n" in written
    added = merged(f"### Added\n\n{sign} a\n", f"### Added\n\n{sign} a\n{sign} b\n", f"### Added\n\n- a\n\n{text}\n")
    assert f"\n{text}\n" in added


@pytest.mark.parametrize("line", ["---", "***", "* * *", "_ _ _", "- - -"])
def test_a_break_below_unreleased_stays_there(line: str) -> None:
    written = put(document(f"{line}\n"))
    assert f"## [Unreleased]\n\n{line}\n\n## [1.1.0]" in written
    assert put(written.encode(), base=RENDERED) == written
    moved = put(document(f"### Added\n\n- by hand\n\n{line}\n"))
    assert f"## [Unreleased]\n\n{line}\n\n## [1.1.0] - 2026-01-31\n\n### Added\n\n- by hand\n- rendered\n" in moved


def test_entries_come_before_a_break_at_the_end_of_their_section() -> None:
    written = put(document("", "### Added\n\n* known\n\n---\n"))
    assert "### Added\n\n* known\n* rendered\n\n---\n" in written


def test_a_break_alone_is_no_entry() -> None:
    assert changelog.is_empty(document("", "---\n"), "1.1.0")


def test_equal_words_in_two_groups_are_two_entries() -> None:
    written = put(document("### Deprecated\n\n- `old`\n\n### Removed\n\n- older\n\n### Security\n\n- `old`\n"))
    assert "### Deprecated\n\n- `old`\n\n### Removed\n\n- older\n\n### Security\n\n- `old`\n" in written
    both = put(document(""), "### Added\n\n- Dark mode\n\n### Fixed\n\n- Dark mode\n")
    assert both.count("- Dark mode") == 2


def test_what_a_person_moved_to_another_group_is_not_added_again() -> None:
    first = put(document("")).replace("### Added", "### Changed")
    for base in (RENDERED, None):
        again = put(first.encode(), RENDERED + "\n### Fixed\n\n- later\n", base)
        assert again.count("- rendered") == 1
        assert "### Changed\n\n- rendered\n\n### Fixed\n\n- later\n" in again


def test_a_move_by_one_side_is_a_move() -> None:
    base = "### Added\n\n- New parser\n"
    theirs = "### Fixed\n\n- New parser\n"
    found = merged(base, "### Added\n\n- New parser\n- Dev\n", theirs)
    assert "### Added\n\n- Dev\n\n### Fixed\n\n- New parser\n" in found
    back = merged(base, theirs, "### Added\n\n- New parser\n- Dev\n")
    assert back.count("- New parser") == 1
    assert "### Fixed\n\n- New parser\n" in back


def test_what_one_side_takes_out_of_one_of_two_groups_stays_in_the_other() -> None:
    both = "### Added\n\n- x\n\n### Fixed\n\n- x\n"
    found = merged(
        both, both.replace("### Added", "### Added\n\n- more").replace("more\n\n- x", "more\n- x"), both[:16]
    )
    assert "### Added\n\n- more\n- x\n" in found
    assert "### Fixed" not in found


def test_a_conflict_keeps_both_sides_as_they_are() -> None:
    sides = [document("", f"### Added\n\n**{word}** by hand\n") for word in ("base", "ours", "theirs")]
    marked = changelog_merge.with_markers(sides[0], sides[1], sides[2], ("ours", "theirs")).decode()
    assert "**ours** by hand" in marked
    assert "**theirs** by hand" in marked


@pytest.mark.parametrize("line", ["---", "***", "* * *", "___"])
def test_a_break_parts_what_has_no_blank_line_around_it(line: str) -> None:
    above = "- by hand" if line == "---" else "by hand"  # which it would underline
    written = put(document(f"### Added\n\n{above}\n{line}\nbelow\n"))
    assert f"## [Unreleased]\n\n{line}\n\n## [1.1.0]" in written
    assert f"### Added\n\n{above}\n\nbelow\n\n- rendered\n" in written


@pytest.mark.parametrize(
    "text",
    [
        "A title\n---",
        "A title\n-",
        "The year was\n1986. A good one",
        "One\n*\ntwo",
        "Example:\n\n    * literal\n    - literal",
        "```\n- literal\n```",
    ],
)
def test_what_only_looks_like_an_item_is_none(text: str) -> None:
    assert f"\n* known\n\n{text}\n\n" in put(document(f"### Added\n\n{text}\n", "### Added\n\n* known\n"))


def test_a_comment_ends_where_it_is_closed() -> None:
    written = put(document("<!-- stays\nhere -->\nGoes there.\n"))
    assert "## [Unreleased]\n\n<!-- stays\nhere -->\n\n## [1.1.0] - 2026-01-31\n\nGoes there.\n" in written


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_break_at_the_end_of_a_section_stays_there_when_groups_come(newline: str) -> None:
    known = document("", "### Fixed\n\n* known\n\n---\n").replace(b"\n", newline.encode())
    written = put(known, "### Added\n\n- rendered\n\n### Security\n\n- shut\n").replace("\r\n", "\n")
    assert "### Fixed\n\n* known\n\n### Added\n\n- rendered\n\n### Security\n\n- shut\n\n---\n\n<!--" in written
    base = "### Added\n\n- a\n\n---\n"
    sides = [base.replace("---", f"### {group}\n\n- it\n\n---") for group in ("Changed", "Fixed")]
    found = merged(base, *sides)
    assert "- a\n\n### Fixed\n\n- it\n\n### Changed\n\n- it\n\n---\n\n## [1.0.0]" in found
    new = merged("### Added\n\n- a\n", sides[0].replace("\n---\n", ""), base.replace("---", "***"))
    assert "- a\n\n### Changed\n\n- it\n\n***\n\n## [1.0.0]" in new


def test_a_break_that_one_side_takes_away_goes() -> None:
    with_break = "### Added\n\n- a\n\n---\n"
    assert "---" not in merged(with_break, with_break + "\n***\n", "### Added\n\n- a\n\n- b\n")
    assert "---" not in merged(with_break, with_break.replace("- a\n", "- a\n- b\n"), "### Added\n\n- a\n")


def test_what_stood_around_an_entry_does_not_grow_together() -> None:
    for rest in ("Below.\n", "---\n", "### Fixed\n\n- x\n\n---\n"):
        base = f"Above.\n- a\n\n{rest}".replace("\n\n---", "\n---")
        found = merged(base, base.replace("Above", "Right above"), base.replace("- a\n\n", "\n").replace("- a\n", "\n"))
        assert "Right above.\n\n" + rest.replace("\n\n---", "\n---") in found


@pytest.mark.parametrize(
    "text",
    [
        "    code\n      # with a comment\n\n    # 2.0.0 is next",
        "   * text\n     ### x",
        "\t## [9.9.9]",
        "Hard  \nbreak",
    ],
)
def test_what_cannot_go_to_the_left_is_kept_apart_by_a_comment(text: str) -> None:
    later = document(f"### Added\n\n{text}\n", "### Added\n\n* known\n")
    written = put(later)
    assert f"\n\n{text}\n" in written
    assert "known\n<!--" not in written
    assert written.count("<!-- -->") == text.startswith((" ", "\t"))
    assert put(written.encode(), base=RENDERED) == written
    assert put(written.encode()) == written


def test_what_joins_nothing_keeps_its_indent() -> None:
    text = "### Security\n\n   * First\n     more\n- Second\n\n   Indented\n      prose.\n\n    code\n"
    assert text in put(document(text))


@pytest.mark.parametrize("text", ["* --", "+ --", "* - -"])
def test_another_bullet_makes_no_break_of_an_item(text: str) -> None:
    assert f"\n{text}\n" in put(document(f"### Added\n\n{text}\n", "### Added\n\n- known\n"))


def test_a_subgroup_stays_below_its_heading_when_that_is_all_that_is_left_there() -> None:
    base = "### Added\n\n- a\n\n### Fixed\n\n- b\n\n#### Parts\n\n- c\n"
    found = merged(base, base.replace("- c\n", "- c\n- d\n"), base.replace("- b\n\n", ""))
    assert "- a\n\n### Fixed\n\n#### Parts\n\n- c\n- d\n" in found


def test_a_subgroup_without_a_group_comes_below_none() -> None:
    found = merged("### Added\n\n- a\n", "### Added\n\n- a\n- b\n", "#### Parts\n\n- c\n\n### Added\n\n- a\n")
    assert "#### Parts\n\n- c\n\n### Added\n\n- a\n- b\n" in found
    written = put(document("#### Parts\n\n- c\n", "### Fixed\n\n- known\n"))
    assert written.index("#### Parts\n\n- c\n\n### Fixed") < written.index("### Added")


def test_an_item_that_says_what_a_break_is_goes_without_the_break() -> None:
    written = put(document("- see\n\n*\n  - - -\n\n- - -\n"))
    assert "## [Unreleased]\n\n- - -\n\n## [1.1.0]" in written
    assert "- see\n*\n  - - -\n".replace("\n*", "\n-") in written.replace("\n*", "\n-")


def test_of_two_bases_that_have_an_entry_in_two_groups_neither_side_removed_it() -> None:
    first, second = "### Added\n\n- x\n", "### Fixed\n\n- x\n"
    base = changelog_merge.united(document(first), document(second))
    for ours, theirs in ((first, second), (second, first)):
        found = changelog.merge(base, document(ours), document(theirs))
        assert isinstance(found, bytes)
        assert found.count(b"- x\n") == 1
