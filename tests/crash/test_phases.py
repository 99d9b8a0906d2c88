"""One kill for each phase; the others, and those of the other tasks, are in the matrix (`nox -s crash`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support import thorough

from crash.cases import BUMP, COMMIT, DROP, LINKED, PREPARE, PUSHED, Case
from crash.judging import OTHERS
from crash.killing import Point
from crash.releases import FINISH
from release.tasks import collection

if TYPE_CHECKING:
    from collections.abc import Callable

    from crash.judging import Trial


def inside(call: str, system_call: str, number: int) -> Point:
    return Point(when="inside", call=call, system_call=system_call, number=number)


def own(system_call: str, number: int) -> Point:
    return Point(when="own", system_call=system_call, number=number)


PHASES = {
    "objects": (PREPARE, Point(when="after", call="unpack-objects 1"), "start"),
    "journal not yet in place": (PREPARE, own("rename", 1), "start"),
    "journal": (PREPARE, Point(when="before", call="update-ref 1"), "journal"),
    "ref locked": (PREPARE, inside("update-ref 1", "rename", 1), "journal"),
    "ref moved": (LINKED, Point(when="after", call="update-ref 1"), "journal"),
    "files of both states": (PREPARE, inside("read-tree 2", "write", 4), "journal"),
    "files written, index not": (PREPARE, inside("read-tree 2", "rename", 1), "journal"),
    "HEAD locked": (LINKED, inside("symbolic-ref 1", "rename", 1), "journal"),
    "journal to be removed": (PREPARE, Point(when="after", call="symbolic-ref 1"), "journal"),
    "before the push": (PUSHED, Point(when="before", call="push 1"), "journal"),
    "after the push": (PUSHED, Point(when="after", call="push 1"), "journal"),
    "pushed, not noted": (PUSHED, inside("push 1", "rename", 1), "journal"),
    "between two files": (BUMP, own("rename", 5), "journal"),
    "branch moved, index not": (COMMIT, Point(when="before", call="update-index 1"), "journal"),
    "released: objects": (FINISH, Point(when="after", call="unpack-objects 1"), "start"),
    "released: before the push": (FINISH, Point(when="before", call="push 1"), "journal"),
    "released: pushed, half of it noted": (FINISH, inside("push 1", "rename", 2), "journal"),
    "released: between two refs": (FINISH, inside("update-ref 1", "rename", 3), "journal"),
    "released: files of both states": (FINISH, inside("read-tree 2", "write", 4), "journal"),
    "released: on develop, the branch is there": (FINISH, Point(when="before", call="update-ref 2"), "journal"),
    "released: the branch is deleted": (FINISH, Point(when="after", call="update-ref 2"), "journal"),
    "packed refs written": (DROP, inside("update-ref 1", "rename", 1), "journal"),
}


# Further ones of a task that others show.
FURTHER = (
    "journal not yet in place",
    "ref locked",
    "files written, index not",
    "HEAD locked",
    "journal to be removed",
    "before the push",
    "pushed, not noted",
    "released: objects",
    "released: before the push",
    "released: files of both states",
    "released: on develop, the branch is there",
    "released: the branch is deleted",
)


@pytest.mark.parametrize("phase", [*(phase for phase in PHASES if phase not in FURTHER), *thorough(*FURTHER)])
@pytest.mark.usefixtures("strace")
def test_killed_in_each_phase(phase: str, tries: Callable[[Case], Trial]) -> None:
    case, point, left = PHASES[phase]
    tried = tries(case)
    tried.strike_all([point])
    tried.conclude(lambda _name, _value: None)
    assert list(tried.states.values()) == [left]


def test_every_task_that_changes_something_is_tried_beside_a_journal() -> None:
    changing = {task.name for task in collection().to_contexts() if "dry-run" in task.args}
    allowed = {"release.resume", "release.abort", "scan"}  # `scan` writes receipts alone, of what HEAD has committed
    assert {words[0] for words in OTHERS} == changing - allowed
