"""Real repositories for tests: a bare remote, a clone, and the tasks run in this process."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from unittest import mock

import pytest
from invoke.program import Program

from release.tasks import collection

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from _pytest.mark import ParameterSet

EPOCH = 1_700_000_000
PYPROJECT = """\
[project]
name = "demo"
version = "0.9.0"  # kept by the tool
dependencies = ["other==0.9.0"]

[tool.mypy]
python_version = "0.9.0"

[tool.release]
gates = []
"""
FILES = {
    "VERSION": "0.9.0\n",
    "pyproject.toml": PYPROJECT,
    "src/demo/__init__.py": '"""Demo 0.9.0."""\n\n__version__ = "0.9.0"\n',
    "chart/Chart.yaml": "apiVersion: v2\nname: demo\nversion: 0.9.0\nappVersion: '0.9.0'\n",
    "Dockerfile": "FROM scratch\nLABEL version=0.9.0\n",
    "tasks.py": "from release import ns\n",
}


@dataclass(frozen=True)
class Ended:
    """How a task ended."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err


class Project:
    """A clone with a bare remote beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.remote = folder / "remote.git"
        self.path = folder / "work"

    def git(self, *arguments: str, cwd: Path | None = None, check: bool = True) -> str:
        done = subprocess.run(["git", *arguments], cwd=cwd or self.path, capture_output=True, check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"git {' '.join(arguments)}: {done.stderr.decode()}")
        return done.stdout.decode("utf-8", "surrogateescape").strip()

    def typed(self, command: str) -> None:
        """Type a command that was printed into a shell; it has to work."""
        done = subprocess.run(command, shell=True, cwd=self.path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}: {done.stderr}"

    def write(self, path: str, content: str | bytes) -> None:
        place = self.path / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content if isinstance(content, bytes) else content.encode())

    def read(self, path: str) -> str:
        return (self.path / path).read_text()

    def commit(self, message: str, files: Mapping[str, str | bytes] | None = None) -> str:
        for path, content in (files or {}).items():
            self.write(path, content)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def at(self, commit: str, path: str) -> str:
        return self.git("show", f"{commit}:{path}")

    def ref(self, name: str) -> str:
        return self.git("rev-parse", "-q", "--verify", name, check=False)

    def remote_ref(self, name: str) -> str:
        return self.git("rev-parse", "-q", "--verify", name, cwd=self.remote, check=False)

    def invoke(self, *words: str, answer: str | None = None, cwd: Path | None = None) -> Ended:
        """Run a task; `answer` is typed at a terminal, None is no terminal."""
        out, err = _Stream(), _Stream()
        before = Path.cwd()
        os.chdir(cwd or self.path)
        try:
            with redirect_stdout(out), redirect_stderr(err), _typing(answer):
                code = _run(words)
        finally:
            os.chdir(before)
        return Ended(code=code, out=out.text(), err=err.text())

    def state(self, *, times: bool = False) -> dict[str, object]:
        """Everything that a refusal leaves alone: refs, HEAD, index, settings, files, the remote."""
        git = self.path / ".git"
        files: dict[str, object] = {}
        for place in sorted(self.path.rglob("*")):
            name = str(place.relative_to(self.path))
            if name == ".git" or name.startswith(".git/"):
                continue
            facts = place.lstat()
            content = str(place.readlink()) if place.is_symlink() else place.read_bytes() if place.is_file() else None
            files[name] = (content, facts.st_mode, facts.st_mtime_ns if times and place.is_file() else 0)
        watched = ("HEAD", "index", "config", "packed-refs", "FETCH_HEAD", "ORIG_HEAD")
        return {
            "refs": self.git("for-each-ref"),
            "remote": self.git("for-each-ref", cwd=self.remote) if self.remote.exists() else "",
            "git": {name: (git / name).read_bytes() if (git / name).exists() else None for name in watched},
            "index time": (git / "index").stat().st_mtime_ns if times else 0,
            "locks": sorted(str(lock) for lock in git.rglob("*.lock")),
            "journal": (git / "release" / "journal.json").exists(),
            "files": files,
        }


class _Stream(TextIOWrapper):
    """A text stream over memory that has a `buffer`, as standard streams do."""

    def __init__(self) -> None:
        self._bytes = BytesIO()
        super().__init__(self._bytes, encoding="utf-8", errors="surrogateescape", write_through=True)

    def text(self) -> str:
        self.flush()
        return self._bytes.getvalue().decode("utf-8", "replace")


def _run(words: tuple[str, ...]) -> int:
    try:
        Program(namespace=collection()).run(["invoke", *words])
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def _typing(answer: str | None) -> mock._patch[object]:
    typed = StringIO("" if answer is None else f"{answer}\n")
    typed.isatty = lambda: answer is not None  # type: ignore[method-assign]
    return mock.patch("sys.stdin", typed)


_KEPT = TemporaryDirectory(prefix="release-projects-")
_BUILT: dict[str, Path] = {}
_NUMBERS = itertools.count()


def copied(folder: Path, key: str, build: Callable[[Path], object]) -> Project:
    """Make a project that others of this process are copies of: building one takes twenty times as long.

    `key` names all that `build` depends on beside git's settings and the fixed dates and identities of a test.
    """
    key = f"{key} {_surroundings()}"
    if key not in _BUILT:
        place = Path(_KEPT.name) / str(next(_NUMBERS))
        build(place)
        _BUILT[key] = place
    project = Project(folder)
    shutil.copytree(_BUILT[key], folder, symlinks=True, dirs_exist_ok=True)
    for clone in folder.glob("*/.git"):
        project.git("remote", "set-url", "origin", str(project.remote), cwd=clone.parent)
        if (clone / "index").exists():
            # Files have other inodes now: without this git would have to read each of them at every look.
            project.git("update-index", "-q", "--refresh", cwd=clone.parent)
    return project


def _surroundings() -> str:
    """What git and the tasks take from outside; of the settings what they say, not where they lie."""
    found = {name: os.environ[name] for name in sorted(os.environ) if name.startswith(("GIT_", "SOURCE_", "PATH"))}
    settings = found.pop("GIT_CONFIG_GLOBAL", None)
    return f"{found} {Path(settings).read_text(encoding='utf-8') if settings else None}"


def _template() -> Path:
    """Make what `git init` puts into a repository, without its samples of hooks: they are most of its files."""
    place = Path(_KEPT.name) / "template"
    (place / "hooks").mkdir(parents=True)
    (place / "info").mkdir()
    (place / "info/exclude").touch()
    return place


TEMPLATE = _template()


def git_flow(folder: Path, files: Mapping[str, str | bytes] = FILES) -> Project:
    """Make a project with main at v0.9.0, develop two commits ahead, both pushed; develop is checked out."""

    def build(place: Path) -> None:
        project = bare(place)
        project.commit("feat: begin", files)
        project.git("tag", "-a", "v0.9.0", "-m", "v0.9.0")
        project.git("switch", "-q", "-c", "develop")
        project.commit("feat: add a", {"a.txt": "a\n"})
        project.commit("fix: mend b", {"b.txt": "b\n"})
        project.git("push", "-q", "origin", "main", "develop", "v0.9.0")

    return copied(folder, f"git_flow {files}", build)


def bare(folder: Path) -> Project:
    """Make an empty remote and a clone of it, with main unborn."""

    def build(place: Path) -> None:
        project = Project(place)
        place.mkdir()
        project.git("init", "-q", "--bare", "-b", "main", str(project.remote), cwd=place)
        project.git("clone", "-q", str(project.remote), str(project.path), cwd=place)
        project.git("symbolic-ref", "HEAD", "refs/heads/main")

    return copied(folder, "bare", build)


def thorough(*parameters: object) -> list[ParameterSet]:
    """Mark these parameters, each one value or a tuple of several, as further combinations for `nox -s thorough`."""
    return [
        pytest.param(*(values if isinstance(values, tuple) else (values,)), marks=pytest.mark.thorough)
        for values in parameters
    ]


def wrap_git(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a shell script before git on PATH; it finds git itself in $GIT."""
    folder.mkdir()
    (folder / "git").write_text(f"#!/bin/sh\nGIT={shutil.which('git')}\n{script}")
    (folder / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
