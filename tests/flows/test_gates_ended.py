"""How a run of gates is ended from outside: nothing goes on, nobody is locked out, no receipt says that it passed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from gating import HEAD, Gated, are_quiet, gated, session, shell, stubborn
from support import thorough
from terminals import ROOT, Terminal

from release.gates import together

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PYPROJECT = """\
[project]
name = "demo"
dynamic = ["version"]
[tool.release]
develop = "main"
gates = ["tests", "lint"]
"""
TAG = (sys.executable, "-m", "invoke", "tag")


@pytest.fixture(autouse=True)
def cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every machine have two cores."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)


def project_with(folder: Path, body: Callable[[str], str]) -> Gated:
    """Make a project whose tasks can be run, with two gates; `body` is what a session of that name does."""
    noxfile = HEAD + "".join(session(body(name), name=name) for name in ("tests", "lint"))
    files = {"noxfile.py": noxfile, "pyproject.toml": PYPROJECT, "VERSION": "1.0.0\n"}
    return gated(folder, {**files, "tasks.py": "from release import ns\n"})


def lasting(name: str) -> str:
    """Return what a session does that goes on for long, and starts what ends by no signal but SIGKILL."""
    return shell(f'{stubborn(name)} sleep 60; touch "$HOME/late"')


def deaf(name: str) -> str:
    """Return what a session does that hears no interrupt at all."""
    ignoring = "__import__('signal').signal(2, 1)"
    return f"{ignoring}; " + shell(f'{stubborn(name)} trap "" INT; sleep 20; touch "$HOME/late"')


def until(true: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 30
    while not true() and time.monotonic() < deadline:
        time.sleep(0.02)
    return true()


def both_run() -> bool:
    return all(Path(os.environ["HOME"], name).exists() for name in ("tests", "lint"))


def nothing_is_left(project: Gated) -> bool:
    for gate in ("tests", "lint"):
        assert project.receipt(gate) is None
        assert not (project.place(gate) / "environments").exists()
        with (project.place(gate) / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return are_quiet("tests", "lint") and not Path(os.environ["HOME"], "late").exists()


@contextlib.contextmanager
def striking(*moments: Callable[[], bool]) -> Iterator[None]:
    """Let the main thread get an interrupt when each of these has come true, one after another."""
    main = threading.main_thread().ident
    assert main is not None

    def strike() -> None:
        for moment in moments:
            if until(moment):
                signal.pthread_kill(main, signal.SIGINT)

    thread = threading.Thread(target=strike)
    thread.start()
    yield
    thread.join()


def has_said(project: Gated, words: str, times: int = 1) -> Callable[[], bool]:
    return lambda: " ".join(project.said).count(words) >= times


def test_an_interrupt_ends_all_that_gates_have_started(tmp_path: Path) -> None:
    project = project_with(tmp_path, lasting)
    with striking(both_run), pytest.raises(KeyboardInterrupt):
        project.run("tests", "lint")
    assert {"gate tests: cancelled", "gate lint: cancelled"} <= {line.partition(" (")[0] for line in project.said}
    assert nothing_is_left(project)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("patience", [0.1, 600.0])
def test_what_hears_no_interrupt_is_killed_after_a_while_or_at_the_second_one(
    patience: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(together, "PATIENCE", patience)
    project = project_with(tmp_path, deaf)
    moments = [both_run, *([has_said(project, "ending the gates")] * (patience > 1))]
    with striking(*moments), pytest.raises(KeyboardInterrupt):
        project.run("tests", "lint")
    assert nothing_is_left(project)


def test_a_run_that_waits_for_another_one_can_be_interrupted(tmp_path: Path) -> None:
    project = project_with(tmp_path, lasting)
    with contextlib.ExitStack() as stack:
        for gate in ("tests", "lint"):
            project.place(gate).mkdir(parents=True)
            lock = stack.enter_context((project.place(gate) / "lock").open("w"))
            fcntl.flock(lock, fcntl.LOCK_EX)
        with striking(has_said(project, "waiting for another run", 2)), pytest.raises(KeyboardInterrupt):
            project.run("tests", "lint")
    assert not both_run()


@pytest.mark.parametrize("number", [signal.SIGTERM, *thorough(signal.SIGHUP)])
def test_a_run_that_is_told_to_end_takes_its_gates_with_it(number: signal.Signals, tmp_path: Path) -> None:
    project = project_with(tmp_path, lasting)
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(TAG, cwd=project.path, env=env, stderr=subprocess.PIPE, text=True) as process:
        until(both_run)
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    assert process.returncode == -number
    assert "gate tests: cancelled" in said
    assert nothing_is_left(project)


@pytest.mark.thorough
def test_ctrl_c_at_a_terminal_leaves_the_table_as_it_was_in_the_end(tmp_path: Path) -> None:
    project = project_with(tmp_path, lasting)
    with contextlib.closing(Terminal(TAG, cwd=project.path)) as terminal:
        until(both_run)
        terminal.until("running")
        terminal.type("\x03")
        assert terminal.ends() == 3
        ending, tests, lint, total, interrupted = terminal.shows()
    assert ending == "ending the gates; Ctrl-C once more kills them"
    assert re.fullmatch(r"tests  cancelled +\d+\.\d s", tests)
    assert re.fullmatch(r"lint   cancelled +\d+\.\d s", lint)
    assert re.fullmatch(r"gates: \d+\.\d s \(tests cancelled, lint cancelled\)", total)
    assert interrupted == "interrupted"
    assert nothing_is_left(project)


@pytest.mark.thorough
def test_whoever_waits_for_a_program_by_itself_ends_it_at_a_ctrl_c() -> None:
    program = (
        "import os, pathlib, signal, sys, threading\n"
        "from release import process\n"
        "root, output = pathlib.Path('/'), sys.stderr.fileno()\n"
        "group = process.start_group(['sleep', '60'], cwd=root, env=os.environ, output=output)\n"
        "threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
        "try:\n"
        "    group.wait()\n"
        "except KeyboardInterrupt:\n"
        "    print(group._popen.returncode)\n"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, check=True, timeout=50)
    assert ended.stdout == b"-2\n"
