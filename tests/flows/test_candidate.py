"""`release.candidate`: numbers and phases, what is tagged, and that what is released is what was tested."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from releasing import done, headings, hotfixed, opened, parents, pushed, refuses, says, section, type_in

if TYPE_CHECKING:
    from pathlib import Path

    from support import Project


def test_a_candidate_is_one_commit_with_version_sites_and_changelog_tagged_and_pushed(project: Project) -> None:
    opened(project, "1.0.0", {"late.txt": "x\n"})
    tip = project.ref("HEAD")
    done(project.invoke("release.candidate", "--yes"), "v1.0.0rc1 is tagged on release/v1.0.0, pushed to origin")
    assert parents(project, "HEAD") == [tip]
    assert project.ref("v1.0.0rc1^{commit}") == project.ref("HEAD")
    assert project.git("cat-file", "-t", "v1.0.0rc1") == "tag"
    assert project.git("branch", "--show-current") == "release/v1.0.0"
    assert project.git("status", "--porcelain") == ""
    says(project, "HEAD", "1.0.0rc1")
    assert section(project, "HEAD", "1.0.0").count("Late") == 1
    assert "<!-- release:" in project.at("HEAD", "CHANGELOG.md")
    pushed(project)


def test_a_tip_that_says_the_next_candidate_already_is_tagged_itself(project: Project) -> None:
    opened(project, "1.0.0a1")
    tip = project.ref("HEAD")
    done(project.invoke("release.candidate", "--yes"), "v1.0.0a1 is tagged")
    assert project.ref("HEAD") == project.ref("v1.0.0a1^{commit}") == tip


def test_numbers_count_on_from_tags_here_and_at_the_remote(project: Project) -> None:
    opened(project, "1.0.0")
    for number in (1, 2):
        project.commit(f"fix: mend {number}", {f"{number}.txt": "x\n"})
        done(project.invoke("release.candidate", "--yes"), f"v1.0.0rc{number} is tagged")
    project.git("tag", "-d", "v1.0.0rc2")
    project.commit("fix: mend 3", {"3.txt": "x\n"})
    project.git("tag", "v1.0.0rc3", "HEAD~1")
    done(project.invoke("release.candidate", "--yes"), "v1.0.0rc4 is tagged")
    for name in ("v1.0.0rc9-x", "other/1.0.0rc8", "v1.0.1rc7"):
        project.git("tag", name)
    project.commit("fix: mend 5", {"5.txt": "x\n"})
    done(project.invoke("release.candidate", "--yes"), "v1.0.0rc5 is tagged")
    done(project.invoke("release.finish", "--yes"))
    assert headings(project, "main") == ["Unreleased", "1.0.0"]
    assert [section(project, "main", "1.0.0").count(f"- Mend {number}") for number in (1, 2, 3, 5)] == [1, 1, 1, 1]


def test_phases_go_on_and_never_back(project: Project) -> None:
    opened(project, "1.0.0")
    for phase, number in (("alpha", "a1"), ("alpha", "a2"), ("beta", "b1"), ("rc", "rc1")):
        project.commit(f"fix: mend {number}", {f"{number}.txt": "x\n"})
        done(project.invoke("release.candidate", "--phase", phase, "--yes"), f"v1.0.0{number} is tagged")
        says(project, "HEAD", f"1.0.0{number}")
    for phase in ("alpha", "beta"):
        said = refuses(project, "release.candidate", "--phase", phase, "--yes", says="in its rc phase")
        assert "invoke release.candidate --phase rc" in said
    project.commit("fix: more", {"more.txt": "x\n"})
    done(project.invoke("release.candidate", "--yes"), "v1.0.0rc2 is tagged")
    refuses(project, "release.candidate", "--phase", "gamma", "--yes", code=2, says="no phase")


def test_a_phase_that_only_the_remote_has_tagged_counts(project: Project) -> None:
    opened(project, "1.0.0")
    project.git("tag", "v1.0.0rc1")
    project.git("push", "-q", "origin", "v1.0.0rc1")
    project.git("tag", "-d", "v1.0.0rc1")
    project.commit("fix: more", {"more.txt": "x\n"})
    refuses(project, "release.candidate", "--phase", "beta", "--yes", says="in its rc phase")


def test_nothing_new_since_the_last_candidate_is_refused(project: Project) -> None:
    opened(project, "1.0.0")
    done(project.invoke("release.candidate", "--yes"))
    refuses(project, "release.candidate", "--yes", says="nothing has changed since 1.0.0rc1")


def test_without_a_release_branch_there_is_no_candidate(project: Project) -> None:
    refuses(project, "release.candidate", "--yes", code=2, says="there is no release branch")
    opened(project, "1.0.0")
    done(project.invoke("release.finish", "--keep", "--yes"))
    refuses(project, "release.candidate", "--yes", says="1.0.0 is released already")


@pytest.mark.parametrize("is_here", [False, True])
def test_a_branch_that_is_behind_or_only_at_the_remote_gets_its_candidate_there(
    project: Project, tmp_path: Path, is_here: bool
) -> None:
    opened(project, "1.0.0")
    other = tmp_path / "other"
    project.git("clone", "-q", "-b", "release/v1.0.0", str(project.remote), str(other), cwd=tmp_path)
    project.git("commit", "-q", "--allow-empty", "-m", "fix: elsewhere", cwd=other)
    project.git("push", "-q", cwd=other)
    if not is_here:
        project.git("switch", "-q", "develop")
        project.git("branch", "-q", "-D", "release/v1.0.0")
    done(project.invoke("release.candidate", "--yes"), "behind" if is_here else "exists only at origin")
    there = project.remote_ref("release/v1.0.0")
    assert there == project.ref("v1.0.0rc1^{commit}") == project.remote_ref("v1.0.0rc1^{commit}")
    assert project.git("log", "-1", "--format=%s", f"{there}~1") == "fix: elsewhere"
    assert project.ref("refs/heads/release/v1.0.0") == (there if is_here else "")
    assert "- Elsewhere" in section(project, there, "1.0.0")
    assert project.git("status", "--porcelain") == ""


def test_without_a_push_the_printed_commands_push_it_and_take_it_back(project: Project) -> None:
    opened(project, "1.0.0", {"late.txt": "x\n"})
    before, remote = project.git("for-each-ref"), project.git("for-each-ref", cwd=project.remote)
    type_in(project, project.invoke("release.candidate", "--no-push"), "undo")
    assert project.git("for-each-ref") == before
    assert project.git("status", "--porcelain") == ""
    ended = project.invoke("release.candidate", "--no-push")
    assert project.git("for-each-ref", cwd=project.remote) == remote
    type_in(project, ended, "next")
    pushed(project)
    assert project.remote_ref("v1.0.0rc1^{commit}") == project.ref("release/v1.0.0")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("src/demo/__init__.py", '"""Demo."""\n\n__version__ = "1.0.0rc1"\n'),
        ("new.txt", "x\n"),
        ("pyproject.toml", None),
        ("CHANGELOG.md", "old"),
    ],
)
def test_a_commit_after_the_last_candidate_is_not_released_unless_it_is_allowed(
    project: Project, path: str, text: str | None
) -> None:
    old = "# Changelog\n\n## [Unreleased]\n\n## [0.9.0] - 2020-01-01\n\n- Begin\n"
    project.commit("docs: old", {"CHANGELOG.md": old})
    project.git("push", "-q", "origin", "develop")
    opened(project, "1.0.0")
    done(project.invoke("release.candidate", "--yes"))
    if text is None:
        text = project.read(path) + "\n[tool.other]\nvalue = 1\n"
    elif text == "old":
        text = project.read(path).replace("- Begin", "- The beginning")
    project.commit("fix: late", {path: text})
    said = refuses(project, "release.finish", "--yes", says="release/v1.0.0 has changed since 1.0.0rc1")
    assert "--allow-changed" in said
    done(project.invoke("release.finish", "--allow-changed", "--yes"))
    says(project, "main", "1.0.0")


def test_its_own_section_versions_and_commits_without_changes_are_no_change_since_the_candidate(
    project: Project,
) -> None:
    opened(project, "1.0.0", {"late.txt": "x\n"})
    done(project.invoke("release.candidate", "--yes"))
    text = project.read("CHANGELOG.md").replace("- Late.txt", "- Late, in words")
    project.commit("docs: words", {"CHANGELOG.md": text.replace("[Unreleased]\n", "[Unreleased]\n\n- By hand\n")})
    done(project.invoke("bump", "final"))
    project.commit("chore: by hand")
    project.commit("fix: nothing")
    done(project.invoke("release.finish", "--yes"))
    assert "- Late, in words" in section(project, "main", "1.0.0")
    assert "- By hand" in section(project, "main", "1.0.0")
    assert section(project, "main", "Unreleased") == ""


@pytest.mark.thorough
def test_a_candidate_that_the_branch_does_not_contain_counts_by_what_was_tested(project: Project) -> None:
    opened(project, "1.0.0", {"late.txt": "x\n"})
    done(project.invoke("release.candidate", "--yes"))
    project.git("switch", "-q", "develop")
    done(project.invoke("release.drop", "--remote", "--yes"))
    opened(project, "1.0.0")
    refuses(project, "release.finish", "--yes", says="has changed since 1.0.0rc1")
    project.commit("fix: late.txt", {"late.txt": "x\n"})
    done(project.invoke("release.finish", "--yes"))


@pytest.mark.thorough
def test_a_hotfix_that_the_branch_got_after_its_candidate_is_a_change_although_only_its_notes_show(
    project: Project,
) -> None:
    opened(project, "1.0.0")
    done(project.invoke("release.candidate", "--yes"))
    hotfixed(project)
    project.git("rm", "-q", "hot.txt")
    project.git("commit", "-q", "-m", "fix: nothing left but this")
    project.commit("docs: more", {"a.txt": "a\n"})
    done(project.invoke("hotfix.finish", "--yes"))
    assert project.git("diff", "--name-only", "v1.0.0rc1", "release/v1.0.0") == "CHANGELOG.md"
    project.git("switch", "-q", "release/v1.0.0")
    refuses(project, "release.finish", "--yes", says="has changed since 1.0.0rc1")
