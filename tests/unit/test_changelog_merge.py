"""Changelogs of two branches become one, or it is said which of their sections cannot."""

from __future__ import annotations

import pytest

from release.formats import changelog

BASE = """\
# Changelog

Words by hand.

## [Unreleased]

### Added

- One
- Two

## [1.0.0] - 2025-01-01

- Zero

## Notes

By hand.

[1.0.0]: https://example.org/1.0.0
"""
HOTFIX = BASE.replace("## [1.0.0]", "## [1.0.1] - 2026-01-01\n\n### Fixed\n\n- Hot\n\n## [1.0.0]")
RELEASE = BASE.replace("\n### Added\n\n- One\n- Two\n\n", "\n## [1.1.0] - 2026-02-01\n\n### Added\n\n- One\n- Two\n\n")


def merged(base: str, ours: str, theirs: str) -> str:
    result = changelog.merge(base.encode(), ours.encode(), theirs.encode())
    assert isinstance(result, bytes), result
    return result.decode()


def conflicts(base: str, ours: str, theirs: str) -> tuple[str, ...]:
    result = changelog.merge(base.encode(), ours.encode(), theirs.encode())
    assert isinstance(result, tuple), result
    assert result == changelog.merge(base.encode(), theirs.encode(), ours.encode())
    return result


def test_a_hotfix_and_a_release_both_appear_once_in_descending_order() -> None:
    wanted = RELEASE.replace("## [1.0.0]", "## [1.0.1] - 2026-01-01\n\n### Fixed\n\n- Hot\n\n## [1.0.0]")
    assert merged(BASE, RELEASE, HOTFIX) == wanted
    assert merged(BASE, HOTFIX, RELEASE) == wanted


def test_a_section_changed_on_both_sides_is_a_conflict_and_not_a_union() -> None:
    one, two = (BASE.replace("- Zero\n", f"- Zero\n- {word}\n") for word in ("Here", "There"))
    assert conflicts(BASE, one, two) == ("1.0.0",)
    assert merged(BASE, one, one) == one
    gone = BASE.replace("## [1.0.0] - 2025-01-01\n\n- Zero\n\n", "")
    assert conflicts(BASE, gone, two) == ("1.0.0",)
    assert merged(BASE, gone, HOTFIX) == HOTFIX.replace("## [1.0.0] - 2025-01-01\n\n- Zero\n\n", "")


def test_all_conflicts_are_named() -> None:
    def changed(word: str) -> str:
        new = f"## [1.1.0] - 2026-02-0{len(word)}\n\n- {word}\n\n## [1.0.0]"
        text = BASE.replace("Words by hand.", word).replace("By hand.\n", f"{word}\n").replace("## [1.0.0]", new)
        return text.replace("example.org", word)

    assert conflicts(BASE, changed("a"), changed("bb")) == ("1.1.0", "link [1.0.0]", "notes", "preamble")


def test_unreleased_takes_removals_and_additions_of_both_sides() -> None:
    ours = BASE.replace("- One\n", "").replace("- Two\n", "- Two\n- Three\n")
    theirs = BASE.replace("- Two\n", "- Four\n\n### Fixed\n\n- Five\n")
    wanted = BASE.replace("- One\n- Two\n", "- Three\n- Four\n\n### Fixed\n\n- Five\n")
    assert merged(BASE, ours, theirs) == wanted
    assert merged(BASE, theirs, ours) == wanted.replace("- Three\n- Four\n", "- Four\n- Three\n")


def test_entries_released_on_one_side_leave_what_the_other_added_since() -> None:
    develop = BASE.replace("- Two\n", "- Two\n- Three\n")
    wanted = RELEASE.replace("[Unreleased]\n", "[Unreleased]\n\n### Added\n\n- Three\n")
    assert merged(BASE, develop, RELEASE) == wanted
    assert merged(BASE, RELEASE, develop) == wanted


def test_an_unreleased_entry_that_one_side_edited_stays() -> None:
    edited = BASE.replace("- One\n", "- One, edited\n")
    assert "\n- One, edited\n" in merged(BASE, edited, RELEASE)
    assert "\n- One, edited\n" in merged(BASE, RELEASE, edited)


def test_unreleased_that_one_side_took_away_comes_back_with_new_entries_only() -> None:
    without = BASE.replace("## [Unreleased]\n\n### Added\n\n- One\n- Two\n\n", "")
    more = BASE.replace("- Two\n", "- Two\n- Three\n")
    assert merged(BASE, without, BASE.replace("Zero", "Nil")) == without.replace("Zero", "Nil")
    for one, two in ((without, more), (more, without)):
        assert merged(BASE, one, two) == BASE.replace("- One\n- Two\n", "- Three\n")


def test_words_and_links_come_from_the_side_that_changed_them() -> None:
    ours = BASE.replace("Words by hand.", "Other words.").replace("\n[1.0.0]", "\n[1.0.1]: https://x\n[1.0.0]")
    theirs = HOTFIX.replace("By hand.\n", "By both hands.\n") + "[Notes]: https://y\n"
    result = merged(BASE, ours, theirs)
    assert "Other words." in result
    assert "By both hands." in result
    assert result.endswith("[1.0.1]: https://x\n[1.0.0]: https://example.org/1.0.0\n[Notes]: https://y\n")
    fewer = HOTFIX.replace("[1.0.0]: https://example.org/1.0.0\n", "[1.0.0]: https://new\n")
    assert merged(BASE, ours, fewer).endswith("[1.0.1]: https://x\n[1.0.0]: https://new\n")
    none = HOTFIX.replace("\n[1.0.0]: https://example.org/1.0.0\n", "")
    assert "example.org" not in merged(BASE, ours, none)


def test_hand_made_sections_follow_their_neighbour() -> None:
    theirs = BASE.replace("## Notes\n", "## Thanks\n\nTo all.\n\n## Notes\n") + "\n## Last\n\nWords.\n"
    wanted = HOTFIX.replace("## Notes\n", "## Thanks\n\nTo all.\n\n## Notes\n")
    assert [line for line in merged(BASE, HOTFIX, theirs).split("\n") if line.startswith("## ")] == [
        *[line for line in wanted.split("\n") if line.startswith("## ")],
        "## Last",
    ]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_the_result_has_our_line_ends(newline: str) -> None:
    ours = HOTFIX.replace("\n", newline).removesuffix(newline)
    wanted = merged(BASE, HOTFIX, RELEASE)
    assert merged(BASE, ours, RELEASE) == wanted.replace("\n", newline).removesuffix(newline)
    theirs = RELEASE.replace("\n", newline)
    assert merged(BASE, HOTFIX, theirs) == wanted
    assert merged(BASE, "\ufeff" + HOTFIX.replace("Words", "Our words"), theirs).startswith("\ufeff# Changelog\n\nOur")


def test_an_underlined_heading_of_a_section_is_a_conflict() -> None:
    old = BASE.replace("## Notes\n", "0.9.0\n-----\n\n- Old\n\n## Notes\n")
    ours, theirs = old.replace("- One\n", "- One\n- Three\n"), old.replace("- Two\n", "- Two\n- Four\n")
    assert conflicts(old, ours, theirs) == ("underlined heading 0.9.0",)
    assert merged(old, ours, old) == ours
    mended = [side.replace("0.9.0\n-----", "## 0.9.0") for side in (ours, theirs)]
    assert conflicts(old, mended[0], theirs) == ("underlined heading 0.9.0",)
    assert "- Three\n- Four\n" in merged(old, *mended).replace("- Two\n", "")


def test_a_mark_in_front_is_no_part_of_the_first_section() -> None:
    base, theirs = ("## [1.0.0]" + text.partition("## [1.0.0]")[2] for text in (BASE, HOTFIX))
    theirs = "## [1.0.1]\n\n- Hot\n\n" + theirs
    edited = base.replace("- Zero", "- Nil")
    wanted = theirs.replace("- Zero", "- Nil")
    assert merged("\ufeff" + base, "\ufeff" + edited, "\ufeff" + theirs) == "\ufeff" + wanted
    assert merged("\ufeff" + base, edited, "\ufeff" + theirs) == wanted
    assert merged(base, edited, "\ufeff" + theirs) == "\ufeff" + wanted
    assert merged(base, "\ufeff" + edited, theirs) == "\ufeff" + wanted


def test_other_line_ends_alone_are_no_change() -> None:
    crlf = BASE.replace("\n", "\r\n").replace("- Zero", "- Zero  ")
    assert merged(BASE, crlf, HOTFIX) == HOTFIX.replace("\n", "\r\n").replace("- Zero", "- Zero  ")


def test_a_dense_file_stays_dense() -> None:
    dense = "# Changelog\n## [Unreleased]\n- One\n## [1.0.0]\n- Zero\n## [0.9.0]\n- Minus one"
    ours = dense.replace("- Zero", "- Nil")
    theirs = dense.replace("- Minus one", "- Minus 1").replace("- One\n", "- One\n- Two\n")
    assert merged(dense, ours, theirs) == ours.replace("- Minus one", "- Minus 1").replace("- One\n", "- One\n- Two\n")


def test_files_that_both_sides_began() -> None:
    assert merged("", RELEASE, RELEASE) == RELEASE
    assert merged("", "", RELEASE) == RELEASE
    assert conflicts("", RELEASE, HOTFIX.replace("Words", "Other")) == ("preamble",)
    assert merged("", RELEASE, HOTFIX).count("## [1.0.1]") == 1


def test_two_sections_of_one_version_are_two() -> None:
    double = BASE.replace("## Notes", "## [1.0.0] - again\n\n- Twice\n\n## Notes")
    changed = double.replace("- Twice", "- Thrice")
    assert merged(double, changed, double.replace("- Zero", "- Nil")) == changed.replace("- Zero", "- Nil")


@pytest.mark.parametrize(
    ("have", "new", "index"),
    [
        (["2.0.0", "1.0.0"], "1.5.0", 1),
        (["2.0.0", "1.0.0"], "3.0.0", 0),
        (["2.0.0", "1.0.0"], "0.1.0", 2),
        (["1.10.0", "1.2.0"], "1.9.0", 1),
        (["1.0.0", "1.0.0-rc.1"], "1.0.1", 0),
        (["1.1.0", "1.0.0-rc.1"], "1.0.0", 1),
        (["1.1.0", "1.0"], "1.0.0", 1),
        (["2", "1.0.0"], "1.1.0", 1),
    ],
)
def test_a_new_section_keeps_descending_order(have: list[str], new: str, index: int) -> None:
    base = "# Changelog\n\n" + "\n\n".join(f"## [{version}]\n\n- x" for version in have) + "\n"
    theirs = f"# Changelog\n\n## [{new}]\n\n- new\n\n" + base.partition("\n\n")[2]
    result = merged(base, base.replace("# Changelog", "# Changes"), theirs)
    wanted = [*have[:index], new, *have[index:]]
    assert [line for line in result.split("\n") if line.startswith("## ")] == [f"## [{name}]" for name in wanted]
