"""`release.json`: what a release is, of what it was made, and the digests of its files.

It is written once, before the tag is visible, and read by whoever publishes, rebuilds or verifies the release.
"""

from __future__ import annotations

import hashlib
import json
import stat
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from release.entry import is_id
from release.errors import refusal
from release.formats import inert

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NAME = "release.json"
LARGEST = 16 * 1024 * 1024  # bytes; a record of thousands of dependencies has a tenth of it

_LAYOUT = 1  # of the JSON; another one is not read
_LATEST = 253402300799  # the last second of the year 9999, beyond which no calendar here goes


class File(NamedTuple):
    """A file: name, size in bytes, SHA-256."""

    name: str
    size: int
    sha256: str


class Gate(NamedTuple):
    """A gate that has passed the tree: its name, what it has looked at, and when it ended (seconds since 1970)."""

    name: str
    evidence: tuple[str, ...]
    finished: int


class Component(NamedTuple):
    """A distribution that the project needs at run time.

    `hashes` are SHA-256 digests in hexadecimal of the file that was resolved, `license` is an SPDX expression or
    whatever its metadata says, "" for none; `needs` are normalised names of further components.
    """

    name: str
    version: str
    hashes: tuple[str, ...] = ()
    license: str = ""
    needs: tuple[str, ...] = ()


class Resolution(NamedTuple):
    """What the project needs at run time, as it was resolved once.

    `source` says from what, `needs` are the normalised names of what it asks for itself.
    """

    source: str
    needs: tuple[str, ...]
    components: tuple[Component, ...]


@dataclass(frozen=True, kw_only=True)
class Record:
    """A release. `tag_object` is the id of its annotated tag, `previous` the tag of the release before it ("": none).

    What was built of a commit without a tag has neither `tag` nor `tag_object`. `repository` is the address for others,
    without user and password ("": none); `epoch` the time in UTC seconds that files in archives have; `builder` the
    versions of what built them, by name, `tool` that of this program; `is_reproducible` whether two builds in two
    places were the same; `files` are all the others beside it.
    """

    project: str
    version: str
    tag: str
    tag_object: str
    commit: str
    tree: str
    previous: str
    repository: str
    epoch: int
    tool: str
    builder: Mapping[str, str]
    is_reproducible: bool
    resolution: Resolution | None
    gates: tuple[Gate, ...]
    files: tuple[File, ...]


def files_of(contents: Mapping[str, bytes]) -> tuple[File, ...]:
    """Return what files with these contents, by name, are."""
    return tuple(File(name, len(data), hashlib.sha256(data).hexdigest()) for name, data in contents.items())


def serialized(record: Record) -> bytes:
    """Return a record as it lies on disk: always the same bytes for the same record."""
    facts = {"layout": _LAYOUT, **asdict(record)}
    facts["files"] = [one._asdict() for one in record.files]
    facts["gates"] = [one._asdict() for one in record.gates]
    if record.resolution is not None:
        facts["resolution"] = resolution_facts(record.resolution)
    return (json.dumps(facts, indent=1) + "\n").encode("ascii")


def resolution_facts(resolution: Resolution) -> dict[str, Any]:
    """Return a resolution for JSON."""
    return {**resolution._asdict(), "components": [one._asdict() for one in resolution.components]}


def parse(data: bytes, where: str) -> Record:
    """Read a record; `where` is how messages name the file.

    Raises:
        ReleaseError: it is none of ours (exit 3).
    """
    try:
        return _read(json.loads(data))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        why = inert.reason(str(error))
        raise refusal(f"{where} is no record of a release: {why}", "take it from where the release was made") from None


def read(path: Path) -> Record:
    """Read the record in a file.

    Raises:
        ReleaseError: it is none of ours, or too large to be one, or no plain file (exit 3).
        OSError: it cannot be read.
    """
    if not stat.S_ISREG(path.lstat().st_mode):  # one could be waited for without end
        raise refusal(f"{path.name} is no plain file", "take it from where the release was made")
    with path.open("rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise refusal(f"{path.name} has more than {LARGEST} bytes: it is no record of a release")
    return parse(data, path.name)


def _read(data: dict[str, Any]) -> Record:
    """Make it of its JSON.

    Raises:
        ValueError, TypeError, KeyError, AttributeError: it is not one of ours.
    """
    fields = dict(data)
    if fields.pop("layout") != _LAYOUT:
        raise ValueError("another layout")
    given = fields.pop("resolution")
    resolution = None if given is None else read_resolution(given)
    gates = tuple(
        Gate(_word(one["name"]), _words(one["evidence"]), _number(one["finished"])) for one in fields.pop("gates")
    )
    files = tuple(_file(one) for one in fields.pop("files"))
    record = Record(**fields, resolution=resolution, gates=gates, files=files)
    if len({one.name for one in files}) < len(files):
        raise ValueError("a file is in it twice")
    if not all(map(is_id, (record.commit, record.tree, *([record.tag_object] if record.tag else [])))):
        raise ValueError("its commit, tree or tag is no object id")
    texts = (record.project, record.version, record.tag, record.previous, record.repository, record.tool)
    _words([*texts, *record.builder, *record.builder.values()])
    if _number(record.epoch) > _LATEST or type(record.is_reproducible) is not bool:
        raise TypeError("a field has another type")
    return record


def read_resolution(data: dict[str, Any]) -> Resolution:
    """Make it of its JSON.

    Raises:
        ValueError, TypeError, KeyError, AttributeError: it is none of ours.
    """
    components = tuple(
        Component(
            _word(one["name"]),
            _word(one["version"]),
            _words(one["hashes"]),
            _word(one["license"]),
            _words(one["needs"]),
        )
        for one in data["components"]
    )
    return Resolution(_word(data["source"]), _words(data["needs"]), components)


def _file(data: dict[str, Any]) -> File:
    file = File(name=_word(data["name"]), size=_number(data["size"]), sha256=_word(data["sha256"]))
    is_plain = file.name.isascii() and file.name.isprintable() and not set(file.name) & {"/", "\\"}
    if not file.name or not is_plain or file.name.startswith("."):
        raise ValueError("a file's name leads elsewhere")
    if len(file.sha256) != 64 or not set(file.sha256) <= set("0123456789abcdef"):  # noqa: PLR2004  # hexadecimal digits of 256 bits
        raise ValueError("a file's digest is none")
    return file


def _number(value: object) -> int:
    if type(value) is not int or value < 0:
        raise TypeError("a field holds no number")
    return value


def _word(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a field holds no text")
    return value


def _words(values: list[str]) -> tuple[str, ...]:
    if not all(isinstance(one, str) for one in values):
        raise TypeError("a list holds something else than texts")
    return tuple(values)
