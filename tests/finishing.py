"""Projects with a release to finish, some of them with merges that conflict, and what a refusal leaves alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support import FILES, copied, git_flow

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from support import Ended, Project

BRANCH = "release/v1.0.0"
FINISH = ("release.finish", "--version", "1.0.0", "--yes")
OLD, OURS, THEIRS = "one\ntwo\nthree\n", "one\nmain\nthree\n", "one\nrelease\nthree\n"


def open_release(folder: Path, files: Mapping[str, str | bytes] | None = None) -> Project:
    """Make a project with release/v1.0.0 open: one fix on it, pushed and checked out."""

    def build(place: Path) -> None:
        project = git_flow(place, {**FILES, "app.txt": OLD, **(files or {})})
        assert project.invoke("release.prepare", "1.0.0").code == 0
        project.commit("fix: the release", {"fix.txt": "fixed\n"})
        project.git("push", "-q", "origin", BRANCH)

    return copied(folder, f"open {files}", build)


def conflicting(
    folder: Path,
    *,
    main: Mapping[str, str | bytes | None] | None = None,
    release: Mapping[str, str | bytes | None] | None = None,
    develop: Mapping[str, str | bytes | None] | None = None,
    base: Mapping[str, str | bytes] | None = None,
) -> Project:
    """Make such a project with one more commit on these branches (None removes a file); the release is checked out."""

    def build(place: Path) -> None:
        project = open_release(place, base)
        for branch, files in (("main", main), ("develop", develop), (BRANCH, release)):
            project.git("switch", "-q", branch)
            if files is not None:
                change(project, files)
                project.git("push", "-q", "origin", branch)

    return copied(folder, f"conflicting {main} {release} {develop} {base}", build)


def change(project: Project, files: Mapping[str, str | bytes | None], *, at: Path | None = None) -> str:
    """Commit these files in a worktree; None removes one."""
    where = at or project.path
    for path, content in files.items():
        place = where / path
        if content is None:
            place.unlink()
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content if isinstance(content, bytes) else content.encode())
    project.git("add", "-A", cwd=where)
    project.git("commit", "-q", "--allow-empty", "-m", "fix: change", cwd=where)
    return project.git("rev-parse", "HEAD", cwd=where)


def conflict_in_main(folder: Path) -> Project:
    """Make a project whose merge into main conflicts in app.txt."""
    return conflicting(folder, main={"app.txt": OURS}, release={"app.txt": THEIRS})


def conflict_in_develop(folder: Path) -> Project:
    """Make a project whose merge back into develop conflicts in app.txt."""
    return conflicting(folder, develop={"app.txt": "one\ndevelop\nthree\n"}, release={"app.txt": THEIRS})


def conflict_in_both(folder: Path) -> Project:
    """Make a project whose merges into main and into develop conflict in app.txt."""
    return conflicting(
        folder,
        main={"app.txt": OURS},
        develop={"app.txt": "one\ndevelop\nthree\n"},
        release={"app.txt": THEIRS},
    )


def stopped(project: Project, *more: str, branch: str = "main") -> Path:
    """Finish the release, which stops at a conflict; returns the worktree with the merge."""
    ended = project.invoke(*FINISH, *more)
    assert ended.code == 6, ended.text
    place = project.folder / f"work-merge-{branch}"
    assert f"the merge is in progress in {place}" in ended.err, ended.text
    return place


def resolve(project: Project, place: Path, content: str = "one\nboth\nthree\n", *, commit: bool = False) -> None:
    """Resolve app.txt in the worktree of a merge: stage it, or also commit."""
    (place / "app.txt").write_text(content)
    project.git("add", "-A", cwd=place)
    if commit:
        project.git("commit", "-q", "-m", "resolved", cwd=place)


def everything(project: Project) -> dict[str, object]:
    """The state of a project, with its worktrees, what git keeps of them, and what lies beside it."""
    worktrees = project.path / ".git" / "worktrees"
    return {
        **project.state(),
        "worktrees": project.git("worktree", "list", "--porcelain"),
        "kept of them": sorted(map(str, worktrees.rglob("*"))) if worktrees.exists() else None,
        "beside": sorted(place.name for place in project.folder.iterdir()),
    }


def refuses(project: Project, *words: str, code: int = 3, says: str = "") -> str:
    """Assert that a task ends with `code` and one message, and that nothing at all has changed."""
    before = everything(project)
    ended = project.invoke(*words)
    after = everything(project)
    assert ended.code == code, ended.text
    assert {name for name, value in before.items() if after[name] != value} == set(), ended.text
    assert says in ended.err, ended.text
    return ended.err


def hook(project: Project, name: str, script: str, *, remote: bool = True) -> Path:
    """Put a hook into the remote, or into the project."""
    place = (project.remote if remote else project.path / ".git") / "hooks" / name
    place.parent.mkdir(exist_ok=True)
    place.write_text(f"#!/bin/sh\n{script}\n")
    place.chmod(0o755)
    return place


def released(project: Project, version: str = "1.0.0") -> None:
    """Assert that the release is whole, here and at the remote."""
    tag = f"v{version}"
    assert project.git("cat-file", "-t", tag) == "tag"
    assert project.ref(f"{tag}^{{commit}}") == project.ref("main")
    assert project.at("main", "VERSION") == version
    assert project.git("merge-base", "--is-ancestor", tag, "develop") == ""
    assert project.at("develop", "VERSION") == "1.1.0.dev0"
    for name in ("refs/heads/main", "refs/heads/develop", f"refs/tags/{tag}"):
        assert project.remote_ref(name) == project.ref(name) != "", name
    assert project.ref(f"refs/heads/{BRANCH}") == project.remote_ref(f"refs/heads/{BRANCH}") == ""
    assert project.git("status", "--porcelain") == ""
    assert not (project.path / ".git/release/journal.json").exists()
    assert not (project.path / ".git/worktrees").exists()


def aborts(project: Project, before: dict[str, object], cwd: Path | None = None) -> Ended:
    """Assert that an abort brings everything back that was `before`."""
    ended = project.invoke("release.abort", cwd=cwd)
    assert ended.code == 0, ended.text
    after = everything(project)
    assert {name for name, value in before.items() if after[name] != value} == set()
    return ended


def completes(project: Project) -> None:
    """Resolve what resume hands over, and go on to the end."""
    handed = project.invoke("release.resume")
    assert (handed.code, "not resolved in" in handed.err) == (6, True), handed.text
    resolve(project, project.folder / "work-merge-main")
    ended = project.invoke("release.resume")
    assert ended.code == 0, ended.text
    released(project)
