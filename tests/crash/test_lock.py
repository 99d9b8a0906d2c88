"""Two runs in one clone, and git calls that outlive the run that started them."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support import thorough

from crash.cases import PREPARE, PUSHED, Case
from crash.killing import SECONDS, Point, started
from release.git import journal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from crash.judging import Trial

    Tries = Callable[[Case], Trial]

WAITING = """\
#!/bin/sh
: > "{folder}/waiting"
while [ ! -e "{folder}/go" ]; do sleep 0.05; done
"""


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second run in this process gives up at once."""
    monkeypatch.setattr(journal, "LOCK_SECONDS", 0.1)


@contextmanager
def waiting(hook: Path) -> Iterator[Path]:
    """Make a hook that waits; yields the file that tells that it does. It goes on when the block is left."""
    folder = hook.parent
    folder.mkdir(exist_ok=True)
    hook.write_text(WAITING.format(folder=folder))
    hook.chmod(0o755)
    try:
        yield folder / "waiting"
    finally:
        (folder / "go").touch()


def appears(place: Path) -> None:
    deadline = time.monotonic() + SECONDS
    while not place.exists():
        assert time.monotonic() < deadline, f"{place} does not appear"
        time.sleep(0.01)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    "words", [("release.prepare", "1.0.0"), *thorough((("bump", "minor"),), (("release.resume",),))]
)
def test_a_second_run_is_refused(words: tuple[str, ...], tries: Tries) -> None:
    tried = tries(PREPARE)
    stage = tried.stage
    stage.restore("start")
    with started(stage, PREPARE, Point(when="before", call="unpack-objects 1")) as first:
        assert first.arrive()
        untouched = stage.raw()
        second = stage.project.invoke(*words)
        assert (second.code, "another run is at work" in second.text) == (3, True), second.text
        assert stage.raw() == untouched
        first.go_on()
        assert first.ended(reached=True).code == 0
    assert not stage.state().differences(tried.end)


@pytest.mark.crash
def test_a_second_run_waits_as_long_as_it_says(tries: Tries) -> None:
    stage = tries(PREPARE).stage
    stage.restore("start")
    with started(stage, PREPARE, Point(when="before", call="unpack-objects 1")) as first:
        assert first.arrive()
        began = time.monotonic()
        second = stage.project.invoke("bump", "minor")
        assert (second.code, f"waited {journal.LOCK_SECONDS:g} s" in second.text) == (3, True), second.text
        assert journal.LOCK_SECONDS <= time.monotonic() - began < journal.LOCK_SECONDS + 3


@pytest.mark.usefixtures("impatient")
def test_a_git_call_that_outlives_its_run_keeps_the_lock(tries: Tries) -> None:
    tried = tries(PREPARE)
    stage = tried.stage
    stage.restore("start")
    with started(stage, PREPARE) as run:
        with waiting(stage.common / "hooks/reference-transaction") as there:
            appears(there)
            run.kill_parent()
            for command in ("release.resume", "release.abort"):
                refused = stage.project.invoke(command)
                assert (refused.code, "another run is at work" in refused.text) == (3, True), refused.text
        run.settle()
    finished(tried, "release.resume")


@pytest.mark.usefixtures("impatient")
def test_a_push_that_outlives_its_run_is_waited_for(tries: Tries) -> None:
    """Abort would undo here what the push then makes visible there."""
    tried = tries(PUSHED)
    stage = tried.stage
    stage.restore("start")
    with started(stage, replace(PUSHED, name="outlived")) as run:
        with waiting(stage.project.remote / "hooks/pre-receive") as there:
            appears(there)
            run.kill_parent()
            untouched = stage.raw()
            for command in ("release.resume", "release.abort"):
                refused = stage.project.invoke(command)
                assert (refused.code, "is at work in this repository" in refused.text) == (3, True), refused.text
            assert stage.raw() == untouched
        run.settle()
    refused = stage.project.invoke("release.abort")
    assert (refused.code, "already been pushed" in refused.text) == (3, True), refused.text
    finished(tried, "release.resume")


def finished(tried: Trial, command: str) -> None:
    ended = tried.stage.project.invoke(command)
    assert ended.code == 0, ended.text
    assert not tried.stage.state().differences(tried.end)
    assert not tried.stage.leftovers()
