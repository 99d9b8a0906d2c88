"""The image publisher with buildah, docker-registry, and skopeo as the one who reads what was pushed."""

from __future__ import annotations

import io
import os
import tarfile
from typing import TYPE_CHECKING

import pytest
from oci_jobs import (
    FILES,
    can_build,
    failed,
    inspected,
    job,
    looks,
    needs_registry,
    push_by_hand,
    released,
    table,
)
from registries import registry

from release.artifacts.publish import image
from release.artifacts.publish.job import State
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


def files(reference: str) -> dict[str, tarfile.TarInfo]:
    """Return what is in the layers of an image, by path."""
    found = {}
    name, _, tag = reference.rpartition(":")
    reader = Registry(name, {"HOME": "/nonexistent"})
    manifest = reader.manifest(tag)
    assert manifest is not None
    for layer in manifest.data["layers"]:
        content = io.BytesIO(reader.blob(layer["digest"], largest=1 << 20))
        with tarfile.open(fileobj=content, mode="r:gz") as archive:
            found.update({member.name.rstrip("/"): member for member in archive})
    return found


def test_a_project_without_a_name_for_it_has_no_image(project: Project) -> None:
    assert image.objection(job(project, "")) == "no image.name"


@can_build
def test_an_image_is_built_of_what_is_committed_and_pushed_once(project: Project, host: str) -> None:
    said: list[str] = []
    one = job(project, table(host), said=said)
    assert image.objection(one) == ""
    planned = image.plan(one)
    assert planned.lines == (
        f"image: build {host}/acme/app:1.0.0 of Containerfile with buildah, and push it",
        "image: let latest point at it",
    )
    assert not planned.is_done
    facts = planned.act()
    shown = inspected(f"{host}/acme/app:1.0.0")
    assert facts == {"reference": f"{host}/acme/app:1.0.0", "digest": shown["Digest"]}
    assert f"image: pushed {host}/acme/app:1.0.0 as {shown['Digest']}" in said
    wanted = {
        "title": "demo",
        "version": "1.0.0",
        "revision": one.record.commit,
        "source": "https://example.org/acme/demo",
        "created": "2023-11-14T22:13:20Z",
    }
    wanted = {f"org.opencontainers.image.{name}": value for name, value in wanted.items()}
    told = inspected(f"{host}/acme/app:1.0.0", "--config")["config"]["Labels"]
    assert wanted.items() <= told.items()
    assert told["org.opencontainers.image.vendor"] == "acme"
    assert wanted.items() <= inspected(f"{host}/acme/app:1.0.0", "--raw")["annotations"].items()
    found = files(f"{host}/acme/app:1.0.0")
    assert {name for name, member in found.items() if member.isfile()} == {f"app/{name}" for name in FILES}
    assert found["app/app.txt"].size == len(FILES["app.txt"])
    assert {member.mtime for member in found.values()} == {one.record.epoch}
    assert inspected(f"{host}/acme/app:latest")["Digest"] == shown["Digest"]
    assert not list(one.scratch.glob("buildah-*")), "what was built is still here"

    again = job(project, table(host), known={"image": facts})
    planned = image.plan(again)
    assert (planned.is_done, planned.lines) == (
        True,
        (f"image: {facts['reference']} is there as {facts['digest']}",),
    )
    assert planned.act() == facts
    assert looks(again) == [(State.CHECKED, facts["digest"]), (State.CHECKED, "")]


@can_build
def test_two_builds_are_the_same_image(project: Project, host: str, tmp_path: Path) -> None:
    one = image.plan(job(project, table(host))).act()
    os.utime(project.path / "Containerfile", (1, 1))
    other = released(tmp_path / "elsewhere" / "other")
    assert other.git("rev-parse", "HEAD") == project.git("rev-parse", "HEAD")
    two = image.plan(job(other, table(host, name="acme/again"))).act()
    assert one["digest"] == two["digest"]


@can_build
def test_what_is_there_and_another_is_not_replaced(project: Project, host: str) -> None:
    first = image.plan(job(project, table(host))).act()
    project.commit("fix: later", {"app.txt": "later\n"})
    error = failed(job(project, table(host)))
    assert error.exit is Exit.REFUSED
    assert "is there already, of the commit" in str(error)
    assert "the next version" in str(error)
    assert inspected(first["reference"])["Digest"] == first["digest"]
    assert [state for state, _ in looks(job(project, table(host)))] == [State.MISMATCH]


@can_build
def test_a_recorded_digest_is_the_only_right_one(project: Project, host: str) -> None:
    facts = image.plan(job(project, table(host))).act()
    known = {"image": {**facts, "digest": f"sha256:{'0' * 64}"}}
    error = failed(job(project, table(host), known=known))
    assert error.exit is Exit.REFUSED
    assert f"is {facts['digest']}, but what was published is sha256:000" in str(error)
    assert [state for state, _ in looks(job(project, table(host), known=known))] == [State.MISMATCH]
    assert looks(job(project, table(host)))[0] == (
        State.CHECKED,
        f"{facts['digest']}, by its revision: no digest was recorded",
    )


@can_build
def test_an_image_without_our_label_is_somebody_elses(project: Project, host: str, tmp_path: Path) -> None:
    push_by_hand(tmp_path, f"{host}/acme/app:1.0.0")
    error = failed(job(project, table(host)))
    assert error.exit is Exit.REFUSED
    assert "without the label org.opencontainers.image.revision" in str(error)


@pytest.mark.thorough
@can_build
def test_latest_only_moves_forward(project: Project, host: str, tmp_path: Path) -> None:
    newer = "org.opencontainers.image.version=1.1.0"
    push_by_hand(tmp_path, f"{host}/acme/app:latest", newer)
    before = inspected(f"{host}/acme/app:latest")["Digest"]
    facts = image.plan(job(project, table(host))).act()
    assert inspected(f"{host}/acme/app:latest")["Digest"] == before
    assert image.plan(job(project, table(host))).is_done

    push_by_hand(tmp_path, f"{host}/acme/app:latest", "org.opencontainers.image.version=0.9.0")
    for spared in (job(project, table(host, "latest = false")), job(project, table(host), is_newest=False)):
        assert image.plan(spared).is_done
    assert looks(job(project, table(host)))[1][0] is State.MISMATCH
    planned = image.plan(job(project, table(host)))  # as after a run that was killed between the two tags
    assert planned.lines == (f"image: let latest point at {facts['reference']}",)
    assert planned.act() == facts
    assert inspected(f"{host}/acme/app:latest")["Digest"] == facts["digest"]


@pytest.mark.thorough
@can_build
def test_a_candidate_is_spelled_as_configured_and_is_not_the_latest(project: Project, host: str) -> None:
    facts = image.plan(job(project, table(host, 'spelling = "semver"'), version="1.0.0rc1")).act()
    assert facts["reference"] == f"{host}/acme/app:1.0.0-rc.1"
    assert inspected(facts["reference"])["RepoTags"] == ["1.0.0-rc.1"]
