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

_UNTAGGED = "nothing has changed, and nothing is tagged"
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


def to_build(repository: Repository, candidate: Candidate) -> Iterator[str]:
    """Say whether the distributions would be built."""
    if candidate.build:
        from release.artifacts import store  # noqa: PLC0415  # only what is built

        is_there = store.find(repository, candidate.tree) is not None
        yield "the distributions are built already" if is_there else "to be built, twice: the distributions"


def built(repository: Repository, candidate: Candidate, *, again: str) -> bool:
    """Have the distributions built, if there are to be any and none are there; returns whether that took its time.

    `again` is as for `passed`.

    Raises:
        ReleaseError: they cannot be built (exit 2 to 5).
    """
    if not candidate.build:
        return False
    from release.artifacts import dists, store  # noqa: PLC0415  # only what is built

    is_there = store.find(repository, candidate.tree) is not None
    try:
        dists.built(repository, commit=candidate.commit, tree=candidate.tree, say=console.say)
    except ReleaseError as error:
        if not again:
            raise
        raise stopped(error.problems, f"invoke {again}", done=_UNTAGGED) from None
    return not is_there


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
        raise stopped(error.problems, f"invoke {again}", done=_UNTAGGED) from None


def stopped(problems: Collection[Problem], command: str, *, done: str) -> ReleaseError:
    """Return the error of gates that did not pass; `done` says what holds now, `command` is what goes on."""
    return ReleaseError(problems, _closing(problems, command, done))


def _closing(problems: Collection[Problem], command: str, done: str) -> Iterator[str]:
    first = ", ".join(_MENDING[code] for code in sorted({problem.exit for problem in problems}) if code in _MENDING)
    yield done
    yield f"next: {first}, then: {command}" if first else f"next: {command}"
    yield "undo: there is nothing to undo"
