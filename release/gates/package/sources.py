"""An sdist has to hold all that a wheel is made of: one is built of it and compared with the one that is there."""

from __future__ import annotations

import re
import tarfile
import zipfile
from typing import TYPE_CHECKING, Any

from release.artifacts import builder, files, store
from release.errors import Exit, ReleaseError
from release.gates import parts
from release.gates.package.seen import Seen
from release.gates.security.findings import counted, plain, reasons

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from release.artifacts.files import Dist

_VARYING = re.compile(r"\.dist-info/(RECORD|WHEEL)$|\.(so|pyd|dylib|dll)$")


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
    there, here = _contents(wanted[0]), _contents(made[0])
    looked = f"{made[0].file} built from {sdist.file}: {counted(len(here), 'file')}"
    return Seen(findings=tuple(plain(f"{sdist.file}: {line}") for line in _compared(there, here)), looked=(looked,))


def told(error: ReleaseError) -> tuple[str, ...]:
    """Return why a build failed, a line each: what happened, and the last line of its log."""
    if error.exit == Exit.USAGE:
        return reasons(error)
    lines = (problem.what.split("\n  | ") for problem in error.problems)
    return tuple(f"{one[0]}: {one[-1]}" if len(one) > 1 else one[0] for one in lines)


def _compared(there: Mapping[str, str], here: Mapping[str, str]) -> Iterator[str]:
    """Say which files are in one wheel alone, and which differ."""
    lacking, besides = there.keys() - here.keys(), here.keys() - there.keys()
    other = {path for path in there.keys() & here.keys() if there[path] != here[path]}
    for paths, what in (
        (lacking, "the wheel that comes out of it lacks"),
        (besides, "it makes besides"),
        (other, "it makes another"),
    ):
        if paths:
            yield f"{what} {parts.named(sorted(paths))}"


def _contents(wheel: Dist) -> dict[str, str]:
    """Return what is to be the same in two wheels of one source: SHA-256 by path.

    RECORD follows from the others, WHEEL names the builder and was looked at. What was compiled has to be there: the
    same compiler makes other bytes elsewhere.
    """
    with zipfile.ZipFile(wheel.path) as archive:
        return {
            one.filename: "" if _VARYING.search(one.filename) else store.sha256(archive.open(one))
            for one in archive.infolist()
            if not one.is_dir()
        }
