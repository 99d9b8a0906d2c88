"""Wheels that are not what they say: each is found out, with its file and the cause."""

from __future__ import annotations

import warnings
import zipfile
from typing import TYPE_CHECKING

import pytest
from distributing import MODULES, only
from tiny_backend import WHEEL, digest, metadata, write_wheel

from release.gates.package import modules, wheel
from release.gates.package.seen import LARGEST

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

INFO = "demo-1.0.0.dist-info"
DATA = "demo-1.0.0.data"
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
        (lambda rows: rows.insert(1, []), f"{INFO}/RECORD has a line with 0 columns"),
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
    ("path", "says"),
    [
        (f"{DATA}/purelib/demo/more.py", f"{DATA}/purelib/demo/more.py is installed in the place of demo/more.py"),
        (f"{DATA}/platlib/demo/more.py", f"{DATA}/platlib/demo/more.py is installed in the place of demo/more.py"),
        ("demo/More.py", "demo/More.py and demo/more.py are the same file on some systems"),
        (f"{DATA}/purelib/Demo/more.py", f"{DATA}/purelib/Demo/more.py and demo/more.py are the same file on some"),
        ("demo/ni\u00f1o.py", "demo/ni\u00f1o.py and demo/nin\u0303o.py are the same file on some systems"),
        (f"{DATA}/scripts/demo/more.py", ""),
        (f"{DATA}/purelib/more.py", ""),
    ],
)
def test_no_file_takes_the_place_of_another(path: str, says: str, tmp_path: Path) -> None:
    write_wheel(tmp_path, "1.0.0", {**MODULES, "demo/nin\u0303o.py": "", path: "x"})
    lines = found(tmp_path)
    assert [line for line in lines if line.startswith(f"{FILE}: {says}")] if says else not lines


@pytest.mark.parametrize("path", ["other-1.dist-info/METADATA", f"{DATA}/purelib/other-1.dist-info/METADATA"])
def test_there_is_one_metadata_folder(path: str, tmp_path: Path) -> None:
    write_wheel(tmp_path, "1.0.0", {**MODULES, path: metadata("1", name="other")})
    (line,) = found(tmp_path)
    assert line == f"{FILE}: cannot be read: there is more than one .dist-info folder: {INFO}, other-1.dist-info"


ABOUT = WHEEL.format(pure="true", tag="py3-none-any")


@pytest.mark.parametrize(
    ("about", "tag", "says"),
    [
        (ABOUT.replace("1.0", "2.0"), "", "has Wheel-Version: 2.0, and installers know 1"),
        (ABOUT.replace("1.0", "x"), "", "has Wheel-Version: x, and installers know 1"),
        (ABOUT.replace("Wheel-Version", "Version"), "", "has no single Wheel-Version"),
        (ABOUT + "Wheel-Version: 1.0\n", "", "has no single Wheel-Version"),
        (ABOUT.replace("1.0", "1.9"), "", ""),
        (ABOUT.replace("true", "yes"), "", "has no single Root-Is-Purelib of true or false"),
        (ABOUT.replace("Root-Is", "Is"), "", "has no single Root-Is-Purelib of true or false"),
        (ABOUT.replace("true", "false"), "", "says Root-Is-Purelib: false, and py3-none-any is of a pure wheel"),
        (ABOUT.replace("py3-", "py2-"), "", "has py2-none-any, and the file's name has py3-none-any"),
        (ABOUT.replace("Tag: py3-none-any\n", ""), "", "has no tag, and the file's name has py3-none-any"),
        (ABOUT.replace("py3-none-any", "py3"), "", "has a Tag that is none: py3"),
        (ABOUT + "Tag: py2-none-any\n", "py2.py3-none-any", ""),
        (ABOUT, "py2.py3-none-any", "has py3-none-any, and the file's name has py2-none-any, py3-none-any"),
        (ABOUT.replace("py3-none-any", "cp311-cp311-win32"), "cp311-cp311-win32", "says Root-Is-Purelib: true, and"),
        (ABOUT.replace("py3-none-any", "py3-none-win32"), "py3-none-win32", ""),  # a program beside pure modules
    ],
)
def test_wheel_says_what_the_file_name_says(about: str, tag: str, says: str, tmp_path: Path) -> None:
    write_wheel(tmp_path, "1.0.0", MODULES, about=about, tag=tag or "py3-none-any")
    lines = found(tmp_path)
    assert len(lines) == bool(says)
    assert all(f"{INFO}/WHEEL {says}" in line for line in lines)


def test_a_pure_root_may_stand_beside_compiled_files(tmp_path: Path) -> None:
    tag = "cp311-cp311-win32"
    about = WHEEL.format(pure="true", tag=tag)
    write_wheel(tmp_path, "1.0.0", {**MODULES, f"{DATA}/platlib/_speed.pyd": ""}, about=about, tag=tag)
    assert found(tmp_path) == ()


@pytest.mark.parametrize("name", ["METADATA", "WHEEL", "RECORD"])
def test_what_is_read_as_a_whole_has_a_largest_size(name: str, tmp_path: Path) -> None:
    write_wheel(tmp_path, "1.0.0", MODULES)
    with zipfile.ZipFile(tmp_path / FILE) as archive:
        contents = {one: archive.read(one) for one in archive.namelist()}
    contents[f"{INFO}/{name}"] += b"\n" * LARGEST
    with zipfile.ZipFile(tmp_path / FILE, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in contents.items():
            archive.writestr(path, data)
    seen = wheel.look(only(tmp_path)).seen
    assert seen.findings == (f"{FILE}: cannot be read: {INFO}/{name} has more than {LARGEST} bytes",)
    assert seen.looked == ()


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
