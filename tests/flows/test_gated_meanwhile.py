"""What people do while gates run: it is told before anything moves, and no other tree is tagged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from gated import FINISH, MAKERS, PROPAGATE, TAG, Gates, bumped, done, edited, opened, receipt
from support import thorough

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support import Project


@pytest.fixture
def gates(tmp_path: Path) -> Gates:
    """Return a project with one gate."""
    return Gates(tmp_path)


def _commits(project: Project) -> str:
    return f"git -C {project.path} commit -q --allow-empty -m 'fix: meanwhile'"


def _branches_off(project: Project) -> str:
    return f"git -C {project.path} switch -q -c elsewhere"


def _edits(project: Project) -> str:
    return f"echo mine >> {project.path}/tasks.py"


def _stages(project: Project) -> str:
    return f"echo mine >> {project.path}/tasks.py; git -C {project.path} add tasks.py"


def _merges(project: Project) -> str:
    return f"git -C {project.path} rev-parse HEAD > {project.path}/.git/MERGE_HEAD"


_MEANWHILE = (_commits, _branches_off, _edits, _stages, _merges)


@pytest.mark.parametrize(
    ("maker", "what"),
    [
        *(("finish", what) for what in _MEANWHILE),
        ("candidate", _commits),
        *thorough(*(("candidate", what) for what in _MEANWHILE[1:])),
    ],
)
def test_what_people_do_in_the_worktree_while_gates_run_stops_it(
    gates: Gates, maker: str, what: Callable[[Project], str]
) -> None:
    words, before, tag, branch = MAKERS[maker]
    project = gates.project
    before(project)
    remote, old = project.git("for-each-ref", cwd=project.remote), project.ref(branch)
    gates.do(f"cd {project.path}; {what(project)}")
    ended = project.invoke(*words)
    assert ended.code == 3, ended.text
    assert project.git("for-each-ref", cwd=project.remote) == remote
    assert project.ref(tag) == ""
    assert project.ref(branch) == old or project.ref(f"{branch}~1") == old
    assert project.state()["journal"] is False


@pytest.mark.parametrize("maker", ["finish", "propagate", *thorough("candidate")])
def test_a_commit_that_comes_while_gates_run_is_told_and_then_released(gates: Gates, maker: str) -> None:
    words, before, tag, branch = MAKERS[maker]
    project = gates.project
    before(project)
    gates.do(f"cd {project.path}; {_commits(project)}")
    ended = project.invoke(*words)
    assert ended.code == 3, ended.text
    assert f"{branch} has moved while the gates ran" in ended.err
    assert "begin again, it is planned on what is there now: invoke " in ended.err
    assert project.git("log", "-1", "--format=%s", branch) == "fix: meanwhile"
    gates.do("true")
    done(project, *words)
    assert "fix: meanwhile" in project.git("log", "--format=%s", tag).splitlines()


def test_a_commit_on_top_while_gates_run_leaves_the_tag_on_what_they_saw(gates: Gates) -> None:
    project = gates.project
    bumped(project)
    head = project.ref("HEAD")
    gates.do(f"cd {project.path}; {_commits(project)}")
    done(project, *TAG)
    assert project.remote_ref("v1.0.0^{commit}") == receipt(project, "v1.0.0").commit == head
    assert project.ref("main~1") == project.remote_ref("main") == head


def test_files_that_change_while_gates_run_stop_what_would_replace_them(gates: Gates) -> None:
    project = gates.project
    edited(project)
    gates.do(f"cd {project.path}; echo 1.5.0 > VERSION; git add VERSION")
    ended = project.invoke(*PROPAGATE)
    assert ended.code == 3, ended.text
    assert "changed while the gates ran: " in ended.err
    assert project.read("VERSION") == "1.5.0\n"
    assert project.ref("main") == project.remote_ref("main") == project.ref("v0.9.0^{commit}")


def test_another_branch_checked_out_while_gates_run_stops_what_goes_with_the_first(gates: Gates) -> None:
    project = gates.project
    edited(project)
    gates.do(f"git -C {project.path} switch -q -c elsewhere")
    ended = project.invoke(*PROPAGATE)
    assert ended.code == 3, ended.text
    assert "is on elsewhere now, not on main any more" in ended.err
    assert project.ref("main") == project.ref("v0.9.0^{commit}")


@pytest.mark.thorough
def test_a_remote_that_moves_while_gates_run_gets_nothing(gates: Gates) -> None:
    project = gates.project
    opened(project)
    other = project.folder / "other"
    project.git("clone", "-q", "-b", "main", str(project.remote), str(other), cwd=project.folder)
    gates.do(f"cd {other}; git commit -q --allow-empty -m 'fix: meanwhile'; git push -q origin main")
    before = {**project.state(times=True), "remote": ""}
    ended = project.invoke(*FINISH)
    assert (ended.code, {**project.state(times=True), "remote": ""} == before) == (3, True), ended.text
    assert "main moved at origin meanwhile, and nothing else did" in ended.err
    assert project.remote_ref("v1.0.0") == ""
    gates.do("true")
    done(project, *FINISH)
    assert "fix: meanwhile" in project.git("log", "--format=%s", "v1.0.0").splitlines()
