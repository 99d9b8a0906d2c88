"""The whole file is the version, as in VERSION: one line, with blanks and empty lines around it at most."""

from __future__ import annotations

from codecs import BOM_UTF8

from release.errors import usage
from release.formats import FormatError, Literal

_BLANKS = b" \t\r\n\f\v"


def find(data: bytes, keys: tuple[str, ...]) -> tuple[Literal, ...]:
    """Return the only line, at the key "".

    Raises:
        FormatError: no line, more than one, or one that is not UTF-8.
        ReleaseError: another key than "" (exit 2).
    """
    if named := [key for key in keys if key]:
        raise usage(f"a text file holds nothing but the version, so it has no key {named[0]!r}", "leave the key out")
    body = data.removeprefix(BOM_UTF8)
    word = body.strip(_BLANKS)
    if not word:
        raise FormatError("empty, where one line with a version is wanted")
    if b"\n" in word or b"\r" in word:
        raise FormatError("more than one line, where one line with a version is wanted")
    try:
        text = word.decode()
    except UnicodeDecodeError as error:
        raise FormatError("not UTF-8") from error
    start = len(data) - len(body.lstrip(_BLANKS))
    return tuple(Literal(key=key, start=start, end=start + len(word), text=text) for key in keys[:1])
