"""Receipts: what says that a gate passed, kept by gate and tree in the git folder that all worktrees share.

A receipt counts for the exact tree that the gate saw and for nothing else; two commits with the same tree share it. One
of a gate that was given distributions counts no longer when others of that tree lie here: not every backend builds the
same twice.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from release.entry import tree_name
from release.git import journal

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from release.git.repository import Repository

PASSED = "passed"
SUCCESS = "success"  # nox's word for a session that passed
KEPT = 50  # receipts of one gate; the oldest beyond them go

_LAYOUT = 1  # of a receipt's JSON; one of another layout is as good as none
_LATEST = 2**37  # seconds since 1970: the year 6325, which every calendar can hold
_DISTRIBUTION = "invoke-gitflow"
_PLAIN = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
_ODD = re.compile(r"[^a-z0-9._-]+")


class Session(NamedTuple):
    """One nox session of a gate: its name, nox's word for its result, its duration in seconds."""

    name: str
    result: str
    duration: float


class Artifact(NamedTuple):
    """A file that a gate was given besides the tree: its name, and its SHA-256."""

    name: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """A gate passed on a tree.

    `evidence` are command lines that its sessions ran, and `counts`, what sessions of ours say that they looked at.
    `artifacts` are the distributions that it was given, () for a gate that is given none.
    `tool`, `nox` and `python` are versions. `noxfile` and `lock` are SHA-256 of noxfile.py and of the lock files at the
    root of the tree, "" without one. Times are UTC seconds; from `expires` on the receipt counts no longer, None is
    never. `signer` is who vouched for a gate that was run elsewhere, "" for one that was run here. `absent` are the
    paths of submodules that the gate did not have.
    """

    gate: str
    tree: str
    commit: str
    result: str = PASSED
    sessions: tuple[Session, ...]
    evidence: tuple[str, ...]
    counts: tuple[str, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    tool: str
    nox: str
    python: str
    noxfile: str
    lock: str
    started: int
    ended: int
    expires: int | None = None
    signer: str = ""
    absent: tuple[str, ...] = ()


def find(repository: Repository, gate: str, tree: str) -> Receipt | None:
    """Return the receipt of a gate for a tree.

    None when there is none that counts: absent, unreadable, of another layout, of another gate or tree than its name
    says, made by another version of this tool, without evidence, without a submodule that is here now, of other
    distributions than lie here, or expired.
    """
    found = judged(stored(repository, gate, tree), gate, tree)
    if found is None or any((repository.top / path / ".git").exists() for path in found.absent):
        return None
    return None if is_of_others(repository, found) else found


def judged(data: bytes, gate: str, tree: str) -> Receipt | None:
    """Return the receipt that these bytes are, None when it does not count for the gate and the tree."""
    try:
        receipt = parse(data)
    except ValueError:
        return None
    return receipt if (receipt.gate, receipt.tree) == (gate, tree) and not objection(receipt) else None


def serialized(receipt: Receipt) -> bytes:
    """Return the bytes that `parse` reads."""
    return json.dumps({"layout": _LAYOUT, **asdict(receipt)}, indent=1).encode("ascii")


def stored(repository: Repository, gate: str, tree: str) -> bytes:
    """Return the bytes of a receipt as they are kept; b"" when there is none that can be read."""
    try:
        return _place(repository, gate, tree).read_bytes()
    except (OSError, ValueError):
        return b""


def parse(data: bytes) -> Receipt:
    """Read the bytes of a receipt.

    Raises:
        ValueError: they are none of ours, or say that something did not pass.
    """
    try:
        return _read(json.loads(data))
    except (TypeError, KeyError, AttributeError, RecursionError):
        raise ValueError("it is no receipt") from None


def objection(receipt: Receipt) -> str:
    """Say why a receipt does not count, for whatever tree: made by another version of this tool, expired; "" if not."""
    if receipt.tool != tool_version():
        return f"it was made by invoke-gitflow {receipt.tool}, and this is {tool_version()}"
    if receipt.expires is not None and time.time() >= receipt.expires:
        return "it has expired"
    return ""


def is_of_others(repository: Repository, receipt: Receipt) -> bool:
    """Whether other distributions of its tree lie here than those that the gate looked at."""
    if not receipt.artifacts:
        return False
    from release.artifacts import store  # noqa: PLC0415  # of all gates one alone needs it

    there = store.lying(repository, receipt.tree)
    return there is not None and tuple(Artifact(one.name, one.sha256) for one in there) != receipt.artifacts


def missing(repository: Repository, gates: Iterable[str], tree: str, *, whole: bool = False) -> tuple[str, ...]:
    """Return the gates that have no receipt for a tree (`whole`: for all its submodules), each once, in their order."""
    found = ((gate, find(repository, gate, tree)) for gate in dict.fromkeys(gates))
    return tuple(gate for gate, receipt in found if receipt is None or (whole and receipt.absent))


def write(repository: Repository, receipt: Receipt) -> None:
    """Store a receipt durably, in place of an older one; the newest KEPT of its gate stay."""
    place = _place(repository, receipt.gate, receipt.tree)
    _make_folder(place.parent)
    journal.replace_file(place, serialized(receipt), 0o644, ours=True)
    journal.sync(place.parent)
    _prune(place)


def withdraw(repository: Repository, gate: str, tree: str) -> None:
    """Remove the receipt of a gate for a tree, on which it has failed since, durably; without one nothing happens."""
    place = _place(repository, gate, tree)
    if place.exists():
        place.unlink(missing_ok=True)
        journal.sync(place.parent)


def folder_name(gate: str) -> str:
    """Return a folder's name that stands for this gate alone, also where upper and lower case are the same."""
    if _PLAIN.fullmatch(gate):
        return gate
    digest = hashlib.sha256(gate.encode()).hexdigest()[:12]
    return f"{_ODD.sub('-', gate.lower()).strip('-.')[:24]}+{digest}"  # no plain name has a plus


@functools.cache
def tool_version() -> str:
    """Return the version of this tool; "" when it runs without being installed."""
    import importlib.metadata  # noqa: PLC0415  # 20 ms that a gate without any receipt can do without

    try:
        return importlib.metadata.version(_DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _place(repository: Repository, gate: str, tree: str) -> Path:
    """Return where a receipt is kept.

    Raises:
        ValueError: `tree` is not an object id, and could lead elsewhere.
    """
    return journal.folder(repository) / "receipts" / folder_name(gate) / f"{tree_name(tree)}.json"


def _read(data: dict[str, Any]) -> Receipt:
    """Make a receipt of its JSON.

    Raises:
        ValueError, TypeError, KeyError, AttributeError: it is not one of ours, or says that something did not pass.
    """
    fields = dict(data)
    if fields.pop("layout") != _LAYOUT:
        raise ValueError("another layout")
    sessions = tuple(Session(*session) for session in fields.pop("sessions"))
    evidence, counts, absent = (tuple(fields.pop(name)) for name in ("evidence", "counts", "absent"))
    artifacts = tuple(Artifact(*one) for one in fields.pop("artifacts"))
    receipt = Receipt(**fields, sessions=sessions, evidence=evidence, counts=counts, artifacts=artifacts, absent=absent)
    texts = [receipt.gate, receipt.tree, receipt.commit, receipt.tool, receipt.signer, *evidence, *counts, *absent]
    texts += [*(one.name for one in sessions), *(text for one in artifacts for text in one)]
    times = (receipt.started, receipt.ended, 0 if receipt.expires is None else receipt.expires)
    if not all(isinstance(text, str) for text in texts) or not all(type(one) is int for one in times):
        raise TypeError("a field of another type")
    if not all(0 <= one < _LATEST for one in times):
        raise ValueError("a time that no clock shows")
    if receipt.result != PASSED or not sessions or not evidence or any(one.result != SUCCESS for one in sessions):
        raise ValueError("no evidence that the gate passed")
    return receipt


def _make_folder(folder: Path) -> None:
    """Make a folder and those above it, each name durable."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        journal.sync(folder.parent)


def _prune(newest: Path) -> None:
    """Remove the oldest files beside `newest`: receipts, and what a killed run left half written."""
    places = [place for place in newest.parent.iterdir() if place != newest]
    places.sort(key=_age, reverse=True)
    for place in places[KEPT - 1 :]:
        place.unlink(missing_ok=True)


def _age(place: Path) -> float:
    try:
        return place.stat().st_mtime
    except OSError:
        return 0.0  # another run removed it
