"""Measure gates side by side: their wall time against the slowest one, and a second run on the same tree.

Both are real nox sessions, the one of 3 seconds and the other of 2. Exits 1 when a bound is missed. Usage: python
benchmarks/gates.py [--rounds N]
"""

from __future__ import annotations

import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench import INVOKE, Report, environment, git, make, medians, run, timed

if TYPE_CHECKING:
    from collections.abc import Callable

NOXFILE = """\
import nox


@nox.session(python=False)
def slow(session):
    session.run("sleep", "3", external=True)


@nox.session(python=False)
def quick(session):
    session.run("sleep", "2", external=True)
"""
LIST = [str(Path(sys.executable).with_name("nox")), "--list", "--session", "slow", "quick"]


def project(folder: Path, name: str, gates: str) -> Path:
    """Make a project with a noxfile whose main can be tagged."""
    work = make(folder / name)
    git(work, "switch", "-q", "main")
    place = work / "pyproject.toml"
    place.write_text(place.read_text().replace("gates = []", f"gates = {gates}"))
    (work / "noxfile.py").write_text(NOXFILE)
    (work / "VERSION").write_text("1.0.0\n")
    for path in ("pyproject.toml", "src/demo/__init__.py"):
        (work / path).write_text((work / path).read_text().replace("0.9.0", "1.0.0"))
    (work / "chart/Chart.yaml").write_text((work / "chart/Chart.yaml").read_text().replace("0.9.0", "1.0.0"))
    git(work, "add", "-A")
    git(work, "commit", "-q", "-m", "chore: version")
    return work


def side_by_side(report: Report, work: Path, rounds: int) -> None:
    """Run two gates that have no receipt, again and again."""
    walls, slowest = [], []
    for number in range(rounds):
        (work / "noxfile.py").write_text(f"{NOXFILE}# {number}\n")
        git(work, "commit", "-q", "-a", "-m", "chore: another tree")
        start = time.perf_counter()
        done = subprocess.run([*INVOKE, "tag"], cwd=work, env=environment(), capture_output=True, check=True)
        walls.append(time.perf_counter() - start)
        git(work, "tag", "-d", "v1.0.0")
        total = re.findall(r"gates: ([\d.]+) s \(slow ([\d.]+) s, quick ([\d.]+) s\)", done.stderr.decode())
        slowest.append(max(map(float, total[0][1:])))
    found = statistics.median(walls)
    report.row("slowest of two gates, with its checkout", statistics.median(slowest), "s")
    report.row("invoke tag, with both gates", found, "s", 1.15 * 3 + 1)


def again(report: Report, folder: Path, gated: Path, rounds: int) -> None:
    """Tag a tree that all gates have passed, and one of a project that has no gates."""
    free = project(folder, "free", "[]")
    shutil.rmtree(folder / "cache")  # where each run of nox leaves its log

    def tag(work: Path) -> Callable[[], float]:
        def once() -> float:
            spent = timed([*INVOKE, "tag"], work)
            git(work, "tag", "-d", "v1.0.0")
            return spent

        return once

    found = medians({"gated": tag(gated), "free": tag(free)}, rounds)
    report.row("invoke tag, with receipts", found["gated"], "ms")
    report.row("invoke tag, without gates", found["free"], "ms")
    report.row("what receipts add", found["gated"] - found["free"], "ms", 50)
    report.row("runs of nox among them", len(list((folder / "cache").rglob("log.txt"))), "", 0)


def measure(report: Report, folder: Path, rounds: int) -> None:
    """Run the measurements."""
    os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
    work = project(folder, "gated", '["slow", "quick"]')
    side_by_side(report, work, max(3, rounds // 3))
    again(report, folder, work, rounds)
    found = medians({"list": lambda: timed(LIST, work)}, rounds)
    report.row("a start of nox that lists both, which is not needed", found["list"], "ms")


if __name__ == "__main__":
    sys.exit(run(__doc__, measure, rounds=11))
