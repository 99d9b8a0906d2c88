"""A project whose tags are gated, and the tasks that make tags."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gating import HEAD, session, shell
from support import FILES, PYPROJECT, Ended, Project, git_flow

from release.gates import receipts
from release.git import repository

if TYPE_CHECKING:
    from release.gates.receipts import Receipt

FINISH = ("release.finish", "--yes")
CANDIDATE = ("release.candidate", "--yes")
TAG = ("tag", "--push", "--yes")
PROPAGATE = ("propagate", "--commit", "--tag", "--push", "--yes")


def opened(project: Project) -> None:
    done(project, "release.prepare", "1.0.0rc1", "--push", "--yes")
    project.commit("fix: late", {"late.txt": "late\n"})


def bumped(project: Project) -> None:
    project.git("switch", "-q", "main")
    done(project, "bump", "1.0.0")
    project.commit("chore: version")
    project.git("push", "-q", "origin", "main")


def edited(project: Project) -> None:
    project.git("switch", "-q", "main")
    project.write("VERSION", "1.0.0\n")


# What makes a tag: the task, what comes before it, the tag, and the branch that gets a commit with it.
MAKERS = {
    "finish": (FINISH, opened, "v1.0.0", "release/v1.0.0"),
    "candidate": (CANDIDATE, opened, "v1.0.0rc1", "release/v1.0.0"),
    "tag": (TAG, bumped, "v1.0.0", ""),
    "propagate": (PROPAGATE, edited, "v1.0.0", "main"),
}


def done(project: Project, *words: str) -> Ended:
    ended = project.invoke(*words)
    assert ended.code == 0, ended.text
    return ended


def refuses(project: Project, *words: str, code: int, says: str = "") -> str:
    before = project.state(times=True)
    ended = project.invoke(*words)
    assert (ended.code, project.state(times=True) == before) == (code, True), ended.text
    assert says in ended.err, ended.text
    return ended.err


def typed(project: Project, says: str, said: str, *, status: int = 0) -> str:
    """Type into a shell what was printed after some words; it has to end with this status. Returns what it prints."""
    command = re.findall(rf"{re.escape(says)}(.*)", said)[0]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    own = {**os.environ, "PATH": path, "PYTHONPATH": str(Path(__file__).parents[1])}
    ended = subprocess.run(
        command, shell=True, cwd=project.path, env=own, capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.returncode == status, f"{command}: {ended.stdout}{ended.stderr}"
    return ended.stdout + ended.stderr


def receipt(project: Project, tag: str, gate: str = "tests") -> Receipt:
    found = receipts.find(repository.locate(project.path), gate, project.ref(f"{tag}^{{tree}}"))
    assert found is not None
    return found


class Gates:
    """A project whose main and develop have a noxfile; `count` says how often its session ran."""

    def __init__(self, folder: Path, gates: str = '["tests"]', more: str = "") -> None:
        # At home, which the gates know too: so what is committed is the same for every test.
        home = Path(os.environ["HOME"])
        self.log, self.script = home / "log", home / "script"
        self.log.write_text("")
        self.script.write_text("true\n")
        session_ = session(shell('echo ran >> "$HOME/log"; sh "$HOME/script"'))
        noxfile = HEAD + session_ + more
        settings = PYPROJECT.replace("gates = []", f"gates = {gates}")
        self.project = git_flow(folder / "project", {**FILES, "pyproject.toml": settings, "noxfile.py": noxfile})

    @property
    def count(self) -> int:
        return self.log.read_text().count("ran")

    def do(self, script: str) -> None:
        """Let the gate do something more."""
        self.script.write_text(f"set -e\n{script}\n")
