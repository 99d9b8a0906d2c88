"""A rehearsal goes on without a gate that could not look, and says so; nothing else does, and nothing makes it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from gated import CANDIDATE, FINISH, Gates, bumped, done, opened, refuses, typed
from gating import PASSING, telling
from support import thorough

from release.gates.results import Result

if TYPE_CHECKING:
    from support import Project

BLIND = Result(session="security", not_looked=("no service answers",), advisory=True)
BOTH = Result(session="security", not_looked=("no service answers",), findings=("a.py is bad",))
BOTH_GATES = '["tests", "security"]'
REHEARSE = ("release.rehearse", "1.0.0rc1")
# What might be thought to hand the permission over, as Invoke's and our own settings, in a file or a variable.
SETTINGS = "{held: true, rehearsal: true, rehearse: true, unaudited: true}"
PYTHON = "held = rehearsal = __import__('release.flows.rehearse').flows.rehearse.Rehearsal(stage=None)\n"
NAMES = ("HELD", "REHEARSAL", "REHEARSED", "RELEASE_REHEARSAL", "RELEASE_UNAUDITED", "NOT_AUDITED", "CI")


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have what a rehearsal leaves removed with the test."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.fixture
def gates(tmp_path: Path) -> Gates:
    return Gates(tmp_path, BOTH_GATES, telling(BLIND, "session.error('no service answers')"))


def test_it_comes_to_its_end_and_says_what_was_not_audited(gates: Gates) -> None:
    project = gates.project
    before = project.state(times=True)
    ended = done(project, *REHEARSE)
    end = ended.out.splitlines()[-3:]
    assert end[0].startswith("NOT AUDITED: gate security could not look on ")
    assert end[0].endswith("session security could not look: no service answers")
    assert end[1:] == [
        "the rehearsal went on without that; a release stops there, with exit code 5",
        "to have it looked at: invoke scan --gate security",
    ]
    assert "  v1.0.0rc1 is tagged on release/v1.0.0, pushed to origin" in ended.out
    assert "  v1.0.0 is released on main, pushed to origin; develop at 1.1.0.dev0" in ended.out
    assert ended.out.count("the rehearsal goes on without security: nothing else does") == 2
    assert ended.out.count("gates: tests ok, security missing") == 2
    assert project.state(times=True) == before
    assert not (project.path / ".git" / "release" / "receipts").exists()
    assert not list((gates.log.parent / ".cache").rglob("tree"))


@pytest.mark.thorough
def test_no_gate_is_ended_because_another_could_not_look(tmp_path: Path) -> None:
    settings = '["security", "tests"]\nfail_fast = true'
    gates = Gates(tmp_path, settings, telling(BLIND, "session.error('no service answers')"))
    gates.do("sleep 0.5; exit 1")
    ended = gates.project.invoke(*REHEARSE)
    assert (ended.code, gates.count) == (5, 1)
    assert "gate tests: failed" in ended.out


def test_ended_from_outside_it_removes_its_copies_and_ends_by_that_signal(tmp_path: Path) -> None:
    gates = Gates(tmp_path)
    gates.do('touch "$HOME/begun"; sleep 60')
    begun, folder = gates.log.with_name("begun"), tmp_path / "temporary"
    folder.mkdir()
    argv, env = [sys.executable, "-m", "invoke", *REHEARSE], {**os.environ, "TMPDIR": str(folder)}
    with subprocess.Popen(argv, cwd=gates.project.path, env=env, stdout=subprocess.DEVNULL) as run:
        deadline = time.monotonic() + 60
        while not begun.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        run.terminate()
        assert run.wait(60) == -signal.SIGTERM
    assert begun.exists()
    assert not list(folder.glob("rehearsal-*"))


@pytest.mark.thorough
@pytest.mark.parametrize("words", [FINISH, *thorough((CANDIDATE,))])
def test_the_same_release_stops_and_says_how_to_go_on(gates: Gates, words: tuple[str, ...]) -> None:
    project = gates.project
    opened(project)
    said = refuses(project, *words, code=5, says="NOT AUDITED: gate security could not look on")
    assert "session security could not look: no service answers" in said
    assert "no service answers" in typed(project, "the whole log: ", said.replace("log: ", "log: cat "))
    assert "no service answers" in typed(project, "run it again: ", said, status=1)
    more = "--version 1.0.0" if words == FINISH else "--version 1.0.0 --phase rc"
    again = f"{words[0]} {more}"
    assert said.endswith(
        "nothing has changed, and nothing is tagged\n"
        f"next: see that the gate can look, then: invoke {again}\n"
        "undo: there is nothing to undo\n"
    )
    project.write("noxfile.py", PASSING + telling(Result(session="security")))
    project.git("commit", "-q", "-a", "-m", "fix: the gate can look")
    typed(project, "then: ", said.replace(again, f"{again} --yes"))


@pytest.mark.parametrize("end", ["session.error('no')", *thorough("session.run('true', external=True)")])
def test_what_failed_besides_still_stops_it(tmp_path: Path, end: str) -> None:
    project = Gates(tmp_path, '["security"]', telling(BOTH, end)).project
    ended = project.invoke(*REHEARSE)
    assert ended.code == 5
    assert "gate security failed on" in ended.out
    assert "session security has findings besides: a.py is bad" in ended.out
    assert "the rehearsal stopped: invoke release.candidate ended with 5" in ended.err


def test_a_gate_that_fails_stops_it_and_leaves_its_checkout_to_look_into(tmp_path: Path) -> None:
    gates = Gates(tmp_path)
    project = gates.project
    gates.do("echo red; exit 1")
    before = project.state(times=True)
    ended = project.invoke(*REHEARSE)
    assert (ended.code, project.state(times=True) == before) == (4, True)
    assert "  error: gate tests failed on " in ended.out
    assert "red\n" in typed(project, "run it again: ", ended.out, status=1)
    typed(project, "to remove it: ", ended.err)
    assert not list((gates.log.parent / ".cache" / "invoke-gitflow").iterdir())


def test_no_variable_gives_the_permission(gates: Gates, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        for prefix in ("", "INVOKE_", "INVOKE_RELEASE_", "RELEASE_"):
            monkeypatch.setenv(f"{prefix}{name}", "1")
    monkeypatch.setenv("INVOKE_RUN_DRY", "")
    opened(gates.project)
    refuses(gates.project, *FINISH, code=5)


@pytest.mark.parametrize(("name", "text"), [("invoke.yaml", SETTINGS), *thorough(("invoke.py", PYTHON))])
def test_no_setting_of_invoke_gives_it(gates: Gates, name: str, text: str) -> None:
    project = gates.project
    home = gates.log.parent
    (home / f".{name}").write_text(text)
    project.commit("chore: settings", {name: text})
    opened(project)
    refuses(project, *FINISH, code=5)
    assert project.invoke("--config", str(project.path / name), *FINISH).code == 5


def test_no_key_and_no_flag_gives_it(gates: Gates) -> None:
    project = gates.project
    opened(project)
    for flag in ("--rehearsal", "--rehearse", "--unaudited", "--allow-unaudited", "--force"):
        assert project.invoke(*FINISH, flag).code == 1
    settings = project.read("pyproject.toml") + "rehearsal = true\n"
    project.commit("chore: settings", {"pyproject.toml": settings})
    refuses(project, *FINISH, code=2, says="rehearsal")


@pytest.mark.thorough
def test_it_ends_with_the_rehearsal(gates: Gates) -> None:
    project = gates.project
    ended = project.invoke(*REHEARSE, "release.prepare", "1.0.0rc1", "--push", "--yes", *CANDIDATE)
    assert ended.code == 5, ended.text
    assert "the rehearsal went on without that" in ended.out
    assert "error: NOT AUDITED" in ended.err
    assert project.remote_ref("v1.0.0rc1") == project.ref("v1.0.0rc1") == ""


@pytest.mark.thorough
def test_the_copies_themselves_have_it_no_longer(gates: Gates) -> None:
    project = gates.project
    ended = done(project, *REHEARSE, "--keep")
    clone = Path(ended.err.partition("kept: ")[2].partition(" ")[0])
    assert project.invoke("release.prepare", "1.2.0rc1", "--allow-empty", cwd=clone).code == 0
    assert project.invoke(*CANDIDATE, cwd=clone).code == 5
    typed(project, "to remove it: ", ended.err)


@pytest.mark.thorough
def test_other_tasks_that_tag_do_not_have_it(gates: Gates) -> None:
    bumped(gates.project)
    said = refuses(gates.project, "tag", "--push", "--yes", code=5)
    assert "then: invoke tag --push\n" in said


def test_settings_that_send_pushes_elsewhere_stop_it(gates: Gates, tmp_path: Path) -> None:
    project: Project = gates.project
    project.git("init", "-q", "--bare", str(tmp_path / "real"))
    project.git("config", "--global", f"url.{tmp_path / 'real'}/.pushInsteadOf", "/")
    ended = project.invoke(*REHEARSE)
    assert ended.code == 3
    assert "your git settings send pushes to the rehearsal's origin elsewhere" in ended.err
    assert project.git("for-each-ref", cwd=tmp_path / "real") == ""


@pytest.mark.thorough
def test_the_configured_remote_is_the_one_that_is_rehearsed(tmp_path: Path) -> None:
    gates = Gates(tmp_path, '["tests"]\nremote = "upstream"')
    gates.project.git("remote", "rename", "origin", "upstream")
    ended = done(gates.project, *REHEARSE)
    assert "  v1.0.0 is released on main, pushed to upstream" in ended.out
    assert "NOT AUDITED" not in ended.text
