"""The distributions of a commit: built once from exactly its tree, then gated and uploaded as they are."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from release import version as versions
from release.artifacts import builder, files, store
from release.errors import Exit, Problem, ReleaseError, unseen
from release.gates import checkout
from release.gates.children import Children

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from release.artifacts.store import Dists
    from release.gates.checkout import Checkout
    from release.git.repository import Repository

VARIABLE = "RELEASE_DISTS"  # names the folder for a session

_CHECKOUT = "+dists"  # no gate has such a folder
_WHO = "the build of the distributions"
_BLIND = "NOT AUDITED: "


def built(
    repository: Repository,
    *,
    commit: str,
    tree: str,
    say: Callable[[str], None],
    children: Children | None = None,
) -> Dists:
    """Return the sdist and the wheels of `tree`, the tree of `commit`; they are built unless they are there.

    In a clean checkout: nothing that is not committed is in them. Whatever happens, there are all of them or none.
    `children` are ended by another thread, if at all.

    Raises:
        CancelledError: the children were to end.
        ReleaseError: the tree does not say how it is built, or has no VERSION of ours (exit 2); another run builds for
            too long (exit 3); the build failed, or made something else than one sdist and wheels of VERSION (exit 4);
            it could not be tried (exit 5).
    """
    children = children or Children()
    found = store.find(repository, tree)
    if found is not None:
        say("distributions: built already")
        return found
    try:
        with (
            store.locked(repository, say, children.pause) as lock,
            checkout.opened(
                repository, gate=_CHECKOUT, commit=commit, tree=tree, say=say, who=_WHO, children=children
            ) as place,
        ):
            found = store.find(repository, tree)  # another run has made it meanwhile
            return found if found is not None else _made(repository, place, lock, commit, tree, say, children)
    except OSError as error:
        raise unseen(f"{_BLIND}{_WHO}: {error.filename or 'a file'}: {error.strerror or error}") from None


def _marked(problem: Problem) -> Problem:
    """Say in front when nothing could be tried."""
    return problem._replace(what=f"{_BLIND}{problem.what}") if problem.exit is Exit.NOT_AUDITED else problem


def _made(
    repository: Repository,
    source: Checkout,
    lock: int,
    commit: str,
    tree: str,
    say: Callable[[str], None],
    children: Children,
) -> Dists:
    """Build in a checkout and keep what comes of it; what comes beside the distributions is made here, too."""
    wanted = _version(source.tree)
    _set_modes(source.tree)
    say("distributions: building")
    log = source.folder / "log.txt"
    with store.begun(repository, tree) as place:
        folder = store.dists(place)
        epoch, keep = _time(repository, commit), (lock, source.lock)
        try:
            used = builder.build(source.tree, folder, log=log, epoch=epoch, keep=keep, children=children)
        except ReleaseError as error:
            raise ReleaseError(map(_marked, error.problems)) from None
        _refuse_odd(folder, wanted, commit, log)
        made = store.keep(repository, place, tree=tree, commit=commit, builder=used)
    say(f"distributions: built {', '.join(one.name for one in made.files)}")
    return made


def _version(root: Path) -> versions.Version:
    """Return the VERSION of a checkout.

    Raises:
        ReleaseError: there is none, or it is none of ours (exit 2).
    """
    try:
        data = (root / "VERSION").read_bytes()
    except FileNotFoundError:
        data = b""
    return versions.parse_file(data, "VERSION")


def _set_modes(root: Path) -> None:
    """Give files the permissions that a umask of 022 gives them; some backends take them over into the archive."""
    for folder, names, plain in os.walk(root):
        if ".git" in names:
            names.remove(".git")
        os.chmod(folder, 0o755)  # noqa: S103, PTH101  # as everybody's checkout
        for path in (os.path.join(folder, name) for name in plain):  # noqa: PTH118  # thousands of them
            if not os.path.islink(path):  # noqa: PTH114
                mode = 0o755 if os.stat(path).st_mode & 0o100 else 0o644  # noqa: PTH116
                os.chmod(path, mode)  # noqa: PTH101


def _time(repository: Repository, commit: str) -> int:
    return int(repository.run("show", "--no-patch", "--no-show-signature", "--format=%ct", commit).out)


def _refuse_odd(folder: Path, wanted: versions.Version, commit: str, log: Path) -> None:
    """Refuse what a build must not leave.

    Raises:
        ReleaseError: it left something else than one sdist and wheels, or another version (exit 4).
    """
    found = files.read(folder)
    wrong = (*found.wrong, *files.unlike(found.dists, wanted))
    if wrong:
        what = f"the build of {commit[:10]} made something else than wanted: {'; '.join(wrong)}"
        hint = f"let the build backend take the version from VERSION; the whole log: {log}"
        raise ReleaseError([Problem(what=what, hint=hint, exit=Exit.GATE_FAILED)])
