"""A project with a noxfile, and its gates run in this process."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from support import Project, bare

from release.gates import checkout, receipts
from release.gates.results import VARIABLE
from release.gates.run import run
from release.git import repository

if TYPE_CHECKING:
    from collections.abc import Mapping

    from release.gates.results import Result

HEAD = "import nox\n"


def session(body: str, *, name: str = "tests", decorator: str = "@nox.session(python=False)") -> str:
    """Return the source of a session; one without an environment of its own is quick."""
    return f"\n\n{decorator}\ndef {name}(session):\n    {body}\n"


def shell(script: str) -> str:
    return f"session.run('sh', '-c', {script!r}, external=True)"


def waits_for(name: str) -> str:
    """Return a script that waits for a file in HOME, and fails if that takes half a minute."""
    return f'n=0; until test -e "$HOME/{name}"; do n=$((n+1)); test $n -lt 1500 || exit 9; sleep 0.02; done'


def stubborn(name: str) -> str:
    """Return a script that starts what ends by no signal but SIGKILL: it writes into a file in HOME again and again."""
    return f"(trap '' INT TERM HUP; while :; do echo x >> \"$HOME/{name}\"; sleep 0.02; done) &"


def are_quiet(*names: str) -> bool:
    """Whether such scripts have run, and do not any more."""
    places = [Path(os.environ["HOME"], name) for name in names]
    sizes = [place.stat().st_size for place in places]
    time.sleep(0.3)
    return all(sizes) and [place.stat().st_size for place in places] == sizes


def telling(result: Result, end: str = "session.run('true', external=True)") -> str:
    """Return the source of a session that says this, as ours do, and ends so."""
    text = json.dumps(result.plain()) + "\n"
    body = f"os = __import__('os'); open(os.environ.get({VARIABLE!r}, os.devnull), 'a').write({text!r}); {end}"
    return session(body, name=result.session)


PASSING = HEAD + session("session.run('true', external=True)")


class Gated(Project):
    """A project whose gates can be run."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.said: list[str] = []

    @property
    def repository(self) -> repository.Repository:
        return repository.locate(self.path)

    def tree(self, commit: str = "HEAD") -> str:
        return self.git("rev-parse", f"{commit}^{{tree}}")

    def run(self, *gates: str, commit: str = "HEAD", fresh: bool = False) -> None:
        run(
            self.repository,
            commit=self.git("rev-parse", commit),
            tree=self.tree(commit),
            gates=gates or ("tests",),
            say=self.said.append,
            fresh=fresh,
        )

    def look(self, commit: str = "HEAD") -> set[str]:
        """Check a commit out as for a gate, without running one; returns the files that are there."""
        oid, tree = self.git("rev-parse", commit), self.tree(commit)
        with checkout.opened(self.repository, gate="tests", commit=oid, tree=tree, say=self.said.append) as place:
            files = {str(path.relative_to(place.tree)) for path in place.tree.rglob("*") if path.is_file()}
        return {path for path in files if ".git" not in Path(path).parts}

    def receipt(self, gate: str = "tests") -> receipts.Receipt | None:
        return receipts.find(self.repository, gate, self.tree())

    def place(self, gate: str = "tests") -> Path:
        return checkout.place(self.repository, gate)

    def log(self, gate: str = "tests") -> str:
        return (self.place(gate) / "log.txt").read_text()


def gated(folder: Path, files: Mapping[str, str | bytes] | str = PASSING) -> Gated:
    """Make a project with one commit of these files, or of this noxfile."""
    project = Gated(folder)
    bare(folder)
    project.commit("feat: begin", {"noxfile.py": files} if isinstance(files, str) else files)
    return project
