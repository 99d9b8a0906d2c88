"""What was published at a loopback GitHub, as users, and GitHub's own program, see it."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import hub as hubs
import pytest
from forging import Told, configured, job, published, sums, tagged

from release.artifacts.publish import forge
from release.artifacts.publish.job import State
from release.errors import ReleaseError

if TYPE_CHECKING:
    from pathlib import Path

    from hub import Hub

    from release.artifacts.publish.job import Job


def seen(given: Job) -> dict[str, State]:
    return {one.what: one.state for one in forge.check(given, pause=lambda _: None)}


@pytest.mark.parametrize("way", ["anonymous", "token", "private"])
def test_a_user_finds_what_was_published(hub: Hub, tmp_path: Path, way: str) -> None:
    tagged(hub)
    told = Told()
    given = job(hub, tmp_path, told, is_final=True)
    published(given, told)
    hub.is_private = way == "private"
    hub.asset(hub.releases[0]["id"], "manual.pdf", b"%PDF")
    if way == "anonymous":
        given = given._replace(env={"REQUESTS_CA_BUNDLE": hub.ca})
    found = seen(given)
    assert set(found.values()) == {State.CHECKED}
    assert set(found) == {
        "forge: tag v1.0.0 at own/repo",
        "forge: release v1.0.0 at own/repo",
        *(f"forge: {name}" for name in sums(tmp_path)),
    }
    assert told.lines[-1] == "forge: manual.pdf is among the release's assets, and in no record"


@pytest.mark.parametrize("way", ["anonymous", "token", "private"])
def test_all_files_are_fetched_by_who_has_none(hub: Hub, tmp_path: Path, way: str) -> None:
    tagged(hub)
    told = Told()
    given = job(hub, tmp_path, told, is_final=True)
    published(given, told)
    hub.is_private = way == "private"
    if way == "anonymous":
        given = given._replace(env={"REQUESTS_CA_BUNDLE": hub.ca})
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert forge.fetch(given, elsewhere, pause=lambda _: None)
    assert {one.name: one.read_bytes() for one in elsewhere.iterdir()} == {
        one.name: one.read_bytes() for one in (tmp_path / "files").iterdir()
    }


def test_a_draft_is_not_fetched_and_odd_names_are_refused(hub: Hub, tmp_path: Path) -> None:
    tagged(hub)
    told = Told()
    given = job(hub, tmp_path, told)
    published(given, told)
    (tmp_path / "elsewhere").mkdir()
    assert not forge.fetch(given, tmp_path / "elsewhere", pause=lambda _: None)
    published(given._replace(is_final=True), told)
    hub.asset(hub.releases[0]["id"], ".git", b"x")
    with pytest.raises(ReleaseError, match=r"a file of an odd name: \.git"):
        forge.fetch(given, tmp_path / "elsewhere", pause=lambda _: None)


def test_a_draft_is_not_seen_by_users(hub: Hub, tmp_path: Path) -> None:
    tagged(hub)
    told = Told()
    given = job(hub, tmp_path, told)
    facts = published(given, told)
    found = {one.what: one for one in forge.check(given)}
    assert found["forge: release v1.0.0 at own/repo"].state is State.UNSEEN
    assert found["forge: release v1.0.0 at own/repo"].detail == "still a draft"
    anonymous = given._replace(env={"REQUESTS_CA_BUNDLE": hub.ca}, known={"forge": facts})
    assert seen(anonymous)["forge: release v1.0.0 at own/repo"] is State.UNSEEN


def test_what_differs_from_the_record_is_told_by_name(hub: Hub, tmp_path: Path) -> None:
    hub.tags["v1.0.0"] = ("tag", "b0" * 20)
    given = job(hub, tmp_path)
    page = hub.release("v1.0.0")
    hub.asset(page["id"], "demo-1.0.0.tar.gz", b"tampered")
    hub.asset(page["id"], "SHA256SUMS", (tmp_path / "files" / "SHA256SUMS").read_bytes())
    assert seen(given) == {
        "forge: tag v1.0.0 at own/repo": State.MISMATCH,
        "forge: release v1.0.0 at own/repo": State.CHECKED,
        "forge: SHA256SUMS": State.CHECKED,
        "forge: demo-1.0.0-py3-none-any.whl": State.MISMATCH,
        "forge: demo-1.0.0.tar.gz": State.MISMATCH,
        "forge: release.json": State.MISMATCH,
    }


def test_what_cannot_be_looked_at_is_not_seen(hub: Hub, tmp_path: Path) -> None:
    closed = configured(job(hub, tmp_path), api="https://127.0.0.1:9/api/v3")
    assert seen(closed) == {"forge: release v1.0.0 at own/repo": State.UNSEEN}
    tagged(hub)
    hub.is_private = True
    anonymous = job(hub, tmp_path, env={"REQUESTS_CA_BUNDLE": hub.ca})
    assert seen(anonymous) == {"forge: release v1.0.0 at own/repo": State.UNSEEN}
    hub.is_private = False
    assert seen(job(hub, tmp_path))["forge: release v1.0.0 at own/repo"] is State.UNSEEN


@pytest.mark.skipif(shutil.which("gh") is None, reason="GitHub's own program is not installed")
@pytest.mark.parametrize("is_final", [True, False])
def test_github_s_own_program_finds_what_was_published(hub: Hub, tmp_path: Path, is_final: bool) -> None:
    tagged(hub)
    told = Told()
    published(job(hub, tmp_path, told, is_final=is_final), told)
    host = hub.api.split("/")[2]
    env = {**os.environ, "GH_HOST": host, "GH_ENTERPRISE_TOKEN": hubs.TOKEN, "SSL_CERT_FILE": hub.ca}

    def gh(*words: str) -> str:
        argv = ["gh", "release", *words, "-R", f"{host}/own/repo"]
        done = subprocess.run(argv, env=env, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    shown = gh("view", "v1.0.0")
    assert f"draft:\t{'false' if is_final else 'true'}" in shown
    gh("download", "v1.0.0", "-D", "got")
    assert {one.name: one.read_bytes() for one in (tmp_path / "got").iterdir()} == {
        one.name: one.read_bytes() for one in (tmp_path / "files").iterdir()
    }
    hub.leaked.clear()  # gh sends its token along
