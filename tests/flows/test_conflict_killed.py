"""A run that was killed while it handed a conflict over, or took its resolution."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from finishing import (
    FINISH,
    aborts,
    completes,
    conflict_in_main,
    everything,
    released,
    resolve,
    stopped,
)
from support import wrap_git

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support import Project

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return conflict_in_main(tmp_path / "project")


def nothing_made(where: Path, git_dir: Path) -> None:
    shutil.rmtree(where)
    shutil.rmtree(git_dir)


def first_folder(where: Path, git_dir: Path) -> None:
    nothing_made(where, git_dir)
    git_dir.mkdir()
    (git_dir / "locked").write_text("initializing")


def both_folders(where: Path, git_dir: Path) -> None:
    first_folder(where, git_dir)
    where.mkdir()


def not_checked_out(where: Path, git_dir: Path) -> None:
    pointer = (where / ".git").read_bytes()
    shutil.rmtree(where)
    where.mkdir()
    (where / ".git").write_bytes(pointer)
    for name in ("index", "MERGE_HEAD", "MERGE_MSG", "MERGE_MODE", "HEAD", "commondir"):
        (git_dir / name).unlink()
    (git_dir / "locked").write_text("initializing")


def half_checked_out(where: Path, git_dir: Path) -> None:
    (git_dir / "MERGE_HEAD").unlink()
    (git_dir / "index").rename(git_dir / "index.lock")
    (where / "app.txt").unlink()
    (where / "VERSION").write_text("0.")


def without_stages(where: Path, git_dir: Path) -> None:
    (git_dir / "MERGE_HEAD").unlink()
    subprocess.run(["git", "add", "-A"], cwd=where, check=True)


def not_yet_said(where: Path, git_dir: Path) -> None:
    assert where.is_dir()
    assert git_dir.is_dir()


KILLED = (
    nothing_made,
    first_folder,
    both_folders,
    not_checked_out,
    half_checked_out,
    without_stages,
    not_yet_said,
)


def test_what_a_killed_run_left_is_completed_or_undone(project: Project) -> None:
    before = everything(project)
    where, git_dir = project.folder / "work-merge-main", project.path / ".git/worktrees/work-merge-main"
    stopped(project)
    handed = project.git("status", "--porcelain=v2", cwd=where)
    aborts(project, before)
    for left in KILLED:
        for resume in (True, False):
            stopped(project)
            with journalled(project) as stop:
                stop["opened"]["handed"] = False
            left(where, git_dir)
            if resume:
                ended = project.invoke("release.resume")
                assert (ended.code, "not resolved in" in ended.err) == (6, True), ended.text
                assert project.git("status", "--porcelain=v2", cwd=where) == handed, left
            aborts(project, before)


@contextlib.contextmanager
def journalled(project: Project) -> Iterator[dict[str, Any]]:
    """Let a test change what the journal says of a stop."""
    journal = project.path / ".git/release/journal.json"
    facts = json.loads(journal.read_bytes())
    yield facts["stop"]
    journal.write_text(json.dumps(facts))


def killed(project: Project, *words: str, call: str, when: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a task in a process of its own, and kill it at a call of git."""
    script = f'case " $* " in *" {call} "*) '
    script += '"$GIT" "$@"; kill -9 $PPID; exit ;; esac\n' if when == "after" else "kill -9 $PPID; exit ;; esac\n"
    with monkeypatch.context() as patch:
        wrap_git(folder, f'{script}exec "$GIT" "$@"\n', patch)
        done = subprocess.run(
            [sys.executable, "-m", "invoke", *words],
            cwd=project.path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            check=False,
        )
    assert done.returncode == -9, done.stderr.decode()
    assert (project.path / ".git/release/journal.json").exists()


def test_a_run_that_is_killed_while_it_hands_over(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything(project)
    points = [("worktree add", "before"), ("worktree add", "after"), ("update-index -z", "before")]
    for number, (call, when) in enumerate(points):
        killed(project, *FINISH, call=call, when=when, folder=tmp_path / f"bin{number}", monkeypatch=monkeypatch)
        ended = project.invoke("release.resume")
        assert (ended.code, "not resolved in" in ended.err) == (6, True), ended.text
        aborts(project, before)


def test_a_run_that_is_killed_when_it_has_taken_the_resolution(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal holds the resolution, and still names the worktree that is to go."""
    resolve(project, stopped(project))
    killed(project, "release.resume", call="write-tree", when="after", folder=tmp_path / "bin", monkeypatch=monkeypatch)
    ended = project.invoke("release.resume")
    assert ended.code == 0, ended.text
    released(project)
    assert project.at("main", "app.txt") == "one\nboth\nthree"


@pytest.mark.thorough
@pytest.mark.parametrize("part", ["half", "the folder"])
def test_a_worktree_half_put_away_is_put_away(project: Project, part: str) -> None:
    where = stopped(project)
    resolve(project, where)
    with journalled(project) as stop:
        stop["resolutions"] = [[stop["opened"]["key"], project.git("write-tree", cwd=where)]]
    if part == "half":
        shutil.rmtree(where / "src")
        (where / "app.txt").unlink()
    else:
        shutil.rmtree(where)
    ended = project.invoke("release.resume")
    assert ended.code == 0, ended.text
    assert not where.exists()
    released(project)


@pytest.mark.thorough
def test_a_worktree_that_cannot_be_made_is_made_later(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything(project)
    script = 'case " $* " in *" worktree add "*) echo "fatal: disk full" >&2; exit 128 ;; esac\nexec "$GIT" "$@"\n'
    for resume in (False, True):
        with monkeypatch.context() as patch:
            wrap_git(tmp_path / f"bin{resume}", script, patch)
            ended = project.invoke(*FINISH)
        assert (ended.code, "disk full" in ended.err) == (7, True), ended.text
        assert "next: invoke release.resume" in ended.err
        completes(project) if resume else aborts(project, before)
