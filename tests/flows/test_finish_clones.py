"""Finishing in clones as they are found: in CI, bare with worktrees, partial, sparse, shallow, with submodules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from finishing import (
    BRANCH,
    FINISH,
    OLD,
    change,
    conflict_in_main,
    conflicting,
    open_release,
    refuses,
    released,
    resolve,
)
from support import Project, bare

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return open_release(tmp_path / "project")


def clone(project: Project, *options: str, url: str = "") -> Project:
    """Clone the remote once more beside the project."""
    other = Project(project.folder)
    other.path = project.folder / "clone"
    project.git("clone", "-q", *options, url or str(project.remote), str(other.path), cwd=project.folder)
    return other


def finishes(project: Project, *more: str) -> str:
    ended = project.invoke(*FINISH, *more)
    assert ended.code == 0, ended.text
    return ended.err


@pytest.fixture
def ci(project: Project) -> Project:
    """A checkout as CI makes it: HEAD detached, and no branch but those of the remote."""
    other = clone(project, "--no-checkout")
    project.git("checkout", "-q", "--detach", f"origin/{BRANCH}", cwd=other.path)
    project.git("branch", "-D", "main", cwd=other.path)
    return other


def test_a_ci_checkout_finishes_with_the_branches_of_the_remote(ci: Project) -> None:
    head = ci.ref("HEAD")
    finishes(ci)
    assert ci.git("for-each-ref", "refs/heads") == ""
    assert ci.ref("HEAD") == head
    assert ci.git("status", "--porcelain") == ""
    assert ci.ref("v1.0.0^{commit}") == ci.ref("origin/main") == ci.remote_ref("main")
    assert ci.at("origin/develop", "VERSION") == "1.1.0.dev0"
    assert ci.remote_ref(BRANCH) == ""


def test_a_ci_checkout_without_a_push_gets_branches_and_the_commands_that_push_or_undo(ci: Project) -> None:
    refs, remote = ci.git("for-each-ref"), ci.git("for-each-ref", cwd=ci.remote)
    undo = finishes(ci, "--no-push").partition("undo: ")[2].split("\n")[0]
    assert ci.git("for-each-ref", cwd=ci.remote) == remote
    assert ci.ref("v1.0.0^{commit}") == ci.ref("refs/heads/main")
    ci.typed(undo)
    assert ci.git("for-each-ref") == refs
    push = finishes(ci, "--no-push").partition("next: ")[2].split("\n")[0]
    ci.git(*push.split()[1:])
    released(ci)


def test_a_branch_cloned_alone_ends_detached_and_says_so(project: Project) -> None:
    other = clone(project, "-b", BRANCH, "--single-branch")
    said = finishes(other)
    assert "its branch is not here" in said
    assert other.git("branch", "--show-current") == ""
    assert other.ref("HEAD") == other.remote_ref("develop")
    assert other.git("status", "--porcelain") == ""


def test_a_bare_repository_with_worktrees(project: Project) -> None:
    store = project.folder / "store.git"
    project.git("clone", "-q", "--bare", str(project.remote), str(store), cwd=project.folder)
    work = Project(project.folder)
    work.path = project.folder / "tree"
    project.git("worktree", "add", "-q", str(work.path), BRANCH, cwd=store)
    finishes(work)
    assert work.git("branch", "--show-current") == "develop"
    assert work.git("status", "--porcelain") == ""
    assert work.ref("v1.0.0^{commit}") == work.ref("main") == work.remote_ref("main")


def partly(project: Project, wanted: str) -> Project:
    for key in ("uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"):
        project.git("config", key, "true", cwd=project.remote)
    return clone(project, f"--filter={wanted}", "-b", BRANCH, url=f"file://{project.remote}")


@pytest.mark.parametrize("wanted", ["blob:none", "tree:0"])
def test_a_partial_clone_gets_what_its_merges_need(tmp_path: Path, wanted: str) -> None:
    project = conflicting(
        tmp_path / "project",
        develop={"app.txt": "ONE\ntwo\nthree\n"},
        release={"app.txt": "one\ntwo\nTHREE\n"},
    )
    other = partly(project, wanted)
    finishes(other)
    assert other.at("origin/develop", "app.txt") == "ONE\ntwo\nTHREE"


def test_a_conflict_in_a_partial_clone_is_handed_over(tmp_path: Path) -> None:
    project = conflicting(tmp_path / "project", main={"app.txt": "main\n"}, release={"app.txt": "release\n"})
    other = partly(project, "blob:none")
    assert other.invoke(*FINISH).code == 6
    resolve(other, project.folder / "clone-merge-main", "both\n")
    ended = other.invoke("release.resume")
    assert ended.code == 0, ended.text
    assert other.at("v1.0.0", "app.txt") == "both"


def test_a_sparse_checkout_stays_sparse(project: Project) -> None:
    change(project, {"deep/er/x.txt": "x\n"})
    project.git("push", "-q", "origin", BRANCH)
    project.git("sparse-checkout", "set", "src")
    finishes(project)
    released(project)
    assert not (project.path / "deep").exists()
    assert project.at("develop", "deep/er/x.txt") == "x"


def test_a_conflict_outside_a_sparse_checkout_is_resolved_as_always(tmp_path: Path) -> None:
    project = conflicting(
        tmp_path / "project", base={"deep/x": OLD}, main={"deep/x": "main\n"}, release={"deep/x": "release\n"}
    )
    project.git("sparse-checkout", "set", "src")
    assert project.invoke(*FINISH).code == 6
    place = project.folder / "work-merge-main"
    (place / "deep/x").write_text("both\n")
    project.git("add", "deep/x", cwd=place)
    ended = project.invoke("release.resume")
    assert ended.code == 0, ended.text
    released(project)
    assert project.at("main", "deep/x") == "both"


def test_a_shallow_clone_is_refused_with_the_command_that_completes_it(project: Project) -> None:
    other = clone(project, "--depth=3", "-b", BRANCH, url=f"file://{project.remote}")
    said = refuses(other, *FINISH, says="git fetch --unshallow --tags")
    assert "conflict" not in said
    other.git("fetch", "-q", "--unshallow", "--tags")
    other.git("remote", "set-branches", "origin", "*")
    finishes(other)


def with_submodule(project: Project) -> Path:
    """Add a submodule to the release branch; returns where it lies."""
    store, other = project.folder / "lib.git", project.folder / "lib"
    project.git("init", "-q", "--bare", str(store), cwd=project.folder)
    project.git("clone", "-q", str(store), str(other), cwd=project.folder)
    change(project, {"lib.txt": "1\n"}, at=other)
    project.git("push", "-q", "origin", "HEAD", cwd=other)
    project.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(store), "lib")
    project.git("commit", "-q", "-m", "fix: add lib")
    project.git("push", "-q", "origin", BRANCH)
    return project.path / "lib"


def test_a_clean_submodule_stays_as_it_is(project: Project) -> None:
    place = with_submodule(project)
    finishes(project)
    released(project)
    assert (place / "lib.txt").read_text() == "1\n"
    assert project.git("ls-tree", "main", "lib") == project.git("ls-tree", "develop", "lib") != ""


@pytest.mark.parametrize("dirt", ["edited", "committed"])
def test_a_dirty_submodule_is_refused(project: Project, dirt: str) -> None:
    place = with_submodule(project)
    (place / "lib.txt").write_text("2\n")
    if dirt == "committed":
        change(project, {"lib.txt": "3\n"}, at=place)
    said = refuses(project, *FINISH, says="submodules with changes: lib")
    assert (place / "lib.txt").read_text() == ("3\n" if dirt == "committed" else "2\n")
    project.typed(said.partition("put the changes aside: ")[2].strip())
    finishes(project)
    released(project)


def test_what_a_submodule_does_not_track_is_no_change(project: Project) -> None:
    place = with_submodule(project)
    (place / "notes").write_text("mine\n")
    finishes(project)
    assert (place / "notes").read_text() == "mine\n"


def test_no_develop_anywhere_is_refused(project: Project) -> None:
    project.git("branch", "-D", "develop")
    project.git("update-ref", "-d", "refs/heads/develop", cwd=project.remote)
    refuses(project, *FINISH, code=2, says='develop = "main"')


def test_no_main_anywhere_is_refused(project: Project) -> None:
    project.git("branch", "-D", "main")
    project.git("update-ref", "-d", "refs/heads/main", cwd=project.remote)
    refuses(project, *FINISH, code=2, says="there is no branch main or master")


def test_main_and_master_have_to_be_told_apart(project: Project) -> None:
    project.git("branch", "master")
    refuses(project, *FINISH, code=2, says="main = ")


@pytest.mark.parametrize("task", [("release.finish", "--yes"), ("hotfix.finish", "--yes"), ("release.abort",)])
def test_an_empty_a_bare_and_no_repository_are_one_message(tmp_path: Path, task: tuple[str, ...]) -> None:
    project = bare(tmp_path / "empty")
    places = [(project.remote, "bare repository"), (project.folder, "no git repository here")]
    if task != ("release.abort",):
        places.append((project.path, "no commit yet"))
    for place, says in places:
        ended = project.invoke(*task, cwd=place)
        assert (ended.code, says in ended.err) == (2, True), ended.text
        assert "Traceback" not in ended.err


def test_a_subfolder_is_as_good_as_the_root(project: Project) -> None:
    ended = project.invoke(*FINISH, cwd=project.path / "src/demo")
    assert ended.code == 0, ended.text
    released(project)


def stops_and_goes_on(project: Project, place: Path) -> None:
    """Finish over a conflict, once given up and once resolved."""
    assert project.invoke(*FINISH).code == 6
    assert project.invoke("release.abort").code == 0
    assert not place.exists()
    assert project.invoke(*FINISH).code == 6
    resolve(project, place)
    ended = project.invoke("release.resume")
    assert (ended.code, place.exists()) == (0, False), ended.text
    assert project.at("v1.0.0", "app.txt") == "one\nboth\nthree"


@pytest.mark.thorough
def test_a_conflict_in_a_bare_repository_with_worktrees(tmp_path: Path) -> None:
    project = conflict_in_main(tmp_path / "project")
    store = project.folder / "store.git"
    project.git("clone", "-q", "--bare", str(project.remote), str(store), cwd=project.folder)
    project.path = project.folder / "tree"
    project.git("worktree", "add", "-q", str(project.path), BRANCH, cwd=store)
    stops_and_goes_on(project, project.folder / "tree-merge-main")
    assert [one.name for one in (store / "worktrees").iterdir()] == ["tree"]


@pytest.mark.thorough
def test_a_conflict_in_a_submodule(tmp_path: Path) -> None:
    project = conflict_in_main(tmp_path / "project")
    outer = project.folder / "outer"
    project.git("init", "-q", str(outer), cwd=project.folder)
    add = ("submodule", "--quiet", "add", "-b", BRANCH, str(project.remote), "inner")
    project.git("-c", "protocol.file.allow=always", *add, cwd=outer)
    project.path = outer / "inner"
    stops_and_goes_on(project, outer / "inner-merge-main")


def test_a_conflict_below_folders_with_odd_names(tmp_path: Path) -> None:
    project = conflict_in_main(tmp_path / "a b ü'\"$x")
    stops_and_goes_on(project, project.folder / "work-merge-main")


def test_a_path_with_a_line_end_is_one_message(tmp_path: Path) -> None:
    project = open_release(tmp_path / "a\nb")
    ended = project.invoke(*FINISH)
    assert (ended.code, "line end" in ended.err) == (2, True), ended.text
