"""`scan`: the gates, run on what HEAD has committed.

It moves no ref and writes no file of the repository but receipts, and so it neither holds the lock that keeps a second
release out, nor minds one that was interrupted: gates take minutes, and what HEAD names is a commit at any instant.
Runs of the same gate keep each other out by a lock of the gate's own.
"""

from __future__ import annotations

import os
from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

from release import config as configuration
from release.errors import Problem, ReleaseError, usage
from release.gates import receipts, run
from release.git.database import ObjectReader
from release.shapes import nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from release.git.repository import Repository

_CONFIG = "pyproject.toml"


class Subject(NamedTuple):
    """What is scanned: a commit and its tree, by which gates, and the paths that differ from it in the working tree."""

    commit: str
    tree: str
    gates: tuple[str, ...]
    uncommitted: tuple[str, ...]


def subject(repository: Repository, wanted: Iterable[str]) -> Subject:
    """Look at HEAD; `wanted` are those of its configured gates that are meant, all when empty.

    Raises:
        ReleaseError: there is no commit yet, the configuration cannot be read, or has no such gate (exit 2).
    """
    with closing(ObjectReader(repository.top)) as objects:
        commit = objects.resolve("HEAD")
        if commit is None:
            raise usage("the repository has no commit yet", "make the first commit")
        config = configuration.load(objects.file(commit, _CONFIG), origin=f"{_CONFIG} at HEAD")
        return Subject(
            commit=commit,
            tree=objects.commit(commit).tree,
            gates=_chosen(tuple(dict.fromkeys(config.gates)), tuple(dict.fromkeys(wanted))),
            uncommitted=_uncommitted(repository),
        )


def _chosen(configured: tuple[str, ...], wanted: tuple[str, ...]) -> tuple[str, ...]:
    unknown = [name for name in wanted if name not in configured]
    if unknown:
        named = f"gates at HEAD are {', '.join(configured)}" if configured else "no gates are configured at HEAD"
        hint = nearest(unknown[0], configured) if configured else 'name it in [tool.release]: gates = ["…"]'
        raise usage(f"{', '.join(f'{name[:40]!a}' for name in unknown)}: {named}", hint)
    return wanted or configured


def _uncommitted(repository: Repository) -> tuple[str, ...]:
    """Return what is changed, added or not tracked, and not ignored; of a new folder its name."""
    out = repository.run("status", "--porcelain", "-z", "--no-renames", "--untracked-files=normal").out
    return tuple(row[3:] for row in os.fsdecode(out).split("\0")[:-1])


def missing(repository: Repository, on: Subject, *, fresh: bool) -> tuple[str, ...]:
    """Return the gates that a scan would run.

    Raises:
        ReleaseError: nothing defines them (exit 2).
    """
    waiting = on.gates if fresh else receipts.missing(repository, on.gates, on.tree)
    if waiting:
        run.refuse_without_noxfile(repository, on.commit, on.tree, waiting)
    return waiting


def scan(repository: Repository, on: Subject, *, fresh: bool, say: Callable[[str], None]) -> tuple[Problem, ...]:
    """Run the gates that have no receipt, with `fresh` all; return the problems of those that did not pass."""
    try:
        run.run(repository, commit=on.commit, tree=on.tree, gates=on.gates, say=say, fresh=fresh)
    except ReleaseError as error:
        return error.problems
    return ()


def has_moved(repository: Repository, on: Subject) -> bool:
    """Whether HEAD is another commit by now."""
    return repository.run("rev-parse", "--verify", "--quiet", "HEAD", accept=(0, 1)).out.decode().strip() != on.commit
