"""A rehearsal builds, signs, publishes to an index of its own, and verifies; the configured one hears nothing of it."""

from __future__ import annotations

import shutil
import sys
import tempfile
from typing import TYPE_CHECKING

import distributing
import pytest
import shipping
from registries import Front, fronting
from shipping import TOKEN
from support import git_flow

from release.config import Index

if TYPE_CHECKING:
    from pathlib import Path

    from support import Project

REHEARSE = ("release.rehearse", "1.0.0")


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have what a rehearsal leaves removed with the test."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def buildable(folder: Path, host: str, backend: str = "") -> Project:
    """Make a Git Flow project that can be built, whose index, image and chart go to `host`."""
    at = Index(upload=f"http://{host}/", simple=f"http://{host}/simple/")
    more = f'image.name = "{host}/acme/demo"\nforge.repository = "acme/demo"\nforge.api = "http://{host}/api"\n'
    table = distributing.PYPROJECT.replace("1.0.0", "0.9.0")
    files = {
        "VERSION": "0.9.0\n",
        "tiny_backend.py": backend or distributing.PROJECT["tiny_backend.py"],
        "pyproject.toml": f"{table}\n[tool.release]\ngates = []\n{shipping.addresses(at)}{more}",
        "demo/__init__.py": '__version__ = "0.9.0"\n',
        "Containerfile": "FROM scratch\n",
    }
    return git_flow(folder, files)


def test_what_is_released_is_published_and_verified_on_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWINE_PASSWORD", TOKEN)
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    with fronting(Front()) as front:
        project = buildable(tmp_path / "project", front.host)
        before = project.state(times=True)
        ended = shipping.done(project, *REHEARSE)
        assert front.asked == []
    lines = ended.out.splitlines()
    commands = [line for line in lines if line.startswith("$ ")]
    assert [line.split()[2] for line in commands[-3:]] == ["release.status", "publish", "release.verify"]
    assert commands[-1] == "$ invoke release.verify 1.0.0"
    assert "  v1.0.0 is published: index" in lines
    assert "  v1.0.0rc1 is published: index" in lines
    assert "  v1.0.0 is what was made" in lines
    assert "  note: image is left out: it is not rehearsed" in lines
    assert "  note: forge is left out: it is not rehearsed" in lines
    if shutil.which("ssh-keygen"):
        assert any(line.startswith("  checked       provenance") for line in lines)
        assert any(line.startswith("  checked       signature of v1.0.0") for line in lines)
    assert TOKEN not in ended.text
    assert project.state(times=True) == before
    assert not (project.path / ".git/release/releases").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["project"]


@pytest.mark.thorough
def test_without_an_index_of_its_own_it_says_what_was_not_rehearsed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pypiserver", None)
    ended = shipping.done(buildable(tmp_path / "project", "127.0.0.1:9"), *REHEARSE)
    assert "$ invoke publish" not in ended.out
    assert "NOT REHEARSED: publishing needs a package index: pip install 'invoke-gitflow[rehearse]'" in ended.out
    assert "  v1.0.0 is released on main, pushed to origin; develop at 1.1.0.dev0" in ended.out


def test_a_build_that_fails_ends_it_as_it_ends_a_release(tmp_path: Path) -> None:
    backend = "def build_sdist(folder, settings=None):\n    raise ValueError('no luck today')\n"
    project = buildable(tmp_path / "project", "127.0.0.1:9", backend)
    ended = project.invoke(*REHEARSE)
    assert ended.code == 4, ended.text
    assert "ValueError: no luck today" in ended.out
    assert "the rehearsal stopped: invoke release.candidate ended with 4" in ended.err


@pytest.mark.thorough
def test_a_project_without_a_backend_has_nothing_to_publish(project: Project) -> None:
    ended = shipping.done(project, *REHEARSE)
    assert "  note: index is left out: there are no distributions" in ended.out
    assert "  v1.0.0 goes nowhere: no publisher takes it and is configured" in ended.out
    assert "  v1.0.0 is what was made" in ended.out
