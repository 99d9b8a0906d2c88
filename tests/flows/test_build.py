"""`invoke build`: dist/ holds what HEAD's tree makes and nothing else, whatever it held before."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import shipping
from distributing import PROJECT
from releasing import refuses
from shipping import NAMES, SBOM, SDIST, WHEEL
from support import thorough

import release

if TYPE_CHECKING:
    from collections.abc import Callable

    from support import Project

RANDOM = PROJECT["tiny_backend.py"].replace("Words.", "{random}") + "\nMETADATA += os.urandom(8).hex()\n"


def names(project: Project) -> list[str]:
    return sorted(path.name for path in (project.path / "dist").iterdir())


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_an_untagged_head_is_built_of_what_is_committed(tmp_path: Path) -> None:
    project = shipping.untagged(tmp_path / "project", built=False)
    project.write("demo/draft.py", "not committed\n")
    project.write("demo/__init__.py", "changed\n")
    before = project.state()
    ended = shipping.done(project, "build")
    assert names(project) == NAMES
    after = project.state()
    assert isinstance(after["files"], dict)
    after["files"] = {path: one for path, one in after["files"].items() if path.partition("/")[0] != "dist"}
    assert after == before
    facts = json.loads(project.read("dist/release.json"))
    assert (facts["tag"], facts["version"], facts["is_reproducible"]) == ("", "1.0.0", True)
    assert facts["commit"] == project.git("rev-parse", "HEAD")
    listing = subprocess.run(
        ["tar", "-xOzf", f"dist/{SDIST}"], cwd=project.path, capture_output=True, check=True
    ).stdout
    assert b"not committed" not in listing
    assert b"changed" not in listing
    assert [line.split("  ")[1] for line in ended.out.splitlines()] == [WHEEL, SDIST, SBOM]
    assert ended.err.endswith(
        f"is built from the tree {project.git('rev-parse', 'HEAD^{tree}')[:10]}\nnext: invoke tag\n"
    )
    assert not (project.path / ".git/release/releases").exists()
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=project.path / "dist", check=True)


def test_a_tagged_head_gives_what_was_kept_for_it(tmp_path: Path) -> None:
    project = shipping.tagged(tmp_path / "project")
    ended = shipping.done(project, "build")
    assert contents(project.path / "dist") == contents(shipping.kept(project))
    facts = json.loads(project.read("dist/release.json"))
    assert (facts["tag"], facts["tag_object"]) == ("v1.0.0", project.git("rev-parse", "v1.0.0"))
    assert "next: invoke publish" in ended.err


def test_what_an_earlier_build_left_is_replaced(tmp_path: Path) -> None:
    project = shipping.untagged(tmp_path / "project")
    shipping.done(project, "build")
    project.write("dist/.gitignore", "*")
    (project.path / "dist/provenance.intoto.jsonl").write_text("of an earlier release")
    project.write("VERSION", "1.1.0\n")
    project.git("commit", "-q", "-a", "-m", "chore: 1.1.0")
    shipping.done(project, "build")
    assert names(project) == sorted([".gitignore", *(one.replace("1.0.0", "1.1.0") for one in NAMES)])


@pytest.mark.parametrize("tagged", [False, *thorough(True)])
@pytest.mark.parametrize(
    ("place", "says"),
    [
        (
            lambda dist: dist.mkdir() or (dist / "mine.txt").write_text("x"),
            "dist/ holds what no release has left there",
        ),
        (lambda dist: dist.mkdir() or (dist / "demo-0.9.0.tar.gz").write_text("x"), "left there: demo-0.9.0.tar.gz"),
        (lambda dist: (dist / "SHA256SUMS").mkdir(parents=True), "left there: SHA256SUMS"),
        (lambda dist: dist.write_text("x"), "dist is no folder"),
        (lambda dist: dist.symlink_to("nowhere"), "dist is no folder"),
    ],
)
def test_what_nobody_knows_is_refused_and_stays(
    tmp_path: Path, place: Callable[[Path], object], says: str, *, tagged: bool
) -> None:
    project = (shipping.tagged if tagged else shipping.untagged)(tmp_path / "project")
    place(project.path / "dist")
    refuses(project, "build", says=says)


def test_a_dry_run_changes_nothing(tmp_path: Path) -> None:
    project = shipping.untagged(tmp_path / "project", built=False)
    for words in (("build", "--dry-run"), ("--dry", "build")):
        before = project.state(times=True)
        ended = shipping.done(project, *words)
        assert ended.err.startswith("dry run: 1.0.0, which has no tag yet would be built into dist/ from the tree ")
        assert project.state(times=True) == before
    assert not (project.path / ".git/release/artifacts").exists()


# Ends before the nth of the calls by which files come to dist/ and to where they are kept.
KILLED = """\
import os, shutil, sys
sys.path[:0] = [{path!r}]
from pathlib import Path
left = {at}
def killing(call):
    def run(*words, **more):
        global left
        left -= 1
        if left == 0:
            os._exit(9)
        return call(*words, **more)
    return run
from release.git import journal
from release.gates import parts
os.replace, shutil.copyfile, Path.unlink, Path.rename, journal.sync, parts.remove = map(
    killing, (os.replace, shutil.copyfile, Path.unlink, Path.rename, journal.sync, parts.remove))
from invoke.program import Program
from release.tasks import collection
Program(namespace=collection()).run(["invoke", "build"])
"""


@pytest.mark.parametrize("at", [9, *thorough(*(one for one in range(1, 30) if one != 9))])
def test_a_kill_is_mended_by_the_next_build(tmp_path: Path, at: int) -> None:
    project = shipping.tagged(tmp_path / "project")
    wanted = contents(shipping.kept(project))
    shutil.rmtree(shipping.kept(project).parent)
    old = wanted["release.json"].replace(WHEEL.encode(), b"old-1.0.0.whl").replace(b'"v1.0.0"', b'"v0.9.0"')
    project.write("dist/release.json", old)
    project.write("dist/old-1.0.0.whl", "old")
    code = KILLED.format(path=str(Path(release.__file__).parents[1]), at=at)
    ended = subprocess.run([sys.executable, "-c", code], cwd=project.path, capture_output=True, text=True, check=False)
    assert ended.returncode in {0, 9}, ended.stderr
    shipping.done(project, "build")
    assert contents(project.path / "dist") == contents(shipping.kept(project)) == wanted
    assert [path.name for path in shipping.kept(project).parent.iterdir()] == ["files"]


@pytest.mark.thorough
def test_a_backend_that_makes_something_else_each_time_is_told(tmp_path: Path) -> None:
    project = shipping.untagged(tmp_path / "project", files={"tiny_backend.py": RANDOM}, built=False)
    ended = shipping.done(project, "build")
    assert (
        f"warning: two builds made different files of {WHEEL}, {SDIST}: tiny_backend is not reproducible" in ended.err
    )
    assert json.loads(project.read("dist/release.json"))["is_reproducible"] is False
    strict = shipping.untagged(
        tmp_path / "strict", None, "reproducible = true\n", {"tiny_backend.py": RANDOM}, built=False
    )
    said = refuses(strict, "build", code=4, says=f"two builds made different files of {WHEEL}, {SDIST}")
    assert "or leave out reproducible" in said


def test_two_clones_make_the_same_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = shipping.untagged(tmp_path / "project", built=False)
    umask = os.umask(0o077)
    try:
        other = tmp_path / "elsewhere" / "a clone of it"
        project.git("clone", "-q", str(project.remote), str(other))
        monkeypatch.setenv("TZ", "Pacific/Kiritimati")
        time.tzset()
        monkeypatch.delenv("SOURCE_DATE_EPOCH")
        assert project.invoke("build", cwd=other).code == 0
    finally:
        os.umask(umask)
        monkeypatch.undo()
        time.tzset()
    shipping.done(project, "build")
    assert contents(other / "dist") == contents(project.path / "dist")
    assert {path.stat().st_mode & 0o777 for path in (other / "dist").iterdir()} == {0o644}


def test_without_a_backend_there_is_a_record_and_nothing_else(tmp_path: Path) -> None:
    table = '[project]\nname = "demo"\nversion = "1.0.0"\n[tool.release]\ngates = []\ndevelop = "main"\n'
    project = shipping.untagged(tmp_path / "project", files={"pyproject.toml": table})
    shipping.done(project, "build")
    assert names(project) == ["SHA256SUMS", "release.json"]
