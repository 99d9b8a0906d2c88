"""`release.drop`, `hotfix.drop`, `feature.drop`: what is deleted, what is asked, and that what was pushed stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from releasing import done, opened, refuses, type_in

if TYPE_CHECKING:
    from pathlib import Path

    from support import Project


def test_an_unpublished_branch_is_asked_about_and_deleted(project: Project) -> None:
    opened(project, "1.0.0", {"late.txt": "x\n"}, push=False)
    refuses(project, "release.drop", code=2, says="2 commits are on no other branch")
    before = project.state()
    assert project.invoke("release.drop", answer="n").code == 3
    assert project.state() == before
    tip = project.ref("release/v1.0.0")
    ended = project.invoke("release.drop", answer="y")
    done(ended, "release/v1.0.0 is deleted")
    assert not project.ref("release/v1.0.0")
    type_in(project, ended, "undo")
    assert project.ref("release/v1.0.0") == tip


def test_head_moves_to_develop_first(project: Project) -> None:
    opened(project, "1.0.0", push=False)
    done(project.invoke("release.drop", "--yes"))
    assert project.git("symbolic-ref", "HEAD") == "refs/heads/develop"
    assert project.read("VERSION") == "0.9.0\n"
    assert project.git("status", "--porcelain") == ""


def test_head_stays_where_it_is_on_another_branch(project: Project) -> None:
    opened(project, "1.0.0", push=False)
    project.git("switch", "-q", "main")
    done(project.invoke("release.drop", "--name", "1.0.0", "--yes"))
    assert project.git("symbolic-ref", "HEAD") == "refs/heads/main"


def test_a_dirty_worktree_on_the_branch_is_refused(project: Project) -> None:
    opened(project, "1.0.0", push=False)
    project.write("a.txt", "changed\n")
    refuses(project, "release.drop", "--yes", says="a.txt")
    project.git("checkout", "-q", "a.txt")
    project.write("mine.txt", "untracked\n")
    done(project.invoke("release.drop", "--yes"))
    assert project.read("mine.txt") == "untracked\n"


def test_what_was_pushed_is_deleted_only_with_remote(project: Project) -> None:
    opened(project, "1.0.0")
    tip = project.ref("HEAD")
    done(project.invoke("release.drop", "--yes"), "stays at origin; delete it there with --remote")
    assert project.remote_ref("release/v1.0.0") == tip
    refuses(project, "release.drop", "--yes", code=2, says="delete it there with --remote")
    project.git("branch", "release/v1.0.0", tip)
    ended = project.invoke("release.drop", "--remote", "--yes")
    done(ended, "release/v1.0.0 is deleted here and at origin")
    assert not project.remote_ref("release/v1.0.0")
    type_in(project, ended, "undo")
    assert project.ref("release/v1.0.0") == project.remote_ref("release/v1.0.0") == tip


def test_work_that_a_colleague_pushed_is_counted_and_goes_only_by_its_lease(project: Project, tmp_path: Path) -> None:
    opened(project, "1.0.0")
    other = tmp_path / "other"
    project.git("clone", "-q", "-b", "release/v1.0.0", str(project.remote), str(other), cwd=tmp_path)
    project.git("commit", "-q", "--allow-empty", "-m", "fix: elsewhere", cwd=other)
    project.git("push", "-q", cwd=other)
    refuses(project, "release.drop", "--remote", code=2, says="2 commits are on no other branch")
    hook = project.path / ".git" / "hooks" / "pre-push"
    hook.write_text(
        f"#!/bin/sh\nunset GIT_DIR\ncd {other} && git commit -q --allow-empty -m 'fix: now' && git push -q\n"
    )
    hook.chmod(0o755)
    before = project.ref("release/v1.0.0")
    assert project.invoke("release.drop", "--remote", "--yes").code == 3
    assert project.git("log", "-1", "--format=%s", "release/v1.0.0", cwd=project.remote) == "fix: now"
    assert project.ref("release/v1.0.0") == before


def test_hotfixes_and_features_are_dropped_by_their_short_names(project: Project) -> None:
    done(project.invoke("hotfix.start", "--name", "one"))
    refuses(project, "hotfix.drop", code=2, says="1 commit is on no other branch")
    done(project.invoke("hotfix.drop", "--name", "one", "--yes"), "hotfix/one is deleted")
    assert project.git("symbolic-ref", "HEAD") == "refs/heads/main"
    done(project.invoke("feature.start", "two", "--push", "--yes"))
    refuses(project, "feature.drop", code=2, says="All its commits are kept by other refs")
    done(project.invoke("feature.drop", "--remote", "--yes"), "feature/two is deleted")
    assert project.git("symbolic-ref", "HEAD") == "refs/heads/develop"
    assert not project.remote_ref("feature/two")
    for group in ("release", "hotfix", "feature"):
        refuses(project, f"{group}.drop", "--name", "gone", "--yes", code=2, says=f"there is no {group} branch")


def test_a_branch_that_is_checked_out_elsewhere_is_refused_with_the_command_that_frees_it(
    project: Project, tmp_path: Path
) -> None:
    opened(project, "1.0.0", push=False)
    project.git("switch", "-q", "develop")
    project.git("worktree", "add", "-q", str(tmp_path / "there"), "release/v1.0.0")
    said = refuses(project, "release.drop", "--yes", says="is checked out in")
    assert f"git -C {tmp_path / 'there'} switch --detach" in said


def test_a_dropped_release_can_be_opened_again(project: Project) -> None:
    opened(project, "1.0.0")
    tip = project.ref("HEAD")
    done(project.invoke("release.drop", "--remote", "--yes"))
    opened(project, "1.0.0")
    assert project.ref("HEAD") == tip
