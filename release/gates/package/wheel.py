"""What a wheel says of itself against what is in it: RECORD both ways, its paths, METADATA and WHEEL.

The rules are those of the binary distribution format (packaging.python.org/specifications/binary-distribution-format).
Installers believe RECORD: pip and uv install a wheel whose hashes are wrong, and files that it does not list.
"""

from __future__ import annotations

import base64
import csv
import functools
import hashlib
import io
import re
import stat
import unicodedata
import zipfile
import zlib
from typing import TYPE_CHECKING, NamedTuple

from release.gates.package import label, metadata, modules
from release.gates.package.seen import Seen, content, leaves
from release.gates.security.findings import counted, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from release.artifacts.files import Dist

_FOLDER = ".dist-info"
_PLATLIB = re.compile(r"[^/]+\.data/platlib/")
_ALGORITHMS = frozenset({"sha256", "sha384", "sha512"})  # the format wants SHA-256 or better, and names no other
_UNLISTED = ("RECORD.jws", "RECORD.p7s")  # signatures, made after RECORD
_ROW = 3  # columns; a blank line has none, and pip cannot install such a wheel
_BLOCK = 1 << 20


class _BrokenError(Exception):
    """The archive cannot be read any further."""


class Wheel(NamedTuple):
    """A wheel that was opened: what was seen, and the paths of its files; () when it cannot be read."""

    seen: Seen
    paths: tuple[str, ...] = ()


class _Row(NamedTuple):
    digest: str
    size: str


def look(dist: Dist) -> Wheel:
    """Look at a wheel; what is wrong with it is a finding, nothing is raised."""
    try:
        with zipfile.ZipFile(dist.path) as archive:
            return _look(dist, archive)
    except (_BrokenError, zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, ValueError) as error:
        # A RuntimeError is what zipfile has for encrypted members, NotImplementedError, one of its kind, for methods.
        return Wheel(Seen(findings=(_said(dist, f"cannot be read: {str(error) or type(error).__name__}"),)))


def _look(dist: Dist, archive: zipfile.ZipFile) -> Wheel:
    members = archive.infolist()
    findings = list(_odd(members))
    files = {one.filename: one for one in members if not one.is_dir()}
    findings += _crowded(files)
    folder = _folder(files)
    if not metadata.is_named(folder.removesuffix(_FOLDER), dist):
        findings.append(f"its metadata are in {folder}, which is of another name or version")
    record = f"{folder}/RECORD"
    if record not in files:
        raise _BrokenError(f"there is no {record}")
    rows, wrong = _rows(_content(archive, record), record)
    findings += wrong
    findings += _compared(archive, files, rows, record)
    has_platlib = any(_PLATLIB.match(path) for path in files)
    about = functools.partial(label.objections, has_platlib=has_platlib)
    for name, objections in (("METADATA", metadata.objections), ("WHEEL", about)):
        path = f"{folder}/{name}"
        if path in files:
            findings += objections(_content(archive, path), path, dist)
        else:
            findings.append(f"there is no {path}")
    lines = tuple(_said(dist, what) for what in findings)
    looked = f"RECORD of {dist.file}: {counted(len(rows), 'file')}"
    return Wheel(Seen(findings=lines, looked=(looked,)), tuple(files))


def _odd(members: list[zipfile.ZipInfo]) -> Iterator[str]:
    """Say which members no wheel may have."""
    known: set[str] = set()
    for one in members:
        if one.filename in known:
            yield f"{one.filename} is in it more than once"
        known.add(one.filename)
        if leaves(one.orig_filename):
            yield f"{one.orig_filename!a} leads out of the folder that it is installed into"
        if stat.S_ISLNK(one.external_attr >> 16):
            yield f"{one.filename} is a symlink"


def _crowded(files: Iterable[str]) -> Iterator[str]:
    """Say which files are installed in the place of others, be it only where names are compared without case."""
    known: dict[str, str] = {}
    for path in files:
        place = modules.place(path) or path
        other = known.setdefault(unicodedata.normalize("NFC", unicodedata.normalize("NFC", place).casefold()), path)
        if other == path:
            continue
        if place == (modules.place(other) or other):
            yield f"{path} is installed in the place of {other}"
        else:
            yield f"{path} and {other} are the same file on some systems"


def _content(archive: zipfile.ZipFile, path: str) -> bytes:
    with archive.open(path) as file:
        return content(file, path)


def _folder(files: Mapping[str, zipfile.ZipInfo]) -> str:
    """Return the wheel's one metadata folder.

    Raises:
        _BrokenError: there is none, or several.
    """
    tops = {modules.place(path).partition("/")[0] for path in files}
    found = sorted(top for top in tops if top.endswith(_FOLDER))
    if len(found) != 1:
        raise _BrokenError(
            f"there is more than one {_FOLDER} folder: {', '.join(found)}" if found else f"no {_FOLDER} folder"
        )
    return found[0]


def _rows(data: bytes, record: str) -> tuple[dict[str, _Row], list[str]]:
    """Read RECORD; returns its rows by path, and what is wrong with them.

    Raises:
        _BrokenError: it is no list of three columns.
    """
    rows: dict[str, _Row] = {}
    wrong = []
    try:
        for row in csv.reader(io.StringIO(data.decode("utf-8"), newline="")):
            if len(row) != _ROW:
                raise _BrokenError(f"{record} has a line with {counted(len(row), 'column')}: {','.join(row)}")
            path, digest, size = row
            if path in rows:
                wrong.append(f"{record} lists {path} more than once")
            if leaves(path):
                wrong.append(f"{record} lists {path!a}, which leads out of the folder that it is installed into")
            rows[path] = _Row(digest, size)
    except (UnicodeDecodeError, csv.Error) as error:
        raise _BrokenError(f"{record}: {error}") from None
    return rows, wrong


def _compared(
    archive: zipfile.ZipFile, files: Mapping[str, zipfile.ZipInfo], rows: Mapping[str, _Row], record: str
) -> Iterator[str]:
    """Say where RECORD and archive differ."""
    exempt = {f"{record.rpartition('/')[0]}/{name}" for name in _UNLISTED}
    for path in files:
        if path not in rows and path not in exempt:
            yield f"{path} is not listed in RECORD"
    for path, row in rows.items():
        if path not in files:
            yield f"RECORD lists {path}, which is not there"
        elif path in exempt:
            yield f"RECORD lists {path}, a signature of itself"
        elif path == record:
            if row != _Row("", ""):
                yield "RECORD has a hash or a size of itself"
        else:
            yield from _objections(archive, files[path], row)


def _objections(archive: zipfile.ZipFile, member: zipfile.ZipInfo, row: _Row) -> Iterator[str]:
    """Say whether a file is another than RECORD says."""
    algorithm, _, wanted = row.digest.partition("=")
    if algorithm not in _ALGORITHMS:
        said = f"only a hash by {algorithm}" if algorithm else "no hash"
        yield f"RECORD has {said} for {member.filename}"
        return
    digest, size = hashlib.new(algorithm), 0
    with archive.open(member) as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            size += len(block)
    found = base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode("ascii")
    if found != wanted:
        yield f"{member.filename} has the {algorithm} {found}, and RECORD says {wanted or 'none'}"
    if row.size != str(size):
        yield f"{member.filename} has {size} bytes, and RECORD says {row.size or 'nothing'}"


def _said(dist: Dist, what: str) -> str:
    return plain(f"{dist.file}: {what}")
