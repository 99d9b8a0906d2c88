"""`release.finish` and `hotfix.finish`: what is where when they are done."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from releasing import contains, done, headings, hotfixed, opened, parents, pushed, says, section
from support import FILES, PYPROJECT, Project, git_flow

if TYPE_CHECKING:
    from pathlib import Path


def test_a_release_is_merged_tagged_merged_back_and_gone(project: Project) -> None:
    opened(project, "1.0.0", {"late.txt": "x\n"})
    main, develop, tip = (project.ref(name) for name in ("main", "develop", "HEAD"))
    done(project.invoke("release.finish", "--yes"), "v1.0.0 is released on main, pushed to origin")
    final = parents(project, "main")[1]
    assert parents(project, "main") == [main, final]
    assert parents(project, final) == [tip]
    assert parents(project, "develop") == [develop, project.ref("main")]
    assert project.git("cat-file", "-t", "v1.0.0") == "tag"
    assert project.ref("v1.0.0^{commit}") == project.ref("main")
    assert not project.ref("release/v1.0.0")
    assert project.git("symbolic-ref", "HEAD") == "refs/heads/develop"
    assert project.git("status", "--porcelain") == ""
    pushed(project)
    says(project, "main", "1.0.0")
    says(project, "develop", "1.1.0.dev0")
    assert project.at("main", "late.txt") == "x"
    assert project.at("develop", "late.txt") == "x"


def test_describe_names_the_release_on_main_and_on_develop(project: Project) -> None:
    opened(project, "1.0.0")
    done(project.invoke("release.finish", "--yes"))
    assert project.git("describe", "main") == "v1.0.0"
    assert re.fullmatch(r"v1\.0\.0-\d+-g[0-9a-f]+", project.git("describe", "develop"))


def test_everything_goes_in_one_atomic_push_of_main_develop_one_tag_and_the_deletion(project: Project) -> None:
    opened(project, "1.0.0")
    project.git("tag", "other")
    hook = project.remote / "hooks" / "pre-receive"
    hook.write_text(f"#!/bin/sh\ncat >> {project.folder}/received; echo end >> {project.folder}/received\n")
    hook.chmod(0o755)
    done(project.invoke("release.finish", "--yes"))
    lines = (project.folder / "received").read_text().splitlines()
    assert sorted(line.split()[-1] for line in lines[:-1]) == [
        "refs/heads/develop",
        "refs/heads/main",
        "refs/heads/release/v1.0.0",
        "refs/tags/v1.0.0",
    ]
    assert lines[-1] == "end"
    assert next(line for line in lines if "release/v1.0.0" in line).split()[1].strip("0") == ""


def test_a_release_that_does_not_change_after_its_preparation_can_be_finished(project: Project) -> None:
    opened(project, "1.0.0")
    tip = project.ref("HEAD")
    done(project.invoke("release.finish", "--yes"))
    assert "<!-- release:" not in project.at("main", "CHANGELOG.md")
    assert parents(project, parents(project, "main")[1]) == [tip]


def test_the_final_version_is_part_of_the_plan(project: Project) -> None:
    opened(project, "1.0.0rc1", {"late.txt": "x\n"})
    shown = done(project.invoke("release.finish", "--dry-run"), "+version: 1.0.0\n", "+++ b/VERSION\n")
    tree, back = re.findall(r"^tree   ([0-9a-f]{40})", shown, re.MULTILINE)
    says(project, "HEAD", "1.0.0rc1")
    done(project.invoke("release.finish", "--yes"))
    says(project, "v1.0.0", "1.0.0")
    assert project.ref("v1.0.0^{tree}") == tree
    assert project.ref("develop^{tree}") == back


def test_a_dry_run_moves_nothing(project: Project) -> None:
    opened(project, "1.0.0", {"late.txt": "x\n"})
    for words in (
        ("release.finish", "--dry-run"),
        ("--dry", "release.finish"),
        ("release.finish", "--pr", "--dry-run"),
    ):
        before = project.state(times=True)
        done(project.invoke(*words))
        assert project.state(times=True) == before


@pytest.mark.parametrize("name", ["1.0.0", "v1.0.0", "release/v1.0.0"])
def test_a_release_is_named_with_and_without_the_prefix(project: Project, name: str) -> None:
    opened(project, "1.0.0")
    project.git("switch", "-q", "develop")
    shown = done(project.invoke("release.finish", "--version", name, "--dry-run"))
    assert shown == project.invoke("release.finish", "--dry-run").text


@pytest.mark.parametrize("name", ["patch", "hotfix/patch"])
def test_a_hotfix_is_named_with_and_without_the_prefix(project: Project, name: str) -> None:
    hotfixed(project, "--name", name)
    assert project.git("branch", "--show-current") == "hotfix/patch"
    project.git("switch", "-q", "main")
    done(project.invoke("hotfix.finish", "--name", name, "--yes"), "v0.9.1 is released")
    says(project, "main", "0.9.1")
    assert not project.ref("hotfix/patch")
    assert project.git("symbolic-ref", "HEAD") == "refs/heads/main"
    assert project.at("HEAD", "hot.txt") == project.read("hot.txt").strip()


def test_own_tag_and_branch_patterns_are_honoured(tmp_path: Path) -> None:
    settings = PYPROJECT + 'tag = "demo-{version}"\nrelease = "rel/{version}-x"\nhotfix = "fix-{name}"\n'
    project = git_flow(tmp_path / "p", {**FILES, "pyproject.toml": settings})
    project.git("tag", "-a", "demo-0.9.0", "-m", "x", "main")
    project.git("push", "-q", "origin", "demo-0.9.0")
    opened(project, "1.0.0")
    assert project.git("branch", "--show-current") == "rel/1.0.0-x"
    done(project.invoke("release.finish", "--yes"), "demo-1.0.0 is released")
    assert project.remote_ref("refs/tags/demo-1.0.0^{commit}") == project.ref("main")
    assert not project.remote_ref("refs/tags/v1.0.0")
    hotfixed(project)
    assert project.git("branch", "--show-current") == "fix-v1.0.1"
    done(project.invoke("hotfix.finish", "--yes"), "demo-1.0.1 is released")
    pushed(project)


def test_the_message_of_the_tag_comes_from_the_option_or_from_a_file(project: Project) -> None:
    opened(project, "1.0.0")
    (project.folder / "words").write_text("Words of a file\n\nand more: $(touch pwned)\n")
    done(project.invoke("release.finish", "--yes", "--message-file", str(project.folder / "words")))
    assert project.git("tag", "-l", "--format=%(contents)", "v1.0.0") == "Words of a file\n\nand more: $(touch pwned)"
    hotfixed(project)
    done(project.invoke("hotfix.finish", "--yes", "--message", "Mended"))
    assert project.git("tag", "-l", "--format=%(contents)", "v1.0.1") == "Mended"
    assert not (project.path / "pwned").exists()


def test_no_editor_is_ever_opened(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_EDITOR", "EDITOR", "VISUAL", "GIT_SEQUENCE_EDITOR"):
        monkeypatch.setenv(name, f"touch {project.folder}/edited; false")
    project.git("config", "core.editor", f"touch {project.folder}/edited; false")
    opened(project, "1.0.0")
    done(project.invoke("release.finish", "--yes"))
    hotfixed(project)
    done(project.invoke("hotfix.finish", "--yes"))
    assert not (project.folder / "edited").exists()


def test_a_worktree_elsewhere_follows_the_branch_it_is_on(project: Project, tmp_path: Path) -> None:
    opened(project, "1.0.0")
    project.git("worktree", "add", "-q", str(tmp_path / "main"), "main")
    done(project.invoke("release.finish", "--yes"))
    assert (tmp_path / "main" / "VERSION").read_text() == "1.0.0\n"
    assert project.git("status", "--porcelain", cwd=tmp_path / "main") == ""
    assert project.git("symbolic-ref", "HEAD", cwd=tmp_path / "main") == "refs/heads/main"


def test_head_ends_detached_where_develop_is_checked_out_elsewhere(project: Project, tmp_path: Path) -> None:
    opened(project, "1.0.0")
    project.git("worktree", "add", "-q", str(tmp_path / "develop"), "develop")
    done(project.invoke("release.finish", "--yes"), "ends detached at", "develop is checked out in")
    assert project.git("branch", "--show-current") == ""
    assert project.ref("HEAD") == project.ref("develop")
    assert project.git("status", "--porcelain") == ""
    assert (tmp_path / "develop" / "VERSION").read_text() == "1.1.0.dev0\n"


def test_head_stays_when_it_is_on_another_branch(project: Project) -> None:
    opened(project, "1.0.0")
    project.git("switch", "-q", "-c", "own", "main")
    before = project.ref("HEAD")
    done(project.invoke("release.finish", "--yes"))
    assert (project.git("branch", "--show-current"), project.ref("HEAD")) == ("own", before)
    assert project.git("status", "--porcelain") == ""


def test_a_release_that_is_only_at_the_remote_is_finished_from_there(project: Project, tmp_path: Path) -> None:
    opened(project, "1.0.0", {"late.txt": "x\n"})
    project.git("push", "-q", "origin", "release/v1.0.0")
    clone = Project(tmp_path)
    clone.remote, clone.path = project.remote, tmp_path / "ci"
    project.git("clone", "-q", str(project.remote), str(clone.path), cwd=tmp_path)
    clone.git("checkout", "-q", "--detach", "origin/release/v1.0.0")
    clone.git("branch", "-q", "-D", "main")
    done(clone.invoke("release.finish", "--yes"), "exists only at origin")
    assert clone.git("for-each-ref", "refs/heads") == ""
    for name in ("main", "develop"):
        assert clone.at(project.remote_ref(name), "late.txt") == "x"
    assert not project.remote_ref("release/v1.0.0")
    says(clone, "v1.0.0", "1.0.0")


def test_the_next_release_goes_on_from_what_the_last_one_left(project: Project) -> None:
    opened(project, "1.0.0")
    done(project.invoke("release.finish", "--yes"))
    project.commit("feat: more", {"more.txt": "x\n"})
    project.git("push", "-q", "origin", "develop")
    opened(project, "next")
    done(project.invoke("release.finish", "--yes"), "v1.1.0 is released", "develop at 1.2.0.dev0")
    assert headings(project, "main") == ["Unreleased", "1.1.0", "1.0.0"]
    assert section(project, "main", "1.1.0") == "### Added\n\n- More"
    assert contains(project, "develop", "v1.1.0")
    says(project, "main", "1.1.0")
    pushed(project)


def test_the_history_passes_gits_own_check(project: Project) -> None:
    opened(project, "1.0.0")
    done(project.invoke("release.finish", "--yes"))
    for place in (project.path, project.remote):
        subprocess.run(["git", "fsck", "--strict", "--no-dangling"], cwd=place, check=True, capture_output=True)
