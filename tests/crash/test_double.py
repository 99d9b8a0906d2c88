"""Resume and abort are killed at every point of theirs too, and what is left is continued again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from crash import points
from crash.cases import BUMP, PREPARE, Case
from crash.killing import Point, strike

if TYPE_CHECKING:
    from collections.abc import Callable

    from crash.judging import Trial

pytestmark = [pytest.mark.crash, pytest.mark.usefixtures("strace")]
FIRST = {
    "before the refs": (PREPARE, Point(when="inside", call="update-ref 1", system_call="rename", number=1)),
    "between the files": (PREPARE, Point(when="inside", call="read-tree 2", system_call="unlink", number=9)),
    "before HEAD": (PREPARE, Point(when="before", call="symbolic-ref 1")),
    "between replacements": (BUMP, Point(when="own", system_call="rename", number=6)),
}


@pytest.mark.parametrize("command", ["release.resume", "release.abort"])
@pytest.mark.parametrize("first", FIRST)
def test_killed_again(
    first: str, command: str, tries: Callable[[Case], Trial], record_property: Callable[[str, object], None]
) -> None:
    case, point = FIRST[first]
    tried = tries(case)
    tried.stage.restore("start")
    assert strike(tried.stage, case, point).reached
    assert tried.stage.journal.exists()
    tried.stage.save("once")
    tried.repeated = True
    tried.goal = tried.end if command == "release.resume" else tried.start
    again = replace(case, name=command, words=(command,))
    found = points.find(tried.stage, again, origin="once", strides=points.THIN)
    tried.strike_all((*found.inside, *found.own, *found.between), again, origin="once")
    tried.conclude(record_property, command=command, first=first, left_out=sum(found.skipped.values()))
