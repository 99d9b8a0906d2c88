"""Without a lock: what the project's requirements resolve to now is audited in its place, and said to be that."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import tomli
from packaging.markers import default_environment
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from release.gates.security import requirements
from release.gates.security.findings import blind
from release.gates.security.locks import Locked
from release.gates.security.requirements import pin

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from release.gates.security.programs import Programs
    from release.gates.security.tracked import Tree

_SECONDS = 600.0
_SOURCES = re.compile(r"requirements[^/]*\.(?:txt|in)")
_BUILT = ("setup.py", "setup.cfg")  # which of them says what a project needs; the build backend reads both


def project(tree: Tree) -> dict[str, Any]:
    """Return the project's pyproject.toml, empty without one.

    Raises:
        ReleaseError: it is not TOML (exit 5).
    """
    if not tree.has("pyproject.toml"):
        return {}
    try:
        return tomli.loads(tree.read("pyproject.toml").decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise blind(f"pyproject.toml is not TOML: {error}") from None


def now(tree: Tree, programs: Programs, data: dict[str, Any], own: Iterable[str]) -> Locked:
    """Resolve the project's dependencies and extras, else its requirements files, with uv where there is one, else pip.

    Raises:
        ReleaseError: that cannot be done (exit 5).
    """
    names = frozenset(map(canonicalize_name, own))
    wanted = _wanted(tree, programs, data, names)
    if not wanted.built and not wanted.files:
        return Locked(source=f"no lock, and {wanted.source}", pins=frozenset(), resolved=True)
    uv = programs.find("uv")
    found = _by_uv(tree, programs, wanted) if uv else _by_pip(tree, programs, wanted)
    elsewhere = tuple(one for one in found.elsewhere if one[0] not in names)
    source = f"no lock: {wanted.source} resolved now, by {'uv' if uv else 'pip'}"
    pins = frozenset(one for one in found.pins if one.name not in names)
    return Locked(source, pins, elsewhere, resolved=True)


class _Wanted(NamedTuple):
    """What is to be resolved: requirements files, or a project whose build backend alone knows its dependencies."""

    source: str
    files: tuple[str, ...] = ()
    built: str = ""
    extras: tuple[str, ...] = ()


def _wanted(tree: Tree, programs: Programs, data: dict[str, Any], own: Collection[str]) -> _Wanted:
    table = data.get("project")
    if isinstance(table, dict):
        extras = table.get("optional-dependencies", {})
        if not {"dependencies", "optional-dependencies"}.isdisjoint(table.get("dynamic", [])):
            return _Wanted("pyproject.toml", built="pyproject.toml", extras=tuple(extras))
        wanted = [*table.get("dependencies", []), *(one for extra in extras.values() for one in extra)]
        if not wanted:
            return _Wanted("pyproject.toml names no dependencies")
        return _Wanted("pyproject.toml", files=(_written(programs, wanted, own),))
    built = [path for path in _BUILT if tree.has(path)]
    if "poetry" in data.get("tool", {}):
        built.insert(0, "pyproject.toml")
    if built:
        return _Wanted(built[0], built=built[0])
    files = tuple(path for path in tree.files if _SOURCES.fullmatch(path))
    return _Wanted(", ".join(files) or "nothing names dependencies", files=files)


def _written(programs: Programs, wanted: Sequence[str], own: Collection[str]) -> str:
    """Write requirements into a file, so that none can be taken for an option.

    An extra that asks for others of the project itself, by one of its `own` names, adds nothing: all of them are there.

    Raises:
        ReleaseError: one is no requirement (exit 5).
    """
    try:
        found = [Requirement(one) for one in wanted]
    except (InvalidRequirement, TypeError) as error:
        raise blind(f"pyproject.toml: {str(error).splitlines()[0]}") from None
    lines = [str(one) for one in found if canonicalize_name(one.name) not in own]
    place = programs.folder / "wanted.txt"
    place.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return str(place)


def _by_uv(tree: Tree, programs: Programs, wanted: _Wanted) -> Locked:
    out = programs.folder / "resolved.txt"
    sources = ["--all-extras", wanted.built] if wanted.built else list(wanted.files)
    python = programs.find("python") or "python"
    options = ["--quiet", "--no-header", "--no-annotate", "--python", python, "--output-file", str(out)]
    ran = programs.run("uv", "pip", "compile", *options, *sources, cwd=tree.root, timeout=_SECONDS)
    if ran.status != 0:
        raise blind(f"without a lock the dependencies have to be resolved, and uv cannot: {ran.complaint}")
    pins, elsewhere = set(), []
    for line in requirements.lines(out.read_text(encoding="utf-8")):
        if line.error:
            raise blind(f"uv resolved to what cannot be read: {line.error}")
        if line.pin:
            pins.add(line.pin)
        elif line.elsewhere:
            elsewhere.append((line.elsewhere, "comes from no index"))
    return Locked("", frozenset(pins), tuple(elsewhere))


def _by_pip(tree: Tree, programs: Programs, wanted: _Wanted) -> Locked:
    """Ask pip; without `--ignore-installed` it leaves out what its environment holds already."""
    report = programs.folder / "report.json"
    options = ["--dry-run", "--ignore-installed", "--quiet", "--no-input", "--disable-pip-version-check"]
    extras = f"[{','.join(wanted.extras)}]" if wanted.extras else ""
    arguments = [f".{extras}"] if wanted.built else [word for path in wanted.files for word in ("-r", path)]
    words = ["-I", "-m", "pip", "install", *options, "--report", str(report), *arguments]
    ran = programs.run("python", *words, cwd=tree.root, timeout=_SECONDS)
    if ran.status != 0:
        raise blind(f"without a lock the dependencies have to be resolved, and pip cannot: {ran.complaint}")
    pins, elsewhere = set(), []
    try:
        for one in json.loads(report.read_bytes())["install"]:
            name = canonicalize_name(one["metadata"]["name"])
            if one.get("is_direct"):
                elsewhere.append((name, "comes from no index"))
            else:
                pins.add(pin(name, one["metadata"]["version"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise blind(f"pip's report cannot be read: {error}") from None
    return Locked("", frozenset(pins), tuple(elsewhere))


def refuse_lacking(locked: Locked, data: dict[str, Any]) -> None:
    """Refuse a lock without something that pyproject.toml depends on, on this machine: it is out of date.

    Raises:
        ReleaseError: there is such a thing (exit 5).
    """
    table = data.get("project")
    named = table.get("dependencies", []) if isinstance(table, dict) else []
    held = {one.name for one in locked.pins} | {name for name, _ in locked.elsewhere}
    environment = {**{name: str(value) for name, value in default_environment().items()}, "extra": ""}
    absent = []
    for text in named:
        try:
            requirement = Requirement(text)
        except (InvalidRequirement, TypeError):
            absent.append(str(text))
            continue
        needed = requirement.marker is None or requirement.marker.evaluate(environment)
        if needed and canonicalize_name(requirement.name) not in held:
            absent.append(requirement.name)
    if absent:
        what = f"{locked.source} has not {', '.join(absent)}, which pyproject.toml depends on"
        raise blind(what, "lock the dependencies anew")
