"""A worktree that the run began in, or was to move, is removed before it is continued: all the rest is completed."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from crash.cases import BUMP, COMMIT, DETACHED, LINKED, PREPARE, PUSHED, Case, linked
from crash.killing import Point, strike

if TYPE_CHECKING:
    from collections.abc import Callable

    from crash.judging import Trial
    from crash.stage import Stage, State

    Tries = Callable[[Case], Trial]

pytestmark = pytest.mark.usefixtures("strace")
PUSHED_LINKED = Case(name="push-linked", words=PUSHED.words, build=linked, place="linked", pushes=True)
BUMP_LINKED = Case(name="bump-linked", words=BUMP.words, build=linked, place="linked")
JOURNAL = Point(when="before", call="update-ref 1")
BRANCH = "refs/heads/release/v1.0.0"
STRUCK = {
    "nothing moved": (LINKED, JOURNAL),
    "a ref is locked": (LINKED, Point(when="inside", call="update-ref 1", system_call="rename", number=1)),
    "files of both states": (LINKED, Point(when="inside", call="read-tree 2", system_call="write", number=4)),
    "HEAD locked": (LINKED, Point(when="inside", call="symbolic-ref 1", system_call="rename", number=1)),
    "between two files": (BUMP_LINKED, Point(when="own", system_call="rename", number=4)),
    "index locked": (DETACHED, Point(when="inside", call="update-index 1", system_call="rename", number=1)),
}


def delete(stage: Stage) -> None:
    shutil.rmtree(stage.slot / "linked")


def remove(stage: Stage) -> None:
    stage.project.git("worktree", "remove", "--force", str(stage.slot / "linked"))


def replaced(stage: Stage) -> None:
    """Whatever lies there now is no worktree; here git would find another repository above it."""
    delete(stage)
    (stage.slot / "linked").mkdir()
    stage.project.git("init", "-q", cwd=stage.slot)


def struck(tries: Tries, case: Case, point: Point) -> Trial:
    tried = tries(case)
    tried.stage.restore("start")
    assert strike(tried.stage, case, point).reached
    assert tried.stage.journal.exists()
    return tried


def continued(tried: Trial, command: str) -> None:
    """The command does all the rest, and says in one line what it leaves out."""
    stage = tried.stage
    shown = stage.project.invoke(command, "--dry-run")
    ended = stage.project.invoke(command)
    assert (shown.code, ended.code) == (0, 0), ended.text
    told = f"the worktree {stage.slot / 'linked'} is gone: what was to change there is left out"
    assert [shown.err.splitlines().count(told), ended.err.splitlines().count(told)] == [1, 1], ended.text
    assert f"head   {stage.slot / 'linked'}" not in shown.out
    assert in_the_first(stage.state()) == in_the_first(tried.end if command == "release.resume" else tried.start)
    assert "nothing is in progress" in stage.project.invoke(command).err
    assert not [name for name in stage.leftovers() if not name.startswith("work/.git/worktrees/")]


def in_the_first(state: State) -> tuple[object, ...]:
    files = {path: facts for path, facts in state.files.items() if path.startswith("work/")}
    return state.refs, state.remote, state.heads[0], state.indexes[0], state.status[0], files


@pytest.mark.parametrize(
    ("phase", "away", "command"),
    [
        ("nothing moved", delete, "release.resume"),
        ("files of both states", remove, "release.abort"),
        ("between two files", replaced, "release.resume"),
        ("index locked", delete, "release.abort"),
    ],
)
def test_the_rest_is_completed(phase: str, away: Callable[[Stage], None], command: str, tries: Tries) -> None:
    tried = struck(tries, *STRUCK[phase])
    away(tried.stage)
    continued(tried, command)


@pytest.mark.crash
@pytest.mark.parametrize("command", ["release.resume", "release.abort"])
@pytest.mark.parametrize("away", [delete, remove, replaced])
@pytest.mark.parametrize("phase", STRUCK)
def test_the_rest_is_completed_in_each_phase(
    phase: str, away: Callable[[Stage], None], command: str, tries: Tries
) -> None:
    test_the_rest_is_completed(phase, away, command, tries)


def test_after_the_push_there_is_only_forward(tries: Tries) -> None:
    tried = struck(tries, PUSHED_LINKED, JOURNAL)
    delete(tried.stage)
    refused = tried.stage.project.invoke("release.abort")
    assert (refused.code, "already been pushed" in refused.err) == (3, True), refused.text
    continued(tried, "release.resume")


@pytest.mark.parametrize("command", ["release.resume", "release.abort"])
def test_the_branch_of_a_removed_worktree_moves(command: str, tries: Tries) -> None:
    """The commit is of the worktree, its branch is everybody's."""
    case = Case(name="commit-linked", words=COMMIT.words, build=_committing, place="linked")
    tried = struck(tries, case, Point(when="before", call="update-index 1"))
    delete(tried.stage)
    continued(tried, command)
    tip = tried.stage.project.git("log", "-1", "--format=%s", "develop")
    assert (tip == "chore(release): set version 1.0.0") == (command == "release.resume")


def _committing(stage: Stage) -> None:
    linked(stage)
    (stage.slot / "linked/VERSION").write_text("1.0.0\n")


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("case", "command"),
    [(LINKED, "release.resume"), (BUMP_LINKED, "release.abort")],
    ids=["moved by the plan", "where the run began"],
)
def test_a_worktree_that_is_elsewhere_is_no_removed_one(case: Case, command: str, tries: Tries) -> None:
    point = JOURNAL if case is LINKED else Point(when="own", system_call="rename", number=4)
    tried = struck(tries, case, point)
    stage = tried.stage
    place, elsewhere = stage.slot / "linked", stage.slot / "elsewhere"
    stage.project.git("worktree", "move", str(place), str(elsewhere))
    stops(stage, command, f"git worktree move {elsewhere} {place}")
    stage.project.git("worktree", "move", str(elsewhere), str(place))
    stage.project.git("worktree", "lock", str(place))
    place.rename(elsewhere)
    stops(stage, command, f"git worktree unlock {place}")
    elsewhere.rename(place)
    stage.project.git("worktree", "unlock", str(place))
    arrives(tried, command)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("case", "command"),
    [(PREPARE, "release.abort"), (LINKED, "release.resume")],
    ids=["first worktree", "linked worktree"],
)
def test_a_repository_that_is_elsewhere_has_lost_nothing(case: Case, command: str, tries: Tries) -> None:
    tried = struck(tries, case, JOURNAL)
    stage = tried.stage
    moved = [name for name in ("work", "linked") if (stage.slot / name).exists()]
    for name in moved:
        (stage.slot / name).rename(stage.slot / f"{name}-renamed")
    ended = stage.project.invoke(command, cwd=stage.slot / "work-renamed")
    assert (ended.code, "move it back" in ended.err) == (7, True), ended.text
    for name in moved:
        (stage.slot / f"{name}-renamed").rename(stage.slot / name)
    arrives(tried, command)


def stops(stage: Stage, command: str, says: str) -> None:
    untouched = stage.raw()
    ended = stage.project.invoke(command)
    assert (ended.code, stage.raw() == untouched) == (7, True), ended.text
    assert says in ended.err, ended.text
    assert "invoke release.abort" in ended.err


def arrives(tried: Trial, command: str) -> None:
    ended = tried.stage.project.invoke(command)
    assert ended.code == 0, ended.text
    assert not tried.stage.state().differences(tried.end if command == "release.resume" else tried.start)
