"""How gates are told: in lines, or in a table that stays in its place and within its terminal."""

from __future__ import annotations

import io
import os
import pty
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from terminals import resize, screen

from release.gates import board
from release.gates.board import Board, State

if TYPE_CHECKING:
    from collections.abc import Iterator


_MARK = b"\0"


class Watched:
    """Standard error on a terminal, and what was written to it."""

    def __init__(self, stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
        self._master, self.slave = pty.openpty()
        stack.callback(os.close, self._master)
        self.stream = stack.enter_context(os.fdopen(self.slave, "w", encoding="utf-8"))
        self._monkeypatch = monkeypatch
        self.text = ""
        self.size(24, 80)

    def board(self, *gates: str) -> Board:
        """Make a board that looks at this terminal; pytest sets standard error anew between a fixture and its test."""
        self._monkeypatch.setattr(sys, "stderr", self.stream)
        return Board(gates, self.say)

    @property
    def table(self) -> list[str]:
        """What it shows but the total, which is said like other lines."""
        return [line for line in self.shows() if not line.startswith("gates: ")]

    def size(self, lines: int, columns: int) -> None:
        resize(self.slave, lines, columns)
        self.columns = columns

    def read(self) -> str:
        """Return what was written since; a mark says where that ends, as a terminal passes it on in its own time."""
        os.write(self.slave, _MARK)
        new = b""
        while not new.endswith(_MARK):
            new += os.read(self._master, 65_536)
        text = new.removesuffix(_MARK).decode()
        self.text += text
        return text

    def shows(self) -> list[str]:
        self.read()
        lines, row = screen(self.text.replace("\r\n", "\n\r"), columns=self.columns)
        assert lines[row:] == [""]
        return lines[:row]

    def say(self, line: str) -> None:
        print(line[: self.columns], file=self.stream, flush=True)


class Clock:
    """Time that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(board, "time", made)
    return made


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(board, "EVERY", 0.0)
    with ExitStack() as stack:
        yield Watched(stack, monkeypatch)


def row(gate: str, state: str, seconds: str) -> str:
    return f"{gate:8}  {state:14} {seconds:>8}"


def test_a_table_stays_in_its_place(watched: Watched, clock: Clock) -> None:
    told = watched.board("tests", "security", "lint")
    told.tell("tests", State.CHECKING_OUT)
    assert watched.shows()[1:] == ["security  waiting", "lint      waiting"]
    told.tell("security", State.CHECKING_OUT)
    told.tell("tests", State.RUNNING)
    clock.now = 61.96
    told.say("something else")
    assert watched.shows() == [
        "something else",
        row("tests", "running", "61 s"),
        row("security", "checking out", "61 s"),
        "lint      waiting",
    ]
    told.tell("tests", State.FAILED)
    told.tell("security", State.PASSED)
    told.tell("lint", State.CANCELLED)
    clock.now = 70
    told.finish()
    said, *rows, total = watched.shows()
    assert said == "something else"
    assert rows == [
        row("tests", "failed", "62.0 s"),
        row("security", "passed", "62.0 s"),
        "lint      cancelled",
    ]
    assert total == "gates: 70.0 s (tests 62.0 s, security 62.0 s, lint cancelled)"


@pytest.mark.parametrize("columns", [8, 20, 40])
def test_no_line_is_longer_than_the_terminal_is_wide(columns: int, watched: Watched) -> None:
    watched.size(24, columns)
    told = watched.board("tests", "s" * 99, "\u6e2c\u8a66\u6e2c\u8a66")
    told.tell("tests", State.RUNNING)
    told.tell("\u6e2c\u8a66\u6e2c\u8a66", State.BLIND)
    told.finish()
    rows = watched.table
    assert len(rows) == 3
    assert columns < 30 or ["running" in rows[0], "waiting" in rows[1], "could not look" in rows[2]] == [True] * 3


def test_wide_characters_take_two_columns(watched: Watched) -> None:
    told = watched.board("\u6e2c\u8a66", "e\u0301", "tests")
    told.finish()
    assert watched.table == ["\u6e2c\u8a66   waiting", "e\u0301      waiting", "tests  waiting"]


def test_a_terminal_that_becomes_narrower_keeps_what_stood_above(watched: Watched) -> None:
    told = watched.board("tests", "lint")
    told.tell("tests", State.RUNNING)
    watched.read()
    watched.size(24, 20)  # on which both lines are broken, the one in two
    told.tell("lint", State.RUNNING)
    assert watched.read().startswith("\r\x1b[3A")


def test_control_characters_of_a_name_are_shown(watched: Watched) -> None:
    told = watched.board("a\x1b[31m\nb")
    told.finish()
    assert watched.shows() == ["a\\x1b[31m b  waiting"]


@pytest.mark.parametrize("wanted", [True, False])
def test_colours_are_left_out_where_nobody_wants_them(
    wanted: bool, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    if wanted:
        monkeypatch.delenv("NO_COLOR")
    told = watched.board("tests")
    told.tell("tests", State.PASSED)
    told.finish()
    assert ("\x1b[32m" in watched.read()) == wanted


def test_the_same_is_not_drawn_twice_nor_too_often(
    watched: Watched, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = watched.board("tests")
    told.tick()
    assert watched.read()
    told.tick()
    assert not watched.read()
    monkeypatch.setattr(board, "EVERY", 0.25)
    clock.now = 0.2
    told.tell("tests", State.RUNNING)
    assert not watched.read()
    clock.now = 0.3
    told.tick()
    assert "running" in watched.read()
    told.tell("tests", State.PASSED)
    assert not watched.read()
    told.finish()
    assert "passed" in watched.read()


def test_a_terminal_that_is_gone_ends_nothing(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone(io.StringIO):
        def write(self, _: str) -> int:
            raise OSError(5, "Input/output error")

    stream = Gone()
    stream.isatty = lambda: True  # type: ignore[method-assign]
    stream.fileno = lambda: watched.slave  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stderr", stream)
    told = Board(["tests"], lambda _: None)
    told.tell("tests", State.PASSED)
    told.finish()


@pytest.mark.parametrize("why", ["a pipe", "dumb", "no TERM", "CI", "too low"])
def test_elsewhere_there_are_plain_lines(
    why: str, watched: Watched, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", watched.stream if why != "a pipe" else io.StringIO())
    if why == "dumb":
        monkeypatch.setenv("TERM", "dumb")
    elif why == "no TERM":
        monkeypatch.delenv("TERM")
    elif why == "CI":
        monkeypatch.setenv("CI", "true")
    elif why == "too low":
        watched.size(3, 80)
    said: list[str] = []
    told = Board(["one", "two", "three"], said.append)
    told.tell("one", State.CHECKING_OUT)
    told.tell("one", State.RUNNING)
    told.say("something else")
    told.tick()
    told.tell("two", State.CHECKING_OUT)
    clock.now = 1.26
    told.tell("one", State.PASSED)
    told.tell("two", State.BLIND)
    told.tell("three", State.CANCELLED)
    told.finish()
    assert said == [
        "gate one: running",
        "something else",
        "gate two: running",
        "gate one: passed (1.3 s)",
        "gate two: could not look (1.3 s)",
        "gate three: cancelled",
        "gates: 1.3 s (one 1.3 s, two 1.3 s, three cancelled)",
    ]
    assert not watched.read()


def test_one_gate_needs_no_total() -> None:
    said: list[str] = []
    told = Board(["tests"], said.append)
    told.tell("tests", State.RUNNING)
    told.tell("tests", State.PASSED)
    told.finish()
    assert said == ["gate tests: running", "gate tests: passed (0.0 s)"]
