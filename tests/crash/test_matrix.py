"""Every point of every task: each is killed there, and what is left is continued in every way there is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from crash import points
from crash.cases import CASES, COMMIT, DROP, DROP_REMOTE, PREPARE, PUSHED, Case
from crash.releases import FINISH, HOTFIX, RELEASES

if TYPE_CHECKING:
    from collections.abc import Callable

    from crash.judging import Trial

    Tries = Callable[[Case], Trial]
    Tell = Callable[[str, object], None]

pytestmark = [pytest.mark.crash, pytest.mark.usefixtures("strace")]


def named(*cases: Case) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in cases])


@named(*CASES, *RELEASES)
def test_killed_inside_every_writing_git_call(case: Case, tries: Tries, record_property: Tell) -> None:
    tried = tries(case)
    found = points.find(tried.stage, case, strides=points.STRIDES if case is PREPARE else points.THIN)
    tried.strike_all(found.inside)
    tried.conclude(record_property, left_out=found.skipped["inside"])


@named(*CASES, *RELEASES)
def test_killed_at_every_system_call_of_our_own(case: Case, tries: Tries, record_property: Tell) -> None:
    tried = tries(case)
    found = points.find(tried.stage, case, strides=points.THIN)
    tried.strike_all(found.own)
    tried.conclude(record_property, left_out=found.skipped["own"])


@named(*CASES, *RELEASES)
def test_killed_before_and_after_every_git_call(case: Case, tries: Tries, record_property: Tell) -> None:
    tried = tries(case)
    found = points.find(tried.stage, case, strides=points.THIN)
    tried.strike_all(found.between)
    tried.conclude(record_property, left_out=found.skipped["calls"] + found.skipped["between"])


@named(COMMIT, PREPARE, PUSHED, DROP, DROP_REMOTE, FINISH, HOTFIX)
def test_only_git_is_killed(case: Case, tries: Tries, record_property: Tell) -> None:
    tried = tries(case)
    found = points.find(tried.stage, case, strides=points.THIN)
    tried.strike_all(replace(point, when="broken") for point in found.inside)
    tried.conclude(record_property, left_out=found.skipped["inside"])
