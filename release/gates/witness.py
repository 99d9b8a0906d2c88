"""A program, not a module to import: nox, with a record of the commands that its sessions start.

What nox logs is no proof, as `session.log` writes lines of the same form. So the interpreter's own audit events tell:
every process that nox starts raises one, with its arguments and environment, and those of a session are known by the
variable NOX_CURRENT_SESSION, which nox's own calls (that make environments or look for interpreters) do not have.

    python witness.py RECORD [NOX-ARGUMENT...]

RECORD gets a line of JSON for each: {"session": name, "argv": [...]}. Any Python that can run nox can run this.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import FrameType

_MARK = "NOX_CURRENT_SESSION"


def main(record: str, arguments: list[str]) -> None:
    """Run nox as the `nox` script does: neither this file's folder nor the current one is on its path."""
    if sys.path and Path(sys.path[0]).resolve() == Path(__file__).resolve().parent:
        del sys.path[0]
    sys.dont_write_bytecode = True  # of noxfile.py, beside it: the checkout holds what was committed
    descriptor = os.open(record, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def watch(event: str, details: tuple[Any, ...]) -> None:
        if event == "subprocess.Popen":
            _, argv, _, env = details
            if env and _MARK in env:
                words = [argv] if isinstance(argv, (str, bytes)) else argv
                line = {"session": _session() or env[_MARK], "argv": [os.fsdecode(word) for word in words]}
                os.write(descriptor, json.dumps(line).encode() + b"\n")
        elif event == "os.exec":
            _follow(record, *details)

    sys.addaudithook(watch)
    sys.argv = ["nox", *arguments]
    runpy.run_module("nox", run_name="__main__", alter_sys=True)


def _session() -> str:
    """Return the full name of the session that is running: a noxfile may set the variable to another."""
    frame: FrameType | None = sys._getframe()  # noqa: SLF001  # the documented way is `inspect`, which is slow to load
    while frame is not None:
        if frame.f_code.co_name == "execute":
            name = getattr(frame.f_locals.get("self"), "friendly_name", "")
            if name:
                return str(name)
        frame = frame.f_back
    return ""


def _follow(record: str, program: Any, argv: Any, env: Any) -> None:
    """Stay with nox where it goes on in an environment of its own, made for the noxfile's PEP 723 dependencies."""
    script = Path(os.fsdecode(program)).resolve()
    python = script.with_name("python")
    if script.name == "nox" and python.exists():
        words = [str(python), str(Path(__file__).resolve()), record, *argv[1:]]
        os.execve(python, words, os.environ if env is None else env)  # noqa: S606  # as nox was about to do


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
