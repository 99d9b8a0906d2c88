"""Gates of a task: which would run, running them, and what is said when one has not passed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from release import console
from release.errors import Exit, ReleaseError
from release.gates import receipts, run

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from release.errors import Problem
    from release.flows.rehearse import Rehearsal
    from release.gates.exchange import Offer
    from release.git.repository import Repository
    from release.plan import Candidate

_MENDING = {
    Exit.USAGE: "correct it and commit",
    Exit.REFUSED: "wait for the other run",
    Exit.GATE_FAILED: "mend what failed and commit",
    Exit.NOT_AUDITED: "see that the gate can look",
}


def to_run(repository: Repository, candidate: Candidate, offer: Offer | None) -> str:
    """Say which gates a task would run, with the receipts that it is offered from elsewhere.

    Raises:
        ReleaseError: nothing defines them (exit 2).
    """
    missing = receipts.missing(repository, candidate.gates, candidate.tree)
    if offer is not None:
        missing = tuple(gate for gate in missing if gate not in offer.gates)
    if missing:
        run.refuse_without_noxfile(repository, candidate.commit, candidate.tree, missing)
    return f"gates to run: {', '.join(missing)}" if missing else "all gates have passed this tree"


def passed(repository: Repository, candidate: Candidate, *, again: str, rehearsal: Rehearsal | None) -> bool:
    """Have the gates run that have no receipt; returns whether any did.

    `again` is the task that begins anew, "" when what is in progress says itself how it goes on.

    Raises:
        ReleaseError: a gate has not passed, and this is no rehearsal that goes on without it.
    """
    commit, tree = candidate.commit, candidate.tree
    try:
        return run.run(
            repository, commit=commit, tree=tree, gates=candidate.gates, say=console.say, each=rehearsal is not None
        )
    except ReleaseError as error:
        if rehearsal is not None and rehearsal.goes_on(repository, error.problems):
            return True
        if not again:
            raise
        done = "nothing has changed, and nothing is tagged"
        raise stopped(error.problems, f"invoke {again}", done=done) from None


def stopped(problems: Collection[Problem], command: str, *, done: str) -> ReleaseError:
    """Return the error of gates that did not pass; `done` says what holds now, `command` is what goes on."""
    return ReleaseError(problems, _closing(problems, command, done))


def _closing(problems: Collection[Problem], command: str, done: str) -> Iterator[str]:
    first = ", ".join(_MENDING[code] for code in sorted({problem.exit for problem in problems}) if code in _MENDING)
    yield done
    yield f"next: {first}, then: {command}" if first else f"next: {command}"
    yield "undo: there is nothing to undo"
