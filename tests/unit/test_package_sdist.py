"""Sdists and folders that are not what they are to be: each is found out, with its file and the cause."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

import pytest
from distributing import SOURCES, only, pair
from tiny_backend import metadata, write_sdist, write_wheel

from release.artifacts import files
from release.gates.package import sdist
from release.gates.package.seen import LARGEST
from release.version import Version

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FILE = "demo-1.0.0.tar.gz"
V100 = Version("1.0.0")


def test_a_sound_sdist_is_counted(tmp_path: Path) -> None:
    write_sdist(tmp_path, "1.0.0", SOURCES)
    seen = sdist.look(only(tmp_path))
    assert (seen.findings, seen.looked) == ((), (f"{FILE}: 4 files",))


@pytest.mark.parametrize(
    ("contents", "options", "says"),
    [
        ({**SOURCES, "/other/a.py": ""}, {}, "its one top folder is to be demo-1.0.0, and it has demo-1.0.0, other"),
        (SOURCES, {"top": "demo"}, "its one top folder is to be demo-1.0.0, and it has demo"),
        ({}, {}, "there is no pyproject.toml in demo-1.0.0"),
        ({**SOURCES, "../../evil": ""}, {}, "'demo-1.0.0/../../evil' leads out of the folder"),
        ({**SOURCES, "//evil": ""}, {}, "'/evil' leads out of the folder"),
        (SOURCES, {"said": metadata("1.0.1")}, "PKG-INFO says Version: 1.0.1, and the file is of 1.0.0"),
        (SOURCES, {"said": metadata("1.0.0", name="x")}, "PKG-INFO says Name: x, and the file is of demo"),
    ],
)
def test_what_is_wrong_is_found(contents: dict[str, str], options: dict[str, str], says: str, tmp_path: Path) -> None:
    write_sdist(tmp_path, "1.0.0", contents, **options)
    lines = sdist.look(only(tmp_path)).findings
    assert any(line.startswith(f"{FILE}: ") and says in line for line in lines), lines


def test_metadata_have_a_largest_size(tmp_path: Path) -> None:
    write_sdist(tmp_path, "1.0.0", SOURCES, said=metadata("1.0.0") + "\n" * LARGEST)
    seen = sdist.look(only(tmp_path))
    assert seen.findings == (f"{FILE}: cannot be read: PKG-INFO has more than {LARGEST} bytes",)
    assert seen.looked == ()


@pytest.mark.parametrize("damaged", [lambda data: data[:-4], lambda data: data[:-8] + b"\0\0\0\0" + data[-4:]])
def test_a_damaged_archive_is_found_by_its_checksum(damaged: Callable[[bytes], bytes], tmp_path: Path) -> None:
    write_sdist(tmp_path, "1.0.0", SOURCES)
    place = tmp_path / FILE
    place.write_bytes(damaged(place.read_bytes()))
    (line,) = sdist.look(only(tmp_path)).findings
    assert line.startswith(f"{FILE}: cannot be read: ")


def member(name: str, kind: bytes, link: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, link
    return made


@pytest.mark.parametrize(
    ("one", "says"),
    [
        (member("demo-1.0.0/a", tarfile.SYMTYPE, "../../x"), "demo-1.0.0/a links to '../../x', which leads out"),
        (member("demo-1.0.0/a", tarfile.SYMTYPE, "/etc/passwd"), "demo-1.0.0/a links to '/etc/passwd', which leads"),
        (member("demo-1.0.0/a", tarfile.LNKTYPE, "../x"), "demo-1.0.0/a links to '../x', which leads out"),
        (member("demo-1.0.0/a", tarfile.LNKTYPE, "demo-1.0.0/no"), "demo-1.0.0/a is a hard link to 'demo-1.0.0/no'"),
        (member("demo-1.0.0/PKG-INFO", tarfile.SYMTYPE, "x"), "demo-1.0.0/PKG-INFO is in it more than once"),
        (member("demo-1.0.0/a", tarfile.FIFOTYPE), "demo-1.0.0/a is neither a file nor a folder nor a link"),
        (member("demo-1.0.0/pyproject.toml", tarfile.REGTYPE), "demo-1.0.0/pyproject.toml is in it more than once"),
        (member("demo-1.0.0/a", tarfile.SYMTYPE, "pyproject.toml"), ""),
        (member("demo-1.0.0/a", tarfile.LNKTYPE, "demo-1.0.0/pyproject.toml"), ""),
    ],
)
def test_links_stay_inside_and_files_are_files(one: tarfile.TarInfo, says: str, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / FILE, "w:gz") as archive:
        for name, text in {"PKG-INFO": metadata("1.0.0"), "pyproject.toml": "x"}.items():
            file = tarfile.TarInfo(f"demo-1.0.0/{name}")
            file.size = len(text)
            archive.addfile(file, io.BytesIO(text.encode()))
        archive.addfile(one)
    lines = sdist.look(only(tmp_path)).findings
    assert [line for line in lines if says in line] if says else not lines


def test_a_damaged_archive_is_a_finding(tmp_path: Path) -> None:
    place = tmp_path / write_sdist(tmp_path, "1.0.0", SOURCES)
    place.write_bytes(place.read_bytes()[:-40])
    (line,) = sdist.look(only(tmp_path)).findings
    assert line.startswith(f"{FILE}: cannot be read: ")
    place.write_bytes(b"junk")
    (line,) = sdist.look(only(tmp_path)).findings
    assert line.startswith(f"{FILE}: cannot be read: ")


def test_a_folder_holds_one_sdist_and_wheels_and_nothing_else(tmp_path: Path) -> None:
    assert files.read(tmp_path) == ((), ("no distribution is there",))
    pair(tmp_path)
    (tmp_path / ".gitignore").write_text("*\n")
    write_wheel(tmp_path, "1.0.0", {}, tag="cp311-cp311-linux_x86_64")
    found = files.read(tmp_path)
    assert found.wrong == ()
    assert [(one.kind, one.name, one.version) for one in found.dists] == [
        ("wheel", "demo", V100),
        ("wheel", "demo", V100),
        ("sdist", "demo", V100),
    ]
    assert files.unlike(found.dists, V100, "Demo") == ()
    assert len(files.unlike(found.dists, Version("1.0.1"), "")) == 3
    assert files.unlike(found.dists[:1], V100, "Other_one") == (
        "demo-1.0.0-cp311-cp311-linux_x86_64.whl is of demo, and the project is other-one",
    )


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("notes.txt", "notes.txt: neither a wheel nor an sdist, and does not belong there"),
        ("demo-1.0.0.zip", "demo-1.0.0.zip: neither a wheel nor an sdist"),
        ("demo.whl", "demo.whl: no name of a wheel"),
        ("demo.tar.gz", "demo.tar.gz: no name of a sdist"),
        ("demo-1.0.1.tar.gz", "more than one sdist: demo-1.0.0.tar.gz, demo-1.0.1.tar.gz"),
        ("demo-1.0.1-py3-none-any.whl", "not all of one project and version: demo 1.0.0, demo 1.0.1"),
        ("other-1.0.0-py3-none-any.whl", "not all of one project and version: demo 1.0.0, other 1.0.0"),
    ],
)
def test_what_does_not_belong_there_is_named(name: str, says: str, tmp_path: Path) -> None:
    (pair(tmp_path) / name).write_text("")
    assert any(line.startswith(says) for line in files.read(tmp_path).wrong)


def test_half_a_pair_and_no_file_at_all_are_named(tmp_path: Path) -> None:
    write_sdist(tmp_path, "1.0.0", {})
    assert files.read(tmp_path).wrong == ("no wheel is there beside demo-1.0.0.tar.gz",)
    (tmp_path / FILE).unlink()
    write_wheel(tmp_path, "1.0.0", {})
    assert files.read(tmp_path).wrong == ("no sdist is there beside demo-1.0.0-py3-none-any.whl",)
    (tmp_path / FILE).symlink_to("demo-1.0.0-py3-none-any.whl")
    assert "demo-1.0.0.tar.gz: neither a wheel nor an sdist, and does not belong there" in files.read(tmp_path).wrong
