"""A request landed: `release.finish` finds it however the forge merged it, tags it, and merges it back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from forge import REWRITTEN, SQUASHED, WAYS, Forge, cloned, contains, finished, tagged
from support import thorough

if TYPE_CHECKING:
    from support import Project


@pytest.mark.parametrize(
    ("how", "gone"),
    [
        *((how, "") for how in WAYS),
        ("squash", "remote"),
        ("squash", "everywhere"),
        *thorough(*((how, gone) for gone in ("remote", "everywhere") for how in WAYS if how != "squash")),
    ],
)
def test_the_tag_goes_on_what_landed_and_develop_gets_it(waiting: tuple[Project, Forge], how: str, gone: str) -> None:
    project, forge = waiting
    tip = project.ref("HEAD")
    landed = forge.land("release/v1.0.0", how, delete=bool(gone))
    if gone == "everywhere":
        project.git("fetch", "-q", "--prune")
        project.git("switch", "-q", "develop")
        project.git("branch", "-q", "-D", "release/v1.0.0")
    said = finished(project)
    assert f"1.0.0 landed on main as {landed[:10]}" in said
    assert "warning" not in said
    assert tagged(project) == project.remote_ref("main") == landed
    assert contains(project, "develop", landed)
    assert contains(project, "develop", tip) is (how not in REWRITTEN or gone != "everywhere")
    assert project.at("origin/develop", "VERSION") == "1.1.0.dev0"
    assert project.remote_ref("release/v1.0.0") == project.ref("release/v1.0.0") == ""
    assert project.ref("develop") == project.remote_ref("develop")
    assert project.git("branch", "--show-current") == "develop"
    assert project.git("status", "--porcelain") == ""
    assert project.invoke("version", "--check").code == 0


@pytest.mark.parametrize("how", ["squash", *thorough("rebase")])
def test_the_tag_of_a_rewritten_branch_names_its_tip_and_the_merge_back_has_it(
    waiting: tuple[Project, Forge], how: str
) -> None:
    project, forge = waiting
    tip, develop = project.ref("HEAD"), project.ref("develop")
    landed = forge.land("release/v1.0.0", how)
    finished(project, "--message", "First release")
    assert project.git("tag", "-l", "--format=%(contents)", "v1.0.0") == f"First release\n\nRelease-Tip: {tip}"
    assert project.git("log", "-1", "--format=%P", "develop").split() == [develop, landed, tip]


@pytest.mark.parametrize("how", ["merge", *thorough("fast-forward")])
def test_the_tag_of_a_branch_that_it_contains_names_no_tip(waiting: tuple[Project, Forge], how: str) -> None:
    project, forge = waiting
    develop = project.ref("develop")
    landed = forge.land("release/v1.0.0", how)
    finished(project)
    assert project.git("tag", "-l", "--format=%(contents)", "v1.0.0") == "Release 1.0.0"
    assert project.git("log", "-1", "--format=%P", "develop").split() == [develop, landed]


@pytest.mark.parametrize("how", ["squash", "rebase", *thorough("merge", "fast-forward")])
def test_later_commits_on_main_are_not_tagged(waiting: tuple[Project, Forge], how: str) -> None:
    project, forge = waiting
    landed = forge.land("release/v1.0.0", how)
    later = forge.add("main", "docs: later", {"later.txt": "l\n", "late.txt": "changed again\n"})
    finished(project)
    assert tagged(project) == landed
    assert project.ref("main") == project.remote_ref("main") == later
    assert not contains(project, "develop", later)


@pytest.mark.parametrize("how", ["squash", "rebase", *thorough("merge", "fast-forward")])
def test_commits_of_a_reviewer_on_the_branch_are_tagged_with_it(waiting: tuple[Project, Forge], how: str) -> None:
    project, forge = waiting
    theirs = forge.add("release/v1.0.0", "fix: in review", {"review.txt": "r\n", "late.txt": "reviewed\n"})
    landed = forge.land("release/v1.0.0", how)
    finished(project)
    assert tagged(project) == landed
    assert project.at("v1.0.0", "review.txt") == "r"
    assert project.read("late.txt") == "reviewed\n"
    assert contains(project, "develop", theirs)


@pytest.mark.parametrize("how", SQUASHED)
def test_a_fresh_clone_finishes_what_landed_there(waiting: tuple[Project, Forge], how: str) -> None:
    project, forge = waiting
    tip = project.ref("HEAD")
    landed = forge.land("release/v1.0.0", how)
    clone = cloned(project)
    finished(clone)
    assert tagged(clone) == landed
    assert contains(clone, "develop", tip)
    assert clone.remote_ref("release/v1.0.0") == ""


def test_a_detached_checkout_of_ci_finishes_what_landed(waiting: tuple[Project, Forge]) -> None:
    project, forge = waiting
    landed = forge.land("release/v1.0.0", "squash", delete=True)
    clone = cloned(project)
    clone.git("checkout", "-q", "--detach", "origin/main")
    clone.git("branch", "-q", "-D", "develop")
    finished(clone)
    assert tagged(clone) == landed == clone.ref("HEAD")
    assert clone.git("branch", "--format=%(refname)") == "(HEAD detached at origin/main)"
    assert clone.at(clone.remote_ref("develop"), "VERSION") == "1.1.0.dev0"


@pytest.mark.parametrize("how", SQUASHED)
def test_before_it_landed_finish_is_what_it_always_was(waiting: tuple[Project, Forge], how: str) -> None:
    project, forge = waiting
    before = project.state()
    ended = project.invoke("release.finish", "--yes")
    assert (ended.code, project.state() == before) == (3, True), ended.text
    assert "GH006" in ended.err
    landed = forge.land("release/v1.0.0", how)
    finished(project)
    assert tagged(project) == landed


def test_a_dry_run_shows_the_very_tag_and_merge(waiting: tuple[Project, Forge]) -> None:
    project, forge = waiting
    forge.land("release/v1.0.0", "squash")
    before = project.state(times=True)
    shown = project.invoke("release.finish", "--dry-run")
    assert (shown.code, project.state(times=True) == before) == (0, True), shown.text
    finished(project)
    for ref in ("refs/tags/v1.0.0", "refs/heads/develop"):
        assert f"push   origin {ref} " in shown.out
        assert f"→ {project.remote_ref(ref)}" in shown.out
    assert "refs/heads/main" not in [line.split()[2] for line in shown.out.splitlines() if line.startswith("push")]


def test_once_more_there_is_nothing_to_do(waiting: tuple[Project, Forge]) -> None:
    project, forge = waiting
    forge.land("release/v1.0.0", "squash")
    finished(project)
    for clone in (project, cloned(project)):
        before = clone.state(times=True)
        ended = clone.invoke("release.finish", "--version", "1.0.0")
        assert (ended.code, clone.state(times=True) == before) == (0, True), ended.text
        assert "v1.0.0 is released already: nothing to do" in ended.err


def test_a_conflict_of_the_merge_back_stops_and_resume_completes_it(waiting: tuple[Project, Forge]) -> None:
    project, forge = waiting
    tip = project.ref("HEAD")
    forge.add("develop", "feat: at odds", {"late.txt": "of develop\n"})
    landed = forge.land("release/v1.0.0", "squash", delete=True)
    ended = project.invoke("release.finish", "--yes")
    assert ended.code == 6, ended.text
    assert "merging into develop conflicts in late.txt" in ended.err
    assert project.ref("v1.0.0") == ""
    place = project.folder / "work-merge-develop"
    (place / "late.txt").write_text("of both\n")
    project.git("add", "late.txt", cwd=place)
    ended = project.invoke("release.resume")
    assert ended.code == 0, ended.text
    assert tagged(project) == landed
    assert project.git("log", "-1", "--format=%P", "develop").split()[1:] == [landed, tip]
    assert project.read("late.txt") == "of both\n"


def test_status_names_the_command_as_soon_as_it_has_landed(waiting: tuple[Project, Forge]) -> None:
    project, forge = waiting
    assert "landed" not in project.invoke("release.status").out
    forge.land("release/v1.0.0", "squash")
    clone = cloned(project)
    for place in (project, clone):
        ended = place.invoke("release.status")
        assert "next: 1.0.0 landed on main: invoke release.finish --version 1.0.0\n" in ended.out
    forge.git("push", "-q", "origin", ":release/v1.0.0")
    clone.git("fetch", "-q", "--prune")
    shown = clone.invoke("release.status").out
    assert "next: main holds 1.0.0 without a tag: invoke release.finish --version 1.0.0    or, when" in shown
    finished(project)
    assert "1.0.0 landed" not in project.invoke("release.status").out
