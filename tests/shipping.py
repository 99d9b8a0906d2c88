"""Releases that can be built without an index, and a package index on loopback that they go to."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from typing import TYPE_CHECKING, NamedTuple

import distributing
import tiny_backend
from support import bare, copied

from release.artifacts import bundle
from release.git import repository as repositories

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from support import Ended, Project

    from release.config import Index

WHEEL, SDIST, SBOM = "demo-1.0.0-py3-none-any.whl", "demo-1.0.0.tar.gz", "demo-1.0.0.cdx.json"
NAMES = sorted(["SHA256SUMS", SBOM, WHEEL, SDIST, "release.json"])
TOKEN = "t0ken-of-the-environment"
NOWHERE = 'index.upload = "http://127.0.0.1:9/"\nindex.simple = "http://127.0.0.1:9/simple/"\n'
CHANGELOG = "# Changelog\n\n## [1.0.0] - 2024-02-03\n\n### Added\n\n- Something\n"


class Shop(NamedTuple):
    """A package index on loopback, and the folder of what was uploaded."""

    at: Index
    folder: Path

    @property
    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())


def addresses(at: Index | None) -> str:
    return NOWHERE if at is None else f'index.upload = "{at.upload}"\nindex.simple = "{at.simple}"\n'


def source(at: Index | None = None, more: str = "", files: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the files of a project in trunk mode, without gates, whose distributions go to the index `at`."""
    table = f'{distributing.PYPROJECT}\n[tool.release]\ngates = []\ndevelop = "main"\n{addresses(at)}{more}'
    return {**distributing.PROJECT, "pyproject.toml": table, "CHANGELOG.md": CHANGELOG, **(files or {})}


def untagged(
    folder: Path, at: Index | None = None, more: str = "", files: Mapping[str, str] | None = None, *, built: bool = True
) -> Project:
    """Make a project whose main is at 1.0.0, pushed and not tagged; its distributions are built already."""
    wanted = source(at, more, files)

    def build(place: Path) -> None:
        project = bare(place)
        project.commit("feat: begin", wanted)
        project.git("push", "-q", "origin", "main")
        if built:
            done(project, "build")
            shutil.rmtree(project.path / "dist")

    return copied(folder, f"untagged {wanted} {built}", build)


def tagged(
    folder: Path, at: Index | None = None, more: str = "", files: Mapping[str, str] | None = None, *, push: bool = True
) -> Project:
    """Make a project whose version is tagged, and kept as it was built."""
    wanted = source(at, more, files)

    def build(place: Path) -> None:
        project = untagged(place, at, more, files)
        done(project, "tag", *(["--push", "--yes"] if push else []))

    return copied(folder, f"tagged {wanted} {push}", build)


def done(project: Project, *words: str) -> Ended:
    ended = project.invoke(*words)
    assert ended.code == 0, ended.text
    return ended


def kept(project: Project, tag: str = "v1.0.0") -> Path:
    return bundle.place(repositories.locate(project.path), tag) / "files"


def digests(folder: Path) -> dict[str, str]:
    """Return the digests of a release's distributions and SBOM, as its record has them."""
    facts = json.loads((folder / "release.json").read_text())
    return {one["name"]: one["sha256"] for one in facts["files"]}


def wheel(folder: Path, name: str, version: str, *lines: str) -> str:
    """Write a wheel of nothing, with further lines of metadata; returns its SHA-256."""
    info = f"{name}-{version}.dist-info"
    said = "".join(f"{line}\n" for line in ("Metadata-Version: 2.4", f"Name: {name}", f"Version: {version}", *lines))
    contents = {f"{info}/METADATA": said, f"{info}/WHEEL": tiny_backend.wheel("py3-none-any"), f"{info}/RECORD": ""}
    place = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(place, "w") as archive:
        for path, text in contents.items():
            archive.writestr(zipfile.ZipInfo(path, (2020, 1, 1, 0, 0, 0)), text)
    return hashlib.sha256(place.read_bytes()).hexdigest()
