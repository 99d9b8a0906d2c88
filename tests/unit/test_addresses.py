"""Where a pull request is opened, and that nothing about who logs in is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from release.flows import requests, situation
from release.git import repository

if TYPE_CHECKING:
    from support import Project

HEAD, BASE = "release/v1.0.0", "main"
COMPARE = "compare/main...release/v1.0.0"
GITLAB = "-/merge_requests/new?merge_request%5Bsource_branch%5D=release%2Fv1.0.0&merge_request%5Btarget_branch%5D=main"
BITBUCKET = "pull-requests/new?source=release%2Fv1.0.0&dest=main"
AZURE = "pullrequestcreate?sourceRef=release%2Fv1.0.0&targetRef=main"


def address(project: Project, url: str) -> str:
    project.git("remote", "set-url", "origin", url)
    with situation.look(repository.locate(project.path), offline=True) as scene:
        branches = [situation.Branch(name=name, here=None, there=None) for name in (HEAD, BASE)]
        return requests.address(scene, branches[0], branches[1])


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("git@github.com:own/repo.git", f"https://github.com/own/repo/{COMPARE}?expand=1"),
        ("https://github.com/own/repo", f"https://github.com/own/repo/{COMPARE}?expand=1"),
        ("https://github.com/own/repo.git/", f"https://github.com/own/repo/{COMPARE}?expand=1"),
        ("ssh://git@github.com/own/repo.git", f"https://github.com/own/repo/{COMPARE}?expand=1"),
        ("ssh://git@ssh.github.com:443/own/repo.git", f"https://github.com/own/repo/{COMPARE}?expand=1"),
        ("git@GitHub.com:own/repo.git", f"https://github.com/own/repo/{COMPARE}?expand=1"),
        ("https://github.acme.org:8443/own/repo", f"https://github.acme.org:8443/own/repo/{COMPARE}?expand=1"),
        ("http://github.acme.org/own/repo", f"http://github.acme.org/own/repo/{COMPARE}?expand=1"),
        ("git@gitlab.com:group/sub/repo.git", f"https://gitlab.com/group/sub/repo/{GITLAB}"),
        ("ssh://git@gitlab.acme.org:2222/group/repo.git", f"https://gitlab.acme.org/group/repo/{GITLAB}"),
        ("https://gitlab.acme.org:8443/group/repo.git", f"https://gitlab.acme.org:8443/group/repo/{GITLAB}"),
        ("ssh://git@altssh.gitlab.com:443/group/repo.git", f"https://gitlab.com/group/repo/{GITLAB}"),
        ("git@bitbucket.org:team/repo.git", f"https://bitbucket.org/team/repo/{BITBUCKET}"),
        ("https://me@bitbucket.org/team/repo.git", f"https://bitbucket.org/team/repo/{BITBUCKET}"),
        ("https://org@dev.azure.com/org/my%20p/_git/repo", f"https://dev.azure.com/org/my%20p/_git/repo/{AZURE}"),
        ("git@ssh.dev.azure.com:v3/org/project/repo", f"https://dev.azure.com/org/project/_git/repo/{AZURE}"),
        ("https://codeberg.org/own/repo.git", f"https://codeberg.org/own/repo/{COMPARE}"),
        ("gitea@gitea.acme.org:own/repo.git", f"https://gitea.acme.org/own/repo/{COMPARE}"),
    ],
)
def test_a_known_forge_has_the_exact_address(project: Project, url: str, wanted: str) -> None:
    assert address(project, url) == wanted


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("git@git.acme.org:group/repo.git", "git.acme.org/group/repo"),
        ("https://git.acme.org:8443/group/repo.git", "git.acme.org/group/repo"),
        ("ssh://git@git.acme.org:29418/repo", "git.acme.org/repo"),
        ("git@github-work:own/repo.git", "github-work/own/repo"),  # a name of ~/.ssh/config
        ("/srv/git/repo.git", "origin"),
        ("../repo.git", "origin"),
        ("~/repo.git", "origin"),
        ("file:///srv/github/repo.git", "origin"),
        ("ssh://git@[::1]:22/repo.git", "origin"),
    ],
)
def test_elsewhere_it_is_said_what_to_open_and_where(project: Project, url: str, where: str) -> None:
    assert address(project, url) == f"open a pull request of release/v1.0.0 into main at {where}"


@pytest.mark.parametrize(
    "url",
    [
        "https://me:s3cret@github.com/own/repo.git",
        "https://s3cret@github.com/own/repo.git",
        "https://x-access-token:s3cret@github.com/own/repo",
        "https://me:p@s3cret@github.com/own/repo.git",
        "https://me:p/s3cret@github.com/own/repo.git",
        "https://me:s3cret@git.acme.org/own/repo.git",
        "https://github.com/own/repo.git?token=s3cret",
        "https://github.com/own/repo.git#s3cret",
        "ssh://me:s3cret@github.com:22/own/repo.git",
        "me:s3cret@github.com:own/repo.git",
        "s3cret@github.com:own/repo.git",
        "helper::https://s3cret@github.com/own/repo",
    ],
)
def test_users_passwords_and_tokens_of_the_remote_are_not_shown(project: Project, url: str) -> None:
    assert "s3cret" not in address(project, url)


def test_the_address_is_that_where_pushes_go_as_git_rewrites_it(project: Project) -> None:
    project.git("config", "url.git@github.com:.insteadOf", "gh:")
    assert address(project, "gh:own/repo") == f"https://github.com/own/repo/{COMPARE}?expand=1"
    project.git("config", "url.ssh://git@gitlab.com/.pushInsteadOf", "https://mirror.acme.org/")
    assert address(project, "https://mirror.acme.org/group/repo") == f"https://gitlab.com/group/repo/{GITLAB}"


def test_branch_names_cannot_break_out_of_the_address(project: Project) -> None:
    project.git("remote", "set-url", "origin", "git@github.com:own/repo.git")
    with situation.look(repository.locate(project.path), offline=True) as scene:
        odd = situation.Branch(name="feature/a&b=c#d%e+f'ü", here=None, there=None)
        found = requests.address(scene, odd, scene.main)
    wanted = "feature/a%26b%3Dc%23d%25e%2Bf%27%C3%BC"
    assert found == f"https://github.com/own/repo/compare/main...{wanted}?expand=1"
