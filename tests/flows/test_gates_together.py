"""Gates side by side: that they are, what each of them says and leaves, and when one ends the others."""

from __future__ import annotations

import fcntl
import json
import os
import re
import time
from pathlib import Path

import pytest
from gating import HEAD, Gated, are_quiet, gated, session, shell, stubborn, waits_for

from release.beside import Beside
from release.errors import Exit, ReleaseError

FAIL_FAST = "[tool.release]\nfail_fast = true\n"


@pytest.fixture(autouse=True)
def cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every machine have two cores."""
    has_cores(2, monkeypatch)


def has_cores(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(number)), raising=False)


def noxfile(**scripts: str) -> str:
    return HEAD + "".join(session(shell(script), name=name) for name, script in scripts.items())


def home(name: str) -> Path:
    return Path(os.environ["HOME"], name)


def refused(project: Gated, *gates: str) -> ReleaseError:
    with pytest.raises(ReleaseError) as caught:
        project.run(*gates)
    return caught.value


def said(project: Gated) -> set[str]:
    """Return what was said but times."""
    return {line.partition(" (")[0] for line in project.said}


def is_free(project: Gated, gate: str) -> bool:
    with (project.place(gate) / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return True


def test_two_gates_run_at_the_same_time(tmp_path: Path) -> None:
    """Each waits for a file that the other writes."""
    project = gated(
        tmp_path,
        noxfile(tests=f'touch "$HOME/one"; {waits_for("two")}', lint=f'touch "$HOME/two"; {waits_for("one")}'),
    )
    project.run("tests", "lint")
    assert project.receipt("tests") is not None
    assert project.receipt("lint") is not None
    assert project.said[:2] == ["gate tests: running", "gate lint: running"]
    assert re.fullmatch(r"gates: \d+\.\d s \(tests \d+\.\d s, lint \d+\.\d s\)", project.said[-1])


def test_no_more_run_than_there_are_cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    has_cores(1, monkeypatch)
    alone = 'mkdir "$HOME/busy"; sleep 0.1; rmdir "$HOME/busy"'
    project = gated(tmp_path, noxfile(one=f"set -e; {alone}", two=f"set -e; {alone}"))
    project.run("one", "two")
    assert [line.partition(" (")[0] for line in project.said[:-1]] == [
        f"gate {gate}: {state}" for gate in ("one", "two") for state in ("running", "passed")
    ]


def test_one_that_fails_leaves_the_others_alone(tmp_path: Path) -> None:
    slow = f"{waits_for('failed')}; sleep 0.2"
    project = gated(tmp_path, noxfile(tests='touch "$HOME/failed"; exit 1', lint=slow, scan="exit 2"))
    error = refused(project, "tests", "lint", "scan")
    assert [problem.what.partition(" on ")[0] for problem in error.problems] == [
        "gate tests failed",
        "gate scan failed",
    ]
    assert error.exit == Exit.GATE_FAILED
    assert project.receipt("tests") is None
    assert project.receipt("lint") is not None


def test_with_fail_fast_the_first_that_fails_ends_the_others(tmp_path: Path) -> None:
    scripts = noxfile(
        tests=f"{waits_for('ticks')}; exit 1",
        lint=f"{stubborn('ticks')} sleep 30; touch $HOME/late",
        scan="touch $HOME/late",
    )
    project = gated(tmp_path, {"noxfile.py": scripts, "pyproject.toml": FAIL_FAST})
    error = refused(project, "tests", "lint", "scan")
    assert [problem.what.partition(" on ")[0] for problem in error.problems] == ["gate tests failed"]
    assert said(project) >= {"gate tests: failed", "gate lint: cancelled", "gate scan: cancelled"}
    assert "gate scan: running" not in project.said
    assert project.said[-1].endswith(", lint cancelled, scan cancelled)")
    assert are_quiet("ticks")
    assert not home("late").exists()
    assert project.receipt("lint") is project.receipt("scan") is None
    assert is_free(project, "lint")


def test_fail_fast_is_that_of_the_commit(tmp_path: Path) -> None:
    project = gated(
        tmp_path, {"noxfile.py": noxfile(tests="exit 1", lint="true"), "pyproject.toml": "[tool.release]\n"}
    )
    project.write("pyproject.toml", FAIL_FAST)
    refused(project, "tests", "lint")
    assert project.receipt("lint") is not None


def test_a_configuration_that_cannot_be_read_runs_nothing(tmp_path: Path) -> None:
    files = {"noxfile.py": noxfile(tests="true", lint="true"), "pyproject.toml": "[tool.release]\nfail_fast = 1\n"}
    project = gated(tmp_path, files)
    assert refused(project, "tests", "lint").exit == Exit.USAGE
    assert project.said == []


@pytest.mark.parametrize("number", [1, 2])
def test_sessions_that_do_not_exist_are_named_before_others_have_run_for_long(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_cores(number, monkeypatch)
    project = gated(tmp_path, noxfile(tests='sleep 30; touch "$HOME/late"'))
    error = refused(project, "tests", "lint", "scan")
    assert error.exit == Exit.USAGE
    assert len(error.problems) == 1
    assert re.search(r"has no session lint, scan, which `gates` names", str(error))
    assert error.problems[0].hint == "write the session, or correct gates in [tool.release]"
    assert said(project) >= {f"gate {gate}: cancelled" for gate in ("tests", "lint", "scan")}
    assert not home("late").exists()
    assert project.receipt("tests") is None


def test_fresh_runs_gates_that_have_a_receipt(tmp_path: Path) -> None:
    project = gated(tmp_path, noxfile(tests='echo >> "$HOME/count"', lint="true"))
    project.run("tests", "lint")
    project.said.clear()
    project.run("tests", fresh=True)
    assert home("count").read_text() == "\n\n"
    assert project.said[0] == "gate tests: running"
    project.run("tests", "lint")
    assert home("count").read_text() == "\n\n"


@pytest.mark.thorough
def test_a_gate_that_fails_now_has_no_receipt_of_before(tmp_path: Path) -> None:
    project = gated(tmp_path, noxfile(tests='test ! -e "$HOME/broken"', lint="true"))
    project.run("tests", "lint")
    home("broken").touch()
    with pytest.raises(ReleaseError):
        project.run("tests", "lint", fresh=True)
    assert project.receipt("tests") is None
    assert project.receipt("lint") is not None


def test_what_fails_loses_its_receipt_although_something_could_not_be_looked_at(tmp_path: Path) -> None:
    body = "flip = __import__('os').path.exists(__import__('os').environ['HOME'] + '/flip')"
    body += "\n    if flip and db == 'one': session.skip('no such database')"
    body += "\n    session.run('false' if flip else 'true', external=True)"
    source = session(body, decorator="@nox.session(python=False)\n@nox.parametrize('db', ['one', 'two'])")
    project = gated(tmp_path, HEAD + source.replace("(session)", "(session, db)"))
    project.run()
    home("flip").touch()
    with pytest.raises(ReleaseError) as caught:
        project.run(fresh=True)
    assert caught.value.exit == Exit.NOT_AUDITED
    assert project.receipt() is None


def test_a_receipt_that_is_gone_when_the_others_have_passed_does_not_count(tmp_path: Path) -> None:
    kept = tmp_path / "work/.git/release/receipts/tests"
    project = gated(tmp_path, noxfile(tests="true", lint=f"rm -r '{kept}'"))
    assert kept.parents[2] == project.repository.common
    project.run("tests")
    error = refused(project, "tests", "lint")
    assert error.exit == Exit.GATE_FAILED
    assert "the receipt of gate tests is gone" in str(error)


@pytest.mark.thorough
def test_nothing_a_gate_has_started_outlives_it(tmp_path: Path) -> None:
    """What timeout(1) runs is in a process group of its own."""
    endless = 'while :; do echo x >> "$HOME/left"; sleep 0.02; done'
    project = gated(tmp_path, noxfile(tests=f"timeout 60 sh -c '{endless}' & sleep 0.3"))
    project.run("tests")
    assert are_quiet("left")


@pytest.mark.thorough
@pytest.mark.parametrize(("field", "value"), [("started", "a"), ("ended", 10**20), ("expires", True), ("ended", -1)])
def test_a_receipt_with_times_that_no_clock_shows_is_none(tmp_path: Path, field: str, value: object) -> None:
    project = gated(tmp_path)
    project.run()
    place = project.repository.common / "release/receipts/tests" / f"{project.tree()}.json"
    place.write_text(json.dumps({**json.loads(place.read_text()), field: value}))
    assert project.receipt() is None


def test_what_another_run_has_shown_meanwhile_is_taken(tmp_path: Path) -> None:
    """Two runs at once: one waits for the other, and then starts no nox."""
    script = f'echo >> "$HOME/count"; {waits_for("go")}'
    project = gated(tmp_path, noxfile(tests=script, lint=script))
    other = gated_at(project)
    first, second = Beside(lambda: project.run("tests", "lint")), Beside(lambda: other.run("tests", "lint"))
    deadline = time.monotonic() + 30
    while sum("waiting for another run" in line for line in (*project.said, *other.said)) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    home("go").touch()
    first.result()
    second.result()
    assert home("count").read_text() == "\n\n"
    assert {"gate tests: passed", "gate lint: passed"} < said(project) & said(other)


def gated_at(project: Gated) -> Gated:
    other = Gated(project.folder)
    other.path = project.path
    return other
