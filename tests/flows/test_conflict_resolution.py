"""What counts as the resolution of a conflict, and what is not taken for one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from finishing import (
    BRANCH,
    FINISH,
    conflict_in_develop,
    conflict_in_main,
    conflicting,
    everything,
    refuses,
    released,
    resolve,
    stopped,
)

if TYPE_CHECKING:
    from pathlib import Path

    from support import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return conflict_in_main(tmp_path / "project")


def resumes(project: Project) -> str:
    ended = project.invoke("release.resume")
    assert ended.code == 0, ended.text
    released(project)
    return ended.err


def waits(project: Project, says: str) -> str:
    """Assert that resume stops again, and that nothing has changed, in the worktree of the merge neither."""
    place = project.folder / "work-merge-main"
    before = everything(project), project.git("status", "--porcelain=v2", cwd=place)
    ended = project.invoke("release.resume")
    after = everything(project), project.git("status", "--porcelain=v2", cwd=place)
    assert (ended.code, before == after) == (6, True), ended.text
    assert says in ended.err
    assert "invoke release.resume" in ended.err
    return ended.err


@pytest.mark.parametrize("commit", [False, True])
def test_a_resolution_is_taken_staged_or_committed(project: Project, commit: bool) -> None:
    main, branch = project.ref("main"), project.ref(BRANCH)
    resolve(project, stopped(project), commit=commit)
    resumes(project)
    assert project.at("main", "app.txt") == project.at("develop", "app.txt") == "one\nboth\nthree"
    assert project.git("rev-parse", "main^1", "main^2^").split() == [main, branch]
    assert project.git("log", "-1", "--format=%s", "main") == f"Merge branch '{BRANCH}'"
    assert project.git("branch", "--show-current") == "develop"


def test_both_ways_give_the_same_release(tmp_path: Path) -> None:
    made = []
    for name, commit in (("staged", False), ("committed", True)):
        project = conflict_in_main(tmp_path / name)
        resolve(project, stopped(project), commit=commit)
        resumes(project)
        made.append(project.git("rev-parse", "v1.0.0", "main", "develop"))
    assert made[0] == made[1]


def test_commits_on_top_of_the_resolution_are_part_of_it(project: Project) -> None:
    place = stopped(project)
    resolve(project, place, commit=True)
    (place / "more.txt").write_text("more\n")
    project.git("add", "-A", cwd=place)
    project.git("commit", "-q", "-m", "and more", cwd=place)
    (place / "a.txt").write_text("staged on top\n")
    project.git("add", "-A", cwd=place)
    resumes(project)
    assert project.at("main", "more.txt") == "more"
    assert project.at("main", "a.txt") == "staged on top"


def test_a_resolution_on_a_branch_of_its_own_leaves_that_branch(project: Project) -> None:
    place = stopped(project)
    resolve(project, place, commit=True)
    project.git("switch", "-q", "-c", "mine", cwd=place)
    resumes(project)
    assert project.at("mine", "app.txt") == "one\nboth\nthree"


def test_what_is_not_resolved_is_named(project: Project) -> None:
    stopped(project)
    waits(project, f"not resolved in {project.folder}/work-merge-main: app.txt")


def test_what_is_edited_but_not_staged_is_named(project: Project) -> None:
    place = stopped(project)
    resolve(project, place)
    (place / "app.txt").write_text("one\nlater\nthree\n")
    waits(project, "not staged: app.txt")


def test_a_file_that_was_only_touched_is_not_an_edit(project: Project) -> None:
    place = stopped(project)
    resolve(project, place)
    (place / "app.txt").touch()
    (place / "VERSION").write_bytes((place / "VERSION").read_bytes())
    resumes(project)


def test_a_new_file_that_was_not_added_is_not_lost(project: Project) -> None:
    place = stopped(project)
    resolve(project, place)
    (place / "new.txt").write_text("forgotten\n")
    waits(project, "not added in")
    assert (place / "new.txt").read_text() == "forgotten\n"
    project.git("add", "new.txt", cwd=place)
    resumes(project)
    assert project.at("main", "new.txt") == "forgotten"


def test_ignored_files_are_nobodys(tmp_path: Path) -> None:
    project = conflicting(
        tmp_path / "project",
        base={".gitignore": "*.log\n"},
        main={"app.txt": "one\nmain\nthree\n"},
        release={"app.txt": "one\nrelease\nthree\n"},
    )
    place = stopped(project)
    resolve(project, place)
    (place / "build.log").write_text("noise\n")
    resumes(project)


@pytest.mark.parametrize("commit", [False, True])
def test_conflict_markers_are_no_resolution(project: Project, commit: bool) -> None:
    place = stopped(project)
    project.git("add", "-A", cwd=place)
    if commit:
        project.git("commit", "-q", "-m", "oops", cwd=place)
    waits(project, "conflict markers in")
    resolve(project, place, commit=commit)
    resumes(project)


def test_lines_like_markers_that_both_sides_had_are_contents(tmp_path: Path) -> None:
    text = "how a conflict looks:\n<<<<<<< ours\n{}\n>>>>>>> theirs\n"
    project = conflicting(
        tmp_path / "project",
        base={"app.txt": text.format("base")},
        main={"app.txt": text.format("main")},
        release={"app.txt": text.format("release")},
    )
    resolve(project, stopped(project), text.format("both"))
    resumes(project)
    assert project.at("main", "app.txt") == text.format("both").strip()


@pytest.mark.thorough
def test_a_merge_that_was_given_up_is_begun_again_in_the_way_that_is_said(project: Project) -> None:
    place = stopped(project)
    resolve(project, place)
    project.git("merge", "--abort", cwd=place)
    said = waits(project, "was given up")
    command = said.partition("begin it again: git ")[2].partition("    then:")[0]
    project.git(*command.split())
    again = project.invoke("release.resume")
    assert (again.code, "not resolved" in again.err) == (6, True), again.text
    resolve(project, place)
    resumes(project)


@pytest.mark.thorough
def test_a_merge_that_git_forgot_is_taken_in_the_way_that_is_said(project: Project) -> None:
    """Without MERGE_HEAD a commit is no merge; its files may be right all the same."""
    place = stopped(project)
    resolve(project, place)
    project.git("merge", "--quit", cwd=place)
    waits(project, "was given up")
    project.git("commit", "-q", "-m", "by hand", cwd=place)
    said = waits(project, "which is no merge of")
    command = said.partition("what you want: git ")[2].partition("    then:")[0]
    project.git(*command.split())
    resumes(project)
    assert project.at("main", "app.txt") == "one\nboth\nthree"


@pytest.mark.thorough
@pytest.mark.parametrize("other", ["develop~1", "v0.9.0", BRANCH])
def test_another_commit_in_the_worktree_is_no_resolution(project: Project, other: str) -> None:
    place = stopped(project)
    project.git("merge", "--abort", cwd=place)
    project.git("checkout", "-q", "--detach", other, cwd=place)
    if other == "v0.9.0":
        change = place / "app.txt"
        change.write_text("elsewhere\n")
        project.git("commit", "-q", "-a", "-m", "elsewhere", cwd=place)
    waits(project, "which is no merge of")


def test_something_else_in_progress_there_comes_first(project: Project) -> None:
    place = stopped(project)
    resolve(project, place, commit=True)
    project.git("cherry-pick", "main", cwd=place, check=False)
    assert (project.path / ".git/worktrees/work-merge-main/CHERRY_PICK_HEAD").exists()
    waits(project, "a cherry-pick is in progress in")
    project.git("cherry-pick", "--abort", cwd=place)
    resumes(project)


def test_a_resolution_of_develop_is_asked_for_there(tmp_path: Path) -> None:
    project = conflict_in_develop(tmp_path / "project")
    resolve(project, stopped(project, branch="develop"))
    resumes(project)
    assert project.at("develop", "app.txt") == "one\nboth\nthree"
    assert project.at("main", "app.txt") == "one\nrelease\nthree"


def test_version_sites_agree_whatever_the_resolution_says(project: Project) -> None:
    place = stopped(project)
    resolve(project, place)
    (place / "VERSION").write_text("0.9.0\n")
    (place / "Dockerfile").write_text("FROM scratch\nLABEL version=7.7.7\n")
    project.git("add", "-A", cwd=place)
    said = resumes(project)
    assert "repaired" in said
    assert project.at("main", "Dockerfile") == "FROM scratch\nLABEL version=1.0.0"


@pytest.mark.thorough
@pytest.mark.parametrize("wrong", ["deleted", "link", "folder"])
def test_a_resolution_without_version_is_none(project: Project, wrong: str) -> None:
    place = stopped(project)
    resolve(project, place)
    (place / "VERSION").unlink()
    if wrong == "link":
        (place / "VERSION").symlink_to("app.txt")
    if wrong == "folder":
        (place / "VERSION").mkdir()
        (place / "VERSION/x").write_text("x\n")
    project.git("add", "-A", cwd=place)
    said = waits(project, "VERSION is no plain file any more")
    if wrong == "folder":
        project.git("rm", "-q", "-r", "-f", "VERSION", cwd=place)
    command = said.partition("bring it back: git ")[2].partition("    then:")[0]
    project.git(*command.split())
    resumes(project)


@pytest.mark.thorough
def test_a_resolution_that_cannot_be_read_is_mended_where_it_is(project: Project) -> None:
    place = stopped(project)
    resolve(project, place)
    text = (place / "pyproject.toml").read_text()
    (place / "pyproject.toml").write_text("[[[\n")
    project.git("add", "-A", cwd=place)
    ended = project.invoke("release.resume")
    assert (ended.code, "is not TOML" in ended.err) == (2, True), ended.text
    assert f"what was resolved is kept, to be edited in {place}" in ended.err
    (place / "pyproject.toml").write_text(text)
    project.git("add", "-A", cwd=place)
    resumes(project)


def test_finish_instead_of_resume_is_refused_and_resume_completes_once(project: Project) -> None:
    place = stopped(project)
    resolve(project, place, commit=True)
    refuses(project, *FINISH, says="invoke release.resume")
    resumes(project)
    assert project.invoke("release.resume").code == 0
    assert project.git("tag") == "v0.9.0\nv1.0.0"
