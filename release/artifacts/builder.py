"""Building an sdist, and a wheel from that sdist, with a project's own backend, by PyPA's `build`.

One front end wherever we run, so that a desk and a CI get the same files; uv only installs for it where there is one.
A wheel that comes out of the sdist shows that nothing is missing in it.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
import sys
from typing import TYPE_CHECKING

import tomli
from packaging.requirements import InvalidRequirement, Requirement

from release import process
from release.errors import Exit, Problem, ReleaseError, unseen, usage
from release.formats import inert
from release.gates import environment, verdict
from release.gates.children import Children

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_UMASK = 0o022
_STEP = re.compile(rb"^\* (.*)$", re.MULTILINE)
_CREATING = b"Creating isolated environment"
_INSTALLING = b"Installing packages in isolated environment"
# What pip (ERROR) or uv (error and cause) had to say, as `build` quotes it.
_CAUSE = re.compile(r"^< *(?:error|cause): *(.+)$", re.MULTILINE | re.IGNORECASE)
_INSTALLED = re.compile(rb"^ +- ([A-Za-z0-9._-]+)==(\S+)$", re.MULTILINE)
_TABLE = "pyproject.toml has no [build-system], which says how distributions are built"
_PLAIN = {"NO_COLOR": "1", "COLUMNS": "300"}


def refuse_without_backend(source: Path) -> None:
    """Refuse a project that does not say how it is built.

    Raises:
        ReleaseError: its pyproject.toml is missing, unreadable or without that table (exit 2), or the table asks for
            what is no requirement (exit 4).
    """
    try:
        data = tomli.loads((source / "pyproject.toml").read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        data = {}
    except (OSError, ValueError, RecursionError) as error:
        raise usage(f"pyproject.toml cannot be read: {error}", "correct the file") from None
    if "build-system" not in data:
        raise usage(_TABLE, 'write it, for instance with build-backend = "hatchling.build"')
    table = data["build-system"]
    requires = table.get("requires") if isinstance(table, dict) else None
    wrong = [why for entry in requires if (why := _objection(entry))] if isinstance(requires, list) else []
    if wrong:
        raise ReleaseError([_failure(f"requires of [build-system] has {line}", "correct it") for line in wrong])


def build(
    source: Path,
    out: Path,
    *,
    log: Path,
    epoch: int,
    keep: Sequence[int] = (),
    only_wheel: bool = False,
    children: Children | None = None,
) -> dict[str, str]:
    """Build the project in `source` into the folder `out`, and return the versions of what did it, by name.

    The environment is that of a gate; `epoch` is the time in UTC seconds that files in archives get. `log` gets all
    that is printed. `keep` are descriptors that the build inherits. With `only_wheel` there is no sdist. `children` are
    ended by another thread, if at all.

    Raises:
        CancelledError: the children were to end.
        ReleaseError: the project does not say how it is built (exit 2); it asks for what is no requirement, or the
            build failed (exit 4); its environment could not be made or filled, or it was killed (exit 5).
        OSError: a file cannot be written.
    """
    refuse_without_backend(source)
    out.mkdir(parents=True, exist_ok=True)
    env = {**environment.variables(), **_PLAIN, "SOURCE_DATE_EPOCH": str(epoch)}
    uv = shutil.which("uv", path=env.get("PATH", os.defpath)) is not None
    words = ["--outdir", str(out), *(["--wheel"] * only_wheel), *(["--installer", "uv"] * uv)]
    with log.open("wb") as file:
        group = process.start_group(
            # Not in the source, whose own `build.py` would be run instead.
            [sys.executable, "-m", "build", *words, str(source)],
            cwd=out,
            env=env,
            output=file.fileno(),
            keep=keep,
            umask=_UMASK,
        )
        with (children or Children()).holding(group):
            status = group.wait()
    said = log.read_bytes()
    if status < 0:
        raise unseen(f"python -m build was ended by signal {-status}", f"the whole log: {log}")
    if status:
        raise _failed(status, said, log)
    needed = {name.decode("ascii"): version.decode("ascii", "replace") for name, version in _INSTALLED.findall(said)}
    return {"python": platform.python_version(), "build": importlib.metadata.version("build"), **needed}


def _objection(entry: object) -> str:
    """Say why an entry is no requirement (PEP 508), "" if it is one."""
    try:
        Requirement(entry if isinstance(entry, str) else "")
    except InvalidRequirement as error:
        return f"{entry!r}, which is no requirement: {str(error).partition(chr(10))[0]}"
    return ""


def _failed(status: int, said: bytes, log: Path) -> ReleaseError:
    """Return the error of a build: a backend that fails is a finding, before it is there nothing was tried."""
    step = (_STEP.findall(said) or [b""])[-1]
    ended = f"python -m build ended with status {status}{''.join(f'{chr(10)}  | {line}' for line in verdict.tail(log))}"
    hint = f"the whole log: {log}"
    if step.startswith(_CREATING):
        return unseen(f"the environment of the build could not be made: {ended}", hint)
    if not step.startswith(_INSTALLING):
        return ReleaseError([_failure(ended, hint)])
    causes = _CAUSE.findall(inert.reason(said.decode("utf-8", "replace")))
    return unseen(f"what the build needs could not be installed: {causes[-1] if causes else ended}", hint)


def _failure(why: str, hint: str) -> Problem:
    return Problem(what=f"the distributions cannot be built: {why}", hint=hint, exit=Exit.GATE_FAILED)
