"""VERSION edited by hand, then `propagate`: previewed, committed, tagged and pushed, all at once or step by step."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from forge import SQUASHED, Forge, protected
from support import FILES, Ended, Project

if TYPE_CHECKING:
    from pathlib import Path

LITERALS = ("Dockerfile", "VERSION", "chart/Chart.yaml", "pyproject.toml", "src/demo/__init__.py")
ALL = ("propagate", "--commit", "--tag", "--push", "--yes")


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


def sites(project: Project, commit: str = "HEAD") -> list[str]:
    """Return what each site holds in a commit: the line that differs from the files of the project."""
    found = []
    for path in LITERALS:
        old, new = FILES[path].splitlines(), project.at(commit, path).splitlines()
        found += [re.sub(r".*?([\d.]+\d(?:-?rc[.\d]+)?).*", r"\1", line) for line in new if line not in old]
    return found


@pytest.fixture
def edited(project: Project) -> Project:
    """Return the project on main with 1.0.0 in VERSION, not committed."""
    project.git("switch", "-q", "main")
    project.write("VERSION", "1.0.0\n")
    return project


def test_the_preview_prints_a_patch_that_git_applies(edited: Project) -> None:
    before = edited.state(times=True)
    shown = done(edited, "propagate", "--dry-run")
    assert edited.state(times=True) == before
    (edited.folder / "patch").write_text(shown.out)
    edited.git("apply", str(edited.folder / "patch"))
    edited.commit("chore: by the preview")
    assert sites(edited) == ["1.0.0"] * 6


def test_propagate_alone_edits_files_and_says_how_to_go_on(edited: Project) -> None:
    done(edited, "propagate")
    assert edited.git("diff", "--name-only").split() == list(LITERALS)
    assert edited.git("log", "-1", "--format=%s") == "feat: begin"


def test_commit_tag_and_push_are_one_plan(edited: Project) -> None:
    base = edited.ref("main")
    ended = done(edited, *ALL)
    assert edited.git("rev-list", "--parents", "-n1", "main").split()[1:] == [base]
    assert edited.git("log", "-1", "--format=%s") == "chore(release): set version 1.0.0"
    assert edited.git("cat-file", "-t", "v1.0.0") == "tag"
    assert edited.ref("v1.0.0^{commit}") == edited.ref("main") == edited.remote_ref("main")
    assert edited.remote_ref("refs/tags/v1.0.0") == edited.ref("refs/tags/v1.0.0")
    assert sites(edited) == ["1.0.0"] * 6
    assert edited.git("status", "--porcelain") == ""
    assert "pushing main, v1.0.0 to origin" in ended.err
    assert "undo: it is published" in ended.err


def test_there_is_one_push_of_branch_and_tag(edited: Project) -> None:
    hook = edited.remote / "hooks" / "pre-receive"
    hook.write_text(f"#!/bin/sh\ncat >> {edited.folder}/seen\necho -- >> {edited.folder}/seen\n")
    hook.chmod(0o755)
    done(edited, *ALL)
    seen = (edited.folder / "seen").read_text()
    assert [line.rpartition(" ")[2] for line in seen.splitlines()] == ["refs/heads/main", "refs/tags/v1.0.0", "--"]


@pytest.mark.parametrize("refused", ["refs/heads/main", "refs/tags/v1.0.0"])
def test_a_server_that_refuses_one_of_them_gets_none_and_nothing_moves_here(edited: Project, refused: str) -> None:
    hook = edited.remote / "hooks" / "update"
    hook.write_text(f'#!/bin/sh\n[ "$1" != {refused} ]\n')
    hook.chmod(0o755)
    said = refuses(edited, *ALL, says="nothing moved anywhere")
    if refused.endswith("main"):
        assert "git switch -c bump-version/NEXT && invoke propagate --commit --push" in said


def test_the_dry_run_shows_the_very_commit_and_tag(edited: Project) -> None:
    before = edited.state(times=True)
    shown = done(edited, "propagate", "--commit", "--tag", "--push", "--dry-run")
    assert edited.state(times=True) == before
    done(edited, *ALL)
    for ref in ("refs/heads/main", "refs/tags/v1.0.0"):
        line = rf"^push   origin {ref} \S+ → {edited.ref(ref)}$"
        assert re.search(line, shown.out, re.MULTILINE), shown.out
    assert f"tree   {edited.ref('main^{tree}')}" in shown.out


def test_without_push_it_stays_here_and_the_printed_commands_work(edited: Project) -> None:
    base = edited.ref("main")
    ended = done(edited, "propagate", "--commit", "--tag")
    assert edited.remote_ref("main") == base
    assert not edited.remote_ref("v1.0.0")
    push, undo = (ended.err.partition(f"{word}: ")[2].splitlines()[0] for word in ("next", "undo"))
    assert push == "git push --atomic origin main v1.0.0"
    assert undo == f"git tag -d v1.0.0 && git reset --soft {base}"
    for command in undo.split(" && "):
        edited.git(*command.split()[1:])
    assert (edited.ref("main"), edited.ref("v1.0.0")) == (base, "")
    edited.git("commit", "-q", "-m", "again")
    done(edited, "tag")
    edited.git(*push.split()[1:])
    assert edited.remote_ref("v1.0.0^{commit}") == edited.remote_ref("main") == edited.ref("main")


def test_push_asks_and_without_a_terminal_needs_yes(edited: Project) -> None:
    refuses(edited, "propagate", "--commit", "--tag", "--push", code=2, says="--yes")
    before = edited.state()
    assert edited.invoke(*ALL[:-1], answer="no").code == 3
    assert edited.state() == before
    assert edited.invoke(*ALL[:-1], answer="yes").code == 0


def test_tag_or_push_without_commit_are_bad_input(edited: Project) -> None:
    refuses(edited, "propagate", "--tag", code=2, says="--tag needs --commit")
    refuses(edited, "propagate", "--push", "--yes", code=2, says="--push needs --commit")
    refuses(edited, "propagate", "--tag", "--push", "--yes", code=2, says="--tag, --push needs --commit")


def test_push_without_a_remote_is_bad_input(edited: Project) -> None:
    edited.git("remote", "remove", "origin")
    refuses(edited, *ALL, code=2, says="there is no remote to push to")
    done(edited, "propagate", "--commit", "--tag")


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("v0.2.0-alpha\n", 2, "0.2.0a1"),
        ("0.2\n", 2, "0.2.0"),
        ("next\n", 2, "VERSION"),
        ("\n", 2, "empty"),
        ("1.0.0.dev0\n", 2, "1.0.0.dev0 is a development version"),
        ("0.8.0\n", 3, "0.8.0 is not newer than 0.9.0"),
        ("1.0.0rc1\n", 3, "1.0.0rc1 is tagged on release/v1.0.0 only, not on main"),
    ],
)
def test_a_version_that_cannot_be_tagged_changes_nothing(project: Project, text: str, code: int, says: str) -> None:
    project.git("switch", "-q", "main")
    project.write("VERSION", text)
    refuses(project, *ALL, code=code, says=says)


def test_another_spelling_is_made_canonical(edited: Project) -> None:
    edited.write("VERSION", "v1.0.0\n")
    done(edited, *ALL)
    assert edited.at("v1.0.0", "VERSION") == "1.0.0"
    assert edited.read("VERSION") == "1.0.0\n"


def test_a_pre_release_goes_to_its_release_branch(project: Project) -> None:
    project.git("switch", "-q", "-c", "release/v1.0.0")
    project.write("VERSION", "1.0.0rc1\n")
    done(project, *ALL)
    assert project.remote_ref("v1.0.0rc1^{commit}") == project.remote_ref("release/v1.0.0")
    assert project.at("v1.0.0rc1", "chart/Chart.yaml").splitlines()[2] == "version: 1.0.0-rc.1"


@pytest.mark.parametrize("branch", ["develop", "feature/x", "bump-version/1.0.0"])
def test_a_final_version_is_not_tagged_beside_main(edited: Project, branch: str) -> None:
    edited.git("switch", "-q", "-c", f"{branch}-2")
    refuses(edited, *ALL, says=f"1.0.0 is tagged on main or a support branch only, not on {branch}-2")


def test_a_detached_head_has_no_branch_to_push(edited: Project) -> None:
    edited.git("switch", "-q", "--detach")
    refuses(edited, *ALL, says="HEAD is detached")
    refuses(edited, "propagate", "--commit", "--push", "--yes", says="HEAD is detached")


@pytest.mark.parametrize("staged", [False, True])
def test_other_edits_in_a_managed_file_are_refused_and_elsewhere_stay(edited: Project, staged: bool) -> None:
    edited.write("Dockerfile", "FROM scratch\nLABEL version=0.9.0\nRUN true\n")
    edited.write("tasks.py", "from release import ns  # mine\n")
    if staged:
        edited.git("add", "Dockerfile", "tasks.py")
    refuses(edited, *ALL, says="Dockerfile has other uncommitted edits")
    edited.git("checkout", "-q", "HEAD", "--", "Dockerfile")
    done(edited, *ALL)
    assert edited.git("diff", "--name-only", "v0.9.0", "v1.0.0").split() == list(LITERALS)
    assert edited.git("status", "--porcelain") == ("M  tasks.py" if staged else "M tasks.py")
    assert edited.read("tasks.py").endswith("# mine\n")


def test_a_branch_that_is_behind_or_has_diverged_is_refused(edited: Project) -> None:
    elsewhere = edited.folder / "elsewhere"
    edited.git("clone", "-q", "-b", "main", str(edited.remote), str(elsewhere), cwd=edited.folder)
    edited.git("commit", "-q", "--allow-empty", "-m", "docs: elsewhere", cwd=elsewhere)
    edited.git("push", "-q", "origin", "main", cwd=elsewhere)
    said = refuses(edited, *ALL, says="main is behind origin")
    assert "git pull --ff-only origin main" in said
    edited.git("commit", "-q", "--allow-empty", "-m", "docs: here")
    refuses(edited, *ALL, says="main has diverged")


def test_when_all_is_committed_it_tags_head(edited: Project) -> None:
    done(edited, "propagate", "--commit")
    committed = edited.ref("main")
    done(edited, *ALL)
    assert edited.ref("main") == edited.remote_ref("v1.0.0^{commit}") == edited.remote_ref("main") == committed
    before = edited.state(times=True)
    assert "nothing to do" in done(edited, *ALL[:-1]).err
    assert edited.state(times=True) == before


def test_what_equals_the_version_without_being_ours_is_left_alone(edited: Project) -> None:
    foreign = {
        "vendored/dep/__init__.py": '__version__ = "1.0.0"\n',
        "charts/other/Chart.yaml": "name: other\nversion: 1.0.0\n",
        "third.dockerfile/Dockerfile": "FROM scratch\nARG VERSION=7.1.0\n",
    }
    edited.git("stash", "-q")
    edited.commit("feat: vendor", foreign)
    edited.git("push", "-q", "origin", "main")
    edited.git("stash", "pop", "-q")
    edited.write("VERSION", "1.0.1\n")
    done(edited, *ALL)
    for path, content in foreign.items():
        assert edited.at("v1.0.1", path) == content.strip()


@pytest.mark.thorough
@pytest.mark.parametrize("options", [(), ("--tag",)])
@pytest.mark.parametrize("staged", [False, True])
def test_what_drifted_in_the_worktree_alone_is_repaired_there(
    edited: Project, options: tuple[str, ...], staged: bool
) -> None:
    done(edited, "propagate", "--commit")
    edited.write("Dockerfile", "FROM scratch\nLABEL version=0.9.1\n")
    if staged:
        edited.git("add", "Dockerfile")
    done(edited, "propagate", "--commit", *options)
    assert edited.git("status", "--porcelain") == ""
    assert edited.read("Dockerfile") == "FROM scratch\nLABEL version=1.0.0\n"
    assert edited.ref("v1.0.0^{commit}") == (edited.ref("main") if options else "")


class TestByPullRequest:
    """A branch bump-version/1.2.0, reviewed, merged, and tagged on main."""

    @pytest.fixture
    def guarded(self, tmp_path: Path) -> tuple[Project, Forge]:
        project, forge = protected(tmp_path / "guarded", "main", "develop")
        project.git("switch", "-q", "-c", "bump-version/1.2.0", "main")
        return project, forge

    @pytest.mark.parametrize("how", SQUASHED)
    def test_what_was_merged_is_tagged_and_nothing_else_happens(self, guarded: tuple[Project, Forge], how: str) -> None:
        project, forge = guarded
        done(project, "bump", "1.2.0")
        ended = done(project, "propagate", "--commit", "--push", "--yes")
        assert project.remote_ref("bump-version/1.2.0") == project.ref("HEAD")
        assert sites(project) == ["1.2.0"] * 6
        asked = "open a pull request of bump-version/1.2.0 into main at origin"
        then = "when it is merged: git switch main && git pull --ff-only && invoke tag --push"
        assert f"next: {asked}    {then}" in ended.err
        landed = forge.land("bump-version/1.2.0", how, delete=True)
        develop = project.remote_ref("develop")
        project.git("switch", "-q", "main")
        project.git("pull", "-q", "--ff-only", "origin", "main")
        before = project.state()
        done(project, "tag", "--push", "--yes")
        assert project.remote_ref("v1.2.0^{commit}") == landed
        assert (project.remote_ref("main"), project.remote_ref("develop")) == (landed, develop)
        after = project.state()
        assert {**after, "refs": "", "remote": ""} == {**before, "refs": "", "remote": ""}

    def test_the_edit_by_hand_on_a_protected_main_goes_there_with_the_named_commands(
        self, guarded: tuple[Project, Forge]
    ) -> None:
        project, forge = guarded
        project.git("switch", "-q", "main")
        project.write("VERSION", "1.2.0\n")
        said = refuses(project, *ALL, says="is main protected?")
        assert "git switch -c bump-version/NEXT && invoke propagate --commit --push" in said
        project.git("switch", "-q", "-c", "bump-version/next")
        done(project, "propagate", "--commit", "--push", "--yes")
        forge.land("bump-version/next")
        project.git("fetch", "-q")
        project.git("switch", "-q", "-C", "main", "origin/main")
        done(project, "tag", "--push", "--yes")
        assert project.remote_ref("v1.2.0^{commit}") == project.remote_ref("main")

    def test_repeating_the_push_is_nothing_to_do(self, guarded: tuple[Project, Forge]) -> None:
        project, _ = guarded
        done(project, "bump", "1.2.0")
        words = ("propagate", "--commit", "--push", "--yes")
        done(project, *words)
        before = project.state()
        assert "origin has it" in done(project, *words).err
        assert project.state() == before

    def test_commits_that_are_not_ours_are_not_pushed_by_it(self, guarded: tuple[Project, Forge]) -> None:
        project, _ = guarded
        done(project, "bump", "1.2.0")
        project.commit("chore: by hand")
        said = refuses(project, "propagate", "--commit", "--push", "--yes", says="nothing of ours to push")
        assert "git push origin bump-version/1.2.0" in said
