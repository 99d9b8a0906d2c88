"""Releases of small projects with an image and a chart, to be published to registries on loopback."""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from registries import PASSWORD, PROGRAM, SKOPEO, USER
from support import EPOCH, Project, bare

from release import config as configuration
from release.artifacts.publish import image
from release.artifacts.publish.job import Job
from release.artifacts.record import Record
from release.errors import ReleaseError
from release.git import repository

if TYPE_CHECKING:
    from collections.abc import Mapping

    from release.artifacts.publish.job import Facts, State

BUILDAH = shutil.which("buildah")
# Wherever these run, in containers without user namespaces too.
STORAGE = {"STORAGE_DRIVER": "vfs", "BUILDAH_ISOLATION": "chroot"}
FILES = {
    "VERSION": "1.0.0\n",
    "Containerfile": (
        "FROM scratch\nLABEL org.opencontainers.image.title=theirs org.opencontainers.image.vendor=acme\nCOPY . /app\n"
    ),
    "app.txt": "app\n",
    "chart/Chart.yaml": "apiVersion: v2\nname: demo\nversion: 1.0.0\nappVersion: '1.0.0'\ndescription: Demo\n",
    "chart/values.yaml": "replicas: 1\n",
    "chart/templates/map.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: demo}\n",
}


def released(folder: Path, files: Mapping[str, str] = FILES) -> Project:
    """Make a project whose tip is a release; what is not committed lies beside it."""
    project = bare(folder)
    project.commit("feat: begin", files)
    project.write("untracked.txt", "not committed\n")
    project.write("app.txt", "changed since\n")
    return project


def environment(folder: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return what programs are started with, its HOME in `folder`."""
    home = folder / "home"
    home.mkdir(parents=True, exist_ok=True)
    return {"PATH": os.environ["PATH"], "HOME": str(home), **STORAGE, **(more or {})}


def job(
    project: Project,
    table: str,
    *,
    env: Mapping[str, str] | None = None,
    version: str = "1.0.0",
    is_newest: bool = True,
    known: Mapping[str, Facts] | None = None,
    said: list[str] | None = None,
) -> Job:
    """Return the job of publishing the tip of a project, configured by `table`, the lines below [tool.release]."""
    scratch = Path(project.folder) / f"scratch-{len(list(project.folder.glob('scratch-*')))}"
    scratch.mkdir()
    record = Record(
        project="demo",
        version=version,
        tag=f"v{version}",
        tag_object="0" * 40,
        commit=project.git("rev-parse", "HEAD"),
        tree=project.git("rev-parse", "HEAD^{tree}"),
        previous="",
        repository="https://example.org/acme/demo",
        epoch=EPOCH,
        tool="1",
        builder={},
        is_reproducible=True,
        resolution=None,
        gates=(),
        files=(),
    )
    return Job(
        repository=repository.locate(project.path),
        folder=project.folder,
        record=record,
        config=configuration.load(f"[tool.release]\n{table}".encode(), origin="pyproject.toml"),
        notes="",
        env=environment(project.folder) if env is None else env,
        say=(said if said is not None else []).append,
        scratch=scratch,
        is_newest=is_newest,
        known=known or {},
    )


def inspected(reference: str, *words: str) -> dict[str, Any]:
    """Return what skopeo says of an image in a registry on loopback."""
    assert SKOPEO is not None
    argv = [SKOPEO, "inspect", "--tls-verify=false", *words, f"docker://{reference}"]
    found: dict[str, Any] = json.loads(subprocess.run(argv, check=True, capture_output=True).stdout)
    return found


def store(folder: Path) -> list[str]:
    """Return buildah with a store of its own in a folder."""
    assert BUILDAH is not None
    return [BUILDAH, "--root", str(folder / "root"), "--runroot", str(folder / "run"), "--storage-driver", "vfs"]


def push_by_hand(folder: Path, reference: str, *labels: str) -> None:
    """Build an image that is none of ours, and push it to a registry on loopback."""
    place = folder / "by-hand"
    place.mkdir(exist_ok=True)
    (place / "Containerfile").write_text("FROM scratch\nLABEL by=hand\n")
    words = [word for label in labels for word in ("--label", label)]
    for argv in (["build", *words, "-t", reference, str(place)], ["push", "--tls-verify=false", reference]):
        subprocess.run([*store(place), *argv], env=environment(folder), check=True, capture_output=True)


def logged_in(folder: Path, host: str) -> dict[str, str]:
    """Log in with buildah's own command, and return the environment in which one is."""
    env = environment(folder, {"REGISTRY_AUTH_FILE": str(folder / "auth.json")})
    argv = ["buildah", "login", "--tls-verify=false", "-u", USER, "--password-stdin", host]
    subprocess.run(argv, env=env, input=PASSWORD.encode(), check=True, capture_output=True)
    return env


def table(host: str, *more: str, name: str = "acme/app") -> str:
    """Return the configuration of an image in a registry."""
    return "\n".join(["[tool.release.image]", f'name = "{host}/{name}"', *more])


def failed(of: Job) -> ReleaseError:
    """Publish the image of a job, which has to fail."""
    with pytest.raises(ReleaseError) as caught:
        image.plan(of, pause=lambda _: None).act()
    return caught.value


def looks(of: Job) -> list[tuple[State, str]]:
    """Check the image of a job, and return what came of it."""
    return [(one.state, one.detail) for one in image.check(of, pause=lambda _: None)]


@functools.lru_cache(maxsize=1)
def buildah_objection() -> str:
    """Say why images cannot be built here; "" when they can."""
    if BUILDAH is None:
        return "buildah is not installed"
    with TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "Containerfile").write_text("FROM scratch\nLABEL a=b\n")
        ran = subprocess.run([*store(place), "build", folder], env=environment(place), capture_output=True, check=False)
        return "" if ran.returncode == 0 else f"buildah cannot build here: {ran.stderr.decode()[-200:]}"


def helm(folder: Path) -> str:
    """Return a PATH with helm: the machine's, or else Helm's own code behind its command line."""
    if shutil.which("helm"):
        return os.environ["PATH"]
    folder.mkdir(exist_ok=True)
    program = folder / "helm"
    program.write_text(f"#!{sys.executable}\n{Path(__file__).with_name('helm_program.py').read_text()}")
    program.chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


def wrapped(folder: Path, name: str, script: str) -> str:
    """Put a shell script before a program on PATH, which it finds in $REAL, and return that PATH."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\nREAL={shutil.which(name)}\n{script}")
    (folder / name).chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


needs_registry = [
    pytest.mark.skipif(PROGRAM is None, reason="docker-registry is not installed"),
    pytest.mark.skipif(SKOPEO is None, reason="skopeo is not installed"),
]
can_build = pytest.mark.skipif(bool(buildah_objection()), reason=buildah_objection() or "it can")
has_helm = pytest.mark.skipif(
    shutil.which("helm") is None and importlib.util.find_spec("helm_python") is None,
    reason="neither helm nor helm-python-sdk is installed",
)
