"""Trunk mode: releases and hotfixes branch from main and end there, and main keeps their version."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from releasing import done, headings, hotfixed, opened, parents, pushed, refuses, says, section, trunk, type_in
from support import FILES, Project

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return trunk(tmp_path / "trunk", FILES)


def test_a_release_is_merged_and_tagged_on_main_which_keeps_its_version(project: Project) -> None:
    main = project.ref("main")
    opened(project, "1.0.0")
    assert project.git("merge-base", "main", "HEAD") == main
    done(project.invoke("release.finish", "--yes"), "v1.0.0 is released on main, pushed to origin")
    final = parents(project, "main")[1]
    assert parents(project, "main") == [main, final]
    assert project.ref("v1.0.0^{commit}") == project.ref("main")
    assert project.git("symbolic-ref", "HEAD") == "refs/heads/main"
    assert project.git("status", "--porcelain") == ""
    says(project, "main", "1.0.0")
    assert project.git("for-each-ref", "--format=%(refname)", "refs/heads") == "refs/heads/main"
    pushed(project)


def test_the_next_release_counts_on_from_the_last(project: Project) -> None:
    opened(project, "1.0.0")
    done(project.invoke("release.finish", "--yes"))
    refuses(project, "release.prepare", "next", says="nothing to release since 1.0.0")
    project.commit("fix: later", {"later.txt": "x\n"})
    project.git("push", "-q", "origin", "main")
    opened(project, "next")
    done(project.invoke("release.finish", "--yes"), "v1.0.1 is released on main")
    assert headings(project, "main") == ["Unreleased", "1.0.1", "1.0.0"]
    assert section(project, "main", "1.0.1") == "### Fixed\n\n- Later"
    says(project, "main", "1.0.1")


def test_a_release_that_brings_nothing_since_the_last_one_is_refused(project: Project) -> None:
    opened(project, "1.0.0")
    done(project.invoke("release.finish", "--yes"))
    done(project.invoke("release.prepare", "1.1.0", "--allow-empty"))
    refuses(project, "release.finish", "--yes", says="release/v1.1.0 has nothing that 1.0.0 has not")
    project.commit("fix: late", {"late.txt": "x\n"})
    done(project.invoke("release.finish", "--yes"))


def test_commits_that_came_to_main_meanwhile_are_released_and_told_too(project: Project) -> None:
    opened(project, "1.0.0", {"late.txt": "x\n"})
    project.git("switch", "-q", "main")
    tip = project.commit("feat: meanwhile", {"meanwhile.txt": "x\n"})
    project.git("push", "-q", "origin", "main")
    project.git("switch", "-q", "release/v1.0.0")
    text = project.read("CHANGELOG.md")
    project.commit("docs: words", {"CHANGELOG.md": text.replace("- More\n", "- More, in words\n")})
    done(project.invoke("release.finish", "--yes"))
    assert parents(project, "main")[0] == tip
    assert {"late.txt", "meanwhile.txt"} <= set(project.git("ls-tree", "--name-only", "main").split())
    assert section(project, "main", "1.0.0") == "### Added\n\n- More, in words\n- Meanwhile\n\n### Fixed\n\n- Late.txt"
    says(project, "main", "1.0.0")


def test_a_hotfix_is_a_release_with_a_patch_version(project: Project) -> None:
    opened(project, "1.0.0")
    done(project.invoke("release.finish", "--yes"))
    hotfixed(project)
    says(project, "HEAD", "1.0.1")
    done(project.invoke("hotfix.finish", "--yes"), "v1.0.1 is released on main")
    assert project.git("symbolic-ref", "HEAD") == "refs/heads/main"
    says(project, "main", "1.0.1")
    assert section(project, "main", "1.0.1") == "### Fixed\n\n- Hot.txt"
    pushed(project)
    done(project.invoke("hotfix.start"))
    refuses(project, "hotfix.finish", "--yes", says="hotfix/v1.0.2 has nothing that 1.0.1 has not")


def test_a_hotfix_reaches_an_open_release(project: Project) -> None:
    opened(project, "1.0.0", {"late.txt": "x\n"})
    project.git("switch", "-q", "main")
    hotfixed(project)
    done(project.invoke("hotfix.finish", "--yes"), "release/v1.0.0 gets v0.9.1")
    says(project, "main", "0.9.1")
    says(project, "release/v1.0.0", "1.0.0")
    assert project.at("release/v1.0.0", "hot.txt") == "mended"
    done(project.invoke("release.finish", "--yes"))
    says(project, "main", "1.0.0")
    assert headings(project, "main") == ["Unreleased", "1.0.0", "0.9.1"]


def test_a_candidate_is_tagged_on_the_release_branch(project: Project) -> None:
    opened(project, "1.0.0rc1", {"late.txt": "x\n"})
    done(project.invoke("release.candidate", "--yes"), "v1.0.0rc1 is tagged on release/v1.0.0")
    done(project.invoke("release.finish", "--yes"))
    says(project, "main", "1.0.0")


def test_the_undo_command_puts_main_and_the_branch_back(project: Project) -> None:
    opened(project, "1.0.0")
    before = project.git("for-each-ref")
    type_in(project, project.invoke("release.finish", "--no-push"), "undo")
    assert project.git("for-each-ref") == before
    assert project.git("branch", "--show-current") == "release/v1.0.0"
    assert project.git("status", "--porcelain") == ""


def test_main_can_have_another_name(tmp_path: Path) -> None:
    text = FILES["pyproject.toml"] + 'main = "trunk"\ndevelop = "trunk"\n'
    project = Project(tmp_path)
    project.git("init", "-q", "--bare", "-b", "trunk", str(project.remote), cwd=tmp_path)
    project.git("clone", "-q", str(project.remote), str(project.path), cwd=tmp_path)
    project.git("symbolic-ref", "HEAD", "refs/heads/trunk")
    project.commit("feat: begin", {**FILES, "pyproject.toml": text})
    project.git("push", "-q", "origin", "trunk")
    opened(project, "1.0.0")
    done(project.invoke("release.finish", "--yes"), "v1.0.0 is released on trunk")
    says(project, "trunk", "1.0.0")
