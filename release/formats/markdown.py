"""The blocks of Markdown (CommonMark 0.31) that say where a changelog's sections are: headings, code, HTML, links."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_INDENT_OF_CODE = 4  # columns (CommonMark §4.4)

_HEADING = re.compile(r" {0,3}(#{1,6})(?=\s|$)(.*)", re.DOTALL)
_UNDERLINE = re.compile(r" {0,3}(?:=+|-+)")
# Blocks that are no paragraph, and that end one: list items, quotes, ATX headings, thematic breaks.
_NO_PARAGRAPH = re.compile(
    r" {0,3}(?:(?:[-*+]|[0-9]{1,9}[.)])(?:\s|$)|>|#{1,6}(?:\s|$)|(?:-[ \t]*){3,}$|(?:_[ \t]*){3,}$|(?:\*[ \t]*){3,}$)"
)
_BREAK = re.compile(r" {0,3}(?:(?:-[ \t]*){3,}|(?:_[ \t]*){3,}|(?:\*[ \t]*){3,})")
_DEFINITION = re.compile(r" {0,3}\[(?!\^)((?:[^\[\]\\]|\\.)+)\]:\s*\S")
_FENCE = re.compile(r"([ \t]*(?:(?:[-*+]|[0-9]{1,9}[.)])[ \t]+)*)(`{3,}(?=[^`]*$)|~{3,})")
_COMMENT, _COMMENT_ENDS = re.compile(r" {0,3}<!--"), re.compile(r"-->")
# HTML blocks (§4.6) that end with a text and not with a blank line.
_HTML = (
    (_COMMENT, _COMMENT_ENDS),
    (
        re.compile(r" {0,3}<(?:pre|script|style|textarea)(?=[\s>]|$)", re.IGNORECASE),
        re.compile(r"</(?:pre|script|style|textarea)>", re.IGNORECASE),
    ),
)


def heading(line: str) -> tuple[int, str] | None:
    """Return level and text of an ATX heading, or None."""
    match = _HEADING.fullmatch(line)
    if match is None:
        return None
    text = match[2].strip()
    bare = text.rstrip("#")  # a closing run of "#" has to stand by itself
    return len(match[1]), bare.rstrip() if bare[-1:] in {"", " ", "\t"} else text


def is_break(line: str) -> bool:
    """Whether a line that goes on no paragraph is a thematic break (§4.1)."""
    return _BREAK.fullmatch(line.rstrip()) is not None


def underlined(lines: Sequence[str]) -> list[range]:
    """Return the Setext headings (§4.3), each as the indexes of its lines without the underline.

    Text that goes on a list item without an indent counts as well: CommonMark has it in the item, others do not.
    """
    found = []
    start: int | None = None  # of the paragraph
    for at, (line, is_text) in enumerate(zip(lines, is_prose(lines), strict=True)):
        bare = line.rstrip()
        if start is not None and is_text and _UNDERLINE.fullmatch(bare):
            found.append(range(start, at))
            start = None
        elif not bare or not is_text or _NO_PARAGRAPH.match(bare):
            start = None
        elif start is None and not _is_code(bare) and not label(bare):
            start = at
    return found


def _is_code(line: str) -> bool:
    """Whether a line that goes on no paragraph is indented code (§4.4)."""
    columns = line.expandtabs(_INDENT_OF_CODE)
    return len(columns) - len(columns.lstrip(" ")) >= _INDENT_OF_CODE


def is_prose(lines: Sequence[str]) -> list[bool]:
    """Say for each line whether it may be a heading or a list item: not inside fenced code or an HTML block.

    A block that nothing closes is none. CommonMark lets it run to the end of the file, where it would hide every
    section; somebody forgot a line there.
    """
    prose = [True] * len(lines)
    at = 0
    while at < len(lines):
        closing, indent, prose[at] = _block_opened(lines[at].rstrip())
        end = at if closing is None else _block_end(lines, at + 1, closing, indent)
        if end is None:
            prose[at], end = True, at
        prose[at + 1 : end + 1] = [False] * (end - at)
        at = end + 1
    return prose


def _block_end(lines: Sequence[str], at: int, closing: re.Pattern[str], indent: int) -> int | None:
    """Return the last line of a block that goes on at line `at`; None if nothing closes it.

    A fence in a list item is closed by the item's end too, a line that stands left of `indent`; a comment is not closed
    by the end of another.
    """
    for index in range(at, len(lines)):
        bare = lines[index].rstrip()
        if indent and bare and len(bare) - len(bare.lstrip()) < indent:
            return index - 1
        if closing is _COMMENT_ENDS and _COMMENT.match(bare):
            return None
        if closing.search(bare):
            return index
    return len(lines) - 1 if indent else None


def _block_opened(line: str) -> tuple[re.Pattern[str] | None, int, bool]:
    """Return how the block that `line` opens is closed, the indent it asks for, and whether the line is prose."""
    fence = _FENCE.match(line)
    if fence is not None:
        prefix, mark = fence.groups()
        indent = len(prefix) if prefix.strip() else 0
        if indent or len(prefix.expandtabs(_INDENT_OF_CODE)) < _INDENT_OF_CODE:
            return re.compile(rf"^[ \t]*{mark[0]}{{{len(mark)},}}[ \t]*$"), indent, bool(indent)
    for start, stop in _HTML:
        opened = start.match(line)
        if opened is not None:
            return (None if stop.search(line, opened.end()) else stop), 0, False
    return None, 0, True


def label(line: str) -> str:
    """Return the label of a link reference definition, normalised as CommonMark matches it; "" if it is none."""
    match = _DEFINITION.match(line)
    return " ".join(match[1].split()).casefold() if match else ""
