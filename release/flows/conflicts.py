"""Stopping at a merge conflict: what is said, what a person gets to resolve, and how the flow goes on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from release.errors import Exit, Problem, ReleaseError, refusal
from release.flows import situation
from release.git import handover, journal
from release.plan import Opened, Plan, Stop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from release.flows.receiving import Received
    from release.flows.situation import Situation
    from release.git.merge import Conflict
    from release.git.repository import Repository

_OPENS = b"<<<<<<< "
_CLOSES = b">>>>>>> "
CONTINUE = "resolve it there and git add; then: invoke release.resume    or give up: invoke release.abort"


class Stopped(ReleaseError):  # noqa: N818  # not an error: the flow goes on
    """A flow stops at a conflict, before anything is visible; `stop` is what it takes to go on."""

    def __init__(self, problems: Sequence[Problem], stop: Stop) -> None:
        super().__init__(problems)
        self.stop = stop


def stopped(scene: Situation, stop: Stop, first: Received, theirs: str, later: Sequence[Received]) -> Stopped:
    """Make the stop at the merge of the commit `theirs`; `later` are the merges predicted to conflict after it."""
    outcome = first.outcome
    branch = first.receiver.branch.name
    opened = Opened(
        path=str(handover.place(scene.repository, branch)),
        branch=branch,
        ours=first.receiver.tip,
        theirs=theirs,
        key=first.key,
        tree=outcome.tree,
        conflicts=tuple((one.path, one.base, one.ours, one.theirs) for one in outcome.conflicts),
    )
    blobs = [entry.oid for _, *stages in opened.conflicts for entry in stages if entry is not None]
    scene.writer.flush(outcome.tree, theirs, *blobs)
    problems = [
        Problem(
            what=f"merging into {branch} conflicts in {where}: nothing has moved", hint=CONTINUE, exit=Exit.CONFLICT
        )
        for where in [", ".join(_places(scene, first))]
    ]
    problems += [
        Problem(
            what=f"predicted: the merge into {one.receiver.branch.name} will conflict too, in "
            f"{', '.join(conflict.path for conflict in one.outcome.conflicts)}",
            exit=Exit.CONFLICT,
        )
        for one in later
    ]
    return Stopped(problems, replace(stop, opened=opened))


def _places(scene: Situation, merge: Received) -> list[str]:
    """Name each conflicting file and the lines of its hunks."""
    return [f"{one.path}{_hunks(scene, merge.outcome.tree, one)}" for one in merge.outcome.conflicts]


def _hunks(scene: Situation, tree: str, conflict: Conflict) -> str:
    entry = None
    for name in conflict.path.split("/"):
        entry = scene.objects.tree(entry.oid if entry is not None else tree).get(name)
        if entry is None:
            return " (deleted on one side)"
    assert entry is not None  # noqa: S101  # a path has a name
    if entry.mode not in ("100644", "100755"):
        return ""
    opens, spans = 0, []
    for number, line in enumerate(scene.objects.blob(entry.oid).split(b"\n"), 1):
        if line.startswith(_OPENS):
            opens = number
        elif line.startswith(_CLOSES) and opens:
            spans.append(f"{opens}-{number}")
    return f" (lines {', '.join(spans)})" if spans else ""


def hand_over(repository: Repository, stop: Stop, *, lock: int) -> None:
    """Journal the stop, then make the worktree in which the merge is to be resolved."""
    assert stop.opened is not None  # noqa: S101  # only such stops are handed over
    keep(repository, stop)
    handover.make(repository, stop.opened, f"Merge into {stop.opened.branch}", lock=lock)


def place(stop: Stop) -> str:
    """Return where the merge is in progress."""
    assert stop.opened is not None  # noqa: S101  # only such stops are handed over
    return stop.opened.path


def keep(repository: Repository, stop: Stop) -> None:
    """Write a stop to the journal."""
    plan = Plan(task=stop.flow, top=str(repository.top), done="")
    journal.write(repository, journal.Journal(plan=plan, git_dir=str(repository.git_dir), phase="conflict", stop=stop))


def take(repository: Repository, stop: Stop, *, lock: int) -> Stop:
    """Take the resolution, put the worktree away, and return the stop that the flow goes on from.

    Raises:
        ReleaseError: the merge is not resolved (exit 6).
    """
    opened = stop.opened
    if opened is None:
        return stop
    handover.make(repository, opened, f"Merge into {opened.branch}", lock=lock)
    tree = handover.resolution(opened, lock=lock)
    going_on = replace(stop, resolutions=(*stop.resolutions, (opened.key, tree)), opened=None)
    keep(repository, going_on)
    handover.remove(repository, opened, lock=lock)
    return going_on


def give_up(repository: Repository, stop: Stop, *, lock: int) -> None:
    """Forget a stop: its worktree and its journal go; nothing else was changed."""
    if stop.opened is not None:
        handover.remove(repository, stop.opened, lock=lock)
    journal.remove(repository)


def refuse_moved(scene: Situation, stop: Stop) -> None:
    """Refuse to go on when a branch that the flow started from has moved.

    Raises:
        ReleaseError: it has, with both commits (exit 3).
    """
    for name, tip in stop.pins:
        branch = scene.branch(name)
        now = situation.starting_point(scene, branch)[0] if branch.exists else None
        if now != tip:
            raise refusal(
                f"{name} was at {tip} when {stop.flow} stopped, and is at {now or 'nothing'} now",
                f"begin anew: invoke release.abort, then invoke {stop.flow}",
            )
