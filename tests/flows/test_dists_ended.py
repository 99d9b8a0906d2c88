"""How builds are ended from outside, and by each other: no program and no folder is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from distributing import PROJECT, PYPROJECT
from gating import Gated, are_quiet, gated, stubborn
from support import thorough
from terminals import ROOT

from release.artifacts import dists
from release.errors import Exit, ReleaseError

if TYPE_CHECKING:
    from collections.abc import Callable

TASK = (sys.executable, "-m", "invoke", "build")
# What each of the two builds does, in a file of its own: the kept one in `dists…`, the other in `again…`.
BACKEND = """
import subprocess, time
KEPT = any(folder.name.startswith("dists") for folder in Path.cwd().parents)
def build_sdist(folder, settings=None):
    {body}
"""
LASTING = """
    subprocess.Popen(["sh", "-c", {script!r}.replace("NAME", "kept" if KEPT else "again")])
    time.sleep(60)
"""


def project_with(folder: Path, body: str) -> Gated:
    files = {
        **PROJECT,
        "pyproject.toml": f"{PYPROJECT}[tool.release]\ndevelop = 'main'\n",
        "tiny_backend.py": PROJECT["tiny_backend.py"] + BACKEND.format(body=body),
        "tasks.py": "from release import ns\n",
    }
    return gated(folder, files)


def build(project: Gated) -> None:
    dists.built(
        project.repository, commit=project.git("rev-parse", "HEAD"), tree=project.tree(), say=project.said.append
    )


def until(true: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 30
    while not true() and time.monotonic() < deadline:
        time.sleep(0.02)
    return true()


def both_build() -> bool:
    return all(Path(os.environ["HOME"], name).exists() for name in ("kept", "again"))


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary ones."""
    place = tmp_path / "scratch"
    place.mkdir()
    monkeypatch.setenv("TMPDIR", str(place))
    return place


def nothing_is_left(project: Gated, scratch: Path) -> bool:
    assert {one.name for one in (project.path / ".git/release/artifacts").iterdir()} == {"lock"}
    assert not list(scratch.glob("release-*"))
    return are_quiet("kept", "again")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, *thorough(signal.SIGHUP)])
def test_whatever_asks_a_task_to_end_ends_its_builds(number: signal.Signals, tmp_path: Path, scratch: Path) -> None:
    project = project_with(tmp_path, LASTING.format(script=stubborn("NAME") + " sleep 60"))
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(TASK, cwd=project.path, env=env, stderr=subprocess.PIPE, text=True) as process:
        assert until(both_build)
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    assert process.returncode == (3 if number == signal.SIGINT else -number), said
    assert nothing_is_left(project, scratch)


@pytest.mark.parametrize("patience", [0.1, 600.0])
def test_a_build_that_hears_no_interrupt_is_killed_after_a_while_or_at_the_second_one(
    patience: float, tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dists, "PATIENCE", patience, raising=False)
    stopped = f"os.kill(os.getppid(), {int(signal.SIGSTOP)})"  # the front end, which leads the group
    project = project_with(tmp_path, stopped + LASTING.format(script=stubborn("NAME")))
    main = threading.main_thread().ident
    assert main is not None

    def strike() -> None:
        until(both_build)
        for _ in range(1 if patience < 1 else 2):
            time.sleep(0.2)
            signal.pthread_kill(main, signal.SIGINT)

    thread = threading.Thread(target=strike)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        build(project)
    thread.join()
    assert nothing_is_left(project, scratch)


@pytest.mark.parametrize("fails", ["KEPT", "not KEPT"])
def test_a_build_that_fails_ends_the_other(fails: str, tmp_path: Path) -> None:
    late = "time.sleep(30); open(os.environ['HOME'] + '/late', 'w').close()"
    project = project_with(tmp_path, f"if {fails}: raise ValueError('no luck')\n    {late}")
    with pytest.raises(ReleaseError, match="no luck") as caught:
        build(project)
    assert caught.value.exit == Exit.GATE_FAILED
    assert not Path(os.environ["HOME"], "late").exists()


def test_a_build_that_was_killed_says_nothing_about_the_project(tmp_path: Path) -> None:
    project = project_with(tmp_path, f"os.kill(os.getppid(), {int(signal.SIGKILL)}); time.sleep(60)")
    with pytest.raises(ReleaseError, match="ended by signal 9") as caught:
        build(project)
    assert caught.value.exit == Exit.NOT_AUDITED
