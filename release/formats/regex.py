"""A regular expression, for files of no other format: `{version}` in it is where the literal stands."""

from __future__ import annotations

import functools
import re
from bisect import bisect_left
from codecs import BOM_UTF8

from release.errors import usage
from release.formats import Literal, shifted

_PLACE = "{version}"
# Something like a version, in any of our spellings; never the front part of a longer number.
_WORD = (
    r"(?P<version>(?:(?<![0-9A-Za-z])[vV])?[0-9]+(?:\.[0-9]+)*"
    r"(?:[-._]?(?:alpha|beta|preview|pre|rc|a|b|c)[-._]?[0-9]+|-(?:alpha|beta|rc)(?![0-9A-Za-z]))?"
    r"(?:-0\.dev\.[0-9]+|[-._]?dev[-._]?[0-9]+)?(?![0-9]))"
)


def find(data: bytes, keys: tuple[str, ...]) -> tuple[Literal, ...]:
    r"""Return what stands at `{version}` in every match of the patterns `keys`.

    Patterns are Python's, with `^` and `$` at every line (MULTILINE). The text is UTF-8, else Latin-1; its line ends
    look like `\n` to the pattern, whatever they are. `{version}` takes a version-like word, a leading `v` included
    unless the pattern has it. Matches are not empty and do not overlap.

    Raises:
        ReleaseError: `{version}` does not occur exactly once, or this is no regular expression (exit 2).
    """
    patterns = [(key, _compiled(key)) for key in keys]
    body = data.removeprefix(BOM_UTF8)
    try:
        encoding, text = "utf-8", body.decode()
    except UnicodeDecodeError:
        encoding, text = "latin-1", body.decode("latin-1")
    ends = [match.start() - number for number, match in enumerate(re.finditer("\r\n", text))]
    plain = text.replace("\r\n", "\n")

    def offset(index: int) -> int:
        whole = index + bisect_left(ends, index)
        return whole if body.isascii() else len(text[:whole].encode(encoding))

    found = {
        match.span("version"): (key, match["version"])
        for key, pattern in reversed(patterns)
        for match in pattern.finditer(plain)
    }
    literals = [
        Literal(key=key, start=offset(start), end=offset(end), text=word) for (start, end), (key, word) in found.items()
    ]
    return shifted(literals, len(data) - len(body))


@functools.lru_cache(maxsize=64)
def _compiled(key: str) -> re.Pattern[str]:
    if key.count(_PLACE) != 1:
        raise usage(f"the pattern {key!r} does not hold {_PLACE} exactly once", f"put {_PLACE} where the version is")
    try:
        return re.compile(key.replace(_PLACE, _WORD), re.MULTILINE)
    except (re.error, OverflowError, RecursionError) as error:
        raise usage(f"the pattern {key!r} is not a regular expression: {error}") from error
