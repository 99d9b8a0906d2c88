"""Lines at the end of a terminal that are drawn anew in their place."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TextIO

from release import terminal

if TYPE_CHECKING:
    from collections.abc import Sequence

_TO_END = "\033[J"  # clears from the cursor to the end of the screen
_REST = "\033[K"  # clears the rest of a line
_UP = "\033[{}A"


class Screen:
    """The lines that were drawn last; the cursor stands below them, so that nothing is to be put back."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._drawn: tuple[int, ...] = ()  # columns of each line
        self._last: tuple[str, os.terminal_size] | None = None
        self._painted = terminal.colours(stream)
        self._gone = False

    @property
    def columns(self) -> int:
        """How wide a line can be."""
        return self._size().columns - 1  # in the last column some terminals begin the next line

    def fits(self, lines: int) -> bool:
        """Whether so many lines can stand on the terminal at once, with one below them."""
        return lines < self._size().lines

    def draw(self, lines: Sequence[tuple[str, str]]) -> None:
        """Draw lines, each with its colour or "", over those of before; what is too long or too many is cut."""
        size = self._size()
        texts = [terminal.cut(terminal.shown(text, self._stream), self.columns) for text, _ in lines]
        texts = texts[: max(0, size.lines - 1)]
        rows = "".join(
            f"{colour}{text}{terminal.PLAIN}{_REST}\n" if colour and self._painted else f"{text}{_REST}\n"
            for text, (_, colour) in zip(texts, lines, strict=False)
        )
        if (rows, size) != self._last:
            self._write(f"{self._back(size.columns)}{rows}{_TO_END}")
            self._last = (rows, size)
            self._drawn = tuple(map(terminal.columns, texts))

    def clear(self) -> None:
        """Take the lines away."""
        self._write(f"{self._back(self._size().columns)}{_TO_END}")
        self._drawn, self._last = (), None

    def _back(self, width: int) -> str:
        """Return what leads to where the lines begin; a terminal that became narrower has broken them into more."""
        rows = sum(max(1, -(-columns // max(1, width))) for columns in self._drawn)
        return f"\r{_UP.format(rows)}" if rows else "\r"

    def _size(self) -> os.terminal_size:
        try:
            size = os.get_terminal_size(self._stream.fileno())
        except OSError:
            return os.terminal_size((80, 24))
        return size if size.columns and size.lines else os.terminal_size((80, 24))  # nobody has told it its size

    def _write(self, text: str) -> None:
        """Write at once; a terminal that is not there any more ends nothing."""
        if self._gone:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:
            self._gone = True
