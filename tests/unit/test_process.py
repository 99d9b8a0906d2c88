"""A program that takes too long is ended with all that it has started, wherever that has put itself."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from gating import are_quiet, stubborn

from release import process

HOLDING = "import os, pathlib; from release import process; process.run({!r}, cwd=pathlib.Path('/'), env=os.environ)"
SCRIPTS = {
    "in its group": stubborn("late"),
    "in another group": f"set -m; {stubborn('late')}",
    "in a session of its own": f"setsid sh -c {shlex.quote(stubborn('late') + ' wait')} &",
}


def has_begun() -> bool:
    return Path(os.environ["HOME"], "late").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing tells who belongs to whom but the group")
@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_after_the_limit_nothing_goes_on(script: str) -> None:
    with pytest.raises(TimeoutError, match="within 1 seconds"):
        process.run(["sh", "-c", f"{script} sleep 60"], cwd=Path("/"), env=os.environ, timeout=1)
    assert are_quiet("late")


def test_the_limit_holds_for_what_keeps_the_streams_open() -> None:
    with pytest.raises(TimeoutError):
        process.run(["sh", "-c", stubborn("late")], cwd=Path("/"), env=os.environ, timeout=1)
    assert are_quiet("late")


@pytest.mark.skipif(sys.platform != "linux", reason="as above")
def test_a_group_is_ended_with_the_programs_that_it_runs_as_we_do(tmp_path: Path) -> None:
    """What a gate's session runs leads a session, too; nox itself may be killed before it can end that."""
    argv = ["sh", "-c", f"{stubborn('late')} sleep 60"]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    words = [sys.executable, "-c", HOLDING.format(argv)]
    group = process.start_group(words, cwd=tmp_path, env=env, output=subprocess.DEVNULL)
    deadline = time.monotonic() + 30
    while not has_begun() and time.monotonic() < deadline:
        time.sleep(0.02)
    group.signal(signal.SIGKILL)
    assert group.wait() == -signal.SIGKILL
    assert are_quiet("late")


def test_no_limit_without_a_way_to_end_all_of_it() -> None:
    started = process.start(["true"], cwd=Path("/"), env=os.environ)
    with pytest.raises(AssertionError):
        started.finish(timeout=60)
    started.kill()
