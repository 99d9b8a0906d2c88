"""The changelog's section of one version: written, written again over hand edits, finished."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

import pytest

from release.errors import Exit, ReleaseError
from release.formats import changelog, sections

if TYPE_CHECKING:
    from collections.abc import Callable

DAY = dt.date(2026, 1, 31)
NEXT = dt.date(2026, 2, 1)
A, B, C = "a" * 40, "b" * 40, "c" * 40
ONE = "## [1.1.0] - 2026-01-31\n\n### Added\n\n- First\n- Second\n\n### Fixed\n\n- Third\n"
TWO = ONE.replace("- Second\n", "- Second\n- Fourth\n\n### Removed\n\n- Fifth\n")
OLD = b"""\
# Changelog

Words by hand.

## [Unreleased]

## [1.0.0] - 2025-01-01
* old entry

[1.0.0]: https://example.org/1.0.0
"""
WRITTEN = f"""\
# Changelog

Words by hand.

## [Unreleased]

## [1.1.0] - 2026-01-31

### Added

- First
- Second

### Fixed

- Third

<!-- release: {A}..{B} -->

## [1.0.0] - 2025-01-01
* old entry

[1.0.0]: https://example.org/1.0.0
""".encode()


def put(
    document: bytes | None,
    rendered: str = ONE,
    *,
    base: str | None = None,
    marker: changelog.Range | None = (A, B),
    version: str = "1.1.0",
    date: dt.date = DAY,
) -> bytes:
    return changelog.put_section(document, version=version, date=date, rendered=rendered, base=base, marker=marker)


def test_a_section_goes_under_unreleased_and_the_rest_stays() -> None:
    assert put(OLD) == WRITTEN


def test_a_file_is_begun_as_keep_a_changelog_begins() -> None:
    written = put(None, marker=(None, B)).decode()
    assert written.startswith("# Changelog\n")
    assert "keepachangelog.com/en/1.1.0" in written
    assert written.endswith(f"\n## [Unreleased]\n\n{ONE}\n<!-- release: ..{B} -->\n")
    assert changelog.marker(written.encode(), "1.1.0") == (None, B)
    assert put(b"", marker=(None, B)) == written.encode()


def test_doing_it_twice_changes_nothing() -> None:
    assert put(WRITTEN, base=ONE) == WRITTEN
    assert put(WRITTEN, base=None) == WRITTEN
    assert put(WRITTEN, base=ONE, marker=(A, C)) == WRITTEN  # commits that nobody lists


def test_another_day_dates_an_unfinished_section_anew_and_no_other() -> None:
    assert put(WRITTEN, base=ONE, date=NEXT) == WRITTEN.replace(b"2026-01-31", b"2026-02-01")
    finished = changelog.finish_section(WRITTEN, "1.1.0", DAY)
    assert put(finished, date=NEXT, marker=None) == finished


def test_later_commits_are_added_once() -> None:
    written = put(WRITTEN, TWO, base=ONE, marker=(A, C))
    assert changelog.section(written, "1.1.0") == TWO
    assert changelog.marker(written, "1.1.0") == (A, C)
    assert put(written, TWO, base=TWO, marker=(A, C)) == written
    assert put(written, TWO, base=ONE, marker=(A, C)) == written


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        (
            "- First\n",
            "- First, in other words\n",
            "Added: First, in other words|Second|Fourth Removed: Fifth Fixed: Third",
        ),
        ("- First\n", "", "Added: Second|Fourth Removed: Fifth Fixed: Third"),
        ("### Fixed\n\n- Third\n", "", "Added: First|Second|Fourth Removed: Fifth"),
        ("- Third\n", "- Third\n- By hand\n", "Added: First|Second|Fourth Removed: Fifth Fixed: Third|By hand"),
        ("- Third\n", "- Third\n- First\n", "Added: First|Second|Fourth Removed: Fifth Fixed: Third|First"),
        ("### Fixed\n", "### Security\n", "Added: First|Second|Fourth Removed: Fifth Security: Third"),
        ("- First\n", "- Fourth\n", "Added: Fourth|Second Removed: Fifth Fixed: Third"),
        ("### Added\n\n", "Prose.\n\n### Added\n\n", "Prose. Added: First|Second|Fourth Removed: Fifth Fixed: Third"),
        ("- Second\n", "- Second\n  with more\n", "Added: First|Second with more|Fourth Removed: Fifth Fixed: Third"),
        ("- Second\n", "-   Second\n", "Added: First|  Second|Fourth Removed: Fifth Fixed: Third"),
        ("### Fixed\n", "### fixed:\n", "Added: First|Second|Fourth Removed: Fifth fixed:: Third"),
    ],
)
def test_hand_edits_survive(before: str, after: str, wanted: str) -> None:
    edited = WRITTEN.replace(before.encode(), after.encode(), 1)
    assert edited != WRITTEN
    written = put(edited, TWO, base=ONE, marker=(A, C))
    assert told(written) == wanted
    assert put(written, TWO, base=TWO, marker=(A, C)) == written


def told(document: bytes) -> str:
    """Return the section in one line: `Group: entry|entry Group: entry`."""
    text = (changelog.section(document, "1.1.0") or "").partition("\n")[2]
    words = re.sub(r"\n+### (.*)\n+- ", r" \1: ", text.replace("\n  ", " "))
    return words.replace("\n- ", "|").replace("\n", " ").strip()


def test_an_entry_that_is_no_longer_rendered_goes_unless_it_was_edited() -> None:
    less = ONE.replace("- Second\n", "").replace("\n### Fixed\n\n- Third\n", "")
    assert told(put(WRITTEN, less, base=ONE, marker=(A, C))) == "Added: First"
    edited = WRITTEN.replace(b"- Third", b"- Third!")
    assert told(put(edited, less, base=ONE, marker=(A, C))) == "Added: First Fixed: Third!"


def test_without_a_base_equal_entries_appear_once_and_nothing_is_removed() -> None:
    edited = WRITTEN.replace(b"- Second", b"- Second, edited")
    assert (
        told(put(edited, TWO, marker=(A, C))) == "Added: First|Second, edited|Second|Fourth Removed: Fifth Fixed: Third"
    )


def test_equal_entries_of_two_commits_appear_once() -> None:
    assert told(put(OLD, ONE.replace("- Second\n", "- First\n- Second\n"))) == "Added: First|Second Fixed: Third"


UNRELEASED = OLD.replace(
    b"## [Unreleased]\n",
    b"""## [Unreleased]

<!-- what comes goes here -->

Some prose
in two lines.

### Security

* By hand

  with a second paragraph

      and code

### Added

* Second
* Another

### Changed
""",
)


def test_unreleased_entries_move_into_the_section() -> None:
    written = put(UNRELEASED).decode()
    assert written.split("## [1.1.0]")[0].endswith(
        "## [Unreleased]\n\n<!-- what comes goes here -->\n\n### Changed\n\n"
    )
    assert changelog.section(written.encode(), "1.1.0") == (
        "## [1.1.0] - 2026-01-31\n\nSome prose\nin two lines.\n\n### Security\n\n"
        "* By hand\n\n  with a second paragraph\n\n      and code\n\n"
        "### Added\n\n* Second\n* Another\n* First\n\n### Fixed\n\n- Third\n"
    )
    assert put(written.encode(), base=ONE) == written.encode()


def test_unreleased_entries_move_into_a_section_that_is_there() -> None:
    later = WRITTEN.replace(b"[Unreleased]\n", b"[Unreleased]\n### Fixed\n- Late\n- Third\n")
    assert told(put(later, base=ONE)) == "Added: First|Second Fixed: Third|Late"
    assert put(later, base=ONE) == WRITTEN.replace(b"- Third\n", b"- Third\n- Late\n")


def test_indented_entries_do_not_become_part_of_the_one_in_front() -> None:
    later = WRITTEN.replace(b"[Unreleased]\n", b"[Unreleased]\n\n### Fixed\n\n   * Late\n     or later\n\n\tprose\n")
    written = put(later, base=ONE)
    assert (changelog.section(written, "1.1.0") or "").endswith("- Third\n- Late\n  or later\n\n<!-- -->\n\n\tprose\n")
    assert put(written, base=ONE) == written


def test_an_empty_group_is_filled_and_kept_apart_from_the_next() -> None:
    document = b"## [1.1.0]\n### Added\n### Fixed\n- Third\n"
    assert put(document, marker=None) == b"## [1.1.0]\n### Added\n\n- First\n- Second\n\n### Fixed\n- Third\n"


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("tail", [b"\n", b"", b"\n\n\n", b"\xff\xfe not utf-8"])
def test_line_ends_mark_and_end_of_file_stay(newline: bytes, mark: bytes, tail: bytes) -> None:
    def shaped(text: bytes) -> bytes:
        return mark + (text.rstrip() + tail).replace(b"\n", newline)

    assert put(shaped(OLD)) == shaped(WRITTEN)
    assert changelog.section(shaped(WRITTEN), "1.1.0") == ONE
    finished = changelog.finish_section(shaped(WRITTEN), "1.1.0", DAY)
    assert finished == shaped(WRITTEN.replace(f"\n<!-- release: {A}..{B} -->\n".encode(), b""))


@pytest.mark.parametrize(
    "document",
    [
        "## [Unreleased]\n\n## [1.0.0]\n- a\n",
        "## [Unreleased]\n- By hand\n",
        "## [1.0.0] - 2020-01-01\n- a\n",
        "## [1.1.0] - 2020-01-01\n- By hand\n\n## [1.0.0]\n",
        "# [1.0.0](url)\r\n\r\n- a\r\n",
        "```\n## [1.1.0]\n```\n\n## [1.0.0]\n",
        "<!--\n## [1.1.0]\n-->\n",
        "[1.0.0]: https://example.org\n",
        "\n",
        "",
    ],
)
def test_a_mark_in_front_of_the_first_line_is_part_of_no_line(document: str) -> None:
    bare, marked = document.encode() or b"\n", b"\xef\xbb\xbf" + document.encode()
    written = put(marked)
    assert written.count(b"\xef\xbb\xbf") == 1
    assert written.decode("utf-8-sig").strip() == put(bare).decode().strip()
    assert changelog.section(written, "1.1.0") == changelog.section(put(bare), "1.1.0")
    finished = changelog.finish_section(written, "1.1.0", NEXT)
    assert finished.decode("utf-8-sig").strip() == changelog.finish_section(put(bare), "1.1.0", NEXT).decode().strip()
    assert finished.startswith(b"\xef\xbb\xbf")
    added = changelog.add_section(marked, version="0.9.0", date=DAY, rendered="\ufeff" + ONE)
    assert added.startswith(b"\xef\xbb\xbf")
    assert added.count(b"\xef\xbb\xbf") == 1
    assert added.count(b"- First") == 1 + document.count("- First")


def test_a_mark_inside_the_file_makes_no_heading() -> None:
    document = "# Changelog\n\n\ufeff## [1.1.0]\n".encode()
    assert not changelog.has_section(document, "1.1.0")
    assert put(document).startswith(document)


@pytest.mark.parametrize(
    ("document", "start"),
    [
        ("# Changelog\n", "# Changelog\n\n## [Unreleased]\n\n## [1.1.0]"),
        ("Just words", "Just words\n\n## [Unreleased]\n\n## [1.1.0]"),
        ("# Changelog\n\n## 1.0.0\n", "# Changelog\n\n## [Unreleased]\n\n## [1.1.0]"),
        ("# Changelog\n## Unreleased\n## 1.0.0\n", "# Changelog\n## Unreleased\n\n## [1.1.0]"),
        ("# [1.0.0](url) (2020-01-01)\n", "## [Unreleased]\n\n## [1.1.0]"),
        ("## [unreleased](url)\n\n## [v2.0.0]\n\n## Notes\n", "## [unreleased](url)\n\n## [v2.0.0]\n\n## [1.1.0]"),
        ("[a]: b\n", "## [Unreleased]\n\n## [1.1.0]"),
        ("## [Unreleased]\n\n[a]: b", "## [Unreleased]\n\n## [1.1.0]"),
    ],
)
def test_a_section_finds_its_place(document: str, start: str) -> None:
    written = put(document.encode()).decode()
    assert written.startswith(start), written
    rest = [line for line in document.splitlines() if line]
    assert [line for line in written.splitlines() if line in rest] == rest


@pytest.mark.parametrize(
    "heading",
    ["## [1.1.0]", "## 1.1.0", "# v1.1.0", "## [v1.1.0](https://example.org) (2020-01-01)", "## Version 1.1.0 ##"],
)
def test_headings_of_other_tools_are_known(heading: str) -> None:
    document = f"# Changelog\n\n{heading}\n\n- By hand\n".encode()
    written = put(document, marker=None)
    assert written.startswith(document)
    assert told(written) == "|By hand Added: First|Second Fixed: Third"
    dated = changelog.finish_section(document, "1.1.0", DAY).decode()
    assert dated.count("2026-01-31") == 1
    assert "2020" not in dated


@pytest.mark.parametrize(
    "text",
    [
        "```\n## [1.1.0]\n```",
        "~~~~md\n## [1.1.0]\n~~~\n~~~~",
        "- item\n  ```\n  ## [1.1.0]\n  ```",
        "- ```\n  ## [1.1.0]\n  ```",
        "<!--\n## [1.1.0]\n-->",
        "<pre>\n## [1.1.0]\n</pre>",
        "    ## [1.1.0]",
        "### [1.1.0]",
        "##1.1.0",
        "\\## 1.1.0",
    ],
)
def test_what_is_no_heading_is_no_section(text: str) -> None:
    document = f"# Changelog\n\n## [Unreleased]\n\n## [1.0.0]\n\n{text}\n".encode()
    assert changelog.section(document, "1.1.0") is None
    written = put(document)
    assert changelog.section(written, "1.1.0") == ONE
    assert written.endswith(document.partition(b"## [1.0.0]")[2])


UNDERLINED = [
    "1.1.0\n-----",
    "1.1.0\n=",
    "[1.1.0] - 2020-01-01\n---",
    "  v1.1.0 (2020-01-01)\n  -----  ",
    "[v1.1.0](https://example.org) (2020-01-01)\n===",
    "Version 1.1.0\n=============",
    "Unreleased\n----------",
    "[unreleased]\n====",
    "1.1.0\nof last year\n---",
    "- entry\n1.1.0\n-----",
    "- entry\n\n1.1.0\n-----",
]


@pytest.mark.parametrize("text", UNDERLINED)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_an_underlined_heading_of_a_section_is_refused(text: str, newline: str) -> None:
    document = f"\ufeff# Changelog\n\n## [Unreleased]\n\n## [1.2.0]\n\n{text}\n\n- a\n".replace("\n", newline).encode()
    writes: list[Callable[[], bytes]] = [
        lambda: put(document),
        lambda: put(document, version="1.2.0"),
        lambda: changelog.add_section(document, version="1.1.0", date=DAY, rendered=ONE),
        lambda: changelog.finish_section(document, "1.2.0", DAY),
    ]
    for write in writes:
        with pytest.raises(
            ReleaseError, match=r"underlined headings, which are not read as sections: line \d+: '"
        ) as caught:
            write()
        (problem,) = caught.value.problems
        assert problem.exit is Exit.REFUSED
        lines = document.decode("utf-8-sig").split("\n")
        number, _, named = problem.what.rpartition("line ")[2].partition(": ")
        assert lines[int(number) - 1].strip().startswith(named.strip("'"))
        assert "## 1.0.0" in problem.hint
    assert changelog.section(document, "1.1.0") is None
    assert changelog.has_section(document, "1.2.0")


def test_underlined_headings_are_named_together() -> None:
    old = "".join(f"{number}.0.0\n-----\n\n- a\n\n" for number in range(9, 0, -1))
    with pytest.raises(ReleaseError) as caught:
        put(f"Changes\n=======\n\n{old}".encode())
    (problem,) = caught.value.problems
    assert problem.what.endswith(
        ": line 4: '9.0.0', line 9: '8.0.0', line 14: '7.0.0', line 19: '6.0.0', line 24: '5.0.0', 4 more"
    )


@pytest.mark.parametrize(
    "text",
    [
        "Changelog\n=========",
        "2026\n----",
        "Added\n-----",
        "Since 1.1.0\n-----------",
        "1.1.0\n\n-----",
        "    1.1.0\n-----",
        "\t1.1.0\n-----",
        "- 1.1.0\n-----",
        "1. 1.1.0\n-----",
        "> 1.1.0\n-----",
        "### 1.1.0\n-----",
        "***\n-----",
        "```\n1.1.0\n-----\n```",
        "<!--\n1.1.0\n-----\n-->",
        "[1.1.0]: https://example.org\n-----",
        "See:\n[1.1.0]: https://example.org\n-----",
        "1.1.0 | day\n----- | ---",
        "1.1.0\n- - -",
        "1.1.0\n***",
        "1.1.0\n=-=",
        "1.1.0\n    -----",
        "---\nversion: 1.1.0\n---",
    ],
)
def test_what_is_no_underlined_heading_of_a_section_stays(text: str) -> None:
    document = f"{text}\n\n## [Unreleased]\n\n## [1.0.0]\n\n- a\n\n{text}\n\nmore\n"
    written = put(document.encode()).decode()
    assert changelog.section(written.encode(), "1.1.0") == ONE
    assert written.replace(f"{ONE}\n<!-- release: {A}..{B} -->\n\n", "") == document


def test_a_template_that_underlines_the_heading_is_refused() -> None:
    rendered = ONE.replace("### Added", "1.1.0\n=====\n\n### Added")
    writes: list[Callable[[], bytes]] = [
        lambda: put(OLD, rendered),
        lambda: changelog.add_section(OLD, version="1.1.0", date=DAY, rendered=rendered),
    ]
    for write in writes:
        with pytest.raises(ReleaseError, match=r"cliff\.toml makes an underlined heading of '1\.1\.0'") as caught:
            write()
        assert caught.value.exit is Exit.USAGE


@pytest.mark.parametrize("opened", [b"```\n", b"~~~\n", b"<!--\n", b"<pre>\n", b"<!-- a\n<!-- b\n"])
def test_what_nobody_closed_hides_no_section(opened: bytes) -> None:
    document = OLD.replace(b"Words by hand.", opened + b"Words by hand.")
    written = WRITTEN.replace(b"Words by hand.", opened + b"Words by hand.")
    assert put(document) == written
    assert put(written, base=ONE) == written


def test_a_file_that_could_not_be_read_again_is_refused() -> None:
    document = b"## [1.0.0]\n<!--\n\n## [Unreleased]\n- entry\n-->\n"
    assert [section.name for section in sections.parse(document).sections] == ["1.0.0"]
    document = b"## [Unreleased]\n- a\n  -->\n\n## [2.0.0]\n<!--\n"
    with pytest.raises(ReleaseError, match="not closed") as caught:
        put(document)
    assert caught.value.exit is Exit.REFUSED


def test_finishing_dates_the_section_and_takes_the_marker_away() -> None:
    finished = changelog.finish_section(WRITTEN, "1.1.0", NEXT)
    assert changelog.section(finished, "1.1.0") == ONE.replace("2026-01-31", "2026-02-01")
    assert b"<!--" not in finished
    assert changelog.finish_section(finished, "1.1.0", NEXT) == finished
    assert finished.startswith(OLD.partition(b"## [1.0.0]")[0])
    assert finished.endswith(OLD.partition(b"## [1.0.0]")[2])
    with pytest.raises(ReleaseError, match=r"no section \[3\.0\.0\]") as caught:
        changelog.finish_section(WRITTEN, "3.0.0", NEXT)
    assert caught.value.exit is Exit.REFUSED


@pytest.mark.parametrize("text", ["TBD", "unreleased", "2020-02-02"])
def test_a_heading_keeps_its_words_when_it_is_dated(text: str) -> None:
    document = WRITTEN.replace(b"[1.1.0] - 2026-01-31", f'[1.1.0] "Dawn" - {text} [YANKED]'.encode())
    assert b'\n## [1.1.0] "Dawn" - 2026-02-01 [YANKED]\n' in changelog.finish_section(document, "1.1.0", NEXT)


@pytest.mark.parametrize(
    "text",
    ["", f"<!-- release: {A} -->", f"<!-- release: {A}..main -->", f"`<!-- release: {A}..{B} -->`", "<!-- x -->"],
)
def test_what_is_no_marker_is_none(text: str) -> None:
    assert changelog.marker(f"## [1.1.0]\n\n{text}\n".encode(), "1.1.0") is None


def test_a_marker_is_found_wherever_somebody_moved_it() -> None:
    moved = WRITTEN.replace(f"\n<!-- release: {A}..{B} -->\n".encode(), b"").replace(
        b"### Added\n", f"<!-- release: {A}..{B} -->  \n### Added\n".encode()
    )
    assert changelog.marker(moved, "1.1.0") == (A, B)
    assert changelog.finish_section(moved, "1.1.0", DAY) == changelog.finish_section(WRITTEN, "1.1.0", DAY)


def test_an_old_release_is_added_without_touching_unreleased() -> None:
    document = UNRELEASED.replace(b"[1.0.0]", b"[1.2.0]", 1)
    written = changelog.add_section(document, version="1.1.0", date=DAY, rendered=ONE)
    assert changelog.section(written, "1.1.0") == ONE
    assert written.replace(ONE.encode() + b"\n", b"") == document
    assert changelog.has_section(written, "1.1.0")
    assert not changelog.has_section(document, "1.1.0")


@pytest.mark.parametrize(
    ("body", "is_empty"),
    [("", True), (f"\n<!-- release: {A}..{B} -->\n", True), ("### Added\n<!-- x -->\n", True), ("text\n", False)],
)
def test_a_section_is_empty_without_a_visible_entry(body: str, is_empty: bool) -> None:
    assert changelog.is_empty(f"## [1.1.0]\n{body}".encode(), "1.1.0") is is_empty
    assert changelog.is_empty(b"", "1.1.0")


SCOPED = """\
## [1.1.0] - 2026-01-31

### Added

#### Core

- One

#### UI

- Two

### Fixed

#### Core

- Three
"""


def test_subgroups_stay_with_their_group() -> None:
    written = put(OLD, SCOPED)
    assert changelog.section(written, "1.1.0") == SCOPED
    more = SCOPED.replace("- One\n", "- One\n- One more\n").replace("#### UI\n", "#### Net\n\n- New\n\n#### UI\n")
    more = more.replace("- Three\n", "- Three\n\n#### UI\n\n- Four\n\n### Security\n\n#### Core\n\n- Five\n")
    assert changelog.section(put(written, more, base=SCOPED, marker=(A, C)), "1.1.0") == more


def test_new_groups_stand_where_the_rendering_has_them() -> None:
    names = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]

    def rendered(*chosen: str) -> str:
        return "## [1.1.0] - 2026-01-31\n" + "".join(f"\n### {name}\n\n- {name} it\n" for name in chosen)

    for present in (("Changed", "Fixed"), ("Security",), ("Added",), ("Removed",)):
        written = put(OLD, rendered(*present))
        again = put(written, rendered(*names), base=rendered(*present), marker=(A, C))
        assert changelog.section(again, "1.1.0") == rendered(*names)
