"""Where a version stands in a file: one module a format, found by a parser, named by byte spans."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, NamedTuple

from release.errors import usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

LARGEST = 16 * 1024 * 1024  # bytes; no file that people write by hand is larger


class Literal(NamedTuple):
    """The bytes `data[start:end]` of a file, which are the version's text and nothing else: no quotes, no blanks."""

    key: str
    start: int
    end: int
    text: str


class FormatError(Exception):
    """The file cannot be read as its format, or a value stands there in a way that cannot be edited by bytes."""


# One line a format. Imported when first used: a project without YAML does not pay for a YAML parser.
_MODULES = {
    "text": "release.formats.text",
    "toml": "release.formats.toml",
    "yaml": "release.formats.yaml",
    "json": "release.formats.json",
    "python": "release.formats.python",
    "dockerfile": "release.formats.dockerfile",
    "regex": "release.formats.regex",
}
FORMATS = tuple(_MODULES)


def find(format_name: str, data: bytes, keys: Iterable[str]) -> tuple[Literal, ...]:
    """Return the literals that stand at `keys`, in file order; a key that is absent yields nothing.

    Raises:
        FormatError: not parsable, binary, over 16 MiB, or a literal is written so that its bytes are not its text.
        ReleaseError: `format_name` or a key is not one that exists or can be read (exit 2).
    """
    if format_name not in _MODULES:
        raise usage(f"unknown format {format_name!r}", f"known formats: {', '.join(_MODULES)}")
    if len(data) > LARGEST:
        raise FormatError(f"larger than {LARGEST // 1024 // 1024} MiB")
    if b"\0" in data:
        raise FormatError("binary (holds a NUL byte)")
    finder: Callable[[bytes, tuple[str, ...]], tuple[Literal, ...]] = importlib.import_module(
        _MODULES[format_name]
    ).find
    return tuple(sorted(finder(data, tuple(keys)), key=lambda literal: literal.start))


def shifted(literals: Iterable[Literal], by: int) -> tuple[Literal, ...]:
    """Return literals that were found in data without its first `by` bytes, such as a byte order mark."""
    return tuple(found._replace(start=found.start + by, end=found.end + by) if by else found for found in literals)


def splice(data: bytes, edits: Iterable[tuple[Literal, str]]) -> bytes:
    """Replace each literal by its new text; every other byte stays. New text is ASCII, as versions are."""
    parts: list[bytes] = []
    position = 0
    for literal, text in sorted(edits, key=lambda edit: edit[0].start):
        parts += [data[position : literal.start], text.encode("ascii")]
        position = literal.end
    return b"".join([*parts, data[position:]])
