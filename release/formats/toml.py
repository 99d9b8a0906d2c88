"""TOML 1.0: pyproject.toml, uv.lock and their kind."""

from __future__ import annotations

from codecs import BOM_UTF8

from release.formats import FormatError, Literal, shifted
from release.formats.sentinels import locate


def find(data: bytes, keys: tuple[str, ...]) -> tuple[Literal, ...]:
    """Return the strings at `keys`, in basic or literal quotes; a table or nothing there yields nothing.

    Raises:
        FormatError: not TOML, a number or date at the key, or a string written with escapes.
        ReleaseError: a key that cannot be read (exit 2).
    """
    body = data.removeprefix(BOM_UTF8)
    return shifted(locate(body, keys, _parse, "\"'"), len(data) - len(body))


def _parse(body: bytes) -> object:
    import tomli  # noqa: PLC0415  # only who has TOML files pays for its parser

    try:
        return tomli.loads(body.decode())
    except UnicodeDecodeError as error:
        raise FormatError(f"not UTF-8 (line {body.count(10, 0, error.start) + 1})") from error
    except (tomli.TOMLDecodeError, ValueError, RecursionError) as error:
        raise FormatError(f"not TOML: {error}") from error
