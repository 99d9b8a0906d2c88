"""The forge publisher when a loopback GitHub fails, limits or refuses it, or when it is killed itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import forging
import hub as hubs
import pytest
from forging import DISTS, Told, configured, job, published, refused, sums, tagged
from support import thorough

from release.artifacts.publish import forge

if TYPE_CHECKING:
    from hub import Hub


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


@pytest.mark.parametrize("what", ["short", "reset", 500])
def test_an_asset_that_does_not_arrive_as_a_whole_is_fetched_again(hub: Hub, tmp_path: Path, what: str | int) -> None:
    hub.tells_digests = False
    told = Told()
    given = job(hub, tmp_path, told)
    published(given, told)
    hub.fault("GET", "/storage/", what)
    assert forge.plan(given, pause=told.waited.append).is_done
    assert told.waited == [1.0]


def test_an_asset_that_is_refused_is_said(hub: Hub, tmp_path: Path) -> None:
    hub.tells_digests = False
    told = Told()
    given = job(hub, tmp_path, told)
    published(given, told)
    hub.fault("GET", "/storage/", 403)
    assert refused(given).exit == 2


def test_no_token_is_sent_without_tls(hub: Hub, tmp_path: Path) -> None:
    hub.release("v1.0.0", draft=True, upload_url="http://localhost:9/assets{?name}")
    error = refused(job(hub, tmp_path))
    assert (error.exit, "no token is sent there" in str(error)) == (3, True)


@pytest.mark.parametrize("api", ["https://127.0.0.1:{port}/elsewhere", "{files}/storage"])
def test_what_is_no_api_is_said(hub: Hub, tmp_path: Path, api: str) -> None:
    port = hub.api.split(":")[2].partition("/")[0]
    given = configured(job(hub, tmp_path), api=api.format(port=port, files=hub.files))
    assert refused(given).exit == 2


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
