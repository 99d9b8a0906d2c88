"""Projects for the security gate, and its programs: those of the environment that the tests run in."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from release.config import Security
from release.gates.security import tracked
from release.gates.security.programs import Programs

if TYPE_CHECKING:
    from collections.abc import Mapping

BIN = Path(sys.executable).parent
UV_LOCK = """\
version = 1
requires-python = ">=3.10"

[[package]]
name = "demo"
version = "1.0.0"
source = { editable = "." }
dependencies = [{ name = "jinja2" }]
"""
PYPROJECT = '[project]\nname = "demo"\nversion = "1.0.0"\ndependencies = ["jinja2"]\n'
CLEAN = "VALUE = 1\n"


def uv_lock(*pins: str) -> str:
    """Return a uv.lock with these packages, `name==version`, besides the project's own entry."""
    packages = (pin.split("==") for pin in pins)
    registry = 'source = { registry = "https://pypi.org/simple" }'
    return UV_LOCK + "".join(
        f'\n[[package]]\nname = "{name}"\nversion = "{version}"\n{registry}\n' for name, version in packages
    )


def tree(folder: Path, files: Mapping[str, str | bytes]) -> tracked.Tree:
    """Make a repository in which git tracks these files."""
    folder.mkdir(parents=True, exist_ok=True)
    write(folder, files)
    for arguments in (("init", "-q"), ("add", "-A")):
        subprocess.run(["git", *arguments], cwd=folder, check=True)
    return tracked.tree(folder)


def write(folder: Path, files: Mapping[str, str | bytes]) -> None:
    for path, content in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content if isinstance(content, bytes) else content.encode())


def programs(folder: Path, *, before: str = "", **more: str) -> Programs:
    """Return the programs; `before` is a folder that is looked into first, `more` are variables."""
    folder.mkdir(parents=True, exist_ok=True)
    path = os.pathsep.join([*([before] if before else []), str(BIN), os.environ["PATH"]])
    return Programs(env={**os.environ, "PATH": path, **more}, folder=folder)


def stand_in(folder: Path, name: str, script: str) -> str:
    """Put a shell script in a program's place; returns the folder for `before`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}")
    (folder / name).chmod(0o755)
    return str(folder)


def asking(url: str, timeout: int = 5) -> Security:
    return Security(service=url, timeout=timeout)
