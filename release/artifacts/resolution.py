"""What a project needs at run time: asked of pip once, kept in the record of the release, and told in its SBOM."""

from __future__ import annotations

import json
import platform
import re
import sys
import sysconfig
from typing import TYPE_CHECKING, Any

from packaging.markers import default_environment
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from release import process
from release.artifacts.record import Component, Resolution
from release.errors import Exit, Problem, ReleaseError, unseen
from release.formats import inert
from release.gates import environment
from release.gates.children import Children
from release.gates.security import locks, tracked

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from release.gates.security.locks import Locked

_PIP = ("-I", "-m", "pip", "--no-input", "--disable-pip-version-check", "--quiet", "install")
_ALONE = ("--dry-run", "--ignore-installed")  # not what happens to be installed beside us
_SECONDS = 900.0
_LONGEST = 200  # characters of what is to be a license's name
_UNKNOWN = frozenset({"", "unknown", "dual license", "other/proprietary license"})
_NEVER = re.compile(r"requires a different Python|conflict|Invalid requirement", re.IGNORECASE)
_LICENSE = "License :: "
_ERROR, _SEE = "ERROR: ", "ResolutionImpossible"  # the latter is only a hint where to read about it


def resolve(
    root: Path, target: Path, own: Iterable[str], scratch: Path, children: Children | None = None
) -> Resolution:
    """Return what `target`, a wheel or a folder with a project, needs on this machine, without extras.

    The lock in `root`, a checkout, says which versions; without one it is the newest ones that fit. `own` are the names
    of the project, `scratch` is a folder for files. `children` are ended by another thread, if at all.

    Raises:
        CancelledError: the children were to end.
        ReleaseError: its requirements contradict each other or this Python (exit 4), they cannot be looked up, or the
            lock cannot be read (exit 5).
        OSError: a file cannot be written.
    """
    locked = locks.find(tracked.tree(root), own)
    report = scratch / "resolved.json"
    words = [*_PIP, *_ALONE, "--report", str(report)]
    if locked is not None:
        pins = scratch / "pins.txt"
        pins.write_text("".join(f"{line}\n" for line in _pins(locked)), encoding="utf-8")
        words += ["--constraint", str(pins)]
    said = scratch / "resolved.txt"
    with said.open("wb") as file:
        argv = [_python(scratch), *words, str(target)]
        group = process.start_group(argv, cwd=scratch, env=environment.variables(), output=file.fileno())
        with (children or Children()).holding(group):
            status = group.wait()
    if status:
        raise _failed(_why(said))
    try:
        return _read(json.loads(report.read_bytes()), locked)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise unseen(f"pip's report of what the project needs cannot be read: {error}") from None


def _failed(why: str) -> ReleaseError:
    """Return the error of a resolution: what can never be resolved is a finding, otherwise nothing was tried."""
    what = f"what the project needs cannot be resolved for the SBOM: {why}"
    if not _NEVER.search(why):
        return unseen(what)
    hint = "correct dependencies and requires-python of pyproject.toml, or the lock"
    return ReleaseError([Problem(what=what, hint=hint, exit=Exit.GATE_FAILED)])


def _python(scratch: Path) -> str:
    """Return a Python that has pip: ours, or that of an environment made for it.

    Raises:
        ReleaseError: there is none (exit 5).
    """
    env = environment.variables()
    if process.run([sys.executable, "-I", "-c", "import pip"], cwd=scratch, env=env).status == 0:
        return sys.executable
    place = scratch / "pip"
    made = process.run([sys.executable, "-I", "-m", "venv", str(place)], cwd=scratch, env=env, timeout=_SECONDS)
    if made.status:
        raise unseen(f"there is no pip to resolve what the project needs: {made.complaint}", "pip install pip")
    return str(place / "bin" / "python")


def _pins(locked: Locked) -> list[str]:
    """Return constraints: of a name that is locked in several versions, for several machines, pip chooses one."""
    versions: dict[str, set[str]] = {}
    for one in locked.pins:
        versions.setdefault(one.name, set()).add(str(one.version))
    return [f"{name}=={next(iter(found))}" for name, found in sorted(versions.items()) if len(found) == 1]


def _why(said: Path) -> str:
    lines = [line.strip() for line in said.read_text("utf-8", "replace").splitlines() if line.strip()]
    errors = [line.removeprefix(_ERROR) for line in lines if line.startswith(_ERROR)]
    reasons = [line for line in errors if not line.startswith(_SEE)]
    return inert.reason((reasons or errors or lines or ["pip says nothing"])[-1])


def _read(report: Mapping[str, Any], locked: Locked | None) -> Resolution:
    """Make it of pip's report (https://pip.pypa.io/en/stable/reference/installation-report/), version 1.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: it is none.
    """
    if report["version"] != "1":
        raise ValueError(f"its version is {report['version']}")
    found: dict[str, Any] = {canonicalize_name(one["metadata"]["name"]): one for one in report["install"]}
    extras = _extras(found)
    (own,) = (name for name, one in found.items() if one["requested"])
    components = tuple(
        Component(
            name=name,
            version=one["metadata"]["version"],
            hashes=_hashes(one),
            license=_license(one["metadata"]),
            needs=_needs(one, extras.get(name, frozenset()), found),
        )
        for name, one in sorted(found.items())
        if name != own
    )
    where = f"{platform.python_implementation()} {'.'.join(platform.python_version_tuple()[:2])}"
    by = f"pip {report['pip_version']} for {where} on {sysconfig.get_platform()}"
    source = f"resolved by {by}" if locked is None else f"{locked.source}, as chosen by {by}"
    return Resolution(source=source, needs=_needs(found[own], frozenset(), found), components=components)


def _extras(found: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    """Return the extras with which each distribution is asked for by others, whatever asks for these."""
    extras: dict[str, frozenset[str]] = {}
    for one in found.values():
        for text in one["metadata"].get("requires_dist", []):
            try:
                requirement = Requirement(text)
            except InvalidRequirement:
                continue
            name = canonicalize_name(requirement.name)
            extras[name] = extras.get(name, frozenset()) | requirement.extras
    return extras


def _needs(one: Mapping[str, Any], extras: frozenset[str], found: Mapping[str, Any]) -> tuple[str, ...]:
    """Return which of those that were `found` a distribution asks for on this machine."""
    here = {name: str(value) for name, value in default_environment().items()}
    needed = set()
    for text in one["metadata"].get("requires_dist", []):
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue
        marker, name = requirement.marker, canonicalize_name(requirement.name)
        applies = marker is None or any(marker.evaluate({**here, "extra": extra}) for extra in ("", *extras))
        if applies and name in found:
            needed.add(name)
    return tuple(sorted(needed))


def _hashes(one: Mapping[str, Any]) -> tuple[str, ...]:
    sha256 = one.get("download_info", {}).get("archive_info", {}).get("hashes", {}).get("sha256")
    return (sha256,) if isinstance(sha256, str) else ()


def _license(metadata: Mapping[str, Any]) -> str:
    """Return what the metadata calls the license: its expression, its name, or its classifiers."""
    name = str(metadata.get("license_expression") or metadata.get("license") or "").strip()
    if name.lower() not in _UNKNOWN and len(name) <= _LONGEST and "\n" not in name:
        return name
    classified = [one.rpartition("::")[2].strip() for one in metadata.get("classifier", []) if one.startswith(_LICENSE)]
    return " OR ".join(dict.fromkeys(classified)) if len(classified) == 1 else ""
