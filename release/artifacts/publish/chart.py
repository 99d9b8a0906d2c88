"""The chart: packaged of a clean export of the release's tree, pushed once under its version, and never replaced.

Helm does both. Archives of one chart differ between versions of Helm, which compress differently and write Chart.yaml
anew: so what is in the registry is compared file by file.
"""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING

from release import version as versions
from release.artifacts.publish import archive, charts, exported, hosts, programs
from release.artifacts.publish.job import Planned, Seen, State, different, unreachable
from release.artifacts.publish.registry import Registry
from release.errors import Exit, ReleaseError
from release.formats import inert

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from release.artifacts.publish.job import Facts, Job
    from release.artifacts.publish.registry import Manifest

NAME = "chart"  # among what is recorded

_SHOWN = 5  # files that a message names
_LOGIN = "helm registry login"
_WHO = "the look at the chart"
_CONTENT = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"


def objection(job: Job) -> str:
    """Say why the project does not use this publisher; "" when it does."""
    return "" if job.config.chart.registry else "no chart.registry"


def plan(job: Job, *, pause: Callable[[float], None] = time.sleep) -> Planned:
    """Package the chart in the scratch folder, look at the registry, and return what is to be done.

    `pause` waits between tries.

    Raises:
        ReleaseError: no chart, no helm, or no login (exit 2); the version is another chart's (exit 3); the chart is
            not sound (exit 4); its files cannot be had (exit 5); the registry does not answer (exit 7).
    """
    release = _Release(job, pause)
    digest = release.there()
    if digest:
        return Planned((f"chart: {release.reference} is there as {digest}",), release.publish, is_done=True)
    release.package()
    return Planned((f"chart: push {release.reference}, packaged of {release.source}",), release.publish)


def check(job: Job, *, pause: Callable[[float], None] = time.sleep) -> Iterator[Seen]:
    """Look at the chart in the registry, and yield what came of it; nothing is raised for that."""
    what = f"chart in {job.config.chart.registry}"
    try:
        release = _Release(job, pause)
        what = f"chart {release.reference}"
        digest = release.digest()
        if not digest:
            yield Seen(what, State.MISMATCH, "is not there")
            return
        release.refuse_odd(digest)
        known = "" if NAME in job.known else ", by its files: no digest was recorded"
        yield Seen(what, State.CHECKED, f"{digest}{known}")
    except ReleaseError as error:
        state = State.MISMATCH if error.exit is Exit.REFUSED else State.UNSEEN
        yield Seen(what, state, error.problems[0].what)


class _Release:
    """A chart of a release, and the registry that it goes to."""

    def __init__(self, job: Job, pause: Callable[[float], None]) -> None:
        self._job = job
        self._version = versions.spell(job.version, versions.Spelling.SEMVER)
        self._chart = charts.found(job, self._version)
        self._root = charts.root(job)
        name = f"{self._root}/{self._chart.name}"
        self._registry = Registry(name, job.env, pause=pause, login=_LOGIN)
        self._package: Path | None = None
        self._recorded = job.known.get(NAME, {}).get("digest", "")
        self.reference = f"{name}:{self._version}"
        self.source = self._chart.place

    def digest(self) -> str:
        """Return the digest that the registry has under the version, "" when it is free.

        Raises:
            ReleaseError: another one was recorded (exit 3), or what the registry raises.
        """
        digest = self._registry.digest(self._version)
        if digest and self._recorded not in ("", digest):
            raise different(f"{self.reference} is {digest}, but what was published is {self._recorded}")
        return digest

    def package(self) -> Path:
        """Return the packaged chart; it is checked and packaged unless it is there.

        Raises:
            ReleaseError: no helm (exit 2), the chart is not sound (exit 4), its files cannot be had (exit 5).
        """
        if self._package is None or not self._package.exists():
            self._package = charts.packaged(self._job, self._chart)
        return self._package

    def content(self, digest: str) -> bytes:
        """Return the archive that a digest in the registry stands for.

        Raises:
            ReleaseError: it is no chart (exit 3), or what the registry raises.
        """
        manifest = self._registry.manifest(digest)
        layer = "" if manifest is None else _layer(manifest)
        if not layer:
            raise different(f"{self.reference} is there already, and is no chart")
        return self._registry.blob(layer, largest=archive.LARGEST)

    def there(self) -> str:
        """Return the digest of our chart in the registry, "" when the version is free.

        Raises:
            ReleaseError: another chart is there (exit 3), or what the registry and `package` raise.
        """
        digest = self.digest()
        if digest and not self._recorded:
            self._refuse(archive.unlike(self.content(digest), self.package().read_bytes()))
        return digest

    def publish(self) -> Facts:
        """Push the chart unless it is there, and return what is to be recorded.

        Raises:
            ReleaseError: as of `plan`.
        """
        digest = self.there() or self._push()
        return {"reference": self.reference, "digest": digest}

    def _push(self) -> str:
        job, package = self._job, self.package()
        host = self._registry.place.host
        plain = ["--plain-http"] if hosts.is_loopback(host) else []
        words = ["push", str(package), f"oci://{self._root}", *plain]
        ran = charts.helm(job, words, package.parent)
        if ran.status:
            raise programs.not_pushed(self.reference, ran, f"{_LOGIN} {host}")
        digest = self.digest()
        if not digest:
            raise unreachable(f"helm has pushed {self.reference}, but the registry does not show it")
        ours = hashlib.sha256(package.read_bytes()).hexdigest()
        if self.content(digest) != package.read_bytes():
            raise different(f"{self.reference} is {digest}, whose archive is not the one that helm has pushed ({ours})")
        job.say(f"chart: pushed {self.reference} as {digest}")
        return digest

    def refuse_odd(self, digest: str) -> None:
        """Refuse what is under a digest unless it is a chart and, if no digest was recorded, of the release's files.

        Which files are left out of a chart is only known to Helm, which need not be here.

        Raises:
            ReleaseError: it is not (exit 3), or what the registry and `exported` raise.
        """
        content = self.content(digest)
        if not self._recorded:
            folder = exported.exported(self._job, _WHO) / self._chart.folder
            self._refuse(archive.strange(content, self._chart.name, folder))

    def _refuse(self, files: tuple[str, ...]) -> None:
        if files:
            more = ", …" if len(files) > _SHOWN else ""
            names = ", ".join(map(inert.reason, files[:_SHOWN])) + more
            raise different(f"{self.reference} is there already, and differs from this release in {names}")


def _layer(manifest: Manifest) -> str:
    """Return the digest of the archive in the manifest of a chart, "" if it is none."""
    layers = manifest.data.get("layers")
    for layer in layers if isinstance(layers, list) else ():
        if isinstance(layer, dict) and layer.get("mediaType") == _CONTENT:
            return str(layer.get("digest", ""))
    return ""
