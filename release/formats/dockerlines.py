"""The lines of a Dockerfile: which of them make an instruction, as BuildKit's parser (frontend/dockerfile) has it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from release.formats import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterator

_BOM = "\xef\xbb\xbf"  # as Latin-1
_BLANKS = " \t\v\f\r\n"
_DIRECTIVE = re.compile(r"#[ \t]*([A-Za-z][A-Za-z0-9]*)[ \t]*=(.+)")
_SPLIT = re.compile(r"[ \t\v\f\r]*([^ \t\v\f\r]+)[ \t\v\f\r]*")
_HEREDOC = re.compile(r"[0-9]*<<(-?)([^<]+)")


class Instruction(NamedTuple):
    """One instruction, its lines joined."""

    name: str  # upper case
    text: str  # what follows the name, without blanks around it
    line: int  # of its first line, from 1
    escape: str  # the escape character, ` or \
    pieces: list[tuple[int, str]]  # its lines, each with the byte where it starts in the file
    skipped: int  # characters of the joined lines before `text`

    def offset(self, index: int) -> int:
        """Return the byte at which `text[index]` stands in the file."""
        rest = index + self.skipped
        for start, piece in self.pieces:
            if rest < len(piece):
                return start + rest
            rest -= len(piece)
        raise IndexError(index)


class _Lines:
    """The physical lines of a file one after the other, without their ends, each with the offset where it starts."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._position = len(_BOM) if source.startswith(_BOM) else 0
        self.number = 0

    def __iter__(self) -> Iterator[tuple[int, str]]:
        return self

    def __next__(self) -> tuple[int, str]:
        if self._position >= len(self._source):
            raise StopIteration
        start = self._position
        end = self._source.find("\n", start)
        self._position = len(self._source) if end < 0 else end + 1
        self.number += 1
        return start, self._source[start : self._position].rstrip("\r\n")


def instructions(source: str) -> Iterator[Instruction]:
    r"""Yield the instructions of a file that was decoded as Latin-1; here-documents are skipped.

    An instruction goes on after a line that ends in the escape character (set by `# escape=`, else `\`); comments
    and empty lines in between do not end it.

    Raises:
        FormatError: a here-document without end, or an escape directive other than ` and \.
    """
    lines = _Lines(source)
    escape = _escape(source)
    continued = re.compile(rf"(?<!{re.escape(escape)}){re.escape(escape)}[ \t]*\Z")
    for start, line in lines:
        if _is_idle(line):
            continue
        number = lines.number
        pieces = _joined(start, line, lines, continued)
        text = "".join(piece for _, piece in pieces)
        match = _SPLIT.match(text)
        if match is not None and match[1].upper() == "ONBUILD":
            match = _SPLIT.match(text, match.end())
        if match is None:
            continue
        found = Instruction(
            name=match[1].upper(),
            text=text[match.end() :].rstrip(_BLANKS),
            line=number,
            escape=escape,
            pieces=pieces,
            skipped=match.end(),
        )
        yield found
        _skip_heredocs(found, lines)


def _escape(source: str) -> str:
    """Return the escape character; directives are comments before anything else."""
    for _, line in _Lines(source):
        match = _DIRECTIVE.fullmatch(line.lstrip(_BLANKS))
        if match is None:
            break
        if match[1].lower() == "escape":
            escape = match[2].strip(_BLANKS)
            if escape not in ("\\", "`"):
                raise FormatError(f"the escape directive is neither ` nor \\: {escape!r}")
            return escape
    return "\\"


def _is_idle(line: str) -> bool:
    """Whether a line is empty or a comment."""
    return line.lstrip(_BLANKS)[:1] in ("", "#")


def _joined(start: int, line: str, lines: _Lines, continued: re.Pattern[str]) -> list[tuple[int, str]]:
    pieces = []
    while end := continued.search(line):
        pieces.append((start, line[: end.start()]))
        start, line = next(((at, more) for at, more in lines if not _is_idle(more)), (start, ""))
    return [*pieces, (start, line)]


def words(text: str, escape: str) -> tuple[list[tuple[int, int]], bool]:
    """Return the spans of the words of an instruction, and whether every quote in it has its partner.

    Quotes and escaped blanks keep a word together.
    """
    spans = []
    position, start, quote = 0, -1, ""
    while position < len(text):
        character = text[position]
        if start < 0 and character not in _BLANKS:
            start = position
        if quote:
            quote = "" if character == quote else quote
        elif character in _BLANKS and start >= 0:
            spans.append((start, position))
            start = -1
        elif character in "\"'":
            quote = character
        position += 2 if character == escape and quote != "'" else 1
    if start >= 0:
        spans.append((start, len(text)))
    return spans, not quote


def _skip_heredocs(instruction: Instruction, lines: _Lines) -> None:
    """Pass over the here-documents that RUN, COPY and ADD announce.

    Within quotes, and so in the exec form, there are none, nor in a line with an open quote.
    """
    text = instruction.text
    if instruction.name not in ("RUN", "COPY", "ADD") or "<<" not in text:
        return
    spans, is_closed = words(text, "\\")  # whatever the file's escape character is
    for start, end in spans if is_closed else ():
        match = _HEREDOC.fullmatch(text, start, end)
        name = re.sub(r"[\"'\\]", "", match[2]) if match is not None else ""
        if match is None or not name:
            continue
        if not any((line.lstrip("\t") if match[1] else line) == name for _, line in lines):
            raise FormatError(f"the here-document {name!r} of line {instruction.line} does not end")
