"""Ctrl-C: SIGINT to the process group of the run. 7 when a journal exists, else 3; and it can be continued."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support import thorough

from crash import points
from crash.cases import BUMP, COMMIT, PREPARE, PUSHED, Case
from crash.killing import Ended, Point, started, strike
from crash.releases import CONFLICT, FINISH

if TYPE_CHECKING:
    from collections.abc import Callable

    from crash.judging import Trial
    from crash.stage import State

    Tries = Callable[[Case], Trial]


ROOT = Path(__file__).parents[2]
LOADING = """\
import invoke
from release.tasks import face
try:
    with face.ending():
        exec("raise KeyboardInterrupt")
except invoke.Exit as ended:
    raise SystemExit(ended.code)
"""


@pytest.mark.parametrize("call", ["status 1", "update-ref 1", "read-tree 2"])
def test_ctrl_c_in_each_phase(call: str, tries: Tries) -> None:
    assert interrupted(tries(PREPARE), Point(when="before", call=call)).reached


@pytest.mark.usefixtures("strace")
@pytest.mark.parametrize("command", ["the task", *thorough("release.resume", "release.abort")])
def test_ctrl_c_after_the_journal_was_removed_comes_too_late(command: str, tries: Tries) -> None:
    tried = tries(BUMP)
    stage, case, wanted, origin = tried.stage, BUMP, tried.end, "start"
    if command != "the task":
        stage.restore("start")
        assert strike(stage, BUMP, Point(when="own", system_call="rename", number=5)).reached
        origin = "half"
        stage.save(origin)
        case = replace(BUMP, name=command, words=(command,))
        wanted = tried.start if command == "release.abort" else wanted
    comes_too_late(tried, case, wanted, origin)


@pytest.mark.usefixtures("strace")
def test_ctrl_c_after_a_conflict_was_given_up_comes_too_late(tries: Tries) -> None:
    tried = tries(CONFLICT)
    comes_too_late(tried, replace(CONFLICT, words=("release.abort",)), tried.start, "stopped 1")


def comes_too_late(tried: Trial, case: Case, wanted: State, origin: str) -> None:
    stage = tried.stage
    own = points.find(stage, case, origin=origin).own
    removed = max(number for number, point in enumerate(own) if point.system_call.startswith("unlink"))
    for point in own[removed:]:
        stage.restore(origin)
        ended = strike(stage, case, replace(point, signal="INT"))
        assert (ended.reached, ended.code) == (True, 0), f"{point}: {ended}"
        assert "interrupted" not in ended.text
        assert ("next: " in ended.text, stage.journal.exists()) == (True, False), f"{point}: {ended}"
        assert not stage.state().differences(wanted), point
        assert not stage.leftovers(), point


def test_ctrl_c_works_again_after_a_task(tries: Tries) -> None:
    """Whoever runs a task in a process of their own keeps what they set."""
    stage = tries(BUMP).stage
    stage.restore("start")
    before = signal.getsignal(signal.SIGINT)
    assert stage.project.invoke(*BUMP.words).code == 0
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_before_git_has_its_input_waits_until_it_has_ended() -> None:
    program = (
        "import os, pathlib, signal\n"
        "from release import process\n"
        "try:\n"
        "    with process.uninterrupted():\n"
        "        begun = process.start(['cat'], cwd=pathlib.Path('/'), env=os.environ)\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "        ended = begun.finish(b'x' * 1_000_000)\n"
        "except KeyboardInterrupt:\n"
        "    print(len(ended.out), ended.status)\n"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, check=True, timeout=60)
    assert ended.stdout == b"1000000 0\n"


def test_ctrl_c_while_modules_load_ends_with_our_status(tmp_path: Path) -> None:
    """Dataclasses are made by running source text; an interrupt there is one that Python would exit by."""
    (tmp_path / "loading.py").write_text(LOADING)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(tmp_path)))}
    ended = subprocess.run([sys.executable, "-m", "loading"], env=env, capture_output=True, check=False)
    assert (ended.returncode, ended.stderr) == (3, b"interrupted\n")


@pytest.mark.crash
@pytest.mark.usefixtures("strace")
@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in (COMMIT, PREPARE, PUSHED, FINISH)])
def test_ctrl_c_around_every_git_call(case: Case, tries: Tries, record_property: Callable[[str, object], None]) -> None:
    tried = tries(case)
    found = points.find(tried.stage, case, strides=points.THIN)
    for point in found.calls:
        ended = interrupted(tried, point)
        if ended.reached:
            tried.tried[f"Ctrl-C {point.when}"] += 1
        else:
            tried.passed_by(point, ended)
    tried.conclude(record_property)


def interrupted(tried: Trial, point: Point) -> Ended:
    """Press Ctrl-C at a point and judge what is left; a run that does not come there ends as if undisturbed."""
    stage = tried.stage
    stage.restore("start")
    with started(stage, tried.case, point) as run:
        reached = run.arrive()
        if reached:
            run.interrupt()
            run.go_on()
        else:
            run.wait()
    ended = run.ended(reached=reached)
    if not reached:
        return ended
    wanted = 7 if stage.journal.exists() else 3
    assert (ended.code, "interrupted" in ended.text) == (wanted, True), f"{point}: {ended}"
    assert ("release.resume" in ended.text) == (wanted == 7), f"{point}: {ended}"
    if wanted == 3:
        assert not stage.state().differences(tried.start), point
        assert not stage.leftovers(), point
    tried.judge()
    return ended
