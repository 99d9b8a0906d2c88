"""What the nox session leaves: its result for the runner, files where a CI wants them, and what a person reads."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from release.errors import usage
from release.gates import flags, results
from release.gates.security import gate, report, sarif
from release.gates.security.programs import Programs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_FLAGS = {
    "--json": ("result", "FILE"),
    "--sarif": ("sarif", "FILE"),
    "--service": ("service", "URL"),
}


class Asked(NamedTuple):
    """What the session was called with: files to be written, and the service to be asked instead of the configured."""

    result: str = ""
    sarif: str = ""
    service: str = ""


def read(words: Sequence[str]) -> Asked:
    """Read positional arguments.

    Raises:
        ReleaseError: one is unknown or has no value (exit 2).
    """
    return Asked(**flags.read("security", words, _FLAGS))


def run(name: str, asked: Asked, *, env: Mapping[str, str], say: Callable[[str], None]) -> str:
    """Look, leave what was asked for, and return why the session fails, "" if it passes.

    `env` is what programs are started with, `say` takes the lines of the summary.

    Raises:
        ReleaseError: a file cannot be written (exit 2).
    """
    with tempfile.TemporaryDirectory(prefix="security-") as folder:
        programs = Programs(env=env, folder=Path(folder).resolve())
        looked = gate.look(Path.cwd(), programs, session=name, service=asked.service)
    return end(looked, asked, say)


def fail(name: str, asked: Asked, why: str, *, say: Callable[[str], None]) -> str:
    """Leave, as `run` does, that the session could not look, and return the message with which it fails.

    Raises:
        ReleaseError: a file cannot be written (exit 2).
    """
    return end(gate.Looked(results.Result(session=name, not_looked=(why,))), asked, say)


def end(looked: gate.Looked, asked: Asked, say: Callable[[str], None]) -> str:
    """Say what a session has seen, leave what was asked for, and return why it fails, "" if it passes.

    Raises:
        ReleaseError: a file cannot be written (exit 2).
    """
    for line in report.lines(looked.result):
        say(line)
    try:
        _leave(looked, asked)
    except OSError as error:
        raise usage(f"{error.filename} cannot be written: {error.strerror}") from None
    return report.failure(looked.result)


def _leave(looked: gate.Looked, asked: Asked) -> None:
    """Write what the runner, the caller and GitHub want.

    Raises:
        OSError: a file cannot be written.
    """
    if os.environ.get(results.VARIABLE):
        results.add(Path(os.environ[results.VARIABLE]), looked.result)
    if asked.result:
        _write(asked.result, looked.result.plain())
    if asked.sarif:
        _write(asked.sarif, sarif.document(looked.result, looked.open))
    if os.environ.get("GITHUB_ACTIONS") == "true":
        sys.stdout.write("".join(f"{line}\n" for line in report.annotated(looked)))
        sys.stdout.flush()
        if os.environ.get("GITHUB_STEP_SUMMARY"):
            with Path(os.environ["GITHUB_STEP_SUMMARY"]).open("a", encoding="utf-8") as file:
                file.write(report.page(looked))


def _write(path: str, data: object) -> None:
    Path(path).write_text(json.dumps(data, indent=1) + "\n", encoding="ascii")
