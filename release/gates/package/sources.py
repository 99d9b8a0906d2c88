"""An sdist has to hold all that a wheel is made of: one is built of it and compared with the one that is there."""

from __future__ import annotations

import tarfile
import zipfile
from typing import TYPE_CHECKING, Any

from release.artifacts import builder, files
from release.errors import Exit, ReleaseError
from release.gates.package.seen import Seen
from release.gates.security.findings import counted, plain, reasons

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from release.artifacts.files import Dist

_NAMED = 5


def look(sdist: Dist, wheels: Sequence[Dist], folder: Path, epoch: int) -> Seen:
    """Build a wheel of a sound sdist, below `folder`; its files are to be those of one of `wheels`.

    What the build needs comes from the index: without it this could not look.
    """
    root = folder / "unpacked"
    filtered: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
    try:
        with tarfile.open(sdist.path, "r:gz") as archive:
            archive.extractall(root, **filtered)  # noqa: S202  # nothing in it leads out, as was seen before
    except (tarfile.TarError, KeyError, EOFError) as error:
        return Seen(findings=(plain(f"{sdist.file}: cannot be unpacked: {error}"),))
    source = root / sdist.file.removesuffix(".tar.gz")
    out = folder / "again"
    try:
        builder.build(source, out, log=folder / "again.txt", epoch=epoch, only_wheel=True)
    except ReleaseError as error:
        lines = tuple(plain(f"{sdist.file}: no wheel comes out of it: {line}") for line in told(error))
        return Seen(findings=lines) if error.exit == Exit.GATE_FAILED else Seen(blind=lines)
    made = files.read(out).dists
    if len(made) != 1 or made[0].version != sdist.version:
        names = ", ".join(one.file for one in made) or "nothing"
        return Seen(findings=(plain(f"{sdist.file}: what comes out of it is {names}"),))
    wanted = [wheel for wheel in wheels if wheel.file == made[0].file] or list(wheels)
    wrong = _compared(wanted[0], made[0])
    looked = f"{made[0].file} built from {sdist.file}: {counted(len(_paths(made[0])), 'file')}"
    return Seen(findings=tuple(plain(f"{sdist.file}: {line}") for line in wrong), looked=(looked,))


def told(error: ReleaseError) -> tuple[str, ...]:
    """Return why a build failed, a line each: what happened, and the last line of its log."""
    if error.exit == Exit.USAGE:
        return reasons(error)
    lines = (problem.what.split("\n  | ") for problem in error.problems)
    return tuple(f"{one[0]}: {one[-1]}" if len(one) > 1 else one[0] for one in lines)


def _compared(wheel: Dist, made: Dist) -> list[str]:
    """Say which files are in one wheel alone."""
    there, here = _paths(wheel), _paths(made)
    wrong = []
    for paths, what in ((there - here, "the wheel that comes out of it lacks"), (here - there, "it makes besides")):
        if paths:
            more = f", and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
            wrong.append(f"{what} {', '.join(sorted(paths)[:_NAMED])}{more}")
    return wrong


def _paths(wheel: Dist) -> set[str]:
    with zipfile.ZipFile(wheel.path) as archive:
        return {one.filename for one in archive.infolist() if not one.is_dir()}
