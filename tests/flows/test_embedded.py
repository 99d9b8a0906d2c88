"""An SBOM in the wheel itself (PEP 770): the same that lies beside it, by the backend that takes one."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pytest
import shipping
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from shipping import SBOM, SDIST, WHEEL

if TYPE_CHECKING:
    from pathlib import Path

    from support import Project

HATCHLING = """\
[build-system]
requires = ["hatchling>=1.28"]
build-backend = "hatchling.build"

[project]
name = "demo"
version = "1.0.0"
requires-python = ">=3.10"

[tool.hatch.build.targets.wheel]
packages = ["demo"]
sbom-files = ["sbom/demo.cdx.json"]

[tool.release]
gates = []
develop = "main"
reproducible = true
"""
INSIDE = "demo-1.0.0.dist-info/sboms/demo.cdx.json"


def built(folder: Path, files: dict[str, str]) -> Project:
    project = shipping.untagged(folder, files={"pyproject.toml": HATCHLING, **files}, built=False)
    ended = project.invoke("build")
    if ended.code == 5:
        pytest.skip(f"no index has hatchling: {ended.err}")
    assert ended.code == 0, ended.text
    return project


def embedded(project: Project) -> bytes:
    with zipfile.ZipFile(project.path / "dist" / WHEEL) as archive:
        return archive.read(INSIDE)


@pytest.mark.thorough
def test_it_is_written_for_the_backend_and_is_the_one_beside(tmp_path: Path) -> None:
    project = built(tmp_path / "project", {})
    assert embedded(project) == (project.path / "dist" / SBOM).read_bytes()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(embedded(project).decode()) is None
    assert (project.path / "dist" / SDIST).exists()
    assert not (project.path / "sbom").exists()


@pytest.mark.thorough
def test_one_that_is_committed_is_left_alone(tmp_path: Path) -> None:
    project = built(tmp_path / "project", {"sbom/demo.cdx.json": '{"mine": true}\n'})
    assert embedded(project) == b'{"mine": true}\n'
