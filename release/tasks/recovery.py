"""`release.resume` and `release.abort`: they act on the journal alone."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from release import console
from release.flows import conflicts
from release.git import journal
from release.git.database import ObjectReader
from release.git.transaction import Transaction
from release.tasks import face

if TYPE_CHECKING:
    from collections.abc import Iterator

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
            face.conclude(found.plan)


def abort(*, dry_run: bool) -> None:
    """Undo what the journal describes."""
    with _found("undo", dry_run=dry_run) as (transaction, found):
        if transaction is not None and found is not None:
            if found.phase == "conflict" and found.stop is not None:
                conflicts.give_up(transaction.repository, found.stop, lock=transaction.lock)
            else:
                _report(transaction.abort(found))
            console.say(f"{found.plan.task} is undone: everything is as it was before")
            console.say(f"next: begin again with invoke {found.plan.task}, or leave it")


def _go_on(transaction: Transaction, stop: Stop) -> None:
    """Take the resolution of a conflict, and plan the flow anew with it and with what it was told at the start."""
    going_on = conflicts.take(transaction.repository, stop, lock=transaction.lock)
    run = face.Run(repository=transaction.repository, lock=transaction.lock, yes=True)
    run.flow(stop.flow, dict(stop.options), stop=going_on, features=stop.flow == "feature.finish")


@contextlib.contextmanager
def _found(verb: str, *, dry_run: bool) -> Iterator[tuple[Transaction | None, journal.Journal | None]]:
    with face.ending() as repository:
        where = repository()
        with journal.locked(where) as lock, contextlib.closing(ObjectReader(where.top)) as objects:
            found = journal.read(where)
            transaction = Transaction(repository=where, objects=objects, lock=lock, say=console.say)
            if found is None:
                console.say("nothing is in progress")
                yield None, None
            elif dry_run:
                console.say(f"dry run: would {verb} {found.plan.task} (stopped in phase {found.phase})")
                plan = transaction.remaining(found)
                for line in console.summary(plan if verb == "complete" else plan.reversed()):
                    console.show(line)
                yield None, None
            else:
                yield transaction, found


def _report(left: tuple[str, ...]) -> None:
    for path in left:
        console.say(f"left alone, because it holds neither the old nor the new content: {path}")
