"""Finishing without a push or with the branch kept: what is where, and the commands that are printed work as typed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from releasing import done, hotfixed, opened, pushed, refuses, says, type_in
from support import FILES, Project, git_flow

if TYPE_CHECKING:
    from pathlib import Path


def heads(project: Project, *, remote: bool = False) -> str:
    return project.git(
        "for-each-ref", "refs/heads", "refs/tags", cwd=project.remote if remote else project.path
    )  # no remote-tracking branches


def test_without_a_push_everything_is_made_here_and_the_remote_stays(project: Project) -> None:
    opened(project, "1.0.0", {"late.txt": "x\n"})
    before = heads(project, remote=True)
    done(project.invoke("release.finish", "--no-push"), "only here", "nothing is pushed")
    assert heads(project, remote=True) == before
    says(project, "main", "1.0.0")
    says(project, "develop", "1.1.0.dev0")
    assert project.ref("v1.0.0^{commit}") == project.ref("main")
    assert not project.ref("release/v1.0.0")
    assert project.git("symbolic-ref", "HEAD") == "refs/heads/develop"


def test_files_that_were_only_touched_follow(project: Project) -> None:
    opened(project, "1.0.0", {"late.txt": "x\n"})
    for name in ("VERSION", "CHANGELOG.md"):
        os.utime(project.path / name, (1_600_000_000, 1_600_000_000))
    done(project.invoke("release.finish", "--no-push"), "only here")
    says(project, "develop", "1.1.0.dev0")
    assert not project.git("status", "--porcelain")


@pytest.mark.parametrize("kept", [False, True])
def test_the_next_command_pushes_what_a_pushing_run_would_have_pushed(tmp_path: Path, kept: bool) -> None:
    words = ["--keep"] if kept else []
    remotes = []
    for name in ("one", "two"):
        project = git_flow(tmp_path / name)
        opened(project, "1.0.0", {"late.txt": "x\n"})
        if name == "one":
            done(project.invoke("release.finish", "--yes", *words))
        else:
            type_in(project, project.invoke("release.finish", "--no-push", *words), "next")
        remotes.append(heads(project, remote=True))
        pushed(project)
    assert remotes[0] == remotes[1]


def test_a_release_that_was_not_pushed_is_remembered_and_pushed_before_the_next(project: Project) -> None:
    opened(project, "1.0.0", {"late.txt": "x\n"})
    done(project.invoke("release.finish", "--no-push"))
    done(project.invoke("feature.start", "new"))
    project.commit("feat: new", {"new.txt": "n\n"})
    command = project.invoke("release.status").out.partition("next: v1.0.0 is only here: ")[2].strip()
    for words in (("feature.finish", "--yes"), ("release.prepare", "1.1.0", "--push", "--allow-empty", "--yes")):
        said = refuses(project, *words, says="v1.0.0 is only here, not at origin")
        assert f"that comes first: {command}\n" in said
    project.typed(command)
    assert project.remote_ref("refs/heads/release/v1.0.0") == ""
    for name in ("refs/heads/main", "refs/heads/develop", "refs/tags/v1.0.0"):
        assert project.remote_ref(name) == project.ref(name) != ""
    assert "git push" not in project.invoke("release.status").out
    done(project.invoke("feature.finish", "--yes"))


def test_what_pushes_the_second_release_pushes_the_first_too(project: Project) -> None:
    opened(project, "1.0.0", {"late.txt": "x\n"})
    done(project.invoke("release.finish", "--no-push"))
    project.commit("feat: more", {"more.txt": "m\n"})
    opened(project, "1.1.0", push=False)
    type_in(project, project.invoke("release.finish", "--no-push"), "next")
    pushed(project)
    assert project.remote_ref("refs/tags/v1.0.0") == project.ref("v1.0.0") != ""
    assert project.remote_ref("refs/tags/v1.1.0") == project.ref("v1.1.0") != ""


@pytest.mark.parametrize("kept", [False, True])
def test_the_undo_command_leaves_what_was_there_before(project: Project, kept: bool, tmp_path: Path) -> None:
    opened(project, "1.0.0", {"late.txt": "x\n"})
    project.git("worktree", "add", "-q", str(tmp_path / "main here"), "main")
    before = project.state()
    type_in(project, project.invoke("release.finish", "--no-push", *(["--keep"] if kept else [])), "undo")
    after = project.state()
    assert {name for name in before if before[name] != after[name]} <= {"git"}  # the index has other times
    assert project.git("status", "--porcelain") == ""
    assert project.git("status", "--porcelain", cwd=tmp_path / "main here") == ""
    assert project.git("symbolic-ref", "HEAD") == "refs/heads/release/v1.0.0"
    assert project.git("symbolic-ref", "HEAD", cwd=tmp_path / "main here") == "refs/heads/main"
    done(project.invoke("release.finish", "--yes"))


def test_the_undo_command_takes_branches_away_that_came_here_by_the_release(project: Project) -> None:
    project.git("push", "-q", "origin", "develop:refs/heads/release/v2.0.0")
    hotfixed(project)
    project.git("branch", "-q", "-D", "develop", "main")
    before = heads(project)
    ended = project.invoke("hotfix.finish", "--no-push")
    assert {"main", "develop", "release/v2.0.0"} <= set(heads(project).replace("refs/heads/", "").split())
    type_in(project, ended, "undo")
    assert heads(project) == before
    assert project.git("branch", "--show-current") == "hotfix/v0.9.1"


def test_the_undo_command_does_nothing_at_all_when_a_branch_went_on(project: Project) -> None:
    opened(project, "1.0.0")
    ended = project.invoke("release.finish", "--no-push")
    project.commit("feat: more", {"more.txt": "x\n"})
    project.git("switch", "-q", "-c", "elsewhere")
    before = project.state(times=True)
    with pytest.raises(AssertionError, match="cannot lock ref 'refs/heads/develop'"):
        type_in(project, ended, "undo")
    assert project.state(times=True) == before


@pytest.mark.parametrize("edited", ["here", "there"])
def test_the_undo_command_does_nothing_at_all_when_an_edit_is_in_the_way(
    project: Project, edited: str, tmp_path: Path
) -> None:
    opened(project, "1.0.0")
    there = tmp_path / "main here"
    project.git("worktree", "add", "-q", str(there), "main")
    ended = project.invoke("release.finish", "--no-push")
    (there if edited == "there" else project.path).joinpath("VERSION").write_text("mine\n")
    before = project.state()
    with pytest.raises(AssertionError, match="local changes"):
        type_in(project, ended, "undo")
    after = project.state()
    assert {name for name in before if before[name] != after[name]} <= {"git"}  # the index has other times
    heads = [project.git("symbolic-ref", "HEAD", cwd=place) for place in (project.path, there)]
    assert heads == ["refs/heads/develop", "refs/heads/main"]
    project.git("checkout", "-q", "VERSION", cwd=there if edited == "there" else project.path)
    type_in(project, ended, "undo")


def test_the_next_command_does_not_delete_what_a_colleague_has_pushed_since(project: Project, tmp_path: Path) -> None:
    opened(project, "1.0.0")
    ended = project.invoke("release.finish", "--no-push")
    other = tmp_path / "other"
    project.git("clone", "-q", "-b", "release/v1.0.0", str(project.remote), str(other), cwd=tmp_path)
    project.git("commit", "-q", "--allow-empty", "-m", "fix: elsewhere", cwd=other)
    project.git("push", "-q", cwd=other)
    before = heads(project, remote=True)
    with pytest.raises(AssertionError, match="stale info"):
        type_in(project, ended, "next")
    assert heads(project, remote=True) == before


def test_names_that_a_shell_would_read_are_quoted_in_commands(tmp_path: Path) -> None:
    settings = FILES["pyproject.toml"] + 'hotfix = "h\'o&t/{name}"\ntag = "$(id)-{version}"\n'
    project = git_flow(tmp_path / "p", {**FILES, "pyproject.toml": settings})
    project.git("tag", "-a", "$(id)-0.9.0", "-m", "x", "main")
    hotfixed(project, "--name", "a;b")
    before = heads(project)
    type_in(project, project.invoke("hotfix.finish", "--no-push"), "undo")
    assert heads(project) == before
    type_in(project, project.invoke("hotfix.finish", "--no-push"), "next")
    assert project.remote_ref("refs/tags/$(id)-0.9.1")


def test_a_branch_called_like_the_tag_does_not_get_into_the_next_command(project: Project) -> None:
    opened(project, "1.0.0")
    project.git("branch", "v1.0.0")
    ended = project.invoke("release.finish", "--no-push")
    assert "refs/tags/v1.0.0" in done(ended)
    type_in(project, ended, "next")
    assert project.remote_ref("refs/tags/v1.0.0^{commit}") == project.ref("main")
    assert not project.remote_ref("refs/heads/v1.0.0")


def test_a_kept_branch_stays_here_and_at_the_remote_with_its_final_commit(project: Project) -> None:
    opened(project, "1.0.0", {"late.txt": "x\n"})
    done(project.invoke("release.finish", "--keep", "--yes"))
    assert project.git("symbolic-ref", "HEAD") == "refs/heads/release/v1.0.0"
    assert project.git("status", "--porcelain") == ""
    says(project, "HEAD", "1.0.0")
    assert project.ref("HEAD") == project.ref("main^2")
    pushed(project)


def test_a_kept_branch_that_was_never_pushed_stays_here_alone(project: Project) -> None:
    opened(project, "1.0.0", push=False)
    done(project.invoke("release.finish", "--keep", "--yes"))
    assert project.ref("release/v1.0.0") == project.ref("main^2")
    assert not project.remote_ref("release/v1.0.0")


@pytest.mark.thorough
def test_a_kept_branch_is_not_in_the_way_of_the_next_release(project: Project) -> None:
    opened(project, "1.0.0")
    done(project.invoke("release.finish", "--keep", "--yes"))
    refuses(project, "release.finish", says="release/v1.0.0 is released already, as v1.0.0")
    project.git("switch", "-q", "develop")
    refuses(project, "release.finish", "--version", "1.0.0", says="release/v1.0.0 is released already")
    project.commit("feat: more", {"more.txt": "x\n"})
    project.git("push", "-q", "origin", "develop")
    opened(project, "1.1.0")
    project.git("switch", "-q", "develop")
    done(project.invoke("release.finish", "--yes"), "v1.1.0 is released")
    assert project.ref("release/v1.0.0")
    done(project.invoke("release.drop", "--remote", "--yes"))
    assert not project.ref("release/v1.0.0")


def test_without_a_remote_it_works_here_and_says_so(project: Project) -> None:
    opened(project, "1.0.0", push=False)
    project.git("remote", "remove", "origin")
    before = heads(project)
    ended = project.invoke("release.finish")
    assert "no remote is configured" in done(ended, "next: invoke release.status")
    says(project, "main", "1.0.0")
    type_in(project, ended, "undo")
    assert heads(project) == before
