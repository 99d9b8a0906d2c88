"""Dockerfile and Containerfile: LABEL, ENV and ARG, as BuildKit's parser reads them.

Keys are an instruction and a name: `LABEL org.opencontainers.image.version`, `ARG VERSION`, `ENV MY_APP_VERSION`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from release.errors import usage
from release.formats import FormatError, Literal
from release.formats.dockerlines import Instruction, instructions, words

if TYPE_CHECKING:
    from collections.abc import Iterator

_KEY = re.compile(r"(LABEL|ENV|ARG)\s+(\S+)", re.IGNORECASE)


def find(data: bytes, keys: tuple[str, ...]) -> tuple[Literal, ...]:
    """Return the values that LABEL, ENV and ARG instructions give to the names in `keys`, in every stage.

    `ENV NAME value` counts like `ENV NAME=value`, and what stands behind ONBUILD like what does not. A value with
    `$` is computed and yields nothing, and so does an ARG without default.

    Raises:
        FormatError: a here-document without end, a quote without its partner, a word without `=` among pairs, or a
            value whose bytes are not its text (escapes, quotes inside, spread over lines).
        ReleaseError: a key that is not an instruction and a name (exit 2).
    """
    wanted = {_wanted(key): key for key in reversed(keys)}
    source = data.decode("latin-1")  # a character a byte, so that indexes are offsets
    literals = []
    for instruction in instructions(source):
        if instruction.name not in ("LABEL", "ENV", "ARG"):
            continue
        for name, start, end in _pairs(instruction):
            key = wanted.get((instruction.name, name))
            if key is not None and "$" not in instruction.text[start:end]:
                literals.append(_literal(data, instruction, key, start, end))
    return tuple(literals)


def _wanted(key: str) -> tuple[str, str]:
    match = _KEY.fullmatch(key)
    if match is None:
        hint = "write it like LABEL version, ARG VERSION or ENV MY_APP_VERSION"
        raise usage(f"cannot read the key {key!r} of a Dockerfile", hint)
    return match[1].upper(), match[2]


def _pairs(instruction: Instruction) -> Iterator[tuple[str, int, int]]:
    """Yield each name with the span of its value in the instruction's text, quotes included."""
    text = instruction.text
    spans, _ = words(text, instruction.escape)
    if spans and instruction.name != "ARG" and "=" not in text[slice(*spans[0])]:
        if len(spans) > 1:
            yield _unquoted(text[slice(*spans[0])]), spans[1][0], len(text)
        return
    for start, end in spans:
        name, equals, _ = text[start:end].partition("=")
        if equals:
            yield _unquoted(name), start + len(name) + 1, end
        elif instruction.name != "ARG":
            raise FormatError(f"{instruction.name} has a word without = (line {instruction.line})")


def _unquoted(name: str) -> str:
    quoted = len(name) > 1 and name[0] == name[-1] and name[0] in "\"'"
    return name[1:-1] if quoted else name


def _literal(data: bytes, instruction: Instruction, key: str, start: int, end: int) -> Literal:
    text = instruction.text
    if text[start : start + 1] in ("'", '"'):
        if end - start < len('""') or text[end - 1] != text[start]:
            raise FormatError(f"{key} has a quote without its partner (line {instruction.line})")
        start, end = start + 1, end - 1
    first = instruction.offset(start - 1) + 1  # an empty value has no byte of its own: count from what is before it
    last = first + end - start
    if data[first:last].decode("latin-1") != text[start:end] or set(text[start:end]) & {"'", '"', instruction.escape}:
        where = f"(line {instruction.line})"
        raise FormatError(f"{key} is written so that its bytes are not its text {where}: write it in one piece")
    return Literal(key=key, start=first, end=last, text=data[first:last].decode("utf-8", "replace"))
