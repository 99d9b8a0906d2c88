"""The image: built of a clean export of the release's tree, pushed once under its version, and never replaced."""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING

from release import version as versions
from release.artifacts.publish import builders, exported, labels
from release.artifacts.publish.job import Planned, Seen, State, different, unreachable
from release.artifacts.publish.registry import Registry
from release.errors import Exit, ReleaseError, usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from release.artifacts.publish.builders import Builder
    from release.artifacts.publish.job import Facts, Job
    from release.artifacts.publish.registry import Manifest

NAME = "image"  # among what is recorded
LATEST = "latest"

_FILES = ("Containerfile", "Dockerfile")
_WHO = "the build of the image"


def objection(job: Job) -> str:
    """Say why the project does not use this publisher; "" when it does."""
    return "" if job.config.image.name else "no image.name"


def plan(job: Job, *, pause: Callable[[float], None] = time.sleep) -> Planned:
    """Look at the registry, and return what is to be done.

    `pause` waits between tries.

    Raises:
        ReleaseError: no Containerfile, no builder, or no login (exit 2); the tag is another image's (exit 3); the
            registry does not answer (exit 7).
    """
    release = _Release(job, pause)
    there = release.there()
    if there is not None:
        if not release.is_latest_due(there):
            return Planned((f"image: {release.reference} is there as {there.digest}",), release.publish, is_done=True)
        return Planned((f"image: let {LATEST} point at {release.reference}",), release.publish)
    file, builder = _containerfile(job), builders.find(job.config.image.builder, job.env)
    lines = [f"image: build {release.reference} of {file} with {builder.name}, and push it"]
    lines += [f"image: let {LATEST} point at it"] if release.wants_latest else []
    return Planned(tuple(lines), release.publish)


def check(job: Job, *, pause: Callable[[float], None] = time.sleep) -> Iterator[Seen]:
    """Look at the image in the registry, and yield what came of it; nothing is raised for that."""
    what = f"image {job.config.image.name}"
    try:
        release = _Release(job, pause)
        what = f"image {release.reference}"
        there = release.there()
        if there is None:
            yield Seen(what, State.MISMATCH, "is not there")
            return
        known = "" if NAME in job.known else ", by its revision: no digest was recorded"
        yield Seen(what, State.CHECKED, f"{there.digest}{known}")
        if release.wants_latest:
            what = f"image {job.config.image.name}:{LATEST}"
            if release.is_latest_due(there):
                yield Seen(what, State.MISMATCH, f"does not point at {there.digest}")
            else:
                yield Seen(what, State.CHECKED)
    except ReleaseError as error:
        state = State.MISMATCH if error.exit is Exit.REFUSED else State.UNSEEN
        yield Seen(what, state, error.problems[0].what)


class _Release:
    """An image of a release, and the registry that it goes to."""

    def __init__(self, job: Job, pause: Callable[[float], None]) -> None:
        image = job.config.image
        self._job = job
        self._registry = Registry(image.name, job.env, pause=pause)
        self._tag = versions.spell(job.version, versions.Spelling(image.spelling))
        self.reference = f"{image.name}:{self._tag}"
        self.wants_latest = image.latest and job.is_newest and versions.is_final(job.version)

    def there(self) -> Manifest | None:
        """Return our image as it is in the registry, None when the tag is free.

        Raises:
            ReleaseError: the tag is another image's (exit 3), or what the registry raises.
        """
        digest = self._registry.digest(self._tag)
        if not digest:
            return None
        known = self._job.known.get(NAME, {}).get("digest", "")
        if known and digest != known:
            raise different(f"{self.reference} is {digest}, but what was published is {known}")
        manifest = self._registry.manifest(digest)
        if manifest is None:
            raise unreachable(f"{self.reference} is said to be {digest}, which is not there")
        revision = labels.read(self._registry, manifest).get(labels.REVISION, "")
        if revision != self._job.record.commit:
            made = f"of the commit {revision}" if revision else f"without the label {labels.REVISION}"
            raise different(
                f"{self.reference} is there already, {made}; {self._job.record.tag} is {self._job.record.commit}"
            )
        return manifest

    def is_latest_due(self, ours: Manifest) -> bool:
        """Whether `latest` is to be moved: wanted, and neither at our image nor at that of a newer version."""
        if not self.wants_latest:
            return False
        digest = self._registry.digest(LATEST)
        if not digest or digest == ours.digest:
            return not digest
        manifest = self._registry.manifest(digest)
        if manifest is None:
            return True
        told = versions.read(labels.read(self._registry, manifest).get(labels.VERSION, ""))
        return told is None or told <= self._job.version

    def publish(self) -> Facts:
        """Do what is left to be done, and return what is to be recorded.

        Raises:
            ReleaseError: as of `plan`, or it cannot be built (exit 4), or its files cannot be had (exit 5).
        """
        there = self.there() or self._push()
        if self.is_latest_due(there):
            self._registry.point(LATEST, there)
            self._job.say(f"image: {LATEST} points at {self.reference}")
        return {"reference": self.reference, "digest": there.digest}

    def _push(self) -> Manifest:
        """Build and push, unless somebody else has pushed it meanwhile."""
        job = self._job
        file, builder = _containerfile(job), builders.find(job.config.image.builder, job.env)
        job.say(f"image: {builder.name} builds {self.reference}")
        work = builders.Work(
            reference=self.reference,
            context=exported.exported(job, _WHO),
            file=file,
            labels=_labels(job),
            epoch=job.record.epoch,
            env=job.env,
            scratch=job.scratch,
        )
        with builders.built(builder, work) as push:
            there = self.there()  # a build takes long enough for another run to be done
            if there is not None:
                job.say(f"image: {self.reference} has been pushed meanwhile")
                return there
            digest = push()
        return self._confirmed(digest, builder)

    def _confirmed(self, digest: str, builder: Builder) -> Manifest:
        """Return what the registry has under the tag now, which has to be what was pushed."""
        there = self.there()
        if there is None:
            raise unreachable(f"{builder.name} has pushed {self.reference}, but the registry does not show it")
        if there.digest != digest:
            raise different(f"{self.reference} is {there.digest}, but {builder.name} has pushed {digest}")
        self._job.say(f"image: pushed {self.reference} as {digest}")
        return there


def _containerfile(job: Job) -> str:
    """Return the path of what the image is built from.

    Raises:
        ReleaseError: the release has none (exit 2).
    """
    wanted = job.config.image.containerfile
    found = set(exported.paths(job))
    for name in [wanted] if wanted else _FILES:
        if name in found:
            return name
    tag = job.record.tag
    if wanted:
        raise usage(f"{tag} has no file {wanted}, which image.containerfile names", "correct it for the next version")
    raise usage(f"{tag} has neither {' nor '.join(_FILES)}", "name what the image is built from: image.containerfile")


def _labels(job: Job) -> dict[str, str]:
    """Return what the image says of itself; these win over the Containerfile's."""
    record = job.record
    told = {
        "title": record.project,
        "version": record.version,
        "revision": record.commit,
        "source": record.repository,
        "created": dt.datetime.fromtimestamp(record.epoch, dt.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    return {f"{labels.PREFIX}{name}": value for name, value in told.items() if value}
