"""Every point of every task: each is struck there, and what is left is continued in every way there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crash import points
from crash.cases import CASES, Case

if TYPE_CHECKING:
    from collections.abc import Callable

    from crash.judging import Trial

pytestmark = [pytest.mark.crash, pytest.mark.usefixtures("strace")]
BY_NAME = [pytest.param(case, id=case.name) for case in CASES]


@pytest.mark.parametrize("case", BY_NAME)
def test_killed_before_and_after_every_git_call(
    case: Case, tries: Callable[[Case], Trial], record_property: Callable[[str, object], None]
) -> None:
    tried = tries(case)
    found = points.find(tried.stage, case)
    tried.strike_all(found.calls)
    tried.conclude(record_property)


@pytest.mark.parametrize("case", BY_NAME)
def test_killed_with_the_run_inside_every_writing_git_call(
    case: Case, tries: Callable[[Case], Trial], record_property: Callable[[str, object], None]
) -> None:
    tried = tries(case)
    found = points.find(tried.stage, case)
    tried.strike_all(found.inside)
    tried.conclude(record_property, left_out=found.skipped)


@pytest.mark.parametrize("case", BY_NAME)
def test_killed_at_every_system_call_of_our_own(
    case: Case, tries: Callable[[Case], Trial], record_property: Callable[[str, object], None]
) -> None:
    tried = tries(case)
    found = points.find(tried.stage, case)
    tried.strike_all(found.own)
    tried.conclude(record_property)
