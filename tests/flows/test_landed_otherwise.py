"""What landed is not plain: branches that are gone, or have more; commits that are named; what others did."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from forge import REWRITTEN, Forge, cloned, contains, finished, tagged
from support import thorough

if TYPE_CHECKING:
    from support import Project


@pytest.mark.parametrize("how", ["squash", "fast-forward", *thorough("merge", "rebase")])
def test_commits_of_a_reviewer_are_tagged_too_when_the_branch_is_gone_at_the_remote(
    waiting: tuple[Project, Forge], how: str
) -> None:
    """The branch here has none of them, and what it has was changed by them."""
    project, forge = waiting
    tip = project.ref("HEAD")
    forge.add("release/v1.0.0", "fix: in review", {"review.txt": "r\n", "late.txt": "reviewed\n"})
    landed = forge.land("release/v1.0.0", how, delete=True)
    wanted = () if how in ("merge", "squash") else ("--commit", landed)
    said = finished(project, *wanted)
    assert tagged(project) == landed
    assert project.at("develop", "late.txt") == "reviewed"
    if how in REWRITTEN:  # nobody can tell that what it holds was replaced, and not lost
        assert "release/v1.0.0 is kept: it has commits that are not in" in said
        assert project.ref("release/v1.0.0") == tip
        assert project.git("branch", "--show-current") == "release/v1.0.0"
    else:
        assert project.ref("release/v1.0.0") == ""


def test_that_later_commits_could_be_meant_is_said(waiting: tuple[Project, Forge]) -> None:
    project, forge = waiting
    forge.add("release/v1.0.0", "fix: in review", {"late.txt": "reviewed\n"})
    landed = forge.land("release/v1.0.0", "rebase", delete=True)
    said = finished(project)
    assert tagged(project) == forge.ref(f"{landed}~1")
    assert "1 later commit has the version 1.0.0 too; to tag one of them: --commit OID" in said


def test_when_the_branch_is_gone_and_several_commits_can_have_landed_one_has_to_be_named(
    waiting: tuple[Project, Forge],
) -> None:
    project, forge = waiting
    forge.add("release/v1.0.0", "fix: in review", {"late.txt": "reviewed\n"})
    landed = forge.land("release/v1.0.0", "rebase", delete=True)
    clone = cloned(project)
    before = clone.state(times=True)
    ended = clone.invoke("release.finish", "--version", "1.0.0", "--yes")
    assert (ended.code, clone.state(times=True) == before) == (2, True), ended.text
    assert "release/v1.0.0 is gone, and 2 commits of main can be what landed" in ended.err
    assert "--commit OID" in ended.err
    listing = ended.err.partition("see: git ")[2].splitlines()[0].split()
    assert clone.git(*listing, "--format=%s").splitlines() == ["fix: in review", "chore(release): 1.0.0"]
    finished(clone, "--commit", landed[:9])
    assert tagged(clone) == landed


def test_a_colleague_whose_branch_is_left_over_is_told_that_it_is_released(waiting: tuple[Project, Forge]) -> None:
    project, forge = waiting
    forge.land("release/v1.0.0", "squash")
    finished(cloned(project))
    before = project.state(times=True)
    ended = project.invoke("release.finish", "--yes")
    assert (ended.code, project.state(times=True) == before) == (3, True), ended.text
    assert "release/v1.0.0 is released already, as v1.0.0" in ended.err
    assert "invoke release.drop --name release/v1.0.0" in ended.err


def test_a_version_that_never_was_on_any_branch_is_bad_input(guarded: tuple[Project, Forge]) -> None:
    project, _ = guarded
    before = project.state(times=True)
    ended = project.invoke("release.finish", "--version", "9.9.9", "--yes")
    assert (ended.code, project.state(times=True) == before) == (2, True), ended.text
    assert "there is no release branch 'release/v9.9.9'" in ended.err


def test_with_keep_the_branch_stays_here_and_there(waiting: tuple[Project, Forge]) -> None:
    project, forge = waiting
    tip = project.ref("HEAD")
    forge.land("release/v1.0.0", "squash")
    finished(project, "--keep")
    assert project.ref("release/v1.0.0") == project.remote_ref("release/v1.0.0") == tip
    assert project.git("branch", "--show-current") == "release/v1.0.0"


def test_with_no_push_the_tag_and_the_merge_stay_here(waiting: tuple[Project, Forge]) -> None:
    project, forge = waiting
    landed = forge.land("release/v1.0.0", "squash")
    remote = project.git("for-each-ref", cwd=project.remote)
    ended = project.invoke("release.finish", "--no-push")
    assert ended.code == 0, ended.text
    assert project.git("for-each-ref", cwd=project.remote) == remote
    assert project.ref("v1.0.0^{commit}") == project.ref("main") == landed
    assert project.at("develop", "VERSION") == "1.1.0.dev0"


def test_what_was_merged_by_hand_and_not_pushed_yet_is_pushed_with_its_tag(project: Project) -> None:
    assert project.invoke("release.prepare", "1.0.0").code == 0
    project.git("switch", "-q", "main")
    project.git("merge", "-q", "--no-ff", "-m", "by hand", "release/v1.0.0")
    ended = project.invoke("release.finish", "--yes")
    assert ended.code == 0, ended.text
    assert tagged(project) == project.remote_ref("main") == project.ref("main")
    assert project.git("log", "-1", "--format=%s", "main") == "by hand"


def test_what_is_only_on_main_here_is_not_pushed_to_a_protected_one(waiting: tuple[Project, Forge]) -> None:
    project, forge = waiting
    landed = forge.land("release/v1.0.0", "merge")
    project.git("fetch", "-q")
    project.git("switch", "-q", "-C", "main", "origin/main")
    mine = project.commit("docs: mine", {"mine.txt": "m\n"})
    project.git("switch", "-q", "release/v1.0.0")
    finished(project)
    assert tagged(project) == project.remote_ref("main") == landed
    assert project.ref("main") == mine


@pytest.mark.thorough
def test_what_was_merged_and_taken_back_has_not_landed(waiting: tuple[Project, Forge]) -> None:
    project, forge = waiting
    first = forge.land("release/v1.0.0", "squash")
    forge.git("revert", "--no-edit", first)
    forge.git("push", "-q", "origin", "main")
    before = project.state()
    ended = project.invoke("release.finish", "--yes")
    assert (ended.code, project.state() == before) == (3, True), ended.text
    assert "GH006" in ended.err
    second = forge.add("main", "chore: once more", {})
    forge.git("revert", "--no-edit", second + "~1")
    forge.git("push", "-q", "origin", "main")
    finished(project)
    assert tagged(project) == forge.ref("HEAD")


@pytest.mark.parametrize("how", ["squash", "merge", *thorough("rebase", "fast-forward")])
def test_what_came_to_the_branch_after_it_landed_is_not_lost(waiting: tuple[Project, Forge], how: str) -> None:
    project, forge = waiting
    landed = forge.land("release/v1.0.0", how)
    late = forge.add("release/v1.0.0", "fix: too late", {"too-late.txt": "t\n"})
    before = project.state()
    ended = project.invoke("release.finish", "--yes")
    assert (ended.code, project.state() == before) == (3, True), ended.text
    assert "main holds 1.0.0 since" in ended.err
    assert "but not all that release/v1.0.0 has" in ended.err
    said = finished(project, "--commit", landed)
    assert "release/v1.0.0 is kept" in said
    assert tagged(project) == landed
    assert project.remote_ref("release/v1.0.0") == late
    assert not contains(project, "develop", late)
    assert contains(project, "develop", project.ref("release/v1.0.0"))


def test_what_is_only_on_the_branch_here_is_not_lost(waiting: tuple[Project, Forge]) -> None:
    project, forge = waiting
    landed = forge.land("release/v1.0.0", "merge")
    mine = project.commit("fix: not pushed", {"mine.txt": "m\n"})
    said = finished(project)
    assert "release/v1.0.0 is kept" in said
    assert tagged(project) == landed
    assert project.ref("release/v1.0.0") == project.ref("HEAD") == mine
    assert not contains(project, "develop", mine)


@pytest.mark.parametrize(
    "wanted", ["main", "0123456789", "develop", "--", "main^{tree}", *thorough("HEAD", "v0.9.0", "")]
)
def test_commit_takes_only_what_can_have_landed(waiting: tuple[Project, Forge], wanted: str) -> None:
    project, forge = waiting
    landed = forge.land("release/v1.0.0", "merge")
    if wanted in ("main", ""):
        project.git("fetch", "-q", "origin", "main:main")
        finished(project, f"--commit={wanted}")
        assert tagged(project) == landed
        return
    before = project.state()
    ended = project.invoke("release.finish", "--yes", f"--commit={wanted}")
    assert (ended.code, project.state() == before) == (2, True), ended.text
    assert "is no commit of main with the version 1.0.0" in ended.err


def test_a_version_that_others_tagged_elsewhere_is_refused(waiting: tuple[Project, Forge]) -> None:
    project, forge = waiting
    forge.land("release/v1.0.0", "squash")
    forge.git("tag", "v1.0.0", "origin/develop")
    forge.git("push", "-q", "origin", "v1.0.0")
    before = project.state()
    ended = project.invoke("release.finish", "--yes")
    assert (ended.code, project.state() == before) == (3, True), ended.text
    assert "1.0.0 exists already" in ended.err


def test_a_request_of_another_hand_lands_too_with_a_warning_about_its_section(guarded: tuple[Project, Forge]) -> None:
    project, forge = guarded
    assert project.invoke("release.prepare", "1.0.0", "--push", "--yes").code == 0
    landed = forge.land("release/v1.0.0", "merge")
    said = finished(project)
    assert tagged(project) == landed
    assert "warning: CHANGELOG.md has no finished section [1.0.0]" in said
