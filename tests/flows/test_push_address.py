"""A remote that is fetched from one address and pushed to at another: what counts is what a push moves."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from support import Project, wrap_git

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PUSH = ("release.prepare", "1.0.0", "--push", "--yes")
BRANCH = "refs/heads/release/v1.0.0"
# A push that arrives, and of which nobody hears.
UNHEARD = """\
case " $* " in *" push --atomic "*) "$GIT" "$@" >/dev/null 2>&1; exit 1 ;; esac
exec "$GIT" "$@"
"""

# The same, and then the server is not there any more.
SILENT = """\
case " $* " in
*" push --atomic "*) "$GIT" "$@" >/dev/null 2>&1; : >pushed; exit 1 ;;
*" ls-remote "*) [ ! -e pushed ] || exit 128 ;;
esac
exec "$GIT" "$@"
"""


def by_push_url(project: Project, to: Path) -> None:
    project.git("config", "remote.origin.pushurl", str(to))


def by_rewriting(project: Project, to: Path) -> None:
    """What is rewritten for pushes would be rewritten again for fetches."""
    project.git("config", f"url.{to}.pushInsteadOf", str(project.remote))
    project.git("config", f"url.{project.remote}.insteadOf", str(to))


def by_both(project: Project, to: Path) -> None:
    project.git("config", "remote.origin.pushurl", "there:push.git")
    project.git("config", f"url.{to.parent}/.insteadOf", "there:")


def from_environment(project: Project, to: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "remote.origin.pushurl")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", str(to))
    assert project.git("remote", "get-url", "--push", "origin") == str(to)


@pytest.fixture
def there(project: Project) -> Path:
    """Where pushes go: at first a copy of where fetches come from."""
    place = project.folder / "push.git"
    shutil.copytree(project.remote, place)
    return place


def held(project: Project, where: Path, name: str) -> str:
    return project.git("rev-parse", "-q", "--verify", name, cwd=where, check=False)


def refuses(project: Project, there: Path, *words: str, code: int = 3, says: str) -> None:
    before = project.state(times=True), project.git("for-each-ref", cwd=there)
    ended = project.invoke(*words)
    after = project.state(times=True), project.git("for-each-ref", cwd=there)
    assert (ended.code, after == before) == (code, True), ended.text
    assert says in ended.err, ended.text


def follow_hint(project: Project, there: Path) -> None:
    """The command that a refusal names works as it stands there."""
    refuses(project, there, *PUSH, says="has commits where pushes go")
    hint = project.invoke(*PUSH).err.partition("bring them here: ")[2]
    subprocess.run(["sh", "-c", hint], cwd=project.path, check=True, capture_output=True)


@pytest.mark.parametrize("set_up", [by_push_url, by_rewriting, by_both])
def test_whether_a_push_arrived_is_asked_where_it_went(
    project: Project,
    there: Path,
    set_up: Callable[[Project, Path], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_up(project, there)
    wrap_git(tmp_path / "bin", UNHEARD, monkeypatch)
    ended = project.invoke(*PUSH)
    assert ended.code == 0, ended.text
    assert held(project, there, BRANCH) == project.ref("HEAD") == project.ref("origin/release/v1.0.0")
    assert project.remote_ref(BRANCH) == ""
    dropped = project.invoke("release.drop", "--remote", "--yes")
    assert dropped.code == 0, dropped.text
    assert held(project, there, BRANCH) == ""


def test_resume_and_abort_ask_there_too(
    project: Project, there: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_push_url(project, there)
    wrap_git(tmp_path / "bin", SILENT, monkeypatch)
    assert project.invoke(*PUSH).code == 7
    assert project.invoke("release.abort").code == 7
    (project.path / "pushed").unlink()
    refused = project.invoke("release.abort")
    assert (refused.code, "already been pushed" in refused.err) == (3, True), refused.text
    ended = project.invoke("release.resume")
    assert (ended.code, "already pushed" in ended.err) == (0, True), ended.text
    assert held(project, there, BRANCH) == project.ref("HEAD") == project.ref("origin/release/v1.0.0")


def test_settings_that_the_environment_hands_over_still_hold(
    project: Project, there: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from_environment(project, there, monkeypatch)
    wrap_git(tmp_path / "bin", UNHEARD, monkeypatch)
    ended = project.invoke(*PUSH)
    assert ended.code == 0, ended.text
    assert held(project, there, BRANCH) == project.ref("HEAD")


def test_the_way_to_the_remote_is_that_of_the_push(project: Project, there: Path) -> None:
    """A server on which git stands elsewhere."""
    program = project.folder / "upload-pack"
    program.write_text(f'#!/bin/sh\necho "$@" >>{project.folder}/asked\nexec git-upload-pack "$@"\n')
    program.chmod(0o755)
    project.git("config", "remote.origin.uploadpack", str(program))
    by_push_url(project, there)
    assert project.invoke(*PUSH).code == 0
    assert (project.folder / "asked").read_text().splitlines() == [str(project.remote), str(there)]


@pytest.mark.parametrize("set_up", [by_push_url, by_rewriting])
def test_leases_name_what_the_push_moves(
    project: Project, there: Path, set_up: Callable[[Project, Path], None]
) -> None:
    """The branch was deleted where pushes go; where fetches come from it still stands."""
    project.git("push", "-q", "origin", f"develop:{BRANCH}")
    set_up(project, there)
    ended = project.invoke(*PUSH)
    assert ended.code == 0, ended.text
    assert held(project, there, BRANCH) == project.ref("HEAD")


def test_a_plan_starts_from_what_the_push_moves(project: Project, there: Path) -> None:
    """Fetches come from a copy that lags behind."""
    by_push_url(project, there)
    other = project.folder / "other"
    project.git("clone", "-q", "-b", "develop", str(there), str(other), cwd=project.folder)
    project.git("commit", "-q", "--allow-empty", "-m", "feat: newest", cwd=other)
    project.git("push", "-q", cwd=other)
    follow_hint(project, there)
    ended = project.invoke(*PUSH)
    assert ended.code == 0, ended.text
    assert project.git("log", "-1", "--format=%s", "HEAD~1") == "feat: newest"
    assert "1 behind origin" in ended.err


def test_branches_that_only_the_push_address_has_are_not_asked_of_the_other(project: Project, there: Path) -> None:
    by_push_url(project, there)
    other = project.folder / "other"
    project.git("clone", "-q", "-b", "develop", str(there), str(other), cwd=project.folder)
    project.git("commit", "-q", "--allow-empty", "-m", "fix: elsewhere", cwd=other)
    project.git("push", "-q", "origin", f"HEAD:{BRANCH}", cwd=other)
    follow_hint(project, there)
    refuses(project, there, *PUSH, says="release/v1.0.0 is already open at origin")


def test_tags_of_both_addresses_count(project: Project, there: Path) -> None:
    for where, version in ((there, "v1.0.0"), (project.remote, "v1.1.0")):
        project.git("update-ref", f"refs/tags/{version}", project.ref("main"), cwd=where)
    by_push_url(project, there)
    for version in ("1.0.0", "1.1.0"):
        refuses(project, there, "release.prepare", version, says=f"{version} exists already")


def test_several_push_addresses_are_refused(project: Project, there: Path) -> None:
    by_push_url(project, there)
    project.git("config", "--add", "remote.origin.pushurl", str(project.remote))
    refuses(project, there, *PUSH, code=2, says="pushes to origin go to 2 addresses")
    project.git("config", "--unset-all", "remote.origin.pushurl")
    project.git("config", "--add", "remote.origin.url", str(there))
    refuses(project, there, *PUSH, "--dry-run", code=2, says="pushes to origin go to 2 addresses")


def test_an_address_is_in_no_argument_message_or_journal(
    project: Project, there: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = there.with_name("user:secret@push.git")
    there.rename(secret)
    by_push_url(project, secret)
    calls = tmp_path / "calls"
    monkeypatch.setenv("GIT_TRACE2_EVENT", str(calls))
    hook = project.path / ".git/hooks/pre-push"
    hook.write_text(f"#!/bin/sh\ncp .git/release/journal.json {tmp_path}/journal\n")
    hook.chmod(0o755)
    wrap_git(tmp_path / "bin", UNHEARD, monkeypatch)
    ended = project.invoke(*PUSH)
    assert ended.code == 0, ended.text
    events = [json.loads(line) for line in calls.read_text().splitlines()]
    ours = [event["argv"] for event in events if event["event"] == "start" and "/" not in event["sid"]]
    assert sum("ls-remote" in words for words in ours) == 3
    assert "secret" not in ended.text + str(ours) + (tmp_path / "journal").read_text()


def test_other_rules_for_pushes_change_nothing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """As people have them for one server in their own settings."""
    project.git("config", "url.git@example.org:.pushInsteadOf", "https://example.org/")
    calls = project.folder / "calls"
    monkeypatch.setenv("GIT_TRACE2_EVENT", str(calls))
    assert project.invoke(*PUSH).code == 0
    assert project.remote_ref(BRANCH) == project.ref("HEAD")
    events = [json.loads(line) for line in calls.read_text().splitlines()]
    asked = [event for event in events if event["event"] == "start" and "ls-remote" in event["argv"]]
    assert len(asked) == 1
