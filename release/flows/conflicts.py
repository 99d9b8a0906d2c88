"""Stopping at a merge conflict: what is said, what a person gets to resolve, and how the flow goes on."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from release import console
from release.entry import SUBMODULE
from release.errors import Exit, Problem, ReleaseError, refusal
from release.flows import situation
from release.git import handover, journal
from release.git.worktree import name_some
from release.plan import Opened, Stop
from release.steps.working_tree import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from release.entry import Entry
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
    hint = CONTINUE
    if scene.lock is None:
        hint = f"this was a dry run, and nothing was made; a real run hands the merge over in {opened.path}"
    problems = [Problem(what=_told(scene, first), hint=hint, exit=Exit.CONFLICT)]
    problems += [
        Problem(
            what=f"predicted: the merge into {one.receiver.branch.name} will conflict too, in "
            f"{name_some(conflict.path for conflict in one.outcome.conflicts)}",
            exit=Exit.CONFLICT,
        )
        for one in later
    ]
    return Stopped(problems, stop._replace(opened=opened))


def _told(scene: Situation, merge: Received) -> str:
    """Name each conflicting file with the lines of its hunks; of other kinds of conflict git's words say more."""
    outcome = merge.outcome
    places = [f"{name_some([one.path])}{_hunks(scene, outcome.tree, one)}" for one in outcome.conflicts]
    lines = [f"merging into {merge.receiver.branch.name} conflicts in {', '.join(places)}: nothing has moved"]
    lines += [" ".join(one.split()) for one in outcome.messages if not one.startswith("CONFLICT (content)")]
    lines += [
        f"{name_some([one.path])} is a submodule; choose {_oid(one.ours)} or {_oid(one.theirs)}, or another: "
        f"git update-index --cacheinfo {SUBMODULE},COMMIT,{shlex.quote(one.path)}"
        for one in outcome.conflicts
        if SUBMODULE in {side.mode for side in (one.ours, one.theirs) if side is not None}
    ]
    return "\n  ".join(lines)


def _oid(entry: Entry | None) -> str:
    return "none" if entry is None else entry.oid


def _hunks(scene: Situation, tree: str, conflict: Conflict) -> str:
    entry: Entry | None = None
    for name in conflict.path.split("/"):
        entry = scene.objects.tree(entry.oid if entry is not None else tree).get(name)
        if entry is None:
            return ""
    if entry is None or not entry.is_file:
        return ""
    opens, spans = 0, []
    for number, line in enumerate(scene.objects.blob(entry.oid).split(b"\n"), 1):
        if line.startswith(_OPENS):
            opens = number
        elif line.startswith(_CLOSES) and opens:
            spans.append(f"{opens}-{number}")
    return f" (lines {', '.join(spans)})" if spans else ""


def hand_over(repository: Repository, stop: Stop, *, lock: int | None) -> Path:
    """Journal the stop, then make the worktree in which the merge is to be resolved, and note that it is handed over.

    Returns where that is.
    """
    assert stop.opened is not None  # noqa: S101  # only such stops are handed over
    where = handover.place(repository, stop.opened.branch)  # an earlier worktree may have gone since the plan was made
    _make(repository, stop._replace(opened=stop.opened._replace(path=str(where))), lock=lock)
    return where


def _make(repository: Repository, stop: Stop, *, lock: int | None) -> Stop:
    """Make the worktree at its place; return the stop as the journal then has it."""
    assert stop.opened is not None  # noqa: S101  # as above
    opened = stop.opened._replace(handed=False)
    keep(repository, stop._replace(opened=opened))
    resolved = [tree for _, tree in stop.resolutions]
    handover.make(repository, opened, _message(opened), resolved=resolved, lock=lock)
    stop = stop._replace(opened=opened._replace(handed=True, given_up=False))
    keep(repository, stop)
    return stop


def _message(opened: Opened) -> str:
    return f"Merge into {opened.branch}"


def keep(repository: Repository, stop: Stop) -> None:
    """Write a stop to the journal."""
    journal.write(repository, journal.stopped(stop, top=str(repository.top), git_dir=str(repository.git_dir)))


def take(scene: Situation, stop: Stop) -> tuple[Situation, Stop]:
    """Look at what the person made; return the situation without its worktree, and the stop with the resolution.

    Nothing is put away yet: a plan, or a gate, may show that it has to be done better.

    Raises:
        ReleaseError: the merge is not resolved (exit 6).
    """
    opened = stop.opened
    if opened is None:
        return scene, stop
    if opened.key not in dict(stop.resolutions):
        if not handover.is_made(scene.repository, opened):
            handover.refuse_somebodys(scene.repository, opened)
            stop = _make(scene.repository, stop, lock=scene.lock)
        tree = handover.resolution(scene.repository, opened, lock=scene.lock)
        _refuse_without_version(scene, opened, tree)
        stop = stop._replace(resolutions=(*stop.resolutions, (opened.key, tree)))
    others = tuple(one for one in scene.world.worktrees if str(one.path) != opened.path)
    return replace(scene, world=replace(scene.world, worktrees=others)), stop


def _refuse_without_version(scene: Situation, opened: Opened, tree: str) -> None:
    """Refuse a resolution that lost VERSION: no other file says what a release is."""
    before, after = (scene.objects.tree(one).get(VERSION) for one in (opened.tree, tree))
    if before is not None and (after is None or not after.is_file):
        what = f"VERSION is no plain file any more in {opened.path}"
        back = f"git -C {shlex.quote(opened.path)} checkout {opened.theirs} -- VERSION"
        hint = f"bring it back: {back}    then: {handover.RESUME}"
        raise ReleaseError([Problem(what=what, hint=hint, exit=Exit.CONFLICT)])


def put_away(repository: Repository, stop: Stop) -> Stop:
    """Keep a resolution, and put its worktree away; return the stop to go on from.

    Until the worktree is gone the journal names it, with its resolution.
    """
    if stop.opened is None:
        return stop
    keep(repository, stop)
    _remove(repository, stop.opened)
    stop = stop._replace(opened=None)
    keep(repository, stop)
    return stop


def give_up(repository: Repository, stop: Stop) -> None:
    """Put the worktree of a stop away; nothing else was changed. Half of it is no merge any more: it is made anew."""
    if stop.opened is not None:
        keep(repository, stop._replace(opened=stop.opened._replace(handed=False, given_up=True)))
        _remove(repository, stop.opened)


def _remove(repository: Repository, opened: Opened) -> None:
    if not handover.remove(repository, opened):
        console.say(f"left alone, because it is no worktree of this repository: {opened.path}")


def asked_again(going_on: Stop, stop: Stop) -> Iterator[str]:
    """Say why a merge is asked for again that was resolved before: its branch has moved."""
    assert stop.opened is not None  # noqa: S101  # only such stops are handed over
    branch = stop.opened.branch
    earlier = [tree for key, tree in going_on.resolutions if key.partition(" ")[0] == branch]
    if earlier:
        what = f"{branch} has moved since its merge was resolved: it is asked again"
        yield f"{what} (the earlier result is the tree {earlier[-1]})"


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
                f"begin anew: invoke release.abort, then: invoke {stop.task}",
            )
