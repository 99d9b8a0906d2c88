"""Commands that are printed are typed: with names that a shell would obey, after others were first, after a kill."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest
from releasing import contains, done, hotfixed, opened, refuses, says, type_in
from support import FILES, Project, git_flow, thorough

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = "a;touch${IFS}pwned"


def typed_task(project: Project, command: str) -> str:
    """Type a command of ours, read as a shell reads it; returns what it said."""
    program, *words = shlex.split(command)
    assert program == "invoke"
    return done(project.invoke(*words))


def elsewhere(project: Project, branch: str, files: dict[str, str]) -> None:
    """Let a colleague push a commit."""
    place = project.folder / "colleague"
    project.git("clone", "-q", "-b", branch, str(project.remote), str(place), cwd=project.folder)
    for name, text in files.items():
        (place / name).write_text(text)
    project.git("add", "-A", cwd=place)
    project.git("commit", "-q", "-m", f"fix: {', '.join(files)}", cwd=place)
    project.git("push", "-q", cwd=place)


def between(text: str, before: str, after: str = "    ") -> str:
    """Return a command out of a hint."""
    assert before in text, text
    return text.partition(before)[2].partition("\n")[0].partition(after)[0].strip()


def test_a_name_that_a_shell_would_obey_is_a_word_wherever_it_is_typed(project: Project, tmp_path: Path) -> None:
    done(project.invoke("feature.start", HOSTILE))
    project.commit("feat: a", {"a.txt": "x\n"})
    branch, tip = f"refs/heads/feature/{HOSTILE}", project.ref("HEAD")
    project.git("worktree", "add", "-q", str(tmp_path / "de velop;x"), "develop")
    type_in(project, project.invoke("feature.finish", "--no-push"), "undo")
    assert (project.ref(branch), project.git("symbolic-ref", "HEAD")) == (tip, branch)
    type_in(project, project.invoke("feature.finish", "--no-push", "--keep"), "next")
    assert project.remote_ref("develop") == project.ref("develop") != ""
    project.git("switch", "-q", "--detach", "main")
    said = refuses(project, "feature.start", HOSTILE)
    project.typed(between(said, "go on with it: "))
    assert project.git("symbolic-ref", "HEAD") == branch
    said = refuses(project, "feature.finish", "--yes", says="has no commit that develop has not")
    project.git("switch", "-q", "--detach", "main")
    project.commit("chore: away")
    dropped = project.invoke(*shlex.split(between(said, "or drop it: "))[1:], "--yes")
    type_in(project, dropped, "undo")
    assert project.ref(branch) == tip
    assert not list(project.folder.rglob("pwned"))
    assert not list(tmp_path.rglob("pwned"))


def test_a_remote_that_a_shell_would_obey_is_a_word_too(tmp_path: Path) -> None:
    settings = f'{FILES["pyproject.toml"]}remote = "o;id"\n'
    project = git_flow(tmp_path / "p", {**FILES, "pyproject.toml": settings})
    project.git("config", "--rename-section", "remote.origin", "remote.o;id")
    done(project.invoke("feature.start", HOSTILE, "--push", "--yes"))
    project.git("fetch", "-q", "o;id")
    project.git("config", "remote.o;id.fetch", "+refs/heads/*:refs/remotes/o;id/*")
    project.git("fetch", "-q", "o;id")
    project.commit("feat: a", {"a.txt": "x\n"})
    dropped = done(project.invoke("feature.drop", "--remote", "--yes"))
    project.typed(between(dropped, "undo: "))
    assert project.ref(f"refs/heads/feature/{HOSTILE}")
    assert project.remote_ref(f"refs/heads/feature/{HOSTILE}")
    elsewhere(project, "develop", {"theirs.txt": "x\n"})
    project.git("switch", "-q", "develop")
    project.commit("fix: ours", {"ours.txt": "x\n"})
    project.typed(refuses(project, "feature.start", "b", says="develop has diverged").splitlines()[-1].strip())
    done(project.invoke("feature.start", "b"))


@pytest.mark.parametrize(
    "setting",
    ["pull.rebase=true", *thorough("pull.ff=only", "merge.ff=only", "merge.ff=false", "rebase.autoStash=true")],
)
def test_a_branch_that_diverged_after_a_release_here_keeps_the_release(project: Project, setting: str) -> None:
    opened(project, "1.0.0", {"late.txt": "x\n"})
    done(project.invoke("release.finish", "--no-push"))
    elsewhere(project, "develop", {"theirs.txt": "x\n"})
    project.git("config", *setting.split("="))
    checked = project.invoke("release.check")
    assert (checked.code, "ancestry" in checked.text) == (3, False), checked.text
    project.typed(checked.out.splitlines()[1].strip())
    assert contains(project, "develop", "v1.0.0")
    says(project, "develop", "1.1.0.dev0")
    done(project.invoke("release.check"))


def test_a_develop_that_was_rebased_after_a_release_here_is_told_and_repaired(project: Project) -> None:
    opened(project, "1.0.0", {"late.txt": "x\n"})
    done(project.invoke("release.finish", "--no-push"))
    elsewhere(project, "develop", {"theirs.txt": "x\n"})
    project.git("pull", "-q", "--rebase", "origin", "develop")
    assert not contains(project, "develop", "v1.0.0")
    checked = project.invoke("release.check")
    assert (checked.code, "develop has lost the ancestry of v1.0.0" in checked.out) == (3, True), checked.text
    again = between(checked.out, "at all\n  invoke ").split()
    project.typed(between(refuses(project, *again, "--yes"), "that comes first: "))
    done(project.invoke(*again, "--yes"), "v1.0.0 is merged back")
    assert contains(project, "develop", "v1.0.0")
    says(project, "develop", "1.1.0.dev0")
    done(project.invoke("release.check"))


def test_a_develop_that_says_a_release_that_it_does_not_contain_is_told(project: Project) -> None:
    """Also when that is not main's last release."""
    opened(project, "1.0.0")
    done(project.invoke("release.finish", "--yes"))
    done(project.invoke("support.start", "0.9", "--push", "--yes"))
    hotfixed(project)
    done(project.invoke("hotfix.finish", "--yes"), "v0.9.1 is released on support/0.9")
    project.git("switch", "-q", "develop")
    project.git("checkout", "-q", "v0.9.1", "--", "VERSION")
    project.commit("fix: taken by hand")
    assert "develop has lost the ancestry of v0.9.1" in project.invoke("release.check").out


def test_a_main_that_diverged_is_looked_at_first(project: Project) -> None:
    opened(project, "1.0.0")
    elsewhere(project, "main", {"theirs.txt": "x\n"})
    project.git("switch", "-q", "main")
    project.commit("fix: ours", {"ours.txt": "x\n"})
    said = refuses(project, "release.finish", "--version", "1.0.0", "--yes", says="main has diverged")
    see = between(said, "see what each side has: ")
    assert project.ref("main")[:10] in see
    assert project.remote_ref("main")[:10] in see
    project.typed(see)
    project.typed(between(said, "to keep both: "))
    done(project.invoke("release.finish", "--version", "1.0.0", "--yes"))
    assert project.at("main", "theirs.txt") == project.at("main", "ours.txt") == "x"


def test_an_open_release_that_was_overtaken_is_prepared_anew_with_its_commits(project: Project) -> None:
    opened(project, "0.9.1", {"late.txt": "x\n"})
    hotfixed(project)
    done(project.invoke("hotfix.finish", "--version", "0.9.5", "--yes"))
    project.git("switch", "-q", "release/v0.9.1")
    said = refuses(project, "release.finish", "--yes", says="choose a version above 0.9.5")
    assert "take its commits along: " in project.invoke("release.check").out
    project.typed(between(said, "take its commits along: "))
    drop = between(said, "drop it: ")
    assert drop == "invoke release.drop --name 0.9.1 --remote"
    typed_task(project, f"{drop} --yes")
    typed_task(project, between(said, "prepare it anew: "))
    assert project.at("HEAD", "late.txt") == "x"


def test_of_several_hotfixes_the_one_that_was_named_stays_named(project: Project) -> None:
    hotfixed(project, "--name", HOSTILE)
    project.git("switch", "-q", "main")
    hotfixed(project, "--name", "other", fix="other.txt")
    project.git("switch", "-q", "develop")
    project.git("push", "-q", "origin", f"hotfix/{HOSTILE}", "hotfix/other")
    opened(project, "1.0.0")
    done(project.invoke("release.finish", "--yes"))
    said = refuses(project, "hotfix.finish", "--name", HOSTILE, "--pr", "--yes", says="0.9.1 is not newer")
    again = between(said, "on top of it: ")
    assert again.endswith(" --version 1.0.1 --pr")
    typed_task(project, f"{again} --dry-run")
    assert "invoke support.start 0.9" in said


def test_a_number_that_another_clone_took_first_is_told_in_a_sentence(project: Project) -> None:
    opened(project, "1.0.0", {"late.txt": "x\n"})
    hook = project.path / ".git/hooks/pre-push"
    hook.parent.mkdir(exist_ok=True)
    take = f"unset GIT_DIR; cd '{project.remote}' && git update-ref refs/tags/v1.0.0rc1 release/v1.0.0"
    hook.write_text(f'#!/bin/sh\n({take}); rm -f "$0"\n')
    hook.chmod(0o755)
    said = done(project.invoke("release.candidate", "--yes"), "v1.0.0rc2 is tagged")
    assert "another clone was first: v1.0.0rc1 moved at origin meanwhile, and nothing else did\n" in said


@pytest.mark.thorough
def test_commits_on_a_kept_branch_are_not_told_to_be_dropped(project: Project) -> None:
    opened(project, "1.0.0", {"late.txt": "x\n"})
    done(project.invoke("release.finish", "--keep", "--yes"))
    project.git("switch", "-q", "release/v1.0.0")
    assert "release.drop" in refuses(project, "release.finish", "--version", "1.0.0", says="released already")
    project.commit("fix: forgotten", {"forgotten.txt": "x\n"})
    said = refuses(project, "release.finish", "--version", "1.0.0", says="has 1 more commit that is in no release")
    assert "release.drop" not in said
    assert "└─ release/v1.0.0  1.0.0       1 ahead of v1.0.0" in project.invoke("release.status").out
    project.typed(said.partition("take them along: ")[2].partition("    or ")[0])
    assert project.git("log", "-1", "--format=%s", "develop") == "fix: forgotten"
    assert "release/v1.0.0" not in project.invoke("release.status").out
    refuses(project, "release.finish", "--version", "1.0.0", says="it can go: invoke release.drop")
    done(project.invoke("release.drop", "--name", "1.0.0", "--yes"))


@pytest.mark.thorough
def test_commits_on_a_kept_branch_can_be_released_soon(project: Project) -> None:
    opened(project, "1.0.0")
    done(project.invoke("release.finish", "--keep", "--yes"))
    project.git("switch", "-q", "release/v1.0.0")
    for name in ("one", "two"):
        project.commit(f"fix: {name}", {name: "x\n"})
    said = refuses(project, "release.finish", says="has 2 more commits that are in no release")
    start, _, pick = said.partition("or release them soon: invoke ")[2].strip().partition(" && ")
    done(project.invoke(start))
    project.typed(pick)
    done(project.invoke("hotfix.finish", "--yes"), "v1.0.1 is released on main")
    assert project.at("main", "two") == "x"


def test_a_lock_that_a_killed_git_left_is_named_before_anything_is_pushed(project: Project) -> None:
    opened(project, "1.0.0", {"late.txt": "x\n"})
    lock = project.path / ".git/index.lock"
    lock.touch()
    said = refuses(project, "release.finish", "--yes", says=f"{lock} is there")
    project.typed(said.partition("when no git works there: ")[2].strip())
    done(project.invoke("release.finish", "--yes"))


def test_a_lock_is_named_where_only_the_index_is_written(project: Project) -> None:
    done(project.invoke("bump", "1.0.0"))
    lock = project.path / ".git/index.lock"
    lock.touch()
    refuses(project, "propagate", "--commit", says=f"{lock} is there")
    lock.unlink()
    done(project.invoke("propagate", "--commit"))


def test_a_lock_that_comes_with_the_push_is_named(project: Project) -> None:
    opened(project, "1.0.0")
    lock = project.path / ".git/index.lock"
    hook = project.path / ".git/hooks/pre-push"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch '{lock}'\n")
    hook.chmod(0o755)
    ended = project.invoke("release.finish", "--yes")
    assert (ended.code, str(lock) in ended.err, "no message" in ended.err) == (7, True, False), ended.text
    done(project.invoke("release.resume"))
