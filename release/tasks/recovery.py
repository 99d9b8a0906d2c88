"""`release.resume` and `release.abort`: they act on the journal alone."""

from __future__ import annotations

import contextlib
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from invoke.exceptions import Exit

from release import console
from release.errors import Exit as Code
from release.errors import ReleaseError, refusal
from release.flows import conflicts
from release.git import handover, journal
from release.git import repository as repositories
from release.git.database import ObjectReader
from release.git.transaction import Transaction
from release.tasks import face, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from release.git.repository import Repository
    from release.plan import Stop


def resume(*, dry_run: bool) -> None:
    """Complete what the journal describes."""
    with _found("complete", dry_run=dry_run) as (transaction, found):
        if transaction is None or found is None:
            return
        if found.phase == "conflict" and found.stop is not None:
            _go_on(transaction, found.stop)
        else:
            _report(transaction.resume(found))
            running.keep(transaction.repository, found.plan, rehearsal=None)
            running.conclude(running.requested(found.plan))
            if "--publish" in shlex.split(found.plan.task):
                console.say("note: nothing of it is published yet: invoke publish")


def abort(*, dry_run: bool) -> None:
    """Undo what the journal describes."""
    with _found("undo", dry_run=dry_run) as (transaction, found):
        if transaction is not None and found is not None:
            if found.phase == "conflict" and found.stop is not None:
                conflicts.give_up(transaction.repository, found.stop)
                transaction.close()
            else:
                _report(transaction.abort(found))
            console.say(f"{found.plan.task} is undone: everything is as it was before")
            console.say(f"next: begin again with invoke {found.plan.task}, or leave it")


def _go_on(transaction: Transaction, stop: Stop) -> None:
    """Take the resolution of a conflict, and plan the flow anew with it and with what it was told at the start."""
    folder = str(dict(stop.options).get("receipts", ""))
    receipts = Path(folder) if folder else None  # by now it may be gone: then gates run
    run = running.Run(repository=transaction.repository, lock=transaction.lock, yes=True, receipts=receipts)
    if stop.opened is not None:
        handover.clear(transaction.repository, stop.opened)
    try:
        run.flow(stop.flow, dict(stop.options), stop=stop, features=stop.flow == "feature.finish")
    except conflicts.Stopped:
        raise
    except ReleaseError as error:
        found = journal.read(transaction.repository)
        if found is None or found.phase != "conflict" or error.exit is Code.CONFLICT:
            raise
        face.report(error)
        opened = None if found.stop is None else found.stop.opened
        console.say(f"what was resolved is kept{f', to be edited in {opened.path}' if opened else ''}")
        console.say("next: invoke release.resume")
        console.say("undo: invoke release.abort")
        raise Exit(code=int(Code.INTERRUPTED if error.exit is Code.UNEXPECTED else error.exit)) from None


@contextlib.contextmanager
def _found(verb: str, *, dry_run: bool) -> Iterator[tuple[Transaction | None, journal.Journal | None]]:
    with face.ending() as repository:
        where = repository()
        with journal.locked(where) as lock, contextlib.ExitStack() as stack:
            found = journal.read(where)
            if found is None:
                console.say("nothing is in progress")
                yield None, None
                return
            home = _home(where, found)
            objects = stack.enter_context(contextlib.closing(ObjectReader(home.top)))
            transaction = Transaction(repository=home, objects=objects, lock=lock, say=console.say)
            if dry_run:
                console.say(f"dry run: would {verb} {found.plan.task} (stopped in phase {found.phase})")
                if found.phase == "conflict":
                    console.say(journal.describe(found))
                plan = transaction.remaining(found)
                for line in console.summary(plan if verb == "complete" else plan.reversed()):
                    console.show(line)
                yield None, None
                return
            yield transaction, found


def _home(where: Repository, found: journal.Journal) -> Repository:
    """Return the repository as seen from where the task was begun, if that is still there.

    Raises:
        ReleaseError: we stand in the worktree that is to be put away, and there is no other to work in (exit 3).
    """
    top = Path(found.plan.top)
    if top == where.top:
        return where
    if top.is_dir():
        with contextlib.suppress(ReleaseError):
            begun = repositories.locate(top)
            if begun.common == where.common:
                return begun
    opened = None if found.stop is None else found.stop.opened
    if opened is not None and Path(opened.path) == where.top:
        raise refusal(
            f"{top}, where {found.plan.task} was begun, is gone",
            "repeat this command in another worktree: git worktree list",
        )
    return where


def _report(left: tuple[str, ...]) -> None:
    for path in left:
        console.say(f"left alone, because it holds neither the old nor the new content: {path}")
