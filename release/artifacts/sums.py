"""`SHA256SUMS`, as sha256sum(1) writes and checks it: a digest and a name in each line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from release.errors import refusal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from release.artifacts.record import File

NAME = "SHA256SUMS"

_LINE = re.compile(r"([0-9a-f]{64}) [ *]([^/\\\n]+)")


def serialized(files: Iterable[File]) -> bytes:
    """Return the file for these, in the order of their names."""
    return "".join(f"{one.sha256}  {one.name}\n" for one in sorted(files)).encode("ascii")


def parse(data: bytes, where: str) -> dict[str, str]:
    """Return the digests by name; `where` is how messages name the file.

    Raises:
        ReleaseError: a line is none (exit 3).
    """
    found: dict[str, str] = {}
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
        match = _LINE.fullmatch(line)
        if match is None or match[2] in found:
            raise refusal(f"{where}:{number} is no line of a digest and a name", "take it from where it was made")
        found[match[2]] = match[1]
    return found
