"""What the nox session is called with; what it leaves is what the security session leaves."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from release.gates import flags
from release.gates.image import gate
from release.gates.security import session as security

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_FLAGS = {"--json": ("result", "FILE"), "--image": ("image", "REF")}


class Asked(NamedTuple):
    """What the session was called with: a file to be written, and the image to be looked at instead."""

    result: str = ""
    image: str = ""


def read(words: Sequence[str]) -> Asked:
    """Read positional arguments.

    Raises:
        ReleaseError: one is unknown or has no value (exit 2).
    """
    return Asked(**flags.read("image", words, _FLAGS))


def run(name: str, asked: Asked, *, env: Mapping[str, str], say: Callable[[str], None]) -> str:
    """Look, leave what was asked for, and return why the session fails, "" if it passes.

    `env` is what the scanner is started with, `say` takes the lines of the summary.

    Raises:
        ReleaseError: a file cannot be written (exit 2).
    """
    with tempfile.TemporaryDirectory(prefix="image-", ignore_cleanup_errors=True) as folder:
        looked = gate.look(Path.cwd(), env, Path(folder).resolve(), session=name, reference=asked.image)
    return security.end(looked, security.Asked(result=asked.result), say)
