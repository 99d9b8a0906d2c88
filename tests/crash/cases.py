"""The tasks that are killed, each with the project it is run in."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from support import FILES, git_flow

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from crash.stage import Stage

_CHART = "apiVersion: v2\r\nname: demo\r\nversion: 0.9.0\r\nappVersion: '0.9.0'\r\n"
_CITATION = 'cff-version: 1.2.0\nmessage: "cite it"\ntitle: demo\nversion: 0.9.0\nauthors:\n  - name: Somebody\n'
_BIG = 40_000  # bytes: more than one write, and no prefix of what replaces it


@dataclass(frozen=True, kw_only=True)
class Case:
    """One task. `build` makes its project, `place` is the worktree it is run in, `pushes` whether it does.

    `resolve` is what a person does at each conflict that it stops at.
    """

    name: str
    words: tuple[str, ...]
    build: Callable[[Stage], None]
    place: str = "work"
    pushes: bool = False
    resolve: tuple[Callable[[Stage], None], ...] = ()


def flow(stage: Stage, files: Mapping[str, str] = FILES) -> None:
    """A Git Flow project with files of every kind, of which some are managed."""
    project = git_flow(
        stage.slot,
        {
            **FILES,
            **files,
            "chart/Chart.yaml": _CHART,
            "CITATION.cff": _CITATION,
            ".gitattributes": "CITATION.cff text eol=crlf\n",
            ".gitignore": "*.log\n",
            "conf/one.ini": "1\n",
            "conf/two.ini": "2\n",
            "run.sh": "echo run\n",
            "tool": "a file\n",
            "big.bin": b"\0one" * (_BIG // 4),
            "watched.txt": "w\n",
        },
    )
    # A state that is set back is a copy: with other inodes and times of change, but what git compares has to be equal.
    project.git("config", "core.checkStat", "minimal")
    project.git("config", "core.trustctime", "false")
    # A server is another machine: what kills a run here does not reach it.
    project.git("config", "remote.origin.receivepack", "setsid git-receive-pack")
    (project.path / "current").symlink_to("a.txt")
    (project.path / "src/demo/__init__.py").chmod(0o755)
    project.commit("feat: link, and a mode")
    (project.path / "CITATION.cff").unlink()
    project.git("checkout", "--", "CITATION.cff")
    project.git("push", "-q", "origin", "develop")
    project.git("update-index", "--assume-unchanged", "watched.txt")
    project.write("notes.txt", "untracked\n")
    project.write("build.log", "ignored\n")
    project.git("pack-refs", "--all")


def behind(stage: Stage) -> None:
    """Develop is behind the remote's, which a colleague has reworked."""
    flow(stage)
    a_colleague_reworks(stage)


def a_colleague_reworks(stage: Stage) -> None:
    """A colleague pushes to develop: changed, removed, new and renamed files, a mode, folders and links."""
    project = stage.project
    other = stage.slot / "colleague"
    project.git("clone", "-q", "-b", "develop", str(project.remote), str(other), cwd=stage.slot)
    _rework(other)
    project.git("add", "-A", cwd=other)
    project.git("commit", "-q", "-m", "feat: rework everything", cwd=other)
    project.git("push", "-q", "origin", "develop", cwd=other)
    shutil.rmtree(other)


def _rework(other: Path) -> None:
    (other / "a.txt").write_text("a, and more of it\n")
    (other / "b.txt").unlink()
    (other / "run.sh").chmod(0o755)
    (other / "current").unlink()
    (other / "current").symlink_to("VERSION")
    (other / "tool").unlink()
    (other / "tool").mkdir()
    (other / "tool/part").write_text("inside\n")
    (other / "conf/one.ini").unlink()
    (other / "conf/two.ini").unlink()
    (other / "conf").rmdir()
    (other / "conf").write_text("one file now\n")
    (other / "docs/deep").mkdir(parents=True)
    (other / "docs/deep/page.txt").write_text("page\n")
    (other / "big.bin").write_bytes(b"\0two" * (_BIG // 4))
    (other / "empty").write_text("")
    (other / ".gitattributes").write_text("VERSION text\n")
    (other / "CITATION.cff").write_bytes((other / "CITATION.cff").read_bytes().replace(b"\r", b"") + b"# cited\n")


def _touched(stage: Stage) -> None:
    """The same, with files that will change and were touched: git has to look into them."""
    behind(stage)
    for name in ("a.txt", "VERSION"):
        os.utime(stage.project.path / name, (1_600_000_000, 1_600_000_000))


def linked(stage: Stage) -> None:
    """The same, with develop checked out in a linked worktree and main in the first one."""
    behind(stage)
    project = stage.project
    (project.path / "notes.txt").unlink()
    project.git("update-index", "--no-assume-unchanged", "watched.txt")
    project.git("switch", "-q", "main")
    project.git("worktree", "add", "-q", str(stage.slot / "linked"), "develop")
    (stage.slot / "linked/notes.txt").write_text("untracked\n")


def _drifted(stage: Stage) -> None:
    """VERSION edited by hand, beside staged and unstaged work of another kind."""
    flow(stage)
    project = stage.project
    project.write("VERSION", "1.0.0\n")
    project.write("a.txt", "work in progress\n")
    project.write("b.txt", "staged\n")
    project.git("add", "b.txt")


def _drifted_detached(stage: Stage) -> None:
    """The same in a linked worktree whose HEAD is detached."""
    flow(stage)
    project = stage.project
    linked = stage.slot / "linked"
    project.git("worktree", "add", "-q", "--detach", str(linked), "develop")
    (linked / "VERSION").write_text("1.0.0\n")
    (linked / "b.txt").write_text("staged\n")
    project.git("add", "b.txt", cwd=linked)


def _opened(stage: Stage) -> None:
    """An open release branch, checked out, local and at the remote, loose and packed."""
    behind(stage)
    project = stage.project
    project.git("pull", "-q", "--ff-only", "origin", "develop")
    project.git("switch", "-q", "-c", "release/v1.0.0")
    (project.path / "run.sh").write_text("echo release\n")
    (project.path / "docs/deep/page.txt").unlink()
    (project.path / "docs/deep").rmdir()
    (project.path / "docs/more.txt").write_text("more\n")
    project.git("commit", "-q", "-a", "-m", "fix: for the release")
    project.git("add", "docs")
    project.git("commit", "-q", "-m", "fix: more for the release")
    project.git("push", "-q", "origin", "release/v1.0.0")
    project.git("pack-refs", "--all")
    project.commit("fix: again", {"run.sh": "echo again\n"})
    project.git("push", "-q", "origin", "release/v1.0.0")


PREPARE = Case(name="prepare", words=("release.prepare", "1.0.0"), build=behind)
PUSHED = Case(name="prepare-push", words=("release.prepare", "1.0.0", "--push", "--yes"), build=behind, pushes=True)
LINKED = Case(name="prepare-linked", words=("release.prepare", "1.0.0"), build=linked, place="linked")
TOUCHED = Case(name="prepare-touched", words=("release.prepare", "1.0.0"), build=_touched)
BUMP = Case(name="bump", words=("bump", "1.0.0"), build=flow)
PROPAGATE = Case(name="propagate", words=("propagate",), build=_drifted)
COMMIT = Case(name="propagate-commit", words=("propagate", "--commit"), build=_drifted)
DETACHED = Case(
    name="propagate-commit-detached", words=("propagate", "--commit"), build=_drifted_detached, place="linked"
)
CHANGELOG = Case(name="changelog", words=("changelog",), build=_drifted)
DROP = Case(name="drop", words=("release.drop", "--name", "1.0.0", "--yes"), build=_opened)
DROP_REMOTE = Case(
    name="drop-remote",
    words=("release.drop", "--name", "1.0.0", "--remote", "--yes"),
    build=_opened,
    pushes=True,
)

CASES = (PREPARE, PUSHED, LINKED, TOUCHED, BUMP, PROPAGATE, COMMIT, DETACHED, CHANGELOG, DROP, DROP_REMOTE)
