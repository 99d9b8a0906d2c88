"""The configuration that holds for a tree: the one in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from release import config as configuration

if TYPE_CHECKING:
    from release.config import Config
    from release.git.database import ObjectReader

_PATH = "pyproject.toml"


def of(reader: ObjectReader, tree: str) -> Config:
    """Return the configuration that a tree, by its id, holds; without a pyproject.toml the defaults.

    Raises:
        ReleaseError: it cannot be read (exit 2).
    """
    entry = reader.tree(tree).get(_PATH)
    data = reader.blob(entry.oid) if entry is not None and entry.is_file else None
    return configuration.load(data, origin=f"{_PATH} of the tree {tree[:10]}")
