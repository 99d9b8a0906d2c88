"""Distributions of a commit: built once from exactly its tree, whole or not at all, and refused if they are others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import tiny_backend
from distributing import PROJECT, PYPROJECT, blank
from gating import Gated, gated

import release
from release.artifacts import builder, dists, store
from release.errors import Exit, ReleaseError
from release.gates import receipts

if TYPE_CHECKING:
    from collections.abc import Callable

    from release.artifacts.store import Dists

WHEEL = "demo-1.0.0-py3-none-any.whl"
SDIST = "demo-1.0.0.tar.gz"
TESTS = str(Path(tiny_backend.__file__).parent)
COUNTED = """
assert "TWINE_PASSWORD" not in os.environ
open(os.environ["HOME"] + "/count", "a").write("x")
"""


def build(project: Gated, commit: str = "HEAD") -> Dists:
    oid = project.git("rev-parse", commit)
    return dists.built(project.repository, commit=oid, tree=project.tree(commit), say=project.said.append)


def count() -> int:
    return len((Path(os.environ["HOME"]) / "count").read_text())


@pytest.fixture
def project(tmp_path: Path) -> Gated:
    """A project whose backend counts how often it is loaded."""
    return gated(tmp_path, {**PROJECT, "tiny_backend.py": PROJECT["tiny_backend.py"] + COUNTED})


def test_they_are_built_once_from_what_is_committed_and_described(
    project: Gated, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write("demo/draft.py", "not committed")
    project.write("demo/__init__.py", "changed\n")
    project.git("config", "core.excludesFile", str(project.folder / "none"))
    before = project.state()
    monkeypatch.setenv("TWINE_PASSWORD", "t0ken")
    umask = os.umask(0o077)
    try:
        made = build(project)
    finally:
        os.umask(umask)
    assert project.state() == before
    assert [one.name for one in made.files] == [WHEEL, SDIST]
    with zipfile.ZipFile(made.folder / WHEEL) as archive:
        assert "demo/draft.py" not in archive.namelist()
        assert archive.read("demo/__init__.py") == b'__version__ = "1.0.0"\n'
    assert (made.folder / WHEEL).stat().st_mode & 0o777 == 0o644
    record = json.loads((made.folder.parent / "dists.json").read_text())
    assert record["tree"] == project.tree()
    assert record["commit"] == project.git("rev-parse", "HEAD")
    assert record["tool"] == receipts.tool_version()
    assert set(record["builder"]) == {"python", "build"}
    assert [one["name"] for one in record["files"]] == [WHEEL, SDIST]
    assert all(len(one["sha256"]) == 64 and one["size"] > 0 for one in record["files"])
    assert project.said == ["distributions: building, twice", f"distributions: built {WHEEL}, {SDIST}"]

    loaded = count()
    project.git("checkout", "-qf", "HEAD")
    project.commit("chore: the same tree again")
    (project.path / "demo/draft.py").unlink()
    assert build(project, "HEAD~") == made
    assert project.said[-1] == "distributions: built already"
    assert count() == loaded

    (made.folder / SDIST).write_bytes(b"damaged")
    assert build(project, "HEAD~") == made
    assert count() > loaded
    assert store.files(made.folder) == made.files
    assert sorted(path.name for path in made.folder.parents[1].iterdir()) == sorted([project.tree("HEAD~"), "lock"])


@pytest.mark.parametrize(
    ("files", "code", "says"),
    [
        ({"pyproject.toml": "[project]\nname = 'demo'\n"}, Exit.USAGE, "pyproject.toml has no [build-system]"),
        ({"VERSION": ""}, Exit.USAGE, "VERSION: "),
        (
            {"tiny_backend.py": PROJECT["tiny_backend.py"].replace('Path("VERSION").read_text().strip()', '"1.0.1"')},
            Exit.GATE_FAILED,
            f"{WHEEL.replace('0-', '1-')} is of version 1.0.1, and VERSION is 1.0.0",
        ),
        (
            {"tiny_backend.py": "def build_sdist(folder, settings=None):\n    raise ValueError('no luck today')\n"},
            Exit.GATE_FAILED,
            "ValueError: no luck today",
        ),
        (
            {"pyproject.toml": PYPROJECT.replace("requires = []", 'requires = ["demo @ file:///nowhere/demo.whl"]')},
            Exit.NOT_AUDITED,
            "NOT AUDITED: what the build needs could not be installed",
        ),
        (
            {"pyproject.toml": PYPROJECT.replace("requires = []", 'requires = ["demo", "no valid one"]')},
            Exit.GATE_FAILED,
            "the distributions cannot be built: requires of [build-system] has 'no valid one', which is no ",
        ),
    ],
)
def test_what_cannot_be_built_says_why_and_leaves_nothing(
    files: dict[str, str], code: Exit, says: str, tmp_path: Path
) -> None:
    project = gated(tmp_path, {**PROJECT, **files})
    with pytest.raises(ReleaseError) as caught:
        build(project)
    assert caught.value.exit == code
    assert says in str(caught.value)
    assert {path.name for path in (project.path / ".git/release/artifacts").iterdir()} == {"lock"}
    if "the whole log: " in str(caught.value):
        log = Path(str(caught.value).rpartition("the whole log: ")[2])
        assert log.read_text()


def test_without_what_a_build_needs_the_installer_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").write_text(PYPROJECT.replace("requires = []", 'requires = ["invoke-gitflow-none"]'))
    monkeypatch.setenv("PATH", os.defpath)  # without uv
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", tmp_path.as_uri())
    with pytest.raises(ReleaseError) as caught:
        builder.build(tmp_path, tmp_path / "dist", log=tmp_path / "log.txt", epoch=1)
    (problem,) = caught.value.problems
    says = "what the build needs could not be installed: No matching distribution found for invoke-gitflow-none"
    assert (problem.what, problem.exit) == (says, Exit.NOT_AUDITED)


def test_where_no_environment_can_be_made_nothing_was_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    scratch = tmp_path / "a:b"  # venv refuses such a place
    scratch.mkdir()
    monkeypatch.setenv("PATH", os.defpath)  # without uv
    monkeypatch.setenv("TMPDIR", str(scratch))
    with pytest.raises(ReleaseError) as caught:
        builder.build(tmp_path, tmp_path / "dist", log=tmp_path / "log.txt", epoch=1)
    assert caught.value.exit == Exit.NOT_AUDITED
    assert "the environment of the build could not be made: " in str(caught.value)


# Ends before the nth of the calls by which the folder comes to its place.
KILLED = """\
import os, sys, time
sys.path[:0] = [{path!r}, {tests!r}]
from pathlib import Path
from distributing import blank
from release.artifacts import store
from release.gates import parts
from release.git import journal, repository
left = {at}
def killing(call):
    def run(*words, **more):
        global left
        left -= 1
        if left == 0:
            os._exit(9)
        return call(*words, **more)
    return run
Path.rename, journal.sync, journal.sync_all, parts.remove = map(
    killing, (Path.rename, journal.sync, journal.sync_all, parts.remove))
here = repository.locate(Path.cwd())
with store.locked(here, print, time.sleep), store.begun(here, {tree!r}) as place:
    (store.dists(place) / "a.whl").write_text("new")
    store.keep(here, place, blank({tree!r}))
print("end")
"""


def test_a_kill_at_any_step_leaves_nothing_or_all(tmp_path: Path) -> None:
    project = gated(tmp_path, PROJECT)
    tree = "1" * 40
    path = str(Path(release.__file__).parents[1])
    place = project.path / ".git/release/artifacts" / tree
    seen = []
    for at in range(1, 40):
        argv = [sys.executable, "-c", KILLED.format(path=path, tests=TESTS, at=at, tree=tree)]
        ended = subprocess.run(argv, cwd=project.path, capture_output=True, text=True, check=False)
        found = store.find(project.repository, tree)
        assert ended.returncode in {0, 9}, ended.stderr
        assert (found is not None) == place.exists()
        seen.append(found is not None)
        if ended.stdout == "end\n":
            break
    assert len(seen) < 39
    assert set(seen) == {False, True}
    assert store.find(project.repository, tree) is not None
    assert {one.name for one in place.parent.iterdir()} == {"lock", tree}


@pytest.mark.parametrize(
    "change",
    [
        lambda place: (place / "dist" / "a.whl").write_text("other"),
        lambda place: (place / "dist" / "b.whl").write_text("more"),
        lambda place: (place / "dist" / "a.whl").unlink(),
        lambda place: (place / "dists.json").write_text("[]"),
        lambda place: (place / "dists.json").write_text(
            (place / "dists.json").read_text().replace('"layout": 2', '"layout": 0')
        ),
        lambda place: (place / "dists.json").write_text(
            (place / "dists.json").read_text().replace('"tool": "', '"tool": "9')
        ),
    ],
)
def test_what_is_not_as_it_was_built_does_not_count(change: Callable[[Path], object], tmp_path: Path) -> None:
    project = gated(tmp_path, PROJECT)
    here, tree = project.repository, "2" * 40
    with store.locked(here, print, time.sleep), store.begun(here, tree) as place:
        (store.dists(place) / "a.whl").write_text("x")
        made = store.keep(here, place, blank(tree))
    assert store.find(here, tree) == made
    change(made.folder.parent)
    assert store.find(here, tree) is None


def test_the_newest_trees_are_kept(tmp_path: Path) -> None:
    project = gated(tmp_path, PROJECT)
    here = project.repository
    trees = [f"{number:040x}" for number in range(store.KEPT + 2)]
    for number, tree in enumerate(trees):
        with store.locked(here, print, time.sleep), store.begun(here, tree) as place:
            made = store.keep(here, place, blank(tree))
        os.utime(made.folder.parent, (number, number))
    assert [tree for tree in trees if store.find(here, tree)] == trees[2:]
    with pytest.raises(ValueError, match="is not the id of a tree"):
        store.find(here, "../../x")
