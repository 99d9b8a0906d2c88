"""`release.status` shows which gate passed on which tree, from receipts alone."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from gated import Gates, done, opened, receipt
from gating import telling

from release.gates import receipts
from release.gates.results import Result
from release.git import repository

if TYPE_CHECKING:
    from pathlib import Path

    from support import Project

SEEN = Result(session="security", evidence=("x: 1 file",), advisory=True)


@pytest.fixture
def gates(tmp_path: Path) -> Gates:
    return Gates(tmp_path, '["tests", "security"]', telling(SEEN))


def line(project: Project, branch: str) -> str:
    found = next(one for one in done(project, "release.status").out.splitlines() if branch in one)
    return found.partition("; gates: ")[2]


def facts(project: Project, branch: str) -> list[dict[str, object]]:
    branches = json.loads(done(project, "release.status", "--json").out)["branches"]
    found: list[dict[str, object]] = next(one["gates"] for one in branches if one["branch"] == branch)
    return found


def test_what_is_to_be_tagged_shows_what_is_missing_and_what_has_passed(gates: Gates) -> None:
    project = gates.project
    opened(project)
    assert line(project, "release/v1.0.0") == "tests missing, security missing"
    done(project, "scan", "--gate", "tests")
    assert line(project, "release/v1.0.0") == "tests ok, security missing"
    done(project, "scan")
    assert line(project, "release/v1.0.0") == "tests ok, security expires in 24 h"
    project.commit("fix: another tree", {"x.txt": "x\n"})
    assert line(project, "release/v1.0.0") == "tests missing, security missing"


def test_branches_that_wait_for_no_tag_show_gates_that_have_passed(gates: Gates) -> None:
    project = gates.project
    assert "gates" not in done(project, "release.status").out
    done(project, "scan", "--gate", "tests")
    assert line(project, "develop") == "tests ok, security missing"
    assert line(project, "main") == ""


def test_json_has_the_same(gates: Gates) -> None:
    project = gates.project
    done(project, "feature.start", "x")
    done(project, "scan")
    tree = project.ref("HEAD^{tree}")
    assert facts(project, "develop") == [
        {"gate": "tests", "tree": tree, "passed": True, "expires": None},
        {
            "gate": "security",
            "tree": tree,
            "passed": True,
            "expires": facts(project, "develop")[1]["expires"],
        },
    ]
    assert [one["passed"] for one in facts(project, "main")] == [False, False]
    assert facts(project, "feature/x") == []


@pytest.mark.thorough
def test_after_its_end_a_receipt_is_none(gates: Gates) -> None:
    project = gates.project
    done(project, "scan")
    old = receipt(project, "HEAD", "security")
    receipts.write(repository.locate(project.path), replace(old, expires=old.started))
    assert line(project, "develop") == "tests ok, security missing"


def test_gates_are_those_of_the_branch(gates: Gates) -> None:
    project = gates.project
    opened(project)
    project.git("switch", "-q", "develop")
    settings = project.read("pyproject.toml")
    project.commit("chore: fewer gates", {"pyproject.toml": settings.replace('["tests", "security"]', '["tests"]')})
    assert line(project, "release/v1.0.0") == "tests missing, security missing"
    assert [one["gate"] for one in facts(project, "develop")] == ["tests"]


@pytest.mark.thorough
def test_a_configuration_that_cannot_be_read_there_is_no_obstacle(gates: Gates) -> None:
    project = gates.project
    opened(project)
    project.commit("chore: broken", {"pyproject.toml": "[tool.release]\ngates = 1\n"})
    project.git("switch", "-q", "develop")
    assert line(project, "release/v1.0.0") == ""


@pytest.mark.thorough
def test_it_starts_no_process_for_that(gates: Gates, monkeypatch: pytest.MonkeyPatch) -> None:
    project = gates.project
    opened(project)
    calls = project.folder / "calls"
    counts = []
    for words in (("scan", "--gate", "tests"), ("scan", "--gate", "security")):
        monkeypatch.setenv("GIT_TRACE2_EVENT", str(calls))
        done(project, "release.status")
        events = [json.loads(one) for one in calls.read_text().splitlines()]
        counts.append(sum(one["event"] == "start" and "/" not in one["sid"] for one in events))
        monkeypatch.delenv("GIT_TRACE2_EVENT")
        calls.unlink()
        done(project, *words)
    assert counts[0] == counts[1] <= 12
