"""A tracked path as git records it, and the ids of objects."""

from __future__ import annotations

import re
from typing import NamedTuple

# Git's modes.
FILE, EXECUTABLE, SYMLINK, SUBMODULE, TREE = "100644", "100755", "120000", "160000", "40000"
_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")  # SHA-1 or SHA-256, whole


class Entry(NamedTuple):
    """Git's mode, and the object id."""

    mode: str
    oid: str

    @property
    def is_file(self) -> bool:
        """Whether it is a plain file."""
        return self.mode in (FILE, EXECUTABLE)


def is_id(text: str) -> bool:
    """Whether a text is a whole object id, and so could be nothing else where a file is named by it."""
    return _ID.fullmatch(text) is not None


def tree_name(tree: str) -> str:
    """Return the id of a tree, to name a file by.

    Raises:
        ValueError: it is no object id, and could lead elsewhere.
    """
    if not is_id(tree):
        raise ValueError(f"{tree!a} is not the id of a tree")
    return tree
