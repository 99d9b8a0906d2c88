"""Measure `release.finish` with its push, side by side with git-flow AVH in one run (`git flow` has to be installed).

Both finish the same release of the same repository in turn; refs, index and files are set back in between. Exits 1 when
a bound is missed. Usage: python benchmarks/finish.py [--rounds N]
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bench import INVOKE, Report, environment, git, make, medians, run, timed

BRANCH = "release/v1.0.0"
AVH = {
    "gitflow.branch.master": "main",
    "gitflow.branch.develop": "develop",
    "gitflow.prefix.feature": "feature/",
    "gitflow.prefix.release": "release/",
    "gitflow.prefix.hotfix": "hotfix/",
    "gitflow.prefix.bugfix": "bugfix/",
    "gitflow.prefix.support": "support/",
    "gitflow.prefix.versiontag": "",
}


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A project with a release that is ready to be finished, and the refs it is set back to."""

    work: Path
    refs: str
    there: str

    def ours(self) -> float:
        """Finish with this tool."""
        spent = timed([*INVOKE, "release.finish", "--yes"], self.work)
        self.back()
        return spent

    def peer(self) -> float:
        """Finish with git-flow AVH."""
        spent = timed(["git", "flow", "release", "finish", "-p", "-m", "release", "v1.0.0"], self.work)
        self.back()
        return spent

    def back(self) -> None:
        """Set refs here and there, index and files back."""
        git(self.work, "switch", "-q", "--detach")
        for where, refs in ((self.work, self.refs), (self.work.parent / "remote.git", self.there)):
            kept = dict(line.split()[::-1] for line in refs.splitlines())
            now = dict(line.split()[::-1] for line in git(where, "for-each-ref", f"--format={_LISTED}").splitlines())
            lines = [f"delete {name}\n" for name in now if name not in kept]
            lines += [f"update {name} {oid}\n" for name, oid in kept.items() if now.get(name) != oid]
            git(where, "update-ref", "--stdin", data="".join(lines).encode())
        git(self.work, "switch", "-q", BRANCH)


_LISTED = "%(objectname) %(refname)"


def stage(work: Path) -> Stage:
    """Open a release with one fix, and make the repository one of git-flow too."""
    for key, value in AVH.items():
        git(work, "config", key, value)
    git(work, "config", "merge.renameLimit", "999999")
    subprocess.run([*INVOKE, "release.prepare", "1.0.0"], cwd=work, env=environment(), capture_output=True, check=True)
    (work / "fix.txt").write_text("mended\n")
    git(work, "add", "-A")
    git(work, "commit", "-q", "-m", "fix: mend it")
    git(work, "push", "-q", "origin", BRANCH)
    there = git(work.parent / "remote.git", "for-each-ref", f"--format={_LISTED}")
    return Stage(work=work, refs=git(work, "for-each-ref", f"--format={_LISTED}"), there=there)


def many(work: Path, files: int) -> None:
    """Put many files on develop that main lacks."""
    for number in range(files):
        place = work / f"new/part{number % 200}/file{number}.py"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(f"{number}\n")
    git(work, "add", "-A")
    git(work, "commit", "-q", "-m", "feat: many files")
    git(work, "push", "-q", "origin", "develop")


def processes(report: Report, ready: Stage) -> None:
    """Count the git processes that a finish starts itself."""
    trace = ready.work.parent / "trace"
    env = environment() | {"GIT_TRACE2_EVENT": str(trace)}
    command = [*INVOKE, "release.finish", "--yes"]
    subprocess.run(command, cwd=ready.work, env=env, capture_output=True, check=True)
    events = [json.loads(line) for line in trace.read_text().splitlines()]
    starts = [event for event in events if event["event"] == "start" and "/" not in event["sid"]]
    report.row("release.finish, git processes started by us", len(starts), "", 26)
    if os.environ.get("VERBOSE"):
        print("\n".join(" ".join(event["argv"]) for event in starts))
    ready.back()


def compare(report: Report, name: str, ready: Stage, rounds: int, bound: float | None, *, whole: bool = False) -> float:
    """Measure both in turn; the bound is on ours without Invoke's own start, or on the whole of it."""
    found = medians(
        {
            "start": lambda: timed([*INVOKE, "--version"], ready.work),
            "ours": ready.ours,
            "peer": ready.peer,
        },
        rounds,
    )
    mine = found["ours"] - (0 if whole else found["start"])
    report.row(f"finish with push, {name}", found["ours"], "ms")
    report.row(f"git-flow AVH, {name}", found["peer"], "ms")
    report.row(f"{'ours' if whole else 'ours without start-up'} / AVH, {name}", mine / found["peer"], "x", bound)
    return mine


def measure(report: Report, folder: Path, rounds: int) -> None:
    """Run the comparison."""
    small = stage(make(folder / "small", chart=False))
    processes(report, small)
    compare(report, "small repository", small, rounds, 0.45)
    compare(report, "small repository with a chart", stage(make(folder / "chart")), rounds, None)
    large = stage(make(folder / "large", commits=16_000, files=20_000))
    compare(report, "20,000 files and 16,000 commits", large, rounds, 0.45)
    ahead = make(folder / "ahead")
    many(ahead, 20_000)
    compare(report, "develop 20,000 files ahead of main", stage(ahead), rounds, 0.05, whole=True)
    growth(report, folder, rounds)


def growth(report: Report, folder: Path, rounds: int) -> None:
    """Double history, then files: the cost follows what changed."""
    sizes = {"base": (4_000, 5_000), "history doubled": (8_000, 5_000), "files doubled": (4_000, 10_000)}
    ready = {
        name: stage(make(folder / name.replace(" ", "-"), commits=commits, files=files))
        for name, (commits, files) in sizes.items()
    }
    found = medians({name: one.ours for name, one in ready.items()}, rounds)
    for name in list(sizes)[1:]:
        report.row(f"finish, {name}, over base", found[name] / found["base"], "x", 1.2)


if __name__ == "__main__":
    if shutil.which("git-flow") is None and not Path("/usr/lib/git-core/git-flow").exists():
        print("git-flow AVH is not installed: nothing to compare with", file=sys.stderr)
        sys.exit(2)
    sys.exit(run(__doc__, measure, rounds=7))
