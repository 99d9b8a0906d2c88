"""Carrying a plan out: push, one compare-and-swap of the refs, worktrees; resumable and, before the push, undoable."""

from __future__ import annotations

import os
import shlex
import signal
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from release.errors import interrupted, refusal
from release.git import command, converge, files, journal, leftovers, pushing, worktree, world
from release.git.converge import Torn
from release.git.pushing import RESUME, RESUME_OR_ABORT, short

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import FrameType

    from release.git.database import ObjectReader
    from release.git.pushing import There
    from release.git.repository import Ref, Repository
    from release.plan import Plan, Push, RefUpdate, Stop, WorktreeMove
    from release.process import Result


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Transaction:
    """What every step of carrying out needs. `say` gets one line for each visible step."""

    repository: Repository
    objects: ObjectReader
    lock: int
    say: Callable[[str], None]

    def apply(self, plan: Plan, *, stop: Stop | None = None) -> tuple[str, ...]:
        """Carry a fresh plan out; return the files that were left alone because they changed meanwhile.

        `stop` holds what people resolved on the way to this plan; it is kept when the push is refused.

        When this, `resume` or `abort` returns, a Ctrl-C does nothing any more; the caller sets the handler back.

        Raises:
            ReleaseError: refused and nothing changed (exit 3), or interrupted with the journal kept (exit 7).
        """
        if plan.empty:
            return ()
        leftovers.refuse_locked(self.repository, plan)
        files.refuse_taken(Path(plan.top), [edit.path for edit in plan.files])
        written = journal.Journal(
            plan=plan,
            git_dir=str(self.repository.git_dir),
            phase="local" if plan.push is None else "pushing",
            stop=stop,
        )
        written = journal.write(self.repository, written)
        if plan.push is not None:
            written = self._push(written, plan.push)
        return self._local(written, torn=None)

    def resume(self, found: journal.Journal) -> tuple[str, ...]:
        """Complete what the journal describes, whichever instant it stopped at; the same result as an unbroken run."""
        push = found.plan.push
        here = self.remaining(found)
        leftovers.remove_locks(self.repository, here)
        if push is not None and found.phase == "pushing":
            found = self._push_again(found, push)
        return self._local(replace(found, plan=here), torn=Torn.NEW | Torn.OLD if found.undoing else Torn.NEW)

    def abort(self, found: journal.Journal) -> tuple[str, ...]:
        """Undo what the journal describes.

        Raises:
            ReleaseError: the push has happened (exit 3), or nobody can tell (exit 7).
        """
        push = found.plan.push
        here = self.remaining(found)
        if push is not None and self._pushed_before(found.plan, push).state != "none":
            raise refusal(
                f"{found.plan.task} has already been pushed to {push.remote}: it cannot be undone here", RESUME
            )
        leftovers.remove_locks(self.repository, here)
        undone = found if found.undoing else journal.write(self.repository, replace(found, undoing=True))
        backwards = replace(undone, encoded="", plan=here.reversed())
        return self._local(backwards, torn=Torn.NEW | Torn.OLD if found.undoing else Torn.OLD)

    def remaining(self, found: journal.Journal) -> Plan:
        """Return the plan without what was to change in worktrees that were removed since; each is named.

        Raises:
            ReleaseError: a worktree is not removed, but not there either (exit 7).
        """
        plan = found.plan
        places = {plan.top: found.git_dir, **{move.path: move.git_dir for move in plan.worktrees}}
        common = self.repository.common
        gone = [place for place, git_dir in places.items() if worktree.is_gone(Path(place), Path(git_dir), common)]
        for place in gone:
            self.say(f"the worktree {place} is gone: what was to change there is left out")
        here = replace(plan, worktrees=tuple(move for move in plan.worktrees if move.path not in gone))
        if plan.top not in gone:
            return here
        return replace(here, top=str(self.repository.top), files=(), index=())

    def _push(self, written: journal.Journal, push: Push) -> journal.Journal:
        self.say(f"pushing {', '.join(short(update.name) for update in push.updates)} to {push.remote}")
        result = pushing.send(self.repository, push)
        if result.status != 0:
            there = pushing.ask(self.repository, push)
            if there.state == "none":
                self._refused(written, push, result, there.moved)
            if there.state != "all":
                raise pushing.mixed(push, there.state)
            pushing.track(self.repository, push, lock=self.lock)
        return journal.write(self.repository, replace(written, phase="local"))

    def _refused(self, written: journal.Journal, push: Push, result: Result, moved: Sequence[str]) -> NoReturn:
        """Nothing has moved at the remote, and unless git was killed nothing will."""
        if result.status < 0:
            what = result.complaint or f"git push was ended by signal {-result.status}"
            raise interrupted(what, RESUME_OR_ABORT)
        self._forget(written)
        raise pushing.refused(written, push, result, moved)

    def _forget(self, written: journal.Journal) -> None:
        """Nothing has happened: there is no journal any more, or again the one of what people have resolved so far."""
        if written.stop is None:
            journal.remove(self.repository)
        else:
            journal.write(self.repository, journal.stopped(written.stop, top=written.plan.top, git_dir=written.git_dir))

    def _push_again(self, found: journal.Journal, push: Push) -> journal.Journal:
        there = self._pushed_before(found.plan, push)
        if there.state == "none":
            return self._push(found, push)
        if there.state != "all":
            raise pushing.mixed(push, there.state)
        self.say(f"already pushed to {push.remote}")
        pushing.track(self.repository, push, lock=self.lock)
        return journal.write(self.repository, replace(found, phase="local"))

    def _pushed_before(self, plan: Plan, push: Push) -> There:
        """Ask the remote what an interrupted push did, once nothing of it is left that could still do it."""
        # A push does not hold our lock: a credential helper that it starts in the background would keep that.
        leftovers.refuse_if_working(self.repository, plan, pushing=True)
        return pushing.ask(self.repository, push)

    def _local(self, found: journal.Journal, *, torn: Torn | None) -> tuple[str, ...]:
        """Carry out what happens here. `torn` says which files a killed run can have left half written; None: fresh."""
        plan, fresh = found.plan, torn is None
        moving = {ref.name for ref in plan.refs if ref.old is not None and ref.new is not None}
        for move in plan.worktrees:
            self._detach(move, moving, fresh=fresh)
        self._update_refs([ref for ref in plan.refs if ref.new is not None], found, fresh=fresh)
        for move in plan.worktrees:
            self._follow(move, plan, torn)
        self._update_refs([ref for ref in plan.refs if ref.new is None], found, fresh=fresh)
        strangers = files.replace_all(plan, self.objects, fresh=fresh)
        strangers += self._update_index(plan, strangers, fresh=fresh)
        self.close()
        return strangers

    def close(self) -> None:
        """Forget the journal, as all is done; from now on a Ctrl-C comes too late."""
        _take_no_interrupts()
        journal.remove(self.repository)

    def _detach(self, move: WorktreeMove, moving: set[str], *, fresh: bool) -> None:
        """A branch must not move under a HEAD that follows it; one that vanishes does so when no HEAD does."""
        if move.old_branch not in moving:
            return
        if not fresh and self._head(move)[0] != move.old_branch:
            return
        self._write(move.path, "update-ref", "--no-deref", "-m", "release: detach", "HEAD", move.old)

    def _update_refs(self, updates: Sequence[RefUpdate], found: journal.Journal, *, fresh: bool) -> None:
        plan = found.plan
        pending = updates if fresh else self._pending(updates, plan)
        if not pending:
            return
        lines = b"".join(_instruction(update) for update in pending)
        answer = command.write(
            ["update-ref", "-m", f"release: {plan.task}", "--stdin", "-z"],
            cwd=self.repository.top,
            lock=self.lock,
            data=lines,
            accept=range(-64, 256),
        )
        if answer.status == 0:
            return
        now = world.observe(self.repository).refs
        first = fresh and plan.push is None and (updates[0].new is not None or not plan.worktrees)
        # A git that was killed may leave locks, which only resume and abort may remove.
        if first and answer.status > 0 and all(_held(now, update.name) == update.old for update in plan.refs):
            self._reattach(plan)
            self._forget(found)
            raise refusal(f"the refs moved or are locked, and nothing has changed: {answer.complaint}", "try again")
        raise interrupted(f"the refs could not be moved: {answer.complaint}", _ways_on(plan))

    def _reattach(self, plan: Plan) -> None:
        moving = {ref.name for ref in plan.refs if ref.old is not None and ref.new is not None}
        for move in plan.worktrees:
            if move.old_branch in moving:
                self._write(move.path, "symbolic-ref", "-m", "release: back", "HEAD", move.old_branch)

    def _pending(self, updates: Sequence[RefUpdate], plan: Plan) -> list[RefUpdate]:
        now = world.observe(self.repository).refs
        pending = []
        for update in updates:
            held = _held(now, update.name)
            if held == update.new:
                continue
            if held != update.old:
                raise interrupted(
                    f"{update.name} is at {held or 'nothing'}, neither {update.old or 'absent'} nor "
                    f"{update.new or 'absent'}: somebody moved it",
                    f"put it back with git update-ref, then {_ways_on(plan)}",
                )
            pending.append(update)
        return pending

    def _follow(self, move: WorktreeMove, plan: Plan, torn: Torn | None) -> None:
        if torn is not None:
            branch, head = self._head(move)
            if (branch and branch not in (move.old_branch, move.new_branch)) or (
                not branch and head not in (move.old, move.new)
            ):
                raise interrupted(
                    f"{move.path}: HEAD was moved to {short(branch) or head} since the run was interrupted",
                    f"take it back: {_switched(move, world.observe(self.repository).refs)}    then: {_ways_on(plan)}",
                )
            converge.complete(move, self.objects, lock=self.lock, torn=torn)
        elif move.changes:
            try:
                worktree.follow(move, lock=self.lock)
            except Exception as error:
                raise interrupted(f"{move.path} could not follow: {error}", _ways_on(plan)) from error
        if move.new_branch:
            reason = f"release: to {short(move.new_branch)}"
            self._write(move.path, "symbolic-ref", "-m", reason, "HEAD", move.new_branch)
        elif move.old_branch or move.old != move.new:
            self._write(move.path, "update-ref", "--no-deref", "-m", "release: move", "HEAD", move.new)
        _sync(move)

    def _head(self, move: WorktreeMove) -> tuple[str, str]:
        """The branch (or empty) and commit of a worktree's HEAD."""
        place = Path(move.path)
        branch = command.run(["symbolic-ref", "-q", "HEAD"], cwd=place, accept=(0, 1)).out.decode().strip()
        head = command.run(["rev-parse", "-q", "--verify", "HEAD"], cwd=place, accept=(0, 1)).out.decode().strip()
        return branch, head

    def _update_index(self, plan: Plan, strangers: Sequence[str], *, fresh: bool) -> tuple[str, ...]:
        """Bring the index entries of the plan to their new value; return those that hold neither, left alone."""
        mine = [change for change in plan.index if change.path not in strangers]
        top = Path(plan.top)
        if mine and not fresh:
            held = worktree.index(top, {change.path for change in mine})
            strange = tuple(change.path for change in mine if held.get(change.path) not in (change.old, change.new))
            mine = [change for change in mine if held.get(change.path) == change.old]
        else:
            strange = ()
        if not mine:
            return strange
        gone = "0" * len(next(entry.oid for change in mine for entry in (change.new, change.old) if entry))
        lines = [
            (f"{entry.mode} {entry.oid}" if entry is not None else f"0 {gone}").encode()
            + b"\t"
            + os.fsencode(change.path)
            + b"\0"
            for change in mine
            for entry in [change.new]
        ]
        command.write(["update-index", "-z", "--index-info"], cwd=top, lock=self.lock, data=b"".join(lines))
        command.write(["update-index", "--refresh"], cwd=top, lock=self.lock, accept=(0, 1))
        return strange

    def _write(self, cwd: str, *arguments: str) -> None:
        command.write(arguments, cwd=Path(cwd), lock=self.lock)


def _switched(move: WorktreeMove, now: Mapping[str, Ref]) -> str:
    """Return how HEAD of a worktree goes back to where it was or is to be, wherever that is typed.

    One of its branches may not be there: it is yet to be made, or deleted already.
    """
    branch = next((one for one in (move.old_branch, move.new_branch) if one in now), "")
    goal = [short(branch)] if branch else ["--detach", move.old]
    return shlex.join(["git", "-C", move.path, "switch", *goal])


def _ways_on(plan: Plan) -> str:
    """Say how to go on; what was pushed has no way back."""
    return RESUME_OR_ABORT if plan.push is None else RESUME


def _take_no_interrupts() -> None:
    """Let a Ctrl-C do nothing: without a journal it would be told as a refusal that has changed nothing."""
    if threading.current_thread() is threading.main_thread():  # no other takes signals, or may say what they do
        signal.signal(signal.SIGINT, _too_late)


def _too_late(_signal: int, _frame: FrameType | None) -> None:
    """Everything is done."""


def _instruction(update: RefUpdate) -> bytes:
    """One line of `update-ref --stdin -z`: an old value that must hold, absence included."""
    name = os.fsencode(update.name)
    if update.new is None:
        return b"delete " + name + b"\0" + (update.old or "").encode() + b"\0"
    if update.old is None:
        return b"create " + name + b"\0" + update.new.encode() + b"\0"
    return b"update " + name + b"\0" + update.new.encode() + b"\0" + update.old.encode() + b"\0"


def _held(refs: Mapping[str, Ref], name: str) -> str | None:
    return refs[name].oid if name in refs else None


def _sync(move: WorktreeMove) -> None:
    """Make the worktree's HEAD and changed files durable before the journal goes: of these git syncs the index only."""
    top, git_dir = Path(move.path), Path(move.git_dir)
    places = [top / change.path for change in move.changes]
    folders = {folder for place in places for folder in place.parents if folder.is_relative_to(top)}
    journal.sync_all([git_dir / "HEAD", git_dir, *places, *sorted(folders)])
