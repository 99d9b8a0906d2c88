"""What an sdist is made of: one folder with PKG-INFO and pyproject.toml, and nothing that leads out of it.

The rules are those of packaging.python.org/specifications/source-distribution-format and of PEP 721.
"""

from __future__ import annotations

import posixpath
import tarfile
import zlib
from typing import TYPE_CHECKING

from release.gates.package import metadata
from release.gates.package.seen import Seen, content, leaves
from release.gates.security.findings import counted, plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from release.artifacts.files import Dist

_BLOCK = 2**20
_WANTED = ("PKG-INFO", "pyproject.toml")


def look(dist: Dist) -> Seen:
    """Look at an sdist; what is wrong with it is a finding, nothing is raised."""
    try:
        with tarfile.open(dist.path, "r:gz") as archive:
            members = archive.getmembers()
            findings = [*_odd(members), *_roots(archive, members, dist)]
            while archive.fileobj.read(_BLOCK):
                pass  # to the end of the gzip stream, where its checksum stands
    except (tarfile.TarError, zlib.error, OSError, EOFError, ValueError) as error:
        return Seen(findings=(_said(dist, f"cannot be read: {str(error) or type(error).__name__}"),))
    number = sum(one.isfile() for one in members)
    return Seen(
        findings=tuple(_said(dist, what) for what in findings), looked=(f"{dist.file}: {counted(number, 'file')}",)
    )


def _odd(members: Sequence[tarfile.TarInfo]) -> Iterator[str]:
    """Say which members no sdist may have."""
    known: set[str] = set()
    for one in members:
        if not one.isdir() and one.name in known:
            yield f"{one.name} is in it more than once"
        known.add(one.name)
        if leaves(one.name):
            yield f"{one.name!a} leads out of the folder that it is unpacked into"
        elif one.issym() or one.islnk():
            base = posixpath.dirname(one.name) if one.issym() else ""
            target = posixpath.normpath(posixpath.join(base, one.linkname))
            if one.islnk() and one.linkname not in known:
                yield f"{one.name} is a hard link to {one.linkname!a}, which is not there before it"
            if target.partition("/")[0] != one.name.partition("/")[0] or "\\" in target:
                yield f"{one.name} links to {one.linkname!a}, which leads out of the folder that it is unpacked into"
        elif not one.isfile() and not one.isdir():
            yield f"{one.name} is neither a file nor a folder nor a link"


def _roots(archive: tarfile.TarFile, members: Sequence[tarfile.TarInfo], dist: Dist) -> Iterator[str]:
    """Say what is wrong at the root."""
    tops = sorted({one.name.partition("/")[0] for one in members})
    expected = dist.file.removesuffix(".tar.gz")
    if tops != [expected]:
        yield f"its one top folder is to be {expected}, and it has {', '.join(tops) or 'none'}"
    if expected not in tops:
        return
    files = {one.name: one for one in members if one.isfile()}
    for name in _WANTED:
        if f"{expected}/{name}" not in files:
            yield f"there is no {name} in {expected}"
    info = files.get(f"{expected}/PKG-INFO")
    file = archive.extractfile(info) if info is not None else None
    if file is not None:
        yield from metadata.objections(content(file, "PKG-INFO"), "PKG-INFO", dist)


def _said(dist: Dist, what: str) -> str:
    return plain(f"{dist.file}: {what}")
