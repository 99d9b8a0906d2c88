"""The gate on folders of distributions: real twine, real installations, and every way in which exit 0 says nothing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from auditing import BIN, programs, stand_in
from distributing import MODULES, PROJECT, PYPROJECT, SOURCES, look, only, pair
from support import thorough
from tiny_backend import metadata, write_sdist, write_wheel

from release.artifacts import files
from release.errors import ReleaseError
from release.gates.package import clean, gate, sources, twine, wheel
from release.gates.package.gate import Source
from release.gates.results import FOUND, NOT_LOOKED

WHEEL = "demo-1.0.0-py3-none-any.whl"
SDIST = "demo-1.0.0.tar.gz"
UNBUILDABLE = PYPROJECT.replace("requires = []", 'requires = ["demo @ file:///nowhere/demo.whl"]')
BAD = "Title\n==\n\n`open <x\n"


def test_all_that_is_wrong_is_said_together_and_nothing_wrong_is_installed(tmp_path: Path) -> None:
    dist = tmp_path / "dist"
    dist.mkdir()
    write_wheel(dist, "1.0.1", {**MODULES, "../evil.py": ""}, said=metadata("1.0.1", readme=BAD, kind="text/x-rst"))
    write_sdist(dist, "1.0.1", {**SOURCES, "/other/x": ""}, said=metadata("1.0.1", readme=BAD, kind="text/x-rst"))
    (dist / "notes.txt").write_text("")
    result = look(tmp_path, dist, table=PYPROJECT.replace('name = "demo"', 'name = "Other"'))
    name, source = WHEEL.replace("0-", "1-"), "demo-1.0.1.tar.gz"
    assert result.verdict == FOUND, result
    assert set(result.findings) >= {
        "notes.txt: neither a wheel nor an sdist, and does not belong there",
        f"{name} is of version 1.0.1, and VERSION is 1.0.0",
        f"{source} is of version 1.0.1, and VERSION is 1.0.0",
        f"{name} is of demo, and the project is other",
        f"{source} is of demo, and the project is other",
        f"{name}: '../evil.py' leads out of the folder that it is installed into",
        f"{source}: its one top folder is to be demo-1.0.1, and it has demo-1.0.1, other",
    }
    assert any(  # nothing of the sdist, of which twine says only that it cannot read it
        line.startswith(f"{name}: twine check: `long_description` has syntax errors in markup")
        and "line 4: Warning: Inline interpreted text" in line
        for line in result.findings
    )
    assert not any("installed" in line for line in result.evidence)
    assert not (tmp_path / "programs" / "clean").exists()


def test_a_wheel_that_cannot_be_imported_is_found(tmp_path: Path) -> None:
    modules = {
        "demo/__init__.py": "import demo.gone\n",
        "json.py": "raise SystemExit(9)\n",  # the standard library has one
        "loud.py": "import atexit, sys; atexit.register(print, 'bye'); sys.argv[:] = []; sys.stdout = None\n",
        "silent.py": "import os; os._exit(0)\n",
        "sound.py": "",
    }
    place = pair(tmp_path / "dist", modules=modules) / WHEEL
    dist = next(one for one in files.read(place.parent).dists if one.path == place)
    seen = clean.look({dist: wheel.look(dist).paths}, programs(tmp_path / "programs"))
    missing, other, silent = seen.findings
    assert missing == f"{WHEEL}: import demo: ModuleNotFoundError: No module named 'demo.gone'"
    assert other.startswith(f"{WHEEL}: import json: what is found is ")
    assert silent == f"{WHEEL}: import silent: it ended the interpreter with status 0"
    assert seen.looked == ("installed demo 1.0.0 into a clean environment, not all of it imported",)


@pytest.mark.parametrize(
    ("script", "number", "says"),
    [
        ("exit 1", 0, f"{WHEEL} cannot be installed: error: no"),
        ('case "$*" in *--no-deps*) ;; *) exit 1;; esac', 1, f"what {WHEEL} depends on cannot be installed: error: no"),
    ],
)
def test_what_cannot_be_installed_is_found_or_not_looked_at(
    script: str, number: int, says: str, tmp_path: Path
) -> None:
    write_wheel(tmp_path, "1.0.0", MODULES)
    before = stand_in(tmp_path / "bin", "uv", f"echo error: no >&2; {script}")
    seen = clean.look({only(tmp_path): ()}, programs(tmp_path / "programs", before=before))
    assert (seen.findings, seen.blind)[number] == (says,)
    assert (seen.findings, seen.blind)[1 - number] == ()


@pytest.mark.parametrize(
    ("more", "number", "says"),
    [
        *thorough(
            ("Requires-Dist: demo @ file:///nowhere/demo.whl", 1, f"what {WHEEL} depends on cannot be installed"),
            ("Requires-Python: <3", 0, f"{WHEEL} cannot be installed: "),
        )
    ],
)
def test_pip_tells_both_apart(more: str, number: int, says: str, tmp_path: Path) -> None:
    said = metadata("1.0.0").replace("Summary: A demo", f"Summary: A demo\n{more}")
    write_wheel(tmp_path, "1.0.0", MODULES, said=said)
    seen = clean.look({only(tmp_path): ()}, programs(tmp_path / "programs"))
    assert (seen.findings, seen.blind)[number][0].startswith(says)
    assert (seen.findings, seen.blind)[1 - number] == ()


def test_without_a_wheel_for_this_python_nothing_was_looked_at(tmp_path: Path) -> None:
    write_wheel(tmp_path, "1.0.0", MODULES, tag="cp27-cp27m-win32")
    with pytest.raises(ReleaseError, match=r"none of demo-1\.0\.0-cp27-cp27m-win32\.whl fits this Python"):
        clean.look({only(tmp_path): ()}, programs(tmp_path / "programs"))


@pytest.mark.parametrize(
    ("script", "number", "says"),
    [
        ("echo 'Checking x.whl: PASSED'", 1, f"twine has not checked {WHEEL}: status 0"),
        (f"echo 'Checking {WHEEL}: PASSED with warnings'", 1, f"twine has not checked {WHEEL}: PASSED with warnings"),
        (f"echo 'Checking {WHEEL}: PASSED'; exit 1", 1, f"twine has not checked {WHEEL}: PASSED"),
        ("echo 'ERROR    No files to check.' >&2", 1, f"twine has not checked {WHEEL}: No files to check."),
        (
            f"echo 'Checking {WHEEL}: FAILED due to warnings'; echo 'WARNING  `long_description` missing.' >&2; exit 1",
            0,
            f"{WHEEL}: twine check: `long_description` missing.",
        ),
        (
            f"echo 'Checking {WHEEL}: ERROR    InvalidDistribution: Metadata is missing required fields'; exit 1",
            0,
            f"{WHEEL}: twine check: ERROR InvalidDistribution: Metadata is missing required fields",
        ),
        (
            "printf 'Traceback (most recent call last):\\n  x\\nKeyError: 1\\n' >&2; exit 1",
            1,
            f"twine has not checked {WHEEL}: KeyError: 1",
        ),
    ],
)
def test_what_twine_does_not_say_has_not_passed(script: str, number: int, says: str, tmp_path: Path) -> None:
    write_wheel(tmp_path, "1.0.0", MODULES)
    before = stand_in(tmp_path / "bin", "python", script)
    seen = twine.look([only(tmp_path)], programs(tmp_path / "programs", before=before), "1.0")
    assert (seen.findings, seen.blind)[number] == (says,)
    assert (seen.findings, seen.blind)[1 - number] == ()


def test_where_there_is_nothing_to_look_at_nothing_has_passed(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    result = look(tmp_path, empty)
    assert (result.verdict, result.not_looked) == (NOT_LOOKED, (f"{empty}: no distribution is there",))

    root, gone = tmp_path / "root", tmp_path / "gone"
    used = programs(tmp_path / "programs")
    result = gate.look(root, Source(gone, "taken", from_sdist=False, epoch=0), used)
    assert result.not_looked == (f"{gone} cannot be looked into: No such file or directory",)

    (root / "VERSION").unlink()
    result = gate.look(root, Source(pair(tmp_path / "dist"), "taken", from_sdist=False, epoch=0), used)
    assert result.not_looked == (
        "VERSION, which the distributions are compared with, cannot be read: No such file or directory",
    )

    before = stand_in(tmp_path / "bin", "python", f"[ $3 != twine ] || exit 1; exec {BIN / Path(sys.executable).name}")
    (root / "VERSION").write_text("1.0.0\n")
    blind = programs(tmp_path / "programs", before=before)
    result = gate.look(root, Source(tmp_path / "dist", "taken", from_sdist=False, epoch=0), blind)
    assert result.verdict == NOT_LOOKED
    assert result.not_looked[0].startswith("twine does not work in the session's environment")


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("contents", "number", "says"),
    [
        (PROJECT, 0, "the wheel that comes out of it lacks demo/more.py"),
        ({**PROJECT, **MODULES, "demo/new.py": ""}, 0, "it makes besides demo/new.py"),
        ({**PROJECT, **MODULES, "demo/more.py": "VALUE = 3\n"}, 0, "it makes another demo/more.py"),
        (
            {**PROJECT, "tiny_backend.py": "raise ValueError('no luck')"},
            0,
            "no wheel comes out of it: the distributions",
        ),
        ({**PROJECT, "pyproject.toml": UNBUILDABLE}, 1, "no wheel comes out of it: what the build needs"),
    ],
)
def test_an_sdist_makes_the_same_wheel(contents: dict[str, str], number: int, says: str, tmp_path: Path) -> None:
    write_wheel(tmp_path, "1.0.0", MODULES)
    write_sdist(tmp_path, "1.0.0", contents)
    wheels, sdists = files.read(tmp_path).dists
    seen = sources.look(sdists, [wheels], tmp_path / "again", 1)
    lines = (seen.findings, seen.blind)
    assert lines[number][0].startswith(f"{SDIST}: {says}")
    assert lines[1 - number] == ()
