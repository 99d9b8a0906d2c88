"""The sessions of this project: those it ships, and its own benches and matrices."""

# /// script
# dependencies = ["nox", "packaging", "tomli"]
# ///

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import nox
import nox.project

# The `nox` script, unlike `python -m nox`, does not put this folder on the path.
sys.path.insert(0, str(Path(__file__).parent))

from release.sessions import lint, package, pythons, security, tests  # after the path is set

__all__ = ["bench", "crash", "docs", "lint", "package", "security", "suite", "tests", "thorough"]

nox.options.sessions = ["lint", "suite", "docs"]
_GROUPS = nox.project.load_toml("pyproject.toml")


def _memory() -> dict[str, str | None]:
    """Where tests make their projects: in memory where there is some, as thousands are written, synced and removed."""
    place = Path("/dev/shm")  # noqa: S108  # pytest makes a folder of its own there
    if "TMPDIR" in os.environ or not os.access(place, os.W_OK) or shutil.disk_usage(place).free < 2**30:
        return {}
    return {} if os.statvfs(place).f_flag & os.ST_NOEXEC else {"TMPDIR": str(place)}  # hooks are run there


@nox.session(python=pythons())
def suite(session: nox.Session) -> None:
    """Run all tests but those of `thorough` and `crash`; `tests`, the gate of our own releases, is the quick part."""
    session.install(".", *nox.project.dependency_groups(_GROUPS, "tests"))
    session.run("pytest", "-n", "auto", *session.posargs, env=_memory())


@nox.session
def crash(session: nox.Session) -> None:
    """Kill a run at every point there is; resume and abort each (needs strace)."""
    if shutil.which("strace") is None:
        session.error("strace is not installed: the points inside git would be left out")
    session.install(".", *nox.project.dependency_groups(_GROUPS, "tests"))
    session.run(
        "pytest",
        "tests/crash",
        "-m",
        "crash",
        "-o",
        "addopts=",
        "--import-mode=importlib",
        "-n",
        "auto",
        "--dist",
        "loadgroup",  # what one case has shown serves its other tests
        "-s",
        *session.posargs,
    )


@nox.session
def thorough(session: nox.Session) -> None:
    """Run the further combinations of what the tests of `suite` show."""
    session.install(".", *nox.project.dependency_groups(_GROUPS, "tests"))
    session.run("pytest", "-m", "thorough", "-n", "auto", *session.posargs, env=_memory())


@nox.session
def bench(session: nox.Session) -> None:
    """Measure start-up, propagate, prepare and finish beside the named peers (git-flow from Debian), and gates."""
    session.install(".", *nox.project.dependency_groups(_GROUPS, "bench"))
    session.run("python", "benchmarks/bench.py", *session.posargs)
    session.run("python", "benchmarks/finish.py", *session.posargs)
    session.run("python", "benchmarks/gates.py", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Check that tables and transcripts are what the program prints; `-- --write` writes them."""
    session.install(".")
    session.run("python", "docs/generate.py", *session.posargs)
