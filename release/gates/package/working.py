"""A copy of the working tree to build from: backends leave `build` and `*.egg-info` beside what they build."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from release.gates import parts
from release.git import command, repository

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_TRACKED = ("--cached", "--recurse-submodules")
_OTHERS = ("--others", "--exclude-standard")


def copied(root: Path, place: Path) -> tuple[Path, tuple[str, ...]]:
    """Copy what git tracks in the repository around `root`, as it stands there, into a clone at `place`.

    It is a clone of the same HEAD for backends that ask git which files belong to the project. Returns where in it the
    project is, and a note if files that git does not track were left out.

    Raises:
        ReleaseError: there is no repository (exit 2), or git cannot copy it (exit 1).
        OSError: a file cannot be copied.
    """
    top = repository.locate(root).top
    command.run(("clone", "--quiet", "--shared", "--no-checkout", "--", str(top), str(place)), cwd=top)
    for path in _listed(top, *_TRACKED):
        source, target = top / path, place / path
        if source.is_symlink() or source.is_file():  # else it is deleted, or a submodule that is not there
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)
    command.run(("add", "--all", "--force"), cwd=place)
    others = tuple(_listed(root, *_OTHERS))
    note = f"not built, as git does not track {'it' if len(others) == 1 else 'them'}: {parts.named(others)}"
    return place / root.relative_to(top), (note,) * bool(others)


def _listed(folder: Path, *which: str) -> Iterator[str]:
    listed = command.run(("ls-files", "-z", *which), cwd=folder).out
    return (path for path in os.fsdecode(listed).split("\0") if path)
