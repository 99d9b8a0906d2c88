"""Without a lock: what is resolved in its place, by pip and by uv, from a folder of wheels."""

from __future__ import annotations

import shutil
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest
from auditing import BIN, programs, stand_in, tree

from release.errors import Exit, ReleaseError
from release.gates.security import resolve
from release.gates.security.requirements import Pin

if TYPE_CHECKING:
    from pathlib import Path

    from release.gates.security.locks import Locked

PROJECT = """\
[project]
name = "demo"
version = "1"
dependencies = ["packaging>=1", "absent; python_version < '3'"]
[project.optional-dependencies]
more = ["extra-one"]
all = ["Demo[more]"]
"""


def wheels(folder: Path) -> Path:
    """Make wheels: packaging is one that pip's own environment may hold already."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, version in (("packaging", "99.1"), ("extra_one", "2.0")):
        with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
            info = f"{name}-{version}.dist-info"
            wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", "")
    return folder


def resolved(tmp_path: Path, files: dict[str, str | bytes], *, by: str) -> Locked:
    folder = str(wheels(tmp_path / "wheels"))
    found = tree(tmp_path / "project", files)
    only = tmp_path / "bin"
    stand_in(only, "python", f'exec {sys.executable} "$@"\n')
    if by == "uv":
        uv = shutil.which("uv", path=str(BIN)) or shutil.which("uv")
        if uv is None:
            pytest.skip("uv is not installed")
        stand_in(only, "uv", f'exec {uv} "$@"\n')
    (tmp_path / "uv.toml").write_text(f'no-index = true\nfind-links = ["{folder}"]\n')
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": folder, "UV_CONFIG_FILE": str(tmp_path / "uv.toml")}
    tools = programs(tmp_path / "files", **offline)
    tools = tools._replace(env={**tools.env, "PATH": str(only)})
    data = resolve.project(found)
    locked = resolve.now(found, tools, data, ["demo"])
    resolve.refuse_lacking(locked, data)
    return locked


@pytest.mark.parametrize("by", ["pip", "uv"])
def test_dependencies_and_extras_are_resolved_and_that_is_said(by: str, tmp_path: Path) -> None:
    locked = resolved(tmp_path, {"pyproject.toml": PROJECT}, by=by)
    assert locked.source == f"no lock: pyproject.toml resolved now, by {by}"
    assert locked.pins == {Pin("packaging", "99.1"), Pin("extra-one", "2.0")}
    assert locked.elsewhere == ()


def test_without_a_project_requirements_files_are_resolved(tmp_path: Path) -> None:
    locked = resolved(tmp_path, {"requirements.txt": "packaging\n"}, by="pip")
    assert locked.source == "no lock: requirements.txt resolved now, by pip"
    assert locked.pins == {Pin("packaging", "99.1")}


@pytest.mark.parametrize("by", ["pip", "uv"])
def test_what_cannot_be_resolved_is_not_looked_at(by: str, tmp_path: Path) -> None:
    with pytest.raises(ReleaseError) as caught:
        resolved(tmp_path, {"pyproject.toml": PROJECT.replace("extra-one", "no-such-thing")}, by=by)
    assert caught.value.exit == Exit.NOT_AUDITED
    assert f"without a lock the dependencies have to be resolved, and {by} cannot" in str(caught.value)
    assert "no-such-thing" in str(caught.value)


def test_an_option_among_the_dependencies_is_no_requirement(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError) as caught:
        resolved(tmp_path, {"pyproject.toml": PROJECT.replace("extra-one", "--index-url=x")}, by="pip")
    assert caught.value.exit == Exit.NOT_AUDITED
