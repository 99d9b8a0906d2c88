"""Packaged charts are compared by what is in them, not by how they are packed."""

from __future__ import annotations

import gzip
import io
import tarfile
from typing import TYPE_CHECKING

import pytest

from release.artifacts.publish import archive
from release.errors import Exit, ReleaseError
from release.formats import FormatError, yaml

if TYPE_CHECKING:
    from pathlib import Path

CHART = b"apiVersion: v2\nname: demo\nversion: 1.0.0\n"


def packed(files: dict[str, bytes], level: int = 9, time: int = 0) -> bytes:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as made:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(content), time
            made.addfile(member, io.BytesIO(content))
    return gzip.compress(plain.getvalue(), level, mtime=time)


def test_order_time_and_compression_do_not_count() -> None:
    files = {"demo/Chart.yaml": CHART, "demo/values.yaml": b"a: 1\n"}
    assert archive.unlike(packed(files), packed(dict(reversed(files.items())), level=1, time=9)) == ()


def test_every_other_byte_does() -> None:
    one = packed({"demo/Chart.yaml": CHART, "demo/values.yaml": b"a: 1\n", "demo/one": b""})
    two = packed({"demo/Chart.yaml": CHART, "demo/values.yaml": b"a:  1\n", "demo/two": b""})
    assert archive.unlike(one, two) == ("demo/one", "demo/two", "demo/values.yaml")


@pytest.mark.parametrize(
    ("content", "is_same"),
    [
        (b'version: "1.0.0"\nname: demo\napiVersion: v2\n', True),
        (b"apiVersion: v2\nname: demo\nversion: 1.0.1\n", False),
        (CHART + b"icon: x\n", False),
        (b"[", False),
    ],
)
def test_what_helm_writes_anew_is_compared_as_yaml(content: bytes, is_same: bool) -> None:
    found = archive.unlike(packed({"demo/Chart.yaml": CHART}), packed({"demo/Chart.yaml": content}))
    assert found == (() if is_same else ("demo/Chart.yaml",))


@pytest.mark.parametrize(
    "content",
    [b"", b"x", packed({"a": b"b" * 9})[:-9], gzip.compress(b"no tar" * 999, mtime=0)],
    ids=["empty", "other", "torn", "no tar"],
)
def test_what_is_no_archive_is_refused(content: bytes) -> None:
    with pytest.raises(ReleaseError, match="no archive of a chart") as caught:
        archive.files(content)
    assert caught.value.exit is Exit.REFUSED


def test_what_unpacks_without_end_is_refused() -> None:
    with pytest.raises(ReleaseError, match="unpacks to more than"):
        archive.files(gzip.compress(b"\0" * (archive.LARGEST + 1)))


def test_a_chart_without_its_archive_is_held_against_the_files_it_is_of(tmp_path: Path) -> None:
    (tmp_path / "chart").mkdir()
    (tmp_path / "other").write_bytes(b"other")
    for name, content in {"Chart.yaml": CHART, "values.yaml": b"a: 1\n", "ignored": b""}.items():
        (tmp_path / "chart" / name).write_bytes(content)
    good = {"demo/Chart.yaml": b"name: demo\nversion: '1.0.0'\napiVersion: v2\n", "demo/values.yaml": b"a: 1\n"}
    fetched = {"demo/charts/part-1.0.0.tgz": b"fetched"}
    assert archive.strange(packed({**good, **fetched}), "demo", tmp_path / "chart") == ()
    bad = {"demo/values.yaml": b"a: 2\n", "demo/new.yaml": b"", "demo/../other": b"other", "values.yaml": b"a: 1\n"}
    found = archive.strange(packed({**good, **bad}), "demo", tmp_path / "chart")
    assert found == ("demo/../other", "demo/new.yaml", "demo/values.yaml", "values.yaml")


def test_documents_are_what_they_say() -> None:
    text = b'\xef\xbb\xbfa: &x [1, "2", ~, null]\nb: *x\n--- plain\n--- "~"\n'
    inner = ["1", "2", None, None]
    assert yaml.documents(text) == [{"a": inner, "b": inner}, "plain", "~"]
    for odd in (b"a: [", b"a: 1\na: 2\n", b"\xff", b"a: &x [*x]\n"):
        with pytest.raises(FormatError):
            yaml.documents(odd)
