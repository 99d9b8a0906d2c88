"""`publish`: the files of a release, taken to where users fetch them; what is there already is not taken twice."""

from __future__ import annotations

import contextlib
import os
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from release import version as versions
from release.artifacts import bundle, publish
from release.artifacts.bundle import Bundle
from release.artifacts.publish.job import Job
from release.errors import ReleaseError, refusal, usage
from release.git import world
from release.git.database import ObjectReader
from release.shapes import nearest
from release.steps import told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from release.artifacts.publish.job import Planned, Publisher
    from release.artifacts.record import Record
    from release.artifacts.tagged import Tagged
    from release.git.repository import Repository

_REHEARSED = ("index",)  # what has a stand-in on this machine


class Chosen(NamedTuple):
    """The publishers that a release goes to, and of the others why it does not."""

    names: tuple[str, ...]
    left: tuple[tuple[str, str], ...]


class Step(NamedTuple):
    """What one publisher is going to do."""

    name: str
    planned: Planned


@contextlib.contextmanager
def job(
    repository: Repository,
    release: Tagged,
    made: Bundle,
    *,
    say: Callable[[str], None],
    is_final: bool = False,
    is_rehearsed: bool = False,
) -> Iterator[Job]:
    """Yield what publishers are given; with `is_rehearsed` nobody's token is."""
    with tempfile.TemporaryDirectory(prefix="release-publish-") as scratch:
        with closing(ObjectReader(repository.top)) as reader:
            page = told.of_release(repository, reader, release, made.record.repository)
        yield Job(
            repository=repository,
            folder=made.folder,
            record=made.record,
            config=release.config,
            notes=page,
            env=_environment(is_rehearsed=is_rehearsed),
            say=say,
            scratch=Path(scratch),
            is_final=is_final,
            is_newest=release.is_newest,
            known=bundle.published(repository, release.name),
        )


def _environment(*, is_rehearsed: bool) -> dict[str, str]:
    """Return what programs are started with; an index of our own on loopback gets nobody's token."""
    taken = ("RELEASE_", "TWINE_", "UV_PUBLISH_") if is_rehearsed else ("RELEASE_",)  # our own keys are nobody's
    kept = {name: value for name, value in os.environ.items() if not name.startswith(taken)}
    return {**kept, "TWINE_USERNAME": "rehearsal", "TWINE_PASSWORD": "rehearsal"} if is_rehearsed else kept


def fetched(
    repository: Repository, release: Tagged, known: Record, folder: Path, *, say: Callable[[str], None]
) -> Path | None:
    """Return `folder` with all files of a release as the forge has them; None without a forge, or a release there.

    `known` is what can be said of the release without them.

    Raises:
        ReleaseError: as of `forge.fetch`.
        OSError: a file cannot be written.
    """
    if "forge" not in release.config.publish.takers(versions.kind(release.version)):
        return None
    with job(repository, release, Bundle(folder, known), say=say) as work:
        forge = publisher("forge")
        if forge.objection(work):
            return None
        from release.artifacts.publish.forge import fetch  # noqa: PLC0415  # an extra has its library

        say(f"fetching the files of {release.name} from the forge")
        return folder if fetch(work, folder) else None


def chosen(work: Job, wanted: str = "", *, is_rehearsed: bool = False) -> Chosen:
    """Return the publishers that take this kind of version and are configured, or the one that is `wanted`.

    Raises:
        ReleaseError: the wanted one is unknown, takes no such version, or is not configured (exit 2).
    """
    if wanted and wanted not in publish.NAMES:
        raise usage(f"{wanted[:40]!a} is no publisher", nearest(wanted, publish.NAMES))
    takers = work.config.publish.takers(versions.kind(work.version))
    names, left = [], []
    for name in publish.NAMES:
        why = _objection(work, name, takers, is_rehearsed=is_rehearsed)
        (left.append((name, why)) if why else names.append(name))
    if wanted and wanted not in names:
        raise usage(f"{wanted} does not take {work.record.version}: {dict(left)[wanted]}", "see: invoke release.config")
    return Chosen((wanted,) if wanted else tuple(names), tuple(left))


def _objection(work: Job, name: str, takers: tuple[str, ...], *, is_rehearsed: bool) -> str:
    if name not in takers:
        return f"publish.{name} does not take {versions.kind(work.version)}"
    why = publisher(name).objection(work)
    return why or ("it is not rehearsed" if is_rehearsed and name not in _REHEARSED else "")


def publisher(name: str) -> Publisher:
    """Return a publisher.

    Raises:
        ReleaseError: its libraries are not installed (exit 2).
    """
    try:
        return publish.publisher(name)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("release"):
            raise
        what = f"the publisher {name} needs {error.name}, which is not installed"
        raise usage(what, "pip install 'invoke-gitflow[publish]'") from None


def plan(work: Job, names: tuple[str, ...]) -> tuple[Step, ...]:
    """Look everywhere, and return what is to be done; all that stands in the way is said together.

    Raises:
        ReleaseError: as of `Publisher.plan`.
    """
    steps, problems = [], []
    for name in names:
        try:
            steps.append(Step(name, publisher(name).plan(work)))
        except ReleaseError as error:
            problems += [problem._replace(what=f"{name}: {problem.what}") for problem in error.problems]
    if problems:
        raise ReleaseError(problems)
    return tuple(steps)


def carry_out(work: Job, steps: tuple[Step, ...]) -> None:
    """Publish, one after the other, and keep what each found out.

    Raises:
        ReleaseError: as of `Planned.act`; what was done before stays, and is not done again.
    """
    for step in steps:
        try:
            facts = step.planned.act()
        except ReleaseError as error:
            raise ReleaseError(one._replace(what=f"{step.name}: {one.what}") for one in error.problems) from None
        bundle.note(work.repository, work.record.tag, step.name, facts)


def refuse_unpushed(repository: Repository, release: Tagged) -> str:
    """Refuse a release whose tag is not public, or is another one there; returns a note without any remote.

    Raises:
        ReleaseError: it is not there, is another one, or the remote cannot be asked (exit 3).
    """
    seen = world.observe(repository)
    remote = world.choose_remote(seen, release.config.remote)
    if not remote:
        return "no remote is configured: the tag is only here"
    there = world.ask_remote(repository, remote).get(f"refs/tags/{release.name}")
    if there is None:
        raise refusal(f"the tag {release.name} is not at {remote}", f"git push {remote} refs/tags/{release.name}")
    if there.oid != release.oid:
        raise refusal(
            f"the tag {release.name} is another one at {remote}: {there.oid[:10]}, and {release.oid[:10]} here",
            "one of them was replaced: find out which; do not publish",
        )
    return ""
