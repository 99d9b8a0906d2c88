"""The forge publisher against a loopback GitHub over TLS: one page, each file once, whatever breaks meanwhile."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import forging
import hub as hubs
import pytest
from forging import DISTS, NOTES, Told, configured, job, record, sums, tagged
from support import thorough

from release.artifacts.publish import forge, publisher
from release.artifacts.publish.job import State
from release.errors import ReleaseError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hub import Hub

    from release.artifacts.publish.job import Facts, Job


@pytest.fixture
def hub() -> Iterator[Hub]:
    with hubs.serving() as made:
        yield made
        assert made.leaked == []


def published(given: Job, told: Told) -> Facts:
    return forge.plan(given, pause=told.waited.append).act()


def refused(given: Job, told: Told | None = None) -> ReleaseError:
    with pytest.raises(ReleaseError) as caught:
        published(given, told or Told())
    assert hubs.TOKEN not in str(caught.value)
    assert caught.value.__cause__ is None
    return caught.value


def test_a_draft_gets_notes_and_files_and_waits_for_a_person(hub: Hub, tmp_path: Path) -> None:
    told = Told()
    given = job(hub, tmp_path, told)
    plan = publisher("forge").plan(given)
    assert plan.lines == (
        "forge: draft v1.0.0 at own/repo is created",
        "forge: asset SHA256SUMS is uploaded",
        "forge: asset demo-1.0.0-py3-none-any.whl is uploaded",
        "forge: asset demo-1.0.0.tar.gz is uploaded",
        "forge: asset release.json is uploaded",
        "forge: left as a draft: publish it there, or invoke publish --final",
        "forge: the tag v1.0.0 is not there yet: do not publish the draft before it is pushed",
    )
    assert (plan.is_done, hub.releases) == (False, [])
    facts = plan.act()
    page = hub.releases[0]
    assert facts == {"release": page["html_url"], "id": str(page["id"]), "draft": "true"}
    assert (page["name"], page["body"], page["draft"], page["prerelease"]) == ("1.0.0", NOTES, True, False)
    assert hub.of(page["id"]) == sums(tmp_path)
    assert all("/api/uploads/" in one for one in hub.calls("POST", "assets"))
    assert told.waited == []


def test_again_nothing_is_left_to_do(hub: Hub, tmp_path: Path) -> None:
    tagged(hub)
    told = Told()
    given = job(hub, tmp_path, told)
    facts = published(given, told)
    before = len(hub.calls("POST"))
    plan = forge.plan(given)
    assert plan.is_done
    assert plan.lines[:2] == ("forge: draft v1.0.0 at own/repo is there", "forge: asset SHA256SUMS is there")
    assert plan.act() == facts
    assert (len(hub.calls("POST")), hub.calls("PATCH"), hub.calls("DELETE")) == (before, [], [])


@pytest.mark.parametrize(
    ("version", "is_newest", "marks"),
    [("1.0.0", True, (False, "true")), ("1.0.0", False, (False, "false")), ("1.0.0rc1", True, (True, "false"))],
)
def test_what_is_final_is_published_with_its_marks(
    hub: Hub, tmp_path: Path, version: str, is_newest: bool, marks: tuple[bool, str]
) -> None:
    tagged(hub, f"v{version}")
    told = Told()
    facts = published(job(hub, tmp_path, told, record=record(version), is_final=True, is_newest=is_newest), told)
    page = hub.releases[0]
    assert (facts["draft"], page["draft"], (page["prerelease"], page["make_latest"])) == ("false", False, marks)
    assert hub.tags[f"v{version}"] == ("tag", forging.TAG_OBJECT)


def test_a_draft_is_published_later_and_then_all_is_done(hub: Hub, tmp_path: Path) -> None:
    tagged(hub)
    told = Told()
    given = job(hub, tmp_path, told)
    published(given, told)
    final = given._replace(is_final=True, is_newest=True)
    assert forge.plan(final).lines[-1] == "forge: release v1.0.0 is published as the latest"
    assert published(final, told)["draft"] == "false"
    assert (forge.plan(final).is_done, len(hub.releases), len(hub.calls("PATCH"))) == (True, 1, 1)


@pytest.mark.parametrize("tag", [None, ("tag", "b0" * 20), ("commit", forging.COMMIT)])
def test_without_the_very_tag_nothing_is_published(hub: Hub, tmp_path: Path, tag: tuple[str, str] | None) -> None:
    if tag is not None:
        hub.tags["v1.0.0"] = tag
    error = refused(job(hub, tmp_path, is_final=True))
    assert (error.exit, hub.releases) == (3, [])
    assert "the tag v1.0.0" in str(error)


def test_a_tag_that_vanishes_meanwhile_is_noticed_before_it_would_be_made(hub: Hub, tmp_path: Path) -> None:
    tagged(hub)
    told = Told()
    given = job(hub, tmp_path, told, is_final=True)
    plan = forge.plan(given)
    del hub.tags["v1.0.0"]
    with pytest.raises(ReleaseError) as caught:
        plan.act()
    assert (caught.value.exit, hub.tags) == (3, {})


def test_the_release_is_found_on_a_later_page(hub: Hub, tmp_path: Path) -> None:
    told = Told()
    published(job(hub, tmp_path, told), told)
    for number in range(230):
        hub.release(f"v0.{number}.0")
    assert forge.plan(job(hub, tmp_path, told)).is_done
    assert len(hub.calls("POST", "/releases$")) == 1


def test_of_two_drafts_the_oldest_is_taken_and_the_other_named(hub: Hub, tmp_path: Path) -> None:
    told = Told()
    older = hub.release("v1.0.0", draft=True, body="", created_at="2024-01-01T00:00:00Z")
    newer = hub.release("v1.0.0", draft=True, html_url="https://there/untagged-2")
    plan = forge.plan(job(hub, tmp_path, told))
    assert "forge: one more draft of v1.0.0 is left alone: https://there/untagged-2" in plan.lines
    assert plan.act()["id"] == str(older["id"])
    assert (hub.of(older["id"]), hub.of(newer["id"])) == (sums(tmp_path), {})
    assert (older["body"], newer["body"], len(hub.releases)) == (NOTES, "", 2)


def test_a_published_release_goes_before_drafts_of_its_tag(hub: Hub, tmp_path: Path) -> None:
    hub.release("v1.0.0", draft=True)
    there = hub.release("v1.0.0", body="by hand")
    told = Told()
    assert published(job(hub, tmp_path, told), told)["id"] == str(there["id"])
    assert (hub.of(there["id"]), there["body"]) == (sums(tmp_path), "by hand")


def test_a_text_that_somebody_has_edited_stays(hub: Hub, tmp_path: Path) -> None:
    tagged(hub)
    page = hub.release("v1.0.0", draft=True, body="Written by a person.", name="One!")
    told = Told()
    plan = forge.plan(job(hub, tmp_path, told, is_final=True))
    assert "forge: its text differs from the notes, as somebody has edited it: it stays" in plan.lines
    plan.act()
    assert (page["body"], page["name"], page["draft"]) == ("Written by a person.", "One!", False)


def test_line_ends_of_a_browser_are_no_edit(hub: Hub, tmp_path: Path) -> None:
    hub.release("v1.0.0", draft=True, body=NOTES.replace("\n", "\r\n"))
    assert not any("edited" in line for line in forge.plan(job(hub, tmp_path)).lines)


@pytest.mark.parametrize("tells_digests", [True, False])
@pytest.mark.parametrize("is_draft", [True, *thorough(False)])
@pytest.mark.parametrize("content", [b"whee!", b"another size"])
def test_an_asset_with_another_content_stops(
    hub: Hub, tmp_path: Path, tells_digests: bool, is_draft: bool, content: bytes
) -> None:
    hub.tells_digests = tells_digests
    page = hub.release("v1.0.0", draft=is_draft)
    hub.asset(page["id"], "demo-1.0.0-py3-none-any.whl", content)
    error = refused(job(hub, tmp_path))
    assert error.exit == 3
    assert "demo-1.0.0-py3-none-any.whl of v1.0.0 at own/repo differs" in str(error)
    assert (hub.calls("POST"), hub.calls("DELETE")) == ([], [])


def test_without_digests_equal_assets_are_fetched_and_found_equal(hub: Hub, tmp_path: Path) -> None:
    hub.tells_digests = False
    told = Told()
    published(job(hub, tmp_path, told), told)
    assert forge.plan(job(hub, tmp_path)).is_done
    assert len(hub.calls("GET", "/storage/")) == 4


def test_the_rest_of_a_broken_upload_is_deleted_and_uploaded_again(hub: Hub, tmp_path: Path) -> None:
    page = hub.release("v1.0.0", draft=True)
    rest = hub.asset(page["id"], "demo-1.0.0.tar.gz", b"sd", state="starter")
    plan = forge.plan(job(hub, tmp_path))
    assert "forge: asset demo-1.0.0.tar.gz is uploaded, again: its upload broke off" in plan.lines
    plan.act()
    assert rest["id"] not in hub.assets
    assert hub.of(page["id"]) == sums(tmp_path)


def test_an_immutable_release_that_lacks_a_file_stops(hub: Hub, tmp_path: Path) -> None:
    page = hub.release("v1.0.0", immutable=True)
    hub.asset(page["id"], "demo-1.0.0.tar.gz", DISTS["demo-1.0.0.tar.gz"])
    error = refused(job(hub, tmp_path))
    assert error.exit == 3
    assert "is immutable, and lacks SHA256SUMS, demo-1.0.0-py3-none-any.whl, release.json" in str(error)


def test_a_name_that_the_forge_changes_is_known_again(hub: Hub, tmp_path: Path) -> None:
    files = {"demo-1!1.0.0.tar.gz": b"sdist"}
    told = Told()
    given = job(hub, tmp_path, told, record=record(files=files), files=files)
    published(given, told)
    assert "demo-1.1.0.0.tar.gz" in hub.of(hub.releases[0]["id"])
    assert forge.plan(given).is_done


@pytest.mark.parametrize("call", ["/releases$", "/assets$"])
@pytest.mark.parametrize("what", ["reset", 502])
def test_a_write_without_an_answer_is_looked_for_and_not_repeated(
    hub: Hub, tmp_path: Path, call: str, what: int | str
) -> None:
    hub.fault("POST", call, what)
    told = Told()
    published(job(hub, tmp_path, told), told)
    assert len(hub.calls("POST", call)) == {"/releases$": 1, "/assets$": 4}[call] + (what == 502)
    assert (len(hub.releases), hub.of(hub.releases[0]["id"])) == (1, sums(tmp_path))
    assert told.waited == [1.0]


def test_an_upload_that_broke_off_at_the_server_is_done_again(hub: Hub, tmp_path: Path) -> None:
    hub.fault("POST", "/assets$", "broken")
    told = Told()
    published(job(hub, tmp_path, told), told)
    assert len(hub.calls("DELETE")) == 1
    assert hub.of(hub.releases[0]["id"]) == sums(tmp_path)


def test_publishing_without_an_answer_is_looked_for(hub: Hub, tmp_path: Path) -> None:
    tagged(hub)
    hub.fault("PATCH", "/releases/", "reset")
    told = Told()
    assert published(job(hub, tmp_path, told, is_final=True), told)["draft"] == "false"
    assert len(hub.calls("PATCH")) == 1


def test_what_another_run_has_made_meanwhile_is_taken(hub: Hub, tmp_path: Path) -> None:
    told = Told()
    given = job(hub, tmp_path, told)
    plan = forge.plan(given)
    page = hub.release("v1.0.0", draft=True)
    hub.fault("POST", "/assets$", 422, message="already_exists")
    hub.asset(page["id"], "demo-1.0.0.tar.gz", DISTS["demo-1.0.0.tar.gz"])
    plan = forge.plan(given, pause=told.waited.append)
    assert plan.act()["id"] == str(page["id"])
    assert (len(hub.releases), hub.of(page["id"])) == (1, sums(tmp_path))


@pytest.mark.parametrize("verb", ["GET", "POST"])
@pytest.mark.parametrize(
    ("status", "headers", "waited"),
    [
        (403, {"Retry_After": "7"}, [7.0]),
        (429, {"Retry_After": "7"}, [7.0]),
        (429, {}, [60.0]),
        (403, {"message": "You have exceeded a secondary rate limit"}, [60.0]),
        (403, {"X_RateLimit_Remaining": "0", "X_RateLimit_Reset": "1"}, [1.0]),  # it is over already
        (500, {}, [1.0]),
        (503, {"Retry_After": "3"}, [3.0]),
    ],
)
def test_limits_and_errors_of_the_server_are_waited_for(
    hub: Hub, tmp_path: Path, verb: str, status: int, headers: dict[str, str], waited: list[float]
) -> None:
    hub.fault(verb, "/releases$", status, times=1, **headers)
    told = Told()
    published(job(hub, tmp_path, told), told)
    assert (told.waited, len(hub.releases)) == (waited, 1)
    assert any(f"again in {waited[0]:.0f} s" in line for line in told.lines)


def test_patience_ends_as_interrupted(hub: Hub, tmp_path: Path) -> None:
    told = Told()
    hub.fault("POST", "/releases$", 503, times=99)
    error = refused(job(hub, tmp_path, told), told)
    assert (error.exit, told.waited) == (7, [1.0, 2.0, 4.0, 8.0, 16.0])
    assert "answers with HTTP 503 (6 attempts)" in str(error)


def test_a_limit_that_is_over_only_in_an_hour_is_not_waited_for(hub: Hub, tmp_path: Path) -> None:
    told = Told()
    hub.fault("GET", "/releases$", 429, Retry_After="3600")
    error = refused(job(hub, tmp_path, told), told)
    assert (error.exit, told.waited) == (7, [])
    assert "left alone for 3600 s" in str(error)


@pytest.mark.parametrize(("status", "verb"), [(403, "POST"), (404, "POST"), (401, "GET"), (403, "GET"), (404, "GET")])
def test_a_token_that_is_not_enough_is_said_once(hub: Hub, tmp_path: Path, status: int, verb: str) -> None:
    hub.fault(verb, "", status, message="Resource not accessible by integration")
    told = Told()
    error = refused(job(hub, tmp_path, told), told)
    assert (error.exit, told.waited) == (2, [])
    assert "GITHUB_TOKEN" in str(error)
    assert "contents: write for own/repo" in str(error)


def test_another_refusal_is_told_in_the_words_of_the_forge(hub: Hub, tmp_path: Path) -> None:
    hub.fault("POST", "/releases$", 422, message="body is\x1b[2J too long")
    error = refused(job(hub, tmp_path))
    assert error.exit == 3
    assert "HTTP 422: body is too long" in str(error)


def test_without_a_token_it_is_said_which(hub: Hub, tmp_path: Path) -> None:
    env = {"REQUESTS_CA_BUNDLE": hub.ca}
    error = refused(job(hub, tmp_path, env=env))
    assert error.exit == 2
    assert "none of GH_ENTERPRISE_TOKEN, GITHUB_TOKEN, GH_TOKEN is set" in str(error)
    assert "contents: write" in str(error)
    for name in ("GH_TOKEN", "GH_ENTERPRISE_TOKEN"):
        assert not forge.plan(job(hub, tmp_path, env={**env, name: hubs.TOKEN})).is_done


def test_a_token_that_is_not_accepted(hub: Hub, tmp_path: Path) -> None:
    error = refused(job(hub, tmp_path, env={**hub.env, "GITHUB_TOKEN": "ghp_another"}))
    assert error.exit == 2
    assert "does not accept GITHUB_TOKEN (HTTP 401: Bad credentials)" in str(error)
    assert "ghp_another" not in str(error)


@pytest.mark.parametrize("value", ["ghp_a\nX-Other: b", "ghp_ä", "ghp_a b"])
def test_what_is_no_token_is_not_sent_and_not_shown(hub: Hub, tmp_path: Path, value: str) -> None:
    error = refused(job(hub, tmp_path, env={**hub.env, "GITHUB_TOKEN": value}))
    assert (error.exit, hub.asked) == (2, [])
    assert "GITHUB_TOKEN holds something else" in str(error)
    assert "ghp_" not in str(error)


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


def test_a_certificate_that_nobody_vouches_for_is_not_believed(hub: Hub, tmp_path: Path) -> None:
    told = Told()
    error = refused(job(hub, tmp_path, told, env={"GITHUB_TOKEN": hubs.TOKEN}), told)
    assert (error.exit, told.waited, hub.asked) == (2, [], [])
    assert "is not believed" in str(error)
    assert "REQUESTS_CA_BUNDLE" in str(error)


def test_the_certificates_can_be_named_for_openssl(hub: Hub, tmp_path: Path) -> None:
    env = {"GITHUB_TOKEN": hubs.TOKEN, "SSL_CERT_FILE": hub.ca}
    assert forge.plan(job(hub, tmp_path, env=env)).lines
    error = refused(job(hub, tmp_path, env={**env, "SSL_CERT_FILE": str(tmp_path / "none.pem")}))
    assert error.exit == 2


def test_a_closed_port_is_unreachable(hub: Hub, tmp_path: Path) -> None:
    told = Told()
    closed = configured(job(hub, tmp_path, told), api="https://127.0.0.1:9/api/v3")
    error = refused(closed, told)
    assert (error.exit, len(told.waited)) == (7, 5)
    assert "no answer from 127.0.0.1:9: Connection refused (6 attempts)" in str(error)


def test_a_user_s_netrc_does_not_get_between(hub: Hub, tmp_path: Path) -> None:
    (Path(os.environ["HOME"]) / ".netrc").write_text("machine 127.0.0.1 login me password other\n")
    hub.tells_digests = False
    told = Told()
    published(job(hub, tmp_path, told), told)
    assert forge.plan(job(hub, tmp_path)).is_done


def test_a_renamed_repository_is_found(hub: Hub, tmp_path: Path) -> None:
    hub.now_called = "own/renamed"
    told = Told()
    published(job(hub, tmp_path, told), told)
    assert hub.of(hub.releases[0]["id"]) == sums(tmp_path)


@pytest.mark.parametrize(
    ("repository", "api", "objection"),
    [
        ("https://github.com/own/repo", "https://api.github.com", ""),
        ("git@github.com:own/repo.git", "https://api.github.com", ""),
        ("ssh://git@ssh.github.com:443/own/repo.git", "https://api.github.com", ""),
        ("https://ghe.acme.org/own/repo.git", "https://ghe.acme.org/api/v3", ""),
        ("https://gitlab.com/own/repo", "https://api.github.com", "at github.com"),
        ("https://github.com/own/repo", "https://ghe.acme.org/api/v3", "at ghe.acme.org"),
        ("https://github.com.evil.org/own/repo", "https://api.github.com", "at github.com"),
        ("https://github.com/own/repo/more", "https://api.github.com", "at github.com"),
        ("/srv/git/repo.git", "https://api.github.com", "at github.com"),
        ("", "https://api.github.com", "at github.com"),
    ],
)
def test_the_repository_is_that_of_the_remote(
    hub: Hub, tmp_path: Path, repository: str, api: str, objection: str
) -> None:
    given = configured(job(hub, tmp_path), api=api, repository="")
    given = given._replace(record=replace(given.record, repository=repository))
    wanted = f"the remote is no repository {objection}, and forge.repository is not set" if objection else ""
    assert forge.objection(given) == wanted
    assert forge.repository(given) == ("" if objection else "own/repo")
    assert forge.objection(configured(given, repository="a/b")) == ""


def test_a_file_of_the_record_that_is_not_there_is_not_left_out(hub: Hub, tmp_path: Path) -> None:
    given = job(hub, tmp_path)
    (tmp_path / "files" / "demo-1.0.0.tar.gz").write_bytes(b"other")
    assert "demo-1.0.0.tar.gz is not the file of the record" in str(refused(given))


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
    assert seen(job(hub, tmp_path))["forge: release v1.0.0 at own/repo"] is State.MISMATCH


@pytest.mark.parametrize(
    ("verb", "call", "nth"),
    [
        ("POST", "/assets$", 2),
        *thorough(("POST", "/releases$", 1), ("POST", "/assets$", 1), ("POST", "/assets$", 3)),
        *thorough(("POST", "/assets$", 4), ("PATCH", "/releases/", 1)),
    ],
)
def test_killed_at_any_write_and_run_again_it_ends_the_same(
    hub: Hub, tmp_path: Path, verb: str, call: str, nth: int
) -> None:
    tagged(hub)
    job(hub, tmp_path)
    hub.fault(verb, call, "kill").skip = nth - 1
    argv = [sys.executable, forging.__file__, str(tmp_path), hub.api]
    env = {**os.environ, **hub.env, "PYTHONPATH": os.pathsep.join(sys.path)}
    statuses = []
    for _ in range(2):
        with subprocess.Popen(argv, env=env, stderr=subprocess.PIPE) as process:
            hub.victim = process.pid
            _, err = process.communicate(timeout=60)
        statuses.append(process.returncode)
        assert hubs.TOKEN.encode() not in err
    assert statuses == [-9, 0]
    assert len(hub.releases) == 1
    page = hub.releases[0]
    assert (page["draft"], page["make_latest"], hub.of(page["id"])) == (False, "true", sums(tmp_path))
