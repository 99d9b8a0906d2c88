"""A flow that stops at conflicts: struck as it hands them over, as it goes on, and as it is given up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
from support import thorough

from crash import points
from crash.killing import Point
from crash.releases import CONFLICT

if TYPE_CHECKING:
    from collections.abc import Callable

    from crash.cases import Case
    from crash.judging import Trial

    Tries = Callable[[Case], Trial]
    Tell = Callable[[str, object], None]

pytestmark = [pytest.mark.usefixtures("strace"), pytest.mark.xdist_group(CONFLICT.name)]


@dataclass(frozen=True, kw_only=True)
class Struck:
    """A command that is struck: the kept state it starts from, and how many conflicts are behind for good then."""

    command: str = ""
    origin: str = "start"
    passed: int = 0

    def trial(self, tries: Tries) -> tuple[Trial, Case]:
        tried = tries(CONFLICT)
        tried.repeated = bool(self.command)
        tried.passed = self.passed
        tried.goal = tried.start if self.command == "release.abort" else tried.course[self.passed]
        words = (self.command,) if self.command else CONFLICT.words
        return tried, replace(CONFLICT, name=f"{CONFLICT.name} {self.command} {self.origin}", words=words)


STRUCK = {
    "handing over": Struck(),
    "going on to the next": Struck(command="release.resume", origin="resolved 1", passed=1),
    "going on to the end": Struck(command="release.resume", origin="resolved 2", passed=2),
    "giving up the first": Struck(command="release.abort", origin="resolved 1"),
    "giving up the second": Struck(command="release.abort", origin="resolved 2", passed=1),
}


PHASES = {
    "the worktree is begun": (
        "handing over",
        Point(when="inside", call="worktree-add 1", system_call="write", number=5),
    ),
    "the merge is not named": ("handing over", Point(when="after", call="update-index 1")),
    "the resolution is stored": ("going on to the next", Point(when="after", call="write-tree 1")),
    "all is resolved": ("going on to the end", Point(when="before", call="push 1")),
    "half of the worktree is removed": ("giving up the first", Point(when="own", system_call="unlink", number=9)),
}


@pytest.mark.parametrize(
    "phase",
    [
        "the worktree is begun",
        *thorough(
            "the resolution is stored", "the merge is not named", "all is resolved", "half of the worktree is removed"
        ),
    ],
)
def test_killed_in_each_phase(phase: str, tries: Tries) -> None:
    what, point = PHASES[phase]
    tried, command = STRUCK[what].trial(tries)
    tried.strike_all([point], command, origin=STRUCK[what].origin)
    tried.conclude(lambda _name, _value: None)
    assert list(tried.states.values()) == ["journal"]


@pytest.mark.crash
@pytest.mark.parametrize("what", STRUCK)
def test_killed(what: str, tries: Tries, record_property: Tell) -> None:
    tried, command = STRUCK[what].trial(tries)
    found = points.find(tried.stage, command, origin=STRUCK[what].origin, strides=points.THIN)
    tried.strike_all((*found.inside, *found.own, *found.between), command, origin=STRUCK[what].origin)
    tried.conclude(record_property, what=what, left_out=sum(found.skipped.values()))


@pytest.mark.crash
@pytest.mark.parametrize("what", STRUCK)
def test_each_git_call_fails(what: str, tries: Tries, record_property: Tell) -> None:
    tried, command = STRUCK[what].trial(tries)
    found = points.find(tried.stage, command, origin=STRUCK[what].origin, strides=points.THIN)
    calls = dict.fromkeys(point.call for point in found.calls)
    tried.strike_all((Point(when="fail", call=call) for call in calls), command, origin=STRUCK[what].origin)
    tried.conclude(record_property, what=what, left_out=found.skipped["calls"])
