"""The distributions of a commit: built from exactly its tree, then gated and uploaded as they are.

They are built twice, in two places, to see whether others would get the same: the first are those that are kept.
"""

from __future__ import annotations

import os
import tempfile
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from release import version as versions
from release.artifacts import builder, embedded, epoch, files, store
from release.artifacts import resolution as resolver
from release.artifacts.store import Dists
from release.errors import Exit, Problem, ReleaseError, unseen
from release.gates import checkout, receipts, settings, signals
from release.gates.children import Children
from release.git.database import ObjectReader
from release.process import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from release.config import Config
    from release.gates.checkout import Checkout
    from release.git.repository import Repository

VARIABLE = "RELEASE_DISTS"  # names the folder for a session

_CHECKOUTS = ("+dists", "+again")  # no gate has such a folder
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
    `children` are ended by another thread, if at all. In the main thread SIGTERM and SIGHUP end the builds before they
    end the process.

    Raises:
        CancelledError: the children were to end.
        ReleaseError: the tree does not say how it is built, or has no VERSION of ours (exit 2); another run builds for
            too long (exit 3); the build failed, or made something else than one sdist and wheels of VERSION (exit 4);
            it could not be tried (exit 5).
    """
    children = children or Children()
    asked = _asked(repository, commit, tree)
    found = store.find(repository, tree, asked.epoch)
    if found is not None:
        say("distributions: built already")
        return found

    def opened(name: str) -> AbstractContextManager[Checkout]:
        return checkout.opened(repository, gate=name, commit=commit, tree=tree, say=say, who=_WHO, children=children)

    try:
        with (
            signals.obeyed_late(),
            store.locked(repository, say, children.pause) as lock,
            opened(_CHECKOUTS[0]) as first,
            opened(_CHECKOUTS[1]) as second,
        ):
            found = store.find(repository, tree, asked.epoch)  # another run has made it meanwhile
            return found if found is not None else _made(repository, (first, second), lock, asked, say, children)
    except OSError as error:
        raise unseen(f"{_BLIND}{_WHO}: {error.filename or 'a file'}: {error.strerror or error}") from None


class _Asked(NamedTuple):
    """What is to be built: the commit and its tree, by the configuration in it, and the time that files get."""

    commit: str
    tree: str
    config: Config
    epoch: int


def _asked(repository: Repository, commit: str, tree: str) -> _Asked:
    with closing(ObjectReader(repository.top)) as reader:
        config = settings.of(reader, tree)
        return _Asked(commit, tree, config, epoch.of(reader, commit, changelog=config.changelog))


def _marked(problem: Problem) -> Problem:
    """Say in front when nothing could be tried."""
    return problem._replace(what=f"{_BLIND}{problem.what}") if problem.exit is Exit.NOT_AUDITED else problem


def _made(
    repository: Repository,
    sources: tuple[Checkout, Checkout],
    lock: int,
    found: _Asked,
    say: Callable[[str], None],
    children: Children,
) -> Dists:
    """Build in two checkouts and keep what comes of it; what comes beside the distributions is made here, too."""
    first, second = sources
    wanted = _version(first.tree)
    for source in sources:
        set_modes(source.tree)
    say("distributions: building, twice")
    log = first.folder / "log.txt"
    with store.begun(repository, found.tree) as place, tempfile.TemporaryDirectory(prefix="release-dists-") as other:
        scratch = Path(other)
        folder, again = store.dists(place), scratch / "again"
        resolution = embedded.written(tuple(one.tree for one in sources), wanted, found.epoch, scratch, children)
        logs = (log, second.folder / "log.txt")

        def build(number: int, own: Children) -> dict[str, str]:
            source, out = sources[number], (folder, again)[number]
            keep = (lock, source.lock)
            return builder.build(source.tree, out, log=logs[number], epoch=found.epoch, keep=keep, children=own)

        used, _ = _side_by_side(build, children)
        own = embedded.names(first.tree)
        _refuse_odd(folder, wanted, own[0] if own else "", found.commit, log)
        if resolution is None:
            wheel = next(path for path in sorted(folder.iterdir()) if path.suffix == ".whl")
            resolution = resolver.resolve(first.tree, wheel, own, scratch, children)
        made = Dists(
            folder=folder,
            tree=found.tree,
            commit=found.commit,
            tool=receipts.tool_version(),
            builder=used,
            epoch=found.epoch,
            differing=_differing(folder, again),
            resolution=resolution,
            files=(),
        )
        _tell_differing(made, first.tree, say, must_not=found.config.reproducible)
        made = store.keep(repository, place, made)
    say(f"distributions: built {', '.join(one.name for one in made.files)}")
    return made


def _side_by_side(build: Callable[[int, Children], dict[str, str]], children: Children) -> list[dict[str, str]]:
    """Run both builds at once; when one fails, or this is interrupted, the other ends, too.

    Raises:
        CancelledError, ReleaseError, OSError: as of `builder.build`.
    """
    own = Children()
    waiting: list[Future[dict[str, str]]] = []
    with children.holding(own), ThreadPoolExecutor(2) as pool:
        try:
            waiting += (pool.submit(build, number, own) for number in (0, 1))
            ended, _ = wait(waiting, return_when=FIRST_EXCEPTION)
            return [one.result() for one in waiting if one in ended]
        except ReleaseError as error:
            raise ReleaseError(map(_marked, error.problems)) from None
        finally:
            _end(own, waiting)


def _end(own: Children, waiting: Sequence[Future[dict[str, str]]]) -> None:
    """End what is left of the builds: at once at a Ctrl-C, or after PATIENCE seconds, without asking."""
    try:
        own.end()
        wait(waiting, PATIENCE)
    finally:
        own.kill()


def _differing(one: Path, other: Path) -> tuple[str, ...]:
    """Return the names of files of which two builds made different ones."""
    pairs = set(store.files(one)) ^ set(store.files(other))
    return tuple(sorted({file.name for file in pairs}))


def _tell_differing(made: Dists, root: Path, say: Callable[[str], None], *, must_not: bool) -> None:
    """Say which files two builds made differently.

    Raises:
        ReleaseError: there are such, and the configuration wants none (exit 4).
    """
    if not made.differing:
        return
    what = (
        f"two builds made different files of {', '.join(made.differing)}: {embedded.backend(root)} is not reproducible"
    )
    if must_not:
        hint = "choose a backend that is, such as hatchling or flit-core, or leave out reproducible"
        raise ReleaseError([Problem(what=what, hint=hint, exit=Exit.GATE_FAILED)])
    say(f"warning: {what}")


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


def set_modes(root: Path) -> None:
    """Give files the permissions that a umask of 022 gives them; some backends take them over into the archive."""
    for folder, names, plain in os.walk(root):
        if ".git" in names:
            names.remove(".git")
        os.chmod(folder, 0o755)  # noqa: S103, PTH101  # as everybody's checkout
        for path in (os.path.join(folder, name) for name in plain):  # noqa: PTH118  # thousands of them
            if not os.path.islink(path):  # noqa: PTH114
                mode = 0o755 if os.stat(path).st_mode & 0o100 else 0o644  # noqa: PTH116
                os.chmod(path, mode)  # noqa: PTH101


def _refuse_odd(folder: Path, wanted: versions.Version, project: str, commit: str, log: Path) -> None:
    """Refuse what a build must not leave; `project` is its name, "" if nobody knows.

    Raises:
        ReleaseError: it left something else than one sdist and wheels, or another version or project (exit 4).
    """
    found = files.read(folder)
    wrong = (*found.wrong, *files.unlike(found.dists, wanted, project))
    if wrong:
        what = f"the build of {commit[:10]} made something else than wanted: {'; '.join(wrong)}"
        hint = f"let the build backend take the version from VERSION; the whole log: {log}"
        raise ReleaseError([Problem(what=what, hint=hint, exit=Exit.GATE_FAILED)])
