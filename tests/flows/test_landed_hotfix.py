"""A hotfix by pull request, alone and beside a release that waits for its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from forge import SQUASHED, Forge, awaiting
from support import thorough

if TYPE_CHECKING:
    from pathlib import Path

    from support import Ended, Project


REWRITTEN = ("squash", "rebase")


def done(project: Project, *words: str) -> Ended:
    ended = project.invoke(*words)
    assert ended.code == 0, ended.text
    return ended


def asked(project: Project, name: str = "leak", *options: str) -> str:
    """Make a hotfix and ask for a pull request; return the tip of its branch."""
    done(project, "hotfix.start", "--name", name)
    project.commit(f"fix: {name}", {f"{name}.txt": "tight\n"})
    done(project, "hotfix.finish", "--pr", "--yes", *options)
    return project.ref("HEAD")


def at(project: Project, tag: str) -> str:
    assert project.ref(f"refs/tags/{tag}") == project.remote_ref(f"refs/tags/{tag}") != ""
    return project.ref(f"{tag}^{{commit}}")


def contains(project: Project, branch: str, commit: str) -> bool:
    return commit in project.git("rev-list", branch, cwd=project.remote).split()


@pytest.mark.parametrize(
    ("how", "gone"),
    [
        ("merge", False),
        ("rebase", False),
        ("squash", True),
        *thorough(
            ("squash", False), ("fast-forward", False), ("merge", True), ("rebase", True), ("fast-forward", True)
        ),
    ],
)
def test_a_hotfix_is_tagged_where_it_landed(guarded: tuple[Project, Forge], how: str, gone: bool) -> None:
    project, forge = guarded
    tip = asked(project)
    landed = forge.land("hotfix/leak", how, delete=gone)
    if gone:
        project.git("switch", "-q", "develop")
        project.git("branch", "-q", "-D", "hotfix/leak")
    ended = done(project, "hotfix.finish", "--yes", *(("--version", "0.9.1") if gone else ()))
    assert "0.9.1 landed on main" in ended.err
    assert "is taken" not in ended.err
    assert at(project, "v0.9.1") == project.remote_ref("main") == landed
    assert contains(project, "develop", landed)
    assert contains(project, "develop", tip) is not (gone and how in REWRITTEN)  # else nobody knows it any more
    assert project.at("develop", "leak.txt") == "tight"
    assert project.remote_ref("hotfix/leak") == project.ref("hotfix/leak") == ""
    assert project.git("branch", "--show-current") == "develop"


def test_the_next_command_that_pr_names_finishes_it_from_anywhere(guarded: tuple[Project, Forge]) -> None:
    project, forge = guarded
    done(project, "hotfix.start", "--name", "leak")
    project.commit("fix: leak", {"leak.txt": "tight\n"})
    ended = done(project, "hotfix.finish", "--pr", "--yes")
    command = ended.err.partition("next: when it is merged: invoke ")[2].splitlines()[0]
    assert command == "hotfix.finish --name hotfix/leak --version 0.9.1"
    landed = forge.land("hotfix/leak", "squash", delete=True)
    shown = done(project, "release.status").out
    assert "next: 0.9.1 landed on main: invoke hotfix.finish --name hotfix/leak\n" in shown
    project.git("switch", "-q", "develop")
    project.git("branch", "-q", "-D", "hotfix/leak")
    done(project, *command.split(), "--yes")
    assert at(project, "v0.9.1") == landed


def test_a_hotfix_name_that_does_not_exist_is_bad_input(guarded: tuple[Project, Forge]) -> None:
    project, _ = guarded
    asked(project)
    before = project.state()
    for words in (("--name", "lake"), ("--name", "lake", "--version", "0.9.1")):
        ended = project.invoke("hotfix.finish", "--yes", *words)
        assert (ended.code, project.state() == before) == (2, True), ended.text
        assert "there is no hotfix branch 'hotfix/lake' (hotfix branches: hotfix/leak)" in ended.err


def test_a_version_that_no_hotfix_has_is_bad_input(guarded: tuple[Project, Forge]) -> None:
    project, _ = guarded
    before = project.state()
    ended = project.invoke("hotfix.finish", "--version", "0.9.1", "--yes")
    assert (ended.code, project.state() == before) == (2, True), ended.text
    assert "there is no hotfix branch 'hotfix/v0.9.1'" in ended.err


@pytest.mark.parametrize("how", SQUASHED)
def test_the_hotfix_lands_first_and_then_the_release(waiting: tuple[Project, Forge], how: str) -> None:
    project, forge = waiting
    tip = asked(project)
    hotfix = forge.land("hotfix/leak", how, delete=True)
    done(project, "hotfix.finish", "--name", "leak", "--yes")
    assert at(project, "v0.9.1") == hotfix
    assert contains(project, "release/v1.0.0", tip)
    assert project.at("origin/release/v1.0.0", "VERSION") == "1.0.0"
    release = forge.land("release/v1.0.0", how if how != "rebase" else "merge", delete=True)
    done(project, "release.finish", "--version", "1.0.0", "--yes")
    assert at(project, "v1.0.0") == release
    text = project.at("v1.0.0", "CHANGELOG.md")
    assert text.index("## [1.0.0]") < text.index("## [0.9.1]")
    assert text.lower().count("leak") == 1
    assert project.at("develop", "VERSION") == "1.1.0.dev0"


@pytest.mark.parametrize("how", SQUASHED)
def test_the_release_lands_first_and_the_hotfix_is_renumbered(waiting: tuple[Project, Forge], how: str) -> None:
    project, forge = waiting
    asked(project)
    forge.land("release/v1.0.0", how, delete=True)
    done(project, "release.finish", "--version", "1.0.0", "--yes")
    before = project.state()
    ended = project.invoke("hotfix.finish", "--yes")
    assert (ended.code, project.state() == before) == (3, True), ended.text
    assert "invoke hotfix.finish --name hotfix/leak --version 1.0.1" in ended.err
    done(project, "hotfix.finish", "--name", "leak", "--version", "1.0.1", "--pr", "--yes")
    landed = forge.land("hotfix/leak", how if how in REWRITTEN[:1] else "merge", delete=True)
    ended = done(project, "hotfix.finish", "--name", "leak", "--yes")
    assert "1.0.1 landed on main" in ended.err
    assert at(project, "v1.0.1") == landed
    assert project.at("v1.0.1", "VERSION") == "1.0.1"
    text = project.at("v1.0.1", "CHANGELOG.md")
    assert text.index("## [1.0.1]") < text.index("## [1.0.0]")
    assert "[0.9.1]" not in text
    assert text.lower().count("leak") == text.lower().count("last minute") == 1
    assert project.at("develop", "VERSION") == "1.1.0.dev0"


def test_renumbering_for_a_request_twice_changes_nothing_more(waiting: tuple[Project, Forge]) -> None:
    project, forge = waiting
    asked(project)
    forge.land("release/v1.0.0", "merge", delete=True)
    done(project, "release.finish", "--version", "1.0.0", "--yes")
    words = ("hotfix.finish", "--name", "leak", "--version", "1.0.1", "--pr", "--yes")
    done(project, *words)
    before = project.state()
    done(project, *words)
    assert project.state() == before


@pytest.mark.parametrize("order", [("hotfix", "release"), ("release", "hotfix")])
@pytest.mark.parametrize("how", ["squash", *thorough("merge")])
def test_both_have_landed_and_are_finished_in_either_order(
    waiting: tuple[Project, Forge], how: str, order: tuple[str, str]
) -> None:
    project, forge = waiting
    asked(project)
    hotfix = forge.land("hotfix/leak", how)
    # The reviewers bring the request of the release up to date.
    forge.git("fetch", "-q", "--prune", "origin")
    forge.git("switch", "-q", "-C", "release/v1.0.0", "origin/release/v1.0.0")
    forge.git("merge", "-q", "-X", "ours", "-m", "Merge main", "origin/main")
    forge.git("push", "-q", "origin", "release/v1.0.0")
    release = forge.land("release/v1.0.0", how)
    commands = {
        "hotfix": ("hotfix.finish", "--name", "leak", "--yes"),
        "release": ("release.finish", "--version", "1.0.0", "--yes"),
    }
    for name in order:
        done(project, *commands[name])
    assert at(project, "v0.9.1") == hotfix
    assert at(project, "v1.0.0") == release
    assert project.at("develop", "VERSION") == "1.1.0.dev0"
    assert project.at("develop", "leak.txt") == "tight"
    assert project.git("branch", "--format=%(refname:short)").split() == ["develop", "main"]
    project.commit("feat: next", {"next.txt": "n\n"})
    done(project, "release.check", "--version", "1.1.0")


@pytest.mark.thorough
def test_develop_that_has_all_of_it_gets_no_empty_merge(waiting: tuple[Project, Forge]) -> None:
    project, forge = waiting
    asked(project)
    forge.land("hotfix/leak", "merge")
    forge.git("switch", "-q", "-C", "release/v1.0.0", "origin/release/v1.0.0")
    forge.git("merge", "-q", "-X", "ours", "-m", "Merge main", "origin/main")
    forge.git("push", "-q", "origin", "release/v1.0.0")
    forge.land("release/v1.0.0", "merge")
    done(project, "release.finish", "--version", "1.0.0", "--yes")
    develop = project.remote_ref("develop")
    done(project, "hotfix.finish", "--name", "leak", "--yes")
    assert project.remote_ref("develop") == project.ref("develop") == develop


@pytest.mark.thorough
@pytest.mark.parametrize("how", SQUASHED)
def test_two_hotfixes_of_the_same_number_are_told_apart(guarded: tuple[Project, Forge], how: str) -> None:
    project, forge = guarded
    asked(project, "leak")
    project.git("switch", "-q", "-c", "hotfix/crash", "main")
    files = {path: project.at("hotfix/leak", path) + "\n" for path in ("VERSION", "pyproject.toml")}
    project.commit("fix: crash", {**files, "crash.txt": "no\n"})
    landed = forge.land("hotfix/leak", how)
    before = project.state()
    ended = project.invoke("hotfix.finish", "--name", "crash", "--yes")
    assert (ended.code, project.state() == before) == (3, True), ended.text
    assert "main holds 0.9.1 since" in ended.err
    assert "but not all that hotfix/crash has" in ended.err
    done(project, "hotfix.finish", "--name", "leak", "--yes")
    assert at(project, "v0.9.1") == landed
    ended = done(project, "hotfix.finish", "--name", "crash", "--pr", "--yes")
    assert "0.9.1 is taken: this hotfix becomes 0.9.2" in ended.err
    landed = forge.land("hotfix/crash", "squash")
    done(project, "hotfix.finish", "--name", "crash", "--yes")
    assert at(project, "v0.9.2") == landed
    assert project.at("v0.9.2", "leak.txt") == "tight"


@pytest.mark.thorough
def test_a_hotfix_of_a_protected_support_branch_leaves_main_and_develop_alone(tmp_path: Path) -> None:
    project, forge = awaiting(tmp_path / "p", "main", "support/0.9")
    forge.land("release/v1.0.0", "merge", delete=True)
    forge.protect("main", "support/0.9")
    done(project, "release.finish", "--version", "1.0.0", "--yes")
    forge.git("push", "-q", "origin", "v0.9.0^{commit}:refs/heads/support/0.9")
    main, develop = project.remote_ref("main"), project.remote_ref("develop")
    done(project, "hotfix.start", "--name", "old", "--from", "support/0.9")
    project.commit("fix: old", {"old.txt": "o\n"})
    forge.add("support/0.9", "docs: on support", {"docs.txt": "d\n"})
    done(project, "hotfix.finish", "--pr", "--yes")
    landed = forge.land("hotfix/old", "squash", into="support/0.9", delete=True)
    project.git("switch", "-q", "develop")
    project.git("branch", "-q", "-D", "hotfix/old")
    done(project, "hotfix.finish", "--name", "old", "--version", "0.9.1", "--yes")
    assert at(project, "v0.9.1") == project.remote_ref("support/0.9") == landed
    assert (project.remote_ref("main"), project.remote_ref("develop")) == (main, develop)
