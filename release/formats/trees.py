"""Trees: the files of one commit or of the working tree, read for their version literals."""

from __future__ import annotations

import functools
import re
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING

from release import formats
from release.formats import FormatError, globs
from release.formats.discovery import VERSION
from release.version import Version, read

if TYPE_CHECKING:
    from collections.abc import Collection

    from release.formats import Literal
    from release.formats.sites import Files

Found = tuple["bytes", "tuple[Literal, ...]"]

_NAME = re.compile(r"[A-Za-z0-9]+(?:[._-]+[A-Za-z0-9]+)*")


class Reader:
    """Finds literals, once for the same bytes: two trees of a repository have most of their files in common."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, tuple[str, ...], bytes], tuple[Literal, ...] | FormatError] = {}

    def find(self, format_name: str, data: bytes, keys: tuple[str, ...]) -> tuple[Literal, ...]:
        """Return `formats.find` of the same arguments, or raise its error."""
        known = (format_name, keys, data)
        result = self._found.get(known)
        if result is None:
            try:
                result = formats.find(format_name, data, keys)
            except FormatError as error:
                result = error
            self._found[known] = result
        if isinstance(result, FormatError):
            raise FormatError(*result.args)
        return result


class Tree:
    """The files of a snapshot as `survey` sees them: regular ones, inside the repository."""

    def __init__(self, files: Files, reader: Reader) -> None:
        self._files = files
        self._reader = reader
        paths = files.paths  # a set is asked, never copied: it may know of a path only when it is asked for it
        self.paths: Collection[str] = paths if isinstance(paths, AbstractSet) else dict.fromkeys(paths)

    def objection(self, path: str) -> str:
        """Say why a tracked file is not ours to edit; "" when it is."""
        return globs.objection(path, self._files.mode(path))

    def literals(self, path: str, format_name: str, keys: tuple[str, ...]) -> Found | None:
        """Return a file's bytes and its literals at `keys`; None when the file is gone or not ours to edit.

        Raises:
            FormatError: it cannot be read, or not as this format.
            ReleaseError: a key that cannot be read (exit 2).
        """
        if path not in self.paths or self.objection(path):
            return None
        try:
            data = self._files.read(path)
        except FileNotFoundError:  # deleted in the working tree, and git does not know yet
            return None
        except OSError as error:
            raise FormatError(error.strerror or str(error)) from error
        return data, self._reader.find(format_name, data, keys)

    @functools.cached_property
    def version(self) -> Version | None:
        """What the file VERSION holds; None without one, or when it holds no version of ours."""
        try:
            found = self.literals(VERSION, "text", ("",))
        except FormatError:
            return None
        return read(found[1][0].text) if found is not None else None

    @functools.cached_property
    def names(self) -> tuple[str, ...]:
        """The project's names, as pyproject.toml has them (PyPA specification "Names and normalization")."""
        try:
            found = self.literals("pyproject.toml", "toml", ("project.name", "tool.poetry.name"))
        except FormatError:
            return ()
        names = dict.fromkeys(literal.text for literal in found[1]) if found is not None else ()
        return tuple(filter(_NAME.fullmatch, names))
