"""JSON (RFC 8259): package.json, package-lock.json and their kind."""

from __future__ import annotations

import json
from codecs import BOM_UTF8
from collections import Counter

from release.formats import FormatError, Literal, shifted
from release.formats.sentinels import locate


def find(data: bytes, keys: tuple[str, ...]) -> tuple[Literal, ...]:
    """Return the strings at `keys`; an object, a list or nothing there yields nothing.

    Raises:
        FormatError: not JSON, an object that names a member twice, a number at the key, or a string with escapes.
        ReleaseError: a key that cannot be read (exit 2).
    """
    body = data.removeprefix(BOM_UTF8)
    return shifted(locate(body, keys, _parse, '"'), len(data) - len(body))


def _parse(body: bytes) -> object:
    try:
        return json.loads(body.decode(), object_pairs_hook=_object)
    except UnicodeDecodeError as error:
        raise FormatError(f"not UTF-8 (line {body.count(10, 0, error.start) + 1})") from error
    except (ValueError, RecursionError) as error:
        raise FormatError(f"not JSON: {error}") from error


def _object(members: list[tuple[str, object]]) -> dict[str, object]:
    """Return the members as a dict; RFC 8259 §4 leaves open which of two equal names counts, so neither does."""
    result = dict(members)
    if len(result) != len(members):
        twice, _ = Counter(name for name, _ in members).most_common(1)[0]
        raise FormatError(f"an object names {twice!r} twice")
    return result
