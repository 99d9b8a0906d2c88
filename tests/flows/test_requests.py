"""`--pr`: the branch with its final commit for a pull request, where to open it, and nothing left behind."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from forge import Forge, protected, requested
from support import thorough

from release.formats.changelog import PREAMBLE

if TYPE_CHECKING:
    from pathlib import Path

    from support import Project


@pytest.mark.parametrize(
    ("hook", "branches"),
    [
        ("pre-receive", ("main",)),
        ("update", ("develop",)),
        *thorough(
            ("pre-receive", ("develop",)),
            ("pre-receive", ("main", "develop")),
            ("update", ("main",)),
            ("update", ("main", "develop")),
        ),
    ],
)
def test_a_protected_branch_stops_the_whole_finish_and_pr_is_named(
    tmp_path: Path, hook: str, branches: tuple[str, ...]
) -> None:
    project, forge = protected(tmp_path / "p")
    forge.protect(*branches, hook=hook)
    assert project.invoke("release.prepare", "1.0.0", "--push", "--yes").code == 0
    before = project.state(times=True)
    ended = project.invoke("release.finish", "--version", "1.0.0", "--yes")
    assert ended.code == 3
    assert project.state(times=True) == before
    assert "nothing moved anywhere" in ended.err
    assert "invoke release.finish --version 1.0.0 --pr" in ended.err
    assert "GH006" in ended.err


def test_a_protected_main_stops_a_hotfix_and_pr_is_named(guarded: tuple[Project, Forge]) -> None:
    project, _ = guarded
    assert project.invoke("hotfix.start", "--name", "leak").code == 0
    project.commit("fix: leak", {"leak.txt": "tight\n"})
    before = project.state(times=True)
    ended = project.invoke("hotfix.finish", "--yes")
    assert (ended.code, project.state(times=True) == before) == (3, True), ended.text
    assert "invoke hotfix.finish --name hotfix/leak --pr" in ended.err


def test_pr_pushes_the_branch_with_its_final_commit_and_nothing_else(guarded: tuple[Project, Forge]) -> None:
    project, _ = guarded
    main, develop = project.remote_ref("main"), project.remote_ref("develop")
    assert project.invoke("release.prepare", "1.0.0rc1").code == 0
    tip = project.commit("fix: last minute", {"late.txt": "late\n"})
    ended = project.invoke("release.finish", "--pr", "--yes")
    assert ended.code == 0, ended.text
    assert project.remote_ref("release/v1.0.0") == project.ref("release/v1.0.0") == project.ref("HEAD")
    assert project.ref("HEAD~1") == tip
    assert project.git("branch", "--show-current") == "release/v1.0.0"
    assert (project.read("VERSION"), project.git("status", "--porcelain")) == ("1.0.0\n", "")
    assert "<!-- release:" not in project.read("CHANGELOG.md")
    assert (project.remote_ref("main"), project.remote_ref("develop")) == (main, develop)
    assert project.git("tag", cwd=project.remote) == project.git("tag") == "v0.9.0"


def test_pr_leaves_no_journal_and_no_lock_that_anything_would_wait_for(waiting: tuple[Project, Forge]) -> None:
    project, _ = waiting
    assert project.state()["journal"] is False
    assert project.state()["locks"] == []
    assert "nothing is in progress" in project.invoke("release.resume").err
    project.commit("fix: one more", {"more.txt": "more\n"})
    assert project.invoke("release.candidate", "--dry-run").code == 0


def test_pr_says_what_it_waits_for_and_how_to_go_on(guarded: tuple[Project, Forge]) -> None:
    project, _ = guarded
    assert project.invoke("release.prepare", "1.0.0").code == 0
    ended = project.invoke("release.finish", "--pr", "--yes")
    asked = "open a pull request of release/v1.0.0 into main at origin"
    assert ended.err.splitlines()[-3:] == [
        f"release/v1.0.0 is at origin as 1.0.0, awaiting merge: {asked}",
        "next: when it is merged: invoke release.finish --version 1.0.0",
        "undo: close the request",
    ]


def test_pr_again_changes_nothing_also_on_another_day(
    waiting: tuple[Project, Forge], monkeypatch: pytest.MonkeyPatch
) -> None:
    project, _ = waiting
    before = project.state()
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1800000000")
    ended = project.invoke("release.finish", "--pr")  # nothing to push: nothing to ask
    assert (ended.code, project.state() == before) == (0, True), ended.text
    assert "awaiting merge" in ended.err


def test_pr_again_after_a_fix_pushes_it_with_its_entry(waiting: tuple[Project, Forge]) -> None:
    project, _ = waiting
    project.commit("fix: asked for in review", {"review.txt": "r\n"})
    assert project.invoke("release.finish", "--pr", "--yes").code == 0
    assert project.remote_ref("release/v1.0.0") == project.ref("HEAD")
    text = project.read("CHANGELOG.md").lower()
    assert text.count("asked for in review") == text.count("last minute") == 1
    assert "<!-- release:" not in text


def test_pr_again_after_a_commit_of_a_reviewer_takes_that_up(waiting: tuple[Project, Forge]) -> None:
    project, forge = waiting
    theirs = forge.add("release/v1.0.0", "fix: by a reviewer", {"theirs.txt": "t\n"})
    ended = project.invoke("release.finish", "--pr", "--yes")
    assert ended.code == 0, ended.text
    assert project.ref("HEAD~1") == theirs
    assert "by a reviewer" in project.read("CHANGELOG.md").lower()
    assert project.read("theirs.txt") == "t\n"


def test_without_a_terminal_pr_needs_yes(guarded: tuple[Project, Forge]) -> None:
    project, _ = guarded
    assert project.invoke("release.prepare", "1.0.0").code == 0
    before = project.state(times=True)
    ended = project.invoke("release.finish", "--pr")
    assert (ended.code, project.state(times=True) == before) == (2, True)
    assert "--yes" in ended.err


def test_a_dry_run_of_pr_shows_the_push_and_the_address_and_changes_nothing(guarded: tuple[Project, Forge]) -> None:
    project, _ = guarded
    assert project.invoke("release.prepare", "1.0.0rc1").code == 0
    before = project.state(times=True)
    shown = project.invoke("release.finish", "--pr", "--dry-run")
    assert (shown.code, project.state(times=True) == before) == (0, True), shown.text
    pushed = re.search(
        r"^push   origin refs/heads/release/v1\.0\.0 \(none\) → ([0-9a-f]{40})$", shown.out, re.MULTILINE
    )
    assert pushed is not None
    assert "+1.0.0" in shown.out
    assert "awaiting merge" in shown.err
    assert project.invoke("release.finish", "--pr", "--yes").code == 0
    assert project.remote_ref("release/v1.0.0") == pushed[1]


@pytest.mark.parametrize("task", ["release.finish", "hotfix.finish"])
def test_pr_and_no_push_together_are_bad_input(guarded: tuple[Project, Forge], task: str) -> None:
    project, _ = guarded
    assert project.invoke("release.prepare", "1.0.0").code == 0
    before = project.state(times=True)
    ended = project.invoke(task, "--pr", "--no-push", "--yes")
    assert (ended.code, project.state(times=True) == before) == (2, True), ended.text
    assert "--no-push" in ended.err


def test_pr_without_a_remote_is_bad_input(project: Project) -> None:
    project.git("remote", "remove", "origin")
    assert project.invoke("release.prepare", "1.0.0").code == 0
    before = project.state(times=True)
    ended = project.invoke("release.finish", "--pr", "--yes")
    assert (ended.code, project.state(times=True) == before) == (2, True), ended.text
    assert "no remote for a pull request" in ended.err


def test_pr_is_refused_for_what_finish_would_refuse(guarded: tuple[Project, Forge]) -> None:
    project, _ = guarded
    assert project.invoke("release.prepare", "1.0.0").code == 0
    project.write("a.txt", "not committed\n")
    before = project.state(times=True)
    ended = project.invoke("release.finish", "--pr", "--yes")
    assert (ended.code, project.state(times=True) == before) == (3, True), ended.text
    assert "a.txt" in ended.err


def test_a_branch_whose_candidate_was_merged_by_hand_still_gets_its_final_version(
    guarded: tuple[Project, Forge],
) -> None:
    project, forge = guarded
    assert project.invoke("release.prepare", "1.0.0rc1", "--push", "--yes").code == 0
    forge.land("release/v1.0.0")
    ended = project.invoke("release.finish", "--pr", "--yes")
    assert ended.code == 0, ended.text
    landed = forge.land("release/v1.0.0")
    assert project.invoke("release.finish", "--yes").code == 0
    assert project.git("rev-parse", "v1.0.0^{}") == landed
    assert project.at("v1.0.0", "VERSION") == "1.0.0"


def test_a_branch_that_git_alone_would_not_merge_gets_main_first(guarded: tuple[Project, Forge]) -> None:
    """A forge knows nothing of versions and sections: their lines would conflict there."""
    project, forge = guarded
    assert project.invoke("release.prepare", "1.0.0").code == 0
    late = {"VERSION": "0.9.1\n", "pyproject.toml": project.at("main", "pyproject.toml").replace("0.9.0", "0.9.1", 1)}
    late["CHANGELOG.md"] = PREAMBLE + "\n## [0.9.1] - 2023-11-14\n\n### Fixed\n\n- Something\n"
    forge.add("main", "fix: on main", {**late, "main.txt": "m\n"})
    ended = project.invoke("release.finish", "--pr", "--yes")
    assert ended.code == 0, ended.text
    assert "main is merged into release/v1.0.0" in ended.err
    landed = forge.land("release/v1.0.0")
    assert project.invoke("release.finish", "--yes").code == 0
    assert project.git("rev-parse", "v1.0.0^{}") == landed
    assert (project.at("v1.0.0", "VERSION"), project.at("v1.0.0", "main.txt")) == ("1.0.0", "m")
    text = project.at("v1.0.0", "CHANGELOG.md")
    assert text.index("## [1.0.0]") < text.index("## [0.9.1]")


def test_a_branch_that_git_alone_merges_as_we_do_stays_as_it_is(guarded: tuple[Project, Forge]) -> None:
    project, forge = guarded
    forge.add("main", "docs: on main", {"main.txt": "m\n"})
    tip = requested(project)
    assert project.git("log", "-1", "--format=%s", tip) == "chore(release): 1.0.0"
    forge.land("release/v1.0.0")


def test_a_request_that_will_conflict_is_pushed_with_a_warning(guarded: tuple[Project, Forge]) -> None:
    project, forge = guarded
    forge.add("main", "docs: on main", {"late.txt": "another\n"})
    assert project.invoke("release.prepare", "1.0.0").code == 0
    project.commit("fix: last minute", {"late.txt": "late\n"})
    ended = project.invoke("release.finish", "--pr", "--yes")
    assert ended.code == 0, ended.text
    assert "warning: the request will conflict with main, in late.txt" in ended.err


def test_a_feature_is_pushed_for_a_request_too(tmp_path: Path) -> None:
    project, _ = protected(tmp_path / "p", "develop")
    assert project.invoke("feature.start", "shiny").code == 0
    tip = project.commit("feat: shiny", {"shiny.txt": "s\n"})
    develop = project.remote_ref("develop")
    for _ in range(2):
        ended = project.invoke("feature.finish", "--pr", "--yes")
        assert ended.code == 0, ended.text
        assert "awaiting merge: open a pull request of feature/shiny into develop at origin" in ended.err
        assert (project.remote_ref("feature/shiny"), project.remote_ref("develop")) == (tip, develop)
