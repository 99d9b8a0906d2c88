"""Features: merged with --no-ff into a develop that keeps its version; only develop and the deletion are pushed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from releasing import done, parents, pushed, refuses, said, says, type_in
from support import FILES, Project, git_flow, thorough

if TYPE_CHECKING:
    from pathlib import Path


def started(project: Project, name: str = "a", *words: str) -> None:
    done(project.invoke("feature.start", name, *words))
    project.commit(f"feat: {name}", {f"{name}.feature": "x\n"})


def test_a_feature_of_one_commit_is_merged_with_a_merge_commit(project: Project) -> None:
    develop = project.ref("develop")
    started(project)
    tip = project.ref("HEAD")
    done(project.invoke("feature.finish", "--yes"), "feature/a is merged into develop, pushed to origin")
    assert parents(project, "develop") == [develop, tip]
    assert project.git("symbolic-ref", "HEAD") == "refs/heads/develop"
    assert project.git("status", "--porcelain") == ""
    assert not project.ref("feature/a")
    says(project, "develop", "0.9.0")
    pushed(project)


def test_only_develop_and_the_deletion_are_pushed(project: Project) -> None:
    started(project, "a", "--push", "--yes")
    project.git("switch", "-q", "main")
    project.commit("fix: only here", {"here.txt": "x\n"})
    main = project.remote_ref("main")
    done(project.invoke("feature.finish", "--yes"))
    assert project.remote_ref("main") == main
    assert not project.remote_ref("feature/a")
    assert project.remote_ref("develop") == project.ref("develop")
    assert project.git("branch", "--show-current") == "main"


@pytest.mark.parametrize(
    ("has_moved", "everywhere"), [(False, True), (True, False), *thorough((False, False), (True, True))]
)
def test_develop_keeps_its_version_whatever_the_feature_says(
    project: Project, has_moved: bool, everywhere: bool
) -> None:
    started(project)
    if everywhere:
        done(project.invoke("bump", "2.0.0"))
        project.commit("chore: bump")
    else:
        project.commit("chore: bump", {"VERSION": "2.0.0\n"})
    if has_moved:
        project.git("switch", "-q", "develop")
        project.commit("fix: meanwhile", {"meanwhile.txt": "x\n"})
    done(project.invoke("feature.finish", "--yes"), "feature/a says 2.0.0: develop stays at 0.9.0")
    says(project, "develop", "0.9.0")
    assert project.at("develop", "a.feature") == "x"


def test_a_feature_older_than_a_release_brings_no_old_version_back(project: Project) -> None:
    started(project)
    project.git("switch", "-q", "develop")
    done(project.invoke("bump", "1.1.0.dev0"))
    project.commit("chore: open 1.1.0.dev0")
    said_then = done(project.invoke("feature.finish", "--yes"))
    assert "stays at" not in said_then
    says(project, "develop", "1.1.0.dev0")


def test_without_a_version_file_nothing_is_written_into_sites(tmp_path: Path) -> None:
    project = git_flow(tmp_path / "p", {path: text for path, text in FILES.items() if path != "VERSION"})
    started(project)
    project.git("switch", "-q", "develop")
    project.commit("fix: meanwhile", {"meanwhile.txt": "x\n"})
    before = project.at("develop", "pyproject.toml"), project.at("develop", "chart/Chart.yaml")
    done(project.invoke("feature.finish", "--yes"))
    assert (project.at("develop", "pyproject.toml"), project.at("develop", "chart/Chart.yaml")) == before
    assert {"a.feature", "meanwhile.txt"} <= set(project.git("ls-tree", "--name-only", "develop").split())


def test_a_feature_can_bring_the_version_file(tmp_path: Path) -> None:
    project = git_flow(tmp_path / "p", {path: text for path, text in FILES.items() if path != "VERSION"})
    started(project)
    project.commit("feat: adopt", {"VERSION": "1.0.0.dev0\n"})
    project.git("switch", "-q", "develop")
    project.commit("fix: meanwhile", {"meanwhile.txt": "x\n"})
    done(project.invoke("feature.finish", "--yes"))
    assert said(project, "develop") == {"1.0.0.dev0", "1.0.0-0.dev.0"}


def test_a_feature_without_commits_is_refused(project: Project) -> None:
    done(project.invoke("feature.start", "a"))
    refuses(project, "feature.finish", "--yes", says="feature/a has no commit that develop has not")


def test_a_conflict_is_handed_over_and_resume_completes_it_wherever_head_is(project: Project) -> None:
    started(project, "other")
    started(project)
    project.git("reset", "-q", "--hard", "develop")
    project.commit("feat: here", {"a.txt": "feature\n"})
    project.git("switch", "-q", "develop")
    develop = project.commit("fix: there", {"a.txt": "develop\n"})
    project.git("switch", "-q", "feature/a")
    before = project.git("for-each-ref")
    ended = project.invoke("feature.finish", "--yes")
    assert ended.code == 6
    assert "merging into develop conflicts in a.txt (lines 1-5): nothing has moved" in ended.err
    assert project.git("for-each-ref") == before
    place = next(path for path in project.folder.iterdir() if "merge-develop" in path.name)
    (place / "a.txt").write_text("both\n")
    project.git("add", "a.txt", cwd=place)
    project.git("switch", "-q", "develop")
    done(project.invoke("release.resume"), "feature/a is merged into develop")
    assert project.at("develop", "a.txt") == "both"
    assert parents(project, "develop")[0] == develop
    assert not project.ref("feature/a")
    assert project.ref("feature/other")
    assert not place.exists()
    says(project, "develop", "0.9.0")
    assert project.remote_ref("develop") == project.ref("develop")


@pytest.mark.parametrize("kept", [False, True])
def test_without_a_push_the_printed_commands_push_it_and_take_it_back(project: Project, kept: bool) -> None:
    started(project, "a", "--push", "--yes")
    words = ["feature.finish", "--no-push", *(["--keep"] if kept else [])]
    before = project.git("for-each-ref")
    type_in(project, project.invoke(*words), "undo")
    assert project.git("for-each-ref") == before
    assert project.git("branch", "--show-current") == "feature/a"
    assert project.git("status", "--porcelain") == ""
    type_in(project, project.invoke(*words), "next")
    assert project.remote_ref("develop") == project.ref("develop")
    assert project.remote_ref("feature/a") == project.ref("refs/heads/feature/a")
    assert bool(project.ref("refs/heads/feature/a")) is kept


def test_the_undo_command_of_a_pushed_feature_takes_its_changes_out_of_develop(project: Project) -> None:
    started(project)
    before = project.ref("develop^{tree}")
    ended = project.invoke("feature.finish", "--yes")
    project.git("switch", "-q", "main")
    project.git("config", "core.editor", "true")
    type_in(project, ended, "undo")
    assert project.ref("develop^{tree}") == before


def test_features_with_slashes_and_with_the_prefix_are_found(project: Project) -> None:
    started(project, "team/b")
    project.git("switch", "-q", "develop")
    for name in ("team/b", "feature/team/b"):
        done(project.invoke("feature.finish", "--name", name, "--dry-run"), "feature/team/b is merged")
    refuses(project, "feature.start", "team", says="git cannot hold the branches")
    refuses(project, "feature.start", "team/b", says="feature/team/b is already open")
    refuses(project, "feature.start", "a..b", code=2, says="a..b")


def test_trunk_mode_merges_features_into_main(tmp_path: Path) -> None:
    text = FILES["pyproject.toml"] + 'develop = "main"\n'
    project = git_flow(tmp_path / "p", {**FILES, "pyproject.toml": text})
    started(project)
    done(project.invoke("feature.finish", "--yes"), "feature/a is merged into main")
    assert project.git("branch", "--show-current") == "main"
    says(project, "main", "0.9.0")
    assert project.remote_ref("main") == project.ref("main")


def test_a_name_that_a_shell_would_obey_is_a_word_in_every_command(project: Project) -> None:
    name = "a;touch${IFS}pwned"
    opened = done(project.invoke("feature.start", name))
    project.commit("feat: a", {"a.txt": "x\n"})
    tip = project.ref("HEAD")
    dropped = project.invoke("feature.drop", "--yes")
    type_in(project, dropped, "undo")
    assert project.ref(f"refs/heads/feature/{name}") == tip
    project.git("switch", "-q", f"feature/{name}")
    requested = project.invoke("feature.finish", "--pr", "--yes")
    for text in (opened, requested.err, refuses(project, "feature.start", name)):
        for line in text.splitlines():
            if f"{name}'" in line and ("invoke" in line or "git" in line):
                assert f"'feature/{name}'" in line
    assert not (project.path / "pwned").exists()


def test_the_command_that_frees_a_branch_works_where_the_path_has_blanks(project: Project, tmp_path: Path) -> None:
    done(project.invoke("feature.start", "a"))
    project.git("switch", "-q", "develop")
    place = tmp_path / "two words;x"
    project.git("worktree", "add", "-q", str(place), "feature/a")
    said = refuses(project, "feature.drop", "--name", "a", "--yes")
    project.typed(said.splitlines()[-1].strip())
    done(project.invoke("feature.drop", "--name", "a", "--yes"))
