"""The forge publisher against a loopback GitHub over TLS: one page, each file once, and only under its own tag."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import forging
import pytest
from forging import DISTS, NOTES, Told, configured, job, published, record, refused, sums, tagged
from support import thorough

from release.artifacts.publish import forge, publisher
from release.errors import ReleaseError

if TYPE_CHECKING:
    from pathlib import Path

    from hub import Hub


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


@pytest.mark.parametrize("moment", ["is created", "release.json is uploaded"])
def test_a_tag_that_vanishes_meanwhile_is_noticed_before_it_would_be_made(
    hub: Hub, tmp_path: Path, moment: str
) -> None:
    tagged(hub)
    given = job(hub, tmp_path, is_final=True)
    plan = forge.plan(given._replace(say=lambda line: hub.tags.clear() if line.endswith(moment) else None))
    with pytest.raises(ReleaseError) as caught:
        plan.act()
    assert (caught.value.exit, hub.tags, hub.releases[0]["draft"]) == (3, {}, True)


def test_a_tag_that_vanished_since_the_plan_stops_before_anything(hub: Hub, tmp_path: Path) -> None:
    tagged(hub)
    plan = forge.plan(job(hub, tmp_path, is_final=True))
    hub.tags.clear()
    with pytest.raises(ReleaseError) as caught:
        plan.act()
    assert (caught.value.exit, hub.releases) == (3, [])


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
