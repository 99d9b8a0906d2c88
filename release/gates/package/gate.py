"""The whole gate: what a folder of distributions holds, what was found of it, and what could not be looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from release import config as configuration
from release import version as versions
from release.artifacts import files, store
from release.errors import ReleaseError
from release.gates.package import clean, sdist, sources, twine, wheel
from release.gates.package.seen import Seen
from release.gates.results import Result
from release.gates.security.findings import blind, reasons

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from release.artifacts.files import Dist
    from release.gates.security.programs import Programs
    from release.version import Version


class Source(NamedTuple):
    """Distributions to be looked at: where, in words what they are, and whether to build a wheel of the sdist.

    `epoch` is the time of files in what is built, in UTC seconds.
    """

    folder: Path
    words: str
    from_sdist: bool
    epoch: int
    notes: tuple[str, ...] = ()


def look(root: Path, source: Source, programs: Programs, *, session: str = "package") -> Result:
    """Look at the distributions of the project in `root`; nothing is raised for what cannot be seen."""
    try:
        wanted = _version(root)
        found = files.read(source.folder)
        digests = [f"{one.file}: sha256 {store.sha256(one.path.open('rb'))}" for one in found.dists]
        named = twine.version(programs)
    except ReleaseError as error:
        return Result(session=session, not_looked=reasons(error))
    except OSError as error:
        return Result(session=session, not_looked=(f"{source.folder} cannot be looked into: {error.strerror}",))
    if not found.dists:
        return Result(session=session, not_looked=tuple(f"{source.folder}: {line}" for line in found.wrong))
    projects, unnamed = _project(root)
    wrong = (*found.wrong, *files.unlike(found.dists, wanted, projects))
    seen = (Seen(findings=wrong, notes=(*source.notes, *unnamed)), *_seen(found.dists, source, programs, named))
    return Result(
        session=session,
        evidence=(source.words, *digests, *(line for one in seen for line in one.looked)),
        findings=tuple(dict.fromkeys(line for one in seen for line in one.findings)),
        not_looked=tuple(dict.fromkeys(line for one in seen for line in one.blind)),
        notes=tuple(line for one in seen for line in one.notes),
        versions={"twine": named},
    )


def _seen(dists: tuple[Dist, ...], source: Source, programs: Programs, named: str) -> list[Seen]:
    """Look at each file, and go on with those that are sound: nothing wrong is unpacked, installed or built."""
    wheels = {one: wheel.look(one) for one in dists if one.kind == files.WHEEL}
    sdists = {one: sdist.look(one) for one in dists if one.kind == files.SDIST}
    opened = {**{one: found.seen for one, found in wheels.items()}, **sdists}
    readable = [one for one in dists if opened[one].looked]
    odd = {one for one in dists if opened[one].findings}
    sound = {one: found.paths for one, found in wheels.items() if one not in odd}
    seen = [_tried(lambda: twine.look(readable, programs, named, odd)), *opened.values()]
    if sound:
        seen.append(_tried(lambda: clean.look(sound, programs)))
    fit = [one for one in sdists if one not in odd]
    if source.from_sdist and sound and fit:
        seen.append(_tried(lambda: sources.look(fit[0], tuple(sound), programs.folder, source.epoch)))
    return seen


def _tried(check: Callable[[], Seen]) -> Seen:
    try:
        return check()
    except ReleaseError as error:
        return Seen(blind=reasons(error))
    except OSError as error:
        return Seen(blind=(f"{error.filename or 'a file'}: {error.strerror or error}",))


def _version(root: Path) -> Version:
    """Return VERSION.

    Raises:
        ReleaseError: there is none of ours (exit 2 or 5).
    """
    try:
        return versions.parse_file((root / "VERSION").read_bytes(), "VERSION")
    except OSError as error:
        raise blind(f"VERSION, which the distributions are compared with, cannot be read: {error.strerror}") from None


def _project(root: Path) -> tuple[str, tuple[str, ...]]:
    """Return the project's name, and a note if pyproject.toml has none."""
    place = root / "pyproject.toml"
    names = configuration.project_names(place.read_bytes() if place.is_file() else None)
    return (names[0], ()) if names else ("", ("pyproject.toml has no project name to compare names with",))
