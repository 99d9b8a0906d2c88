"""What the checks of this gate give back, and the path that no archive may hold."""

from __future__ import annotations

from typing import NamedTuple

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
