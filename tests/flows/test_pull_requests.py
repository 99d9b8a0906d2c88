"""Pull requests of `--pr`: opened at the forge, once; what fails there undoes nothing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import hub as hubs
import pytest
from forge import protected
from support import wrap_git

from release.artifacts.publish.pulls import pull_request
from release.errors import ReleaseError
from release.git import journal, repository
from release.plan import Plan, Request

if TYPE_CHECKING:
    from forge import Forge
    from hub import Hub
    from support import Project

BY_HAND = "open a pull request of release/v1.0.0 into main at origin"


@pytest.fixture
def token(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in hub.env.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def guarded(tmp_path: Path, hub: Hub) -> tuple[Project, Forge]:
    project, forge = protected(tmp_path / "p", "main", "develop")
    table = f'\n[tool.release.forge]\napi = "{hub.api}"\nrepository = "{hubs.REPOSITORY}"\n'
    forge.add("develop", "build: say where the forge is", {"pyproject.toml": project.read("pyproject.toml") + table})
    project.git("pull", "-q", "--ff-only", "origin", "develop")
    return project, forge


def opened(hub: Hub) -> list[tuple[str, str, str]]:
    return [(one["head"]["ref"], one["base"]["ref"], one["title"]) for one in hub.pulls]


@pytest.mark.usefixtures("token")
def test_finish_opens_the_request_once(guarded: tuple[Project, Forge], hub: Hub) -> None:
    project, _ = guarded
    assert project.invoke("release.prepare", "1.0.0").code == 0
    project.commit("fix: last minute", {"late.txt": "late\n"})
    ended = project.invoke("release.finish", "--pr", "--yes")
    assert ended.code == 0, ended.text
    assert opened(hub) == [("release/v1.0.0", "main", "Release 1.0.0")]
    body = hub.pulls[0]["body"]
    assert "ast minute" in body
    assert "<!--" not in body
    assert body.endswith("When it is merged: `invoke release.finish --version 1.0.0`\n")
    assert ended.err.splitlines()[-3] == (
        f"release/v1.0.0 is at origin as 1.0.0, awaiting merge: {hub.pulls[0]['html_url']}"
    )
    assert hubs.TOKEN not in ended.text
    hub.pulls[0]["title"] = "Our first release"  # by a person
    project.commit("fix: asked for in review", {"review.txt": "r\n"})
    again = project.invoke("release.finish", "--pr", "--yes")
    assert (again.code, len(hub.pulls), hub.pulls[0]["title"]) == (0, 1, "Our first release")
    assert hub.pulls[0]["html_url"] in again.err


def test_without_a_token_a_person_opens_it(guarded: tuple[Project, Forge], hub: Hub) -> None:
    project, _ = guarded
    assert project.invoke("release.prepare", "1.0.0").code == 0
    ended = project.invoke("release.finish", "--pr", "--yes")
    assert (ended.code, hub.asked) == (0, [])
    assert f"awaiting merge: {BY_HAND}" in ended.err


@pytest.mark.usefixtures("token")
@pytest.mark.parametrize("status", [403, 422, 301])
def test_what_fails_there_is_said_and_undoes_nothing(guarded: tuple[Project, Forge], hub: Hub, status: int) -> None:
    project, _ = guarded
    assert project.invoke("release.prepare", "1.0.0").code == 0
    hub.fault("POST", "/pulls$", status, times=9, message="Resource not accessible by integration")
    ended = project.invoke("release.finish", "--pr", "--yes")
    assert (ended.code, hub.pulls) == (0, [])
    assert project.remote_ref("release/v1.0.0") == project.ref("HEAD")
    assert "warning: the pull request was not opened: " in ended.err
    assert f"awaiting merge: {BY_HAND}" in ended.err
    hub.faults.clear()
    assert project.invoke("release.finish", "--pr", "--yes").code == 0
    assert len(hub.pulls) == 1


@pytest.mark.usefixtures("token")
def test_a_dry_run_says_that_it_would_be_opened_and_asks_nobody(
    guarded: tuple[Project, Forge], hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, _ = guarded
    shown = project.invoke("release.prepare", "1.0.0", "--pr", "--dry-run")
    assert (shown.code, hub.asked) == (0, [])
    assert "pull   own/repo release/v1.0.0 → main\n" in shown.out
    where = "the pull request of release/v1.0.0 into main at own/repo"
    assert f"{where} would be opened, or is open: GITHUB_TOKEN is there" in shown.err
    monkeypatch.delenv("GITHUB_TOKEN")
    shown = project.invoke("release.prepare", "1.0.0", "--pr", "--dry-run")
    assert f"{where} is left to a person: there is no GITHUB_TOKEN" in shown.err


@pytest.mark.usefixtures("token")
def test_prepare_opens_the_request_that_finish_then_finds(guarded: tuple[Project, Forge], hub: Hub) -> None:
    project, _ = guarded
    ended = project.invoke("release.prepare", "1.0.0rc1", "--pr", "--yes")
    assert ended.code == 0, ended.text
    assert project.remote_ref("release/v1.0.0") == project.ref("HEAD")
    assert opened(hub) == [("release/v1.0.0", "main", "Release 1.0.0")]
    assert hub.pulls[0]["body"].startswith("Not to be merged before `invoke release.finish --pr` has finished it.\n")
    assert f"is open at 1.0.0rc1; its request: {hub.pulls[0]['html_url']}" in ended.err
    assert project.invoke("release.finish", "--pr", "--yes").code == 0
    assert len(hub.pulls) == 1


def test_prepare_needs_a_remote_for_a_request(project: Project) -> None:
    project.git("remote", "remove", "origin")
    before = project.state(times=True)
    ended = project.invoke("release.prepare", "1.0.0", "--pr", "--yes")
    assert (ended.code, project.state(times=True) == before) == (2, True), ended.text


@pytest.mark.usefixtures("token")
def test_a_back_merge_and_a_feature_are_requested_too(guarded: tuple[Project, Forge], hub: Hub) -> None:
    project, forge = guarded
    assert project.invoke("release.prepare", "1.0.0", "--pr", "--yes").code == 0
    project.commit("fix: last minute", {"late.txt": "late\n"})
    assert project.invoke("release.finish", "--pr", "--yes").code == 0
    forge.land("release/v1.0.0")
    hub.pulls[0]["state"] = "closed"
    ended = project.invoke("release.finish", "--pr", "--yes")
    assert ended.code == 0, ended.text
    assert opened(hub)[1:] == [("backmerge/v1.0.0", "develop", "Merge v1.0.0 back into develop")]
    assert f"awaiting merge: {hub.pulls[1]['html_url']}" in ended.err
    again = project.invoke("release.finish", "--version", "1.0.0", "--pr", "--yes")
    assert (again.code, len(hub.pulls)) == (0, 2), again.text
    assert f"awaits its merge: {hub.pulls[1]['html_url']}" in again.err
    assert project.invoke("feature.start", "shiny").code == 0
    project.commit("feat: shiny", {"shiny.txt": "s\n"})
    assert project.invoke("feature.finish", "--pr", "--yes").code == 0
    assert opened(hub)[2:] == [("feature/shiny", "develop", "feat: shiny")]


@pytest.mark.usefixtures("token")
def test_a_run_that_was_interrupted_after_its_push_opens_it_on_resume(
    guarded: tuple[Project, Forge], hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, _ = guarded
    assert project.invoke("release.prepare", "1.0.0").code == 0
    script = 'case "$*" in *"update-ref -m release: "*) test -e "$HOME/broken" && exit 1 ;; esac\nexec "$GIT" "$@"\n'
    wrap_git(tmp_path / "bin", script, monkeypatch)
    broken = Path(os.environ["HOME"]) / "broken"
    broken.touch()
    ended = project.invoke("release.finish", "--pr", "--yes")
    assert (ended.code, hub.pulls) == (7, []), ended.text
    broken.unlink()
    ended = project.invoke("release.resume")
    assert ended.code == 0, ended.text
    assert opened(hub) == [("release/v1.0.0", "main", "Release 1.0.0")]
    assert f"awaiting merge: {hub.pulls[0]['html_url']}" in ended.err


@pytest.mark.thorough
@pytest.mark.usefixtures("token")
def test_a_rehearsal_opens_none(guarded: tuple[Project, Forge], hub: Hub) -> None:
    project, _ = guarded
    project.invoke("release.rehearse", "1.0.0")
    assert hub.asked == []


def request(hub: Hub, **more: str) -> Request:
    given = {"head": "hotfix/leak", "base": "main", "title": "Release 1.0.1", "body": "", "address": "there"}
    return Request(repository=hubs.REPOSITORY, api=hub.api, **{**given, **more})


def ask(hub: Hub, asked: Request, waited: list[float]) -> str:
    return pull_request(asked, env=hub.env, say=lambda _: None, pause=waited.append)


@pytest.mark.parametrize("what", ["reset", 502, 429])
def test_a_request_without_an_answer_is_looked_for(hub: Hub, what: str | int) -> None:
    hub.fault("POST", "/pulls$", what)
    waited: list[float] = []
    address = ask(hub, request(hub), waited)
    assert ([one["html_url"] for one in hub.pulls], len(waited)) == ([address], 1)
    assert ask(hub, request(hub), waited) == address


def test_a_title_of_ours_follows_the_number_and_another_base_is_another_request(hub: Hub) -> None:
    first = ask(hub, request(hub), [])
    hub.fault("PATCH", "/pulls/", "reset")
    assert ask(hub, request(hub, title="Release 1.0.2"), []) == first
    assert opened(hub) == [("hotfix/leak", "main", "Release 1.0.2")]
    assert len(hub.calls("PATCH")) == 1
    assert ask(hub, request(hub, base="support/1.x"), []) != first


def test_one_that_was_made_meanwhile_is_found(hub: Hub) -> None:
    first = ask(hub, request(hub), [])
    hub.fault("GET", "/pulls$", 500)
    hub.pulls[0]["state"] = "closed"
    assert ask(hub, request(hub), []) != first
    assert len(hub.pulls) == 2


def test_a_request_is_not_waited_for_longer_than_a_minute(hub: Hub) -> None:
    hub.fault("POST", "/pulls$", 429, Retry_After="90")
    waited: list[float] = []
    with pytest.raises(ReleaseError) as caught:
        ask(hub, request(hub), waited)
    assert (caught.value.exit, waited) == (7, [])


def test_the_journal_keeps_the_request_for_resume(project: Project, hub: Hub) -> None:
    where = repository.locate(project.path)
    journal.folder(where).mkdir(exist_ok=True)
    plan = Plan(task="release.finish", top=str(where.top), done="", request=request(hub))
    journal.write(where, journal.Journal(plan=plan, git_dir=str(where.git_dir), phase="local"))
    found = journal.read(where)
    assert found is not None
    assert found.plan.request == plan.request
