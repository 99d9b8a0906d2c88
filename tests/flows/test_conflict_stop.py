"""A finish that stops at a conflict: what is said, what a person gets, and that nothing has moved."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from finishing import (
    BRANCH,
    FINISH,
    OURS,
    THEIRS,
    conflict_in_both,
    conflict_in_develop,
    conflicting,
    everything,
    refuses,
    stopped,
)
from support import wrap_git

if TYPE_CHECKING:
    from pathlib import Path

    from support import Project

CHANGING = (
    ("bump", "2.0.0"),
    ("propagate",),
    ("propagate", "--commit"),
    ("changelog",),
    ("tag",),
    ("release.prepare", "2.0.0"),
    ("release.candidate", "--yes"),
    ("release.finish", "--yes"),
    ("release.drop", "--yes"),
    ("hotfix.start",),
    ("hotfix.finish", "--yes"),
    ("hotfix.drop", "--yes"),
    ("feature.start", "x"),
    ("feature.finish", "--yes"),
    ("feature.drop", "--yes"),
    ("support.start", "0.x"),
)


@pytest.fixture
def both(tmp_path: Path) -> Project:
    return conflict_in_both(tmp_path / "project")


def moves_nothing(before: dict[str, object], after: dict[str, object], place: Path) -> bool:
    """Whether a stop added its journal and its worktree, and changed nothing."""
    return (
        before
        | {"journal": True, "worktrees": after["worktrees"], "kept of them": after["kept of them"]}
        | {"beside": sorted([*before["beside"], place.name])}  # type: ignore[misc]
    ) == after


def test_all_conflicts_are_announced_together_before_anything_moves(both: Project) -> None:
    before = everything(both)
    ended = both.invoke(*FINISH)
    assert ended.code == 6, ended.text
    assert "merging into main conflicts in app.txt (lines 2-6): nothing has moved" in ended.err
    assert "predicted: the merge into develop will conflict too, in app.txt" in ended.err
    assert "invoke release.resume" in ended.err
    assert "invoke release.abort" in ended.err
    assert moves_nothing(before, everything(both), both.folder / "work-merge-main")


def test_the_person_gets_a_merge_in_progress_with_only_the_real_conflict_open(both: Project) -> None:
    place = stopped(both)
    assert both.git("rev-parse", "HEAD", "MERGE_HEAD^", cwd=place).split() == [both.ref("main"), both.ref(BRANCH)]
    assert both.git("symbolic-ref", "-q", "HEAD", cwd=place, check=False) == ""
    assert both.git("diff", "--name-only", "--diff-filter=U", cwd=place) == "app.txt"
    stages = both.git("ls-files", "-u", cwd=place).splitlines()
    contents = [both.git("cat-file", "blob", line.split()[1], cwd=place) for line in stages]
    assert contents == ["one\ntwo\nthree", OURS.strip(), THEIRS.strip()]
    assert (place / "VERSION").read_text() == "1.0.0\n"
    text = (place / "app.txt").read_text()
    assert text == "one\n<<<<<<< main\nmain\n=======\nrelease\n>>>>>>> release/v1.0.0\nthree\n"
    assert (both.path / ".git/worktrees/work-merge-main/MERGE_MSG").read_text() == "Merge into main\n"


def test_a_conflict_in_develop_alone_is_handed_over_there(tmp_path: Path) -> None:
    project = conflict_in_develop(tmp_path / "project")
    before = everything(project)
    place = stopped(project, branch="develop")
    assert moves_nothing(before, everything(project), place)
    assert project.git("rev-parse", "HEAD", cwd=place) == project.ref("develop")
    assert (place / "VERSION").read_text() == "1.1.0.dev0\n"
    merged = project.git("rev-parse", "MERGE_HEAD", cwd=place)
    assert project.git("rev-parse", f"{merged}^1", f"{merged}^2^") == f"{project.ref('main')}\n{project.ref(BRANCH)}"


def test_a_dry_run_names_the_conflicts_and_makes_nothing(both: Project) -> None:
    said = refuses(both, *FINISH, "--dry-run", code=6, says="merging into main conflicts in app.txt (lines 2-6)")
    assert "predicted: the merge into develop" in said
    assert "dry run, and nothing was made" in said
    assert "release.resume" not in said


def test_every_changing_task_is_refused_and_names_the_merge(both: Project) -> None:
    place = stopped(both)
    for words in CHANGING:
        said = refuses(both, *words, says="invoke release.resume    or undo: invoke release.abort")
        assert f"the merge into main is in progress in {place}" in said
        refuses(both, *words, "--dry-run", says="invoke release.resume")


def test_status_says_where_the_merge_is(both: Project) -> None:
    place = stopped(both)
    before = everything(both)
    shown = both.invoke("release.status")
    assert shown.code == 0
    assert f"the merge into main is in progress in {place}" in shown.out
    assert "next: " in shown.out
    assert "invoke release.resume" in shown.out
    facts = json.loads(both.invoke("release.status", "--json").out)
    task = "release.finish --version 1.0.0"
    assert facts["in_progress"] == {
        "task": task,
        "phase": "conflict",
        "why": f"{task} stopped at a conflict: the merge into main is in progress in {place}",
        "worktree": str(place),
        "can_undo": True,
    }
    assert everything(both) == before


def test_tasks_that_only_look_still_work(both: Project) -> None:
    stopped(both)
    before = everything(both)
    for words in (("version",), ("release.config",), ("release.check",)):
        assert both.invoke(*words).code in (0, 3)
    assert everything(both) == before


@pytest.mark.thorough
def test_kinds_of_conflict_that_have_no_lines_are_named(tmp_path: Path) -> None:
    project = conflicting(
        tmp_path / "project",
        base={"gone.txt": "a\nb\nc\n", "logo.bin": b"\0one"},
        main={"gone.txt": "a\nB\nc\n", "logo.bin": b"\0two", "new.txt": "main\n"},
        release={"gone.txt": None, "logo.bin": b"\0three", "new.txt": "release\n"},
    )
    ended = project.invoke(*FINISH)
    assert ended.code == 6
    assert "conflicts in gone.txt, logo.bin, new.txt (lines 1-5): nothing has moved" in ended.err
    assert "CONFLICT (modify/delete): gone.txt deleted in release/v1.0.0 and modified in main." in ended.err
    assert "binary" in ended.err


@pytest.mark.thorough
def test_a_name_with_a_line_end_cannot_forge_a_message(tmp_path: Path) -> None:
    name = "a\nerror: forged"
    project = conflicting(tmp_path / "project", base={name: "1\n"}, main={name: "2\n"}, release={name: None})
    ended = project.invoke(*FINISH)
    assert ended.code == 6
    assert "\nerror: forged" not in ended.err
    assert "\n  forged" not in ended.err


@pytest.mark.thorough
@pytest.mark.parametrize("taken", ["folder", "file", "link"])
def test_what_lies_where_the_worktree_would_go_is_left_alone(both: Project, taken: str) -> None:
    place = both.folder / "work-merge-main"
    if taken == "folder":
        place.mkdir()
    elif taken == "file":
        place.write_text("mine\n")
    else:
        place.symlink_to("nowhere")
    ended = both.invoke(*FINISH)
    assert (ended.code, f"in progress in {place}-2" in ended.err) == (6, True), ended.text
    assert both.invoke("release.abort").code == 0
    assert place.is_dir() if taken == "folder" else place.is_symlink() or place.read_text() == "mine\n"
    assert not place.with_name("work-merge-main-2").exists()


def test_where_nothing_can_be_made_beside_the_project_it_goes_into_the_git_folder(
    both: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything(both)
    monkeypatch.setattr("os.access", lambda path, _mode: str(path) != str(both.folder))
    ended = both.invoke(*FINISH)
    place = both.path / ".git/release/work-merge-main"
    assert (ended.code, f"in progress in {place}" in ended.err) == (6, True), ended.text
    assert both.git("status", "--porcelain", "app.txt", cwd=place) == "UU app.txt"
    assert both.invoke("release.abort").code == 0
    assert everything(both) == before
    assert not place.exists()


def test_a_merge_that_git_could_not_make_is_no_conflict(
    both: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """git tells a conflict by status 1 and a tree; status 1 alone tells nothing."""
    wrap_git(tmp_path / "bin", 'case "$*" in *merge-tree*) exit 1 ;; esac\nexec "$GIT" "$@"\n', monkeypatch)
    refuses(both, *FINISH, code=1, says="git merge-tree failed")
