"""Older lines: their branch, their hotfixes, and that nothing newer notices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from releasing import contains, done, headings, hotfixed, opened, parents, pushed, refuses, says, type_in
from support import thorough

if TYPE_CHECKING:
    from support import Project


@pytest.fixture
def lines(project: Project) -> Project:
    """Release 1.0.0 on top of 0.9.0, and open support/0.9 at the remote too."""
    opened(project, "1.0.0")
    done(project.invoke("release.finish", "--yes"))
    done(project.invoke("support.start", "0.9", "--push", "--yes"), "support/0.9 is open at 0.9.0")
    return project


def test_a_support_branch_starts_at_the_greatest_release_of_its_line(lines: Project) -> None:
    assert lines.ref("support/0.9") == lines.remote_ref("support/0.9") == lines.ref("v0.9.0^{commit}")
    assert lines.git("branch", "--show-current") == "support/0.9"
    lines.git("tag", "v0.9.9-x", "main")
    lines.git("tag", "v0.10.0rc1", "main")
    done(lines.invoke("support.start", "0.x"), "support/0.x is open at 0.9.0")
    refuses(lines, "support.start", "0.x", says="support/0.x is already open")
    refuses(lines, "support.start", "2.x", says="nothing is released in 2.x")
    for line in ("1", "x", "1.2.3", "v1.0", "1.0; ls"):
        refuses(lines, "support.start", line, code=2, says="is no line of versions")


def test_the_undo_command_takes_the_support_branch_back(project: Project) -> None:
    for words in ((), ("--push", "--yes")):
        before = project.git("for-each-ref", "refs/heads"), project.git("for-each-ref", cwd=project.remote)
        type_in(project, project.invoke("support.start", "0.9", *words), "undo")
        assert (project.git("for-each-ref", "refs/heads"), project.git("for-each-ref", cwd=project.remote)) == before
        assert project.git("branch", "--show-current") == "develop"


@pytest.mark.parametrize("source", [(), ("--from", "0.9"), *thorough((("--from", "support/0.9"),))])
def test_its_hotfix_ends_on_the_support_branch_and_nothing_newer_moves(lines: Project, source: tuple[str, ...]) -> None:
    if source:
        lines.git("switch", "-q", "develop")
    main, develop, support = (lines.ref(name) for name in ("main", "develop", "support/0.9"))
    hotfixed(lines, *source)
    says(lines, "HEAD", "0.9.1")
    said = done(lines.invoke("hotfix.finish", "--yes"), "v0.9.1 is released on support/0.9")
    assert "develop" not in said
    assert (lines.ref("main"), lines.ref("develop")) == (main, develop)
    assert parents(lines, "support/0.9")[0] == support
    assert lines.ref("v0.9.1^{commit}") == lines.ref("support/0.9")
    assert lines.git("branch", "--show-current") == "support/0.9"
    says(lines, "support/0.9", "0.9.1")
    assert headings(lines, "support/0.9") == ["Unreleased", "0.9.1"]
    pushed(lines)


def test_a_second_hotfix_of_the_line_and_one_of_main_keep_apart(lines: Project) -> None:
    hotfixed(lines, fix="one.txt")
    done(lines.invoke("hotfix.finish", "--yes"))
    hotfixed(lines, fix="two.txt")
    lines.git("switch", "-q", "develop")
    hotfixed(lines, "--name", "new", fix="new.txt")
    says(lines, "HEAD", "1.0.1")
    done(lines.invoke("hotfix.finish", "--name", "v0.9.2", "--yes"), "v0.9.2 is released on support/0.9")
    done(lines.invoke("hotfix.finish", "--yes"), "v1.0.1 is released on main")
    says(lines, "support/0.9", "0.9.2")
    says(lines, "main", "1.0.1")
    says(lines, "develop", "1.1.0.dev0")
    assert not contains(lines, "main", "v0.9.2")
    assert headings(lines, "main") == ["Unreleased", "1.0.1", "1.0.0"]


def test_a_hotfix_of_main_stays_one_although_a_support_branch_stands_at_the_same_commit(project: Project) -> None:
    done(project.invoke("support.start", "0.9", "--push", "--yes"))
    for name in ("one", "two"):
        hotfixed(project, "--from", "main", "--name", name, fix=f"{name}.txt")
    done(project.invoke("hotfix.finish", "--name", "one", "--yes"), "v0.9.1 is released on main")
    done(project.invoke("hotfix.finish", "--yes"), "v0.9.2 is released on main")
    assert project.ref("support/0.9") == project.remote_ref("support/0.9") == project.ref("v0.9.0^{commit}")


@pytest.mark.thorough
def test_an_open_release_does_not_get_the_hotfix_of_an_older_line(lines: Project) -> None:
    lines.git("switch", "-q", "develop")
    lines.commit("feat: more", {"more.txt": "x\n"})
    lines.git("push", "-q", "origin", "develop")
    opened(lines, "1.1.0")
    before = lines.ref("release/v1.1.0")
    hotfixed(lines, "--from", "0.9")
    done(lines.invoke("hotfix.finish", "--yes"))
    assert lines.ref("release/v1.1.0") == lines.remote_ref("release/v1.1.0") == before


def test_a_taken_number_of_the_line_becomes_its_next_patch(lines: Project) -> None:
    hotfixed(lines)
    lines.git("tag", "v0.9.1", "main")
    done(lines.invoke("hotfix.finish", "--yes"), "0.9.1 is taken: this hotfix becomes 0.9.2")
    says(lines, "support/0.9", "0.9.2")


@pytest.mark.thorough
def test_the_next_release_on_main_tells_nothing_of_the_older_line(lines: Project) -> None:
    hotfixed(lines)
    done(lines.invoke("hotfix.finish", "--yes"))
    lines.git("switch", "-q", "develop")
    lines.commit("fix: later", {"later.txt": "x\n"})
    lines.git("push", "-q", "origin", "develop")
    opened(lines, "next")
    done(lines.invoke("release.finish", "--yes"), "v1.0.1 is released on main")
    assert "Hot.txt" not in lines.at("main", "CHANGELOG.md")
