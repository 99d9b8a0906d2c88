"""A tracked path as git records it."""

from __future__ import annotations

from typing import NamedTuple

# Git's modes.
FILE, EXECUTABLE, SYMLINK, SUBMODULE, TREE = "100644", "100755", "120000", "160000", "40000"


class Entry(NamedTuple):
    """Git's mode, and the object id."""

    mode: str
    oid: str

    @property
    def is_file(self) -> bool:
        """Whether it is a plain file."""
        return self.mode in (FILE, EXECUTABLE)
