"""The time of files in archives: the date of the release in the changelog, or else that of the commit."""

from __future__ import annotations

import calendar
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from support import EPOCH, bare

from release.artifacts import epoch
from release.git.database import ObjectReader

if TYPE_CHECKING:
    from pathlib import Path

    from support import Project

MIDNIGHT = calendar.timegm((2024, 2, 3, 0, 0, 0))
FIRST, LAST = calendar.timegm((1980, 1, 1, 0, 0, 0)), calendar.timegm((2107, 12, 31, 23, 59, 58))


@pytest.fixture
def empty(tmp_path: Path) -> Project:
    return bare(tmp_path / "project")


def of(project: Project, commit: str = "HEAD") -> int:
    with closing(ObjectReader(project.path)) as reader:
        return epoch.of(reader, project.git("rev-parse", commit), changelog="CHANGELOG.md")


@pytest.mark.parametrize(
    ("version", "heading", "expected"),
    [
        ("1.0.0", "## [1.0.0] - 2024-02-03", MIDNIGHT),
        ("1.0.0rc1", "## [1.0.0] - 2024-02-03", MIDNIGHT),
        ("1.0.0", "# [v1.0.0](https://example.org/2020-01-01) (2024-02-03)", MIDNIGHT),
        ("1.0.0", "## [1.0.1] - 2024-02-03", EPOCH),
        ("1.0.0", "## [1.0.0]", EPOCH),
        ("1.0.0", "## [1.0.0] - 2024-02-30", EPOCH),
        ("1.0.0", "## [1.0.0] - 0000-00-00", EPOCH),
        ("1.0.0", "## [1.0.0] - ٢024-02-03", EPOCH),
        ("1.0.0", "## [1.0.0] - 1970-01-01", FIRST),
        ("1.0.0", "## [1.0.0] - 0001-01-01", FIRST),
        ("1.0.0", "## [1.0.0] - 9999-12-31", LAST),
        ("no version", "## [1.0.0] - 2024-02-03", EPOCH),
    ],
)
def test_it_is_the_date_of_the_release_and_one_that_archives_can_hold(
    empty: Project, version: str, heading: str, expected: int
) -> None:
    files = {"VERSION": f"{version}\n", "CHANGELOG.md": f"# Changelog\n\n{heading}\n\n- Words\n"}
    empty.commit("feat: begin", files)
    assert of(empty) == expected


def test_two_commits_of_one_tree_have_the_same(empty: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    empty.commit("feat: begin", {"VERSION": "1.0.0\n", "CHANGELOG.md": "## 1.0.0 - 2024-02-03\n"})
    monkeypatch.setenv("GIT_COMMITTER_DATE", f"{EPOCH + 1000} +0500")
    empty.commit("chore: the same again")
    assert of(empty) == of(empty, "HEAD~") == MIDNIGHT


def test_without_changelog_or_version_it_is_that_of_the_commit(empty: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_COMMITTER_DATE", "@1000 +0000")
    empty.commit("feat: begin", {"a": ""})
    assert of(empty) == FIRST
    monkeypatch.setenv("GIT_COMMITTER_DATE", f"{EPOCH + 7} +0000")
    empty.commit("feat: more", {"VERSION": "1.0.0\n"})
    assert of(empty) == EPOCH + 7
