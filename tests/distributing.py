"""Projects that can be built without an index, and folders of distributions to be made wrong."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import tiny_backend
from auditing import programs

from release.artifacts import files
from release.artifacts.record import Resolution
from release.artifacts.store import Dists
from release.gates import receipts
from release.gates.package import gate
from release.gates.package.gate import Source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from release.artifacts.files import Dist
    from release.gates.results import Result

BIN = Path(sys.executable).parent
PYPROJECT = """\
[build-system]
requires = []
build-backend = "tiny_backend"
backend-path = ["."]

[project]
name = "demo"
version = "1.0.0"
[dependency-groups]
package = []
"""
PROJECT = {
    "pyproject.toml": PYPROJECT,
    "VERSION": "1.0.0\n",
    "demo/__init__.py": '__version__ = "1.0.0"\n',
    "tiny_backend.py": Path(tiny_backend.__file__).read_text(),
}
MODULES = {"demo/__init__.py": "VALUE = 1\n", "demo/more.py": "VALUE = 2\n"}
SOURCES = {"pyproject.toml": PYPROJECT, **MODULES}


def pair(folder: Path, version: str = "1.0.0", modules: Mapping[str, str] = MODULES) -> Path:
    """Write a sound wheel and a sound sdist."""
    folder.mkdir(parents=True, exist_ok=True)
    tiny_backend.write_wheel(folder, version, dict(modules))
    tiny_backend.write_sdist(folder, version, SOURCES)
    return folder


def blank(tree: str) -> Dists:
    """Return distributions of a tree that nobody has built, to be kept."""
    return Dists(
        folder=Path(),
        tree=tree,
        commit="c",
        tool=receipts.tool_version(),
        builder={},
        epoch=0,
        differing=(),
        resolution=Resolution("nothing", (), ()),
        files=(),
    )


def only(folder: Path) -> Dist:
    """Return the one distribution of a folder."""
    (found,) = files.read(folder).dists
    return found


def look(folder: Path, dist: Path, *, table: str = PYPROJECT) -> Result:
    """Look at a folder of distributions as the gate does, of a project demo whose VERSION is 1.0.0."""
    root = folder / "root"
    root.mkdir()
    (root / "pyproject.toml").write_text(table)
    (root / "VERSION").write_text(PROJECT["VERSION"])
    source = Source(folder=dist, words="taken", from_sdist=False, epoch=int(os.environ["SOURCE_DATE_EPOCH"]))
    return gate.look(root, source, programs(folder / "programs"))
