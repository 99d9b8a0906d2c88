"""What is audited: the packages of a lock, whatever their markers say of this machine.

These are pylock.toml (PEP 751; pylock.NAME.toml, too), else uv.lock, else requirements files at the root with hashes.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import tomli
from packaging.utils import canonicalize_name

from release.gates.security import requirements
from release.gates.security.findings import blind
from release.gates.security.requirements import Pin, pin

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from release.gates.security.tracked import Tree

_PYLOCK = re.compile(r"pylock(?:\.[^./]+)?\.toml")
_REQUIREMENTS = re.compile(r"requirements[^/]*\.txt")
_UV_LAYOUT = 1
_ELSEWHERE = ("git", "url", "path", "directory", "editable", "virtual", "vcs", "archive")


class Locked(NamedTuple):
    """The packages of a lock: those of an index, and by name those that come from elsewhere, which nobody can audit.

    The project itself is in neither. `source` is how messages name the lock, or what was `resolved` in its place.
    """

    source: str
    pins: frozenset[Pin]
    elsewhere: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    resolved: bool = False


def find(tree: Tree, own: Iterable[str]) -> Locked | None:
    """Read the lock of a project that has these names; None when it has none.

    Raises:
        ReleaseError: a lock cannot be read, all that is wrong with it in one message (exit 5).
    """
    names = frozenset(map(canonicalize_name, own))
    pylocks = [path for path in tree.files if _PYLOCK.fullmatch(path)]
    if pylocks:
        return _joined([_of_pylock(_parse(tree, path), path, names) for path in pylocks])
    if tree.has("uv.lock"):
        return _of_uv(_parse(tree, "uv.lock"), names)
    files = [path for path in tree.files if _REQUIREMENTS.fullmatch(path)]
    hashed = [path for path in files if any(line.hashed for line in _lines(tree, path))]
    if not hashed:
        return None
    notes = tuple(f"{path} has no hashes and is not audited" for path in files if path not in hashed)
    return _joined([of_requirements(tree, path, names) for path in hashed])._replace(notes=notes)


def _joined(parts: list[Locked]) -> Locked:
    return Locked(
        source=", ".join(part.source for part in parts),
        pins=frozenset().union(*(part.pins for part in parts)),
        elsewhere=tuple(dict.fromkeys(one for part in parts for one in part.elsewhere)),
    )


def _parse(tree: Tree, path: str) -> dict[str, Any]:
    try:
        return tomli.loads(tree.read(path).decode())
    except (ValueError, RecursionError) as error:
        raise blind(f"{path} is not TOML: {error}") from None


def _packages(data: dict[str, Any], key: str, path: str) -> list[dict[str, Any]]:
    packages = data.get(key, [])
    if not isinstance(packages, list) or not all(
        isinstance(one, dict) and isinstance(one.get("name"), str) for one in packages
    ):
        raise blind(f"{path}: {key} is not a list of packages with names")
    return packages


def _of_pylock(data: dict[str, Any], path: str, own: frozenset[str]) -> Locked:
    if not str(data.get("lock-version", "")).startswith("1.") or "packages" not in data:
        raise blind(f"{path}: lock-version is {data.get('lock-version')!r}, known is 1.0, with packages")
    return _sorted_out(path, _packages(data, "packages", path), own, lambda package: package)


def _of_uv(data: dict[str, Any], own: frozenset[str]) -> Locked:
    if data.get("version") != _UV_LAYOUT:
        raise blind(f"uv.lock: version is {data.get('version')!r}, known is {_UV_LAYOUT}")
    manifest = data.get("manifest")
    members = manifest.get("members", []) if isinstance(manifest, dict) else []
    names = own | frozenset(canonicalize_name(name) for name in members if isinstance(name, str))
    packages = _packages(data, "package", "uv.lock")
    return _sorted_out("uv.lock", packages, names, lambda package: package.get("source"))


def _sorted_out(path: str, packages: list[dict[str, Any]], own: frozenset[str], source_of: Any) -> Locked:
    """Sort packages into those of an index and others; `source_of` gives the table that says where one comes from."""
    pins: set[Pin] = set()
    elsewhere: dict[tuple[str, str], None] = {}
    wrong: list[str] = []
    for package in packages:
        name, source = canonicalize_name(package["name"]), source_of(package)
        kind = next((kind for kind in _ELSEWHERE if isinstance(source, dict) and kind in source), "")
        version = package.get("version")
        if kind and name in own:
            continue
        if kind or version is None:
            elsewhere[name, f"comes from {kind}" if kind else "has no version"] = None
            continue
        try:
            pins.add(pin(name, str(version)))
        except ValueError as error:
            wrong.append(str(error))
    if wrong:
        raise blind(f"{path}: {'; '.join(wrong)}")
    return Locked(path, frozenset(pins), tuple(elsewhere))


def of_requirements(tree: Tree, path: str, own: frozenset[str]) -> Locked:
    """Read a requirements file, and those that it names, as a lock in which everything has a hash.

    Raises:
        ReleaseError: a line has no hash, pins nothing or cannot be read (exit 5).
    """
    pins: set[Pin] = set()
    elsewhere: dict[tuple[str, str], None] = {}
    wrong = []
    for place, line in _with_nested(tree, path, ()):
        if line.error or (line.pin and not line.hashed):
            wrong.append(f"{place}:{line.number}: {line.error or f'{line.pin} has no hash'}")
        elif line.pin:
            pins.add(line.pin)
        elif line.elsewhere not in {".", "./", *own}:
            elsewhere[line.elsewhere, "comes from no index"] = None
    if wrong:
        raise blind("; ".join(wrong))
    return Locked(path, frozenset(pins), tuple(elsewhere))


def _with_nested(tree: Tree, path: str, above: tuple[str, ...]) -> Iterator[tuple[str, requirements.Line]]:
    for line in _lines(tree, path):
        if not line.file:
            yield path, line
            continue
        nested = posixpath.normpath(posixpath.join(posixpath.dirname(path), line.file))
        if nested in (*above, path):
            continue
        if not tree.has(nested):
            raise blind(f"{path}:{line.number} names {line.file}, which is no tracked file")
        yield from _with_nested(tree, nested, (*above, path))


def _lines(tree: Tree, path: str) -> list[requirements.Line]:
    try:
        return list(requirements.lines(tree.read(path).decode("utf-8-sig")))
    except UnicodeDecodeError:
        raise blind(f"{path} is not UTF-8") from None
