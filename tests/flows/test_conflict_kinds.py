"""Every kind of conflict that git knows: handed over as git does it, and resolved with git as always."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, NamedTuple

from finishing import BRANCH, FINISH, change, conflicting, open_release, released, stopped

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support import Project


def resumes(project: Project) -> None:
    ended = project.invoke("release.resume")
    assert ended.code == 0, ended.text
    released(project)


class Kind(NamedTuple):
    """A file on the three sides (None: absent), how a person resolves it with git, and what it then holds."""

    base: str | bytes | None
    main: str | bytes | None
    release: str | bytes | None
    command: tuple[str, ...]
    held: str | None


KINDS = {
    "modified-deleted": Kind("1\n2\n3\n", "1\nm\n3\n", None, ("rm", "-q"), None),
    "deleted-modified": Kind("a\nb\nc\n", None, "a\nr\nc\n", ("add",), "a\nr\nc"),
    "added-twice": Kind(None, "main\n", "release\n", ("checkout", "-q", "--ours"), "main"),
    "binary": Kind(b"\0base", b"\0main", b"\0release", ("checkout", "-q", "--theirs"), "\0release"),
    "modified-twice": Kind("4\n5\n6\n", "4\nm\n6\n", "4\nr\n6\n", ("rm", "-q"), None),
}


def test_every_kind_of_conflict_is_resolved_with_git_as_always(tmp_path: Path) -> None:
    def side(name: str) -> dict[str, str | bytes | None]:
        held = {path: getattr(kind, name) for path, kind in KINDS.items()}
        return {path: one for path, one in held.items() if one is not None or KINDS[path].base is not None}

    base = {path: content for path, content in side("base").items() if content is not None}
    main, release = side("main"), side("release")
    project = conflicting(tmp_path / "project", base=base, main=main, release=release)
    place = stopped(project)
    assert set(project.git("diff", "--name-only", "--diff-filter=U", cwd=place).split()) == set(KINDS)
    for path, kind in KINDS.items():
        project.git(*kind.command, "--", path, cwd=place)
    project.git("add", "-A", cwd=place)
    resumes(project)
    there = project.git("ls-tree", "--name-only", "main").split()
    assert {path: project.at("main", path) if path in there else None for path in KINDS} == {
        path: kind.held for path, kind in KINDS.items()
    }


def test_both_sides_renamed_a_file(tmp_path: Path) -> None:
    text = "".join(f"line {number}\n" for number in range(20))
    project = conflicting(
        tmp_path / "project",
        base={"x": text},
        main={"x": None, "y": text},
        release={"x": None, "z": text},
    )
    place = stopped(project)
    assert set(project.git("diff", "--name-only", "--diff-filter=U", cwd=place).split()) == {"x", "y", "z"}
    project.git("rm", "-q", "--cached", "x", cwd=place)
    project.git("rm", "-q", "-f", "y", cwd=place)
    project.git("add", "z", cwd=place)
    resumes(project)
    assert project.git("ls-tree", "--name-only", "main", "x", "y", "z") == "z"


def test_a_file_against_a_folder(tmp_path: Path) -> None:
    project = conflicting(tmp_path / "project", main={"x": "file\n"}, release={"x/y": "below\n"})
    place = stopped(project)
    name = next(one.name for one in place.iterdir() if one.name.startswith("x~"))
    assert project.git("ls-files", "-u", "--", name, cwd=place) != ""
    project.git("mv", name, "moved", cwd=place, check=False)
    shutil.move(place / name, place / "moved")
    project.git("add", "-A", cwd=place)
    resumes(project)
    assert project.at("main", "moved") == "file"
    assert project.at("main", "x/y") == "below"


def test_a_file_against_a_link(tmp_path: Path) -> None:
    def link(project: Project) -> None:
        (project.path / "x").unlink()
        (project.path / "x").symlink_to("VERSION")

    project = apart(tmp_path / "project", main=lambda project: project.write("x", "main\n"), release=link)
    place = stopped(project)
    assert project.git("diff", "--name-only", "--diff-filter=U", cwd=place).split() == ["x", "x~main"]
    project.git("rm", "-q", "x~main", cwd=place)
    project.git("add", "x", cwd=place)
    resumes(project)
    assert project.git("ls-tree", "main", "x", "x~main").startswith("120000 blob")


def test_a_file_made_in_a_folder_that_was_renamed(tmp_path: Path) -> None:
    def rename(project: Project) -> None:
        (project.path / "old").rename(project.path / "new")

    project = apart(tmp_path / "project", main=rename, release=lambda project: project.write("old/more", "more\n"))
    place = stopped(project)
    assert project.git("diff", "--name-only", "--diff-filter=U", cwd=place) == "new/more"
    project.git("add", "-A", cwd=place)
    resumes(project)
    assert project.at("main", "new/more") == "more"


def test_a_submodule_that_moved_on_both_sides(tmp_path: Path) -> None:
    project = open_release(tmp_path / "project")
    library = project.folder / "library"
    project.git("init", "-q", str(library), cwd=project.folder)
    first = change(project, {"lib.txt": "1\n"}, at=library)
    ours = change(project, {"lib.txt": "2\n"}, at=library)
    project.git("checkout", "-q", "--detach", first, cwd=library)
    theirs = change(project, {"lib.txt": "3\n"}, at=library)
    for branch, commit in (("main", ours), (BRANCH, theirs)):
        project.git("switch", "-q", branch)
        project.git("update-index", "--add", "--cacheinfo", f"160000,{commit},lib")
        project.git("commit", "-q", "-m", "fix: lib")
        (project.path / "lib").mkdir(exist_ok=True)
        project.git("push", "-q", "origin", branch)
    ended = project.invoke(*FINISH)
    assert (ended.code, f"lib is a submodule; choose {ours} or {theirs}" in ended.err) == (6, True), ended.text
    command = ended.err.partition("or another: git ")[2].split("\n")[0].replace("COMMIT", theirs)
    project.git(*command.split(), cwd=project.folder / "work-merge-main")
    resumes(project)
    assert project.ref("main:lib") == theirs


def apart(folder: Path, *, main: Callable[[Project], None], release: Callable[[Project], None]) -> Project:
    """Make a project whose branches did these things to a file x and to a folder old."""
    text = "".join(f"line {number}\n" for number in range(20))
    project = open_release(folder, {"x": "base\n", "old/one": text, "old/two": f"{text}two\n"})
    for branch, change_it in (("main", main), (BRANCH, release)):
        project.git("switch", "-q", branch)
        change_it(project)
        project.git("add", "-A")
        project.git("commit", "-q", "-m", "fix: change")
        project.git("push", "-q", "origin", branch)
    return project
