"""`scan`: which gates have passed HEAD's tree, a line for each, or as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, NamedTuple

from release import console
from release.errors import Exit
from release.flows import commands
from release.gates import parts, state
from release.steps import scan as step
from release.tasks import face, gating

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from release.errors import Problem
    from release.gates.state import State
    from release.git.repository import Repository
    from release.steps.scan import Subject

_WOULD_RUN = "would run"


class Row(NamedTuple):
    """One gate: what is known of it, how it ended (`word`), and whether it ran now."""

    state: State
    word: str
    ran: bool

    def details(self) -> Iterator[str]:
        """Yield what it rests on, and for how long."""
        receipt = self.state.receipt
        if receipt is None or self.word == _WOULD_RUN:
            return
        if self.word != "passed":
            yield "its earlier receipt still counts"
        commands_run = len(receipt.evidence) - len(receipt.counts)
        if commands_run:
            yield f"{commands_run} command{'s' if commands_run > 1 else ''}"
        yield from receipt.counts
        if not self.ran:
            yield f"receipt of {state.moment(receipt.ended)}"
        if receipt.expires is not None:
            yield state.remaining(receipt.expires)

    def facts(self) -> dict[str, Any]:
        """The same as plain data."""
        receipt = self.state.receipt
        sessions = [] if receipt is None else [one._asdict() for one in receipt.sessions]
        known = None if receipt is None else {**asdict(receipt), "sessions": sessions}
        return {**self.state.facts(), "result": self.word, "ran": self.ran, "receipt": known}


def scan(names: Sequence[str], *, fresh: bool, dry_run: bool, as_json: bool) -> None:
    """Run the gates on HEAD's tree, or with `dry_run` say which would run, and show how each ended."""
    with face.ending() as repository:
        where = repository()
        on = step.subject(where, names)
        waiting = step.missing(where, on, fresh=fresh)
        if not as_json:
            _begin(on)
        problems = () if dry_run else step.scan(where, on, fresh=fresh, say=console.say)
        rows = _rows(where, on, () if dry_run else waiting, waiting if dry_run else (), problems)
        if as_json:
            console.show(json.dumps(_facts(on, rows, problems), indent=2))
        else:
            _show(rows)
        if dry_run:
            console.say("dry run: no gate has run")
        elif step.has_moved(where, on):
            console.say(f"HEAD has moved meanwhile: this is what {on.commit[:10]} holds")
        if problems:
            failing = [row.state.gate for row in rows if row.word != "passed"]
            flags = ["--fresh"] if fresh else []
            again = commands.invoke("scan", *flags, *(word for name in failing for word in ("--gate", name)))
            raise gating.stopped(problems, again, done="a scan changes nothing but receipts")


def _begin(on: Subject) -> None:
    if not on.gates:
        console.show("no gates configured")
        return
    console.show(f"HEAD {on.commit[:10]}, tree {on.tree}")
    if on.uncommitted:
        console.show(f"not looked at: {parts.named(on.uncommitted)} (not committed)")


def _rows(
    where: Repository, on: Subject, ran: Sequence[str], would: Sequence[str], problems: Sequence[Problem]
) -> list[Row]:
    rows = []
    for known in state.of(where, on.gates, on.tree):
        codes = {problem.exit for problem in problems if problem.gate == known.gate}
        word = _WOULD_RUN if known.gate in would else _word(codes, is_known=known.receipt is not None)
        rows.append(Row(known, word, known.gate in ran))
    return rows


def _word(codes: set[Exit], *, is_known: bool) -> str:
    """Return how a gate ended, by the exit codes that its problems ask for."""
    if Exit.NOT_AUDITED in codes:
        return "could not look, and failed" if Exit.GATE_FAILED in codes else "could not look"
    if Exit.GATE_FAILED in codes:
        return "failed"
    return "passed" if is_known and not codes else "not run"


def _show(rows: Sequence[Row]) -> None:
    gates = max((len(row.state.gate) for row in rows), default=0)
    words = max((len(row.word) for row in rows), default=0)
    for row in rows:
        line = f"{row.state.gate:{gates}}  {row.word:{words}}  {', '.join(row.details())}"
        console.show(line.rstrip())


def _facts(on: Subject, rows: Sequence[Row], problems: Sequence[Problem]) -> dict[str, Any]:
    return {
        "commit": on.commit,
        "tree": on.tree,
        "uncommitted": list(on.uncommitted),
        "gates": [row.facts() for row in rows],
        "problems": [{**problem._asdict(), "exit": int(problem.exit)} for problem in problems],
    }
