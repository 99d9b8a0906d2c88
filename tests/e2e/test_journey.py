"""The tool as its users start it: processes of its own, `tasks.py`, and the rehearsal."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support import FILES, PYPROJECT, Project, bare, thorough

ROOT = Path(__file__).parents[2]


def run(project: Project, *words: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    program = [sys.executable, "-m", "invoke", *words]
    return subprocess.run(program, cwd=project.path, env=env, capture_output=True, text=True, check=False)


def test_one_line_in_tasks_py_lists_all_tasks(project: Project) -> None:
    done = run(project, "--list")
    assert done.returncode == 0, done.stderr
    for name in (
        "version",
        "bump",
        "propagate",
        "changelog",
        "scan",
        "release.prepare",
        "release.resume",
        "release.rehearse",
    ):
        assert f"  {name} " in done.stdout


def test_a_preview_in_a_pipe_can_be_applied(project: Project) -> None:
    done = run(project, "bump", "1.0.0", "--dry-run")
    assert done.returncode == 0, done.stderr
    subprocess.run(["git", "apply"], cwd=project.path, input=done.stdout, text=True, check=True)
    assert run(project, "version", "--check").returncode == 0


@pytest.mark.parametrize("words", [("release.prepare", "1.0.0", "--dry-run"), ("release.prepare", "1.0.0")])
def test_when_nobody_reads_it_a_task_still_comes_to_its_end(project: Project, words: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    program = [sys.executable, "-m", "invoke", *words]
    ended = subprocess.run(program, cwd=project.path, env=env, stdout=writing, stderr=writing, check=False)
    os.close(writing)
    assert ended.returncode == 0
    assert (project.ref("release/v1.0.0") != "") is (len(words) == 2)
    assert not (project.path / ".git/release/journal.json").exists()


def test_errors_leave_their_code_and_no_traceback(project: Project) -> None:
    done = run(project, "release.prepare", "1.1")
    assert done.returncode == 2
    assert "1.1.0" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("trunk", [True, *thorough(False)])
def test_a_rehearsal_shows_the_release_and_touches_nothing(tmp_path: Path, trunk: bool) -> None:
    project = bare(tmp_path / "p")
    settings = PYPROJECT + ('develop = "main"\n' if trunk else "")
    project.commit("feat: begin", {**FILES, "pyproject.toml": settings})
    project.git("tag", "v0.9.0")
    if not trunk:
        project.git("switch", "-q", "-c", "develop")
    project.commit("feat: more", {"more.txt": "x\n"})
    before = project.state(times=True)
    done = run(project, "release.rehearse", "next")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "release/v0.10.0 is open at 0.10.0" in done.stdout
    assert "chore(release): prepare 0.10.0" in done.stdout
    assert ("added a branch develop" in done.stderr) is trunk
    assert project.state(times=True) == before


@pytest.mark.thorough
def test_a_rehearsal_works_before_the_tool_is_adopted(tmp_path: Path) -> None:
    project = bare(tmp_path / "p")
    project.commit("feat: begin", {path: data for path, data in FILES.items() if path != "tasks.py"})
    project.git("branch", "develop")
    project.git("switch", "-q", "develop")
    project.commit("fix: one", {"one.txt": "x\n"})
    (project.path / "tasks.py").write_text(FILES["tasks.py"])
    done = run(project, "release.rehearse", "1.0.0")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.thorough
def test_a_rehearsal_that_cannot_go_on_says_where_and_why(project: Project) -> None:
    done = run(project, "release.rehearse", "0.8.0")
    assert done.returncode == 3
    assert "0.8.0 is not newer than 0.9.0" in done.stdout
    assert "the rehearsal stopped" in done.stderr
