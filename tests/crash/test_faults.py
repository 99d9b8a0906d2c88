"""Nobody is killed, but git fails, or the disk is full: what is said is true, and what is left can be continued."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from crash import points
from crash.cases import BUMP, CASES, COMMIT, DROP, PREPARE, PUSHED, Case
from crash.killing import Point
from crash.releases import CANDIDATE, FINISH, HOTFIX, RELEASES

if TYPE_CHECKING:
    from collections.abc import Callable

    from crash.judging import Trial

    Tries = Callable[[Case], Trial]
    Tell = Callable[[str, object], None]

pytestmark = [pytest.mark.crash, pytest.mark.usefixtures("strace")]
NEED_SPACE = ("open", "openat", "write", "pwrite64", "fsync", "mkdir", "mkdirat", "link", "linkat", "rename", "symlink")


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in (*CASES, *RELEASES)])
def test_each_git_call_fails(case: Case, tries: Tries, record_property: Tell) -> None:
    tried = tries(case)
    found = points.find(tried.stage, case, strides=points.THIN)
    calls = dict.fromkeys(point.call for point in found.calls)
    tried.strike_all(Point(when="fail", call=call) for call in calls)
    tried.conclude(record_property, left_out=found.skipped["calls"])


FULL_FOR_GIT = (COMMIT, PREPARE, PUSHED, DROP, FINISH, HOTFIX, CANDIDATE)
FULL_FOR_US = (BUMP, COMMIT, PREPARE, PUSHED, FINISH, HOTFIX, CANDIDATE)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in FULL_FOR_GIT])
def test_the_disk_is_full_for_git(case: Case, tries: Tries, record_property: Tell) -> None:
    tried = tries(case)
    found = points.find(tried.stage, case, strides=points.THIN)
    tried.tracking = False  # a push that cannot note what it did is no failed push to git
    tried.strike_all(
        replace(point, when="broken", error="ENOSPC") for point in found.inside if point.system_call in NEED_SPACE
    )
    tried.conclude(record_property, left_out=found.skipped["inside"])


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in FULL_FOR_US])
def test_the_disk_is_full_for_us(case: Case, tries: Tries, record_property: Tell) -> None:
    tried = tries(case)
    found = points.find(tried.stage, case, strides=points.THIN)
    tried.strike_all(replace(point, error="ENOSPC") for point in found.own if point.system_call in NEED_SPACE)
    tried.conclude(record_property, left_out=found.skipped["own"])
