"""The first release, the first hotfix, and projects whose main knows nothing of the tool yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from releasing import contains, done, headings, hotfixed, opened, pushed, refuses, says, section, trunk
from support import FILES, Project, bare

if TYPE_CHECKING:
    from pathlib import Path

NEW = {path: str(text).replace('"0.9.0"  #', '"0.9.0.dev0"  #') for path, text in FILES.items()}
NEW |= {
    "VERSION": "0.9.0.dev0\n",
    "src/demo/__init__.py": '__version__ = "0.9.0.dev0"\n',
    "chart/Chart.yaml": "apiVersion: v2\nname: demo\nversion: 0.9.0-0.dev.0\nappVersion: '0.9.0-0.dev.0'\n",
    "Dockerfile": "FROM scratch\nLABEL version=0.9.0.dev0\n",
}


def young(folder: Path) -> Project:
    """A project with main and develop that was never released."""
    project = bare(folder)
    project.commit("feat: begin", NEW)
    project.git("switch", "-q", "-c", "develop")
    project.commit("fix: mend b", {"b.txt": "b\n"})
    project.git("push", "-q", "origin", "main", "develop")
    return project


def test_the_first_release_tells_the_whole_history(tmp_path: Path) -> None:
    project = young(tmp_path / "p")
    opened(project, "0.9.0")
    done(project.invoke("release.finish", "--yes"), "v0.9.0 is released on main", "develop at 0.10.0.dev0")
    says(project, "main", "0.9.0")
    says(project, "develop", "0.10.0.dev0")
    assert section(project, "main", "0.9.0") == "### Added\n\n- Begin\n\n### Fixed\n\n- Mend b"
    pushed(project)


def test_the_first_release_in_trunk_mode(tmp_path: Path) -> None:
    project = trunk(tmp_path / "p", NEW, tag="")
    opened(project, "0.9.0")
    done(project.invoke("release.finish", "--yes"), "v0.9.0 is released on main")
    says(project, "main", "0.9.0")
    assert section(project, "main", "0.9.0") == "### Added\n\n- Begin\n- More"
    hotfixed(project)
    done(project.invoke("hotfix.finish", "--yes"), "v0.9.1 is released")


@pytest.mark.parametrize("is_trunk", [False, True])
def test_the_first_hotfix_before_any_release_says_why_there_is_none(tmp_path: Path, is_trunk: bool) -> None:
    project = trunk(tmp_path / "p", NEW, tag="") if is_trunk else young(tmp_path / "p")
    said = refuses(project, "hotfix.start", says="nothing is released on main yet")
    assert "invoke release.prepare next" in said
    refuses(project, "support.start", "0.9", says="nothing is released in 0.9")
    project.git("tag", "v0.9.0rc1")
    refuses(project, "hotfix.start", says="nothing is released on main yet")


@pytest.mark.parametrize("version_there", [False, True])
def test_main_without_version_and_configuration_receives_them(tmp_path: Path, version_there: bool) -> None:
    project = bare(tmp_path / "p")
    project.commit("feat: begin", {"README": "x\n", **({"VERSION": "0.8.0\n"} if version_there else {})})
    project.git("tag", "v0.9.0")
    project.git("switch", "-q", "-c", "develop")
    project.commit("feat: adopt", NEW)
    project.git("push", "-q", "origin", "main", "develop", "v0.9.0")
    refuses(project, "release.prepare", "0.9.0")
    opened(project, "0.10.0")
    done(project.invoke("release.finish", "--yes"), "v0.10.0 is released on main")
    says(project, "main", "0.10.0")
    says(project, "develop", "0.11.0.dev0")


def test_main_without_version_counts_as_its_last_tag_at_finish_too(tmp_path: Path) -> None:
    project = bare(tmp_path / "p")
    project.commit("feat: begin", {"README": "x\n"})
    project.git("switch", "-q", "-c", "develop")
    project.commit("feat: adopt", NEW)
    project.git("push", "-q", "origin", "main", "develop")
    opened(project, "0.9.0")
    project.git("switch", "-q", "main")
    tip = project.commit("fix: elsewhere", {"x": "x"})
    project.git("tag", "v1.0.0")
    project.git("push", "-q", "origin", "main", "v1.0.0")
    project.git("switch", "-q", "release/v0.9.0")
    refuses(project, "release.finish", "--yes", says="choose a version above 1.0.0")
    assert project.remote_ref("main") == tip


def test_a_hotfix_from_a_main_without_version_writes_one(tmp_path: Path) -> None:
    project = bare(tmp_path / "p")
    project.commit("feat: begin", {"pyproject.toml": "[tool.release]\ngates = []\n"})
    project.git("tag", "v0.9.0")
    project.git("switch", "-q", "-c", "develop")
    project.commit("feat: adopt", NEW)
    project.git("push", "-q", "origin", "main", "develop", "v0.9.0")
    hotfixed(project)
    assert project.read("VERSION") == "0.9.1\n"
    project.git("switch", "-q", "develop")
    done(project.invoke("hotfix.finish", "--yes"), "develop at 0.10.0.dev0")
    assert project.at("main", "VERSION") == "0.9.1"
    says(project, "develop", "0.10.0.dev0")
    assert contains(project, "develop", "v0.9.1")


def test_a_changelog_of_another_style_is_taken_on(tmp_path: Path) -> None:
    project = bare(tmp_path / "p")
    old = "# Changes\n\n## v0.9.0 (2020-01-01)\n\n* First\n"
    project.commit("feat: begin", {**FILES, "CHANGELOG.md": old})
    project.git("tag", "v0.9.0")
    project.git("switch", "-q", "-c", "develop")
    project.commit("fix: more", {"more.txt": "x\n"})
    project.git("push", "-q", "origin", "main", "develop", "v0.9.0")
    opened(project, "1.0.0")
    done(project.invoke("release.finish", "--yes"))
    assert headings(project, "main") == ["Unreleased", "1.0.0"]
    assert project.at("main", "CHANGELOG.md").endswith("## v0.9.0 (2020-01-01)\n\n* First")
