"""The session under a real nox: alone in a working tree, on a folder, and as a gate on what the runner has built."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from distributing import BIN, MODULES, PROJECT, pair
from exchanging import made as receipt_of
from gated import typed
from gating import HEAD, Gated, gated, session
from tiny_backend import write_wheel

import release
from release.artifacts import store
from release.errors import Exit, ReleaseError
from release.gates import receipts
from release.gates.package import session as arguments

if TYPE_CHECKING:
    from collections.abc import Mapping

WHEEL = "demo-1.0.0-py3-none-any.whl"
SDIST = "demo-1.0.0.tar.gz"
# Without an environment of its own, which takes its time to make; the empty group says that all is there.
NOXFILE = f"""\
import sys
sys.path.insert(0, {str(Path(release.__file__).parents[1])!r})
import nox
from release.sessions import package
nox.options.default_venv_backend = "none"
"""
GATE = '[tool.release]\ngates = ["package"]\n'


@pytest.fixture(autouse=True)
def path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.pathsep.join([str(BIN), os.environ["PATH"]]))


def project(folder: Path, files: Mapping[str, str] | None = None) -> Gated:
    more = files or {}
    settings = more.get("pyproject.toml", PROJECT["pyproject.toml"]) + GATE
    return gated(folder, {**PROJECT, "noxfile.py": NOXFILE, **more, "pyproject.toml": settings})


def nox(made: Gated, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "nox", "-s", "package", "--", *words]
    return subprocess.run(argv, cwd=made.path, env={**os.environ, **env}, capture_output=True, text=True, check=False)


def refused(made: Gated) -> ReleaseError:
    with pytest.raises(ReleaseError) as caught:
        made.run("package")
    assert made.receipt("package") is None
    return caught.value


def test_the_gate_looks_at_what_was_built_before_it_started(tmp_path: Path) -> None:
    made = project(tmp_path)
    made.write("demo/draft.py", "not committed")
    made.run("package")
    receipt = made.receipt("package")
    assert receipt is not None
    assert any(re.fullmatch(r".*/python -I -m twine .*check --strict -- .*", line) for line in receipt.evidence)
    built = store.find(made.repository, made.tree())
    assert built is not None
    assert receipt.artifacts == tuple((one.name, one.sha256) for one in built.files)
    assert [re.sub(r"twine [\d.]+", "twine", line) for line in receipt.evidence[-7:]] == [
        "distributions taken as built for this tree",
        *(f"{one.name}: sha256 {one.sha256}" for one in built.files),
        "twine: 2 files, strict",
        f"RECORD of {WHEEL}: 4 files",
        f"{SDIST}: 6 files",
        "installed demo 1.0.0 into a clean environment, imported demo",
    ]
    assert receipt.expires is None
    assert made.said[1:3] == ["distributions: building, twice", f"distributions: built {WHEEL}, {SDIST}"]

    (built.folder / WHEEL).write_bytes(b"another")
    assert made.receipt("package") is None

    change = "open(sys.argv[1] + '/x.whl', 'w')"
    body = f"session.run('python', '-c', {f'import sys; {change}'!r}, os.environ['RELEASE_DISTS'])"
    made.write("noxfile.py", HEAD + "import os\n" + session(body, name="package"))
    made.commit("test: a gate that changes what it was given")
    error = refused(made)
    assert error.exit == Exit.GATE_FAILED
    assert "it changed what it was to look at: " in str(error)
    assert store.find(made.repository, made.tree()) is None


@pytest.mark.thorough
def test_a_gate_that_finds_something_is_told_from_one_that_could_not_be_built_for(tmp_path: Path) -> None:
    backend = PROJECT["tiny_backend.py"].replace("said or metadata(version)", 'said or metadata("9.9.9")', 1)
    error = refused(project(tmp_path / "found", {"tiny_backend.py": backend}))
    assert error.exit == Exit.GATE_FAILED
    says = "demo-1.0.0.dist-info/METADATA says Version: 9.9.9, and the file is of 1.0.0"
    assert f"session package aborted: found: {WHEEL}: {says}" in str(error)
    again = typed(Gated(tmp_path / "found"), "run it again: ", str(error), status=1)
    assert "distributions taken as built for this tree" in again
    assert says in again

    backend = PROJECT["tiny_backend.py"].replace("Summary: A demo", "Summary: A demo\nRequires-Python: <3", 1)
    error = refused(project(tmp_path / "uninstallable", {"tiny_backend.py": backend}))
    assert error.exit == Exit.GATE_FAILED
    assert "'demo' requires a different Python" in str(error)

    made = project(tmp_path / "nothing", {"pyproject.toml": "[dependency-groups]\npackage = []\n"})
    error = refused(made)
    assert error.exit == Exit.NOT_AUDITED
    assert "session package could not look: pyproject.toml has no [build-system]" in str(error)


def test_a_build_that_fails_leaves_no_receipt(tmp_path: Path) -> None:
    made = project(tmp_path, {"tiny_backend.py": "raise ValueError('no luck')\n"})
    receipts.write(made.repository, receipt_of(made, gate="package"))
    assert made.receipt("package") is not None
    with pytest.raises(ReleaseError) as caught:
        made.run("package", fresh=True)
    assert caught.value.exit == Exit.GATE_FAILED
    assert "the distributions cannot be built: python -m build ended with status 1" in str(caught.value)
    assert made.receipt("package") is None


@pytest.mark.thorough
def test_alone_it_builds_from_the_working_tree_and_says_so(tmp_path: Path) -> None:
    backend = PROJECT["tiny_backend.py"].replace("    del settings\n", '    Path("left").touch()\n', 1)
    ignored = {".gitignore": "ignored.py\n__pycache__\n"}
    made = project(tmp_path, {"tiny_backend.py": backend, "demo/gone.py": "", **ignored})
    made.write("demo/draft.py", "VALUE = 1\n")
    made.write("demo/ignored.py", "VALUE = 1\n")
    made.git("add", "--force", "demo")
    made.write("demo/draft.py", "VALUE = 2\n")
    made.write("demo/untracked.py", "VALUE = 1\n")
    (made.path / "demo/gone.py").unlink()
    before = made.state()
    ran = nox(made, "--json", "out.json", "--from-sdist", PYTHONDONTWRITEBYTECODE="1")
    assert ran.returncode == 0, ran.stderr
    data = json.loads((made.path / "out.json").read_text())
    assert (data["result"], data["findings"], data["not_looked"]) == ("passed", [], [])
    assert re.fullmatch(
        r"distributions built from the working tree by build [\d.]+, the wheel from the sdist", data["evidence"][0]
    )
    assert data["evidence"][-1] == f"{WHEEL} built from {SDIST}: 6 files"
    assert data["notes"] == ["not built, as git does not track it: demo/untracked.py"]
    assert list(data["versions"]) == ["twine"]
    assert f"nox > RECORD of {WHEEL}: 6 files\n" in ran.stderr
    (made.path / "out.json").unlink()
    assert made.state() == before

    made.write("tiny_backend.py", "raise ValueError('no luck')\n")
    ran = nox(made)
    assert ran.returncode == 1
    assert "nox > build: ValueError: no luck\n" in ran.stderr
    assert "Session package aborted: found: the distributions cannot be built: " in ran.stderr


@pytest.mark.thorough
def test_it_looks_at_a_folder_that_is_named(tmp_path: Path) -> None:
    made = project(tmp_path)
    pair(made.path / "dist", modules={"demo/__init__.py": ""})
    page = tmp_path / "page.md"
    write_wheel(made.path / "dist", "1.0.0", MODULES, record=lambda rows: rows.remove(rows[1]))
    ran = nox(made, "--dist=dist", GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(page))
    found = f"{WHEEL}: demo/more.py is not listed in RECORD"
    assert ran.returncode == 1
    assert "nox > distributions taken from dist\n" in ran.stderr
    assert "nox > note: no wheel was built from the sdist to compare: --from-sdist does that\n" in ran.stderr
    assert f"Session package aborted: found: {found}" in ran.stderr
    assert f"::error title=package::{found}" in ran.stdout
    assert "### package: found\n" in page.read_text()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--dist"], "--dist has no value"),
        (["--dist", "--json"], "--dist has no value"),
        (["--from-sdist=x"], "--from-sdist takes no value"),
        (["--dst", "x"], "did you mean '--dist'?"),
        (["dist"], "package does not know dist"),
    ],
)
def test_arguments_that_it_does_not_take_are_named(words: list[str], says: str) -> None:
    with pytest.raises(ReleaseError) as caught:
        arguments.read(words)
    assert caught.value.exit == Exit.USAGE
    assert says in str(caught.value)


@pytest.mark.thorough
def test_a_real_backend_and_an_environment_of_its_own(tmp_path: Path) -> None:
    table = """\
[build-system]
requires = ["flit_core>=3.11"]
build-backend = "flit_core.buildapi"
[project]
name = "demo"
version = "1.0.0"
description = "A demo"
readme = "README.md"
requires-python = ">=3.10"
"""
    noxfile = NOXFILE.replace('"none"', '"venv"')
    made = project(tmp_path, {"pyproject.toml": table, "README.md": "# Demo\n", "noxfile.py": noxfile})
    made.run("package")
    receipt = made.receipt("package")
    assert receipt is not None
    assert receipt.evidence[-1] == "installed demo 1.0.0 into a clean environment, imported demo"
    built = store.find(made.repository, made.tree())
    assert built is not None
    assert set(built.builder) == {"build", "python", "flit-core"} or "flit_core" in built.builder
    assert (made.place("package") / "environments").exists()  # what the gate installs elsewhere is not in them
