"""Gates side by side: each in a thread of its own, as many at once as there are cores; one thread tells, and ends them.

The threads wait for programs. All that is told and decided happens in the one that called, as it alone hears signals.
"""

from __future__ import annotations

import os
import queue
import time
from contextlib import closing
from typing import TYPE_CHECKING

from release.beside import Beside
from release.errors import Exit, ReleaseError
from release.gates import session, settings, signals
from release.gates.board import EVERY, Board, State
from release.gates.children import CancelledError, Children
from release.git.database import ObjectReader
from release.process import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from release.errors import Problem
    from release.gates.receipts import Receipt
    from release.git.repository import Repository

# Bad input says nothing about the gate, and need not be its own.
_STATES = {Exit.GATE_FAILED: State.FAILED, Exit.USAGE: State.CANCELLED}


def run(
    repository: Repository,
    *,
    commit: str,
    tree: str,
    gates: Sequence[str],
    say: Callable[[str], None],
    fresh: bool,
    each: bool,
    whole: bool,
) -> tuple[Problem, ...]:
    """Run gates and return the problems of those that did not pass, in their order, each once.

    With `fail_fast` in the configuration of `tree`, and without `each`, the first that does not pass ends the others.
    One that nox does not know ends them in any case: another commit is needed, for which nothing of this counts.

    Raises:
        ReleaseError: the configuration cannot be read (exit 2).
        KeyboardInterrupt: at a Ctrl-C, when all that the gates had started has ended.
    """
    with closing(ObjectReader(repository.top)) as reader:
        fail_fast = not each and len(gates) > 1 and settings.of(reader, tree).fail_fast
    events: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()  # whose `put` a signal may interrupt
    board = Board(gates, say)
    look = session.Look(
        repository=repository,
        commit=commit,
        tree=tree,
        gates=tuple(gates),
        since=int(time.time()) if fresh else 0,
        whole=whole,
        children=Children(),
        say=lambda line: events.put(lambda: board.say(line)),
    )
    runner = _Runner(look, board, events, fail_fast=fail_fast)
    try:
        with signals.told(runner.hear):
            try:
                runner.work()
            finally:
                runner.leave()
    finally:
        board.finish()
    signals.obey(runner.heard)
    found = (problem for gate in reversed(gates) for problem in runner.problems.get(gate, ())[::-1])
    return tuple({problem[:-1]: problem for problem in found}.values())[::-1]


def cores() -> int:
    """Return how many gates run at once: the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Runner:
    """Starts gates, waits for what happens, and ends them when they are not wanted any more."""

    def __init__(
        self,
        look: session.Look,
        board: Board,
        events: queue.SimpleQueue[Callable[[], None]],
        *,
        fail_fast: bool,
    ) -> None:
        self.problems: dict[str, tuple[Problem, ...]] = {}
        self.heard: list[int] = []
        self._look = look
        self._board = board
        self._events = events
        self._fail_fast = fail_fast
        self._at_once = cores()
        self._waiting = list(look.gates)
        self._working: dict[str, Beside[Receipt]] = {}
        self._kill_at = float("inf")
        self._interrupts = 0

    def work(self) -> None:
        """Run all gates to their ends."""
        asks = len(self._waiting) > self._at_once  # else nox is asked for each of them at once anyway
        while self._waiting or self._working:
            while self._waiting and len(self._working) < self._at_once:
                self._start(self._waiting.pop(0), asks=asks)
                asks = False
            self._next_event()

    def leave(self) -> None:
        """See that nothing goes on, which is so unless an error of ours has ended the work."""
        self._look.children.kill()
        for thread in self._working.values():
            thread.wait()

    def hear(self, number: int) -> None:
        """Note a signal: this is called between any two lines, so that all else is done where events are."""
        self.heard.append(number)
        self._events.put(self._interrupt)

    def _interrupt(self) -> None:
        """End all gates, at a second signal without patience."""
        self._interrupts += 1
        if self._interrupts == 1:
            self._end()  # first: the terminal that is told can be gone
            self._board.say("ending the gates; Ctrl-C once more kills them")
        else:
            self._look.children.kill()

    def _start(self, gate: str, *, asks: bool) -> None:
        def starts() -> None:
            self._events.put(lambda: self._board.tell(gate, State.RUNNING))

        def work() -> Receipt:
            try:
                return session.run(self._look, gate, starts=starts, asks=asks)
            finally:
                self._events.put(lambda: self._ended(gate))

        self._board.tell(gate, State.CHECKING_OUT)
        self._working[gate] = Beside(work)

    def _next_event(self) -> None:
        """Wait a moment for something to happen; a signal that another thread was given is seen thereafter."""
        try:
            event = self._events.get(timeout=EVERY)
        except queue.Empty:
            pass  # the table has its seconds to show, all the same
        else:
            event()
        if time.monotonic() >= self._kill_at:
            self._kill_at = float("inf")
            self._look.children.kill()
        self._board.tick()

    def _ended(self, gate: str) -> None:
        try:
            self._working.pop(gate).result()
        except CancelledError:
            self._board.tell(gate, State.CANCELLED)
        except ReleaseError as error:
            self.problems[gate] = tuple(problem._replace(gate=gate) for problem in error.problems)
            self._board.tell(gate, _STATES.get(error.exit, State.BLIND))
            if self._fail_fast or error.exit is Exit.USAGE:
                self._end()
        else:
            self._board.tell(gate, State.PASSED)

    def _end(self) -> None:
        """Let all that runs come to its end, and nothing begin."""
        for gate in self._waiting:
            self._board.tell(gate, State.CANCELLED)
        self._waiting.clear()
        if self._kill_at == float("inf"):
            self._kill_at = time.monotonic() + PATIENCE
        self._look.children.end()
