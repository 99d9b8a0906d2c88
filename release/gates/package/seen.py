"""What the checks of this gate give back, and what no archive may hold: a path that leaves, a file without end."""

from __future__ import annotations

from typing import IO, NamedTuple

LARGEST = 1 << 24  # bytes of a file that is read as a whole; those of the largest wheels have a few millions

_SEPARATORS = ("\\", "\0")


class Seen(NamedTuple):
    """What one check saw: findings, what it could not look at, notes, a line each, and a line that says what it did."""

    findings: tuple[str, ...] = ()
    blind: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    looked: tuple[str, ...] = ()


def leaves(path: str) -> bool:
    """Whether a path of an archive could lead out of the folder that it is unpacked into, on any system."""
    words = path.removesuffix("/").split("/")
    is_odd = any(word in {"", ".", ".."} for word in words) or any(one in path for one in _SEPARATORS)
    return is_odd or (len(words[0]) > 1 and words[0][1] == ":")


def content(file: IO[bytes], path: str) -> bytes:
    """Return all that is in a file of an archive, however small that says it is.

    Raises:
        ValueError: it has more than LARGEST bytes.
    """
    data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise ValueError(f"{path} has more than {LARGEST} bytes")
    return data
