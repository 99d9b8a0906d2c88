"""What `release.finish` and `hotfix.finish` refuse, each time with everything as it was, the remote included."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from releasing import done, hotfixed, opened, refuses
from support import FILES, Project, git_flow, thorough

if TYPE_CHECKING:
    from pathlib import Path


def test_a_release_without_commits_over_main(tmp_path: Path) -> None:
    project = git_flow(tmp_path / "p")
    project.git("switch", "-q", "main")
    project.git("merge", "-q", "--no-ff", "develop", "-m", "Merge develop")
    project.git("push", "-q", "origin", "main")
    project.git("switch", "-q", "develop")
    opened(project, "1.0.0")
    refuses(project, "release.finish", "--yes", says="release/v1.0.0 has nothing that main has not")
    project.commit("fix: late", {"late.txt": "x\n"})
    done(project.invoke("release.finish", "--yes"))


def test_a_hotfix_without_commits(project: Project) -> None:
    done(project.invoke("hotfix.start"))
    refuses(project, "hotfix.finish", "--yes", says="hotfix/v0.9.1 has nothing that main has not")
    project.commit("docs: tell", {"CHANGELOG.md": "# Changelog\n\n## [Unreleased]\n\n- Told\n"})
    refuses(project, "hotfix.finish", "--yes", says="invoke hotfix.drop")


@pytest.mark.parametrize(
    "words",
    [
        ("release.finish", "--version", "1.0.0rc1"),
        ("release.finish", "--version", "$(touch pwned)"),
        ("hotfix.finish",),
        ("feature.finish", "--name", "nothing"),
        *thorough(
            (("release.finish", "--version", "2.0.0"),),
            (("release.finish", "--version", "nonsense"),),
            (("hotfix.finish", "--name", "v1.0.0"),),
        ),
    ],
)
def test_a_branch_that_does_not_exist(project: Project, words: tuple[str, ...]) -> None:
    opened(project, "1.0.0")
    refuses(project, *words, "--yes", code=2, says="there is no")
    assert not (project.path / "pwned").exists()


def test_no_release_branch_at_all_names_the_task_that_opens_one(project: Project) -> None:
    refuses(project, "release.finish", "--yes", code=2, says="invoke release.prepare next")
    refuses(project, "hotfix.finish", "--yes", code=2, says="invoke hotfix.start")


def test_several_branches_and_none_named(project: Project) -> None:
    for name in ("release/v1.0.0", "release/v1.1.0", "hotfix/a", "hotfix/b"):
        project.git("branch", name)
    refuses(project, "release.finish", "--yes", code=2, says="--version")
    refuses(project, "hotfix.finish", "--yes", code=2, says="--name")


def test_an_older_release_that_is_open_unless_releases_run_in_parallel(tmp_path: Path) -> None:
    settings = FILES["pyproject.toml"] + "parallel_releases = true\n"
    for allowed in (False, True):
        files = {**FILES, "pyproject.toml": settings if allowed else FILES["pyproject.toml"]}
        project = git_flow(tmp_path / str(allowed), files)
        opened(project, "1.1.0")
        project.git("push", "-q", "origin", "develop:refs/heads/release/v1.0.0")
        if allowed:
            done(project.invoke("release.finish", "--yes"))
            assert project.remote_ref("release/v1.0.0") == project.git("merge-base", "v1.1.0", "v1.1.0^2~2")
        else:
            refuses(project, "release.finish", "--yes", says="an older release is open: release/v1.0.0")


def test_a_version_of_another_release_on_the_branch(project: Project) -> None:
    opened(project, "1.0.0")
    project.commit("fix: wrong", {"VERSION": "1.0.1\n"})
    refuses(project, "release.finish", "--yes", says="VERSION of release/v1.0.0 is 1.0.1")


@pytest.mark.parametrize("where", ["here", "there"])
def test_a_tag_that_exists_here_or_only_at_the_remote(project: Project, where: str) -> None:
    opened(project, "1.0.0")
    project.git("tag", "v1.0.0", "develop")
    if where == "there":
        project.git("push", "-q", "origin", "v1.0.0")
        project.git("tag", "-d", "v1.0.0")
    refuses(project, "release.finish", "--yes", says="1.0.0 exists already")


def test_uncommitted_changes_but_not_untracked_files(project: Project) -> None:
    opened(project, "1.0.0")
    project.write("a.txt", "changed\n")
    project.write("new.txt", "untracked\n")
    refuses(project, "release.finish", "--yes", says="uncommitted changes in a.txt")
    project.git("stash", "-q")
    done(project.invoke("release.finish", "--yes"))
    assert project.read("new.txt") == "untracked\n"


def test_branches_that_have_diverged_from_the_remote(project: Project) -> None:
    opened(project, "1.0.0", {"here.txt": "x\n"})
    for name in ("main", "develop", "release/v1.0.0"):
        project.git("switch", "-q", "--detach", f"origin/{name}")
        tip = project.commit("fix: elsewhere", {"elsewhere.txt": "x\n"})
        project.git("push", "-q", "origin", f"{tip}:refs/heads/{name}")
        project.git("switch", "-q", name)
        project.commit("fix: here", {"more.txt": "x\n"})
    project.git("switch", "-q", "release/v1.0.0")
    said = refuses(project, "release.finish", "--yes", says="release/v1.0.0 has diverged")
    assert "main has diverged" in said
    assert "develop has diverged" in said


def test_a_branch_that_is_behind_the_remote_is_finished_from_there(project: Project) -> None:
    opened(project, "1.0.0", {"late.txt": "x\n"})
    project.git("push", "-q", "origin", "release/v1.0.0")
    project.git("reset", "-q", "--hard", "HEAD~1")
    done(project.invoke("release.finish", "--yes"), "is 1 behind origin")
    assert project.at("main", "late.txt") == "x"


def test_push_asks_on_a_terminal_and_needs_yes_without(project: Project) -> None:
    opened(project, "1.0.0")
    refuses(project, "release.finish", code=2, says="--yes")
    before = project.state()
    assert project.invoke("release.finish", answer="n").code == 3
    assert project.state() == before
    done(project.invoke("release.finish", answer="y"))


def test_options_that_cannot_be(project: Project) -> None:
    opened(project, "1.0.0")
    (project.folder / "empty").write_text("\n")
    for words, why in (
        (("--message", "a", "--message-file", "b"), "both given"),
        (("--message-file", "missing"), "cannot be read"),
        (("--message-file", str(project.folder / "empty")), "is empty"),
    ):
        refuses(project, "release.finish", "--yes", *words, code=2, says=why)
    hotfixed(project)
    for version in ("1.0", "0.9.1rc1", "0.9.2.dev0"):
        refuses(project, "hotfix.finish", "--yes", "--version", version, code=2, says=version)


def test_a_section_without_entries_unless_it_is_allowed(project: Project) -> None:
    done(project.invoke("hotfix.start"))
    project.commit("chore: quiet", {"quiet.txt": "x\n"})
    refuses(project, "hotfix.finish", "--yes", says="--allow-empty")
    done(project.invoke("hotfix.finish", "--yes", "--allow-empty"))
    assert "## [0.9.1]" in project.at("main", "CHANGELOG.md")


def test_all_problems_are_shown_together(project: Project) -> None:
    opened(project, "1.1.0")
    project.git("push", "-q", "origin", "develop:refs/heads/release/v1.0.0")
    project.git("tag", "v1.1.0", "develop")
    project.commit("fix: wrong", {"VERSION": "1.0.1\n"})
    project.write("a.txt", "changed\n")
    said = refuses(project, "release.finish", "--yes")
    for part in ("VERSION of release/v1.1.0 is 1.0.1", "a.txt", "1.1.0 exists already"):
        assert part in said
