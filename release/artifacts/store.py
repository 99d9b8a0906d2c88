"""Where artifacts are kept: a folder for each tree below the git folder that all worktrees share.

A folder is filled under another name and then renamed, so that it is there as a whole or not at all, whenever a run is
killed. What lies in it is believed only if the hashes of its record are right.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import IO, TYPE_CHECKING, Any

from release.artifacts import record
from release.artifacts.record import File, Resolution
from release.entry import is_id, tree_name
from release.errors import refusal
from release.gates import parts, receipts
from release.git import journal, lock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from release.git.repository import Repository

KEPT = 10  # trees; the oldest beyond them go
LOCK_SECONDS = 60.0  # how long a run waits for another one that builds

_LAYOUT = 2  # of the record's JSON; a folder with another is as good as none
_DISTS = "dist"
_RECORD = "dists.json"
_UNFINISHED = "."  # begins the names of folders that are being filled or removed


@dataclass(frozen=True, kw_only=True)
class Dists:
    """The distributions of a tree: `folder` holds `files` and nothing else.

    They were built from `commit`, by this `tool` version and the `builder` versions, twice: `differing` are the names
    of those that were not the same. `epoch` is the time in UTC seconds of the files in them, `resolution` is
    what they need.
    """

    folder: Path
    tree: str
    commit: str
    tool: str
    builder: Mapping[str, str]
    epoch: int
    differing: tuple[str, ...]
    resolution: Resolution
    files: tuple[File, ...]


def find(repository: Repository, tree: str, epoch: int | None = None) -> Dists | None:
    """Return what was built of a tree, by this version of the tool, and is as it was then; None without.

    Files in it have the time `epoch`, if one is given.
    """
    place = _place(repository, tree)
    try:
        found = _read(place / _DISTS, json.loads((place / _RECORD).read_bytes()))
        is_same = (found.tree, found.tool, found.epoch) == (tree, receipts.tool_version(), epoch or found.epoch)
        is_same = is_same and files(found.folder) == found.files
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return found if is_same else None


def files(folder: Path, only: Iterable[Path] | None = None) -> tuple[File, ...]:
    """Return what lies in a folder, in the order of the names; `only` these of its files.

    Raises:
        OSError: it cannot be read, or something is no file.
    """
    return tuple(file(path) for path in sorted(folder.iterdir() if only is None else only))


def lying(repository: Repository, tree: str) -> tuple[File, ...] | None:
    """Return what lies where the distributions of a tree are kept, whatever it is; None when nothing is there."""
    try:
        return files(_place(repository, tree) / _DISTS)
    except FileNotFoundError:
        return None
    except OSError:
        return ()


def sha256(opened: IO[bytes]) -> str:
    """Return the SHA-256 of all that is left in a file, which is closed."""
    digest = hashlib.sha256()
    with opened:
        while block := opened.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def locked(
    repository: Repository, say: Callable[[str], None], pause: Callable[[float], None]
) -> AbstractContextManager[int]:
    """Return the lock of the artifacts, to be held; it yields its descriptor, which a build inherits.

    `pause` is called between looks at whether another run still holds it.

    Raises:
        ReleaseError: another run, or a build that outlived its run, holds it after LOCK_SECONDS (exit 3).
    """
    place = _room(repository)
    place.mkdir(parents=True, exist_ok=True)
    return lock.held(
        place / "lock",
        permissions=0o666,
        wait=LOCK_SECONDS,
        refused=lambda: refusal(
            f"another run builds in this repository (waited {LOCK_SECONDS:g} s)", "wait for it to end, or end it"
        ),
        waiting=lambda: say("distributions: waiting for another run that builds"),
        pause=pause,
    )


@contextlib.contextmanager
def begun(repository: Repository, tree: str) -> Iterator[Path]:
    """Yield an empty folder for the artifacts of a tree, to be filled and `keep`-ed; the lock is held.

    What killed runs left half done goes before, and afterwards what was not kept.
    """
    room = _room(repository)
    for left in room.glob(f"{_UNFINISHED}*"):
        parts.remove(left)
    place = room / f"{_UNFINISHED}{_place(repository, tree).name}"
    (place / _DISTS).mkdir(parents=True)
    try:
        yield place
    finally:
        parts.remove(place)


def dists(place: Path) -> Path:
    """Return where in a tree's folder the distributions lie, and nothing else."""
    return place / _DISTS


def keep(repository: Repository, place: Path, made: Dists) -> Dists:
    """Put the folder that `begun` has yielded in its place, durably, and return what is in it: `made`, with its files.

    Raises:
        OSError: it cannot be read or put there.
    """
    final = _place(repository, made.tree)
    made = replace(made, folder=final / _DISTS, files=files(place / _DISTS))
    facts = {"layout": _LAYOUT, **{name: value for name, value in asdict(made).items() if name != "folder"}}
    facts["files"] = [one._asdict() for one in made.files]
    facts["resolution"] = record.resolution_facts(made.resolution)
    (place / _RECORD).write_text(json.dumps(facts, indent=1) + "\n", encoding="ascii")
    journal.sync_all([*place.rglob("*"), place])
    old = final.with_name(f"{_UNFINISHED}old-{made.tree}")
    if final.exists():
        final.rename(old)  # no folder can be put in the place of one that is not empty
    place.rename(final)
    journal.sync(final.parent)
    parts.remove(old)
    _prune(final)
    return made


def _room(repository: Repository) -> Path:
    return journal.folder(repository) / "artifacts"


def _place(repository: Repository, tree: str) -> Path:
    """Return the folder of a tree.

    Raises:
        ValueError: `tree` is not an object id, and could lead elsewhere.
    """
    return _room(repository) / tree_name(tree)


def file(path: Path) -> File:
    """Return a file's name, size and digest.

    Raises:
        OSError: it cannot be read, or is a link.
    """
    if path.is_symlink():
        raise OSError(f"{path} is a symlink")
    return File(path.name, path.stat().st_size, sha256(path.open("rb")))


def _read(folder: Path, data: dict[str, Any]) -> Dists:
    """Make it of its JSON.

    Raises:
        ValueError, TypeError, KeyError, AttributeError: it is not one of ours.
    """
    fields = dict(data)
    if fields.pop("layout") != _LAYOUT:
        raise ValueError("another layout")
    listed = tuple(File(**one) for one in fields.pop("files"))
    resolution = record.read_resolution(fields.pop("resolution"))
    differing = tuple(fields.pop("differing"))
    return Dists(folder=folder, **fields, differing=differing, resolution=resolution, files=listed)


def _prune(newest: Path) -> None:
    """Remove the oldest trees' folders beside `newest`."""
    places = [place for place in newest.parent.iterdir() if is_id(place.name) and place != newest]
    places.sort(key=lambda place: place.stat().st_mtime, reverse=True)
    for place in places[KEPT - 1 :]:
        going = place.with_name(f"{_UNFINISHED}{place.name}")
        place.rename(going)  # a folder that is half removed must not have its name
        parts.remove(going)
