"""Signed tags and commits, with SSH and GPG: made, verified, and refused before anything has moved."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import signing
from finishing import (
    BRANCH,
    FINISH,
    OURS,
    THEIRS,
    change,
    conflicting,
    everything,
    open_release,
    refuses,
    released,
    resolve,
    stopped,
)
from signing import is_signed, new_key, with_ssh
from support import PYPROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support import Project

SIGNED = {"pyproject.toml": PYPROJECT + "sign = true\n"}
pytestmark = signing.needs_ssh


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return open_release(tmp_path / "project", SIGNED)


def test_a_tag_signed_with_ssh_is_the_one_that_is_pushed(project: Project) -> None:
    with_ssh(project)
    ended = project.invoke(*FINISH)
    assert ended.code == 0, ended.text
    released(project)
    project.git("verify-tag", "v1.0.0")
    facts = project.git("cat-file", "-p", "v1.0.0")
    assert "tagger Test <test@example.org> 1700000000 +0000" in facts
    assert "\n\nRelease 1.0.0\n-----BEGIN SSH SIGNATURE-----" in facts
    assert not is_signed(project, "main")


def test_a_key_and_signers_named_from_the_root_of_the_project(project: Project) -> None:
    key = with_ssh(project)
    for place in (key, key.with_suffix(".pub"), key.with_name("allowed")):
        place.rename(project.path / ".git" / place.name)
    project.git("config", "user.signingKey", ".git/key")
    project.git("config", "gpg.ssh.allowedSignersFile", ".git/allowed")
    ended = project.invoke(*FINISH, cwd=project.path / "src")
    assert ended.code == 0, ended.text
    project.git("verify-tag", "v1.0.0")


def test_without_a_list_of_signers_any_key_of_ones_own_will_do(project: Project) -> None:
    with_ssh(project)
    project.git("config", "--unset", "gpg.ssh.allowedSignersFile")
    ended = project.invoke(*FINISH)
    assert ended.code == 0, ended.text
    assert is_signed(project, "v1.0.0")


def test_a_key_that_is_not_among_the_signers_moves_nothing(project: Project) -> None:
    other = new_key(project.folder.parent / "other")
    with_ssh(project, signers=f"test@example.org {other}")
    refuses(project, *FINISH, says="the signature of the tag v1.0.0 does not verify")


def test_a_missing_key_moves_nothing(project: Project) -> None:
    with_ssh(project).unlink()
    refuses(project, *FINISH, says="git made the tag v1.0.0 without a signature")


def test_no_key_at_all_moves_nothing(project: Project) -> None:
    project.git("config", "gpg.format", "ssh")
    said = refuses(project, *FINISH, says="v1.0.0")
    assert "user.signingKey" in said


def test_a_locked_key_is_not_waited_for(project: Project) -> None:
    with_ssh(project, passphrase="secret")
    started = time.monotonic()
    refuses(project, *FINISH, says="v1.0.0")
    assert time.monotonic() - started < 20


def test_a_program_that_signs_something_else_moves_nothing(project: Project, tmp_path: Path) -> None:
    with_ssh(project)
    forger = tmp_path / "forger"
    script = 'for last; do :; done\n[ "$2" != sign ] || echo other >"$last"\nexec ssh-keygen "$@"\n'
    forger.write_text(f"#!/bin/sh\n{script}")
    forger.chmod(0o755)
    project.git("config", "gpg.ssh.program", str(forger))
    refuses(project, *FINISH, says="the signature of the tag v1.0.0 does not verify")


def test_commits_are_signed_where_git_says_so(project: Project) -> None:
    with_ssh(project)
    project.git("config", "commit.gpgSign", "true")
    ended = project.invoke(*FINISH)
    assert ended.code == 0, ended.text
    released(project)
    for name in ("main", "main^2", "develop"):
        project.git("verify-commit", name)


def test_commits_that_cannot_be_signed_move_nothing(project: Project) -> None:
    with_ssh(project).unlink()
    project.git("config", "commit.gpgSign", "true")
    refuses(project, *FINISH, says="the commit could not be signed")


def test_a_dry_run_signs_no_tag(project: Project) -> None:
    with_ssh(project).unlink()
    before = everything(project)
    ended = project.invoke(*FINISH, "--dry-run")
    assert (ended.code, everything(project) == before) == (0, True), ended.text


def test_a_candidate_is_signed_too(project: Project) -> None:
    with_ssh(project)
    ended = project.invoke("release.candidate", "--yes")
    assert ended.code == 0, ended.text
    project.git("verify-tag", "v1.0.0rc1")
    assert project.remote_ref("refs/tags/v1.0.0rc1") == project.ref("refs/tags/v1.0.0rc1")


@pytest.mark.thorough
def test_a_signature_that_fails_after_a_conflict_keeps_the_resolution(tmp_path: Path) -> None:
    project = conflicting(tmp_path / "project", base=SIGNED, main={"app.txt": OURS}, release={"app.txt": THEIRS})
    key = with_ssh(project)
    resolve(project, stopped(project))
    away = key.rename(key.with_name("away"))
    ended = project.invoke("release.resume")
    assert (ended.code, "what was resolved is kept" in ended.err) == (3, True), ended.text
    away.rename(key)
    ended = project.invoke("release.resume")
    assert ended.code == 0, ended.text
    released(project)
    project.git("verify-tag", "v1.0.0")


@pytest.fixture
def gnupg(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A key ring with one key without a passphrase, whose agent is not running; yields the key's id."""
    with signing.key_ring(monkeypatch):
        fingerprint = signing.new_pgp()
        signing.end_agent()
        yield fingerprint


def test_a_tag_signed_with_gpg_and_the_agent_keeps_no_lock(project: Project, gnupg: str) -> None:
    """The agent starts with the first signature and stays; the next task has to come in all the same."""
    project.git("config", "user.signingKey", gnupg)
    project.git("config", "commit.gpgSign", "true")
    ended = project.invoke(*FINISH)
    assert ended.code == 0, ended.text
    released(project)
    project.git("verify-tag", "v1.0.0")
    project.git("verify-commit", "develop")
    assert any(place.name == "S.gpg-agent" for place in Path(os.environ["GNUPGHOME"]).iterdir())
    ended = project.invoke("feature.start", "x")
    assert ended.code == 0, ended.text


def test_gpg_without_the_key_moves_nothing(project: Project, gnupg: str) -> None:
    assert gnupg
    project.git("config", "user.signingKey", "nobody@example.org")
    refuses(project, *FINISH, says="the tag v1.0.0 could not be signed")
    project.git("config", "commit.gpgSign", "true")
    refuses(project, *FINISH, says="the commit could not be signed")


def test_no_gpg_at_all_moves_nothing(project: Project) -> None:
    project.git("config", "gpg.program", "/nowhere/gpg")
    change(project, {"more.txt": "more\n"})
    project.git("push", "-q", "origin", BRANCH)
    refuses(project, *FINISH, says="the tag v1.0.0 could not be signed")
