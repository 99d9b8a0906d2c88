"""What a distribution says of itself against the name of its file, which was compared with the project and VERSION."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.metadata import parse_email
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

if TYPE_CHECKING:
    from collections.abc import Iterator

    from release.artifacts.files import Dist


def objections(data: bytes, path: str, dist: Dist) -> Iterator[str]:
    """Say where METADATA or PKG-INFO says something else than the file's name; a field that is there twice is none."""
    found, _ = parse_email(data)
    name, version = found.get("name"), found.get("version")
    if not found.get("metadata_version"):
        yield f"{path} has no Metadata-Version"
    if not name:
        yield f"{path} has no single Name"
    elif canonicalize_name(name) != dist.name:
        yield f"{path} says Name: {name}, and the file is of {dist.name}"
    if not version:
        yield f"{path} has no single Version"
    elif not _is(version, dist.version):
        yield f"{path} says Version: {version}, and the file is of {dist.version}"


def is_named(folder: str, dist: Dist) -> bool:
    """Whether a wheel's metadata folder, without its ending, is named like the file: NAME-VERSION."""
    name, _, version = folder.rpartition("-")
    return canonicalize_name(name) == dist.name and _is(version, dist.version)


def _is(text: str, version: Version) -> bool:
    try:
        return Version(text) == version
    except InvalidVersion:
        return False
