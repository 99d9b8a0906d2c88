"""Terminals: what a stream takes, and text that no terminal obeys."""

from __future__ import annotations

import contextlib
import errno
import os
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator

RED, GREEN, CYAN, BOLD, PLAIN = "\033[31m", "\033[32m", "\033[36m", "\033[1m", "\033[m"


@contextlib.contextmanager
def heard(stream: TextIO) -> Iterator[None]:
    """Go on when nobody reads any more, as behind `| head -1`: a release is not ended by who looks at it."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.EPIPE, errno.EIO):  # the latter of a terminal that was closed
            raise
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())  # what is still buffered goes there, too
        os.close(nowhere)


def shown(text: str, stream: TextIO) -> str:
    """Return what is visible of a text, as far as the stream can encode it."""
    encoding = stream.encoding or "utf-8"
    return visible(text).encode(encoding, "backslashreplace").decode(encoding)


def visible(text: str) -> str:
    """Return `text` with every character escaped that a terminal would obey or hide; lines and tabs stay."""
    if text.isascii() and text.isprintable():
        return text
    if text.isascii():
        return "".join(one if one.isprintable() or one in "\n\t" else _escape(one) for one in text)
    import unicodedata  # noqa: PLC0415  # 2 ms that most output does not need

    hidden = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
    return "".join(one if one in "\n\t" or unicodedata.category(one) not in hidden else _escape(one) for one in text)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()


def colours(stream: TextIO) -> bool:
    """Whether `stream` takes colours: a terminal, and NO_COLOR (no-color.org) is not set."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def is_live(stream: TextIO) -> bool:
    """Whether lines can be drawn over on `stream`, and somebody may look on: a terminal, not a CI's log."""
    return stream.isatty() and os.environ.get("TERM", "dumb") != "dumb" and not os.environ.get("CI")


def columns(text: str) -> int:
    """Return how many columns a terminal takes for a line of visible text."""
    if text.isascii():
        return len(text)
    import unicodedata  # noqa: PLC0415  # as above

    wide = sum(unicodedata.east_asian_width(one) in ("W", "F") for one in text)
    return len(text) + wide - sum(unicodedata.category(one) in ("Mn", "Me") for one in text)


def cut(text: str, most: int) -> str:
    """Return what of a line of visible text fits into so many columns."""
    kept = text[: max(0, most)]
    while columns(kept) > most:
        kept = kept[:-1]
    return kept
