"""Versions in merges: no manual step for them, real conflicts alone are reported, and all sites agree afterwards."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from releasing import CHART, PLACES, done, headings, hotfixed, opened, said, says, section, semver
from support import FILES, Project, git_flow, thorough

if TYPE_CHECKING:
    from pathlib import Path


def develop_says(project: Project, version: str) -> None:
    """Let develop say another version, pushed."""
    project.git("switch", "-q", "develop")
    done(project.invoke("bump", version))
    project.commit(f"chore: open {version}")
    project.git("push", "-q", "origin", "develop")


def conflicting(project: Project) -> set[str]:
    """Return the paths that git says are unmerged in the worktree that was handed over."""
    place = next(path for path in project.folder.iterdir() if "-merge-" in path.name)
    return set(project.git("diff", "--name-only", "--diff-filter=U", cwd=place).split())


@pytest.mark.parametrize(
    ("release", "develop", "after"),
    [
        ("1.1.0", "1.1.0rc1", "1.2.0.dev0"),
        ("1.1.0", "1.1.0", "1.2.0.dev0"),
        ("1.1.0", "1.2.0.dev4", "1.2.0.dev4"),
        ("1.1.0", "0.9.0", "1.2.0.dev0"),
        *thorough(
            ("1.1.0", "1.1.0a1", "1.2.0.dev0"),
            ("1.1.0", "1.1.0.dev3", "1.2.0.dev0"),
            ("1.1.0", "1.2.0a1", "1.2.0a1"),
            ("1.1.0", "1.2.0", "1.2.0"),
        ),
    ],
)
def test_develop_never_receives_the_released_number_and_never_goes_back(
    project: Project, release: str, develop: str, after: str
) -> None:
    opened(project, release)
    if develop != "0.9.0":
        develop_says(project, develop)
    done(project.invoke("release.finish", "--yes"), f"develop at {after}")
    says(project, "main", release)
    says(project, "develop", after)


@pytest.mark.parametrize(("part", "after"), [("major", "2.0.0.dev0"), ("patch", "1.1.1.dev0")])
def test_what_develop_opens_is_configured(tmp_path: Path, part: str, after: str) -> None:
    text = FILES["pyproject.toml"] + f'next = "{part}"\n'
    project = git_flow(tmp_path / "p", {**FILES, "pyproject.toml": text})
    opened(project, "1.1.0")
    done(project.invoke("release.finish", "--yes"))
    says(project, "develop", after)


def test_a_hotfix_and_a_development_version_meet_without_a_manual_step(project: Project) -> None:
    opened(project, "1.0.0")
    done(project.invoke("release.finish", "--yes"))
    for path in ("pyproject.toml", "chart/Chart.yaml", "Dockerfile"):
        project.write(path, project.read(path) + "# at the end\n")
    project.commit("docs: beside the versions", {"pyproject.toml": project.read("pyproject.toml").replace("demo", "d")})
    project.git("push", "-q", "origin", "develop")
    project.git("switch", "-q", "main")
    hotfixed(project)
    source = project.read("src/demo/__init__.py").replace('__version__ = "1.0.1"', '__version__ = "1.0.1"  # mended')
    project.commit("fix: beside the version", {"src/demo/__init__.py": source})
    done(project.invoke("hotfix.finish", "--yes"))
    says(project, "main", "1.0.1")
    says(project, "develop", "1.1.0.dev0")
    assert '"1.1.0.dev0"  # mended' in project.at("develop", "src/demo/__init__.py")
    assert project.at("develop", "chart/Chart.yaml").endswith("# at the end")
    assert 'name = "d"' in project.at("develop", "pyproject.toml")


def test_only_the_real_conflict_is_reported_and_nothing_moves_until_it_is_resolved(project: Project) -> None:
    opened(project, "1.0.0")
    release = project.read("pyproject.toml").replace("other==0.9.0", "other==1.1.0")
    project.commit("fix: dependencies", {"pyproject.toml": release})
    develop_says(project, "1.2.0a1")
    develop = project.read("pyproject.toml").replace("other==0.9.0", "other==1.2.0")
    project.commit("feat: dependencies", {"pyproject.toml": develop})
    project.git("push", "-q", "origin", "develop")
    before = project.state()
    ended = project.invoke("release.finish", "--yes")
    assert ended.code == 6, ended.text
    assert "merging into develop conflicts in pyproject.toml (lines 4-8): nothing has moved" in ended.err
    assert {name for name, value in project.state().items() if value != before[name]} == {"journal"}
    assert conflicting(project) == {"pyproject.toml"}
    place = next(path for path in project.folder.iterdir() if "-merge-" in path.name)
    text = (place / "pyproject.toml").read_text()
    assert text.count("<<<<<<<") == 1
    assert 'version = "1.2.0a1"' in text
    assert (place / "VERSION").read_text() == "1.2.0a1\n"
    (place / "pyproject.toml").write_text(develop)
    project.git("add", "-A", cwd=place)
    done(project.invoke("release.resume"), "v1.0.0 is released on main, pushed to origin")
    assert said(project, "develop") == {"1.2.0a1", semver("1.2.0a1")}
    assert "other==1.2.0" in project.at("develop", "pyproject.toml")
    assert "other==1.1.0" in project.at("main", "pyproject.toml")


def test_sites_that_came_to_develop_meanwhile_follow_its_next_version(project: Project) -> None:
    opened(project, "1.0.0")
    project.git("switch", "-q", "develop")
    chart = "apiVersion: v2\nname: other\nversion: 0.9.0\nappVersion: '0.9.0'\n"
    project.commit("feat: a second chart", {"charts/other/Chart.yaml": chart, "Dockerfile.dev": FILES["Dockerfile"]})
    project.git("push", "-q", "origin", "develop")
    done(project.invoke("release.finish", "--yes"))
    says(project, "develop", "1.1.0.dev0")
    assert "LABEL version=1.1.0.dev0" in project.at("develop", "Dockerfile.dev")
    assert project.at("develop", "charts/other/Chart.yaml") == chart.replace("0.9.0", "1.1.0-0.dev.0").strip()


def test_a_site_that_the_branch_let_drift_is_repaired_by_the_final_commit(project: Project) -> None:
    opened(project, "1.0.0")
    project.commit("fix: drift", {"Dockerfile": FILES["Dockerfile"].replace("0.9.0", "0.9.7")})
    done(project.invoke("release.finish", "--yes"))
    says(project, "main", "1.0.0")


def test_a_site_that_drifted_on_main_or_develop_is_repaired_by_the_merge_and_named(project: Project) -> None:
    opened(project, "1.0.0")
    for name in ("main", "develop"):
        project.git("switch", "-q", name)
        project.commit("fix: drift", {"Dockerfile": "FROM scratch\nLABEL version=0.9.7\n"})
        project.git("push", "-q", "origin", name)
    said_then = done(project.invoke("release.finish", "--yes"))
    for name in ("main", "develop"):
        assert f"{name}: repaired Dockerfile:2 LABEL version, which said another version" in said_then
    says(project, "main", "1.0.0")
    says(project, "develop", "1.1.0.dev0")


def test_a_vendored_copy_at_the_released_version_stays_as_it_is(project: Project) -> None:
    files = {
        "src/demo/_vendor/dep/__init__.py": '__version__ = "1.0.0"\n',
        "charts/dep/Chart.yaml": "name: dep\nversion: 1.0.0\n",
    }
    project.commit("feat: vendor", files)
    project.git("push", "-q", "origin", "develop")
    opened(project, "1.0.1")
    done(project.invoke("release.finish", "--yes"))
    hotfixed(project)
    done(project.invoke("hotfix.finish", "--yes"))
    for name in ("main", "develop"):
        for path, text in files.items():
            assert project.at(name, path) == text.strip()


def test_a_file_with_sites_that_develop_moved_takes_the_fix_and_keeps_agreeing(project: Project) -> None:
    source = "".join(f"line_{number} = {number}\n" for number in range(20))
    project.commit("feat: lines", {"src/demo/__init__.py": f'__version__ = "0.9.0"\n{source}'})
    project.git("push", "-q", "origin", "develop")
    opened(project, "1.0.0")
    text = project.read("src/demo/__init__.py").replace("line_9 = 9", "line_9 = 'mended'")
    project.commit("fix: a line", {"src/demo/__init__.py": text})
    project.git("switch", "-q", "develop")
    project.git("mv", "src/demo", "src/moved")
    project.commit("refactor: move")
    project.git("push", "-q", "origin", "develop")
    done(project.invoke("release.finish", "--yes"))
    moved = project.at("develop", "src/moved/__init__.py")
    assert '__version__ = "1.1.0.dev0"' in moved
    assert "line_9 = 'mended'" in moved
    assert "src/demo/__init__.py" not in project.git("ls-tree", "-r", "--name-only", "develop")


@pytest.mark.thorough
@pytest.mark.parametrize("deleting", ["develop", "release/v1.0.0"])
def test_a_file_that_one_side_deleted_is_gone_although_its_version_moved_on_the_other(
    project: Project, deleting: str
) -> None:
    opened(project, "1.0.0")
    develop_says(project, "1.1.0a1")
    project.git("switch", "-q", deleting)
    project.git("rm", "-q", "Dockerfile", "chart/Chart.yaml")
    project.commit("refactor: no more images")
    project.git("push", "-q", "origin", deleting)
    done(project.invoke("release.finish", "--version", "1.0.0", "--yes"), "develop at 1.1.0a1")
    files = project.git("ls-tree", "-r", "--name-only", "develop").split()
    assert not {"Dockerfile", "chart/Chart.yaml"} & set(files)
    assert project.at("develop", "VERSION") == "1.1.0a1"
    assert ("Dockerfile" in project.git("ls-tree", "--name-only", "main")) is (deleting == "develop")


@pytest.mark.parametrize("text", ["0.9.0\r\n", "\ufeff0.9.0\n", *thorough("0.9.0", "0.9.0\n\n")])
def test_the_version_file_keeps_its_style_on_every_branch(tmp_path: Path, text: str) -> None:
    project = git_flow(tmp_path / "p", {**FILES, "VERSION": text.encode()})
    opened(project, "1.0.0rc1", {"late.txt": "x\n"})
    done(project.invoke("release.candidate", "--yes"))
    done(project.invoke("release.finish", "--yes"))
    hotfixed(project)
    done(project.invoke("hotfix.finish", "--yes"))
    for commit, version in (
        ("v1.0.0rc1", "1.0.0rc1"),
        ("v1.0.0", "1.0.0"),
        ("main", "1.0.1"),
        ("develop", "1.1.0.dev0"),
    ):
        project.git("switch", "-q", "--detach", commit)
        assert (project.path / "VERSION").read_bytes().decode() == text.replace("0.9.0", version)


def locked(**versions: str) -> str:
    """Return a uv.lock with these packages."""
    entries = [f'\n[[package]]\nname = "{name}"\nversion = "{version}"\n' for name, version in versions.items()]
    return "version = 1\n" + "".join(entries)


def packages(own: str, **others: str) -> str:
    """Return a package-lock.json of the project, with these other packages."""
    entries = {"": {"name": "demo", "version": own}}
    entries |= {f"node_modules/{name}": {"name": name, "version": version} for name, version in others.items()}
    return json.dumps({"name": "demo", "version": own, "packages": entries}, indent=2) + "\n"


def test_own_entries_of_lock_files_follow_beside_entries_that_both_sides_changed(tmp_path: Path) -> None:
    files = {
        "uv.lock": locked(aaa="0.9.0", demo="0.9.0", zzz="0.9.0"),
        "package-lock.json": packages("0.9.0", a="0.9.0"),
    }
    project = git_flow(tmp_path / "p", {**FILES, **files})
    opened(project, "1.0.0")
    project.commit("fix: update aaa", {"uv.lock": locked(aaa="2", demo="1.0.0", zzz="0.9.0")})
    project.git("switch", "-q", "develop")
    changed = {"uv.lock": locked(aaa="0.9.0", demo="0.9.0", zzz="3"), "package-lock.json": packages("0.9.0", a="4")}
    project.commit("feat: update others", changed)
    project.git("push", "-q", "origin", "develop")
    done(project.invoke("release.finish", "--yes"))
    assert f"{project.at('main', 'uv.lock')}\n" == locked(aaa="2", demo="1.0.0", zzz="0.9.0")
    assert f"{project.at('main', 'package-lock.json')}\n" == packages("1.0.0", a="0.9.0")
    assert f"{project.at('develop', 'uv.lock')}\n" == locked(aaa="2", demo="1.1.0.dev0", zzz="3")
    assert f"{project.at('develop', 'package-lock.json')}\n" == packages("1.1.0-0.dev.0", a="4")


def test_a_hotfix_in_release_and_develop_does_not_make_the_merge_back_of_the_release_conflict(project: Project) -> None:
    text = "".join(f"line {number}\n" for number in range(9))
    project.commit("feat: lines", {"lines.txt": text})
    project.git("push", "-q", "origin", "develop")
    opened(project, "1.0.0rc1")
    done(project.invoke("release.candidate", "--yes"))
    hotfixed(project)
    done(project.invoke("hotfix.finish", "--yes"))
    develop_says(project, "1.1.0a1")
    project.git("switch", "-q", "release/v1.0.0")
    project.commit("fix: first", {"lines.txt": text.replace("line 1\n", "line one\n")})
    project.git("push", "-q", "origin", "release/v1.0.0")
    hotfixed(project, fix="more.txt")
    done(project.invoke("hotfix.finish", "--yes"))
    project.git("switch", "-q", "release/v1.0.0")
    done(project.invoke("release.candidate", "--yes"), "v1.0.0rc2 is tagged")
    bases = project.git("merge-base", "--all", "develop", "release/v1.0.0").split()
    assert len(bases) > 1
    done(project.invoke("release.finish", "--yes"), "develop at 1.1.0a1")
    says(project, "main", "1.0.0")
    says(project, "develop", "1.1.0a1")
    for name in ("main", "develop"):
        assert headings(project, name) == ["Unreleased", "1.0.0", "0.9.2", "0.9.1"]
        assert section(project, name, "0.9.1") == "### Fixed\n\n- Hot.txt"
        assert "line one" in project.at(name, "lines.txt")


def test_places_are_read_without_the_product() -> None:
    assert set(PLACES) | {"chart/Chart.yaml"} == set(FILES) - {"tasks.py"}
    assert CHART.startswith("^")
