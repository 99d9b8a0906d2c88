"""The files of a folder with distributions: which of them are what, by their names, and what does not belong there.

Names are those of the binary distribution format and of PEP 625; nothing is opened here.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)

from release.formats import inert

if TYPE_CHECKING:
    from collections.abc import Iterable

    from release.version import Version

WHEEL = "wheel"
SDIST = "sdist"

_ENDS = {".whl": WHEEL, ".tar.gz": SDIST}
_IGNORED = frozenset({".gitignore"})  # uv writes it, and nothing uploads it


class Dist(NamedTuple):
    """One distribution: its file, WHEEL or SDIST, and the normalised name and the version that the file's name says."""

    path: Path
    kind: str
    name: str
    version: Version

    @property
    def file(self) -> str:
        """The file's name."""
        return self.path.name


class Folder(NamedTuple):
    """Distributions in the order of their names, and what is wrong with them as a whole, a line each."""

    dists: tuple[Dist, ...]
    wrong: tuple[str, ...]


def read(folder: Path) -> Folder:
    """Look at a folder that is to hold one sdist, at least one wheel of the same project and version, and nothing else.

    Raises:
        OSError: it cannot be listed.
    """
    dists, wrong = [], []
    for path in sorted(folder.iterdir()):
        if path.name in _IGNORED:
            continue
        kind = next((kind for end, kind in _ENDS.items() if path.name.endswith(end)), "")
        if not kind or path.is_symlink() or not path.is_file():
            wrong.append(f"{inert.reason(path.name)}: neither a wheel nor an sdist, and does not belong there")
            continue
        try:
            dists.append(_named(path, kind))
        except (InvalidWheelFilename, InvalidSdistFilename, ValueError) as error:
            wrong.append(f"{inert.reason(path.name)}: no name of a {kind}: {inert.reason(str(error))}")
    return Folder(tuple(dists), (*wrong, *_missing(dists), *_differing(dists)))


def unlike(dists: tuple[Dist, ...], version: Version, project: str = "") -> tuple[str, ...]:
    """Say which files are of another version than `version`, or of another project, if its name is known."""
    others = [f"{one.file} is of version {one.version}, and VERSION is {version}" for one in dists]
    wrong = [line for line, one in zip(others, dists, strict=True) if one.version != version]
    if project:
        name = canonicalize_name(project)
        wrong += [f"{one.file} is of {one.name}, and the project is {name}" for one in dists if one.name != name]
    return tuple(wrong)


def unlike_named(names: Iterable[str], version: Version, project: str) -> tuple[str, ...]:
    """Say which of these names of files are of distributions, and not of this version of this project."""
    found, wrong = [], []
    for path in map(Path, names):
        kind = next((kind for end, kind in _ENDS.items() if path.name.endswith(end)), "")
        if kind:
            try:
                found.append(_named(path, kind))
            except (InvalidWheelFilename, InvalidSdistFilename, ValueError) as error:
                wrong.append(f"{inert.reason(path.name)}: no name of a {kind}: {inert.reason(str(error))}")
    return (*wrong, *unlike(tuple(found), version, project))


def _named(path: Path, kind: str) -> Dist:
    """Read a file's name.

    Raises:
        InvalidWheelFilename, InvalidSdistFilename, ValueError: it is none.
    """
    if not path.name.isascii() or not path.name.isprintable():
        raise ValueError("it has odd characters")
    if kind == WHEEL:
        name, version, _, _ = parse_wheel_filename(path.name)
    else:
        name, version = parse_sdist_filename(path.name)
    return Dist(path, kind, name, version)


def _missing(dists: list[Dist]) -> list[str]:
    sdists = [one.file for one in dists if one.kind == SDIST]
    if not dists:
        return ["no distribution is there"]
    if len(dists) == len(sdists):
        return [f"no wheel is there beside {', '.join(sdists)}"]
    if not sdists:
        return [f"no sdist is there beside {', '.join(one.file for one in dists)}"]
    return [f"more than one sdist: {', '.join(sdists)}"] if len(sdists) > 1 else []


def _differing(dists: list[Dist]) -> list[str]:
    named = sorted({f"{one.name} {one.version}" for one in dists})
    return [f"not all of one project and version: {', '.join(named)}"] if len(named) > 1 else []
