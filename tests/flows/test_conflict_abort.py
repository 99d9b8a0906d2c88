"""Giving a conflict up, and worktrees that people changed, moved or deleted: nothing stays behind, nothing is lost."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from finishing import (
    aborts,
    completes,
    conflict_in_both,
    conflict_in_main,
    everything,
    resolve,
    stopped,
)

if TYPE_CHECKING:
    from support import Project

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return conflict_in_main(tmp_path / "project")


def test_abort_leaves_nothing_behind(project: Project) -> None:
    before = everything(project)
    for state in ("untouched", "resolved", "committed", "dirty", "given up"):
        for cwd in (None, project.folder / "work-merge-main"):
            where = stopped(project)
            if state != "untouched":
                resolve(project, where, commit=state == "committed")
            if state == "dirty":
                (where / "deep/er").mkdir(parents=True)
                (where / "deep/er/new.txt").write_text("new\n")
                (where / "app.txt").unlink()
            if state == "given up":
                project.git("merge", "--abort", cwd=where)
            aborts(project, before, cwd)


def test_abort_names_the_command_that_begins_again(project: Project) -> None:
    stopped(project)
    said = project.invoke("release.abort").err
    assert "everything is as it was before" in said
    project.git("switch", "-q", "develop")
    words = said.partition("begin again with invoke ")[2].partition(",")[0].split()
    assert project.invoke(*words, "--yes").code == 6


def test_abort_at_the_second_conflict_leaves_nothing_behind(tmp_path: Path) -> None:
    project = conflict_in_both(tmp_path / "project")
    before = everything(project)
    resolve(project, stopped(project))
    assert project.invoke("release.resume").code == 6
    aborts(project, before)


def test_abort_after_a_refused_push_leaves_nothing_behind(project: Project) -> None:
    project.git("config", "receive.denyDeletes", "true", cwd=project.remote)
    before = everything(project)
    resolve(project, stopped(project))
    assert project.invoke("release.resume").code == 3
    aborts(project, before)


def test_other_worktrees_stay_also_when_they_are_out_of_reach(project: Project, tmp_path: Path) -> None:
    away = tmp_path / "away"
    project.git("worktree", "add", "-q", "--detach", str(away / "linked"), "v0.9.0")
    away.rename(tmp_path / "gone")
    before = everything(project)
    resolve(project, stopped(project))
    aborts(project, before)
    (tmp_path / "gone").rename(away)
    assert project.git("status", "--porcelain", cwd=away / "linked") == ""


def test_a_folder_in_the_place_of_the_worktree_is_somebodys(project: Project) -> None:
    where = stopped(project)
    shutil.rmtree(where)
    where.mkdir()
    (where / "mine.txt").write_text("mine\n")
    ended = project.invoke("release.resume")
    assert (ended.code, "move it away" in ended.err) == (6, True), ended.text
    ended = project.invoke("release.abort")
    assert (ended.code, f"left alone, because it is no worktree of this repository: {where}" in ended.err) == (0, True)
    assert (where / "mine.txt").read_text() == "mine\n"
    assert not (project.path / ".git/worktrees").exists()


def test_a_worktree_that_git_forgot_keeps_the_resolution_in_it(project: Project) -> None:
    where = stopped(project)
    resolve(project, where)
    shutil.rmtree(project.path / ".git/worktrees/work-merge-main")
    ended = project.invoke("release.resume")
    assert (ended.code, "move it away" in ended.err) == (6, True), ended.text
    assert (where / "app.txt").read_text() == "one\nboth\nthree\n"
    where.rename(where.with_name("saved"))
    completes(project)


def delete_all(project: Project) -> None:
    shutil.rmtree(project.folder / "work-merge-main")
    shutil.rmtree(project.path / ".git/worktrees")


def delete_folder(project: Project) -> None:
    shutil.rmtree(project.folder / "work-merge-main")


def remove_with_git(project: Project) -> None:
    project.git("worktree", "remove", "--force", str(project.folder / "work-merge-main"))


def move_away(project: Project) -> None:
    shutil.rmtree(project.folder.parent / "moved", ignore_errors=True)
    (project.folder / "work-merge-main").rename(project.folder.parent / "moved")


@pytest.mark.thorough
def test_a_worktree_that_was_deleted_is_made_anew(project: Project) -> None:
    before = everything(project)
    for delete in (delete_all, delete_folder, remove_with_git, move_away):
        stopped(project)
        delete(project)
        handed = project.invoke("release.resume")
        assert (handed.code, "not resolved in" in handed.err) == (6, True), handed.text
        delete(project)
        aborts(project, before)
    stopped(project)
    delete_folder(project)
    completes(project)
