"""Git Flow releases as one transaction: Invoke tasks with Nox gates.

A project's tasks.py is one line: `from release import ns`.
"""

from __future__ import annotations

import atexit
import gc
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from invoke.collection import Collection

    ns: Collection

__all__ = ["ns"]


def __getattr__(name: str) -> Collection:
    """Make the task collection when it is first asked for; sessions and libraries do not pay for Invoke."""
    if name != "ns":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # Invoke switches bytecode off for the sake of tasks.py; without any, as uv installs packages, we would be compiled
    # anew on every start. What the user set (-B, PYTHONDONTWRITEBYTECODE) stays.
    sys.dont_write_bytecode = bool(sys.flags.dont_write_bytecode)
    # The interpreter looks for garbage once more before it ends, which takes longer than `invoke version` computes.
    atexit.register(gc.freeze)
    from release.tasks import collection  # noqa: PLC0415  # this is the laziness

    return collection()
