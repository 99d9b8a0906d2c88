"""Trunk mode with a protected main, and repositories that adopt the tool: tags and requests there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from forge import SQUASHED, Forge, cloned
from support import FILES, PYPROJECT, Ended, Project, bare, copied, thorough

if TYPE_CHECKING:
    from pathlib import Path

TRUNK = PYPROJECT + 'develop = "main"\n'


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


def protected_trunk(folder: Path) -> Project:
    """Make a project with a protected main and no develop: 0.9.0 is out, a feature and a fix are not."""

    def build(place: Path) -> None:
        project = bare(place)
        project.commit("feat: begin", {**FILES, "pyproject.toml": TRUNK})
        project.git("tag", "-a", "v0.9.0", "-m", "v0.9.0")
        project.commit("feat: add a", {"a.txt": "a\n"})
        project.commit("fix: mend b", {"b.txt": "b\n"})
        project.git("push", "-q", "origin", "main", "v0.9.0")
        Forge(project).protect("main")

    return copied(folder, "trunk, main protected", build)


@pytest.fixture
def trunk(tmp_path: Path) -> tuple[Project, Forge]:
    project = protected_trunk(tmp_path / "trunk")
    return project, Forge(project)


@pytest.fixture
def waiting(tmp_path: Path) -> tuple[Project, Forge]:
    """Return such a project with a request of 1.0.0 that waits to be merged."""
    project = copied(tmp_path / "waiting", "trunk, waiting", lambda place: asked(protected_trunk(place)))
    return project, Forge(project)


def asked(project: Project, version: str = "1.0.0") -> str:
    done(project, "release.prepare", version)
    project.commit("fix: last minute", {"late.txt": "late\n"})
    done(project, "release.finish", "--pr", "--yes")
    return project.ref("HEAD")


def test_a_protected_main_stops_finish_and_pr_is_named(trunk: tuple[Project, Forge]) -> None:
    project, _ = trunk
    done(project, "release.prepare", "1.0.0")
    refuses(project, "release.finish", "--yes", says="invoke release.finish --version 1.0.0 --pr")


@pytest.mark.parametrize(
    ("how", "gone"),
    [
        ("merge", False),
        ("rebase", False),
        ("squash", True),
        *thorough(
            ("fast-forward", False), ("squash", False), ("merge", True), ("rebase", True), ("fast-forward", True)
        ),
    ],
)
def test_finish_tags_what_landed_and_main_keeps_the_version(
    waiting: tuple[Project, Forge], how: str, gone: bool
) -> None:
    project, forge = waiting
    landed = forge.land("release/v1.0.0", how, delete=gone)
    if gone:
        project.git("switch", "-q", "main")
        project.git("branch", "-q", "-D", "release/v1.0.0")
    later = forge.add("main", "feat: later", {"later.txt": "l\n"})
    done(project, "release.finish", "--version", "1.0.0", "--yes")
    assert project.remote_ref("v1.0.0^{commit}") == landed
    assert project.ref("main") == project.remote_ref("main") == later
    assert project.at("main", "VERSION") == "1.0.0"
    assert project.git("branch", "--show-current") == "main"
    assert project.git("branch", "--format=%(refname:short)") == "main"
    assert project.remote_ref("release/v1.0.0") == project.remote_ref("backmerge/v1.0.0") == ""


@pytest.mark.parametrize("how", ["squash", "rebase", *thorough("merge", "fast-forward")])
def test_the_next_release_tells_only_what_is_new(waiting: tuple[Project, Forge], how: str) -> None:
    project, forge = waiting
    forge.land("release/v1.0.0", how, delete=True)
    forge.add("main", "fix: later", {"later.txt": "l\n"})
    done(project, "release.finish", "--version", "1.0.0", "--yes")
    for place in (project, cloned(project, branch="main")):
        done(place, "release.prepare", "next")
        assert place.read("VERSION") == "1.0.1\n"
        text = place.read("CHANGELOG.md").lower()
        assert [text.count(entry) for entry in ("add a", "mend b", "last minute", "later")] == [1, 1, 1, 1]


@pytest.mark.parametrize("how", SQUASHED)
def test_a_hotfix_is_a_release_of_a_patch(trunk: tuple[Project, Forge], how: str) -> None:
    project, forge = trunk
    done(project, "hotfix.start", "--name", "leak")
    project.commit("fix: leak", {"leak.txt": "l\n"})
    done(project, "hotfix.finish", "--pr", "--yes")
    landed = forge.land("hotfix/leak", how, delete=True)
    done(project, "hotfix.finish", "--yes")
    assert project.remote_ref("v0.9.1^{commit}") == landed
    assert project.at("main", "VERSION") == "0.9.1"
    assert project.git("branch", "--show-current") == "main"


def test_with_pr_there_is_nothing_to_merge_back_and_nothing_is_lost(waiting: tuple[Project, Forge]) -> None:
    project, forge = waiting
    landed = forge.land("release/v1.0.0", "squash")
    ended = done(project, "release.finish", "--pr", "--yes")
    assert project.remote_ref("v1.0.0^{commit}") == landed
    assert "next: invoke release.status" in ended.err
    project.commit("fix: next", {"next.txt": "n\n"})
    assert "no problem found" in done(project, "release.check", "--version", "1.0.1").out
    assert "nothing to do" in done(project, "release.finish", "--version", "1.0.0", "--pr").err


def test_newer_open_releases_get_the_tag(trunk: tuple[Project, Forge]) -> None:
    project, forge = trunk
    project.commit("chore: two at once", {"pyproject.toml": TRUNK + "parallel_releases = true\n"})
    forge.protect()
    project.git("push", "-q", "origin", "main")
    forge.protect("main")
    asked(project)
    project.git("switch", "-q", "main")
    done(project, "release.prepare", "1.1.0", "--push", "--yes")
    landed = forge.land("release/v1.0.0", "squash")
    said = done(project, "release.finish", "--version", "1.0.0", "--yes").err
    assert "release/v1.1.0 gets v1.0.0: it needs a new candidate" in said
    assert landed in project.git("rev-list", "release/v1.1.0", cwd=project.remote).split()
    assert project.git("show", "release/v1.1.0:VERSION", cwd=project.remote) == "1.1.0"


@pytest.mark.thorough
def test_a_bump_of_main_by_request_is_tagged_there(trunk: tuple[Project, Forge]) -> None:
    project, forge = trunk
    for version, how in (("1.0.0rc1", "squash"), ("1.0.0", "merge")):
        project.git("switch", "-q", "-c", f"bump-version/{version}", "main")
        done(project, "bump", version)
        done(project, "propagate", "--commit", "--push", "--yes")
        landed = forge.land(f"bump-version/{version}", how, delete=True)
        project.git("switch", "-q", "main")
        project.git("pull", "-q", "--ff-only", "origin", "main")
        done(project, "tag", "--push", "--yes")
        assert project.remote_ref(f"v{version}^{{commit}}") == project.remote_ref("main") == landed


def test_a_branch_named_like_a_release_that_was_tagged_by_hand_is_told_so(waiting: tuple[Project, Forge]) -> None:
    project, forge = waiting
    forge.land("release/v1.0.0", "merge")
    project.git("fetch", "-q", "origin", "main:main")
    project.git("switch", "-q", "main")
    done(project, "tag", "--push", "--yes")
    refuses(project, "release.finish", "--version", "1.0.0", "--yes", says="is released already, as v1.0.0")


class TestAdoption:
    """Repositories in which the tool is new."""

    @pytest.fixture
    def young(self, tmp_path: Path) -> tuple[Project, Forge]:
        """A protected main that has neither VERSION nor settings yet, and no tags; develop has both."""

        def build(place: Path) -> None:
            project = bare(place)
            project.commit("feat: begin", {"README.md": "# Young\n"})
            project.git("switch", "-q", "-c", "develop")
            project.commit("feat: adopt", {**FILES, "VERSION": "0.1.0.dev0\n", "pyproject.toml": PYPROJECT})
            done(project, "propagate")
            project.commit("chore: sites")
            project.git("push", "-q", "origin", "main", "develop")
            Forge(project).protect("main")

        project = copied(tmp_path / "young", "young, main protected", build)
        return project, Forge(project)

    @pytest.mark.parametrize("how", SQUASHED)
    def test_the_first_release_lands_on_a_main_without_version(self, young: tuple[Project, Forge], how: str) -> None:
        project, forge = young
        done(project, "release.prepare", "0.1.0")
        done(project, "release.finish", "--pr", "--yes")
        landed = forge.land("release/v0.1.0", how, delete=True)
        done(project, "release.finish", "--version", "0.1.0", "--yes")
        assert project.remote_ref("v0.1.0^{commit}") == landed
        text = project.at("v0.1.0", "CHANGELOG.md").lower()
        assert ("begin" in text, text.count("adopt")) == (True, 1)
        assert project.at("develop", "VERSION") == "0.2.0.dev0"
        project.commit("feat: second", {"second.txt": "2\n"})
        done(project, "release.prepare", "next")
        assert project.read("CHANGELOG.md").lower().count("adopt") == 1

    def test_before_any_release_a_hotfix_has_nothing_to_mend(self, young: tuple[Project, Forge]) -> None:
        project, _ = young
        refuses(project, "hotfix.start", says="nothing is released on main yet")

    def test_the_first_tag_of_a_repository_is_made_by_hand_edit(self, tmp_path: Path) -> None:
        project = bare(tmp_path / "p")
        project.commit("feat: begin", {**FILES, "VERSION": "0.9.0\n", "pyproject.toml": TRUNK})
        project.git("push", "-q", "origin", "main")
        done(project, "tag", "--push", "--yes")
        assert project.remote_ref("v0.9.0^{commit}") == project.ref("main")
        project.write("VERSION", "1.0.0\n")
        done(project, "propagate", "--commit", "--tag", "--push", "--yes")
        assert project.remote_ref("v1.0.0^{commit}") == project.remote_ref("main")

    def test_legacy_tags_are_in_nobodys_way(self, young: tuple[Project, Forge]) -> None:
        project, forge = young
        for tag in ("v0.1.0-final", "0.1.0", "v0.2.0-alpha", "release-0.1.0", "v9"):
            project.git("tag", tag, "main")
        done(project, "release.prepare", "0.1.0")
        done(project, "release.finish", "--pr", "--yes")
        landed = forge.land("release/v0.1.0", "squash")
        done(project, "release.finish", "--yes")
        assert project.remote_ref("v0.1.0^{commit}") == landed

    def test_without_develop_it_says_what_to_configure(self, tmp_path: Path) -> None:
        project = bare(tmp_path / "p")
        project.commit("feat: begin", FILES)
        project.git("tag", "v0.9.0")
        project.commit("feat: more", {"more.txt": "m\n"})
        project.git("push", "-q", "origin", "main", "v0.9.0")
        refuses(project, "release.prepare", "1.0.0", code=2, says='develop = "main"')
        done(project, "bump", "1.0.0")
        done(project, "propagate", "--commit", "--tag", "--push", "--yes")  # which needs no develop
        assert project.remote_ref("v1.0.0^{commit}") == project.remote_ref("main")
