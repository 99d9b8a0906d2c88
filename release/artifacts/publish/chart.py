"""The chart: packaged of a clean export of the release's tree, pushed once under its version, and never replaced.

Helm does both. Archives of one chart differ between versions of Helm, which compress differently and write Chart.yaml
anew: so what is in the registry is compared file by file.
"""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, NamedTuple

from release import image as images
from release import version as versions
from release.artifacts.publish import archive, exported, hosts, programs
from release.artifacts.publish.job import Planned, Seen, State, different, unreachable
from release.artifacts.publish.registry import Registry
from release.errors import Exit, ReleaseError, refusal, usage
from release.formats import FormatError, find, globs, inert

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from release.artifacts.publish.job import Facts, Job
    from release.artifacts.publish.registry import Manifest

NAME = "chart"  # among what is recorded

_FILE = "Chart.yaml"
_LOCK = "Chart.lock"
_PARTS = "charts"  # the folder of the charts that a chart needs
_CONTENT = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
_WHO = "the packaging of the chart"


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
    digest = release.known()
    if not digest:
        release.package()
        digest = release.there()
    if digest:
        return Planned((f"chart: {release.reference} is there as {digest}",), release.publish, is_done=True)
    return Planned((f"chart: push {release.reference}, packaged of {release.source}",), release.publish)


def check(job: Job, *, pause: Callable[[float], None] = time.sleep) -> Iterator[Seen]:
    """Look at the chart in the registry, and yield what came of it; nothing is raised for that."""
    what = f"chart in {job.config.chart.registry}"
    try:
        release = _Release(job, pause)
        what = f"chart {release.reference}"
        digest = release.known() or release.digest()
        if not digest:
            yield Seen(what, State.MISMATCH, "is not there")
            return
        release.refuse_odd(release.content(digest))
        known = "" if NAME in job.known else ", by its name and version: no digest was recorded"
        yield Seen(what, State.CHECKED, f"{digest}{known}")
    except ReleaseError as error:
        state = State.MISMATCH if error.exit is Exit.REFUSED else State.UNSEEN
        yield Seen(what, state, error.problems[0].what)


class _Chart(NamedTuple):
    """A chart in the release's tree: its folder ("": the root), its name, the file that says so."""

    folder: str
    name: str
    file: str


class _Release:
    """A chart of a release, and the registry that it goes to."""

    def __init__(self, job: Job, pause: Callable[[float], None]) -> None:
        self._job = job
        self._version = versions.spell(job.version, versions.Spelling.SEMVER)
        self._chart = _chart(job, self._version)
        self._root = _root(job)
        name = f"{self._root}/{self._chart.name}"
        self._registry = Registry(name, job.env, pause=pause)
        self._package: Path | None = None
        self.reference = f"{name}:{self._version}"
        self.source = self._chart.folder or "the root"

    def digest(self) -> str:
        """Return the digest that the registry has under the version, "" when it is free."""
        return self._registry.digest(self._version)

    def known(self) -> str:
        """Return the digest that was recorded, if the registry has it; "" if none was, or nothing is there.

        Raises:
            ReleaseError: it has another one (exit 3), or what the registry raises.
        """
        recorded = self._job.known.get(NAME, {}).get("digest", "")
        digest = self.digest() if recorded else ""
        if digest not in ("", recorded):
            raise different(f"{self.reference} is {digest}, but what was published is {recorded}")
        return digest

    def package(self) -> Path:
        """Return the packaged chart; it is checked and packaged unless it is there.

        Raises:
            ReleaseError: no helm (exit 2), the chart is not sound (exit 4), its files cannot be had (exit 5).
        """
        if self._package is None or not self._package.exists():
            self._package = _packaged(self._job, self._chart)
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
        digest = self.known() or self.digest()
        if digest:
            found = self.content(digest)
            files = archive.unlike(found, self.package().read_bytes())
            if files:
                names = ", ".join(map(inert.reason, files[:5])) + (", …" if len(files) > 5 else "")  # noqa: PLR2004
                raise different(f"{self.reference} is there already, and differs from this release in {names}")
        return digest

    def publish(self) -> Facts:
        """Push the chart unless it is there, and return what is to be recorded.

        Raises:
            ReleaseError: as of `plan`.
        """
        digest = self.known() or self.there() or self._push()
        return {"reference": self.reference, "digest": digest}

    def _push(self) -> str:
        job, package = self._job, self.package()
        host = self._registry.place.host
        plain = ["--plain-http"] if hosts.is_loopback(host) else []
        words = ["push", str(package), f"oci://{self._root}", *plain]
        ran = _helm(job, words, package.parent)
        if ran.status:
            raise programs.not_pushed(self.reference, ran, f"helm registry login {host}")
        digest = self.digest()
        if not digest:
            raise unreachable(f"helm has pushed {self.reference}, but the registry does not show it")
        ours = hashlib.sha256(package.read_bytes()).hexdigest()
        if self.content(digest) != package.read_bytes():
            raise different(f"{self.reference} is {digest}, whose archive is not the one that helm has pushed ({ours})")
        job.say(f"chart: pushed {self.reference} as {digest}")
        return digest

    def refuse_odd(self, content: bytes) -> None:
        """Refuse an archive that is not of this name and version.

        Raises:
            ReleaseError: it is not (exit 3).
        """
        data = archive.files(content).get(f"{self._chart.name}/{_FILE}", b"")
        told = _value(data, "version", f"{self.reference}: {_FILE}")
        if told != self._version:
            raise different(f"{self.reference} is a chart of another name or version ({told or 'none'})")


def _layer(manifest: Manifest) -> str:
    """Return the digest of the archive in the manifest of a chart, "" if it is none."""
    layers = manifest.data.get("layers")
    for layer in layers if isinstance(layers, list) else ():
        if isinstance(layer, dict) and layer.get("mediaType") == _CONTENT:
            return str(layer.get("digest", ""))
    return ""


def _root(job: Job) -> str:
    """Return the configured registry.

    Raises:
        ReleaseError: it has no host, which helm needs (exit 2).
    """
    root = job.config.chart.registry
    found = images.read(root)
    if found is None or not found.domain:
        raise usage(f"chart.registry = {root} names no host", "write it in front, such as registry.example.org/charts")
    return root


def _chart(job: Job, version: str) -> _Chart:
    """Return the chart of the release.

    Raises:
        ReleaseError: there is none, or it has no usable name (exit 2); it has another version (exit 3).
    """
    wanted = job.config.chart.path
    paths = exported.paths(job)
    folder = "" if os.path.normpath(wanted) == "." else os.path.normpath(wanted)
    file = f"{folder}/{_FILE}" if folder else _FILE
    if not wanted:
        file = _only(job, paths, version)
        folder = file.rpartition("/")[0]
    elif file not in paths:
        raise usage(f"{job.record.tag} has no {file}", "correct chart.path for the next version")
    data = exported.content(job, file)
    name, told = _value(data, "name", file), _value(data, "version", file)
    if told != version:
        raise refusal(f"{file} in {job.record.tag} has the version {told or 'none'}, not {version}")
    if "/" in name or images.name_objection(name):
        raise usage(f"{file} has the name {inert.reason(name) or 'none'}, by which no registry can keep it")
    return _Chart(folder, name, file)


def _only(job: Job, paths: Sequence[str], version: str) -> str:
    """Return the one file that can be meant: with the version of the release, nobody else's, in no other chart."""
    found = [
        path
        for path in paths
        if path.rpartition("/")[2] == _FILE
        and not any(globs.covers(glob, path) for glob in job.config.foreign)
        and _value(exported.content(job, path), "version", path) == version
    ]
    homes = [path.removesuffix(_FILE) + f"{_PARTS}/" for path in found]
    found = [path for path in found if not path.startswith(tuple(homes))]
    if len(found) == 1:
        return found[0]
    several = f"several with the version {version}: {', '.join(found)}" if found else f"none with the version {version}"
    raise usage(f"the chart of {job.record.tag} is not clear: of all {_FILE} {several}", "name its folder: chart.path")


def _value(data: bytes, key: str, where: str) -> str:
    """Return a text of a Chart.yaml, "" if it is not there.

    Raises:
        ReleaseError: it cannot be read (exit 2).
    """
    try:
        return next((literal.text for literal in find("yaml", data, [key])), "")
    except FormatError as error:
        raise usage(f"{where} cannot be read: {error}") from None


def _packaged(job: Job, chart: _Chart) -> Path:
    """Check and package the chart, and return the archive.

    Raises:
        ReleaseError: no helm (exit 2), the chart is not sound (exit 4), its files cannot be had (exit 5).
    """
    folder = exported.exported(job, _WHO) / chart.folder
    out = Path(mkdtemp(prefix="chart-", dir=job.scratch))
    steps = [["lint", str(folder)], ["package", str(folder), "--destination", str(out)]]
    if (folder / _LOCK).exists() and not (folder / _PARTS).exists():
        steps.insert(0, ["dependency", "build", str(folder)])
    for words in steps:
        ran = _helm(job, words, folder)
        if ran.status:
            raise programs.unsound(f"the chart {chart.folder or 'at the root'} of {job.record.tag} is not sound", ran)
    made = list(out.iterdir())
    if len(made) != 1:
        raise refusal(f"helm package made {len(made)} files of {chart.file} instead of one")
    # Helm writes the time of the archive into the manifest, whose digest is the same then.
    os.utime(made[0], (job.record.epoch, job.record.epoch))
    return made[0]


def _helm(job: Job, words: Sequence[str], cwd: Path) -> programs.Ran:
    """Run helm.

    Raises:
        ReleaseError: it is not there (exit 2).
    """
    program = programs.find("helm", job.env)
    if not program:
        raise usage("helm, which packages and pushes the chart, is not on PATH", "install Helm 3.8 or newer")
    env = {**job.env, "SOURCE_DATE_EPOCH": str(job.record.epoch), "NO_COLOR": "1"}
    log = Path(mkdtemp(prefix="helm-", dir=job.scratch)) / "log.txt"
    return programs.run([program, *words], cwd=cwd, env=env, log=log)
