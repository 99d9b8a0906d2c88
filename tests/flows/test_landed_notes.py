"""After a squash or a rebase: what the released branch had is not told again, and does not count again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from forge import Forge, awaiting, cloned
from support import copied, thorough

if TYPE_CHECKING:
    from pathlib import Path

    from support import Ended, Project

OLD = ("add a", "mend b", "last minute")  # what 1.0.0 told


def done(project: Project, *words: str) -> Ended:
    ended = project.invoke(*words)
    assert ended.code == 0, ended.text
    return ended


def tells(project: Project, version: str, *entries: str, commit: str = "HEAD") -> None:
    """Assert that a section has these entries, and that none of the release before is told twice."""
    text = project.at(commit, "CHANGELOG.md").lower()
    section = text.partition(f"## [{version}]")[2].partition("\n## ")[0]
    assert [line[2:] for line in section.splitlines() if line.startswith("- ")] == list(entries)
    assert [text.count(entry) for entry in OLD] == [1, 1, 1]


@pytest.fixture(params=["squash", *thorough("rebase")])
def released(tmp_path: Path, request: pytest.FixtureRequest) -> tuple[Project, Forge]:
    """Return a project whose 1.0.0 was squashed or rebased, with a fix on develop since."""

    def build(place: Path) -> None:
        project, forge = awaiting(place)
        forge.land("release/v1.0.0", request.param, delete=True)
        done(project, "release.finish", "--version", "1.0.0", "--yes")
        project.commit("fix: after it", {"after.txt": "a\n"})
        project.git("push", "-q", "origin", "develop")

    project = copied(tmp_path / "released", f"released {request.param}", build)
    return project, Forge(project)


@pytest.fixture(params=["here", "clone", "clone without tags"])
def place(released: tuple[Project, Forge], request: pytest.FixtureRequest) -> Project:
    """Return where the next release is made: where the last one was, or a fresh clone."""
    project, _ = released
    if request.param == "here":
        return project
    clone = cloned(project)
    if request.param == "clone without tags":
        clone.git("tag", "-d", "v0.9.0", "v1.0.0")
    return clone


def test_prepare_counts_and_tells_only_what_is_new(place: Project) -> None:
    done(place, "release.prepare", "next")
    assert place.read("VERSION") == "1.0.1\n"
    tells(place, "1.0.1", "after it")


@pytest.mark.parametrize("place", ["here", *thorough("clone", "clone without tags")], indirect=True)
def test_candidate_and_finish_tell_only_what_is_new(place: Project) -> None:
    done(place, "release.prepare", "1.1.0")
    place.commit("fix: found late", {"found.txt": "f\n"})
    done(place, "release.candidate", "--yes")
    tells(place, "1.1.0", "after it", "found late", commit="v1.1.0rc1")
    done(place, "release.finish", "--pr", "--yes")
    tells(place, "1.1.0", "after it", "found late")


@pytest.mark.parametrize("released", ["squash", "rebase"], indirect=True)
def test_the_tasks_of_the_working_tree_count_and_tell_only_what_is_new(released: tuple[Project, Forge]) -> None:
    for place in (released[0], cloned(released[0])):
        assert done(place, "version", "--next").out == "1.0.1\n"
        done(place, "bump", "next")
        assert place.read("VERSION") == "1.0.1\n"
        done(place, "changelog")
        place.commit("chore: next")
        tells(place, "1.0.1", "after it")


def test_one_squashed_release_after_another_keeps_their_entries_apart(released: tuple[Project, Forge]) -> None:
    project, forge = released
    done(project, "release.prepare", "1.1.0")
    done(project, "release.finish", "--pr", "--yes")
    landed = forge.land("release/v1.1.0", "squash", delete=True)
    done(project, "release.finish", "--version", "1.1.0", "--yes")
    assert project.ref("v1.1.0^{commit}") == landed
    tells(project, "1.1.0", "after it", commit="v1.1.0")
    project.commit("feat: third", {"third.txt": "3\n"})
    project.git("push", "-q", "origin", "develop")
    clone = cloned(project)
    done(clone, "release.prepare", "next")
    assert clone.read("VERSION") == "1.2.0\n"
    tells(clone, "1.2.0", "third")


@pytest.mark.thorough
def test_a_hotfix_on_a_squashed_release_tells_the_fix_alone(released: tuple[Project, Forge]) -> None:
    project, forge = released
    done(project, "hotfix.start", "--name", "leak")
    project.commit("fix: leak", {"leak.txt": "l\n"})
    done(project, "hotfix.finish", "--pr", "--yes")
    forge.land("hotfix/leak", "squash", delete=True)
    done(project, "hotfix.finish", "--yes")
    tells(project, "1.0.1", "leak", commit="v1.0.1")
    done(project, "release.prepare", "1.1.0")
    tells(project, "1.1.0", "after it")


def test_all_sections_of_squashed_releases_tell_what_their_branches_had(released: tuple[Project, Forge]) -> None:
    project, _ = released
    project.git("rm", "-q", "CHANGELOG.md")
    project.commit("chore: begin the changelog anew", {"VERSION": "1.1.0\n"})
    done(project, "changelog", "--all")
    project.commit("docs: changelog")
    tells(project, "1.1.0", "after it")
    text = project.read("CHANGELOG.md").lower()
    assert text.index("## [1.1.0]") < text.index("## [1.0.0]") < text.index("last minute") < text.index("## [0.9.0]")


def test_even_when_nobody_knows_the_branch_any_more(waiting: tuple[Project, Forge]) -> None:
    """What develop had when the release began is still there to compare with."""
    project, forge = waiting
    forge.add("develop", "feat: meanwhile", {"meanwhile.txt": "m\n"})
    forge.land("release/v1.0.0", "squash", delete=True)
    clone = cloned(project)
    done(clone, "release.finish", "--version", "1.0.0", "--yes")
    done(clone, "release.prepare", "next")
    assert clone.read("VERSION") == "1.1.0\n"
    tells(clone, "1.1.0", "meanwhile")
