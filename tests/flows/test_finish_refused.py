"""A finish that the server refuses, or that others get ahead of: nothing has moved, and what helps is said."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from finishing import BRANCH, FINISH, change, everything, hook, open_release, refuses, released
from support import thorough, wrap_git

if TYPE_CHECKING:
    from pathlib import Path

    from support import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return open_release(tmp_path / "project")


def protect(project: Project, ref: str) -> None:
    """Let the server refuse one ref."""
    hook(project, "update", f'case $1 in {ref}) echo "GH006: Protected $1" >&2; exit 1 ;; esac')


def works(project: Project, said: str) -> None:
    """Assert that the command that was named is one that plans something."""
    found = re.findall(r"invoke (release\.finish [^\n]*)", said)
    assert found, said
    ended = project.invoke(*found[-1].split(), "--dry-run")
    assert ended.code == 0, ended.text


def test_a_protected_main_is_named_with_the_pull_request_that_it_takes(project: Project) -> None:
    protect(project, "refs/heads/main")
    said = refuses(project, *FINISH, says="origin refused the push, and nothing moved anywhere")
    assert "main: hook declined" in said
    assert "GH006: Protected refs/heads/main" in said
    assert "is main protected? go by a pull request: invoke release.finish --version 1.0.0 --pr" in said
    assert "develop:" not in said
    works(project, said)


@pytest.mark.parametrize(
    ("ref", "says"),
    [
        ("refs/heads/develop", "is develop protected? go by a pull request: "),
        ("refs/tags/v1.0.0", "may you push tags there? when you may: "),
        (f"refs/heads/{BRANCH}", "leave the branch there: "),
    ],
)
def test_another_protected_ref_is_named_with_what_helps(project: Project, ref: str, says: str) -> None:
    protect(project, ref)
    works(project, refuses(project, *FINISH, says=says))


def test_keep_helps_where_branches_cannot_be_deleted(project: Project) -> None:
    project.git("config", "receive.denyDeletes", "true", cwd=project.remote)
    said = refuses(project, *FINISH, says="--keep")
    words = said.partition("leave the branch there: invoke ")[2].split("\n")[0].split()
    assert project.invoke(*words, "--yes").code == 0
    assert project.remote_ref(BRANCH) == project.ref(BRANCH) == project.ref("main^2")


def test_a_server_that_takes_nothing_says_why(project: Project) -> None:
    hook(project, "pre-receive", "echo 'frozen until monday' >&2\nexit 1")
    said = refuses(project, *FINISH, says="frozen until monday")
    assert "--pr" in said


def test_a_server_without_atomic_pushes_is_said(project: Project) -> None:
    project.git("config", "receive.advertiseAtomic", "false", cwd=project.remote)
    refuses(project, *FINISH, says="receive.advertiseAtomic true")
    project.git("config", "receive.advertiseAtomic", "true", cwd=project.remote)
    assert project.invoke(*FINISH).code == 0


def test_a_pre_push_hook_of_ones_own_refuses_too(project: Project) -> None:
    own = hook(project, "pre-push", "echo 'not on a friday' >&2\nexit 1", remote=False)
    said = refuses(project, *FINISH, says="the push to origin failed, and nothing moved anywhere")
    assert "not on a friday" in said
    assert "protected" not in said
    own.unlink()
    assert project.invoke(*FINISH).code == 0
    released(project)


def test_a_hook_here_that_refuses_refs_is_said(project: Project) -> None:
    script = '[ "$1" != prepared ] || ! grep -q refs/heads/main || { echo "main is closed" >&2; exit 1; }'
    own = hook(project, "reference-transaction", script, remote=False)
    refuses(project, *FINISH, "--no-push", says="main is closed")
    ended = project.invoke(*FINISH)
    assert (ended.code, "undo" in ended.err) == (7, False), ended.text
    refused = project.invoke("release.abort")
    assert (refused.code, "already been pushed" in refused.err) == (3, True), refused.text
    for words in (("release.status",), ("release.candidate", "--yes")):
        said = project.invoke(*words).text
        assert ("invoke release.resume" in said, "release.abort" in said) == (True, False), said
    own.unlink()
    assert project.invoke("release.resume").code == 0
    released(project)


def test_a_hook_here_that_refuses_remote_tracking_refs_does_not_stop_what_is_pushed(project: Project) -> None:
    own = hook(project, "reference-transaction", '[ "$1" != prepared ] || ! grep -q refs/remotes/', remote=False)
    ended = project.invoke(*FINISH)
    assert ended.code == 0, ended.text
    own.unlink()
    released(project)


def colleague(project: Project, script: str) -> Path:
    """Let somebody do something in the remote while a finish is pushing, once."""
    return hook(project, "pre-push", f'(unset GIT_DIR; cd {project.remote} && {script}); rm -f "$0"', remote=False)


def moves(branch: str) -> str:
    commit = f"env GIT_COMMITTER_DATE='1700000099 +0000' git commit-tree -p {branch} -m late '{branch}^{{tree}}'"
    return f"git update-ref refs/heads/{branch} $({commit})"


@pytest.mark.parametrize("branch", ["main", *thorough("develop", BRANCH)])
def test_a_branch_that_moves_during_the_push_moves_nothing_else(project: Project, branch: str) -> None:
    before = everything(project)
    colleague(project, moves(branch))
    ended = project.invoke(*FINISH)
    assert (ended.code, f"{branch} moved at origin meanwhile" in ended.err) == (3, True), ended.text
    assert "Traceback" not in ended.err
    late = project.remote_ref(branch)
    after = everything(project)
    assert {name for name in before if before[name] != after[name]} == {"remote"}
    again = project.invoke(*FINISH)
    assert again.code == 0, again.text
    released(project)
    assert project.git("merge-base", "--is-ancestor", late, "main" if branch != "develop" else "develop") == ""


def test_a_branch_that_is_deleted_there_during_the_push_is_no_riddle(project: Project) -> None:
    before = everything(project)
    colleague(project, f"git update-ref -d refs/heads/{BRANCH}")
    ended = project.invoke(*FINISH)
    assert (ended.code, f"{BRANCH} moved at origin meanwhile" in ended.err) == (3, True), ended.text
    after = everything(project)
    assert {name for name in before if before[name] != after[name]} == {"remote"}
    again = project.invoke(*FINISH)
    assert (again.code, f"{BRANCH} is not at origin: nothing to delete there" in again.err) == (0, True), again.text
    released(project)


def test_what_was_asked_for_is_asked_for_again(project: Project) -> None:
    """Without --pr the command would merge into main itself."""
    colleague(project, moves(BRANCH))
    ended = project.invoke(*FINISH, "--pr")
    command = ended.err.partition("planned on what is there now: invoke ")[2].strip()
    assert command == "release.finish --version 1.0.0 --pr"
    main = project.remote_ref("main")
    again = project.invoke(*command.split(), "--yes")
    assert (again.code, project.remote_ref("main") == main) == (0, True), again.text
    change(project, {"late.txt": "x\n"})
    hook(project, "pre-receive", "exit 1")
    refused = project.invoke(*command.split(), "--yes")
    assert (refused.code, f"{command} --pr" in refused.err) == (3, False), refused.text
    assert command in refused.err


def test_a_tag_that_comes_during_the_push_is_not_replaced(project: Project) -> None:
    colleague(project, "git update-ref refs/tags/v1.0.0 main")
    ended = project.invoke(*FINISH)
    assert (ended.code, "v1.0.0 moved at origin meanwhile" in ended.err) == (3, True), ended.text
    refuses(project, *FINISH, says="is released already, as v1.0.0")


def test_a_push_nobody_heard_of_is_known_although_others_moved_on(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The push arrives, the line breaks, a colleague pushes to develop."""
    other = tmp_path / "colleague"
    script = f"""\
case " $* " in
*" push --atomic "*) "$GIT" "$@" >/dev/null 2>&1; : >{tmp_path}/pushed; exit 1 ;;
*" ls-remote "*) [ ! -e {tmp_path}/pushed ] || exit 128 ;;
esac
exec "$GIT" "$@"
"""
    with monkeypatch.context() as patch:
        wrap_git(tmp_path / "bin", script, patch)
        ended = project.invoke(*FINISH)
    assert (ended.code, "does not answer" in ended.err) == (7, True), ended.text
    project.git("clone", "-q", "-b", "develop", str(project.remote), str(other), cwd=tmp_path)
    theirs = change(project, {"late.txt": "late\n"}, at=other)
    project.git("push", "-q", "origin", "develop", cwd=other)
    ended = project.invoke("release.resume")
    assert (ended.code, "already pushed" in ended.err) == (0, True), ended.text
    assert project.remote_ref("develop") == theirs
    assert project.ref("v1.0.0^{commit}") == project.ref("main") == project.remote_ref("main")
    assert project.git("merge-base", "--is-ancestor", project.ref("develop"), theirs, cwd=project.remote) == ""
