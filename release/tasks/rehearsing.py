"""Tasks as steps of a rehearsal: run in its own process, through Invoke, and shown line by line.

What a rehearsal may and no other run may stands in the class of Invoke's configuration that it makes for its tasks. It
is handed over from function to function: no option, setting, file or variable makes one.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import TYPE_CHECKING, ClassVar

from invoke.config import Config

from release import console

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

    from invoke.context import Context
    from typing_extensions import Buffer

    from release.flows.rehearse import Rehearsal


class _Rehearsed(Config):
    """The configuration of a task that is a step of a rehearsal."""

    held: ClassVar[Rehearsal]


def of(context: Context) -> Rehearsal | None:
    """Return the rehearsal that a task is a step of; None for every other run."""
    kind = type(context.config)
    return kind.held if issubclass(kind, _Rehearsed) else None


def play(rehearsal: Rehearsal, words: Sequence[str]) -> int:
    """Run one task in the clone of a rehearsal and return its exit code; all that it prints goes to standard output."""
    from invoke.program import Program  # noqa: PLC0415  # a task that is no rehearsal needs no second one

    from release.tasks import collection  # noqa: PLC0415  # it imports the tasks, which import this

    permitted = type("_Permitted", (_Rehearsed,), {"held": rehearsal})
    before = os.getcwd()  # noqa: PTH109  # as it is to be given back
    lines = _Lines(sys.stdout)
    shown = io.TextIOWrapper(lines, encoding="utf-8", errors="backslashreplace", write_through=True)
    os.chdir(rehearsal.stage.clone)
    try:
        with contextlib.redirect_stdout(shown), contextlib.redirect_stderr(shown):
            Program(namespace=collection(), config_class=permitted).run(["invoke", *words])
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    finally:
        os.chdir(before)
        shown.close()
    return 0


class _Lines(io.BytesIO):
    """A stream that shows whole lines on another one, further in."""

    def __init__(self, to: TextIO) -> None:
        super().__init__()
        self._to = to
        self._rest = b""

    def write(self, data: Buffer, /) -> int:
        self._rest += bytes(data)
        *lines, self._rest = self._rest.split(b"\n")
        for line in lines:
            self._show(line)
        return len(bytes(data))

    def close(self) -> None:
        if self._rest:
            self._show(self._rest)
            self._rest = b""
        super().close()

    def _show(self, line: bytes) -> None:
        with contextlib.redirect_stdout(self._to):
            console.show(f"  {line.decode('utf-8', 'replace')}")
