"""An SBOM inside of the wheel (PEP 770), for backends that take a file for it: it is written before they build.

Only hatchling does, with `sbom-files`; such a file that is not committed is ours to write.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tomli

from release import config as configuration
from release.artifacts import resolution as resolver
from release.artifacts import sbom
from release.gates import receipts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from release.artifacts.record import Resolution
    from release.gates.children import Children
    from release.version import Version

_TABLES = (("tool", "hatch", "build", "targets", "wheel"), ("tool", "hatch", "build"))
_BACKEND = "hatchling.build"


def names(root: Path) -> tuple[str, ...]:
    """Return the names of the project in a folder, as pyproject.toml has them; () when it has none."""
    place = root / "pyproject.toml"
    return configuration.project_names(place.read_bytes() if place.is_file() else None)


def backend(root: Path) -> str:
    """Return how messages name the build backend of the project in a folder."""
    return str(_table(_read(root), ("build-system",)).get("build-backend", "setuptools.build_meta:__legacy__"))


def written(
    roots: Sequence[Path], version: Version, epoch: int, scratch: Path, children: Children
) -> Resolution | None:
    """Write the SBOM into checkouts of the same project, where its backend wants one; returns what it says.

    None when it wants none, or has one that is committed.

    Raises:
        CancelledError, ReleaseError: as of `resolution.resolve`.
        OSError: a file cannot be written.
    """
    root = roots[0]
    wanted = _wanted(root)
    own = names(root)
    if not wanted or not own:
        return None
    _write(root, wanted, b"{}\n")  # the backend builds nothing without it, not even metadata
    resolution = resolver.resolve(root, root, own, scratch, children)
    data = sbom.rendered(own[0], str(version), resolution, epoch=epoch, tool=receipts.tool_version())
    for place in roots:
        _write(place, wanted, data)
    return resolution


def _write(root: Path, paths: Sequence[str], data: bytes) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)


def _wanted(root: Path) -> tuple[str, ...]:
    """Return the paths below `root` at which the backend wants an SBOM, and nothing is."""
    data = _read(root)
    if backend(root) != _BACKEND:
        return ()
    listed = [path for table in _TABLES for path in _table(data, table).get("sbom-files", [])]
    top = root.resolve()
    inside = [path for path in listed if isinstance(path, str) and (top / path).resolve().is_relative_to(top)]
    return tuple(path for path in dict.fromkeys(inside) if not (root / path).exists())


def _read(root: Path) -> dict[str, Any]:
    try:
        return tomli.loads((root / "pyproject.toml").read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return {}  # the build itself says what is wrong with it


def _table(data: dict[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    found: Any = data
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}
