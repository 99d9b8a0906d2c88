"""Finding every point of a run: its git calls, and the system calls of git and of our own process that matter."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from crash.killing import Point, Run, started

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping
    from pathlib import Path

    from crash.cases import Case
    from crash.stage import Stage

# Git calls that write something somebody may see or that a later step needs; the others are reached by every run too,
# but a kill inside them is a kill between two calls.
WRITING = frozenset(
    {"fetch", "unpack-objects", "index-pack", "push", "update-ref", "read-tree", "symbolic-ref", "update-index",
     "checkout-index", "commit-tree", "write-tree", "worktree-add", "worktree-remove", "worktree-prune"}
)  # fmt: skip
# Objects are stored one after another and mean nothing before a ref names them: of these points every few are taken.
STRIDES = {"unpack-objects": 9, "fetch": 9}
# A checkout writes one file after another; one task is struck at every point of it, the others at every few.
THIN = {"unpack-objects": 30, "fetch": 30, "read-tree": 8, "worktree-remove": 4}
_LAST = 5  # points of a call that are taken in any case: there its work comes to light
_NAME = re.compile(r'"([^"]*)"|\A\d+<([^>]*)>')
_LINE = re.compile(r"(?:(\d+) +)?(\w+)\((.*)")
_ONLY_WITH = {"open": ("O_CREAT", "O_TRUNC"), "openat": ("O_CREAT", "O_TRUNC")}
_BY_DESCRIPTOR = ("write", "pwrite64")
# How many files are opened before one is made can hang on times and on other processes; its name does not. Nor does
# how often we write to it, as we write to pipes too.
_BY_NAME = ("open", "openat")
_RANDOM = re.compile(r"tmp_obj|bulk_fsync|incoming-|bulk-fsync")


_SYNCS = ("fsync", "fdatasync", "sync_file_range")


@dataclass(frozen=True, kw_only=True)
class Points:
    """The points of one task. `between` are those `calls` at which not the same lies on disk as at the one before.

    `skipped` counts those that were left out as equivalent, of `calls` and `between`, of `inside` and of `own`.
    """

    calls: tuple[Point, ...]
    between: tuple[Point, ...]
    inside: tuple[Point, ...]
    own: tuple[Point, ...]
    skipped: Mapping[str, int]


def find(stage: Stage, case: Case, *, origin: str = "start", strides: Mapping[str, int] = STRIDES) -> Points:
    """Run a task twice from the kept state `origin`, undisturbed but under strace; list its points in their order."""
    known = (case.name, tuple(strides.items()))
    if origin != "start" or known not in stage.points:
        stage.points[known] = _find(stage, case, origin, strides)
    return stage.points[known]


def _find(stage: Stage, case: Case, origin: str, strides: Mapping[str, int]) -> Points:
    stage.restore(origin)
    with started(stage, case, trace="git") as run:
        run.wait()
        names = run.calls()
        # A reader that our process ends itself has no "after".
        over = {name for name in names if "+++ exited with" in _trace(run, name).read_text(errors="replace")}
        inside = [
            replace(point, when="inside", call=name)
            for name in names
            if name.split()[0] in WRITING
            for point in _matter(_trace(run, name), stage.slot)
        ]
    stage.restore(origin)
    with started(stage, case, trace="own") as run:
        run.wait()
        own = _matter(run.folder / "own.trace", stage.slot, named=(*_BY_NAME, *_BY_DESCRIPTOR))
    telling = [name for name in names if _tells(name, names)]
    calls = [
        Point(when=when, call=name)
        for name in telling
        for when in ("before", "after")
        if when == "before" or name in over
    ]
    between = tuple(_edges(calls))
    kept = tuple(_thinned(_seen(inside), strides))
    seen = tuple(_seen(own))
    skipped = {
        "calls": len(names) - len(telling),
        "between": len(calls) - len(between),
        "inside": len(inside) - len(kept),
        "own": len(own) - len(seen),
    }
    return Points(calls=tuple(calls), between=between, inside=kept, own=seen, skipped=skipped)


def _tells(call: str, calls: list[str]) -> bool:
    """Leave out what is read between the first and the last of many equal readers."""
    name, number = call.split()
    return name in WRITING or number == "1" or f"{name} {int(number) + 1}" not in calls


def _edges(calls: Iterable[Point]) -> Iterator[Point]:
    """Of readers one after another keep the first and the last: they change nothing."""
    for writes, group in itertools.groupby(calls, lambda point: point.call.split()[0] in WRITING):
        points = list(group)
        yield from points if writes else dict.fromkeys((points[0], points[-1]))


def _seen(points: Iterable[Point]) -> Iterator[Point]:
    """Of syncs one after another keep the first: at all of them the same files lie there."""
    for (_, syncs), group in itertools.groupby(points, lambda point: (point.call, point.system_call in _SYNCS)):
        found = list(group)
        yield from found[:1] if syncs else found


def _trace(run: Run, call: str) -> Path:
    return run.folder / f"{call.replace(' ', '.')}.trace"


def _thinned(points: Iterable[Point], strides: Mapping[str, int]) -> Iterator[Point]:
    """Leave out points of the calls that have a stride, but not the last ones."""
    for call, group in itertools.groupby(points, lambda point: point.call):
        found = list(group)
        stride = strides.get(call.split()[0], 1)
        last = len(found) - _LAST
        yield from (point for number, point in enumerate(found) if number % stride == 0 or number >= last)


def _matter(trace: Path, slot: Path, *, named: Container[str] = _BY_NAME) -> list[Point]:
    """The system calls that change a file of the project, each with its number in the process that made it.

    Calls that are `named` are counted for each file. Where several processes reach the same number of the same call,
    strace ends the first: the point counts once.
    """
    counts: Counter[tuple[str, str, str]] = Counter()
    found: dict[Point, None] = {}
    for line in trace.read_text(errors="replace").splitlines():
        match = _LINE.match(line)
        if match is None:
            continue
        process, call, rest = match.groups()
        name = _NAME.search(rest) if call in named else None
        path = (name[1] or name[2] or "") if name else ""
        path = "" if _RANDOM.search(path) else path
        for counted in {"", path}:
            counts[process, call, counted] += 1
        if _changes(call, rest, str(slot)):
            number = counts[process, call, path]
            found[Point(when="own", system_call=call, number=number, path=path)] = None
    return list(found)


def _changes(call: str, rest: str, slot: str) -> bool:
    """Whether a system call, with what strace says of its arguments and result, changes or syncs what is ours."""
    arguments, _, result = rest.rpartition(" = ")
    if result.startswith("-1 "):
        return False
    if call in _BY_DESCRIPTOR:
        return f"<{slot}/" in arguments.partition(",")[0]
    flags = _ONLY_WITH.get(call)
    if flags is not None and not any(flag in arguments for flag in flags):
        return False
    elsewhere = [path for path in re.findall(r'["<](/[^">]*)', arguments) if not path.startswith(slot)]
    return not elsewhere
