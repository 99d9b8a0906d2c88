"""Programs on pseudo-terminals: what is typed there, and what a person sees in the end."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parent.parent
SECONDS = 60  # that a program has at most
_MARK = b"\0"
_TAKES = """\
import fcntl, os, sys, termios
terminal = os.open(sys.argv[1], os.O_RDWR)
fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
for number in range(3):
    os.dup2(terminal, number)
os.execv(sys.argv[2], sys.argv[2:])
"""
_PIECE = re.compile(r"\x1b\[(\d*)([A-Za-z])|([^\x1b])", re.DOTALL)


def resize(terminal: int, lines: int, columns: int) -> None:
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))


def screen(text: str, *, columns: int) -> tuple[list[str], int]:
    """Return the lines that a terminal shows after `text`, and the line where the cursor is; nothing may be broken."""
    lines, row, column = [""], 0, 0
    for piece in _PIECE.finditer(text):
        count, command, character = piece.groups()
        if command == "A":
            row -= int(count or 1)
            assert row >= 0, "above the top"
        elif command == "J":
            lines[row:] = [lines[row][:column]]
        elif command == "K":
            lines[row] = lines[row][:column]
        elif character == "\r":
            column = 0
        elif character == "\n":
            row += 1
            lines += [""] * (row == len(lines))
        elif character:
            assert character.isprintable(), f"{character!a}"
            lines[row] = f"{lines[row]:{column}}"[:column] + character + lines[row][column + 1 :]
            column += 1
            assert column <= columns, f"longer than the terminal is wide: {lines[row]}"
        else:
            assert command == "m", f"another command: {piece[0]!a}"
    return lines, row


class Terminal:
    """A program that has a terminal of its own."""

    def __init__(self, argv: Sequence[str], *, cwd: Path, columns: int = 80, **env: str) -> None:
        self._master, slave = pty.openpty()
        self.columns = columns
        resize(slave, 24, columns)
        self.process = subprocess.Popen(
            [sys.executable, "-c", _TAKES, os.ttyname(slave), *argv],
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", **env},
            start_new_session=True,
        )
        os.set_blocking(self._master, False)
        self._slave = slave  # open until the end: without it what was printed last may be lost
        self.text = ""

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._master)
        os.close(self._slave)

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def until(self, words: str) -> None:
        """Read until these words have been printed."""
        deadline = time.monotonic() + SECONDS
        while words not in self.text:
            assert time.monotonic() < deadline, f"no {words!a} in {self.text!a}"
            assert self._read() or self.process.poll() is None, f"it ended without {words!a}: {self.text!a}"

    def ends(self) -> int:
        """Wait for the end and return the status."""
        deadline = time.monotonic() + SECONDS
        while self.process.poll() is None:
            assert time.monotonic() < deadline, f"it goes on: {self.text!a}"
            self._read()
        os.write(self._slave, _MARK)  # a terminal passes on in its own time what was written before
        while not self.text.endswith(_MARK.decode()):
            self._read()
        self.text = self.text.removesuffix(_MARK.decode())
        return self.process.returncode

    def shows(self) -> list[str]:
        """Return the lines that stand there in the end; the cursor has to stand below them."""
        lines, row = screen(self.text.replace("\r\n", "\n\r"), columns=self.columns)
        assert lines[row:] == [""]
        return lines[:row]

    def _read(self) -> bool:
        ready, _, _ = select.select([self._master], [], [], 0.05)
        if ready:
            self.text += os.read(self._master, 65_536).decode()
        return bool(ready)
