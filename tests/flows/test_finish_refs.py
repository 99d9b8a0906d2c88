"""Finishing where refs are named alike: the right ones move, and what git cannot hold side by side is said before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from finishing import BRANCH, FINISH, change, open_release, refuses, released
from support import thorough

from release.git import journal

if TYPE_CHECKING:
    from pathlib import Path

    from support import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return open_release(tmp_path / "project")


def test_tags_and_branches_named_alike_stay_where_they_are(project: Project) -> None:
    old = project.ref("v0.9.0^{commit}")
    for name in ("other/1.0.0", "1.0.0", "main", "develop", BRANCH):
        project.git("tag", name, old)
    for name in ("v1.0.0", "refs/tags/v1.0.0", "origin/main", "HEAD"):
        project.git("update-ref", f"refs/heads/{name}", old)
    ended = project.invoke(*FINISH)
    assert ended.code == 0, ended.text
    for name in ("tags/other/1.0.0", "tags/1.0.0", "tags/main", "tags/develop", f"tags/{BRANCH}", "heads/v1.0.0"):
        assert project.ref(f"refs/{name}") == old, name
    assert project.git("cat-file", "-t", "refs/tags/v1.0.0") == "tag"
    assert project.ref("refs/tags/v1.0.0^{commit}") == project.ref("refs/heads/main")
    assert project.remote_ref("refs/heads/main") == project.ref("refs/heads/main") != old
    assert project.git("symbolic-ref", "HEAD") == "refs/heads/develop"


def test_the_tag_of_this_version_here_or_there_is_refused(project: Project) -> None:
    project.git("tag", "v1.0.0", "develop")
    refuses(project, *FINISH, says="1.0.0 exists already")
    project.git("push", "-q", "origin", "v1.0.0")
    project.git("tag", "-d", "v1.0.0")
    refuses(project, *FINISH, says="1.0.0 exists already")


def test_a_tag_below_the_name_of_the_new_one_is_explained(project: Project) -> None:
    project.git("tag", "v1.0.0/x")
    said = refuses(project, *FINISH, says="git cannot hold the tag v1.0.0 and the tag v1.0.0/x: one would be a folder")
    refuses(project, *FINISH, "--no-push", says="v1.0.0/x")
    mend = said.partition("another name: ")[2].split("\n")[0].replace("NEW-NAME", "old-x")
    for words in mend.split(" && "):
        project.git(*words.split()[1:])
    assert project.invoke(*FINISH).code == 0
    released(project)


def test_a_tag_below_it_at_the_remote_is_explained(project: Project) -> None:
    project.git("update-ref", "refs/tags/v1.0.0/x", "main", cwd=project.remote)
    said = refuses(project, *FINISH, says="the tag v1.0.0/x at origin: one would be a folder")
    project.git(*said.partition("another name: git ")[2].split("\n")[0].split())
    assert project.invoke(*FINISH).code == 0
    released(project)


def test_a_branch_in_the_way_of_one_that_comes_here_is_explained(project: Project) -> None:
    """Without a push main, which is only at the remote, gets a branch here."""
    project.git("update-ref", "-d", "refs/heads/main")
    project.git("branch", "main/x")
    refuses(project, *FINISH, "--no-push", says="the branch main and the branch main/x")


def test_a_branch_release_beside_a_release_that_is_only_at_the_remote(project: Project) -> None:
    project.git("switch", "-q", "develop")
    project.git("branch", "-D", BRANCH)
    project.git("branch", "release")
    ended = project.invoke(*FINISH)
    assert ended.code == 0, ended.text
    released(project)
    refuses(project, "release.prepare", "1.1.0", says="git cannot hold the branches release/v1.1.0 and release")


@pytest.mark.parametrize("name", ["v1.0.0", *thorough("1.0.0", BRANCH)])
def test_the_release_is_named_with_or_without_its_prefix(project: Project, name: str) -> None:
    project.git("switch", "-q", "develop")
    ended = project.invoke("release.finish", "--version", name, "--yes")
    assert ended.code == 0, ended.text
    released(project)


@pytest.mark.parametrize("name", ["1.0.1", "release/v1.0.1", "develop", "$(touch pwned)", "v1.0.0/x"])
def test_a_release_that_is_not_there_is_refused(project: Project, name: str) -> None:
    refuses(project, "release.finish", "--version", name, "--yes", code=2, says="there is no release branch")
    assert not (project.path / "pwned").exists()


def test_describe_counts_from_the_tag(project: Project) -> None:
    change(project, {"more.txt": "more\n"})
    assert project.invoke(*FINISH).code == 0
    assert project.git("describe", "main") == "v1.0.0"
    assert project.git("describe", "develop").startswith("v1.0.0-")
    assert project.git("rev-list", "--first-parent", "--count", "v0.9.0..main") == "1"


def test_two_finishes_at_once_let_one_through(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl  # noqa: PLC0415  # held here by the test itself

    place = project.path / ".git/release/lock"
    place.parent.mkdir(exist_ok=True)
    monkeypatch.setattr(journal, "LOCK_SECONDS", 0.1)
    with place.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        said = refuses(project, *FINISH, says="another run is at work in this repository (waited ")
        assert "invoke release.status" in said
    assert project.invoke(*FINISH).code == 0
    released(project)
