"""Conflicts of features, hotfixes and landed releases, and gates after a resolution."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from finishing import (
    FINISH,
    OLD,
    OURS,
    THEIRS,
    change,
    conflicting,
    everything,
    open_release,
    refuses,
    released,
    resolve,
    stopped,
)
from gating import HEAD, session, shell
from support import FILES, PYPROJECT, Project, git_flow

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def feature(tmp_path: Path) -> Project:
    """A feature that conflicts with what came to develop meanwhile."""
    project = git_flow(tmp_path / "project", {**FILES, "app.txt": OLD})
    assert project.invoke("feature.start", "x").code == 0
    change(project, {"app.txt": THEIRS})
    project.git("push", "-q", "-u", "origin", "feature/x")
    project.git("switch", "-q", "develop")
    change(project, {"app.txt": OURS})
    project.git("push", "-q", "origin", "develop")
    project.git("switch", "-q", "feature/x")
    return project


def test_a_feature_with_a_conflict_is_completed_by_resume(feature: Project) -> None:
    before = everything(feature)
    tip, develop = feature.ref("feature/x"), feature.ref("develop")
    ended = feature.invoke("feature.finish", "--yes")
    assert (ended.code, "merging into develop conflicts in app.txt" in ended.err) == (6, True), ended.text
    assert feature.invoke("release.abort").code == 0
    assert everything(feature) == before
    assert feature.invoke("feature.finish", "--yes").code == 6
    resolve(feature, feature.folder / "work-merge-develop")
    feature.git("switch", "-q", "main")
    ended = feature.invoke("release.resume")
    assert ended.code == 0, ended.text
    assert feature.git("rev-parse", "develop^1", "develop^2").split() == [develop, tip]
    assert feature.at("develop", "app.txt") == "one\nboth\nthree"
    assert feature.remote_ref("develop") == feature.ref("develop")
    assert feature.ref("refs/heads/feature/x") == feature.remote_ref("refs/heads/feature/x") == ""
    assert feature.git("branch", "--show-current") == "main"
    assert feature.git("tag") == "v0.9.0"


def test_options_of_a_feature_hold_over_a_conflict(feature: Project) -> None:
    remote = feature.git("for-each-ref", cwd=feature.remote)
    assert feature.invoke("feature.finish", "--no-push", "--keep").code == 6
    resolve(feature, feature.folder / "work-merge-develop", commit=True)
    assert feature.invoke("release.resume").code == 0
    assert feature.git("for-each-ref", cwd=feature.remote) == remote
    assert feature.ref("feature/x") == feature.ref("develop^2")
    assert feature.git("branch", "--show-current") == "feature/x"


def test_a_feature_that_is_only_at_the_remote(feature: Project) -> None:
    feature.git("switch", "-q", "main")
    feature.git("branch", "-D", "feature/x")
    feature.git("update-ref", "-d", "refs/remotes/origin/feature/x")
    assert feature.invoke("feature.finish", "--yes").code == 6
    resolve(feature, feature.folder / "work-merge-develop")
    ended = feature.invoke("release.resume")
    assert ended.code == 0, ended.text
    assert feature.remote_ref("refs/heads/feature/x") == ""


def test_a_feature_that_moved_is_refused_with_both_commits(feature: Project) -> None:
    assert feature.invoke("feature.finish", "--yes").code == 6
    resolve(feature, feature.folder / "work-merge-develop")
    old, new = feature.ref("feature/x"), change(feature, {"more.txt": "more\n"})
    ended = feature.invoke("release.resume")
    assert (ended.code, old in ended.err, new in ended.err) == (3, True, True), ended.text
    assert "invoke release.abort, then: invoke feature.finish --name feature/x" in ended.err


def test_a_hotfix_with_conflicts_in_the_release_and_in_develop(tmp_path: Path) -> None:
    project = conflicting(
        tmp_path / "project",
        release={"app.txt": THEIRS},
        develop={"app.txt": "one\ndevelop\nthree\n"},
    )
    assert project.invoke("hotfix.start").code == 0
    change(project, {"app.txt": OURS})
    ended = project.invoke("hotfix.finish", "--yes")
    assert (ended.code, "merging into release/v1.0.0 conflicts in app.txt" in ended.err) == (6, True), ended.text
    assert "predicted: the merge into develop will conflict too" in ended.err
    resolve(project, project.folder / "work-merge-release-v1.0.0", "one\nin the release\nthree\n")
    assert project.invoke("release.resume").code == 6
    resolve(project, project.folder / "work-merge-develop", "one\nin develop\nthree\n")
    ended = project.invoke("release.resume")
    assert ended.code == 0, ended.text
    assert project.at("v0.9.1", "app.txt") == OURS.strip()
    assert project.at("release/v1.0.0", "app.txt") == "one\nin the release\nthree"
    assert project.at("release/v1.0.0", "VERSION") == "1.0.0"
    assert project.at("develop", "app.txt") == "one\nin develop\nthree"
    for name in ("main", "develop", "release/v1.0.0"):
        assert project.remote_ref(name) == project.ref(name)
        assert project.git("merge-base", "--is-ancestor", "v0.9.1", name) == ""


def test_a_release_that_landed_by_a_pull_request_conflicts_with_develop(tmp_path: Path) -> None:
    project = conflicting(
        tmp_path / "project", release={"app.txt": THEIRS}, develop={"app.txt": "one\ndevelop\nthree\n"}
    )
    assert project.invoke(*FINISH, "--pr").code == 0
    project.git("switch", "-q", "main")
    project.git("merge", "-q", "--squash", "release/v1.0.0")
    project.git("commit", "-q", "-m", "release (#1)")
    project.git("push", "-q", "origin", "main")
    landed = project.ref("main")
    place = stopped(project, branch="develop")
    resolve(project, place)
    ended = project.invoke("release.resume")
    assert ended.code == 0, ended.text
    assert project.ref("v1.0.0^{commit}") == project.ref("main") == landed
    assert project.at("develop", "app.txt") == "one\nboth\nthree"
    assert project.remote_ref("develop") == project.ref("develop")


SECTION = "# Changelog\n\n## [0.9.0] - 2023-01-01\n\n- {}\n"


@pytest.mark.thorough
def test_a_section_of_the_changelog_changed_on_both_sides(tmp_path: Path) -> None:
    project = conflicting(
        tmp_path / "project",
        base={"CHANGELOG.md": SECTION.format("old")},
        main={"CHANGELOG.md": SECTION.format("from main")},
    )
    text = project.read("CHANGELOG.md")
    change(project, {"CHANGELOG.md": text.replace("- old", "- from the release")})
    ended = project.invoke(*FINISH)
    assert (ended.code, "conflicts in CHANGELOG.md (lines " in ended.err) == (6, True), ended.text
    assert "CONFLICT (changelog): CHANGELOG.md: 0.9.0 changed on both sides" in ended.err
    place = project.folder / "work-merge-main"
    marked = (place / "CHANGELOG.md").read_text()
    assert marked.count("<<<<<<< main") == 1
    head, _, rest = marked.partition("<<<<<<< main\n")
    (place / "CHANGELOG.md").write_text(head + "- from both\n" + rest.partition(">>>>>>> release/v1.0.0\n")[2])
    project.git("add", "CHANGELOG.md", cwd=place)
    ended = project.invoke("release.resume")
    assert ended.code == 0, ended.text
    released(project)
    assert project.at("main", "CHANGELOG.md").count("from both") == 1
    assert "## [1.0.0] - " in project.at("main", "CHANGELOG.md")


def gated(folder: Path, condition: str) -> Project:
    """A project whose merge into main conflicts, with a gate that tests a condition."""
    settings = PYPROJECT.replace("gates = []", 'gates = ["tests"]')
    return conflicting(
        folder,
        base={"pyproject.toml": settings, "noxfile.py": HEAD + session(shell(condition))},
        main={"app.txt": OURS},
        release={"app.txt": THEIRS},
    )


@pytest.mark.thorough
def test_a_gate_that_fails_after_a_resolution_keeps_it(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    project = gated(tmp_path / "project", f"test -e {ready}")
    resolve(project, stopped(project))
    before = project.git("for-each-ref"), project.git("for-each-ref", cwd=project.remote)
    ended = project.invoke("release.resume")
    assert (ended.code, "what was resolved is kept" in ended.err) == (4, True), ended.text
    assert (project.git("for-each-ref"), project.git("for-each-ref", cwd=project.remote)) == before
    ready.touch()
    ended = project.invoke("release.resume")
    assert ended.code == 0, ended.text
    released(project)


def test_a_gate_judges_the_resolution(tmp_path: Path) -> None:
    """The branch was green, and main was; what a person made of both is not."""
    project = gated(tmp_path / "project", "! grep both app.txt")
    place = stopped(project)
    before = everything(project)
    resolve(project, place)
    ended = project.invoke("release.resume")
    assert (ended.code, f"to be edited in {place}" in ended.err) == (4, True), ended.text
    assert everything(project) == before
    resolve(project, place, "one\nbetter\nthree\n")
    ended = project.invoke("release.resume")
    assert ended.code == 0, ended.text
    released(project)


@pytest.mark.thorough
def test_a_gate_that_fails_leaves_no_journal(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    settings = PYPROJECT.replace("gates = []", 'gates = ["tests"]')
    noxfile = HEAD + session(shell(f"test -e {ready}"))
    project = open_release(tmp_path / "project", {"pyproject.toml": settings, "noxfile.py": noxfile})
    refuses(project, *FINISH, code=4, says="gate tests")
    ready.touch()
    assert project.invoke(*FINISH).code == 0
    released(project)
