"""A release whose files are lost is built again, and published only if that makes what its gate has looked at."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from distributing import PROJECT, PYPROJECT
from gating import PASSING, Gated, gated

from release.artifacts import dists
from release.gates import receipts
from release.gates.receipts import Artifact, Receipt

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path) -> Gated:
    """A tagged project with a receipt of `package` for what was built of it, of which nothing is left."""
    table = f'{PYPROJECT}[tool.release]\ndevelop = "main"\ngates = ["package"]\n'
    files = {**PROJECT, "pyproject.toml": table, "noxfile.py": PASSING, "tasks.py": "from release import ns\n"}
    made = gated(tmp_path, files)
    made.run("tests")
    built = dists.built(made.repository, commit=made.git("rev-parse", "HEAD"), tree=made.tree(), say=print)
    artifacts = tuple(Artifact(one.name, one.sha256) for one in built.files)
    receipts.write(made.repository, replace(known(made, "tests"), gate="package", artifacts=artifacts))
    shutil.rmtree(made.path / ".git/release/artifacts")
    made.git("tag", "-a", "-m", "v1.0.0", "v1.0.0")
    return made


def known(project: Gated, gate: str = "package") -> Receipt:
    return receipts.parse(receipts.stored(project.repository, gate, project.tree()))


@pytest.mark.thorough
def test_the_same_files_again_are_as_good(project: Gated) -> None:
    ended = project.invoke("build")
    assert ended.code == 0, ended.text
    assert (project.path / "dist/release.json").exists()


def test_other_files_than_were_gated_are_refused_until_the_gate_has_seen_them(project: Gated) -> None:
    wheel, sdist = known(project).artifacts
    other = replace(known(project), artifacts=(wheel, sdist._replace(sha256="0" * 64)))
    receipts.write(project.repository, other)
    ended = project.invoke("build")
    assert ended.code == 3, ended.text
    assert f"gate package has looked at another {sdist.name} of v1.0.0 than was built now" in ended.err
    assert "invoke scan --gate package" in ended.err
    assert not (project.path / "dist").exists()
    assert not (project.path / ".git/release/releases").exists()

    receipts.write(project.repository, replace(other, artifacts=(wheel, sdist)))  # as the gate does
    assert project.invoke("build").code == 0
