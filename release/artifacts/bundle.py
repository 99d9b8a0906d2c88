"""The folder of a release: all that it leaves behind, made once, and checked whenever it is opened.

It lies below the git folder that all worktrees share, under the name of the tag, and is there as a whole or not at all.
Beside it stands what publishers found out.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from release.artifacts import record as records
from release.artifacts import store, sums
from release.artifacts.provenance import names as seals
from release.errors import Problem, ReleaseError, refusal
from release.formats import inert
from release.gates import parts
from release.git import journal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from release.artifacts.record import Record
    from release.git.repository import Repository

_IGNORED = frozenset({".gitignore"})  # uv writes it into dist/, and nothing uploads it
_FILES = "files"
_PUBLISHED = "published.json"
_UNFINISHED = "."
_LONGEST = 150  # characters of a folder's name, which can have 255 with what is added
_MEND = (
    "nothing was published; look at what has changed it, or remove {folder}: it is built anew, and has to be the same"
)


class Bundle(NamedTuple):
    """The files of a release, each as it was made: `record.files`, the record, SHA256SUMS, and provenance if any."""

    folder: Path
    record: Record

    @property
    def files(self) -> tuple[Path, ...]:
        """All of them, in the order of their names."""
        return tuple(path for path in sorted(self.folder.iterdir()) if path.name not in _IGNORED)


def place(repository: Repository, tag: str) -> Path:
    """Return where the folder of a tag is, with what belongs to it beside."""
    name = quote(tag, safe="")
    if len(name) > _LONGEST:
        name = f"{name[:_LONGEST]}-{hashlib.sha256(name.encode('ascii')).hexdigest()}"
    return journal.folder(repository) / "releases" / name


def is_there(repository: Repository, tag: str) -> bool:
    """Whether there is a bundle of a tag, sound or not."""
    return (place(repository, tag) / _FILES).is_dir()


def find(repository: Repository, tag: str) -> Bundle | None:
    """Return the bundle of a tag, None if there is none.

    Raises:
        ReleaseError: it is not as it was made, each file of which that holds named (exit 3).
    """
    folder = place(repository, tag) / _FILES
    return checked(folder) if folder.is_dir() else None


def checked(folder: Path, *, hint: str = _MEND) -> Bundle:
    """Return what lies in a folder, if it is a bundle and as it was made.

    Raises:
        ReleaseError: a file is missing, foreign or changed, each of them named (exit 3).
    """
    problems = [*_wrong(folder)]
    if problems:
        mend = hint.format(folder=folder)
        raise ReleaseError([Problem(what=f"{folder.name}/{what}", hint=mend) for what in problems])
    return Bundle(folder, records.read(folder / records.NAME))


def _wrong(folder: Path) -> Iterator[str]:
    """Yield what is wrong in a folder: by the record, by SHA256SUMS, and what neither knows."""
    held = {path.name: path for path in sorted(folder.iterdir()) if path.name not in _IGNORED}
    absent = [name for name in (records.NAME, sums.NAME) if name not in held]
    if absent:
        yield from (f"{name} is missing" for name in absent)
        return
    odd = [name for name, path in held.items() if path.is_symlink() or not path.is_file()]
    if odd:
        yield from (f"{inert.reason(name)} is no plain file" for name in odd)
        return
    try:
        record, said = records.read(held[records.NAME]), sums.parse(held[sums.NAME].read_bytes(), sums.NAME)
    except ReleaseError as error:
        yield from (problem.what for problem in error.problems)
        return
    recorded = {one.name: one.sha256 for one in record.files}
    found = {one.name: one.sha256 for one in store.files(folder, held.values()) if one.name != sums.NAME}
    for name in sorted({*recorded, *said, *found}):
        yield from _differing(name, found.get(name), said.get(name), recorded.get(name))


def _differing(name: str, found: str | None, said: str | None, recorded: str | None) -> Iterator[str]:
    """Yield what is wrong with one file: its digest, and what SHA256SUMS and the record say of it, None for nothing."""
    shown = inert.reason(name)
    own = name in (records.NAME, *seals.ALL)
    if recorded is None and said is None:
        yield f"{shown} is foreign: it belongs to no release"
    elif found is None:
        yield f"{shown} is missing"
    elif recorded is not None and found == recorded != said:
        yield f"{sums.NAME} is wrong about {shown}"
    elif recorded is None and own and found != said:
        yield f"{shown} or {sums.NAME} has changed: its digest is {found[:12]}…, and {(said or 'none')[:12]}… is listed"
    elif found != said or (recorded is not None and found != recorded):
        yield f"{shown} has changed: its digest is {found[:12]}…, and {(recorded or said or '')[:12]}… was made"
    elif recorded is None and not own:
        yield f"{shown} is foreign: {records.NAME} does not know it"


def kept(
    repository: Repository,
    record: Record,
    sources: Sequence[Path],
    more: Mapping[str, bytes],
    seal: Callable[[Path], object],
) -> Bundle:
    """Make the bundle of a release, durably, in place of one that is there.

    `sources` are files to be copied, `more` the content of others, by name; together they are `record.files`. `seal`
    may add files of provenance to the folder, which then holds everything else but SHA256SUMS.

    Raises:
        ReleaseError: as of `seal`, or of `checked` (exit 3).
        OSError: a file cannot be written.
    """
    final = place(repository, record.tag)
    final.mkdir(parents=True, exist_ok=True)
    begun = final / f"{_UNFINISHED}{_FILES}"
    with contextlib.ExitStack() as stack:
        parts.remove(begun)
        begun.mkdir()
        stack.callback(parts.remove, begun)
        fill(begun, record, sources, more, seal)
        journal.sync_all([*begun.rglob("*"), begun])
        old = final / f"{_UNFINISHED}old"
        parts.remove(old)
        if (final / _FILES).exists():
            (final / _FILES).rename(old)  # no folder can be put in the place of one that is not empty
        begun.rename(final / _FILES)
        journal.sync(final)
        parts.remove(old)
    return Bundle(final / _FILES, record)


def fill(
    folder: Path,
    record: Record,
    sources: Sequence[Path],
    more: Mapping[str, bytes],
    seal: Callable[[Path], object],
) -> None:
    """Write a bundle into an empty folder, as `kept`."""
    for path in sources:
        shutil.copyfile(path, folder / path.name)
    for name, data in {**more, records.NAME: records.serialized(record)}.items():
        (folder / name).write_bytes(data)
    seal(folder)
    (folder / sums.NAME).write_bytes(sums.serialized(store.files(folder)))
    for path in folder.iterdir():
        path.chmod(0o644)
    checked(folder)


def copied(bundle: Bundle, folder: Path) -> tuple[str, ...]:
    """Copy a bundle into a folder such as dist/, in place of what an earlier one left there; return the names.

    Raises:
        ReleaseError: there is something in it that no bundle has left (exit 3); nothing has changed.
        OSError: a file cannot be written.
    """
    refuse_foreign(folder)
    folder.mkdir(parents=True, exist_ok=True)
    before = _left(folder)
    names = tuple(path.name for path in bundle.files)
    # What goes is known by the old record, what comes by the new one: an interrupted copy leaves nothing else.
    for name in before - {*names, *_IGNORED}:
        (folder / name).unlink(missing_ok=True)
    for name in sorted(names, key=lambda name: name != records.NAME):
        begun = folder / f"{_UNFINISHED}{records.NAME}.new"
        shutil.copy(bundle.folder / name, begun)
        os.replace(begun, folder / name)  # noqa: PTH105  # as everywhere here
    return names


def refuse_foreign(folder: Path) -> None:
    """Refuse a folder such as dist/ in which something lies that no bundle has left there.

    Raises:
        ReleaseError: it holds such, each named, or is no folder (exit 3).
    """
    if not folder.is_dir():
        if folder.is_symlink() or folder.exists():
            raise refusal(f"{folder.name} is no folder", "move or remove it, then again")
        return
    before = _left(folder)
    foreign = [
        path.name
        for path in sorted(folder.iterdir())
        if path.name not in before or path.is_symlink() or not path.is_file()
    ]
    if foreign:
        what = f"{folder.name}/ holds what no release has left there: {', '.join(map(inert.reason, foreign))}"
        raise refusal(f"{what}{_unknown(folder)}", "move or remove it, then again")


def _unknown(folder: Path) -> str:
    """Say why the record in a folder tells nothing of what lies there; "" when it does, or there is none."""
    try:
        records.read(folder / records.NAME)
    except OSError:
        return ""
    except ReleaseError as error:
        return f"; {error.problems[0].what}"
    return ""


def _left(folder: Path) -> set[str]:
    """Return the names that an earlier bundle has, or may have, left in a folder."""
    own = {records.NAME, sums.NAME, f"{_UNFINISHED}{records.NAME}.new", *seals.ALL, *_IGNORED}
    with contextlib.suppress(OSError, ReleaseError):
        own |= {one.name for one in records.read(folder / records.NAME).files}
    return own


def published(repository: Repository, tag: str) -> dict[str, dict[str, str]]:
    """Return what publishers found out about a release, by publisher; {} when nothing is known."""
    try:
        data = json.loads((place(repository, tag) / _PUBLISHED).read_bytes())
        return {str(name): {str(key): str(value) for key, value in one.items()} for name, one in data.items()}
    except (OSError, ValueError, AttributeError, RecursionError):
        return {}


def note(repository: Repository, tag: str, publisher: str, facts: Mapping[str, str]) -> None:
    """Keep, durably, what a publisher found out.

    Raises:
        OSError: it cannot be written.
    """
    known = {**published(repository, tag), publisher: dict(facts)}
    path = place(repository, tag) / _PUBLISHED
    path.parent.mkdir(parents=True, exist_ok=True)
    journal.replace_file(path, (json.dumps(known, indent=1) + "\n").encode("ascii"), 0o644, ours=True)
    journal.sync(path.parent)
