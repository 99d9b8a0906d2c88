"""The command that begins a task again, printed when it stopped before anything changed: all that it was told."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest
from releasing import done, hotfixed, opened
from support import FILES, git_flow

from release.plan import again, typed

if TYPE_CHECKING:
    from pathlib import Path

    from support import Project

MESSAGE = 'It\'s "here";\n\n$(touch pwned) --keep --pr'
_BEGIN = ", then: invoke "


@pytest.fixture
def gated(tmp_path: Path) -> Project:
    """A project whose gates nothing defines, so that whatever would make a tag stops."""
    settings = FILES["pyproject.toml"].replace("gates = []\n", "")
    return git_flow(tmp_path / "p", {**FILES, "pyproject.toml": f'{settings}gates = ["tests"]\n'})


def printed(project: Project, *words: str) -> list[str]:
    """Run a task that stops; returns the words of the command that it prints, as a shell reads them."""
    ended = project.invoke(*words)
    assert (ended.code, _BEGIN in ended.err) == (2, True), ended.text
    return shlex.split(ended.err.partition(_BEGIN)[2].partition("\nundo: ")[0])


def test_a_release_is_begun_again_with_its_message(gated: Project, tmp_path: Path) -> None:
    opened(gated, "1.0.0")
    told = ["release.finish", "--version", "1.0.0", "--message", MESSAGE, "--no-push", "--keep", "--allow-empty"]
    assert printed(gated, *told) == told
    (tmp_path / "wo rds").write_text(MESSAGE)
    from_file = ["release.finish", "--version", "1.0.0", "--message-file", str(tmp_path / "wo rds"), "--no-push"]
    assert printed(gated, *from_file) == from_file
    again = printed(gated, "release.candidate", "--no-push", "--message", MESSAGE, "--receipts", str(tmp_path))
    assert again[1:] == [
        *("--version", "1.0.0", "--phase", "rc", "--no-push", "--message", MESSAGE, "--receipts", str(tmp_path))
    ]


def test_a_hotfix_and_a_tag_are_begun_again_with_their_messages(gated: Project, tmp_path: Path) -> None:
    hotfixed(gated)
    assert printed(gated, "hotfix.finish", "--message", MESSAGE, "--no-push")[3:] == [
        *("--message", MESSAGE, "--no-push")
    ]
    gated.git("switch", "-q", "main")
    gated.commit("chore: version", {"VERSION": "2.0.0\n"})
    done(gated.invoke("propagate"))
    gated.commit("chore: sites")
    told = ["tag", "--message", MESSAGE, "--receipts", str(tmp_path)]
    assert printed(gated, *told) == told


def test_what_finishes_a_merged_request_has_the_message_of_its_tag(project: Project) -> None:
    opened(project, "1.0.0")
    ended = done(project.invoke("release.finish", "--pr", "--yes", "--message", MESSAGE, "--keep"))
    command = ended.partition("when it is merged: invoke ")[2].partition("\nundo: ")[0]
    assert shlex.split(command) == ["release.finish", "--version", "1.0.0", "--message", MESSAGE, "--keep"]


def test_only_what_was_told_is_typed() -> None:
    assert typed("tag", push=True, message="", receipts="a b") == "tag --push --receipts 'a b'"
    assert typed("feature.start", "a;b", push=False) == "feature.start 'a;b'"
    options = {"name": "1.0.0", "message": "long", "message_file": "/words", "allow_changed": True}
    assert again("release.finish", options) == "release.finish --version 1.0.0 --message-file /words --allow-changed"
    assert again("hotfix.finish", {**options, "push": False}) == (
        "hotfix.finish --name 1.0.0 --message-file /words --no-push"
    )
