"""Hotfixes: where they start, which number they get, and which branches they reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

from releasing import contains, done, headings, hotfixed, opened, parents, pushed, refuses, says, section
from support import FILES, Project, git_flow

if TYPE_CHECKING:
    from pathlib import Path


def released(project: Project, version: str) -> None:
    """Release what develop holds, and one commit more."""
    project.git("switch", "-q", "develop")
    project.commit(f"feat: for {version}", {f"{version}.txt": "x\n"})
    project.git("push", "-q", "origin", "develop")
    opened(project, version)
    done(project.invoke("release.finish", "--yes"))


def test_a_hotfix_starts_from_main_with_the_next_patch_in_version_and_sites(project: Project) -> None:
    main = project.ref("main")
    done(project.invoke("hotfix.start"), "hotfix/v0.9.1 is open at 0.9.1, from main")
    assert project.git("symbolic-ref", "HEAD") == "refs/heads/hotfix/v0.9.1"
    assert parents(project, "HEAD") == [main]
    says(project, "HEAD", "0.9.1")
    assert not project.remote_ref("hotfix/v0.9.1")
    assert project.git("status", "--porcelain") == ""


def test_a_finished_hotfix_is_on_main_and_develop_and_develop_keeps_its_version(project: Project) -> None:
    released(project, "1.0.0")
    project.git("switch", "-q", "main")
    hotfixed(project)
    main, develop = project.ref("main"), project.ref("develop")
    done(project.invoke("hotfix.finish", "--yes"), "v1.0.1 is released on main", "develop at 1.1.0.dev0")
    assert parents(project, "main")[0] == main
    assert parents(project, "develop") == [develop, project.ref("main")]
    assert project.ref("v1.0.1^{commit}") == project.ref("main")
    says(project, "main", "1.0.1")
    says(project, "develop", "1.1.0.dev0")
    assert project.git("symbolic-ref", "HEAD") == "refs/heads/develop"
    for name in ("main", "develop"):
        assert headings(project, name) == ["Unreleased", "1.0.1", "1.0.0"]
        assert section(project, name, "1.0.1") == "### Fixed\n\n- Hot.txt"
    pushed(project)


def test_two_hotfixes_at_once_get_two_numbers_and_both_are_finished(project: Project) -> None:
    hotfixed(project, "--name", "one", fix="one.txt")
    hotfixed(project, "--name", "two", fix="two.txt")
    assert project.read("VERSION") == "0.9.2\n"
    done(project.invoke("hotfix.finish", "--name", "one", "--yes"), "v0.9.1 is released")
    done(project.invoke("hotfix.finish", "--yes"), "v0.9.2 is released")
    says(project, "main", "0.9.2")
    assert section(project, "main", "0.9.2") == "### Fixed\n\n- Two.txt"
    assert section(project, "main", "0.9.1") == "### Fixed\n\n- One.txt"
    assert headings(project, "main") == headings(project, "develop") == ["Unreleased", "0.9.2", "0.9.1"]


def test_a_number_that_was_taken_meanwhile_becomes_the_next_free_one(project: Project) -> None:
    hotfixed(project, "--name", "one")
    project.git("switch", "-q", "main")
    project.git("tag", "-a", "v0.9.1", "-m", "x", "main")
    project.git("tag", "-a", "v0.9.2", "-m", "x", "develop")
    project.git("push", "-q", "origin", "v0.9.2")
    project.git("tag", "-d", "v0.9.2")
    project.git("switch", "-q", "hotfix/one")
    done(project.invoke("hotfix.finish", "--yes"), "0.9.1 is taken: this hotfix becomes 0.9.3")
    says(project, "main", "0.9.3")
    assert section(project, "main", "0.9.3") == "### Fixed\n\n- Hot.txt"


def test_a_number_that_main_has_overtaken_becomes_the_next_patch(project: Project) -> None:
    hotfixed(project, "--name", "one", fix="one.txt")
    project.git("switch", "-q", "main")
    project.commit("fix: by hand", {"VERSION": "0.9.5\n", "by-hand.txt": "x\n"})
    project.git("push", "-q", "origin", "main")
    done(project.invoke("hotfix.finish", "--yes"), "this hotfix becomes 0.9.6")
    says(project, "main", "0.9.6")


def test_main_on_another_line_is_refused_and_the_commands_that_it_names_work(project: Project) -> None:
    hotfixed(project)
    released(project, "1.0.0")
    project.git("switch", "-q", "hotfix/v0.9.1")
    said = refuses(project, "hotfix.finish", "--yes", says="main is at 1.0.0: 0.9.1 is not newer")
    assert "invoke support.start 0.9" in said
    assert "invoke hotfix.finish --name hotfix/v0.9.1 --version 1.0.1" in said
    shown = done(project.invoke("hotfix.finish", "--version", "1.0.1", "--dry-run"), "is released as 1.0.1")
    assert "v1.0.1" in shown
    done(project.invoke("support.start", "0.9", "--push", "--yes"))
    done(project.invoke("hotfix.finish", "--yes"), "v0.9.1 is released on support/0.9")
    says(project, "main", "1.0.0")


def test_a_section_that_was_written_under_a_number_that_was_taken_is_renumbered(project: Project) -> None:
    hotfixed(project, "--name", "one")
    done(project.invoke("changelog"))
    text = project.read("CHANGELOG.md").replace("- Hot.txt", "- Hot, in words")
    project.commit("docs: tell", {"CHANGELOG.md": text})
    project.git("switch", "-q", "-c", "hotfix/two", "main")
    project.commit("fix: two", {"VERSION": "0.9.1\n", "two.txt": "x\n"})
    done(project.invoke("hotfix.finish", "--name", "two", "--yes"), "v0.9.1 is released")
    done(project.invoke("hotfix.finish", "--yes"), "this hotfix becomes 0.9.2")
    for name in ("main", "develop"):
        assert headings(project, name) == ["Unreleased", "0.9.2", "0.9.1"]
        assert section(project, name, "0.9.2") == "### Fixed\n\n- Hot, in words"
        assert section(project, name, "0.9.1") == "### Fixed\n\n- Two"
        assert "<!--" not in project.at(name, "CHANGELOG.md")


def test_another_version_can_be_asked_for(project: Project) -> None:
    hotfixed(project)
    refuses(project, "hotfix.finish", "--version", "0.9.0", "--yes", says="0.9.0 exists already")
    refuses(project, "hotfix.finish", "--version", "0.8.7", "--yes", says="0.8.7 is not newer than 0.9.0")
    done(project.invoke("hotfix.finish", "--version", "v0.9.7", "--yes"), "hotfix/v0.9.1 is released as 0.9.7")
    says(project, "main", "0.9.7")
    assert headings(project, "main") == ["Unreleased", "0.9.7"]


def test_a_hotfix_above_develop_moves_develop_past_it_with_a_warning(project: Project) -> None:
    project.git("switch", "-q", "develop")
    done(project.invoke("bump", "1.1.0a1"))
    project.commit("chore: open 1.1.0a1")
    project.git("push", "-q", "origin", "develop")
    hotfixed(project)
    done(project.invoke("hotfix.finish", "--version", "1.2.0", "--yes"), "warning: develop was at 1.1.0a1, below 1.2.0")
    says(project, "main", "1.2.0")
    says(project, "develop", "1.3.0.dev0")


def test_an_open_release_gets_the_fix_keeps_its_version_and_needs_a_new_candidate(project: Project) -> None:
    opened(project, "1.0.0rc1", {"late.txt": "x\n"})
    done(project.invoke("release.candidate", "--yes"))
    hotfixed(project)
    before = project.ref("release/v1.0.0")
    done(project.invoke("hotfix.finish", "--yes"), "release/v1.0.0 gets v0.9.1: it needs a new candidate")
    for name in ("main", "develop", "release/v1.0.0"):
        assert contains(project, name, "v0.9.1")
        assert project.at(name, "hot.txt") == "mended"
    assert parents(project, "release/v1.0.0") == [before, project.ref("main")]
    says(project, "release/v1.0.0", "1.0.0rc1")
    pushed(project)
    project.git("switch", "-q", "release/v1.0.0")
    refuses(project, "release.finish", "--yes", says="release/v1.0.0 has changed since 1.0.0rc1")
    done(project.invoke("release.candidate", "--yes"), "v1.0.0rc2 is tagged")
    done(project.invoke("release.finish", "--yes"))
    assert headings(project, "main") == ["Unreleased", "1.0.0", "0.9.1"]
    assert section(project, "main", "1.0.0").count("Late.txt") == 1
    assert "Hot.txt" not in section(project, "main", "1.0.0")


def test_a_release_that_is_open_only_at_the_remote_gets_the_fix_in_the_same_push(project: Project) -> None:
    opened(project, "1.0.0")
    project.git("switch", "-q", "develop")
    project.git("branch", "-q", "-D", "release/v1.0.0")
    project.git("update-ref", "-d", "refs/remotes/origin/release/v1.0.0")
    hook = project.remote / "hooks" / "pre-receive"
    hook.write_text(f"#!/bin/sh\necho push >> {project.folder}/pushes\n")
    hook.chmod(0o755)
    hotfixed(project)
    done(project.invoke("hotfix.finish", "--yes"))
    assert (project.folder / "pushes").read_text() == "push\n"
    assert not project.ref("refs/heads/release/v1.0.0")
    there = project.remote_ref("release/v1.0.0")
    says(project, there, "1.0.0")
    assert project.at(there, "hot.txt") == "mended"


def test_two_open_releases_both_get_the_fix_and_keep_their_versions(tmp_path: Path) -> None:
    settings = FILES["pyproject.toml"] + "parallel_releases = true\n"
    project = git_flow(tmp_path / "p", {**FILES, "pyproject.toml": settings})
    for version in ("1.0.0", "1.1.0"):
        project.commit(f"feat: for {version}", {f"{version}.txt": "x\n"})
        project.git("push", "-q", "origin", "develop")
        opened(project, version)
        project.git("switch", "-q", "develop")
    hotfixed(project)
    done(project.invoke("hotfix.finish", "--yes"))
    for version in ("1.0.0", "1.1.0"):
        says(project, f"release/v{version}", version)
        assert contains(project, f"release/v{version}", "v0.9.1")
    done(project.invoke("release.finish", "--version", "1.0.0", "--yes"), "release/v1.1.0 gets v1.0.0")
    says(project, "release/v1.1.0", "1.1.0")
    assert headings(project, "release/v1.1.0") == ["Unreleased", "1.1.0", "1.0.0", "0.9.1"]
    done(project.invoke("release.finish", "--yes"))
    says(project, "main", "1.1.0")
    says(project, "develop", "1.2.0.dev0")
    for name in ("main", "develop"):
        assert headings(project, name) == ["Unreleased", "1.1.0", "1.0.0", "0.9.1"]
        assert section(project, name, "1.1.0") == "### Added\n\n- For 1.1.0"
    pushed(project)


def test_a_release_that_a_hotfix_would_overtake_is_named_at_its_start(project: Project) -> None:
    opened(project, "0.9.1")
    text = "release/v0.9.1 is open and not newer than 0.9.1: finish it first, or commit the fix there"
    assert text in done(project.invoke("hotfix.start"))
    done(project.invoke("hotfix.drop", "--yes"))
    done(project.invoke("release.finish", "--yes"))
    assert "is open" not in done(project.invoke("hotfix.start")).replace("hotfix/v0.9.2 is open", "")


def test_an_older_open_release_is_left_alone(project: Project) -> None:
    opened(project, "1.0.0", {"late.txt": "x\n"})
    before = project.ref("release/v1.0.0")
    hotfixed(project)
    done(project.invoke("hotfix.finish", "--version", "2.0.1", "--yes"))
    assert project.ref("release/v1.0.0") == before
    says(project, "develop", "2.1.0.dev0")
    project.git("switch", "-q", "release/v1.0.0")
    refuses(project, "release.finish", "--yes", says="choose a version above 2.0.1")


def test_a_hotfix_with_a_section_by_hand_keeps_it_and_adds_later_commits_once(project: Project) -> None:
    hotfixed(project)
    done(project.invoke("changelog"))
    text = project.read("CHANGELOG.md").replace("- Hot.txt", "- Hot, in words")
    project.commit("docs: tell", {"CHANGELOG.md": text})
    project.commit("fix: more", {"more.txt": "x\n"})
    done(project.invoke("hotfix.finish", "--yes"))
    assert section(project, "main", "0.9.1") == "### Fixed\n\n- Hot, in words\n- More"


def test_a_hotfix_at_a_name_or_number_that_is_open_is_refused(project: Project) -> None:
    hotfixed(project, "--name", "one")
    refuses(project, "hotfix.start", "--name", "one", says="hotfix/one is already open")
    refuses(project, "hotfix.start", "--name", "hotfix/one", says="hotfix/one is already open")
    refuses(project, "hotfix.start", "--name", "a..b", code=2, says="a..b")
    refuses(project, "hotfix.start", "--from", "develop", code=2, says="a hotfix does not start from 'develop'")
    refuses(project, "hotfix.start", "--from", "support/9.9", code=2, says="name one of: main")


def test_the_hotfix_starts_where_the_remotes_main_is(project: Project, tmp_path: Path) -> None:
    other = tmp_path / "other"
    project.git("clone", "-q", "-b", "main", str(project.remote), str(other), cwd=tmp_path)
    project.git("commit", "-q", "--allow-empty", "-m", "fix: elsewhere", cwd=other)
    project.git("push", "-q", cwd=other)
    done(project.invoke("hotfix.start", "--push", "--yes"), "main is 1 behind origin")
    assert project.git("log", "-1", "--format=%s", "HEAD~1") == "fix: elsewhere"
    assert project.remote_ref("hotfix/v0.9.1") == project.ref("HEAD")
