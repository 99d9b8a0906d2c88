"""Where a gate runs: a clean checkout of a commit for it alone, in the user's cache folder.

What is not committed is not there. Below the cache folder, as some tools see nothing below a `.git`; and no worktree of
the user's repository, in which no ref, setting, index or list changes. The commit needs no ref.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from release.entry import SUBMODULE
from release.errors import ReleaseError, refusal, unseen, usage
from release.gates import parts, receipts
from release.gates.children import Children
from release.git import lock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from release.entry import Entry
    from release.errors import Problem
    from release.git.repository import Repository

LOCK_SECONDS = 60.0  # how long a run waits for another one of the same gate


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """A commit checked out for a gate, as long as its lock is held.

    `folder` is the gate's own: beside the checkout it holds what stays between runs. `files` are those of the commit,
    by path, `pieces` its repositories; `lock` is the descriptor that what works in here inherits. `absent` are the
    paths of submodules that are not here, as the user has not initialised them.
    """

    gate: str
    folder: Path
    lock: int
    pieces: tuple[parts.Part, ...]
    files: Mapping[str, Entry]
    absent: tuple[str, ...]

    @property
    def tree(self) -> Path:
        """The root of the checked out files."""
        return self.folder / "tree"


@contextlib.contextmanager
def opened(
    repository: Repository,
    *,
    gate: str,
    commit: str,
    tree: str,
    say: Callable[[str], None],
    who: str = "",
    children: Children | None = None,
) -> Iterator[Checkout]:
    """Check a commit out for a gate, and keep other runs of that gate out meanwhile.

    `who` is what messages call the one that works there, if it is no gate; its folder is that of a gate named `gate`.
    `children` are ended by another thread, if at all.

    Raises:
        CancelledError: the children were to end.
        ReleaseError: the cache folder lies in a git folder (exit 2); another run of the gate goes on for longer than
            LOCK_SECONDS (exit 3); the commit cannot be checked out exactly, or its tree is not `tree` (exit 5).
        OSError: the folder cannot be made or locked.
    """
    who = who or f"gate {gate}"
    folder = place(repository, gate)
    folder.mkdir(parents=True, exist_ok=True)
    children = children or Children()
    with _locked(folder, who, say, children) as lock:
        part = parts.Part(
            commit=commit,
            sources=tuple(dict.fromkeys((repository.common, repository.git_dir))),
            user=repository.top,
            git=folder / "git",
            tree=folder / "tree",
            children=children,
        )
        try:
            found = _laid_out(part, lock)
            files = parts.listing(part)
            absent = _absent(found, [files, *map(parts.listing, found[1:])])
            if parts.tree_of(part) != tree:
                raise unseen(f"the commit {commit} has not the tree {tree}")
        except ReleaseError as error:
            raise ReleaseError(_named(who, error)) from None
        yield Checkout(gate=gate, folder=folder, lock=lock, pieces=found, files=files, absent=absent)


def changed(checkout: Checkout) -> tuple[str, ...]:
    """Return the committed files that are not as committed any more.

    Raises:
        ReleaseError: that cannot be told (exit 5).
    """
    root = checkout.tree
    try:
        return tuple(
            os.path.normpath(part.tree.relative_to(root) / path)
            for part in checkout.pieces
            for path in parts.changed(part)
        )
    except ReleaseError as error:
        raise ReleaseError(_named(f"gate {checkout.gate}", error)) from None


def place(repository: Repository, gate: str) -> Path:
    """Return the folder of a gate of this repository; all worktrees share it.

    Raises:
        ReleaseError: it would lie in a git folder, where some tools see nothing, or hang on where one stands (exit 2).
    """
    given = Path(os.environ.get("XDG_CACHE_HOME", ""))
    cache = given if given.is_absolute() else Path.home() / ".cache"  # a relative one is to be ignored, says XDG
    if not cache.is_absolute():
        raise usage(
            f"HOME is the relative path {os.environ['HOME']}", "set HOME, or XDG_CACHE_HOME, to an absolute path"
        )
    common = repository.common.resolve()
    top = common.parent.name if common.name == ".git" else common.name
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", top).strip("-.")[:24] or "project"
    digest = hashlib.sha256(os.fsencode(common)).hexdigest()[:8]  # short: nox hashes names of over 100 characters
    folder = cache / "invoke-gitflow" / f"{name}-{digest}" / receipts.folder_name(gate)
    if ".git" in folder.resolve().parts:
        raise usage(f"the cache folder {cache} lies in a git folder", "set XDG_CACHE_HOME to another place")
    return folder


def blind(gate: str, what: str, hint: str = "") -> ReleaseError:
    """Return the error that a gate could not look (exit 5)."""
    return unseen(_unseen(f"gate {gate}", what), hint)


def _absent(found: Sequence[parts.Part], listings: Iterable[Mapping[str, Entry]]) -> tuple[str, ...]:
    """Return the submodules of a checkout, by the files of each of its pieces, that are none of these."""
    named = {
        part.tree / path
        for part, files in zip(found, listings, strict=True)
        for path, entry in files.items()
        if entry.mode == SUBMODULE
    }
    left = named - {part.tree for part in found}
    return tuple(sorted(str(place.relative_to(found[0].tree)) for place in left))


def _named(who: str, error: ReleaseError) -> Iterator[Problem]:
    """Yield the problems of a checkout with the name of the one that was to work there."""
    for problem in error.problems:
        yield problem._replace(what=_unseen(who, problem.what))


def _unseen(who: str, what: str) -> str:
    return f"NOT AUDITED: {who} could not look: {what}"


def _laid_out(part: parts.Part, lock: int) -> tuple[parts.Part, ...]:
    """Check out over what an earlier run left; if that is in the way, from nothing.

    Raises:
        ReleaseError: as of `parts.lay_out`, or a file cannot be written or removed (exit 5).
    """
    had_one = part.git.exists()
    try:
        try:
            return tuple(parts.lay_out(part, lock))
        except (ReleaseError, OSError):
            if not had_one:
                raise
        parts.remove(part.tree)
        parts.remove(part.git)
        return tuple(parts.lay_out(part, lock))
    except OSError as error:
        raise unseen(f"{error.filename or part.tree}: {error.strerror}", f"remove {part.tree.parent}") from None


def _locked(folder: Path, who: str, say: Callable[[str], None], children: Children) -> AbstractContextManager[int]:
    """Return the folder's lock, to be held; it yields its descriptor.

    Raises:
        ReleaseError: another run, or a nox that outlived its run, holds it (exit 3).
    """
    return lock.held(
        folder / "lock",
        permissions=0o600,
        wait=LOCK_SECONDS,
        refused=lambda: refusal(
            f"another run of {who} is at work in {folder} (waited {LOCK_SECONDS:g} s)",
            "wait for it to end, or end it",
        ),
        waiting=lambda: say(f"{who}: waiting for another run of it"),
        pause=children.pause,
    )
