"""Bare repositories for a moment, over borrowed objects: nothing of the user's repository, its settings or its refs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_CONFIG = "[core]\n\tbare = true\n\trepositoryFormatVersion = {layout}\n"


def bare(folder: Path, objects: Path | None, *, hash_name: str = "sha1") -> Path:
    """Make a bare repository that borrows from an object folder: plain files, no process. Returns `folder`."""
    (folder / "refs" / "heads").mkdir(parents=True)
    (folder / "objects" / "info").mkdir(parents=True)
    (folder / "HEAD").write_text("ref: refs/heads/main\n", encoding="ascii")
    config = _CONFIG.format(layout=0)
    if hash_name != "sha1":
        config = f"{_CONFIG.format(layout=1)}[extensions]\n\tobjectFormat = {hash_name}\n"
    (folder / "config").write_text(config, encoding="ascii")
    if objects is not None:
        link = folder / "borrowed"  # a path without the characters that the file below cannot hold
        link.symlink_to(objects.resolve())
        (folder / "objects" / "info" / "alternates").write_text(f"{link}\n", encoding="utf-8")
    return folder


def environment(folder: Path) -> dict[str, str]:
    """Return what makes git work in such a repository with its own defaults, whatever the user has configured."""
    return {
        "GIT_DIR": str(folder),
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_COUNT": "0",
        "GIT_ATTR_NOSYSTEM": "1",
    }
