"""`build`, `publish` and `release.verify`: what they show, ask, and end with."""

from __future__ import annotations

import contextlib
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from release import console
from release.artifacts import tagged
from release.errors import Exit, Problem, ReleaseError
from release.flows import commands
from release.git.database import ObjectReader
from release.steps import build as builds
from release.steps import publish as publishing
from release.steps import seals
from release.steps import verify as verifying
from release.tasks import face, running

if TYPE_CHECKING:
    from invoke.context import Context

    from release.artifacts.bundle import Bundle
    from release.artifacts.publish.job import Job, Seen
    from release.artifacts.record import Record
    from release.artifacts.tagged import Tagged
    from release.flows.rehearse import Rehearsal
    from release.git.repository import Repository
    from release.plan import Tag
    from release.steps.publish import Chosen
    from release.tasks.running import Run


class Wish(NamedTuple):
    """What is published: a version or the name of its tag ("" for HEAD's release), by one publisher ("" for all).

    `is_final`: drafts become public, too.
    """

    version: str = ""
    tag: str = ""
    to: str = ""
    is_final: bool = False


def build(context: Context, *, dry_run: bool) -> None:
    """Build what HEAD's tree makes into dist/."""
    with face.changing(context, dry_run=dry_run) as run:
        release = _at_head(run.repository)
        named = release.name or f"{release.version}, which has no tag yet"
        if run.lock is None:
            console.say(f"dry run: {named} would be built into {builds.DIST}/ from the tree {release.tree[:10]}")
            return
        made = builds.into_dist(run.repository, release, say=console.say)
        console.say(f"{named} is built from the tree {release.tree[:10]}")
        for line in _listed(made):
            console.show(line)
        console.say("next: invoke publish" if release.name else "next: invoke tag")


def _listed(made: Bundle) -> list[str]:
    return [f"{one.sha256}  {one.name}" for one in made.record.files]


def keep(repository: Repository, tag: Tag, *, rehearsal: Rehearsal | None) -> None:
    """Keep what was built for a tag that was just made, described and sealed; when that fails `publish` does it.

    The tag is visible by now: nothing that goes wrong here takes it back.
    """
    try:
        release = _named(repository, "", tag.name, rehearsal=rehearsal)
        made = builds.of_release(repository, release, say=console.say, is_new=True)
    except (ReleaseError, OSError) as error:
        console.say(f"warning: what was built could not be kept: {error}\n  try: invoke publish --dry-run")
        return
    console.say(f"built: {made.folder}")


def publish(context: Context, wish: Wish, *, dry_run: bool, yes: bool) -> None:
    """Take the files of a release to where it goes, after asking."""
    with face.changing(context, dry_run=dry_run, yes=yes) as run:
        ship(run, wish)


def after(run: Run, tag: Tag | None) -> None:
    """Publish the release that a task has just made, which was asked about then; None: it made no tag now.

    Raises:
        ReleaseError: as of `ship`; what the task has made stays, and how to go on is said.
    """
    if tag is None:
        console.say("note: nothing was tagged now, and so nothing is published: invoke publish")
        return
    try:
        ship(replace(run, yes=True), Wish(tag=tag.name))
    except ReleaseError as error:
        version = _named(run.repository, "", tag.name, rehearsal=run.rehearsal).version
        again = commands.invoke("publish", "--version", str(version))
        closing = (f"{tag.name} is tagged and stays so; not all of it is published", f"next: {again}")
        raise ReleaseError(error.problems, (*error.closing, *closing)) from None


def ship(run: Run, wish: Wish) -> None:
    """Publish a release as a part of a task; what was published before is only looked at.

    Raises:
        ReleaseError: as of the steps; without a terminal and without --yes (exit 2); a no (exit 3).
    """
    release = _named(run.repository, wish.version, wish.tag, rehearsal=run.rehearsal)
    seals.tag_signer(run.repository, release)
    if (note := publishing.refuse_unpushed(run.repository, release)) != "":
        console.say(f"note: {note}")
    if run.lock is None and not builds.is_there(run.repository, release):
        console.say(f"dry run: {release.name} is not built yet; what is to be uploaded is known then: invoke build")
        return
    made = builds.of_release(run.repository, release, say=console.say)
    builds.refuse_foreign(run.repository, made)
    seals.refuse_wrong(run.repository, release, made)
    with publishing.job(
        run.repository, release, made, say=console.say, is_final=wish.is_final, is_rehearsed=run.rehearsal is not None
    ) as work:
        chosen = publishing.chosen(work, wish.to, is_rehearsed=run.rehearsal is not None)
        _say_left(chosen, wish)
        steps = publishing.plan(work, chosen.names)
        for step in steps:
            for line in step.planned.lines:
                console.show(f"{step.name}: {line.removeprefix(f'{step.name}: ')}")
        if not steps:
            console.say(f"{release.name} goes nowhere: no publisher takes it and is configured")
            return
        if run.lock is None:
            console.say("dry run: nothing is published")
            return
        if not run.yes and not all(step.planned.is_done for step in steps):
            running.confirm(f"publish {release.name}?")
        publishing.carry_out(work, steps)
    console.say(f"{release.name} is published: {', '.join(step.name for step in steps)}")
    console.say(f"next: {commands.invoke('release.verify', str(release.version))}")


def _say_left(chosen: Chosen, wish: Wish) -> None:
    if not wish.to:
        for name, why in chosen.left:
            console.say(f"note: {name} is left out: {why}")


def verify(context: Context, version: str, *, as_json: bool) -> None:
    """Fetch what was published of a version, compare it with what was made, and end with what came of it."""
    from release.tasks import rehearsing  # noqa: PLC0415  # loaded by tasks that are rehearsed

    rehearsal = rehearsing.of(context)
    with face.ending() as repository, tempfile.TemporaryDirectory(prefix="release-verify-") as place:
        where = repository()
        release = _named(where, version, rehearsal=rehearsal)

        def fetch(known: Record) -> Path | None:
            return publishing.fetched(where, release, known, Path(place), say=console.say)

        made = builds.known(where, release, fetch)
        with publishing.job(where, release, made, say=console.say, is_rehearsed=rehearsal is not None) as work:
            chosen = publishing.chosen(work, is_rehearsed=rehearsal is not None)
            seen = _looked(work, release, chosen, as_json=as_json)
        if as_json:
            console.show(json.dumps(_facts(release, seen, chosen), indent=1))
        code = verifying.code(seen)
        if code is not Exit.DONE:
            raise ReleaseError([Problem(what=_END[code].format(name=release.name), exit=code)])
        console.say(f"{release.name} is what was made")


_END = {
    Exit.REFUSED: "{name} is NOT what was made: do not install it; find out who changed it",
    Exit.NOT_AUDITED: "NOT AUDITED: not all of {name} could be looked at",
}


def _looked(work: Job, release: Tagged, chosen: Chosen, *, as_json: bool) -> list[Seen]:
    seen = []
    for one in verifying.verify(work, release, chosen.names):
        seen.append(one)
        if not as_json:
            console.show(f"{one.state.value:14}{one.what}{f'  ({one.detail})' if one.detail else ''}")
    if not as_json:
        for name, why in chosen.left:
            console.show(f"{'left out':14}{name}  ({why})")
    return seen


def _facts(release: Tagged, seen: list[Seen], chosen: Chosen) -> dict[str, Any]:
    looks = [{"what": one.what, "state": one.state.value, "detail": one.detail} for one in seen]
    return {"version": str(release.version), "tag": release.name, "looks": looks, "left": dict(chosen.left)}


def _at_head(repository: Repository) -> Tagged:
    with contextlib.closing(ObjectReader(repository.top)) as reader:
        return tagged.head(repository, reader)


def _named(repository: Repository, version: str, tag: str = "", *, rehearsal: Rehearsal | None) -> Tagged:
    """Return a release; in a rehearsal it is configured for that."""
    with contextlib.closing(ObjectReader(repository.top)) as reader:
        found = tagged.of_tag(repository, reader, tag) if tag else tagged.find(repository, reader, version)
    return found if rehearsal is None else found._replace(config=rehearsal.configured(found.config))
