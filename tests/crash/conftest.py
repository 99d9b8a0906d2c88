"""The matrix is run when it is asked for (`-m crash`); what it tried is told at the end."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from crash.cases import Case
from crash.judging import Trial, trial
from crash.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Trials of one case share a process, and what it knows."""
    for item in items:
        case = getattr(getattr(item, "callspec", None), "params", {}).get("case")
        if isinstance(case, Case):
            item.add_marker(pytest.mark.xdist_group(case.name))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what each matrix tried: xdist brings the facts here, wherever a test ran."""
    rows = [
        dict(value)
        for reports in terminalreporter.stats.values()
        for report in reports
        if isinstance(report, pytest.TestReport) and report.when == "call"
        for name, value in report.user_properties
        if name == "crash" and isinstance(value, dict)
    ]
    if not rows or not terminalreporter.config.option.markexpr:
        return
    terminalreporter.section("points at which a run was struck")
    for row in rows:
        terminalreporter.line("  ".join(f"{name}: {value}" for name, value in row.items()))
    tried, left_out = sum(sum(row["tried"].values()) for row in rows), sum(row.get("left_out", 0) for row in rows)
    seconds = sum(row["seconds"] for row in rows)
    terminalreporter.line(f"{tried} points tried, {left_out} left out as equivalent to others, {seconds:.0f} s")


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for stages: in memory where there is some, as a project is copied and synced thousands of times."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path_factory.mktemp("crash")
        return
    with TemporaryDirectory(prefix="release-crash-", dir=memory) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def stages() -> dict[str, Stage]:
    """The stages of this process; each task's project is built once."""
    return {}


@pytest.fixture
def tries(
    stages: dict[str, Stage],
    ground: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[Case], Trial]:
    """Return a function that makes a trial of a case."""
    if not sys.platform.startswith("linux"):
        pytest.skip("processes are found through /proc")
    monkeypatch.setenv("GIT_TEMPLATE_DIR", "")
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)

    def make(case: Case) -> Trial:
        if case.name not in stages:
            stages[case.name] = Stage(ground / case.name)
        return trial(stages[case.name], case)

    return make


@pytest.fixture
def strace() -> None:
    """For points inside a process."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
