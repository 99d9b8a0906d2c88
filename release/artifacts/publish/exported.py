"""The files of a release as they are committed, to build of: nothing of git, and the same on every machine."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from release.artifacts import dists
from release.errors import unseen
from release.gates import checkout

if TYPE_CHECKING:
    from release.artifacts.publish.job import Job

_CHECKOUT = "+source"  # no gate has such a folder


def exported(job: Job, who: str) -> Path:
    """Write the files of the release's tree into a new folder in the scratch of the job, and return it.

    Submodules that the user has are in it. Permissions are those of a umask of 022, times that of the record. `who`
    is what messages call the one that needs them.

    Raises:
        ReleaseError: they cannot be had exactly (exit 5), or another run is at it for too long (exit 3).
    """
    folder = Path(mkdtemp(prefix="source-", dir=job.scratch)) / "tree"
    record = job.record
    try:
        with checkout.opened(
            job.repository, gate=_CHECKOUT, commit=record.commit, tree=record.tree, say=job.say, who=who
        ) as place:
            shutil.copytree(place.tree, folder, symlinks=True, ignore=shutil.ignore_patterns(".git"))
        _settle(folder, record.epoch)
    except OSError as error:  # copytree's own is one, too
        raise unseen(f"the files of {record.tag} cannot be written: {error.strerror or error}") from None
    return folder


def paths(job: Job) -> tuple[str, ...]:
    """Return the paths of all plain files in the release's tree.

    Raises:
        ReleaseError: the tree is not there (exit 1).
    """
    rows = os.fsdecode(job.repository.run("ls-tree", "-r", "-z", "--full-tree", job.record.tree).out).split("\0")
    split = (row.partition("\t") for row in rows[:-1])
    return tuple(path for facts, _, path in split if facts.startswith("100"))


def content(job: Job, path: str) -> bytes:
    """Return the bytes of a file in the release's tree.

    Raises:
        ReleaseError: it is not there (exit 1).
    """
    return job.repository.run("cat-file", "blob", f"{job.record.tree}:{path}").out


def _settle(root: Path, epoch: int) -> None:
    dists.set_modes(root)
    for path in (root, *root.rglob("*")):
        os.utime(path, (epoch, epoch), follow_symlinks=False)
