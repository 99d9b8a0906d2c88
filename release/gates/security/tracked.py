"""What is looked at: the files that git tracks, as they stand in the working tree (of a gate: its checkout)."""

from __future__ import annotations

import os
import posixpath
from typing import TYPE_CHECKING, NamedTuple

from release.entry import SUBMODULE, SYMLINK
from release.formats import globs
from release.gates.security.findings import blind
from release.git import command, snapshot

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from release.entry import Entry


class Tree(NamedTuple):
    """What git tracks below a folder, by path."""

    root: Path
    entries: Mapping[str, Entry]

    @property
    def files(self) -> tuple[str, ...]:
        """The regular files, in order; what a symbolic link leads to is looked at where it stands."""
        return tuple(sorted(path for path, entry in self.entries.items() if entry.is_file))

    @property
    def submodules(self) -> tuple[str, ...]:
        """The submodules, whose files are not among those of this repository."""
        return tuple(sorted(path for path, entry in self.entries.items() if entry.mode == SUBMODULE))

    def python(self, exclude: Iterable[str]) -> tuple[str, ...]:
        """Return the Python files that are not excluded."""
        python = [path for path in self.files if path.endswith(".py")]
        return tuple(path for path in python if not any(globs.covers(glob, path) for glob in exclude))

    def astray(self) -> tuple[str, ...]:
        """Return links that look like Python files and lead to none that is tracked, so that nobody looks at it."""
        links = [path for path, entry in self.entries.items() if entry.mode == SYMLINK and path.endswith(".py")]
        known = {path for path in self.files if path.endswith(".py")}
        return tuple(sorted(path for path in links if self._target(path) not in known))

    def _target(self, link: str) -> str:
        try:
            target = (self.root / link).readlink()
        except OSError:
            return ""
        return posixpath.normpath(posixpath.join(posixpath.dirname(link), target))

    def has(self, path: str) -> bool:
        """Whether a path is a tracked regular file."""
        return path in self.entries and self.entries[path].is_file

    def read(self, path: str) -> bytes:
        """Return what stands in a tracked file.

        Raises:
            ReleaseError: it cannot be read, or is a link by now (exit 5).
        """
        place = self.root / path
        try:
            descriptor = os.open(place, os.O_RDONLY | os.O_NOFOLLOW)
            with os.fdopen(descriptor, "rb") as file:
                return file.read()
        except OSError as error:
            raise blind(f"{path} cannot be read: {error.strerror}") from None


def tree(root: Path) -> Tree:
    """List the tracked files of a folder.

    Raises:
        ReleaseError: git cannot say (exit 5), or there is none (exit 2).
    """
    ran = command.start(["ls-files", "--stage", "-z"], cwd=root).finish()
    if ran.status != 0:
        raise blind(f"git ls-files: {ran.complaint}", "run this inside a git repository")
    return Tree(root=root, entries=snapshot.entries(ran.out, tree=False))
