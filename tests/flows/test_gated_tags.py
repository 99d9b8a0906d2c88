"""Gates before tags: on the very commit that is tagged, once for a tree, and nothing moves when one is not passed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from forge import Forge, protected, requested
from gating import HEAD, session, shell
from support import FILES, PYPROJECT, Ended, Project, git_flow

from release.gates import receipts
from release.git import repository

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from release.gates.receipts import Receipt

FINISH = ("release.finish", "--yes")
CANDIDATE = ("release.candidate", "--yes")
TAG = ("tag", "--push", "--yes")
PROPAGATE = ("propagate", "--commit", "--tag", "--push", "--yes")


def _opened(project: Project) -> None:
    done(project, "release.prepare", "1.0.0rc1", "--push", "--yes")
    project.commit("fix: late", {"late.txt": "late\n"})


def _bumped(project: Project) -> None:
    project.git("switch", "-q", "main")
    done(project, "bump", "1.0.0")
    project.commit("chore: version")
    project.git("push", "-q", "origin", "main")


def _edited(project: Project) -> None:
    project.git("switch", "-q", "main")
    project.write("VERSION", "1.0.0\n")


# What makes a tag: the task, what comes before it, the tag, and the branch that gets a commit with it.
MAKERS = {
    "finish": (FINISH, _opened, "v1.0.0", "release/v1.0.0"),
    "candidate": (CANDIDATE, _opened, "v1.0.0rc1", "release/v1.0.0"),
    "tag": (TAG, _bumped, "v1.0.0", ""),
    "propagate": (PROPAGATE, _edited, "v1.0.0", "main"),
}


def done(project: Project, *words: str) -> Ended:
    ended = project.invoke(*words)
    assert ended.code == 0, ended.text
    return ended


def refuses(project: Project, *words: str, code: int, says: str = "") -> str:
    before = project.state(times=True)
    ended = project.invoke(*words)
    assert (ended.code, project.state(times=True) == before) == (code, True), ended.text
    assert says in ended.err, ended.text
    return ended.err


def receipt(project: Project, tag: str, gate: str = "tests") -> Receipt:
    found = receipts.find(repository.locate(project.path), gate, project.ref(f"{tag}^{{tree}}"))
    assert found is not None
    return found


class Gates:
    """A project whose main and develop have a noxfile; `count` says how often its session ran."""

    def __init__(self, folder: Path, gates: str = '["tests"]', more: str = "") -> None:
        self.log, self.script = folder / "log", folder / "script"
        self.log.write_text("")
        self.script.write_text("true\n")
        session_ = session(shell(f"echo ran >> {self.log}; sh {self.script}"))
        noxfile = HEAD + session_ + more
        settings = PYPROJECT.replace("gates = []", f"gates = {gates}")
        self.project = git_flow(folder / "project", {**FILES, "pyproject.toml": settings, "noxfile.py": noxfile})

    @property
    def count(self) -> int:
        return self.log.read_text().count("ran")

    def do(self, script: str) -> None:
        """Let the gate do something more."""
        self.script.write_text(f"set -e\n{script}\n")


@pytest.fixture
def gates(tmp_path: Path) -> Gates:
    return Gates(tmp_path)


@pytest.mark.parametrize("maker", MAKERS)
def test_the_gate_sees_the_commit_that_is_tagged_and_leaves_its_receipt(gates: Gates, maker: str) -> None:
    words, before, tag, _ = MAKERS[maker]
    project = gates.project
    before(project)
    gates.do(f"cat VERSION > {gates.log}.version")
    ended = done(project, *words)
    assert gates.count == 1
    assert gates.log.with_name("log.version").read_text() == f"{tag.removeprefix('v')}\n"
    assert receipt(project, tag).commit == project.ref(f"{tag}^{{commit}}")
    assert project.remote_ref(f"refs/tags/{tag}") == project.ref(f"refs/tags/{tag}")
    lines = [line.partition(" (")[0] for line in ended.err.splitlines()]
    assert lines.index("gate tests: running") < lines.index("gate tests: passed")
    pushed = next(line for line in lines if line.startswith("pushing"))
    assert lines.index("gate tests: passed") < lines.index(pushed)


@pytest.mark.parametrize("maker", MAKERS)
def test_a_gate_that_fails_moves_nothing_and_leaves_no_journal(gates: Gates, maker: str) -> None:
    words, before, tag, _ = MAKERS[maker]
    before(gates.project)
    gates.do("echo red; exit 1")
    said = refuses(gates.project, *words, code=4, says="gate tests failed on")
    assert "| red" in said
    assert gates.project.ref(tag) == ""
    gates.do("true")
    done(gates.project, *words)  # and nothing is in its way


@pytest.mark.parametrize("maker", MAKERS)
def test_the_same_tree_is_not_gated_twice(gates: Gates, maker: str) -> None:
    words, before, tag, _ = MAKERS[maker]
    project = gates.project
    before(project)
    hook = project.remote / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    refuses(project, *words, code=3, says="nothing moved anywhere")
    hook.unlink()
    said = done(project, *words).err
    assert "gate tests: receipt found" in said
    assert "running" not in said
    assert gates.count == 1
    assert project.remote_ref(tag)


def test_a_candidate_that_was_gated_counts_for_the_merge_of_the_same_tree(gates: Gates) -> None:
    """Without new commits on main, main's merge has the tree of the branch's final commit."""
    project = gates.project
    done(project, "release.prepare", "1.0.0", "--push", "--yes")
    done(project, "release.finish", "--pr", "--yes")
    assert gates.count == 0  # what is requested is gated when it has landed
    done(project, *FINISH)
    project.git("push", "-q", "origin", ":refs/tags/v1.0.0")
    project.git("tag", "-d", "v1.0.0")
    project.git("switch", "-q", "main")
    done(project, *TAG)
    assert gates.count == 1


@pytest.mark.parametrize("maker", MAKERS)
def test_a_dry_run_says_which_gates_would_run_and_runs_none(gates: Gates, maker: str) -> None:
    words, before, _, _ = MAKERS[maker]
    project = gates.project
    before(project)
    state = project.state(times=True)
    shown = done(project, *words[:-1], "--dry-run")
    assert "gates to run: tests" in shown.err
    assert "gates  tests on " in shown.out
    assert (gates.count, project.state(times=True) == state) == (0, True)


def test_a_dry_run_says_that_all_gates_have_passed(gates: Gates) -> None:
    _bumped(gates.project)
    done(gates.project, "tag")
    gates.project.git("tag", "-d", "v1.0.0")
    assert "all gates have passed this tree" in done(gates.project, "tag", "--dry-run").err


@pytest.mark.parametrize("maker", MAKERS)
def test_without_an_answer_nothing_is_gated(gates: Gates, maker: str) -> None:
    words, before, _, _ = MAKERS[maker]
    before(gates.project)
    refuses(gates.project, *words[:-1], code=2, says="--yes")
    assert gates.project.invoke(*words[:-1], answer="n").code == 3
    assert gates.count == 0


def test_what_is_refused_anyway_is_not_gated(gates: Gates) -> None:
    _opened(gates.project)
    gates.project.write("a.txt", "not committed\n")
    refuses(gates.project, *FINISH, code=3, says="a.txt")
    assert gates.count == 0


@pytest.mark.parametrize("maker", MAKERS)
def test_a_session_that_does_not_exist_stops_it_before_any_gate_runs(tmp_path: Path, maker: str) -> None:
    words, before, _, _ = MAKERS[maker]
    gates = Gates(tmp_path, '["tests", "lint", "scan"]', session("session.run('true')", name="scan"))
    before(gates.project)
    said = refuses(gates.project, *words, code=2, says="noxfile.py has no session lint")
    assert "correct gates in [tool.release]" in said
    assert gates.count == 0


@pytest.mark.parametrize("dry", [False, True])
def test_gates_without_a_noxfile_are_bad_input(tmp_path: Path, dry: bool) -> None:
    project = git_flow(tmp_path / "p", {**FILES, "pyproject.toml": PYPROJECT.replace("gates = []", "")})
    _bumped(project)
    words = ("tag", "--dry-run") if dry else ("tag",)
    refuses(project, *words, code=2, says="gates names tests, security")


def test_all_gates_that_fail_are_told_together(tmp_path: Path) -> None:
    more = session("session.error('no')", name="lint")
    gates = Gates(tmp_path, '["tests", "lint"]', more)
    gates.do("exit 1")
    _bumped(gates.project)
    said = refuses(gates.project, "tag", code=4, says="gate tests failed on")
    assert "gate lint failed on" in said


def test_a_gate_that_could_not_look_is_no_evidence(tmp_path: Path) -> None:
    more = session("session.skip('no network')", name="security")
    gates = Gates(tmp_path, '["security"]', more)
    _opened(gates.project)
    refuses(gates.project, *FINISH, code=5, says="NOT AUDITED: gate security could not look")


@pytest.mark.parametrize("maker", MAKERS)
def test_without_gates_that_is_said(project: Project, maker: str) -> None:
    words, before, _, _ = MAKERS[maker]
    before(project)
    assert "no gates configured" in done(project, *words[:-1], "--dry-run").out
    assert "note: no gates configured" in done(project, *words).err


def test_without_gates_prepare_and_config_say_so_too(project: Project) -> None:
    assert "no gates configured" in done(project, "release.prepare", "1.0.0").err
    assert "no gates configured" in done(project, "release.config").out


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


@pytest.mark.parametrize("what", [_commits, _branches_off, _edits, _stages, _merges])
@pytest.mark.parametrize("maker", ["finish", "candidate"])
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


@pytest.mark.parametrize("maker", ["finish", "candidate", "propagate"])
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
    _bumped(project)
    head = project.ref("HEAD")
    gates.do(f"cd {project.path}; {_commits(project)}")
    done(project, *TAG)
    assert project.remote_ref("v1.0.0^{commit}") == receipt(project, "v1.0.0").commit == head
    assert project.ref("main~1") == project.remote_ref("main") == head


def test_files_that_change_while_gates_run_stop_what_would_replace_them(gates: Gates) -> None:
    project = gates.project
    _edited(project)
    gates.do(f"cd {project.path}; echo 1.5.0 > VERSION; git add VERSION")
    ended = project.invoke(*PROPAGATE)
    assert ended.code == 3, ended.text
    assert "changed while the gates ran: " in ended.err
    assert project.read("VERSION") == "1.5.0\n"
    assert project.ref("main") == project.remote_ref("main") == project.ref("v0.9.0^{commit}")


def test_another_branch_checked_out_while_gates_run_stops_what_goes_with_the_first(gates: Gates) -> None:
    project = gates.project
    _edited(project)
    gates.do(f"git -C {project.path} switch -q -c elsewhere")
    ended = project.invoke(*PROPAGATE)
    assert ended.code == 3, ended.text
    assert "is on elsewhere now, not on main any more" in ended.err
    assert project.ref("main") == project.ref("v0.9.0^{commit}")


def test_a_remote_that_moves_while_gates_run_gets_nothing(gates: Gates) -> None:
    project = gates.project
    _opened(project)
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


def test_a_tag_made_by_hand_is_pushed_only_when_gates_have_passed(gates: Gates) -> None:
    project = gates.project
    _bumped(project)
    project.git("tag", "v1.0.0")
    gates.do("exit 1")
    refuses(project, *TAG, code=4, says="gate tests failed on")
    gates.do("true")
    done(project, *TAG)
    assert project.remote_ref("v1.0.0") == project.ref("main")


class TestLanded:
    """What landed by a pull request is gated as it is on main."""

    @pytest.fixture
    def waiting(self, tmp_path: Path) -> tuple[Gates, Forge]:
        gates = Gates(tmp_path)
        forge = Forge(gates.project)
        forge.protect("main")
        requested(gates.project)
        assert gates.count == 0
        return gates, forge

    @pytest.mark.parametrize("how", ["merge", "squash"])
    def test_the_landed_commit_is_gated(self, waiting: tuple[Gates, Forge], how: str) -> None:
        gates, forge = waiting
        forge.add("release/v1.0.0", "fix: in review", {"review.txt": "r\n"})
        landed = forge.land("release/v1.0.0", how)
        done(gates.project, *FINISH)
        assert gates.count == 1
        assert receipt(gates.project, "v1.0.0").commit == landed

    def test_red_is_exit_4_and_another_commit_can_be_named(self, waiting: tuple[Gates, Forge]) -> None:
        gates, forge = waiting
        project = gates.project
        forge.land("release/v1.0.0", "squash")
        gates.do("test -e mended.txt")
        refuses(project, *FINISH, code=4, says="gate tests failed on")
        mended = forge.add("main", "fix: mended on main", {"mended.txt": "m\n"})
        said = refuses(project, *FINISH, code=4, says="gate tests failed on")
        assert "1 later commit has the version 1.0.0 too; to tag one of them: --commit OID" in said
        done(project, *FINISH, "--commit", mended)
        assert project.remote_ref("v1.0.0^{commit}") == mended == receipt(project, "v1.0.0").commit
        assert project.at("develop", "mended.txt") == "m"
        assert project.remote_ref("release/v1.0.0") == ""

    def test_the_configuration_of_what_landed_says_which_gates(self, waiting: tuple[Gates, Forge]) -> None:
        gates, forge = waiting
        settings = gates.project.read("pyproject.toml").replace('gates = ["tests"]', "gates = []")
        forge.add("release/v1.0.0", "chore: no gates", {"pyproject.toml": settings})
        forge.land("release/v1.0.0", "squash", delete=True)
        said = done(gates.project, *FINISH, "--version", "1.0.0").err
        assert gates.count == 0
        assert "no gates configured" in said


def test_a_feature_and_a_request_need_no_gates(tmp_path: Path) -> None:
    project, _ = protected(tmp_path / "p")
    settings = PYPROJECT.replace("gates = []", 'gates = ["tests"]')
    project.commit("chore: gates", {"pyproject.toml": settings, "noxfile.py": HEAD + session("session.error('no')")})
    project.git("push", "-q", "origin", "develop")
    done(project, "feature.start", "x")
    project.commit("feat: x", {"x.txt": "x\n"})
    done(project, "feature.finish", "--yes")
    requested(project)
