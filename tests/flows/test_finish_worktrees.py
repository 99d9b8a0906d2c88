"""Finishing with several worktrees: each follows its branch, and none loses what is in it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from finishing import BRANCH, FINISH, change, everything, open_release, refuses

if TYPE_CHECKING:
    from pathlib import Path

    from support import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return open_release(tmp_path / "project")


def link(project: Project, branch: str, *, leave: str = "") -> Path:
    """Check a branch out in a worktree of its own; the project's first goes to `leave`."""
    if leave:
        project.git("switch", "-q", leave)
    place = project.folder / "linked"
    project.git("worktree", "add", "-q", str(place), branch)
    return place


def finishes(project: Project, *more: str, cwd: Path | None = None) -> str:
    ended = project.invoke(*FINISH, *more, cwd=cwd)
    assert ended.code == 0, ended.text
    return ended.err


def stands(project: Project, place: Path, branch: str, commit: str) -> None:
    """Assert where a worktree stands (an empty branch: detached), and that its files are those of the commit."""
    assert project.git("branch", "--show-current", cwd=place) == branch
    assert project.git("rev-parse", "HEAD", cwd=place) == project.ref(commit)
    assert project.git("status", "--porcelain", cwd=place) == ""
    assert project.git("diff", "--stat", commit, cwd=place) == ""


@pytest.mark.parametrize("more", [(), ("--no-push",)])
def test_develop_checked_out_elsewhere_leaves_this_one_detached_at_its_tip(
    project: Project, more: tuple[str, ...]
) -> None:
    linked = link(project, "develop")
    said = finishes(project, *more)
    tip = project.ref("develop")[:10]
    assert f"{project.path} ends detached at {tip}: develop is checked out in {linked}" in said
    stands(project, project.path, "", "develop")
    stands(project, linked, "develop", "develop")


def test_main_checked_out_elsewhere_follows(project: Project) -> None:
    linked = link(project, "main")
    finishes(project)
    stands(project, project.path, "develop", "develop")
    stands(project, linked, "main", "main")


@pytest.mark.parametrize("keep", [True, False])
def test_the_release_branch_checked_out_elsewhere(project: Project, keep: bool) -> None:
    linked = link(project, BRANCH, leave="develop")
    finishes(project, *(["--keep"] if keep else []))
    stands(project, project.path, "develop", "develop")
    stands(project, linked, BRANCH if keep else "", BRANCH if keep else "develop")


def test_keep_leaves_head_where_it_was(project: Project) -> None:
    finishes(project, "--keep")
    stands(project, project.path, BRANCH, BRANCH)
    assert project.remote_ref(BRANCH) == project.ref(BRANCH) == project.ref("main^2")


def test_run_inside_a_linked_worktree(project: Project) -> None:
    linked = link(project, BRANCH, leave="main")
    finishes(project, cwd=linked / "src")
    stands(project, linked, "develop", "develop")
    stands(project, project.path, "main", "main")


def test_from_a_worktree_on_another_branch_that_one_stays(project: Project) -> None:
    project.git("branch", "topic", "v0.9.0")
    linked = link(project, "topic")
    finishes(project, cwd=linked)
    stands(project, linked, "topic", "v0.9.0^{commit}")
    stands(project, project.path, "develop", "develop")


def test_unrelated_edits_in_another_worktree_stay(project: Project) -> None:
    linked = link(project, "develop")
    (linked / "a.txt").write_text("edited\n")
    (linked / "new.txt").write_text("new\n")
    finishes(project)
    assert project.git("status", "--porcelain", cwd=linked) == "M a.txt\n?? new.txt"
    assert (linked / "VERSION").read_text() == "1.1.0.dev0\n"


@pytest.mark.parametrize(("name", "says"), [("VERSION", "'VERSION' not uptodate"), ("fix.txt", "fix.txt")])
def test_edits_in_the_way_in_another_worktree_are_refused(project: Project, name: str, says: str) -> None:
    linked = link(project, "develop")
    (linked / name).write_text("mine\n")
    refuses(project, *FINISH, says=says)
    assert (linked / name).read_text() == "mine\n"


def test_a_rebase_of_develop_in_another_worktree_is_refused(project: Project) -> None:
    linked = link(project, "develop")
    change(project, {"z.txt": "z\n"}, at=linked)
    project.git("push", "-q", "origin", "develop", cwd=linked)
    project.git("-c", "sequence.editor=sed -i s/^pick/edit/", "rebase", "-q", "-i", "HEAD~1", cwd=linked)
    said = refuses(project, *FINISH, says=f"a rebase is in progress in {linked}")
    project.typed(said.partition("end it: ")[2].strip())
    finishes(project)
    stands(project, linked, "develop", "develop")


def test_a_rebase_of_another_branch_elsewhere_does_not_matter(project: Project) -> None:
    project.git("branch", "topic", "develop")
    linked = link(project, "topic")
    change(project, {"z.txt": "z\n"}, at=linked)
    project.git("-c", "sequence.editor=sed -i s/^pick/edit/", "rebase", "-q", "-i", "HEAD~1", cwd=linked)
    finishes(project)
    project.git("-c", "core.editor=true", "rebase", "--continue", cwd=linked)
    assert project.git("branch", "--show-current", cwd=linked) == "topic"


def test_a_locked_worktree_that_is_away_is_refused_in_plain_words(project: Project) -> None:
    linked = link(project, "develop")
    project.git("worktree", "lock", str(linked))
    linked.rename(project.folder / "away")
    said = refuses(project, *FINISH, says=f"the worktree {linked} on develop is out of reach")
    for words in said.partition("forget it: ")[2].split("\n")[0].split(" && "):
        project.git(*words.split()[1:])
    finishes(project)
    stands(project, project.path, "develop", "develop")


def test_a_worktree_that_was_deleted_does_not_matter(project: Project) -> None:
    shutil.rmtree(link(project, "develop"))
    finishes(project)
    stands(project, project.path, "develop", "develop")


def test_a_worktree_deleted_after_an_interruption_need_not_follow(project: Project) -> None:
    linked = link(project, "main")
    lock = project.path / ".git/refs/heads/main.lock"
    lock.write_text("")
    assert project.invoke(*FINISH).code == 7
    project.git("worktree", "remove", str(linked))
    ended = project.invoke("release.resume")
    assert (ended.code, f"the worktree {linked} is gone" in ended.err) == (0, True), ended.text
    stands(project, project.path, "develop", "develop")


@pytest.mark.parametrize("branch", ["main", "develop"])
def test_the_undo_that_is_named_takes_every_worktree_back(project: Project, branch: str) -> None:
    linked = link(project, branch)
    before = everything(project)
    undo = finishes(project, "--no-push").partition("undo: ")[2].split("\n")[0]
    project.typed(undo)
    after = everything(project)
    assert {name for name in before if before[name] != after[name]} <= {"git", "kept of them"}
    stands(project, linked, branch, branch)
    assert project.git("status", "--porcelain") == ""


def test_the_undo_does_not_throw_away_what_came_after(project: Project) -> None:
    undo = finishes(project, "--no-push").partition("undo: ")[2].split("\n")[0]
    later = change(project, {"later.txt": "later\n"})
    with pytest.raises(AssertionError, match="cannot lock ref"):
        project.typed(undo)
    assert project.ref("develop") == later


def test_an_untracked_or_ignored_file_in_the_way_is_refused_before_anything_moves(project: Project) -> None:
    project.git("switch", "-q", "develop")
    change(project, {"extra.txt": "theirs\n"})
    project.git("push", "-q", "origin", "develop")
    project.git("switch", "-q", BRANCH)
    project.write("extra.txt", "mine\n")
    refuses(project, *FINISH, says="extra.txt")
    (project.path / ".git/info").mkdir(exist_ok=True)
    (project.path / ".git/info/exclude").write_text("extra.txt\n")
    refuses(project, *FINISH, says="extra.txt")
    assert project.read("extra.txt") == "mine\n"


def test_a_dirty_worktree_is_refused(project: Project) -> None:
    project.write("a.txt", "dirty\n")
    refuses(project, *FINISH, says="uncommitted changes in a.txt")
    project.git("add", "a.txt")
    refuses(project, *FINISH, says="uncommitted changes in a.txt")
