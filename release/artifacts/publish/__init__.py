"""Publishers: each takes the files of a release to one place where users fetch them, once.

A publisher is a module with the functions of `job.Publisher`. What is there and the same is done; what is there and
different stops; nothing is ever replaced.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from release.artifacts.publish.job import Publisher

NAMES = ("index", "image", "chart", "forge")  # modules beside this one, in the order in which they publish


def publisher(name: str) -> Publisher:
    """Return a publisher; only then its libraries are loaded."""
    return cast("Publisher", importlib.import_module(f"{__name__}.{name}"))
