"""A finish and its remote: ahead, elsewhere, absent, slow, or asking for a password."""

from __future__ import annotations

import http.server
import shutil
import threading
import time
from typing import TYPE_CHECKING

import pytest
from finishing import BRANCH, FINISH, change, everything, hook, open_release, refuses, released
from support import thorough

from release.git import command

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return open_release(tmp_path / "project")


def finishes(project: Project, *more: str) -> str:
    ended = project.invoke(*FINISH, *more)
    assert ended.code == 0, ended.text
    return ended.err


def push_from_elsewhere(project: Project, branch: str, files: dict[str, str | bytes | None]) -> str:
    """Let a colleague push a commit that is not fetched here."""
    other = project.folder.parent / f"colleague-{branch.replace('/', '-')}"
    project.git("clone", "-q", "-b", branch, str(project.remote), str(other), cwd=project.folder)
    commit = change(project, files, at=other)
    project.git("push", "-q", "origin", branch, cwd=other)
    shutil.rmtree(other)
    return commit


def test_everything_moves_in_one_push_and_nothing_else_does(project: Project) -> None:
    project.git("tag", "mine")
    project.git("branch", "topic")
    log = hook(project, "pre-receive", f"cat >>{project.folder.parent}/pushed")
    finishes(project)
    released(project)
    assert log.exists()
    lines = (project.folder.parent / "pushed").read_text().splitlines()
    names = ["refs/heads/develop", "refs/heads/main", f"refs/heads/{BRANCH}", "refs/tags/v1.0.0"]
    assert sorted(line.split()[2] for line in lines) == names
    for name in ("main", "develop"):
        assert project.ref(f"origin/{name}") == project.ref(name)
    assert project.ref(f"refs/remotes/origin/{BRANCH}") == ""


@pytest.mark.parametrize("branch", ["main", "develop", BRANCH])
def test_what_a_colleague_pushed_is_in_the_release(project: Project, branch: str) -> None:
    theirs = push_from_elsewhere(project, branch, {"theirs.txt": "theirs\n"})
    said = finishes(project)
    assert "1 behind origin" in said
    released(project)
    assert project.git("merge-base", "--is-ancestor", theirs, "develop" if branch == "develop" else "main") == ""
    assert project.at("develop", "theirs.txt") == "theirs"


@pytest.mark.parametrize("branch", ["develop", *thorough("main", BRANCH)])
def test_a_branch_that_has_diverged_is_refused(project: Project, branch: str) -> None:
    push_from_elsewhere(project, branch, {"theirs.txt": "theirs\n"})
    project.git("switch", "-q", branch)
    change(project, {"ours.txt": "ours\n"})
    refuses(project, *FINISH, says=f"{branch} has diverged: 1 commits only here, 1 only at origin")


def test_unpushed_commits_are_released_with_a_note(project: Project) -> None:
    change(project, {"late.txt": "late\n"})
    assert f"{BRANCH} is 1 ahead of origin" in finishes(project)
    released(project)
    assert project.at("main", "late.txt") == "late"


def test_a_branch_deleted_at_the_remote_is_said(project: Project) -> None:
    project.git("update-ref", "-d", f"refs/heads/{BRANCH}", cwd=project.remote)
    assert project.ref(f"origin/{BRANCH}") != ""
    assert f"{BRANCH} is not at origin: nothing to delete there" in finishes(project)
    assert project.remote_ref("main") == project.ref("main")


def test_a_branch_that_is_only_at_the_remote_is_finished_from_there(project: Project) -> None:
    project.git("switch", "-q", "develop")
    project.git("branch", "-D", BRANCH)
    finishes(project)
    released(project)


def test_a_remote_of_another_name(project: Project) -> None:
    project.git("remote", "rename", "origin", "upstream")
    assert "pushed to upstream" in finishes(project)
    released(project)


def test_several_remotes_without_origin_have_to_be_told_apart(project: Project) -> None:
    project.git("remote", "rename", "origin", "upstream")
    project.git("remote", "add", "fork", str(project.folder / "fork.git"))
    refuses(project, *FINISH, code=2, says='remote = "…"')


def test_no_remote_is_said_and_everything_stays_here(project: Project) -> None:
    project.git("remote", "remove", "origin")
    before = project.git("for-each-ref", cwd=project.remote)
    said = finishes(project)
    assert "no remote is configured: everything stays here" in said
    assert project.git("for-each-ref", cwd=project.remote) == before
    assert project.ref("v1.0.0^{commit}") == project.ref("main")
    assert project.git("branch", "--list", BRANCH) == ""


def test_without_a_push_the_remote_stays_and_the_named_commands_push_or_undo(project: Project) -> None:
    before = everything(project)
    said = finishes(project, "--no-push")
    assert project.git("for-each-ref", cwd=project.remote) == before["remote"]
    undo = said.partition("undo: ")[2].split("\n")[0]
    project.typed(undo)
    project.git("switch", "-q", BRANCH)
    refs = project.git("for-each-ref")
    assert refs == before["refs"]
    said = finishes(project, "--no-push")
    project.typed(said.partition("next: ")[2].split("\n")[0])
    released(project)


def test_a_remote_that_is_gone_is_refused(project: Project) -> None:
    project.remote.rename(project.remote.with_name("moved.git"))
    refuses(project, *FINISH, says="remote 'origin' cannot be read")


def test_a_remote_that_moved_is_used_where_it_is_now(project: Project) -> None:
    moved = project.remote.with_name("moved.git")
    project.remote.rename(moved)
    project.git("remote", "set-url", "origin", str(moved))
    project.remote = moved
    finishes(project)
    released(project)


def slow(project: Project, kind: str, seconds: float = 3) -> None:
    """Let the server take its time before it answers."""
    script = project.folder.parent / f"slow-{kind}"
    script.write_text(f'#!/bin/sh\nsleep {seconds}\nexec git-{kind} "$@"\n')
    script.chmod(0o755)
    project.git("config", f"remote.origin.{kind.replace('-', '')}", str(script))


@pytest.mark.thorough
def test_a_remote_that_answers_too_slowly_is_refused(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    slow(project, "upload-pack")
    monkeypatch.setattr(command, "NETWORK_SECONDS", 0.5)
    started = time.monotonic()
    refuses(project, *FINISH, says="remote 'origin' did not answer in 0.5 seconds")
    assert time.monotonic() - started < 2.5


def test_commits_that_come_too_slowly_are_refused(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    push_from_elsewhere(project, "develop", {"theirs.txt": "theirs\n"})
    monkeypatch.setattr(command, "TRANSFER_SECONDS", 0.0)
    refuses(project, *FINISH, says="did not send its commits in 0 seconds")


def test_commits_that_cannot_be_fetched_are_refused(project: Project) -> None:
    theirs = push_from_elsewhere(project, "develop", {"theirs.txt": "theirs\n"})
    tree = project.git("rev-parse", f"{theirs}^{{tree}}", cwd=project.remote)
    (project.remote / "objects" / tree[:2] / tree[2:]).unlink()
    said = refuses(project, *FINISH, says="the commits of remote 'origin' cannot be fetched")
    assert "git fetch origin" in said


@pytest.mark.thorough
def test_a_push_that_takes_too_long_ends_as_resumable(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    before = everything(project)
    slow(project, "receive-pack")
    monkeypatch.setattr(command, "TRANSFER_SECONDS", 0.5)
    ended = project.invoke(*FINISH)
    assert (ended.code, "the push did not end within 0.5 seconds" in ended.err) == (7, True), ended.text
    assert "next: invoke release.resume" in ended.err
    assert "undo: invoke release.abort" in ended.err
    project.git("config", "--unset", "remote.origin.receivepack")
    monkeypatch.setattr(command, "TRANSFER_SECONDS", 60.0)
    undone = project.invoke("release.abort")
    assert undone.code == 0, undone.text
    assert {name for name, value in everything(project).items() if before[name] != value} <= {"git"}
    assert project.invoke(*FINISH).code == 0
    released(project)


@pytest.mark.thorough
def test_a_push_that_the_server_completes_after_we_gave_up_is_known(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook(project, "pre-receive", "sleep 1.5")
    project.git("config", "remote.origin.receivepack", "setsid git-receive-pack")  # as on another machine
    monkeypatch.setattr(command, "TRANSFER_SECONDS", 0.5)
    assert project.invoke(*FINISH).code == 7
    deadline = time.monotonic() + 60
    while project.remote_ref("refs/tags/v1.0.0") == "" and time.monotonic() < deadline:
        time.sleep(0.1)
    refused = project.invoke("release.abort")
    assert (refused.code, "has already been pushed" in refused.err) == (3, True), refused.text
    ended = project.invoke("release.resume")
    assert (ended.code, "already pushed to origin" in ended.err) == (0, True), ended.text
    released(project)


class _Locked(http.server.BaseHTTPRequestHandler):
    """A server that wants to know who asks."""

    def do_GET(self) -> None:  # http.server's name
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="git"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def locked() -> Iterator[str]:
    """The address of a server that asks for a password."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Locked) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/demo.git"
        server.shutdown()


@pytest.mark.thorough
def test_a_password_is_not_waited_for(project: Project, locked: str) -> None:
    project.git("remote", "set-url", "origin", locked)
    started = time.monotonic()
    refuses(project, *FINISH, says="cannot be read")
    assert time.monotonic() - started < 20


def test_ssh_is_told_that_nobody_answers(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As OpenSSH asks: through SSH_ASKPASS where that is forced, and else at the terminal, for ever."""
    ssh = tmp_path / "ssh"
    ssh.write_text(
        '#!/bin/sh\n[ "$SSH_ASKPASS_REQUIRE" = force ] || sleep 60\n'
        '"$SSH_ASKPASS" "passphrase?" || { echo "Permission denied (publickey)." >&2; exit 255; }\n'
    )
    ssh.chmod(0o755)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(ssh))
    project.git("remote", "set-url", "origin", "git@example.invalid:demo.git")
    started = time.monotonic()
    refuses(project, *FINISH, says="Permission denied (publickey).")
    assert time.monotonic() - started < 20
