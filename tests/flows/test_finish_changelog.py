"""The changelog through a release: hand edits stay, later commits come once, sections of both sides meet."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from releasing import DAY, done, headings, hotfixed, opened, refuses, says, section
from support import EPOCH

if TYPE_CHECKING:
    from support import Project


def edited(project: Project, old: str, new: str) -> None:
    """Commit a change of the changelog."""
    text = project.read("CHANGELOG.md")
    assert old in text
    project.commit("docs: words", {"CHANGELOG.md": text.replace(old, new)})


def on_day(monkeypatch: pytest.MonkeyPatch, day: int) -> None:
    """Let it be so many days later."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(EPOCH + day * DAY))


def test_hand_edits_stay_and_later_commits_come_once(project: Project) -> None:
    opened(project, "1.0.0")
    edited(project, "- Add a\n", "- Add a, in words\n")
    edited(project, "- Mend b\n", "")
    project.commit("fix: late", {"late.txt": "x\n"})
    done(project.invoke("release.candidate", "--yes"))
    project.commit("feat: later", {"later.txt": "x\n"})
    done(project.invoke("release.finish", "--allow-changed", "--yes"))
    assert section(project, "main", "1.0.0") == "### Added\n\n- Add a, in words\n- Later\n\n### Fixed\n\n- Late"
    assert section(project, "develop", "1.0.0") == section(project, "main", "1.0.0")


def test_the_mark_of_an_unfinished_section_is_gone_on_every_branch(project: Project) -> None:
    opened(project, "1.0.0")
    assert "<!-- release:" in project.at("HEAD", "CHANGELOG.md")
    done(project.invoke("release.candidate", "--yes"))
    assert "<!-- release:" in project.at("HEAD", "CHANGELOG.md")
    done(project.invoke("release.finish", "--yes"))
    for name in ("main", "develop"):
        assert "<!--" not in project.at(name, "CHANGELOG.md")


def test_the_heading_has_the_day_of_the_finish(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    opened(project, "1.0.0")
    on_day(monkeypatch, 2)
    done(project.invoke("release.finish", "--yes"))
    assert "## [1.0.0] - 2023-11-16\n" in project.at("main", "CHANGELOG.md")


def test_a_second_finish_on_another_day_makes_no_other_final_commit(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(project, "1.0.0", {"late.txt": "x\n"})
    done(project.invoke("release.finish", "--pr", "--yes"))
    final = project.ref("HEAD")
    on_day(monkeypatch, 3)
    done(project.invoke("release.finish", "--pr", "--yes"))
    assert project.ref("HEAD") == final
    done(project.invoke("release.finish", "--yes"))
    assert project.ref("main^2") == final
    assert "## [1.0.0] - 2023-11-14\n" in project.at("main", "CHANGELOG.md")


def test_commits_after_a_first_final_commit_come_once_and_hand_edits_from_before_stay(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(project, "1.0.0", {"late.txt": "x\n"})
    edited(project, "- Add a\n", "- Add a, in words\n")
    done(project.invoke("release.finish", "--pr", "--yes"))
    edited(project, "- Mend b\n", "")
    project.commit("fix: more", {"more.txt": "x\n"})
    on_day(monkeypatch, 1)
    done(project.invoke("release.finish", "--yes"))
    wanted = "### Added\n\n- Add a, in words\n\n### Fixed\n\n- Late.txt\n- More"
    assert section(project, "main", "1.0.0") == wanted
    assert "## [1.0.0] - 2023-11-15\n" in project.at("main", "CHANGELOG.md")


def test_sections_of_a_hotfix_and_a_release_are_there_once_in_descending_order(project: Project) -> None:
    opened(project, "1.0.0", {"late.txt": "x\n"})
    hotfixed(project)
    done(project.invoke("hotfix.finish", "--yes"))
    done(project.invoke("release.finish", "--yes"))
    for name in ("main", "develop"):
        assert headings(project, name) == ["Unreleased", "1.0.0", "0.9.1"]
        assert section(project, name, "0.9.1") == "### Fixed\n\n- Hot.txt"
        assert section(project, name, "1.0.0") == "### Added\n\n- Add a\n\n### Fixed\n\n- Mend b\n- Late.txt"


def test_unreleased_entries_of_develop_stay_there_and_those_of_the_branch_are_released(project: Project) -> None:
    text = "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- By hand\n- To come\n"
    project.commit("docs: tell", {"CHANGELOG.md": text})
    project.git("push", "-q", "origin", "develop")
    opened(project, "1.0.0")
    project.git("switch", "-q", "develop")
    edited(project, "- To come\n", "- To come\n- Later\n")
    project.git("push", "-q", "origin", "develop")
    done(project.invoke("release.finish", "--yes"))
    assert section(project, "main", "Unreleased") == ""
    assert {"- By hand", "- To come"} <= set(section(project, "main", "1.0.0").splitlines())
    assert section(project, "develop", "Unreleased") == "### Added\n\n- Later"
    assert section(project, "develop", "1.0.0") == section(project, "main", "1.0.0")


def test_a_numbered_section_changed_differently_on_both_sides_is_a_conflict_and_no_union(project: Project) -> None:
    project.git("switch", "-q", "main")
    old = "# Changelog\n\n## [Unreleased]\n\n## [0.9.0] - 2020-01-01\n\n- Begin\n"
    project.commit("docs: tell", {"CHANGELOG.md": old})
    project.git("switch", "-q", "develop")
    project.git("merge", "-q", "--no-edit", "main")
    project.git("push", "-q", "origin", "main", "develop")
    opened(project, "1.0.0")
    edited(project, "- Begin\n", "- Begin here\n")
    project.git("switch", "-q", "develop")
    edited(project, "- Begin\n", "- Begin there\n")
    project.git("push", "-q", "origin", "develop")
    before = project.git("for-each-ref")
    ended = project.invoke("release.finish", "--yes")
    assert ended.code == 6, ended.text
    assert "merging into develop conflicts in CHANGELOG.md" in ended.err
    assert project.git("for-each-ref") == before
    place = next(path for path in project.folder.iterdir() if "-merge-" in path.name)
    text = (place / "CHANGELOG.md").read_text()
    marked = (
        r"<<<<<<< develop\n## \[0\.9\.0\].*?- Begin there\n=======\n## \[0\.9\.0\].*?- Begin here\n>>>>>>> v1\.0\.0\n"
    )
    assert re.search(marked, text, re.DOTALL)
    assert text.count("<<<<<<<") == 1
    assert "## [1.0.0]" in text.partition("<<<<<<<")[0]
    resolved = re.sub(r"<<<<<<< develop\n(.*?)=======\n.*?>>>>>>> v1\.0\.0\n", r"\1", text, flags=re.DOTALL)
    (place / "CHANGELOG.md").write_text(resolved)
    project.git("add", "CHANGELOG.md", cwd=place)
    done(project.invoke("release.resume"), "v1.0.0 is released on main")
    assert headings(project, "develop") == ["Unreleased", "1.0.0", "0.9.0"]
    assert section(project, "develop", "0.9.0") == "- Begin there"
    assert section(project, "main", "0.9.0") == "- Begin here"
    says(project, "develop", "1.1.0.dev0")


@pytest.mark.thorough
def test_a_release_that_was_opened_empty_can_be_finished(project: Project) -> None:
    opened(project, "1.0.0")
    done(project.invoke("release.finish", "--yes"))
    project.commit("chore: quiet", {"quiet.txt": "x\n"})
    project.git("push", "-q", "origin", "develop")
    refuses(project, "release.prepare", "1.1.0", says="--allow-empty")
    done(project.invoke("release.prepare", "1.1.0", "--allow-empty"))
    done(project.invoke("release.candidate", "--yes"))
    done(project.invoke("release.finish", "--yes"))
    assert headings(project, "main") == ["Unreleased", "1.1.0", "1.0.0"]
    assert section(project, "main", "1.1.0") == ""


@pytest.mark.thorough
@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_another_file_with_other_line_ends_keeps_them(project: Project, end: str) -> None:
    old = f"# Changes{end}{end}## [Unreleased]{end}{end}## [0.9.0]{end}{end}- Begin{end}"
    settings = project.read("pyproject.toml") + 'changelog = "docs/CHANGES.md"\n'
    project.commit("docs: tell", {"docs/CHANGES.md": old.encode(), "pyproject.toml": settings})
    project.git("push", "-q", "origin", "develop")
    opened(project, "1.0.0")
    done(project.invoke("release.finish", "--yes"))
    hotfixed(project)
    done(project.invoke("hotfix.finish", "--yes"))
    for name in ("main", "develop"):
        project.git("switch", "-q", name)
        data = (project.path / "docs" / "CHANGES.md").read_bytes()
        assert (data.count(b"\r\n") == data.count(b"\n")) is (end == "\r\n")
        assert re.findall(rb"^## \[(.*?)\]", data, re.MULTILINE) == [b"Unreleased", b"1.0.1", b"1.0.0", b"0.9.0"]
        assert data.endswith(f"## [0.9.0]{end}{end}- Begin{end}".encode())
        assert not (project.path / "CHANGELOG.md").exists()
