"""What the nox session does: it takes the distributions or builds them, looks, and leaves what `security` leaves."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from release.artifacts import builder, dists
from release.errors import Exit, ReleaseError
from release.formats import inert
from release.gates import flags
from release.gates.package import gate, sources, working
from release.gates.results import Result
from release.gates.security import session as security
from release.gates.security.findings import plain
from release.gates.security.gate import Looked
from release.gates.security.programs import Programs
from release.git import command

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_FLAGS = {"--dist": ("dist", "FOLDER"), "--from-sdist": ("from_sdist", ""), "--json": ("result", "FILE")}
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
    given = flags.read("package", words, _FLAGS)
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
    return security.end(Looked(result), security.Asked(result=asked.result), say)


def fail(name: str, asked: Asked, why: str, *, say: Callable[[str], None]) -> str:
    """Leave, as `run` does, that the session could not look, and return the message with which it fails.

    Raises:
        ReleaseError: a file cannot be written (exit 2).
    """
    return security.fail(name, security.Asked(result=asked.result), why, say=say)


def _source(asked: Asked, folder: Path, say: Callable[[str], None]) -> gate.Source:
    """Return the folder that was named, else the one that the runner has filled, else build from the working tree.

    Raises:
        ReleaseError: that cannot be done (exit 1, 2, 4 or 5); the log of a build is said.
    """
    epoch = _epoch()
    given = asked.dist or os.environ.get(dists.VARIABLE, "")
    if given:
        words = f"distributions taken from {asked.dist}" if asked.dist else "distributions taken as built for this tree"
        notes = () if asked.from_sdist or not asked.dist else (_NOT_BUILT,)
        return gate.Source(Path(given).resolve(), plain(words), asked.from_sdist, epoch, notes)
    log = folder / "build.txt"
    try:
        root, left_out = working.copied(Path.cwd(), folder / "source")
        used = builder.build(root, folder / "dist", log=log, epoch=epoch)
    except ReleaseError:
        for line in inert.reason(log.read_text("utf-8", "replace") if log.exists() else "").splitlines():
            say(f"build: {line}")
        raise
    words = f"distributions built from the working tree by build {used['build']}, the wheel from the sdist"
    return gate.Source(folder / "dist", words, asked.from_sdist, epoch, left_out)


def _epoch() -> int:
    """Return the time that files in archives get: SOURCE_DATE_EPOCH, else the last commit's, else now."""
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not given.isdecimal():
        last = command.start(("show", "--no-patch", "--no-show-signature", "--format=%ct", "HEAD"), cwd=Path.cwd())
        given = last.finish().out.decode("ascii", "replace").strip()
    return int(given) if given.isdecimal() else int(time.time())
