"""Wheels that are not what they say: each is found out, with its file and the cause."""

from __future__ import annotations

import warnings
import zipfile
from typing import TYPE_CHECKING

import pytest
from distributing import MODULES, only
from tiny_backend import digest, metadata, write_wheel

from release.gates.package import modules, wheel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

INFO = "demo-1.0.0.dist-info"
FILE = "demo-1.0.0-py3-none-any.whl"


def found(folder: Path) -> tuple[str, ...]:
    return wheel.look(only(folder)).seen.findings


def test_a_sound_wheel_is_counted_and_its_paths_are_given(tmp_path: Path) -> None:
    write_wheel(tmp_path, "1.0.0", MODULES)
    seen = wheel.look(only(tmp_path))
    assert seen.seen.findings == ()
    assert seen.seen.looked == (f"RECORD of {FILE}: 5 files",)
    assert set(seen.paths) == {*MODULES, *(f"{INFO}/{name}" for name in ("METADATA", "WHEEL", "RECORD"))}


def row(path: str, *, content: str = "", size: str = "") -> Callable[[list[list[str]]], None]:
    """Return what puts another hash or size into RECORD."""

    def change(rows: list[list[str]]) -> None:
        (one,) = (one for one in rows if one[0] == path)
        one[1:] = [content or one[1], size or one[2]]

    return change


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (row("demo/more.py", content=digest(b"x")), "demo/more.py has the sha256 "),
        (row("demo/more.py", size="11"), "demo/more.py has 10 bytes, and RECORD says 11"),
        (row("demo/more.py", content="md5=abc"), "RECORD has only a hash by md5 for demo/more.py"),
        (lambda rows: rows[1].__setitem__(1, ""), "RECORD has no hash for demo/more.py"),
        (lambda rows: rows.remove(rows[1]), "demo/more.py is not listed in RECORD"),
        (lambda rows: rows.remove(rows[-1]), f"{INFO}/RECORD is not listed in RECORD"),
        (lambda rows: rows.append(["demo/gone.py", digest(b""), "0"]), "RECORD lists demo/gone.py, which is not there"),
        (lambda rows: rows.append(list(rows[0])), f"{INFO}/RECORD lists demo/__init__.py more than once"),
        (lambda rows: rows.append(["../a.py", digest(b""), "0"]), f"{INFO}/RECORD lists '../a.py', which leads out of"),
        (lambda rows: rows.append(["/a.py", digest(b""), "0"]), f"{INFO}/RECORD lists '/a.py', which leads out of"),
        (lambda rows: rows.append(["a.py", "x"]), f"{INFO}/RECORD has a line with 2 columns: a.py,x"),
        (row(f"{INFO}/RECORD", content=digest(b"x"), size="1"), "RECORD has a hash or a size of itself"),
    ],
)
def test_record_and_archive_are_compared_both_ways(
    change: Callable[[list[list[str]]], None], says: str, tmp_path: Path
) -> None:
    write_wheel(tmp_path, "1.0.0", MODULES, record=change)
    assert any(
        line.startswith(f"{FILE}: ") and says in line.replace("cannot be read: ", "") for line in found(tmp_path)
    )


@pytest.mark.parametrize("path", ["../evil.py", "/evil.py", "a/../../evil.py", "c:/evil.py", "a//b.py", "a\\..\\b.py"])
def test_a_path_that_leads_out_is_found(path: str, tmp_path: Path) -> None:
    write_wheel(tmp_path, "1.0.0", {**MODULES, path: ""})
    assert any(f"{path!a} leads out of the folder that it is installed into" in line for line in found(tmp_path))


def test_signatures_of_record_are_not_in_it(tmp_path: Path) -> None:
    signed = {**MODULES, f"{INFO}/RECORD.jws": "x", f"{INFO}/RECORD.p7s": "y"}
    write_wheel(tmp_path, "1.0.0", signed, record=lambda rows: rows.__delitem__(slice(2, 4)))
    assert found(tmp_path) == ()
    write_wheel(tmp_path, "1.0.0", signed)
    assert f"{FILE}: RECORD lists {INFO}/RECORD.jws, a signature of itself" in found(tmp_path)


def add(folder: Path, name: str | zipfile.ZipInfo, data: str = "x") -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the name is there already
        with zipfile.ZipFile(folder / FILE, "a") as archive:
            archive.writestr(name, data)


def test_members_that_no_wheel_may_have_are_found(tmp_path: Path) -> None:
    write_wheel(tmp_path, "1.0.0", MODULES)
    add(tmp_path, "demo/more.py", "other")
    link = zipfile.ZipInfo("demo/link.py")
    link.external_attr = 0o120777 << 16
    add(tmp_path, link, "/etc/passwd")
    add(tmp_path, "demo/extra.py")
    lines = found(tmp_path)
    assert f"{FILE}: demo/more.py is in it more than once" in lines
    assert f"{FILE}: demo/link.py is a symlink" in lines
    assert f"{FILE}: demo/extra.py is not listed in RECORD" in lines


@pytest.mark.parametrize(
    ("said", "says"),
    [
        (metadata("1.0.1"), f"{INFO}/METADATA says Version: 1.0.1, and the file is of 1.0.0"),
        (metadata("1.0.0", name="other"), f"{INFO}/METADATA says Name: other, and the file is of demo"),
        ("Metadata-Version: 2.1\nName: demo\nVersion: 1.0.0\nVersion: 1.0.0\n", "has no single Version"),
        ("Metadata-Version: 2.1\nVersion: 1.0.0\n", "has no single Name"),
        ("Name: demo\nVersion: 1.0.0\n", "has no Metadata-Version"),
    ],
)
def test_metadata_say_what_the_file_name_says(said: str, says: str, tmp_path: Path) -> None:
    write_wheel(tmp_path, "1.0.0", MODULES, said=said)
    (line,) = found(tmp_path)
    assert line.startswith(f"{FILE}: ")
    assert says in line


def test_the_metadata_folder_is_of_this_wheel(tmp_path: Path) -> None:
    (tmp_path / write_wheel(tmp_path, "1.0.1", MODULES)).rename(tmp_path / FILE)
    assert f"{FILE}: its metadata are in demo-1.0.1.dist-info, which is of another name or version" in found(tmp_path)


def test_versions_are_compared_in_their_normal_form(tmp_path: Path) -> None:
    write_wheel(tmp_path, "1.0.0rc1", MODULES, said=metadata("v1.0.0-rc.1", name="DEMO"))
    assert found(tmp_path) == ()


def test_a_damaged_archive_is_a_finding(tmp_path: Path) -> None:
    place = tmp_path / write_wheel(tmp_path, "1.0.0", MODULES)
    whole = place.read_bytes()
    place.write_bytes(whole.replace(b"VALUE = 2", b"VALUE = 3", 1))
    assert found(tmp_path) == (f"{FILE}: cannot be read: Bad CRC-32 for file 'demo/more.py'",)
    place.write_bytes(whole[:-30])
    assert found(tmp_path) == (f"{FILE}: cannot be read: File is not a zip file",)
    place.unlink()
    with zipfile.ZipFile(place, "w") as archive:
        archive.writestr("demo/__init__.py", "")
    assert found(tmp_path) == (f"{FILE}: cannot be read: no .dist-info folder",)
    add(tmp_path, f"{INFO}/WHEEL")
    assert found(tmp_path) == (f"{FILE}: cannot be read: there is no {INFO}/RECORD",)
    add(tmp_path, "demo-2.0.0.dist-info/RECORD")
    assert "there is more than one .dist-info folder" in found(tmp_path)[0]


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["demo/__init__.py", "demo/a.py", "demo-1.dist-info/METADATA"], ("demo",)),
        (["one.py", "_speed.cpython-311-x86_64-linux-gnu.so", "two.abi3.so"], ("_speed", "one", "two")),
        (["space/part/__init__.py", "space/part/a.py", "space/mod.py"], ("space.mod", "space.part")),
        (["demo-1.data/purelib/inner/__init__.py", "demo-1.data/scripts/run.py", "__main__.py"], ("inner",)),
        (["demo-stubs/__init__.pyi", "not-a-name.py", "class.py", "data/file.txt", "py.typed"], ()),
    ],
)
def test_modules_are_those_that_have_a_name(paths: list[str], names: tuple[str, ...]) -> None:
    assert modules.top(paths) == names
