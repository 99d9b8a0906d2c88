"""The image publisher with registries that fail or want a login, pushes that are killed, and others that push."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from oci_jobs import (
    can_build,
    environment,
    failed,
    inspected,
    job,
    logged_in,
    looks,
    needs_registry,
    push_by_hand,
    released,
    table,
    wrapped,
)
from registries import PASSWORD, USER, Front, Reply, fronting, registry

from release.artifacts.publish import image
from release.artifacts.publish.job import State
from release.errors import Exit, ReleaseError

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
def test_who_pushes_meanwhile_wins(project: Project, host: str, tmp_path: Path) -> None:
    push_by_hand(tmp_path, f"{host}/acme/app:other")
    plain = "--src-tls-verify=false --dest-tls-verify=false"
    script = f"""\
$REAL "$@" || exit
case "$*" in *" build "*) skopeo copy {plain} docker://{host}/acme/app:other docker://{host}/acme/app:1.0.0;; esac
"""
    env = environment(tmp_path, {"PATH": wrapped(tmp_path / "bin", "buildah", script)})
    error = failed(job(project, table(host), env=env))
    assert error.exit is Exit.REFUSED
    assert "is there already" in str(error)
    assert inspected(f"{host}/acme/app:1.0.0")["Labels"]["by"] == "hand"


@pytest.mark.thorough
@can_build
def test_our_own_image_that_comes_meanwhile_is_taken(project: Project, host: str, tmp_path: Path) -> None:
    facts = image.plan(job(project, table(host, name="acme/first"))).act()
    plain = "--src-tls-verify=false --dest-tls-verify=false"
    script = f"""\
$REAL "$@" || exit
case "$*" in *" build "*) skopeo copy {plain} docker://{facts["reference"]} docker://{host}/acme/app:1.0.0;; esac
case "$*" in *" push "*) exit 1;; esac
"""
    env = environment(tmp_path, {"PATH": wrapped(tmp_path / "bin", "buildah", script)})
    said: list[str] = []
    assert image.plan(job(project, table(host), env=env, said=said)).act()["digest"] == facts["digest"]
    assert f"image: {host}/acme/app:1.0.0 has been pushed meanwhile" in said


@can_build
def test_a_push_that_is_killed_is_done_by_the_next_run(project: Project, host: str, tmp_path: Path) -> None:
    script = """\
case "$*" in *" push "*) [ -e "$0.killed" ] || { touch "$0.killed"; kill -9 $$; };; esac
exec $REAL "$@"
"""
    env = environment(tmp_path, {"PATH": wrapped(tmp_path / "bin", "buildah", script)})
    one = job(project, table(host), env=env)
    planned = image.plan(one)
    with pytest.raises(ReleaseError, match="was not pushed: buildah was ended by signal 9") as caught:
        planned.act()
    assert caught.value.exit is Exit.INTERRUPTED
    assert not list(one.scratch.glob("buildah-*"))
    facts = planned.act()
    assert inspected(facts["reference"])["Digest"] == facts["digest"]


@can_build
def test_layers_without_a_manifest_are_gone_on_with(project: Project, host: str) -> None:
    with fronting(Front(behind=host)) as front:
        front.replies["PUT /v2/acme/app/manifests/1.0.0"] = [Reply(400)] * 9
        error = failed(job(project, table(front.host)))
        assert error.exit is Exit.INTERRUPTED
        assert any(path.startswith("/v2/acme/app/blobs/uploads/") for path in front.paths("PUT"))
        front.replies.clear()
        facts = image.plan(job(project, table(front.host))).act()
    assert inspected(f"{host}/acme/app:1.0.0")["Digest"] == facts["digest"]


@pytest.mark.thorough
@can_build
def test_a_registry_that_keeps_something_else_is_found_out(project: Project, host: str, tmp_path: Path) -> None:
    facts = image.plan(job(project, table(host, name="acme/first"))).act()
    script = """\
$REAL "$@" || exit
case "$*" in *" push "*) while [ "$1" != --digestfile ]; do shift; done; echo sha256:1 > "$2";; esac
"""
    env = environment(tmp_path, {"PATH": wrapped(tmp_path / "bin", "buildah", script)})
    error = failed(job(project, table(host), env=env))
    assert error.exit is Exit.REFUSED
    assert f"is {facts['digest']}, but buildah has pushed sha256:1" in str(error)


def test_a_registry_that_does_not_answer_is_not_looked_at(project: Project) -> None:
    with fronting(Front(replies={"HEAD /v2/acme/app/manifests/1.0.0": [Reply(503)] * 20})) as front:
        one = job(project, table(front.host))
        assert failed(one).exit is Exit.INTERRUPTED
        ((state, detail),) = looks(one)
    assert state is State.UNSEEN
    assert "status 503" in detail


@pytest.mark.thorough
@can_build
def test_a_registry_with_a_login(project: Project, tmp_path: Path) -> None:
    with registry(tmp_path / "locked", locked=True) as host:
        error = failed(job(project, table(host)))
        assert error.exit is Exit.USAGE
        assert f"buildah login {host}" in str(error)
        env = logged_in(tmp_path, host)
        facts = image.plan(job(project, table(host), env=env)).act()
        assert looks(job(project, table(host), env=env))[0][0] is State.CHECKED
        assert inspected(facts["reference"], "--creds", f"{USER}:{PASSWORD}")["Digest"] == facts["digest"]
        assert PASSWORD not in str(error)


@pytest.mark.thorough
@can_build
def test_a_registry_with_tokens(project: Project, host: str, tmp_path: Path) -> None:
    front = Front(behind=host, scope="repository:acme/app:pull,push")
    with fronting(front):
        assert failed(job(project, table(front.host))).exit is Exit.USAGE
        env = logged_in(tmp_path, front.host)
        facts = image.plan(job(project, table(front.host), env=env)).act()
    assert inspected(f"{host}/acme/app:latest")["Digest"] == facts["digest"]


@can_build
def test_a_push_without_the_right_is_told_as_that(project: Project, host: str) -> None:
    with fronting(Front(behind=host)) as front:
        denied = b'{"errors":[{"code":"DENIED","message":"requested access to the resource is denied"}]}'
        front.replies["POST /v2/acme/app/blobs/uploads/"] = [
            Reply(403, {"Content-Type": "application/json"}, denied)
        ] * 9
        error = failed(job(project, table(front.host)))
    assert error.exit is Exit.USAGE
    assert f"log in: buildah login {front.host}" in str(error)
