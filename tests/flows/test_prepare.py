"""`release.prepare`: what it makes, and what it refuses while everything stays as it was."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from support import FILES, PYPROJECT, Project, bare, git_flow

if TYPE_CHECKING:
    from pathlib import Path

LITERALS = ("VERSION", "pyproject.toml", "src/demo/__init__.py", "chart/Chart.yaml", "Dockerfile")


def refuses(project: Project, *words: str, code: int = 3, says: str = "") -> str:
    """Assert that a task ends with `code` and one message, and that nothing at all has changed."""
    before = project.state(times=True)
    ended = project.invoke(*words)
    assert (ended.code, project.state(times=True) == before) == (code, True), ended.text
    assert says in ended.err, ended.text
    assert "Traceback" not in ended.err
    return ended.err


def configured(project: Project, line: str) -> None:
    """Add a line to [tool.release] on develop, and push it."""
    project.commit("chore: configure", {"pyproject.toml": project.read("pyproject.toml") + line + "\n"})
    project.git("push", "-q", "origin", "develop")


def test_opens_the_branch_with_version_sites_and_changelog_in_one_commit(project: Project) -> None:
    tip = project.ref("develop")
    ended = project.invoke("release.prepare", "1.0.0")
    assert ended.code == 0, ended.text
    assert project.git("symbolic-ref", "HEAD") == "refs/heads/release/v1.0.0"
    assert project.git("rev-list", "--parents", "-n1", "HEAD").split()[1:] == [tip]
    assert set(project.git("diff", "--name-only", "HEAD~1", "HEAD").split()) == {*LITERALS, "CHANGELOG.md"}
    for path in LITERALS:
        assert project.at("HEAD", path) == FILES[path].replace("0.9.0", "1.0.0", 1).strip() or path in (
            "chart/Chart.yaml",
            "src/demo/__init__.py",
        )
    assert project.at("HEAD", "chart/Chart.yaml") == FILES["chart/Chart.yaml"].replace("0.9.0", "1.0.0").strip()
    assert project.at("HEAD", "src/demo/__init__.py") == '"""Demo 0.9.0."""\n\n__version__ = "1.0.0"'
    assert 'python_version = "0.9.0"' in project.at("HEAD", "pyproject.toml")
    assert '"other==0.9.0"' in project.at("HEAD", "pyproject.toml")
    assert project.git("status", "--porcelain") == ""


def test_the_changelog_section_holds_what_came_since_the_last_release(project: Project) -> None:
    assert project.invoke("release.prepare", "1.0.0").code == 0
    text = project.at("HEAD", "CHANGELOG.md")
    assert re.search(r"^## \[1\.0\.0\] - 2023-11-14$", text, re.MULTILINE)
    assert "Add a" in text or "add a" in text
    assert "begin" not in text.lower()


def test_develop_main_and_the_remote_do_not_move(project: Project) -> None:
    before = project.git("for-each-ref")
    remote = project.git("for-each-ref", cwd=project.remote)
    assert project.invoke("release.prepare", "1.0.0").code == 0
    after = project.git("for-each-ref")
    assert [line for line in after.splitlines() if "release/v1.0.0" not in line] == before.splitlines()
    assert project.git("for-each-ref", cwd=project.remote) == remote


def test_the_dry_run_shows_the_objects_that_the_real_run_uses(project: Project) -> None:
    before = project.state(times=True)
    shown = project.invoke("release.prepare", "1.0.0", "--dry-run")
    assert shown.code == 0, shown.text
    assert project.state(times=True) == before
    tree = re.search(r"^tree +([0-9a-f]{40})$", shown.out, re.MULTILINE)
    commit = re.search(r"refs/heads/release/v1\.0\.0 \(none\) → ([0-9a-f]{40})", shown.out)
    assert tree is not None
    assert commit is not None
    assert project.invoke("release.prepare", "1.0.0").code == 0
    assert project.ref("HEAD^{tree}") == tree[1]
    assert project.ref("HEAD") == commit[1]


def test_the_dry_run_prints_a_patch_that_git_applies(project: Project) -> None:
    shown = project.invoke("release.prepare", "1.0.0", "--dry-run")
    patch = shown.out.partition("\ntree ")[0] + "\n"
    (project.folder / "patch").write_text(patch)
    project.git("apply", "--index", str(project.folder / "patch"))
    assert re.search(r"^tree +([0-9a-f]{40})$", shown.out, re.MULTILINE)[1] == project.git("write-tree")  # type: ignore[index]


def test_invokes_own_dry_flag_is_a_dry_run(project: Project) -> None:
    before = project.state(times=True)
    assert project.invoke("--dry", "release.prepare", "1.0.0").code == 0
    assert project.state(times=True) == before


def test_two_runs_on_equal_clones_give_the_same_commit(tmp_path: Path) -> None:
    made = []
    for name in ("one", "two"):
        project = git_flow(tmp_path / name)
        assert project.invoke("release.prepare", "1.0.0").code == 0
        made.append(project.ref("HEAD"))
    assert made[0] == made[1]


@pytest.mark.parametrize(
    ("wanted", "version"),
    [("major", "1.0.0"), ("minor", "0.10.0"), ("patch", "0.9.1"), ("next", "0.10.0"), ("v1.0.0-rc.1", "1.0.0rc1")],
)
def test_a_part_or_another_spelling_names_the_version(project: Project, wanted: str, version: str) -> None:
    ended = project.invoke("release.prepare", wanted)
    assert ended.code == 0, ended.text
    assert project.read("VERSION") == f"{version}\n"
    assert project.git("branch", "--show-current") == f"release/v{version.partition('rc')[0]}"


def test_a_pre_release_opens_the_branch_of_its_release_and_writes_every_spelling(project: Project) -> None:
    assert project.invoke("release.prepare", "1.0.0rc1").code == 0
    assert project.git("branch", "--show-current") == "release/v1.0.0"
    assert project.read("VERSION") == "1.0.0rc1\n"
    assert "version: 1.0.0-rc.1\n" in project.read("chart/Chart.yaml")
    assert "## [1.0.0] - " in project.read("CHANGELOG.md")
    assert project.git("tag") == "v0.9.0"


@pytest.mark.parametrize("wanted", ["", "1.1", "1.1.0.post1", "1!1.1.0", "1.1.0+x", "nonsense", "1.1.0.dev1", "dev"])
def test_input_that_is_no_version_to_release_creates_nothing(project: Project, wanted: str) -> None:
    refuses(project, "release.prepare", wanted, code=2)


@pytest.mark.parametrize(
    "payload",
    [
        "$(touch pwned)",
        "`touch pwned`",
        "1.0.0; touch pwned",
        "--upload-pack=touch pwned",
        "1.0.0\n## [9.9.9]",
        "\x1b[31m1.0.0",
    ],
)
def test_a_payload_as_version_reaches_no_shell_and_no_terminal(project: Project, payload: str) -> None:
    code = 1 if payload.startswith("--") else 2  # Invoke's own parser takes it for a flag
    said = refuses(project, "release.prepare", payload, code=code)
    assert "\x1b" not in said
    assert not (project.path / "pwned").exists()


def test_refused_when_the_branch_is_here(project: Project) -> None:
    project.git("branch", "release/v1.0.0")
    refuses(project, "release.prepare", "1.0.0", says="release/v1.0.0 is already open")


def test_refused_when_the_branch_is_at_the_remote_and_says_how_to_track_it(project: Project) -> None:
    project.git("push", "-q", "origin", "develop:refs/heads/release/v1.0.0")
    project.git("update-ref", "-d", "refs/remotes/origin/release/v1.0.0")
    refuses(project, "release.prepare", "1.0.0", says="git switch --track origin/release/v1.0.0")


def test_refused_while_another_release_is_open_at_the_remote_alone(project: Project) -> None:
    project.git("push", "-q", "origin", "develop:refs/heads/release/v0.10.0")
    project.git("update-ref", "-d", "refs/remotes/origin/release/v0.10.0")
    refuses(project, "release.prepare", "1.0.0", says="release/v0.10.0")


def test_parallel_releases_can_be_allowed(project: Project) -> None:
    configured(project, "parallel_releases = true")
    project.git("branch", "release/v0.10.0")
    assert project.invoke("release.prepare", "1.0.0").code == 0


def test_refused_when_the_tag_exists_here(project: Project) -> None:
    project.git("tag", "v1.0.0")
    refuses(project, "release.prepare", "1.0.0", says="1.0.0")


def test_refused_when_the_tag_exists_only_at_the_remote(project: Project) -> None:
    project.git("tag", "v1.0.0")
    project.git("push", "-q", "origin", "v1.0.0")
    project.git("tag", "-d", "v1.0.0")
    refuses(project, "release.prepare", "1.0.0", says="1.0.0")


@pytest.mark.parametrize("version", ["0.9.0", "0.8.0", "0.9.0rc1"])
def test_refused_when_not_newer_than_main(project: Project, version: str) -> None:
    refuses(project, "release.prepare", version)


def test_refused_without_develop_and_never_guesses(project: Project) -> None:
    project.git("switch", "-q", "main")
    project.git("branch", "-D", "develop")
    project.git("push", "-q", "origin", ":develop")
    refuses(project, "release.prepare", "1.0.0", code=2, says='develop = "main"')


def test_starts_from_the_remote_when_develop_is_behind_and_says_so(project: Project) -> None:
    tip = project.commit("fix: c", {"c.txt": "c\n"})
    project.git("push", "-q", "origin", "develop")
    project.git("reset", "-q", "--hard", "HEAD~1")
    ended = project.invoke("release.prepare", "1.0.0")
    assert ended.code == 0, ended.text
    assert "1 behind" in ended.err
    assert project.ref("HEAD~1") == tip
    assert project.read("c.txt") == "c\n"


def test_starts_from_commits_that_were_never_fetched(project: Project, tmp_path: Path) -> None:
    project.git("clone", "-q", "-b", "develop", str(project.remote), str(tmp_path / "other"), cwd=tmp_path)
    project.git("commit", "-q", "--allow-empty", "-m", "fix: elsewhere", cwd=tmp_path / "other")
    project.git("push", "-q", "origin", "develop", cwd=tmp_path / "other")
    before = project.git("for-each-ref")
    assert project.invoke("release.prepare", "1.0.0").code == 0
    assert project.git("log", "-1", "--format=%s", "HEAD~1") == "fix: elsewhere"
    assert before in project.git("for-each-ref").replace(
        project.git("for-each-ref", "refs/heads/release/v1.0.0") + "\n", ""
    )
    assert not (project.path / ".git" / "FETCH_HEAD").exists()


def test_commits_that_are_only_here_are_included_with_a_note(project: Project) -> None:
    project.commit("fix: c", {"c.txt": "c\n"})
    ended = project.invoke("release.prepare", "1.0.0")
    assert ended.code == 0
    assert "1 ahead" in ended.err


def test_refused_when_develop_has_diverged(project: Project) -> None:
    project.commit("fix: c", {"c.txt": "c\n"})
    project.git("push", "-q", "origin", "develop")
    project.git("reset", "-q", "--hard", "HEAD~1")
    project.commit("fix: d", {"d.txt": "d\n"})
    refuses(project, "release.prepare", "1.0.0", says="diverged")


def test_refused_with_uncommitted_changes_but_not_with_untracked_files(project: Project) -> None:
    project.write("new.txt", "untracked\n")
    project.write("a.txt", "changed\n")
    refuses(project, "release.prepare", "1.0.0", says="a.txt")
    project.git("checkout", "-q", "a.txt")
    assert project.invoke("release.prepare", "1.0.0").code == 0
    assert project.read("new.txt") == "untracked\n"


def test_refused_when_an_untracked_file_would_be_overwritten(project: Project) -> None:
    project.write("CHANGELOG.md", "mine\n")
    refuses(project, "release.prepare", "1.0.0", says="CHANGELOG.md")


def test_a_file_that_was_only_touched_is_no_change(project: Project) -> None:
    (project.path / "a.txt").touch()
    (project.path / "VERSION").touch()
    assert project.invoke("release.prepare", "1.0.0").code == 0
    assert project.git("status", "--porcelain") == ""


@pytest.mark.parametrize("marker", ["MERGE_HEAD", "CHERRY_PICK_HEAD", "BISECT_LOG", "rebase-merge/x"])
def test_refused_while_git_is_in_the_middle_of_something(project: Project, marker: str) -> None:
    place = project.path / ".git" / marker
    place.parent.mkdir(exist_ok=True)
    place.write_text(f"{project.ref('HEAD')}\n")
    refuses(project, "release.prepare", "1.0.0", says="in progress")


def test_works_without_a_remote_and_says_so(project: Project) -> None:
    project.git("remote", "remove", "origin")
    ended = project.invoke("release.prepare", "1.0.0")
    assert ended.code == 0, ended.text
    assert "no remote" in ended.err


def test_works_with_a_remote_of_another_name(project: Project) -> None:
    project.git("remote", "rename", "origin", "upstream")
    assert project.invoke("release.prepare", "1.0.0", "--push", "--yes").code == 0
    assert project.remote_ref("release/v1.0.0") == project.ref("HEAD")


def test_push_needs_yes_without_a_terminal(project: Project) -> None:
    refuses(project, "release.prepare", "1.0.0", "--push", code=2, says="--yes")


def test_push_asks_on_a_terminal(project: Project) -> None:
    before = project.state()
    assert project.invoke("release.prepare", "1.0.0", "--push", answer="n").code == 3
    assert project.state() == before
    assert project.invoke("release.prepare", "1.0.0", "--push", answer="y").code == 0
    assert project.remote_ref("release/v1.0.0") == project.ref("HEAD")


def test_a_push_that_the_server_refuses_leaves_everything_as_it_was(project: Project) -> None:
    hook = project.remote / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'release branches are closed' >&2\nexit 1\n")
    hook.chmod(0o755)
    said = refuses(project, "release.prepare", "1.0.0", "--push", "--yes")
    assert "release branches are closed" in said


def test_a_remote_that_does_not_answer_is_refused(project: Project) -> None:
    project.git("remote", "set-url", "origin", str(project.folder / "gone.git"))
    refuses(project, "release.prepare", "1.0.0", says="origin")


def test_a_shallow_clone_is_refused_with_the_command_that_completes_it(project: Project) -> None:
    clone = Project(project.folder)
    clone.path = project.folder / "shallow"
    project.git(
        "clone", "-q", "--depth=1", "-b", "develop", f"file://{project.remote}", str(clone.path), cwd=project.folder
    )
    refuses(clone, "release.prepare", "1.0.0", says="--unshallow")


def test_an_empty_repository_is_one_clear_message(tmp_path: Path) -> None:
    project = bare(tmp_path / "empty")
    ended = project.invoke("release.prepare", "1.0.0")
    assert ended.code == 2
    assert "no commit yet" in ended.err


def test_no_repository_and_a_bare_one_are_one_clear_message(project: Project) -> None:
    assert project.invoke("release.prepare", "1.0.0", cwd=project.folder).code == 2
    ended = project.invoke("release.prepare", "1.0.0", cwd=project.remote)
    assert ended.code == 2
    assert "bare" in ended.err


def test_works_from_a_subfolder_and_in_a_linked_worktree(project: Project, tmp_path: Path) -> None:
    assert project.invoke("release.prepare", "1.0.0", "--dry-run", cwd=project.path / "src").code == 0
    linked = tmp_path / "linked"
    project.git("worktree", "add", "-q", "--detach", str(linked), "develop")
    assert project.invoke("release.prepare", "1.0.0", cwd=linked).code == 0
    assert project.git("branch", "--show-current", cwd=linked) == "release/v1.0.0"
    assert project.git("branch", "--show-current") == "develop"
    assert project.git("status", "--porcelain", cwd=linked) == ""


def test_works_on_a_detached_head_with_only_remote_branches(project: Project, tmp_path: Path) -> None:
    clone = tmp_path / "ci"
    project.git("clone", "-q", "--no-checkout", str(project.remote), str(clone), cwd=tmp_path)
    project.git("checkout", "-q", "--detach", "origin/develop", cwd=clone)
    project.git("branch", "-D", "main", cwd=clone)
    assert project.invoke("release.prepare", "1.0.0", cwd=clone).code == 0
    assert project.git("branch", "--show-current", cwd=clone) == "release/v1.0.0"


def test_a_branch_that_would_be_a_folder_of_another_is_explained(project: Project) -> None:
    project.git("branch", "release")
    refuses(project, "release.prepare", "1.0.0", says="folder of the other")


def test_main_and_master_together_have_to_be_told_apart(project: Project) -> None:
    project.git("branch", "master")
    refuses(project, "release.prepare", "1.0.0", code=2, says="main = ")


def test_names_that_differ_between_head_and_develop_are_refused(project: Project) -> None:
    configured(project, 'tag = "demo-{version}"')
    project.git("switch", "-q", "main")
    refuses(project, "release.prepare", "1.0.0", code=2, says="tag")


def test_a_target_that_matches_nothing_stops_before_anything_is_written(project: Project) -> None:
    configured(project, "\n[[tool.release.target]]\npath = \"missing.txt\"\npattern = 'v={version}'")
    refuses(project, "release.prepare", "1.0.0", says="missing.txt")


def test_all_problems_are_shown_together(project: Project) -> None:
    project.git("branch", "release/v0.9.0")
    project.write("a.txt", "changed\n")
    said = refuses(project, "release.prepare", "0.9.0")
    for part in ("already open", "a.txt", "0.9.0 exists already"):
        assert part in said


def test_no_version_file_is_one_clear_message(tmp_path: Path) -> None:
    project = git_flow(tmp_path / "p", {path: data for path, data in FILES.items() if path != "VERSION"})
    refuses(project, "release.prepare", "1.0.0", says="VERSION")


def test_a_version_file_that_cannot_be_read_names_the_file(project: Project) -> None:
    project.commit("chore: break", {"VERSION": "one\n"})
    project.git("push", "-q", "origin", "develop")
    refuses(project, "release.prepare", "1.0.0", code=2, says="VERSION at develop")


def test_nothing_to_tell_is_refused_unless_allowed(tmp_path: Path) -> None:
    project = bare(tmp_path / "p")
    project.commit("feat: begin", FILES)
    project.git("tag", "v0.9.0")
    project.git("switch", "-q", "-c", "develop")
    project.commit("chore: nothing", {"x": "x"})
    project.git("push", "-q", "origin", "main", "develop", "v0.9.0")
    refuses(project, "release.prepare", "1.0.0", says="--allow-empty")
    assert project.invoke("release.prepare", "1.0.0", "--allow-empty").code == 0


def test_the_first_release_of_a_repository_without_tags_tells_the_whole_history(tmp_path: Path) -> None:
    project = bare(tmp_path / "p")
    project.commit("feat: begin", {**FILES, "VERSION": "0.9.0.dev0\n"})
    project.git("switch", "-q", "-c", "develop")
    project.commit("fix: mend", {"x": "x"})
    project.git("push", "-q", "origin", "main", "develop")
    assert project.invoke("release.prepare", "0.9.0").code == 0
    text = project.read("CHANGELOG.md").lower()
    assert "begin" in text
    assert "mend" in text


def test_legacy_tags_neither_crash_nor_count(project: Project) -> None:
    for tag in ("v0.1.6-final", "v0.2.0-alpha", "release/2.0.0", "v9", "v5.0.0rc0", "other/1.0.0", "1.0.0"):
        project.git("tag", tag)
    assert project.invoke("release.prepare", "next").code == 0
    assert project.read("VERSION") == "0.10.0\n"


def test_trunk_mode_prepares_from_main(tmp_path: Path) -> None:
    project = bare(tmp_path / "p")
    project.commit("feat: begin", {**FILES, "pyproject.toml": PYPROJECT + 'develop = "main"\n'})
    project.git("tag", "v0.9.0")
    project.commit("feat: more", {"x": "x"})
    project.git("push", "-q", "origin", "main", "v0.9.0")
    assert project.invoke("release.prepare", "next").code == 0
    assert project.git("branch", "--show-current") == "release/v0.10.0"
    assert project.git("merge-base", "main", "HEAD") == project.ref("main")


def test_main_without_version_counts_as_its_last_tag(tmp_path: Path) -> None:
    project = bare(tmp_path / "p")
    project.commit("feat: begin", {"README": "x"})
    project.git("tag", "v0.9.0")
    project.git("switch", "-q", "-c", "develop")
    project.commit("feat: adopt", {**FILES, "VERSION": "0.10.0.dev0\n"})
    project.git("push", "-q", "origin", "main", "develop", "v0.9.0")
    refuses(project, "release.prepare", "0.9.0")
    assert project.invoke("release.prepare", "1.0.0").code == 0


def test_a_foreign_version_that_equals_the_new_one_is_left_alone(project: Project) -> None:
    files = {
        "vendored/dep/__init__.py": '__version__ = "1.0.0"\n',
        "charts/other/Chart.yaml": "name: other\nversion: 1.0.0\n",
    }
    project.commit("feat: vendor", files)
    project.git("push", "-q", "origin", "develop")
    assert project.invoke("release.prepare", "1.0.1").code == 0
    for path, content in files.items():
        assert project.read(path) == content


def test_a_second_release_reads_on_from_the_tag_of_the_first(project: Project) -> None:
    assert project.invoke("release.prepare", "1.0.0").code == 0
    project.git("tag", "v1.0.0")
    project.git("switch", "-q", "develop")
    project.git("merge", "-q", "--no-ff", "-m", "Merge", "release/v1.0.0")
    project.git("branch", "-D", "release/v1.0.0")
    project.commit("fix: later", {"z": "z"})
    project.git("push", "-q", "origin", "develop", "v1.0.0")
    assert project.invoke("release.prepare", "next").code == 0
    text = project.read("CHANGELOG.md")
    assert text.index("## [1.0.1]") < text.index("## [1.0.0]")
    assert text.lower().count("add a") == 1


def test_status_and_check_say_where_it_stands(project: Project) -> None:
    assert project.invoke("release.check", "--version", "1.0.0").code == 0
    assert project.invoke("release.prepare", "1.0.0").code == 0
    facts = json.loads(project.invoke("release.status", "--json").out)
    release = next(line for line in facts["branches"] if line["role"] == "release")
    assert (release["branch"], release["version"], release["current"], release["ahead"]) == (
        "release/v1.0.0",
        "1.0.0",
        True,
        3,
    )
    project.commit("feat: too late", {"late.txt": "x"})
    project.write("VERSION", "1.0.1\n")
    project.commit("fix: wrong version")
    ended = project.invoke("release.check")
    assert ended.code == 3
    assert "feat: too late" in ended.out
    assert "chart/Chart.yaml:3" in ended.out
