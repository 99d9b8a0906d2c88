"""Going on after a conflict: from anywhere, with the options of the start, and when branches moved meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from finishing import (
    BRANCH,
    FINISH,
    change,
    conflict_in_both,
    conflict_in_develop,
    conflict_in_main,
    everything,
    hook,
    open_release,
    released,
    resolve,
    stopped,
)
from support import thorough

if TYPE_CHECKING:
    from pathlib import Path

    from support import Ended, Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return conflict_in_main(tmp_path / "project")


def elsewhere(project: Project, branch: str, files: dict[str, str | bytes | None]) -> str:
    """Let a colleague push a commit to a branch."""
    other = project.folder.parent / "colleague"
    if not other.exists():
        project.git("clone", "-q", str(project.remote), str(other), cwd=project.folder)
    project.git("fetch", "-q", cwd=other)
    project.git("checkout", "-q", "--detach", f"origin/{branch}", cwd=other)
    commit = change(project, files, at=other)
    project.git("push", "-q", "origin", f"HEAD:{branch}", cwd=other)
    return commit


def resumes(project: Project, cwd: Path | None = None) -> Ended:
    ended = project.invoke("release.resume", cwd=cwd)
    assert ended.code == 0, ended.text
    return ended


def test_a_git_gc_while_merges_are_resolved_takes_nothing_away(tmp_path: Path) -> None:
    project = conflict_in_both(tmp_path / "project")
    resolve(project, stopped(project))
    project.git("gc", "-q", "--prune=now")
    assert project.invoke("release.resume").code == 6
    resolve(project, project.folder / "work-merge-develop")
    project.git("gc", "-q", "--prune=now")
    resumes(project)
    released(project)


def test_two_conflicts_take_two_resolutions_and_give_the_right_tag(tmp_path: Path) -> None:
    project = conflict_in_both(tmp_path / "project")
    before = everything(project)
    place = stopped(project)
    resolve(project, place, "one\nmain and release\nthree\n")
    ended = project.invoke("release.resume")
    assert (ended.code, "merging into develop conflicts in app.txt" in ended.err) == (6, True), ended.text
    assert not place.exists()
    after = everything(project)
    assert {name for name, value in before.items() if after[name] != value} == {
        "journal",
        "worktrees",
        "kept of them",
        "beside",
    }
    later = project.folder / "work-merge-develop"
    assert (later / "app.txt").read_text() == (
        "one\n<<<<<<< develop\ndevelop\n=======\nmain and release\n>>>>>>> v1.0.0\nthree\n"
    )
    resolve(project, later, "one\nall\nthree\n", commit=True)
    said = resumes(project).err
    released(project)
    assert f"push   origin refs/heads/main {project.ref('main^1')} → {project.ref('main')}" in said
    assert project.at("v1.0.0", "app.txt") == "one\nmain and release\nthree"
    assert project.at("develop", "app.txt") == "one\nall\nthree"
    assert project.ref("develop^2") == project.ref("v1.0.0^{commit}")


@pytest.mark.parametrize("where", ["subfolder", "the merge", "another worktree", *thorough("root", "below the merge")])
def test_resume_works_from_everywhere(project: Project, where: str, tmp_path: Path) -> None:
    place = stopped(project)
    resolve(project, place)
    linked = tmp_path / "linked"
    if where == "another worktree":
        project.git("worktree", "add", "-q", "--detach", str(linked), "v0.9.0")
    places = {
        "root": project.path,
        "subfolder": project.path / "src",
        "the merge": place,
        "below the merge": place / "src/demo",
        "another worktree": linked,
    }
    resumes(project, places[where])
    assert not place.exists()
    if where == "another worktree":
        assert project.git("rev-parse", "HEAD", cwd=linked) == project.ref("v0.9.0^{commit}")
        project.git("worktree", "remove", str(linked))
    released(project)
    assert project.git("branch", "--show-current") == "develop"


def test_a_finish_begun_in_a_subfolder_goes_on_in_the_root(project: Project) -> None:
    assert project.invoke(*FINISH, cwd=project.path / "src").code == 6
    resolve(project, project.folder / "work-merge-main")
    resumes(project)
    released(project)


def test_a_finish_begun_in_a_linked_worktree_goes_on_there(project: Project, tmp_path: Path) -> None:
    linked = tmp_path / "linked"
    project.git("switch", "-q", "develop")
    project.git("worktree", "add", "-q", str(linked), BRANCH)
    assert project.invoke(*FINISH, cwd=linked).code == 6
    place = tmp_path / "linked-merge-main"
    resolve(project, place)
    resumes(project)
    assert not place.exists()
    assert project.git("status", "--porcelain", cwd=linked) == ""
    assert project.git("rev-parse", "HEAD", cwd=linked) == project.ref("develop")
    project.git("worktree", "remove", str(linked))
    released(project)


@pytest.mark.parametrize("task", ["release.resume", "release.abort"])
def test_where_it_was_begun_may_be_gone(project: Project, tmp_path: Path, task: str) -> None:
    linked = tmp_path / "linked"
    project.git("switch", "-q", "develop")
    project.git("worktree", "add", "-q", str(linked), BRANCH)
    assert project.invoke(*FINISH, cwd=linked).code == 6
    place = tmp_path / "linked-merge-main"
    resolve(project, place)
    project.git("worktree", "remove", str(linked))
    inside = project.invoke(task, cwd=place)
    assert (inside.code, "in another worktree" in inside.err) == (3, True), inside.text
    ended = project.invoke(task)
    assert ended.code == 0, ended.text
    assert not place.exists()
    if task == "release.resume":
        released(project)


def test_options_of_the_start_hold_at_the_end(project: Project) -> None:
    remote = project.git("for-each-ref", cwd=project.remote)
    place = stopped(project, "--no-push", "--keep", "--message", "One point oh")
    resolve(project, place)
    ended = resumes(project)
    assert "only here" in ended.err
    assert project.git("for-each-ref", cwd=project.remote) == remote
    assert project.git("tag", "-l", "--format=%(contents:subject)", "v1.0.0") == "One point oh"
    assert project.ref(f"refs/heads/{BRANCH}") == project.ref("main^2")
    assert project.git("branch", "--show-current") == BRANCH


def test_the_branch_of_the_start_is_finished_wherever_one_stands(project: Project) -> None:
    project.git("branch", "release/v2.0.0", "develop")
    settings = project.read("pyproject.toml") + "parallel_releases = true\n"
    change(project, {"pyproject.toml": settings})
    project.git("push", "-q", "origin", BRANCH)
    assert project.invoke("release.finish", "--yes").code == 6
    resolve(project, project.folder / "work-merge-main")
    project.git("switch", "-q", "release/v2.0.0")
    resumes(project)
    assert project.ref("v1.0.0^{commit}") == project.ref("main")


def test_the_commits_are_of_the_moment_of_the_start(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    resolve(project, stopped(project))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1800000000")
    for name in ("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"):
        monkeypatch.delenv(name)
    resumes(project)
    assert project.git("log", "-2", "--first-parent", "--format=%ct", "develop").split()[0] == "1700000000"
    assert "## [1.0.0] - 2023-11-14" in project.at("main", "CHANGELOG.md")


@pytest.mark.parametrize("name", ["main", BRANCH])
def test_a_moved_main_or_release_branch_is_refused_with_both_commits(project: Project, name: str) -> None:
    place = stopped(project)
    resolve(project, place)
    old, new = project.ref(name), elsewhere(project, name, {"late.txt": "late\n"})
    before = everything(project)
    ended = project.invoke("release.resume")
    assert (ended.code, everything(project) == before) == (3, True), ended.text
    assert f"{name} was at {old} when release.finish stopped, and is at {new} now" in ended.err
    assert (place / "app.txt").read_text() == "one\nboth\nthree\n"
    assert project.invoke("release.abort").code == 0
    again = project.invoke(*FINISH)
    assert again.code == 6, again.text
    resolve(project, place)
    resumes(project)
    assert project.at("main", "late.txt") == "late"


def test_a_moved_branch_here_is_refused_too(project: Project) -> None:
    resolve(project, stopped(project))
    old, new = project.ref(BRANCH), change(project, {"late.txt": "late\n"})
    ended = project.invoke("release.resume")
    assert ended.code == 3
    assert old in ended.err
    assert new in ended.err
    assert "invoke release.abort" in ended.err


@pytest.mark.thorough
def test_a_develop_that_moved_is_merged_anew(project: Project) -> None:
    resolve(project, stopped(project))
    elsewhere(project, "develop", {"late.txt": "late\n"})
    resumes(project)
    released(project)
    assert project.at("develop", "late.txt") == "late"
    assert project.at("main", "app.txt") == "one\nboth\nthree"


@pytest.mark.thorough
def test_a_resolution_of_a_develop_that_moved_is_asked_again(tmp_path: Path) -> None:
    project = conflict_in_develop(tmp_path / "project")
    place = stopped(project, branch="develop")
    resolve(project, place, "one\nfirst\nthree\n")
    moved = elsewhere(project, "develop", {"late.txt": "late\n"})
    ended = project.invoke("release.resume")
    assert (ended.code, "develop has moved since its merge was resolved" in ended.err) == (6, True), ended.text
    tree = ended.err.partition("result is the tree ")[2].partition(")")[0]
    assert project.at(tree, "app.txt") == "one\nfirst\nthree"
    assert project.git("rev-parse", "HEAD", cwd=place) == moved
    resolve(project, place, "one\nsecond\nthree\n")
    resumes(project)
    released(project)
    assert project.at("develop", "app.txt") == "one\nsecond\nthree"


@pytest.mark.thorough
def test_the_first_resolution_holds_when_only_develop_moved(tmp_path: Path) -> None:
    project = conflict_in_both(tmp_path / "project")
    resolve(project, stopped(project), "one\nfirst\nthree\n")
    assert project.invoke("release.resume").code == 6
    elsewhere(project, "develop", {"late.txt": "late\n"})
    place = project.folder / "work-merge-develop"
    resolve(project, place)
    assert project.invoke("release.resume").code == 6
    resolve(project, place, "one\nlast\nthree\n")
    resumes(project)
    released(project)
    assert project.at("main", "app.txt") == "one\nfirst\nthree"


@pytest.mark.thorough
def test_a_push_refused_after_a_resolution_keeps_it(project: Project) -> None:
    place = stopped(project)
    resolve(project, place)
    closed = hook(project, "pre-receive", "echo closed until noon >&2\nexit 1")
    before = everything(project)
    ended = project.invoke("release.resume")
    assert (ended.code, "closed until noon" in ended.err) == (3, True), ended.text
    assert "what was resolved is kept" in ended.err
    after = everything(project)
    assert {name for name in before if before[name] != after[name]} == {"worktrees", "kept of them", "beside"}
    refused = project.invoke(*FINISH)
    assert (refused.code, "has conflicts, now resolved" in refused.err) == (3, True), refused.text
    closed.unlink()
    resumes(project)
    released(project)
    assert project.at("main", "app.txt") == "one\nboth\nthree"


@pytest.mark.thorough
def test_a_lost_race_after_a_resolution_keeps_it(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A colleague pushes to develop between the plan and the push."""
    resolve(project, stopped(project))
    move = "git update-ref refs/heads/develop $(git commit-tree -p develop -m x develop^{tree})"
    once = hook(project, "pre-push", f'(unset GIT_DIR; cd {project.remote} && {move}); rm "$0"', remote=False)
    monkeypatch.setenv("GIT_AUTHOR_DATE", "1700000001 +0000")
    ended = project.invoke("release.resume")
    assert (ended.code, "develop moved at origin" in ended.err) == (3, True), ended.text
    assert "invoke release.resume" in ended.err
    assert not once.exists()
    resumes(project)
    released(project)


def test_a_worktree_that_cannot_follow_keeps_the_resolution(project: Project) -> None:
    resolve(project, stopped(project))
    project.write("app.txt", "dirty\n")
    ended = project.invoke("release.resume")
    assert (ended.code, "app.txt" in ended.err) == (3, True), ended.text
    assert "what was resolved is kept" in ended.err
    project.git("restore", "app.txt")
    resumes(project)
    released(project)


def test_a_remote_that_is_away_changes_nothing(project: Project) -> None:
    place = stopped(project)
    resolve(project, place)
    away = project.remote.with_name("away.git")
    project.remote.rename(away)
    ended = project.invoke("release.resume")
    assert (ended.code, place.exists()) == (3, True), ended.text
    away.rename(project.remote)
    resumes(project)
    released(project)


def test_nothing_in_progress_is_said(tmp_path: Path) -> None:
    project = open_release(tmp_path / "project")
    before = everything(project)
    for task in ("release.resume", "release.abort"):
        ended = project.invoke(task)
        assert (ended.code, "nothing is in progress" in ended.err) == (0, True)
    assert everything(project) == before


def test_a_dry_resume_says_where_the_merge_is_and_changes_nothing(project: Project) -> None:
    place = stopped(project)
    resolve(project, place)
    before = everything(project)
    for task in ("release.resume", "release.abort"):
        ended = project.invoke(task, "--dry-run")
        assert (ended.code, str(place) in ended.err) == (0, True), ended.text
    assert everything(project) == before
