"""How gates are told: a table that is drawn in its place on a terminal, elsewhere a line when something happens."""

from __future__ import annotations

import enum
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from release import terminal
from release.gates.screen import Screen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

EVERY = 0.25  # seconds between two drawings, at least
_NAMES = (8, 40)  # columns that the gates' names get, at least and at most
_SECONDS = 8


class State(enum.Enum):
    """Where a gate stands, in the words that people read."""

    WAITING = "waiting"
    CHECKING_OUT = "checking out"
    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"
    BLIND = "could not look"
    CANCELLED = "cancelled"

    @property
    def is_end(self) -> bool:
        """Whether nothing comes after it."""
        return self not in (State.WAITING, State.CHECKING_OUT, State.RUNNING)


_COLOURS = {
    State.RUNNING: terminal.BOLD,
    State.PASSED: terminal.GREEN,
    State.FAILED: terminal.RED,
    State.BLIND: terminal.RED,
}
_STATE = max(len(state.value) for state in State)


@dataclass(kw_only=True)
class _Row:
    state: State = State.WAITING
    begun: float | None = None
    ended: float | None = None

    def seconds(self, now: float) -> float | None:
        """Return how long it has been at it, None for not at all."""
        return None if self.begun is None else (self.ended or now) - self.begun


class Board:
    """What people see of gates while they run. It belongs to one thread."""

    def __init__(self, gates: Iterable[str], say: Callable[[str], None]) -> None:
        self._rows: Mapping[str, _Row] = {gate: _Row() for gate in gates}
        self._say = say
        self._begun = time.monotonic()
        self._drawn = float("-inf")
        screen = Screen(sys.stderr) if terminal.is_live(sys.stderr) else None
        self._screen = screen if screen is not None and screen.fits(len(self._rows)) else None

    def tell(self, gate: str, state: State) -> None:
        """Tell that a gate has come to another state."""
        row, now = self._rows[gate], time.monotonic()
        is_begin = row.begun is None and not state.is_end
        row.state = state
        row.begun = now if is_begin else row.begun
        row.ended = now if state.is_end else None
        if self._screen is not None:
            self.tick()
        elif is_begin:
            self._say(f"gate {gate}: running")
        elif state.is_end:
            spent = row.seconds(now)
            self._say(f"gate {gate}: {state.value}{'' if spent is None else f' ({spent:.1f} s)'}")

    def say(self, line: str) -> None:
        """Say a line; on a terminal it stands above the table."""
        if self._screen is not None:
            self._screen.clear()
        self._say(line)
        if self._screen is not None:
            self._draw(time.monotonic())

    def tick(self) -> None:
        """Bring the table up to date, unless that was done a moment ago."""
        now = time.monotonic()
        if self._screen is not None and now - self._drawn >= EVERY:
            self._draw(now)

    def finish(self) -> None:
        """Leave the table as it is now, and say how long all of it took, and each gate."""
        now = time.monotonic()
        if self._screen is not None:
            self._draw(now)
        if len(self._rows) > 1:
            each = ", ".join(f"{gate} {_time(row, now)}" for gate, row in self._rows.items())
            self._say(f"gates: {now - self._begun:.1f} s ({each})")

    def _draw(self, now: float) -> None:
        assert self._screen is not None  # noqa: S101  # the callers have looked
        least, most = _NAMES
        room = min(most, max(least, self._screen.columns - _STATE - _SECONDS - 3))
        self._screen.draw(list(self._lines(now, room)))
        self._drawn = now

    def _lines(self, now: float, room: int) -> Iterator[tuple[str, str]]:
        names = {gate: terminal.cut(" ".join(terminal.visible(gate).split()), room) for gate in self._rows}
        width = max(map(terminal.columns, names.values()))
        for gate, row in self._rows.items():
            spent = row.seconds(now)
            blank = " " * (width - terminal.columns(names[gate]))
            shown = "" if spent is None else f"{spent:.1f} s" if row.state.is_end else f"{int(spent)} s"
            yield (
                f"{names[gate]}{blank}  {row.state.value:{_STATE}} {shown:>{_SECONDS}}".rstrip(),
                _COLOURS.get(row.state, ""),
            )


def _time(row: _Row, now: float) -> str:
    spent = row.seconds(now)
    return row.state.value if spent is None or row.state is State.CANCELLED else f"{spent:.1f} s"
