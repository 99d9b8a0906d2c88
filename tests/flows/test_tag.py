"""`tag`: where a version may be tagged, what is pushed with it, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support import FILES, PYPROJECT, Ended, Project, bare, thorough

if TYPE_CHECKING:
    from pathlib import Path


def done(project: Project, *words: str) -> Ended:
    ended = project.invoke(*words)
    assert ended.code == 0, ended.text
    return ended


def refuses(project: Project, *words: str, code: int = 3, says: str = "") -> str:
    before = project.state(times=True)
    ended = project.invoke(*words)
    assert (ended.code, project.state(times=True) == before) == (code, True), ended.text
    assert says in ended.err, ended.text
    return ended.err


def at(project: Project, version: str, message: str = "chore: set the version") -> str:
    """Commit a version at every site."""
    done(project, "bump", version)
    return project.commit(message)


@pytest.fixture
def bumped(project: Project) -> Project:
    """Return the project on main, where 1.0.0 is committed and pushed, as after a pull request."""
    project.git("switch", "-q", "main")
    at(project, "1.0.0")
    project.git("push", "-q", "origin", "main")
    return project


def test_it_tags_head_with_an_annotated_tag_and_does_nothing_else(bumped: Project) -> None:
    before = bumped.state()
    ended = done(bumped, "tag")
    after = bumped.state()
    assert bumped.git("cat-file", "-t", "v1.0.0") == "tag"
    assert bumped.ref("v1.0.0^{commit}") == bumped.ref("main")
    bumped.git("update-ref", "-d", "refs/tags/v1.0.0")
    assert {**after, "refs": ""} == {**before, "refs": ""}
    assert bumped.git("for-each-ref") == before["refs"]
    assert "v1.0.0 is tagged on" in ended.err
    assert "next: git push --atomic origin v1.0.0" in ended.err
    assert "undo: git tag -d v1.0.0" in ended.err


def test_with_push_only_the_tag_goes_to_the_remote(bumped: Project) -> None:
    refs = bumped.git("for-each-ref", "refs/heads", cwd=bumped.remote)
    ended = done(bumped, "tag", "--push", "--yes", "--message", "The first")
    assert bumped.ref("refs/tags/v1.0.0") == bumped.remote_ref("refs/tags/v1.0.0")
    assert bumped.git("for-each-ref", "refs/heads", cwd=bumped.remote) == refs
    assert bumped.git("tag", "-l", "--format=%(contents)", "v1.0.0") == "The first"
    assert "pushing v1.0.0 to origin" in ended.err
    assert "undo: it is published" in ended.err


def test_the_message_may_stand_in_a_file(bumped: Project) -> None:
    place = bumped.folder / "notes"
    place.write_text("Words\n\nand more\n")
    refuses(bumped, "tag", "--message", "x", "--message-file", str(place), code=2, says="both")
    done(bumped, "tag", "--message-file", str(place))
    assert bumped.git("tag", "-l", "--format=%(contents)", "v1.0.0") == "Words\n\nand more"


def test_a_dry_run_shows_the_very_tag(bumped: Project) -> None:
    before = bumped.state(times=True)
    shown = done(bumped, "tag", "--push", "--dry-run")
    assert bumped.state(times=True) == before
    done(bumped, "tag", "--push", "--yes")
    assert f"push   origin refs/tags/v1.0.0 (none) → {bumped.ref('refs/tags/v1.0.0')}" in shown.out
    assert "no gates configured" in shown.out


def test_push_asks_and_without_a_terminal_needs_yes(bumped: Project) -> None:
    refuses(bumped, "tag", "--push", code=2, says="--yes")
    before = bumped.state()
    assert bumped.invoke("tag", "--push", answer="n").code == 3
    assert bumped.state() == before
    assert bumped.invoke("tag", "--push", answer="y").code == 0


def test_what_is_tagged_at_head_already_is_nothing_to_do(bumped: Project) -> None:
    done(bumped, "tag", "--push", "--yes")
    for words in (("tag",), ("tag", "--push"), ("propagate", "--commit", "--tag"), ("tag", "--dry-run")):
        before = bumped.state(times=True)
        assert "v1.0.0 is there already: nothing to do" in done(bumped, *words).err
        assert bumped.state(times=True) == before


def test_a_tag_that_only_the_remote_has_is_nothing_to_do(bumped: Project) -> None:
    done(bumped, "tag", "--push", "--yes")
    bumped.git("tag", "-d", "v1.0.0")
    before = bumped.state(times=True)
    assert "v1.0.0 is there already: nothing to do" in done(bumped, "tag", "--push").err
    assert bumped.state(times=True) == before


@pytest.mark.parametrize("by_hand", [(), ("-a", "-m", "mine")])
def test_push_later_pushes_the_tag_that_is_there(bumped: Project, by_hand: tuple[str, ...]) -> None:
    bumped.git("tag", *by_hand, "v1.0.0")
    made = bumped.ref("refs/tags/v1.0.0")
    done(bumped, "tag", "--push", "--yes")
    assert bumped.remote_ref("refs/tags/v1.0.0") == bumped.ref("refs/tags/v1.0.0") == made


def test_push_later_brings_the_branch_that_the_remote_lacks(project: Project) -> None:
    project.git("switch", "-q", "main")
    at(project, "1.0.0")
    done(project, "tag")
    assert not project.remote_ref("v1.0.0")
    ended = done(project, "tag", "--push", "--yes")
    assert "pushing main, v1.0.0 to origin" in ended.err
    assert project.remote_ref("main") == project.remote_ref("v1.0.0^{commit}") == project.ref("main")


def test_a_commit_that_the_remote_lacks_is_pushed_with_its_tag_at_once(project: Project) -> None:
    project.git("switch", "-q", "main")
    at(project, "1.0.0")
    hook = project.remote / "hooks" / "pre-receive"
    hook.write_text(f"#!/bin/sh\ncat >> {project.folder}/seen\necho -- >> {project.folder}/seen\n")
    hook.chmod(0o755)
    done(project, "tag", "--push", "--yes")
    seen = (project.folder / "seen").read_text()
    assert [line.rpartition(" ")[2] for line in seen.splitlines()] == ["refs/heads/main", "refs/tags/v1.0.0", "--"]


def test_what_is_on_top_of_head_goes_to_the_remote_with_the_branch(project: Project) -> None:
    project.git("switch", "-q", "main")
    tagged = at(project, "1.0.0")
    project.commit("docs: later", {"later.txt": "l\n"})
    project.git("switch", "-q", "--detach", tagged)
    done(project, "tag", "--push", "--yes")
    assert project.remote_ref("v1.0.0^{commit}") == tagged
    assert project.remote_ref("main") == project.ref("main") != tagged


def test_a_branch_that_cannot_be_pushed_is_refused(bumped: Project) -> None:
    bumped.git("reset", "-q", "--hard", "HEAD~1")
    at(bumped, "1.0.1")
    refuses(bumped, "tag", "--push", "--yes", says="main has diverged")
    assert done(bumped, "tag").code == 0  # here alone nothing is in the way


def test_a_protected_branch_stops_tag_and_branch(project: Project) -> None:
    project.git("switch", "-q", "main")
    at(project, "1.0.0")
    hook = project.remote / "hooks" / "update"
    hook.write_text('#!/bin/sh\n[ "$1" != refs/heads/main ]\n')
    hook.chmod(0o755)
    refuses(project, "tag", "--push", "--yes", says="nothing moved anywhere")


@pytest.mark.parametrize("branch", ["main", "support/1.x"])
def test_a_final_version_is_tagged_on_main_and_support_branches(project: Project, branch: str) -> None:
    project.git("switch", "-q", "-C", branch, "main")
    at(project, "1.0.0")
    project.git("push", "-q", "origin", branch)
    done(project, "tag", "--push", "--yes")
    assert project.remote_ref("v1.0.0^{commit}") == project.ref(branch)


@pytest.mark.parametrize("branch", ["develop", "release/v1.0.0", "hotfix/x", "feature/x", "bump-version/1.0.0"])
def test_a_final_version_is_tagged_nowhere_else(project: Project, branch: str) -> None:
    project.git("switch", "-q", "-C", branch, "develop")
    at(project, "1.0.0")
    said = refuses(project, "tag", says="1.0.0 is tagged on main or a support branch only")
    assert "a pull request into main" in said


def test_a_final_version_is_tagged_on_the_first_parents_of_main_only(project: Project) -> None:
    project.git("switch", "-q", "-c", "bump-version/1.0.0", "main")
    inner = at(project, "1.0.0")
    project.git("switch", "-q", "main")
    project.git("merge", "-q", "--no-ff", "-m", "Merge pull request", "bump-version/1.0.0")
    project.git("switch", "-q", "--detach", inner)
    refuses(project, "tag", says="1.0.0 is tagged on main or a support branch only")
    project.git("switch", "-q", "main")
    done(project, "tag")
    assert project.ref("v1.0.0^{commit}") == project.ref("main")


@pytest.mark.parametrize("version", ["1.0.0rc1", *thorough("1.0.0a1", "1.0.0b2")])
def test_a_pre_release_is_tagged_on_its_own_release_branch_only(project: Project, version: str) -> None:
    for branch in ("main", "develop", "release/v1.1.0", "support/1.x"):
        project.git("switch", "-q", "-C", branch, "origin/main" if branch == "main" else "main")
        (project.path / "VERSION").write_text(f"{version}\n")
        project.commit("chore: version by hand", {path: project.read(path) for path in ("VERSION",)})
        done(project, "propagate")
        project.commit("chore: sites")
        refuses(project, "tag", says=f"{version} is tagged on release/v1.0.0 only")
    project.git("switch", "-q", "-C", "release/v1.0.0")
    done(project, "tag")
    assert project.ref(f"v{version}^{{commit}}") == project.ref("HEAD")


def test_a_development_version_is_never_tagged(project: Project) -> None:
    project.git("switch", "-q", "main")
    at(project, "1.0.0.dev0")
    said = refuses(project, "tag", code=2, says="1.0.0.dev0 is a development version: those are never tagged")
    assert "invoke bump final" in said


def test_in_trunk_mode_main_takes_pre_releases_too(tmp_path: Path) -> None:
    project = bare(tmp_path / "p")
    project.commit("feat: begin", {**FILES, "pyproject.toml": PYPROJECT + 'develop = "main"\n'})
    project.git("tag", "v0.9.0")
    at(project, "1.0.0rc1")
    project.git("push", "-q", "origin", "main", "v0.9.0")
    done(project, "tag", "--push", "--yes")
    at(project, "1.0.0")
    done(project, "tag", "--push", "--yes")
    assert project.remote_ref("v1.0.0^{commit}") == project.remote_ref("main")
    assert project.git("tag", cwd=project.remote).split() == ["v0.9.0", "v1.0.0", "v1.0.0rc1"]


@pytest.mark.parametrize("version", ["0.9.0", "0.8.0"])
def test_a_version_that_is_not_new_is_refused(project: Project, version: str) -> None:
    project.git("switch", "-q", "main")
    project.commit("docs: more", {"more.txt": "m\n"})
    if version != "0.9.0":
        at(project, version)
    refuses(project, "tag", says=version)


def test_a_tag_that_only_the_remote_has_elsewhere_is_refused(bumped: Project) -> None:
    bumped.git("push", "-q", "origin", "develop:refs/tags/v1.0.0")
    refuses(bumped, "tag", says="1.0.0 exists already")


def test_another_commit_under_the_same_name_at_the_remote_is_refused(bumped: Project) -> None:
    bumped.git("push", "-q", "origin", "develop:refs/tags/v1.0.0")
    bumped.git("tag", "v1.0.0")
    said = refuses(bumped, "tag", "--push", "--yes", says="v1.0.0 at origin is another commit")
    assert "git fetch --force origin tag v1.0.0" in said


def test_sites_that_disagree_at_head_are_refused(bumped: Project) -> None:
    bumped.commit("fix: break", {"Dockerfile": "FROM scratch\nLABEL version=0.9.9\n"})
    said = refuses(bumped, "tag", says="Dockerfile:2 LABEL version says '0.9.9', VERSION says 1.0.0")
    assert "invoke propagate" in said


def test_uncommitted_work_does_not_matter_but_an_uncommitted_version_does(bumped: Project) -> None:
    bumped.write("a.txt", "untracked on main\n")
    bumped.write("Dockerfile", bumped.read("Dockerfile") + "# mine\n")
    bumped.git("add", "Dockerfile")
    bumped.write("VERSION", "1.1.0\n")
    said = refuses(bumped, "tag", says="VERSION says 1.1.0 and HEAD says 1.0.0")
    assert "invoke propagate --commit --tag" in said
    bumped.write("VERSION", "1.0.0\n")
    done(bumped, "tag")
    assert bumped.ref("v1.0.0^{commit}") == bumped.ref("main")
    assert bumped.read("Dockerfile").endswith("# mine\n")


def test_a_detached_head_of_ci_is_tagged(bumped: Project, tmp_path: Path) -> None:
    clone = Project(tmp_path)
    clone.path, clone.remote = tmp_path / "ci", bumped.remote
    bumped.git("clone", "-q", "--no-checkout", str(bumped.remote), str(clone.path), cwd=tmp_path)
    clone.git("checkout", "-q", "--detach", "origin/main")
    clone.git("branch", "-D", "main")
    done(clone, "tag", "--push", "--yes")
    assert clone.remote_ref("v1.0.0^{commit}") == clone.ref("HEAD") == bumped.ref("main")
    assert clone.git("branch", "--format=%(refname:short)").startswith("(HEAD detached")


def test_a_head_that_is_nowhere_is_refused_with_the_way_there(bumped: Project) -> None:
    bumped.git("switch", "-q", "--detach")
    at(bumped, "1.0.1")
    refuses(bumped, "tag", "--push", "--yes", says="1.0.1 is tagged on main or a support branch only")


def test_without_a_remote_it_is_tagged_here_and_push_is_bad_input(project: Project) -> None:
    project.git("remote", "remove", "origin")
    project.git("switch", "-q", "main")
    at(project, "1.0.0")
    refuses(project, "tag", "--push", "--yes", code=2, says="there is no remote to push to")
    assert "next: invoke release.status" in done(project, "tag").err


def test_another_pattern_of_tags_is_kept_to(project: Project) -> None:
    project.git("switch", "-q", "main")
    project.commit("chore: tags", {"pyproject.toml": project.read("pyproject.toml") + 'tag = "demo-{version}"\n'})
    at(project, "1.0.0")
    project.git("tag", "v1.0.0", "develop")
    done(project, "tag")
    assert project.ref("demo-1.0.0^{commit}") == project.ref("main")


def test_refused_while_a_run_is_in_progress(bumped: Project) -> None:
    (bumped.path / ".git" / "release" / "journal.json").write_text("{}")
    refuses(bumped, "tag", says="journal.json")
