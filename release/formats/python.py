"""Python source: module-level assignments such as `__version__ = "1.0.0"`."""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings
from codecs import BOM_UTF8
from typing import TYPE_CHECKING

from release.errors import usage
from release.formats import FormatError, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# How a string is written whose bytes are its text: one piece, no bytes, no f-string.
_PLAIN = re.compile(r"""[rRuU]?("{3}|'{3}|"|')(?P<text>.*)\1""", re.DOTALL)
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")  # not str.splitlines: a form feed ends no line of Python


def find(data: bytes, keys: tuple[str, ...]) -> tuple[Literal, ...]:
    """Return the strings assigned to the names `keys` at module level, also below if, else, try, except and with.

    What is computed (a call, an f-string, a sum) yields nothing; several assignments yield several literals. A file
    that does not hold the name is not parsed.

    Raises:
        FormatError: not Python (as this interpreter reads it), or a string with escapes or of several pieces.
        ReleaseError: a key that is no name (exit 2).
    """
    if wrong := [key for key in keys if not key.isidentifier()]:
        raise usage(f"{wrong[0]!r} is not a name in Python", "the key is the name assigned to, such as __version__")
    if not any(key.encode() in data for key in keys):
        return ()
    text, encoding = _decoded(data)
    source = _Source(text, encoding, len(BOM_UTF8) if data.startswith(BOM_UTF8) else 0)
    found = []
    for statement in _statements(_parsed(text).body):
        value = statement.value
        names = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        key = next((name.id for name in names if isinstance(name, ast.Name) and name.id in keys), None)
        if key is not None and isinstance(value, ast.Constant) and isinstance(value.value, str):
            found.append(source.literal(key, value, value.value))
    if any(data[literal.start : literal.end] != source.encoded(literal.text) for literal in found):
        raise FormatError(f"its encoding {encoding} does not let a literal be found by bytes")
    return tuple(found)


def _decoded(data: bytes) -> tuple[str, str]:
    """Return the text without BOM, and the encoding that PEP 263 gives it."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        text = data.decode(encoding)
    except (SyntaxError, ValueError, LookupError) as error:
        raise FormatError(f"not Python: {error}") from error
    return text, "utf-8" if encoding == "utf-8-sig" else encoding


def _parsed(text: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes are their author's affair
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise FormatError(f"not Python: {error}") from error


def _statements(body: Iterable[ast.stmt]) -> Iterator[ast.Assign | ast.AnnAssign]:
    """Yield the assignments that run at module level, in file order."""
    for statement in body:
        if isinstance(statement, (ast.Assign, ast.AnnAssign)):
            yield statement
        elif isinstance(statement, (ast.If, ast.Try, ast.With)):
            for part in ("body", "handlers", "orelse", "finalbody"):
                for inner in getattr(statement, part, ()):
                    yield from _statements(inner.body if isinstance(inner, ast.ExceptHandler) else [inner])


class _Source:
    """A text, to turn the line and column of a node (UTF-8 bytes, from `ast`) into the place in the file."""

    def __init__(self, text: str, encoding: str, offset: int) -> None:
        self.text = text
        self.encoding = encoding
        self.offset = offset
        self.lines = [match.start() for match in _LINE.finditer(text)]

    def literal(self, key: str, node: ast.Constant, value: str) -> Literal:
        end_line, end_column = node.end_lineno or node.lineno, node.end_col_offset or 0
        start, end = self._index(node.lineno, node.col_offset), self._index(end_line, end_column)
        match = _PLAIN.fullmatch(self.text, start, end)
        if match is None or match["text"] != value:
            raise FormatError(
                f"{key} is written so that its bytes are not its text (line {node.lineno}): write it as one string "
                "without escapes"
            )
        first, last = (len(self.encoded(self.text[:index])) + self.offset for index in match.span("text"))
        return Literal(key=key, start=first, end=last, text=value)

    def encoded(self, text: str) -> bytes:
        try:
            return text.encode(self.encoding)
        except ValueError as error:  # encodings exist that cannot write what they read
            raise FormatError(f"its encoding {self.encoding} cannot be written: {error}") from error

    def _index(self, line: int, column: int) -> int:
        start = self.lines[line - 1]
        return start + len(self.text[start : start + column].encode()[:column].decode(errors="ignore"))
