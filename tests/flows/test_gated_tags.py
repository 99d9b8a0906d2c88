"""Gates before tags: on the very commit that is tagged, once for a tree, and nothing moves when one is not passed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from forge import Forge, protected, requested
from gated import FINISH, MAKERS, TAG, Gates, bumped, done, opened, receipt, refuses
from gating import HEAD, session
from support import FILES, PYPROJECT, git_flow, thorough

if TYPE_CHECKING:
    from pathlib import Path

    from support import Project


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


@pytest.mark.parametrize("maker", ["finish", "propagate", *thorough("candidate", "tag")])
def test_a_gate_that_fails_moves_nothing_and_leaves_no_journal(gates: Gates, maker: str) -> None:
    words, before, tag, _ = MAKERS[maker]
    before(gates.project)
    gates.do("echo red; exit 1")
    said = refuses(gates.project, *words, code=4, says="gate tests failed on")
    assert "| red" in said
    assert gates.project.ref(tag) == ""
    gates.do("true")
    done(gates.project, *words)  # and nothing is in its way


@pytest.mark.parametrize("maker", ["finish", "propagate", *thorough("candidate", "tag")])
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


@pytest.mark.parametrize("maker", ["finish", "propagate", *thorough("candidate", "tag")])
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
    bumped(gates.project)
    done(gates.project, "tag")
    gates.project.git("tag", "-d", "v1.0.0")
    assert "all gates have passed this tree" in done(gates.project, "tag", "--dry-run").err


@pytest.mark.parametrize("maker", ["finish", "propagate", *thorough("candidate", "tag")])
def test_without_an_answer_nothing_is_gated(gates: Gates, maker: str) -> None:
    words, before, _, _ = MAKERS[maker]
    before(gates.project)
    refuses(gates.project, *words[:-1], code=2, says="--yes")
    assert gates.project.invoke(*words[:-1], answer="n").code == 3
    assert gates.count == 0


def test_what_is_refused_anyway_is_not_gated(gates: Gates) -> None:
    opened(gates.project)
    gates.project.write("a.txt", "not committed\n")
    refuses(gates.project, *FINISH, code=3, says="a.txt")
    assert gates.count == 0


@pytest.mark.parametrize("maker", ["finish", "propagate", *thorough("candidate", "tag")])
def test_a_session_that_does_not_exist_stops_it_before_any_gate_has_run_for_long(tmp_path: Path, maker: str) -> None:
    words, before, _, _ = MAKERS[maker]
    gates = Gates(tmp_path, '["tests", "lint", "scan"]', session("session.run('true')", name="scan"))
    before(gates.project)
    gates.do(f"sleep 30; echo late >> {gates.log}")
    said = refuses(gates.project, *words, code=2, says="noxfile.py has no session lint")
    assert "correct gates in [tool.release]" in said
    assert "late" not in gates.log.read_text()


@pytest.mark.parametrize("dry", [False, True])
def test_gates_without_a_noxfile_are_bad_input(tmp_path: Path, dry: bool) -> None:
    project = git_flow(tmp_path / "p", {**FILES, "pyproject.toml": PYPROJECT.replace("gates = []", "")})
    bumped(project)
    words = ("tag", "--dry-run") if dry else ("tag",)
    refuses(project, *words, code=2, says="gates names tests, security")


def test_all_gates_that_fail_are_told_together(tmp_path: Path) -> None:
    more = session("session.error('no')", name="lint")
    gates = Gates(tmp_path, '["tests", "lint"]', more)
    gates.do("exit 1")
    bumped(gates.project)
    said = refuses(gates.project, "tag", code=4, says="gate tests failed on")
    assert "gate lint failed on" in said


def test_a_gate_that_could_not_look_is_no_evidence(tmp_path: Path) -> None:
    more = session("session.skip('no network')", name="security")
    gates = Gates(tmp_path, '["security"]', more)
    opened(gates.project)
    refuses(gates.project, *FINISH, code=5, says="NOT AUDITED: gate security could not look")


@pytest.mark.parametrize("maker", ["finish", "propagate", *thorough("candidate", "tag")])
def test_without_gates_that_is_said(project: Project, maker: str) -> None:
    words, before, _, _ = MAKERS[maker]
    before(project)
    assert "no gates configured" in done(project, *words[:-1], "--dry-run").out
    assert "note: no gates configured" in done(project, *words).err


def test_without_gates_prepare_and_config_say_so_too(project: Project) -> None:
    assert "no gates configured" in done(project, "release.prepare", "1.0.0").err
    assert "no gates configured" in done(project, "release.config").out


@pytest.mark.thorough
def test_a_tag_made_by_hand_is_pushed_only_when_gates_have_passed(gates: Gates) -> None:
    project = gates.project
    bumped(project)
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

    @pytest.mark.parametrize("how", ["squash", *thorough("merge")])
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
