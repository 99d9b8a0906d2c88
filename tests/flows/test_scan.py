"""`scan`: the gates on what HEAD has committed, whatever else goes on in the repository."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from gated import Gates, done, receipt, refuses, typed
from gating import HEAD, PASSING, gated, session, telling
from support import Project, git_flow

from release.gates import receipts
from release.gates.results import Result
from release.git import journal, repository
from release.plan import Plan

if TYPE_CHECKING:
    from pathlib import Path

SEEN = Result(session="security", evidence=("bandit 1.9.4: 3 files, 0 findings",), advisory=True)
BLIND = Result(session="security", not_looked=("no service answers",), advisory=True)


@pytest.fixture
def gates(tmp_path: Path) -> Gates:
    return Gates(tmp_path, '["tests", "security"]', telling(SEEN))


def lines(text: str) -> list[str]:
    return [line.partition(", receipt of")[0] for line in text.splitlines()]


def test_head_is_gated_and_each_gate_has_a_line(gates: Gates) -> None:
    project = gates.project
    project.write("b.txt", "not committed\n")
    project.write("new/c.txt", "not committed\n")
    gates.do("cat b.txt; test ! -e new")
    before = project.state(times=True)
    ended = done(project, "scan")
    commit, tree = project.ref("HEAD"), project.ref("HEAD^{tree}")
    assert ended.out.splitlines() == [
        f"HEAD {commit[:10]}, tree {tree}",
        "not looked at: b.txt, new/ (not committed)",
        "tests     passed  1 command",
        "security  passed  1 command, bandit 1.9.4: 3 files, 0 findings, expires in 24 h",
    ]
    assert project.state(times=True) == before
    assert receipt(project, "HEAD").commit == receipt(project, "HEAD", "security").commit == commit


def test_receipts_that_are_there_are_taken_and_fresh_takes_none(gates: Gates) -> None:
    project = gates.project
    first = done(project, "scan")
    project.git("commit", "-q", "--allow-empty", "-m", "chore: the same tree")
    again = done(project, "scan")
    assert gates.count == 1
    assert lines(again.out)[1:] == lines(first.out.replace(", expires in 24 h", ""))[1:]
    assert "receipt of 20" in again.out
    done(project, "scan", "--fresh")
    assert gates.count == 2


def test_some_gates_alone_in_the_order_given(gates: Gates) -> None:
    out = done(gates.project, "scan", "--gate", "security").out
    assert (gates.count, "tests" in out) == (0, False)
    out = done(gates.project, "scan", "--gate", "security", "--gate", "tests").out
    assert [line.split()[0] for line in out.splitlines()[1:]] == ["security", "tests"]
    refuses(gates.project, "scan", "--gate", "test", code=2, says="did you mean 'tests'?")


def test_a_preview_says_which_would_run(gates: Gates) -> None:
    done(gates.project, "scan", "--gate", "security")
    for words in (("scan", "--dry-run"), ("--dry", "scan")):
        ended = done(gates.project, *words)
        assert lines(ended.out)[1] == "tests     would run"
        assert lines(ended.out)[2].startswith("security  passed")
    assert done(gates.project, "scan", "--dry-run", "--fresh").out.count("would run") == 2
    assert gates.count == 0


def test_the_same_as_json(gates: Gates) -> None:
    project = gates.project
    project.write("b.txt", "not committed\n")
    facts = json.loads(done(project, "scan", "--json").out)
    assert (facts["commit"], facts["tree"]) == (project.ref("HEAD"), project.ref("HEAD^{tree}"))
    assert (facts["uncommitted"], facts["problems"]) == (["b.txt"], [])
    tests, security = facts["gates"]
    assert [tests[key] for key in ("gate", "passed", "result", "ran", "expires")] == [
        "tests",
        True,
        "passed",
        True,
        None,
    ]
    assert security["expires"].endswith("Z")
    assert security["receipt"]["counts"] == list(SEEN.evidence)
    assert security["receipt"]["sessions"][0]["name"] == "security"
    gates.do("exit 1")
    ended = project.invoke("scan", "--fresh", "--json")
    facts = json.loads(ended.out)
    assert ended.code == 4
    assert [one["result"] for one in facts["gates"]] == ["failed", "passed"]
    assert [(one["gate"], one["exit"]) for one in facts["problems"]] == [("tests", 4)]


def test_without_gates_that_is_said(project: Project) -> None:
    assert done(project, "scan").out == "no gates configured\n"
    assert json.loads(done(project, "scan", "--json").out)["gates"] == []
    refuses(project, "scan", "--gate", "tests", code=2, says="no gates are configured at HEAD")


@pytest.mark.thorough
def test_gates_are_those_that_are_committed(gates: Gates) -> None:
    gates.project.write("pyproject.toml", gates.project.read("pyproject.toml").replace('"tests", ', ""))
    done(gates.project, "scan")
    assert gates.count == 1


def test_it_works_while_a_release_is_in_progress_or_at_work(gates: Gates) -> None:
    project = gates.project
    where = repository.locate(project.path)
    with journal.locked(where):
        plan = Plan(task="release.finish --version 1.0.0", top=str(project.path), done="")
        journal.write(where, journal.Journal(plan=plan, git_dir=str(where.git_dir), phase="local"))
        done(project, "scan")
    assert "release.finish --version 1.0.0 was interrupted" in project.invoke("tag").err


@pytest.mark.thorough
def test_a_failure_names_the_log_the_repetition_and_the_next_command(gates: Gates) -> None:
    project = gates.project
    gates.do("echo red; exit 1")
    said = refuses(project, "scan", code=4, says="gate tests failed on")
    assert "| red" in said
    assert "red\n" in typed(project, "the whole log: ", said.replace("log: ", "log: cat "))
    assert "red\n" in typed(project, "run it again: ", said, status=1)
    gates.do("true")
    assert "next: mend what failed and commit, then: invoke scan --gate tests\n" in said
    assert "undo: there is nothing to undo\n" in said
    assert "tests  passed" in typed(project, "then: ", said)


@pytest.mark.thorough
def test_a_gate_that_fails_now_loses_its_receipt_and_one_that_cannot_look_keeps_it(tmp_path: Path) -> None:
    gates = Gates(
        tmp_path, '["tests", "security"]', telling(SEEN) + telling(BLIND).replace("def security", "def other")
    )
    project = gates.project
    done(project, "scan")
    gates.do("exit 1")
    ended = project.invoke("scan", "--fresh")
    assert (ended.code, "tests     failed\n" in ended.out) == (4, True)
    assert "then: invoke scan --fresh --gate tests\n" in ended.err
    where, tree = repository.locate(project.path), project.ref("HEAD^{tree}")
    assert receipts.find(where, "tests", tree) is None
    assert receipts.find(where, "security", tree) is not None


def test_what_could_not_look_is_told_from_what_failed(tmp_path: Path) -> None:
    both = Result(session="lint", findings=("a.py is bad",), not_looked=("b.py does not parse",))
    more = telling(BLIND, "session.error('no')") + telling(both, "session.error('no')")
    project = Gates(tmp_path, '["security", "lint"]', more).project
    ended = project.invoke("scan")
    assert ended.code == 5
    assert ended.out.splitlines()[1:] == ["security  could not look", "lint      could not look, and failed"]
    assert "gate lint failed on" in ended.err
    assert "session lint has findings besides: a.py is bad" in ended.err
    assert "NOT AUDITED: gate security could not look on" in ended.err
    assert "then: invoke scan --gate security --gate lint\n" in ended.err


@pytest.mark.thorough
def test_an_earlier_receipt_is_named_when_the_gate_cannot_look_now(gates: Gates) -> None:
    project = gates.project
    noxfile = telling(
        SEEN,
        "__import__('os').path.exists(__import__('os').environ['HOME'] + '/down') and "
        "session.skip('no network'); session.run('true', external=True)",
    )
    project.write("noxfile.py", HEAD + session("session.run('true', external=True)") + noxfile)
    project.git("commit", "-q", "-a", "-m", "ci: later")
    done(project, "scan")
    gates.log.with_name("down").touch()
    ended = project.invoke("scan", "--fresh")
    assert ended.code == 5
    assert "security  could not look  its earlier receipt still counts, 1 command" in ended.out
    assert receipt(project, "HEAD", "security").counts == SEEN.evidence


@pytest.mark.thorough
def test_a_head_that_moves_meanwhile_is_said(gates: Gates) -> None:
    project = gates.project
    commit = project.ref("HEAD")
    gates.do(f"git -C {project.path} commit -q --allow-empty -m 'fix: meanwhile'")
    said = done(project, "scan").err
    assert f"HEAD has moved meanwhile: this is what {commit[:10]} holds" in said


def test_nothing_to_scan_is_bad_input(tmp_path: Path) -> None:
    project = git_flow(tmp_path / "p", {"pyproject.toml": "", "tasks.py": "from release import ns\n"})
    refuses(project, "scan", code=2, says="gates names tests, security")
    refuses(project, "scan", "--dry-run", code=2, says="gates names tests, security")
    empty = Project(tmp_path / "empty")
    empty.path.mkdir(parents=True)
    empty.git("init", "-q")
    assert "no commit yet" in empty.invoke("scan").err


@pytest.mark.thorough
def test_a_shallow_clone_of_a_ci_will_do(tmp_path: Path) -> None:
    project = gated(tmp_path / "p", {"noxfile.py": PASSING, "pyproject.toml": '[tool.release]\ngates = ["tests"]\n'})
    project.commit("fix: more")
    project.git("clone", "-q", "--depth", "1", f"file://{project.path}", str(tmp_path / "ci"))
    ended = project.invoke("scan", cwd=tmp_path / "ci")
    assert ended.code == 0, ended.text
