"""What builds an image: its choice, its failures, and docker's command line."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest
from oci_jobs import (
    FILES,
    can_build,
    environment,
    failed,
    inspected,
    job,
    needs_registry,
    released,
    store,
    table,
)
from registries import registry

from release.artifacts.publish import image
from release.artifacts.publish.registry import Registry
from release.errors import Exit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support import Project

pytestmark = needs_registry


@pytest.fixture
def host(tmp_path: Path) -> Iterator[str]:
    with registry(tmp_path / "registry") as address:
        yield address


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return released(tmp_path / "project")


@can_build
def test_what_cannot_be_built_is_told_with_its_last_lines(tmp_path: Path, host: str) -> None:
    project = released(tmp_path / "broken", {**FILES, "Containerfile": "FROM scratch\nCOPY nothing /\n"})
    one = job(project, table(host))
    error = failed(one)
    assert error.exit is Exit.GATE_FAILED
    assert "cannot be built: buildah ended with status" in str(error)
    assert "nothing" in str(error)
    assert not list(one.scratch.glob("buildah-*"))
    assert Registry(f"{host}/acme/app", {}).digest("1.0.0") == ""


def test_what_is_missing_is_named(project: Project, tmp_path: Path, host: str) -> None:
    nothing = environment(tmp_path, {"PATH": str(tmp_path / "none")})
    for env, more, said in (
        (nothing, (), "nothing that builds an image is on PATH: buildah, podman, docker"),
        (nothing, ('builder = "podman"',), "podman, which builds the image, is not on PATH"),
        (None, ('containerfile = "docker/Image"',), "v1.0.0 has no file docker/Image"),
    ):
        error = failed(job(project, table(host, *more), env=env))
        assert error.exit is Exit.USAGE
        assert said in str(error)
    bare = released(tmp_path / "bare", {"VERSION": "1.0.0\n"})
    bare.write("Dockerfile", "FROM scratch\n")  # not committed
    error = failed(job(bare, table(host)))
    assert error.exit is Exit.USAGE
    assert "v1.0.0 has neither Containerfile nor Dockerfile" in str(error)


def test_a_daemon_that_does_not_answer_is_no_docker(project: Project, tmp_path: Path, host: str) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/docker").write_text("#!/bin/sh\necho Cannot connect >&2\nexit 1\n")
    (tmp_path / "bin/docker").chmod(0o755)
    error = failed(job(project, table(host), env=environment(tmp_path, {"PATH": str(tmp_path / "bin")})))
    assert error.exit is Exit.USAGE
    assert "its daemon does not answer" in str(error)


DOCKER = """\
#!/bin/sh
# The part of docker's command line that is used, as docker 28 has it, over a store of buildah's.
STORE="$(dirname "$0")"
buildah() { PATH=/usr/sbin:/usr/bin:/sbin:/bin command buildah --root "$STORE/root" --runroot "$STORE/run" \
    --storage-driver vfs "$@"; }
echo "$*" >> "$STORE/log"
case "$1 $2" in
"info "*) ;;
"image inspect") buildah inspect --type image --format '{{.FromImageID}}' "$5" 2>/dev/null |
    sed s/^/sha256:/ | grep .. ;;
"image tag") buildah tag "${3#sha256:}" "$4" ;;
"image rm") buildah rmi "${3#sha256:}" ;;
"build "*) shift; buildah build --timestamp "$SOURCE_DATE_EPOCH" "$@" ;;
"push "*) buildah push --tls-verify=false --digestfile "$STORE/digest" "$2" &&
    echo "$2: digest: $(cat "$STORE/digest") size: 9" ;;
*) exit 64 ;;
esac
"""


@can_build
def test_docker_is_called_as_its_command_line_is(project: Project, tmp_path: Path, host: str) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/docker").write_text(DOCKER)
    (tmp_path / "bin/docker").chmod(0o755)
    env = environment(tmp_path, {"PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"})
    wanted = table(host, 'builder = "docker"')
    facts = image.plan(job(project, wanted, env=env)).act()
    assert inspected(facts["reference"])["Digest"] == facts["digest"]
    assert left(tmp_path) == []

    # An image of the user's own under the same name is there afterwards, too.
    reference = f"{host}/acme/more:1.0.0"
    (tmp_path / "Containerfile").write_text("FROM scratch\nLABEL by=hand\n")
    build = [*store(tmp_path / "bin"), "build", "-t", reference, str(tmp_path)]
    subprocess.run(build, env=environment(tmp_path), check=True, capture_output=True)
    before = left(tmp_path)
    assert len(before) == 1
    wanted = table(host, 'builder = "docker"', name="acme/more")
    assert image.plan(job(project, wanted, env=env)).act()["reference"] == reference
    assert left(tmp_path) == before


def left(folder: Path) -> list[str]:
    """Return the images in the store of the docker of these tests."""
    argv = [*store(folder / "bin"), "images", "--all", "--no-trunc", "--format", "{{.Name}}:{{.Tag}} {{.ID}}"]
    shown = subprocess.run(argv, env=environment(folder), check=True, capture_output=True, text=True).stdout
    return sorted(shown.splitlines())
