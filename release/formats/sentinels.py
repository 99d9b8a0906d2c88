"""Finding the bytes of a value with a parser that tells no positions, as TOML's and JSON's fast ones do not.

The file is parsed once to learn the value at the key. Wherever that value stands between quotes it is replaced by
a sentinel with a number; the file is parsed again, and the sentinel that is then at the key says which bytes those
are. Comments, other keys and multi-line strings that hold the same text get sentinels too, which end up elsewhere.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from release.formats import FormatError, Literal
from release.formats.keys import at, parse, resolve

if TYPE_CHECKING:
    from collections.abc import Callable

    from release.formats.keys import Path

    Parser = Callable[[bytes], object]
    Span = tuple[int, int]

_TRIES = 64  # parses at most, where one for all candidates is not enough


def locate(data: bytes, keys: tuple[str, ...], parser: Parser, quotes: str) -> tuple[Literal, ...]:
    """Return the literals at `keys`: strings between one of `quotes`. Tables, booleans and null are no versions.

    `parser` takes UTF-8 without BOM and returns dicts, lists and scalars, or raises FormatError.

    Raises:
        FormatError: from the parser; a value that is a number or date; a string written with escapes.
    """
    document = parser(data)
    places: dict[Path, tuple[str, str]] = {}
    for key in keys:
        for path, value in resolve(document, parse(key)):
            if isinstance(value, str):
                places.setdefault(path, (key, value))
            elif value is not None and not isinstance(value, (dict, list, bool)):
                raise FormatError(f'{key} is not a string: write it in quotes, "{value}"')
    if not places:
        return ()
    candidates = _candidates(data, {value for _, value in places.values()}, quotes)
    chosen = _chosen(data, candidates, parser, list(places))
    literals = []
    for path, (key, value) in places.items():
        span = chosen.get(path)
        if span is None or data[slice(*span)] != _encoded(value):
            raise FormatError(f"{key} is written with escapes, so that its bytes are not its text")
        literals.append(Literal(key=key, start=span[0], end=span[1], text=value))
    return tuple(literals)


def _candidates(data: bytes, values: set[str], quotes: str) -> list[Span]:
    """Return where one of `values` stands directly between two equal quotes, without overlap, in file order."""
    words = b"|".join(re.escape(_encoded(value)) for value in sorted(values))
    between = b"|".join(b"(?<=%b)(?:%b)(?=%b)" % (quote, words, quote) for quote in map(str.encode, quotes))
    return [match.span() for match in re.finditer(between, data)]


def _encoded(value: str) -> bytes:
    """Return a value's bytes; JSON can escape half a surrogate pair, which then simply is not found."""
    return value.encode("utf-8", "surrogatepass")


def _chosen(data: bytes, candidates: list[Span], parser: Parser, paths: list[Path]) -> dict[Path, Span]:
    """Return the candidate at each path. Where a path itself holds the value, all at once cannot tell: one by one."""
    prefix = b"sentinel"
    while prefix in data:
        prefix += b"_"
    chosen = _marked(data, dict(enumerate(candidates)), prefix, parser, paths)
    for number, span in enumerate(candidates[:_TRIES]):
        if len(chosen) == len(paths):
            break
        chosen |= _marked(data, {number: span}, prefix, parser, paths)
    return chosen


def _marked(
    data: bytes, candidates: dict[int, Span], prefix: bytes, parser: Parser, paths: list[Path]
) -> dict[Path, Span]:
    parts: list[bytes] = []
    position = 0
    for number, (start, end) in candidates.items():
        parts += [data[position:start], b"%b%d" % (prefix, number)]
        position = end
    try:
        document = parser(b"".join([*parts, data[position:]]))
    except FormatError:  # an empty value stands inside the three quotes of a longer string, too
        return {}
    names = {f"{prefix.decode()}{number}": span for number, span in candidates.items()}
    values = ((path, at(document, path)) for path in paths)
    return {path: names[value] for path, value in values if isinstance(value, str) and value in names}
