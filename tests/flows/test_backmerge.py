"""A protected develop gets what was released by a request of its own, and what it has lost of it is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from forge import SQUASHED, Forge, awaiting, cloned, protected, requested
from support import copied

if TYPE_CHECKING:
    from pathlib import Path

    from support import Ended, Project

BRANCH = "backmerge/v1.0.0"


def done(project: Project, *words: str) -> Ended:
    ended = project.invoke(*words)
    assert ended.code == 0, ended.text
    return ended


def contains(project: Project, branch: str, commit: str) -> bool:
    return commit in project.git("rev-list", branch, cwd=project.remote).split()


def lost(project: Project) -> bool:
    """Whether `release.check` reports that develop has lost the ancestry of 1.0.0."""
    ended = project.invoke("release.check", "--version", "2.0.0")
    assert ended.code in (0, 3), ended.text
    return "develop has lost the ancestry of v1.0.0" in ended.out


@pytest.fixture
def guarded(tmp_path: Path) -> tuple[Project, Forge, str, str]:
    """Return a project with main and develop protected, on which 1.0.0 has landed squashed; its tip and commit."""

    def build(place: Path) -> None:
        awaiting(place, "main", "develop")[1].land("release/v1.0.0", "squash", delete=True)

    project = copied(tmp_path / "guarded", "landed, main and develop protected", build)
    return project, Forge(project), project.ref("HEAD"), project.remote_ref("main")


@pytest.mark.parametrize("how", SQUASHED)
def test_with_pr_develop_gets_it_from_a_branch_of_its_own(tmp_path: Path, how: str) -> None:
    project, forge = awaiting(tmp_path / "p", "main", "develop")
    tip, develop = project.ref("HEAD"), project.remote_ref("develop")
    landed = forge.land("release/v1.0.0", how)
    ended = done(project, "release.finish", "--pr", "--yes")
    assert project.remote_ref("v1.0.0^{commit}") == landed
    assert project.remote_ref("develop") == project.ref("develop") == develop
    assert project.git("log", "-1", "--format=%s", BRANCH, cwd=project.remote) == "Merge tag 'v1.0.0' into develop"
    assert project.git("show", f"{BRANCH}:VERSION", cwd=project.remote) == "1.1.0.dev0"
    assert project.ref(BRANCH) == project.remote_ref("release/v1.0.0") == ""
    assert project.git("branch", "--show-current") == "develop"
    asked = f"open a pull request of {BRANCH} into develop at origin"
    assert f"develop gets it from {BRANCH}, awaiting merge: {asked}" in ended.err
    assert "next: merge that request with a merge commit" in ended.err
    merged = forge.land(BRANCH, "merge", into="develop", delete=True)
    assert contains(project, "develop", tip)
    assert contains(project, "develop", landed)
    project.git("pull", "-q", "--ff-only", "origin", "develop")
    project.commit("feat: next", {"next.txt": "n\n"})
    assert project.ref("HEAD~1") == merged
    assert "no problem found" in done(project, "release.check").out


def test_without_pr_a_protected_develop_stops_it_and_pr_is_named(guarded: tuple[Project, Forge, str, str]) -> None:
    project, *_ = guarded
    before = project.state()
    ended = project.invoke("release.finish", "--yes")
    assert (ended.code, project.state() == before) == (3, True), ended.text
    assert "invoke release.finish --version 1.0.0 --pr" in ended.err


def test_while_the_request_waits_repeating_it_names_the_address(guarded: tuple[Project, Forge, str, str]) -> None:
    project, *_ = guarded
    done(project, "release.finish", "--pr", "--yes")
    for clone in (project, cloned(project)):
        before = clone.state()
        ended = done(clone, "release.finish", "--version", "1.0.0", "--pr")
        assert clone.state() == before
        assert f"{BRANCH} awaits its merge: open a pull request of {BRANCH} into develop at origin" in ended.err
        shown = clone.invoke("release.check", "--version", "2.0.0")
        assert shown.code == 3
        assert f"develop does not contain v1.0.0 yet: {BRANCH} waits to be merged, with a merge commit" in shown.out


def test_a_request_that_was_merged_waits_no_longer_and_its_branch_can_go(
    guarded: tuple[Project, Forge, str, str],
) -> None:
    project, forge, *_ = guarded
    done(project, "release.finish", "--pr", "--yes")
    forge.land(BRANCH, "merge", into="develop")
    ended = done(project, "release.finish", "--version", "1.0.0", "--pr")
    assert "v1.0.0 is released already: nothing to do" in ended.err
    assert f"next: git push origin :{BRANCH}" in ended.err


def test_a_branch_that_has_the_name_already_is_not_overwritten(guarded: tuple[Project, Forge, str, str]) -> None:
    project, forge, *_ = guarded
    forge.git("push", "-q", "origin", f"origin/develop:refs/heads/{BRANCH}")
    forge.add(BRANCH, "docs: somebody's", {"somebody.txt": "s\n"})
    before = project.state()
    ended = project.invoke("release.finish", "--pr", "--yes")
    assert (ended.code, project.state() == before) == (3, True), ended.text
    assert f"{BRANCH}, for the back-merge, exists already" in ended.err
    assert f"git push origin :{BRANCH}" in ended.err


def test_open_releases_get_it_directly_and_develop_from_the_branch(tmp_path: Path) -> None:
    project, forge = protected(tmp_path / "p", "main", "develop")
    project.commit(
        "chore: two at once", {"pyproject.toml": project.read("pyproject.toml") + "parallel_releases = true\n"}
    )
    forge.git("push", "-q", str(project.path), "develop:develop", check=False)
    project.git("push", "-q", "origin", "develop", check=False)
    forge.protect("main")
    project.git("push", "-q", "origin", "develop")
    forge.protect("main", "develop")
    requested(project)
    project.git("switch", "-q", "develop")
    done(project, "release.prepare", "1.1.0", "--push", "--yes")
    landed = forge.land("release/v1.0.0", "squash")
    done(project, "release.finish", "--version", "1.0.0", "--pr", "--yes")
    assert contains(project, "release/v1.1.0", landed)
    assert contains(project, BRANCH, landed)
    assert not contains(project, "develop", landed)
    assert project.git("show", "release/v1.1.0:VERSION", cwd=project.remote) == "1.1.0"


@pytest.mark.parametrize("how", ["squash", "rebase"])
def test_a_merge_back_that_lost_the_ancestry_is_reported_and_given_again(
    guarded: tuple[Project, Forge, str, str], how: str
) -> None:
    project, forge, tip, landed = guarded
    done(project, "release.finish", "--pr", "--yes")
    forge.add("develop", "fix: meanwhile", {"meanwhile.txt": "m\n"})
    if how == "squash":
        forge.land(BRANCH, how, into="develop", delete=True)
    else:  # which leaves a merge out: nothing comes to develop at all
        forge.git("push", "-q", "origin", f":{BRANCH}")
    assert lost(project)
    warned = project.invoke("release.prepare", "2.0.0", "--dry-run")
    assert warned.code == 0
    assert "warning: develop has lost the ancestry of v1.0.0" in warned.text
    command = project.invoke("release.check").out.partition("when develop is protected: invoke ")[2].splitlines()[0]
    assert command == "release.finish --version 1.0.0 --pr"
    tree = forge.git("rev-parse", "origin/develop^{tree}")
    before = project.remote_ref("develop")
    done(project, *command.split(), "--yes")
    assert (project.git("rev-parse", f"{BRANCH}^{{tree}}", cwd=project.remote) == tree) is (how == "squash")
    assert project.git("log", "-1", "--format=%P", BRANCH, cwd=project.remote).split() == [before, landed, tip]
    forge.land(BRANCH, "merge", into="develop", delete=True)
    assert not lost(project)
    assert project.git("show", "develop:VERSION", cwd=project.remote) == "1.1.0.dev0"
    done(project, "release.prepare", "2.0.0")
    text = project.read("CHANGELOG.md").lower()
    assert [text.count(entry) for entry in ("add a", "last minute", "meanwhile")] == [1, 1, 1]


@pytest.mark.thorough
def test_what_is_lost_is_given_to_an_open_develop_directly(guarded: tuple[Project, Forge, str, str]) -> None:
    project, forge, tip, landed = guarded
    forge.protect("main")
    develop = project.remote_ref("develop")
    done(project, "release.finish", "--yes")
    forge.git("push", "-q", "--force", "origin", f"{develop}:refs/heads/develop")
    clone = cloned(project)
    assert lost(clone)
    assert "in a clone that has the commit" in clone.invoke("release.check", "--version", "2.0.0").out
    project.git("fetch", "-q", "origin")
    project.git("switch", "-q", "-C", "develop", "origin/develop")
    assert lost(project)
    ended = done(project, "release.finish", "--version", "1.0.0", "--yes")
    assert "v1.0.0 is merged back: develop at 1.1.0.dev0" in ended.err
    assert project.git("log", "-1", "--format=%P", "develop", cwd=project.remote).split() == [develop, landed, tip]
    assert project.ref("develop") == project.remote_ref("develop")
    assert project.git("status", "--porcelain") == ""
    assert not lost(project)


@pytest.mark.thorough
def test_giving_it_again_asks_shows_and_can_conflict(guarded: tuple[Project, Forge, str, str]) -> None:
    project, forge, tip, landed = guarded
    forge.protect("main")
    develop = project.remote_ref("develop")
    done(project, "release.finish", "--yes")
    forge.git("push", "-q", "--force", "origin", f"{develop}:refs/heads/develop")
    forge.add("develop", "fix: at odds", {"late.txt": "of develop\n"})
    project.git("fetch", "-q", "origin")
    project.git("switch", "-q", "-C", "develop", "origin/develop")
    ended = project.invoke("release.finish", "--version", "1.0.0", "--yes")
    assert ended.code == 6, ended.text
    place = project.folder / "work-merge-develop"
    (place / "late.txt").write_text("of both\n")
    project.git("add", "late.txt", cwd=place)
    done(project, "release.resume")
    assert project.git("log", "-1", "--format=%P", "develop", cwd=project.remote).split()[1:] == [landed, tip]
    assert project.read("late.txt") == "of both\n"


@pytest.mark.thorough
def test_a_hotfix_on_top_does_not_hide_that_a_release_was_lost(guarded: tuple[Project, Forge, str, str]) -> None:
    project, forge, *_ = guarded
    done(project, "release.finish", "--pr", "--yes")
    forge.land(BRANCH, "squash", into="develop", delete=True)
    done(project, "hotfix.start", "--name", "leak")
    project.commit("fix: leak", {"leak.txt": "l\n"})
    done(project, "hotfix.finish", "--pr", "--yes")
    forge.land("hotfix/leak", "merge", delete=True)
    done(project, "hotfix.finish", "--pr", "--yes")
    forge.land("backmerge/v1.0.1", "merge", into="develop", delete=True)
    assert lost(project)
    done(project, "release.finish", "--version", "1.0.0", "--pr", "--yes")
    forge.land(BRANCH, "merge", into="develop", delete=True)
    assert not lost(project)


@pytest.mark.thorough
def test_after_an_ordinary_finish_nothing_is_lost(project: Project) -> None:
    done(project, "release.prepare", "1.0.0", "--push", "--yes")
    done(project, "release.finish", "--yes")
    assert not lost(project)
