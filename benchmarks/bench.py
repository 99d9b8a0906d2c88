"""Measure start-up, propagate and prepare, side by side with the named peers, in one run.

Every comparison alternates between its sides and takes medians, so that whatever else the machine does weighs on both.
Exits 1 when a bound is missed. Usage: python benchmarks/bench.py [--rounds N]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

BIN = Path(sys.executable).parent
INVOKE = [str(BIN / "invoke")]
PYPROJECT = """\
[project]
name = "demo"
version = "0.9.0"

[tool.release]
gates = []

[tool.bumpversion]
current_version = "0.9.0"
allow_dirty = true
[[tool.bumpversion.files]]
filename = "VERSION"
[[tool.bumpversion.files]]
filename = "pyproject.toml"
[[tool.bumpversion.files]]
filename = "src/demo/__init__.py"
[[tool.bumpversion.files]]
filename = "chart/Chart.yaml"

[tool.commitizen]
version = "0.9.0"
version_files = ["VERSION", "pyproject.toml:^version", "src/demo/__init__.py", "chart/Chart.yaml"]
"""
FILES = {
    "VERSION": "0.9.0\n",
    "pyproject.toml": PYPROJECT,
    "src/demo/__init__.py": '__version__ = "0.9.0"\n',
    "chart/Chart.yaml": "apiVersion: v2\nname: demo\nversion: 0.9.0\nappVersion: 0.9.0\n",
    "tasks.py": "from release import ns\n",
}


@dataclass
class Report:
    """What was measured, row by row, and whether every bound held."""

    rows: list[str] = field(default_factory=list)
    missed: int = 0

    def row(self, name: str, value: float, unit: str, bound: float | None = None) -> None:
        """Add a row; above its bound it counts as missed."""
        verdict = ""
        if bound is not None:
            ok = value <= bound
            self.missed += not ok
            verdict = f"at most {bound:g} {unit}: {'ok' if ok else 'MISSED'}"
        self.rows.append(f"{name:58} {value:9.2f} {unit:5} {verdict}".rstrip())
        print(self.rows[-1], flush=True)


def git(where: Path, *arguments: str, data: bytes | None = None) -> str:
    """Run git and return its output."""
    done = subprocess.run(
        ["git", *arguments], cwd=where, input=data, capture_output=True, check=True, env=environment()
    )
    return done.stdout.decode().strip()


def environment() -> dict[str, str]:
    """The machine's own, without what would make Python compile its modules on each start."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONDONTWRITEBYTECODE", "GIT_DIR")}
    return kept | {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "NO_COLOR": "1"}


def make(where: Path, *, commits: int = 0, files: int = 0, chart: bool = True) -> Path:
    """Make a project with a remote: main and develop, `commits` before its last release, `files` beside its own."""
    where.mkdir()
    work = where / "work"
    git(where, "init", "-q", "--bare", "-b", "main", "remote.git")
    git(where, "clone", "-q", "remote.git", "work")
    git(work, "config", "user.name", "Bench")
    git(work, "config", "user.email", "bench@example.org")
    git(work, "symbolic-ref", "HEAD", "refs/heads/main")
    if commits:
        git(work, "fast-import", "--quiet", data="".join(history(commits, files)).encode())
        git(work, "reset", "-q", "--hard")
    for path, content in FILES.items():
        if not chart and path.startswith("chart/"):
            continue
        (work / path).parent.mkdir(parents=True, exist_ok=True)
        (work / path).write_text(content)
    git(work, "add", "-A")
    git(work, "commit", "-q", "-m", "feat: begin")
    git(work, "tag", "-a", "v0.9.0", "-m", "v0.9.0")
    git(work, "switch", "-q", "-c", "develop")
    for number in range(20):
        (work / "feature.txt").write_text(f"{number}\n")
        git(work, "add", "-A")
        git(work, "commit", "-q", "-m", f"feat: thing {number}")
    git(work, "push", "-q", "origin", "main", "develop", "v0.9.0")
    git(work, "gc", "-q")
    return work


def history(commits: int, files: int) -> list[str]:
    """A stream for `git fast-import` with `files` files and a tag every hundredth commit."""
    lines = ["blob\nmark :1\ndata 2\nx\n\n"]
    for number in range(1, commits + 1):
        message = f"fix(part): thing {number}\n"
        lines.append(f"commit refs/heads/main\nmark :{number + 1}\n")
        lines.append(f"committer A <a@example.org> {1_500_000_000 + number * 60} +0000\ndata {len(message)}\n{message}")
        lines.append(f"from :{number}\n" if number > 1 else "")
        if number == 1:
            lines += [f"M 100644 :1 lib/part{name % 50}/file{name}.py\n" for name in range(files)]
        lines.append(f"M 100644 inline log/{number % 40}\ndata {len(str(number))}\n{number}\n\n")
        if number % 100 == 0:
            lines.append(f"reset refs/tags/v0.8.{number}\nfrom :{number + 1}\n\n")
    return lines


def timed(argv: list[str], cwd: Path) -> float:
    """Run a program and return its wall time in milliseconds."""
    start = time.perf_counter()
    subprocess.run(argv, cwd=cwd, env=environment(), capture_output=True, check=True, stdin=subprocess.DEVNULL)
    return (time.perf_counter() - start) * 1000


def medians(sides: dict[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """Measure all sides in turn, `rounds` times after one that warms up; return each side's median."""
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds + 1):
        for name, side in sides.items():
            value = side()
            if number:
                taken[name].append(value)
    return {name: statistics.median(values) for name, values in taken.items()}


def startup(report: Report, folder: Path, rounds: int) -> None:
    """Start-up and previews, over `invoke --version`, and against the peers.

    A plain Python project for the bounds over Invoke itself; with a chart, which loads a YAML parser, for the peers.
    """
    plain, chart, peers = make(folder / "plain", chart=False), make(folder / "chart"), make(folder / "peers")
    for work in (plain, chart):
        (work / "VERSION").write_text("0.10.0\n")  # all sites have to follow, as with the peers
    bumpversion, commitizen = str(BIN / "bump-my-version"), str(BIN / "cz")
    found = medians(
        {
            "invoke --version": lambda: timed([*INVOKE, "--version"], plain),
            "invoke --list": lambda: timed([*INVOKE, "--list"], plain),
            "invoke version": lambda: timed([*INVOKE, "version"], plain),
            "invoke version, with a chart": lambda: timed([*INVOKE, "version"], chart),
            "invoke propagate --dry-run": lambda: timed([*INVOKE, "propagate", "--dry-run"], plain),
            "invoke propagate --dry-run, with a chart": lambda: timed([*INVOKE, "propagate", "--dry-run"], chart),
            "bump-my-version bump --dry-run minor": lambda: timed([bumpversion, "bump", "--dry-run", "minor"], peers),
            "cz bump --dry-run": lambda: timed([commitizen, "bump", "--dry-run", "--yes"], peers),
        },
        rounds,
    )
    base = found["invoke --version"]
    bounds = {"invoke --list": 10, "invoke version": 30, "invoke propagate --dry-run, with a chart": 90}
    for name, value in found.items():
        report.row(name, value, "ms")
    for name in list(found)[1:6]:
        report.row(f"{name}, over invoke --version", found[name] - base, "ms", bounds.get(name))
    ours = found["invoke propagate --dry-run, with a chart"]
    report.row("propagate --dry-run / bump-my-version", ours / found["bump-my-version bump --dry-run minor"], "x", 0.45)
    report.row("propagate --dry-run / cz bump", ours / found["cz bump --dry-run"], "x", 0.7)


def prepare(report: Report, folder: Path, rounds: int) -> None:
    """Prepare on a small repository and on one of 16,000 commits and 3,000 files."""
    small, large = make(folder / "small"), make(folder / "large", commits=16_000, files=3_000)
    trace = folder / "trace"
    env = environment() | {"GIT_TRACE2_EVENT": str(trace)}
    subprocess.run([*INVOKE, "release.prepare", "1.0.0"], cwd=small, env=env, capture_output=True, check=True)
    events = [json.loads(line) for line in trace.read_text().splitlines()]
    starts = [event for event in events if event["event"] == "start" and "/" not in event["sid"]]
    report.row("release.prepare, git processes started by us", len(starts), "", 18)
    back(small)

    def once(work: Path) -> float:
        spent = timed([*INVOKE, "release.prepare", "1.0.0"], work)
        back(work)
        return spent

    found = medians({"small": lambda: once(small), "large": lambda: once(large)}, rounds)
    report.row("release.prepare, small repository", found["small"], "ms")
    report.row("release.prepare, 16,000 commits and 3,000 files", found["large"], "ms")
    report.row("large / small", found["large"] / found["small"], "x", 1.25)


def back(work: Path) -> None:
    """Take a prepared release back."""
    git(work, "switch", "-q", "develop")
    git(work, "branch", "-q", "-D", "release/v1.0.0")


def charts(report: Report, folder: Path, rounds: int) -> None:
    """Propagate over 1,000 managed charts, against reading, rewriting and fsyncing them plainly."""
    work = folder / "charts"
    work.mkdir()
    git(work, "init", "-q", "-b", "main")
    git(work, "config", "user.name", "Bench")
    git(work, "config", "user.email", "bench@example.org")
    (work / "VERSION").write_text("1.0.0\n")
    (work / "tasks.py").write_text("from release import ns\n")
    for number in range(1000):
        place = work / f"charts/c{number}/Chart.yaml"
        place.parent.mkdir(parents=True)
        place.write_text(
            f"apiVersion: v2\nname: c{number}\ndescription: one of many\ntype: application\n"
            "version: 1.0.0\nappVersion: 1.0.0\ndependencies:\n  - name: x\n    version: 1.0.0\n"
        )
    git(work, "add", "-A")
    git(work, "commit", "-q", "-m", "feat: begin")
    versions = iter(f"1.{minor}.0" for minor in range(1, 10_000))

    def ours() -> float:
        (work / "VERSION").write_text(f"{next(versions)}\n")
        spent = timed([*INVOKE, "propagate"], work)
        git(work, "commit", "-q", "-a", "-m", "fix: next")
        return spent

    def plain() -> float:
        start = time.perf_counter()
        for place in sorted(work.glob("charts/*/Chart.yaml")):
            data = place.read_bytes()
            waiting = place.with_name(".new")
            with waiting.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            waiting.replace(place)
        return (time.perf_counter() - start) * 1000

    found = medians({"ours": ours, "plain": plain}, rounds)
    report.row("propagate over 1,000 charts", found["ours"], "ms")
    report.row("reading, rewriting and fsyncing them plainly", found["plain"], "ms")
    report.row("propagate / plain", found["ours"] / found["plain"], "x", 2.5)
    (work / "VERSION").write_text("9.0.0\n")
    probe = "import resource,subprocess,sys;subprocess.run(sys.argv[1:],check=True);"
    probe += "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    done = subprocess.run(
        [sys.executable, "-c", probe, *INVOKE, "propagate"],
        cwd=work,
        env=environment(),
        capture_output=True,
        check=True,
    )
    unit = 1024 if sys.platform != "darwin" else 1024 * 1024
    report.row("propagate over 1,000 charts, largest process", int(done.stdout.split()[-1]) / unit, "MiB", 150)


def run(description: str | None, measure: Callable[[Report, Path, int], None], *, rounds: int) -> int:
    """Measure in a folder of its own, as often as the command line says, and return the exit status."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rounds", type=int, default=rounds)
    given = parser.parse_args().rounds
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    report = Report()
    try:
        measure(report, folder, given)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{report.missed} bounds missed")
    return 1 if report.missed else 0


def measure(report: Report, folder: Path, rounds: int) -> None:
    """Run all benches."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    startup(report, folder, rounds)
    prepare(report, folder, max(5, rounds // 2))
    charts(report, folder, max(3, rounds // 3))


if __name__ == "__main__":
    sys.exit(run(__doc__, measure, rounds=11))
