"""What twine says of distributions: each has to be named as checked, and passed without a warning.

Its exit status says less: it ends with 0 when it has found no file, or only warnings without `--strict`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from release.formats import inert
from release.gates.package.seen import Seen
from release.gates.security.findings import blind, counted, plain

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from release.artifacts.files import Dist
    from release.gates.security.programs import Programs
    from release.process import Result

_SECONDS = 120.0
_MODULE = ("-I", "-m", "twine")
_PASSED = "PASSED"
_INVALID = "InvalidDistribution"
_CHECKING = "Checking "
_LEVEL = re.compile(r"^\s*(?:ERROR|WARNING)\s+")
_WIDE = {"COLUMNS": "500", "NO_COLOR": "1"}  # it breaks lines, those with names too


def version(programs: Programs) -> str:
    """Return twine's version.

    Raises:
        ReleaseError: it is not installed, or does not work (exit 5).
    """
    ran = programs.run("python", *_MODULE, "--version", cwd=programs.folder, timeout=_SECONDS)
    named = re.match(rb"twine version ([^\s,]+)", ran.out)
    if ran.status or named is None:
        raise blind(f"twine does not work in the session's environment: {ran.complaint}")
    return plain(named[1].decode("ascii", "replace"))


def look(dists: Sequence[Dist], programs: Programs, named: str, odd: Collection[Dist] = ()) -> Seen:
    """Let twine, whose version is `named`, check each distribution.

    With those of `odd` something is wrong: that twine ends before it has checked one of them is no wonder.

    Raises:
        ReleaseError: it does not end (exit 5).
    """
    if not dists:
        return Seen()
    asking = programs._replace(env={**programs.env, **_WIDE})
    findings, unchecked = [], []
    # All at once if all is well; a file that it stumbles over keeps it from the next ones, and objections name none.
    for dist in () if _check(asking, dists)[1] else dists:
        ran, has_passed = _check(asking, [dist])
        if has_passed:
            continue
        said, why = _said(ran, dist), _why(ran)
        if said.startswith("FAILED") or (ran.status and _INVALID in f"{said} {why}"):
            findings.append(plain(f"{dist.file}: twine check: {why or said}"))
        elif dist not in odd:
            unchecked.append(plain(f"twine has not checked {dist.file}: {why or said or f'status {ran.status}'}"))
    looked = f"twine {named}: {counted(len(dists) - len(unchecked), 'file')}, strict"
    return Seen(tuple(findings), tuple(unchecked), looked=(looked,))


def _check(programs: Programs, dists: Sequence[Dist]) -> tuple[Result, bool]:
    """Let twine check distributions of one folder; returns what it left, and whether it has passed every one."""
    words = ("--no-color", "check", "--strict", "--", *(dist.file for dist in dists))
    ran = programs.run("python", *_MODULE, *words, cwd=dists[0].path.parent, timeout=_SECONDS)
    return ran, ran.status == 0 and all(_said(ran, dist) == _PASSED for dist in dists)


def _said(ran: Result, dist: Dist) -> str:
    """Return twine's word for a file, "" if it has none."""
    start = f"{_CHECKING}{dist.file}: "
    lines = inert.reason(ran.out.decode("utf-8", "replace")).splitlines()
    words = [line.removeprefix(start).strip() for line in lines if line.startswith(start)]
    return words[0] if len(words) == 1 else ""


def _why(ran: Result) -> str:
    """Return what it objects to, in one line; of a traceback the last. Its log goes to standard output."""
    lines = inert.reason((ran.out + ran.err).decode("utf-8", "replace")).splitlines()
    texts = [_LEVEL.sub("", line) for line in lines if line.strip() and not line.startswith(_CHECKING)]
    if any(text.startswith("Traceback") for text in texts):
        del texts[:-1]
    return " ".join(" ".join(texts).split())
