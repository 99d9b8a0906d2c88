"""The chart in a release's tree: which one it is, and how Helm checks and packages it."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, NamedTuple

from release import image as images
from release.artifacts.publish import exported, programs
from release.errors import refusal, usage
from release.formats import FormatError, find, globs, inert

if TYPE_CHECKING:
    from collections.abc import Sequence

    from release.artifacts.publish.job import Job

FILE = "Chart.yaml"

_LOCK = "Chart.lock"
_PARTS = "charts"  # the folder of the charts that a chart needs
_WHO = "the packaging of the chart"


class Chart(NamedTuple):
    """A chart in the release's tree: its folder ("": the root), its name, the file that says so."""

    folder: str
    name: str
    file: str

    @property
    def place(self) -> str:
        """The folder as messages have it."""
        return self.folder or "the root"


def root(job: Job) -> str:
    """Return the configured registry.

    Raises:
        ReleaseError: it has no host, which helm needs (exit 2).
    """
    wanted = job.config.chart.registry
    name = images.read(wanted)
    if name is None or not name.domain:
        raise usage(f"chart.registry = {wanted} names no host", "put one in front: registry.example.org/charts")
    return wanted


def found(job: Job, version: str) -> Chart:
    """Return the chart of the release.

    Raises:
        ReleaseError: there is none, or it has no usable name (exit 2); it has another version (exit 3).
    """
    wanted = job.config.chart.path
    paths = exported.paths(job)
    folder = "" if os.path.normpath(wanted) == "." else os.path.normpath(wanted)
    file = f"{folder}/{FILE}" if folder else FILE
    if not wanted:
        file = _only(job, paths, version)
        folder = file.rpartition("/")[0]
    elif file not in paths:
        raise usage(f"{job.record.tag} has no {file}", "correct chart.path for the next version")
    data = exported.content(job, file)
    name, told = value(data, "name", file), value(data, "version", file)
    if told != version:
        raise refusal(f"{file} in {job.record.tag} has the version {told or 'none'}, not {version}")
    if "/" in name or images.name_objection(name):
        raise usage(f"{file} has the name {inert.reason(name) or 'none'}, by which no registry can keep it")
    return Chart(folder, name, file)


def _only(job: Job, paths: Sequence[str], version: str) -> str:
    """Return the one file that can be meant: with the version of the release, nobody else's, in no other chart."""
    found = [
        path
        for path in paths
        if path.rpartition("/")[2] == FILE
        and not any(globs.covers(glob, path) for glob in job.config.foreign)
        and value(exported.content(job, path), "version", path) == version
    ]
    homes = [path.removesuffix(FILE) + f"{_PARTS}/" for path in found]
    found = [path for path in found if not path.startswith(tuple(homes))]
    if len(found) == 1:
        return found[0]
    several = f"several with the version {version}: {', '.join(found)}" if found else f"none with the version {version}"
    raise usage(f"the chart of {job.record.tag} is not clear: of all {FILE} {several}", "name its folder: chart.path")


def value(data: bytes, key: str, where: str) -> str:
    """Return a text of a Chart.yaml, "" if it is not there.

    Raises:
        ReleaseError: it cannot be read (exit 2).
    """
    try:
        return next((literal.text for literal in find("yaml", data, [key])), "")
    except FormatError as error:
        raise usage(f"{where} cannot be read: {error}") from None


def packaged(job: Job, chart: Chart) -> Path:
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
        ran = helm(job, words, folder)
        if ran.status:
            raise programs.unsound(f"the chart in {chart.place} of {job.record.tag} is not sound", ran)
    made = list(out.iterdir())
    if len(made) != 1:
        raise refusal(f"helm package made {len(made)} files of {chart.file} instead of one")
    # Helm writes the time of the archive into the manifest, whose digest is the same then.
    os.utime(made[0], (job.record.epoch, job.record.epoch))
    return made[0]


def helm(job: Job, words: Sequence[str], cwd: Path) -> programs.Ran:
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
