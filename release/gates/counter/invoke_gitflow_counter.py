"""A plugin of pytest, whatever Python runs it: how many tests came to which end, for whoever started pytest.

Status 0 does not say that anything ran: tests are skipped, only collected, or a conftest.py ends pytest.
"""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

VARIABLE = "INVOKE_GITFLOW_COUNTS"  # names the file that the counts are written to


class Counter:
    """Counts ends of tests: `passed`, `failed` (errors too), `skipped`, `xfailed`."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._counts = dict.fromkeys(("passed", "failed", "skipped", "xfailed"), 0)

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Count a test once it has been called, or will not be."""
        if report.failed:
            self._counts["failed"] += 1
        elif report.skipped:
            self._counts["xfailed" if hasattr(report, "wasxfail") else "skipped"] += 1
        elif report.passed and report.when == "call":
            self._counts["passed"] += 1

    @pytest.hookimpl(tryfirst=True)  # some conftest.py ends the process here
    def pytest_sessionfinish(self) -> None:
        """Leave what was counted."""
        with open(self._place, "w", encoding="ascii") as file:  # noqa: PTH123  # as in the smallest environment
            json.dump(self._counts, file)


def pytest_configure(config: Any) -> None:
    """Count for this run alone: not in the processes of pytest-xdist, nor for a pytest that a test starts."""
    place = os.environ.pop(VARIABLE, "")
    if place and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Counter(place), "invoke-gitflow-counter")
