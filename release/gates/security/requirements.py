"""Requirements files as locks: every line pinned to one version; what is asked of the network is not read here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

if TYPE_CHECKING:
    from collections.abc import Iterator

_COMMENT = re.compile(r"(?:^|\s)#.*$")
_HASH = re.compile(r"\s--hash[=\s]\s*\S+")
_LATER_OPTION = re.compile(r"\s--[a-z][a-z-]*(?:[=\s].*)?$")  # such as --config-settings
_FILE = re.compile(r"(?:-r|--requirement)[=\s]?\s*(\S+)")
_EDITABLE = re.compile(r"(?:-e|--editable)[=\s]?\s*(\S.*)")
_PLACE = re.compile(r"(?:\.{0,2}/|[a-z+]+://|file:|git\+)|\.(?:whl|zip|tar\.gz|tar\.bz2)$", re.IGNORECASE)
_EGG = re.compile(r"#(?:.*&)?egg=([A-Za-z0-9._-]+)")


class Pin(NamedTuple):
    """A locked package: its normalized name and public version, as an advisory service knows them."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name}=={self.version}"


def pin(name: str, version: str) -> Pin:
    """Return a pin; a local version, `2.1+cpu`, is a build of the public one that advisories speak of.

    Raises:
        ValueError: the version is none by PEP 440.
    """
    try:
        return Pin(canonicalize_name(name), Version(version).public)
    except InvalidVersion:
        raise ValueError(f"{name}: {version!r} is no version") from None


class Line(NamedTuple):
    """What one logical line says: a pin, or the name of what comes from no index, or a file to be read, or an error."""

    number: int
    pin: Pin | None = None
    elsewhere: str = ""
    file: str = ""
    error: str = ""
    hashed: bool = False


def lines(text: str) -> Iterator[Line]:
    """Yield what a requirements file says, in pip's syntax; options that only name indexes and constraints are left."""
    for number, logical in _logical(text):
        bare = _COMMENT.sub("", logical).strip()
        if bare:
            line = _read(bare)
            if line is not None:
                yield line._replace(number=number)


def _logical(text: str) -> Iterator[tuple[int, str]]:
    """Yield lines, joined where one ends in a backslash, with the number of the first."""
    waiting, begun = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        begun = begun or number
        if line.endswith("\\") and not line.lstrip().startswith("#"):
            waiting += line[:-1] + " "
            continue
        yield begun, waiting + line
        waiting, begun = "", 0
    if waiting:
        yield begun, waiting


def _read(line: str) -> Line | None:
    """Read one logical line; None for an option that names no package."""
    if line.startswith("-"):
        nested, editable = _FILE.fullmatch(line), _EDITABLE.fullmatch(line)
        if nested:
            return Line(0, file=nested[1])
        return Line(0, elsewhere=_name(editable[1])) if editable else None
    hashed = _HASH.search(line) is not None
    bare = _LATER_OPTION.sub("", _HASH.sub("", line)).strip()
    return _package(bare)._replace(hashed=hashed)


def _package(text: str) -> Line:
    """Read a line, less its options, that names one package."""
    if _PLACE.match(text) or ("@" not in text and _PLACE.search(text)):
        return Line(0, elsewhere=_name(text))
    try:
        requirement = Requirement(text)
        if requirement.url:
            return Line(0, elsewhere=canonicalize_name(requirement.name))
        version = _pinned(requirement)
        if version:
            return Line(0, pin=pin(requirement.name, version))
    except InvalidRequirement as error:
        return Line(0, error=f"{text!r} is no requirement: {str(error).splitlines()[0]}")
    except ValueError as error:
        return Line(0, error=str(error))
    return Line(0, error=f"{requirement.name} is not pinned with ==")


def _pinned(requirement: Requirement) -> str:
    specifiers = list(requirement.specifier)
    is_exact = len(specifiers) == 1 and specifiers[0].operator in {"==", "==="} and "*" not in specifiers[0].version
    return specifiers[0].version if is_exact else ""


def _name(place: str) -> str:
    """Return how a package is called that a line names by its place alone."""
    egg = _EGG.search(place)
    return canonicalize_name(egg[1]) if egg else place
