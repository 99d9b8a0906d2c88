"""What the nox session does: it takes the distributions or builds them, looks, and leaves what was asked for."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from release.artifacts import builder, dists
from release.errors import Exit, ReleaseError, usage
from release.formats import inert
from release.gates import results
from release.gates.package import gate, sources
from release.gates.results import Result
from release.gates.security import report
from release.gates.security.findings import plain
from release.gates.security.programs import Programs
from release.git import command
from release.shapes import nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_VALUED = {"--json": "result", "--dist": "dist"}
_PLAIN = {"--from-sdist": "from_sdist"}
_TAKES = "package takes --dist FOLDER, --from-sdist, --json FILE"
_NOT_BUILT = "no wheel was built from the sdist to compare: --from-sdist does that"


class Asked(NamedTuple):
    """What the session was called with: a file to be written, a folder to be looked at, and what to do besides."""

    result: str = ""
    dist: str = ""
    from_sdist: bool = False


def read(words: Sequence[str]) -> Asked:
    """Read positional arguments.

    Raises:
        ReleaseError: one is unknown, or has no value, or has one that it does not take (exit 2).
    """
    given: dict[str, str] = {}
    waiting = list(words)
    while waiting:
        word, is_joined, value = waiting.pop(0).partition("=")
        if word in _PLAIN:
            if is_joined:
                raise usage(f"{word} takes no value", _TAKES)
            given[_PLAIN[word]] = word
            continue
        if word not in _VALUED:
            raise usage(f"package does not know {plain(word)}", nearest(word, (*_VALUED, *_PLAIN)) or _TAKES)
        value = value if is_joined else waiting.pop(0) if waiting else ""
        if not value or (value.startswith("--") and not is_joined):
            raise usage(f"{word} has no value", _TAKES)
        given[_VALUED[word]] = value
    from_sdist = bool(given.pop("from_sdist", ""))
    return Asked(**given, from_sdist=from_sdist)


def run(name: str, asked: Asked, *, env: Mapping[str, str], say: Callable[[str], None]) -> str:
    """Look, leave what was asked for, and return why the session fails, "" if it passes.

    `env` is what programs are started with, `say` takes the lines of the summary.

    Raises:
        ReleaseError: a file cannot be written (exit 2).
    """
    with tempfile.TemporaryDirectory(prefix="package-") as made:
        folder = Path(made).resolve()
        try:
            source = _source(asked, folder, say)
            result = gate.look(Path.cwd(), source, Programs(env=env, folder=folder), session=name)
        except ReleaseError as error:
            lines = tuple(map(plain, sources.told(error)))
            is_found = error.exit == Exit.GATE_FAILED
            result = Result(session=name, findings=lines if is_found else (), not_looked=() if is_found else lines)
    return _end(result, asked, say)


def fail(name: str, asked: Asked, why: str, *, say: Callable[[str], None]) -> str:
    """Leave, as `run` does, that the session could not look, and return the message with which it fails.

    Raises:
        ReleaseError: a file cannot be written (exit 2).
    """
    return _end(Result(session=name, not_looked=(why,)), asked, say)


def _source(asked: Asked, folder: Path, say: Callable[[str], None]) -> gate.Source:
    """Return the folder that was named, else the one that the runner has filled, else build from the working tree.

    Raises:
        ReleaseError: that cannot be done (exit 2, 4 or 5); the log of a build is said.
    """
    epoch = _epoch()
    given = asked.dist or os.environ.get(dists.VARIABLE, "")
    if given:
        words = f"distributions taken from {asked.dist}" if asked.dist else "distributions taken as built for this tree"
        notes = () if asked.from_sdist or not asked.dist else (_NOT_BUILT,)
        return gate.Source(Path(given).resolve(), plain(words), asked.from_sdist, epoch, notes)
    log = folder / "build.txt"
    try:
        used = builder.build(Path.cwd(), folder / "dist", log=log, epoch=epoch)
    except ReleaseError:
        for line in inert.reason(log.read_text("utf-8", "replace") if log.exists() else "").splitlines():
            say(f"build: {line}")
        raise
    words = f"distributions built from the working tree by build {used['build']}, the wheel from the sdist"
    return gate.Source(folder / "dist", words, asked.from_sdist, epoch)


def _epoch() -> int:
    """Return the time that files in archives get: SOURCE_DATE_EPOCH, else the last commit's, else now."""
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not given.isdecimal():
        last = command.start(("show", "--no-patch", "--no-show-signature", "--format=%ct", "HEAD"), cwd=Path.cwd())
        given = last.finish().out.decode("ascii", "replace").strip()
    return int(given) if given.isdecimal() else int(time.time())


def _end(result: Result, asked: Asked, say: Callable[[str], None]) -> str:
    for line in report.lines(result):
        say(line)
    try:
        _leave(result, asked)
    except OSError as error:
        raise usage(f"{error.filename} cannot be written: {error.strerror}") from None
    return report.failure(result)


def _leave(result: Result, asked: Asked) -> None:
    """Write what the runner, the caller and GitHub want.

    Raises:
        OSError: a file cannot be written.
    """
    if os.environ.get(results.VARIABLE):
        results.add(Path(os.environ[results.VARIABLE]), result)
    if asked.result:
        Path(asked.result).write_text(json.dumps(result.plain(), indent=1) + "\n", encoding="ascii")
    if os.environ.get("GITHUB_ACTIONS") == "true":
        from release.gates.security.gate import Looked  # noqa: PLC0415  # only there is it shown like findings in files

        shown = Looked(result)
        sys.stdout.write("".join(f"{line}\n" for line in report.annotated(shown)))
        sys.stdout.flush()
        if os.environ.get("GITHUB_STEP_SUMMARY"):
            with Path(os.environ["GITHUB_STEP_SUMMARY"]).open("a", encoding="utf-8") as file:
                file.write(report.page(shown))
