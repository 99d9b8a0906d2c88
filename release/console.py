"""What people read: results on standard output, progress on standard error, and previews as unified diffs."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, TextIO

from release.terminal import BOLD, CYAN, GREEN, PLAIN, RED, colours, heard, shown, visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from release.plan import FileDiff, Plan

_CONTEXT = 3  # lines around a change, as in git
_ESCAPED = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_MISSING_NEWLINE = b"\\ No newline at end of file\n"


def say(line: str) -> None:
    """Print one line of progress."""
    _print(line, sys.stderr)


def show(text: str) -> None:
    """Print a result."""
    _print(text, sys.stdout)


def _print(text: str, stream: TextIO) -> None:
    """Print what is visible of a text, whatever the stream can encode."""
    with heard(stream):
        print(shown(text, stream), file=stream, flush=True)  # this module is the one that prints


def preview(plan: Plan) -> None:
    """Show what a plan would do: diffs on standard output (`git apply` takes them), refs and trees after them."""
    painted = colours(sys.stdout)
    for diff in plan.diffs:
        data = b"".join(unified(diff))
        with heard(sys.stdout):
            if painted:
                print(_paint(data), end="", flush=True)  # noqa: T201  # this module is the one that prints
            else:
                sys.stdout.flush()
                sys.stdout.buffer.write(data)
                sys.stdout.buffer.flush()
    for line in summary(plan):
        show(line)


def summary(plan: Plan) -> Iterator[str]:
    """Say a plan in lines: tree and commit, ref moves `name old → new`, the push, the worktrees."""
    if plan.tree:
        yield f"tree   {plan.tree}"
    for name, tree in plan.trees:
        yield f"tree   {tree} {name}"
    if plan.candidate is not None and plan.candidate.gates:
        yield f"gates  {', '.join(plan.candidate.gates)} on {plan.candidate.tree}"
    for ref in plan.refs:
        yield f"ref    {ref.name} {_oid(ref.old)} → {_oid(ref.new)}"
    if plan.push is not None:
        for ref in plan.push.updates:
            yield f"push   {plan.push.remote} {ref.name} {_oid(ref.old)} → {_oid(ref.new)}"
    if plan.request is not None and plan.request.repository:
        yield f"pull   {plan.request.repository} {plan.request.head} → {plan.request.base}"
    for move in plan.worktrees:
        place = (move.new_branch or move.new[:10]).removeprefix("refs/heads/")
        yield f"head   {move.path} → {place}"
    for note in plan.notes:
        yield f"note   {note}"


def _oid(oid: str | None) -> str:
    return oid or "(none)"


def unified(diff: FileDiff) -> Iterator[bytes]:
    """Yield a unified diff in git's extended form; nothing when both sides are equal."""
    if diff.old == diff.new:
        return
    old_name, new_name = (_quoted(side + diff.path) for side in ("a/", "b/"))
    yield b"diff --git " + old_name + b" " + new_name + b"\n"
    if diff.old is None:
        yield f"new file mode {diff.mode}\n".encode()
        old_name = b"/dev/null"
    if diff.new is None:
        yield f"deleted file mode {diff.mode}\n".encode()
        new_name = b"/dev/null"
    before, after = _lines(diff.old), _lines(diff.new)
    if before or after:
        yield b"--- " + old_name + b"\n+++ " + new_name + b"\n"
    for hunk in _hunks(before, after):
        yield from _hunk(hunk, before, after)


def _lines(data: bytes | None) -> list[bytes]:
    """Split after LF only, as git does; a CR belongs to its line."""
    lines = (data or b"").split(b"\n")
    return [line + b"\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def _hunks(before: list[bytes], after: list[bytes]) -> Iterable[list[tuple[str, int, int, int, int]]]:
    """Group changes with their context. Edits of literals keep the number of lines: compare those side by side."""
    if len(before) == len(after):
        codes = [("replace", start, end, start, end) for start, end in _runs(before, after)]
    else:
        start = next((i for i, (one, two) in enumerate(zip(before, after, strict=False)) if one != two), None)
        start = min(len(before), len(after)) if start is None else start
        most = min(len(before), len(after)) - start
        end = next((i for i in range(most) if before[-1 - i] != after[-1 - i]), most)
        import difflib  # noqa: PLC0415  # only a changelog changes its number of lines

        matcher = difflib.SequenceMatcher(
            None, before[start : len(before) - end], after[start : len(after) - end], autojunk=False
        )
        codes = [
            (tag, a + start, b + start, c + start, d + start)
            for tag, a, b, c, d in matcher.get_opcodes()
            if tag != "equal"
        ]
    groups: list[list[tuple[str, int, int, int, int]]] = []
    for code in codes:
        if groups and code[1] - groups[-1][-1][2] <= 2 * _CONTEXT:
            groups[-1].append(code)
        else:
            groups.append([code])
    return groups


def _runs(before: list[bytes], after: list[bytes]) -> Iterator[tuple[int, int]]:
    """Yield start and end of each run of lines that differ, of two lists of the same length."""
    start = -1
    for number, (one, two) in enumerate(zip([*before, b""], [*after, b""], strict=True)):
        if one != two and start < 0:
            start = number
        elif one == two and start >= 0:
            yield start, number
            start = -1


def _hunk(codes: list[tuple[str, int, int, int, int]], before: list[bytes], after: list[bytes]) -> Iterator[bytes]:
    first, last = codes[0], codes[-1]
    lead = min(_CONTEXT, first[1])
    trail = min(_CONTEXT, len(before) - last[2])
    old, new = first[1] - lead, first[3] - lead
    sizes = last[2] + trail - old, last[4] + trail - new
    yield f"@@ -{_range(old, sizes[0])} +{_range(new, sizes[1])} @@\n".encode()
    position = old
    for _, start, end, new_start, new_end in codes:
        yield from (_line(b" ", line) for line in before[position:start])
        yield from (_line(b"-", line) for line in before[start:end])
        yield from (_line(b"+", line) for line in after[new_start:new_end])
        position = end
    yield from (_line(b" ", line) for line in before[position : position + trail])


def _range(start: int, size: int) -> str:
    return f"{start + 1}" if size == 1 else f"{start + 1 if size else start},{size}"


def _line(mark: bytes, line: bytes) -> bytes:
    return mark + line if line.endswith(b"\n") else mark + line + b"\n" + _MISSING_NEWLINE


def _quoted(path: str) -> bytes:
    """Quote a path as git does (core.quotePath) when it holds more than printable ASCII."""
    raw = os.fsencode(path)
    if all(32 <= byte < 127 and byte not in b'"\\' for byte in raw):  # noqa: PLR2004  # printable ASCII
        return raw
    text = "".join(
        _ESCAPED.get(chr(byte), chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}")  # noqa: PLR2004
        for byte in raw
    )
    return f'"{text}"'.encode()


def _paint(data: bytes) -> str:
    colour = {"-": RED, "+": GREEN, "@": CYAN}
    lines = []
    for line in data.decode("utf-8", "replace").splitlines():
        head = line.startswith(("diff --git", "--- ", "+++ ", "new file", "deleted file"))
        tint = BOLD if head else colour.get(line[:1], "")
        lines.append(f"{tint}{visible(line)}{PLAIN if tint else ''}\n")
    return "".join(lines)
