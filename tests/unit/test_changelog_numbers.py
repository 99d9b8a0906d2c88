"""A section that gets another number, and what a changelog holds beside the section of one version."""

from __future__ import annotations

import pytest

from release.formats import changelog

OLD = "# Changelog\n\n## [Unreleased]\n\n- Soon\n\n{}\n\n- Mended\n\n## [10.9.1]\n\n- Ten\n\n## [0.9.0]\n\n- Begin\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("## [0.9.1] - 2026-01-31", "## [0.9.2] - 2026-01-31"),
        ("## 0.9.1", "## 0.9.2"),
        ("# [v0.9.1](https://x/v0.9.0...v0.9.1) (2026-01-31)", "# [v0.9.2](https://x/v0.9.0...v0.9.2) (2026-01-31)"),
        ("## Version 0.9.1 of 0.9.10", "## Version 0.9.2 of 0.9.10"),
    ],
)
def test_a_section_gets_another_number_and_all_else_stays(before: str, after: str) -> None:
    old, new = OLD.format(before), OLD.format(after)
    assert changelog.rename_section(old.encode(), "0.9.1", "0.9.2").decode() == new
    crlf = changelog.rename_section(old.replace("\n", "\r\n").encode(), "0.9.1", "0.9.2")
    assert crlf.decode() == new.replace("\n", "\r\n")


def test_a_number_that_is_there_already_or_a_section_that_is_not_changes_nothing() -> None:
    old = OLD.format("## [0.9.1]").encode()
    assert changelog.rename_section(old, "0.9.1", "0.9.0") == old
    assert changelog.rename_section(old, "0.9.7", "0.9.8") == old


def test_what_is_beside_a_section_is_everything_but_it_and_unreleased() -> None:
    old = OLD.format("## [0.9.1]")
    known = changelog.beside(old.encode(), "0.9.1")
    for same in (
        old.replace("- Mended", "- Mended\n- More"),
        old.replace("- Soon", "- Later"),
        old.replace("## [Unreleased]\n\n- Soon\n\n", ""),
        old.replace("## [0.9.1]\n\n- Mended\n\n", ""),
        old.replace("\n", "\r\n"),
        old.removesuffix("\n"),
        old + "\n[0.9.1]: https://x\n[unreleased]: https://y\n",
    ):
        assert changelog.beside(same.encode(), "0.9.1") == known
    for other in (
        old.replace("- Begin", "- Began"),
        old.replace("## [10.9.1]", "## [10.9.1] - yanked"),
        old.replace("# Changelog", "# Changes"),
        old + "\n## Notes\n",
        old + "\n[0.9.0]: https://x\n",
    ):
        assert changelog.beside(other.encode(), "0.9.1") != known
