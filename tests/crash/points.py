"""Finding every point of a run: its git calls, and the system calls of git and of our own process that matter."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crash.killing import Point, Run, started

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from crash.cases import Case
    from crash.stage import Stage

# Git calls that write something somebody may see or that a later step needs; the others are reached by every run too,
# but a kill inside them is a kill between two calls.
WRITING = frozenset(
    {"fetch", "unpack-objects", "index-pack", "push", "update-ref", "read-tree", "symbolic-ref", "update-index",
     "checkout-index", "commit-tree"}
)  # fmt: skip
# Objects are stored one after another and mean nothing before a ref names them: of these points every few are taken.
STRIDES = {"unpack-objects": 9, "fetch": 9}
_LINE = re.compile(r"(?:(\d+) +)?(\w+)\((.*)")
_ONLY_WITH = {"open": ("O_CREAT", "O_TRUNC"), "openat": ("O_CREAT", "O_TRUNC")}
_BY_DESCRIPTOR = ("write", "pwrite64")


@dataclass(frozen=True, kw_only=True)
class Points:
    """The points of one task. `skipped` counts those that were left out as equivalent."""

    calls: tuple[Point, ...]
    inside: tuple[Point, ...]
    own: tuple[Point, ...]
    skipped: int


def find(stage: Stage, case: Case) -> Points:
    """Run a task three times undisturbed, twice under strace, and list its points in their order."""
    stage.restore("start")
    with started(stage, case, trace="git") as run:
        run.wait()
        names = run.calls()
        # A reader that our process ends itself has no "after".
        over = {name for name in names if "+++ exited with" in _trace(run, name).read_text(errors="replace")}
        inside = [
            Point(when="inside", call=name, system_call=call, number=number)
            for name in names
            if name.split()[0] in WRITING
            for call, number in _matter(_trace(run, name), stage.slot)
        ]
    stage.restore("start")
    with started(stage, case, trace="own") as run:
        run.wait()
        own = [
            Point(when="own", system_call=call, number=number)
            for call, number in _matter(run.folder / "own.trace", stage.slot)
        ]
    kept = tuple(_thinned(inside))
    return Points(
        calls=tuple(
            Point(when=when, call=name)
            for name in names
            for when in ("before", "after")
            if when == "before" or name in over
        ),
        inside=kept,
        own=tuple(own),
        skipped=len(inside) - len(kept),
    )


def _trace(run: Run, call: str) -> Path:
    return run.folder / f"{call.replace(' ', '.')}.trace"


def _thinned(points: list[Point]) -> Iterator[Point]:
    """Leave out points between the first and the last few of a call that only stores objects."""
    total = Counter(point.call for point in points)
    seen: Counter[str] = Counter()
    for point in points:
        seen[point.call] += 1
        stride = STRIDES.get(point.call.split()[0], 1)
        if seen[point.call] % stride == 1 % stride or total[point.call] - seen[point.call] < stride:
            yield point


def _matter(trace: Path, slot: Path) -> Iterator[tuple[str, int]]:
    """The system calls that change a file of the project, each with its number in the process that made it.

    Where several processes reach the same number of the same call, strace ends the first: the point counts once.
    """
    counts: Counter[tuple[str, str]] = Counter()
    told = set()
    for line in trace.read_text(errors="replace").splitlines():
        match = _LINE.match(line)
        if match is None:
            continue
        process, call, rest = match.groups()
        counts[process, call] += 1
        point = (call, counts[process, call])
        if point not in told and _changes(call, rest, str(slot)):
            told.add(point)
            yield point


def _changes(call: str, rest: str, slot: str) -> bool:
    if re.search(r"= -1 E\w+", rest):
        return False
    if call in _BY_DESCRIPTOR:
        return f"<{slot}/" in rest.partition(",")[0]
    flags = _ONLY_WITH.get(call)
    if flags is not None and not any(flag in rest for flag in flags):
        return False
    return slot in rest or not re.search(r'"/|<(?:/|pipe|socket)', rest.partition(" = ")[0].replace("<" + slot, ""))
