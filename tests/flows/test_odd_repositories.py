"""Repositories and files as they are found: nothing of anybody's is lost, and nothing is edited by accident."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from support import FILES, PYPROJECT, Project, bare, git_flow, thorough

if TYPE_CHECKING:
    from pathlib import Path


def refuses(project: Project, *words: str, code: int, says: str) -> None:
    before = project.state()
    ended = project.invoke(*words)
    assert (ended.code, project.state() == before) == (code, True), ended.text
    assert says in ended.err


def test_an_ignored_file_in_the_way_is_somebodys(project: Project) -> None:
    (project.path / ".git/info/exclude").write_text("CHANGELOG.md\n")
    project.write("CHANGELOG.md", "precious\n")
    refuses(project, "release.prepare", "1.0.0", code=3, says="CHANGELOG.md")


@pytest.mark.parametrize(
    ("changelog", "files"),
    [
        ("CHANGELOG.md", {"CHANGELOG.md/x": "x\n"}),
        ("tasks.py/x", {}),
        ("VERSION", {}),
        ("src/demo/__init__.py", {}),
    ],
)
def test_a_changelog_that_is_no_place_for_one_is_refused(
    project: Project, changelog: str, files: dict[str, str]
) -> None:
    settings = f'{PYPROJECT}changelog = "{changelog}"\n'
    project.commit("chore: configure", {**files, "pyproject.toml": settings})
    project.git("push", "-q", "origin", "develop")
    refuses(project, "release.prepare", "1.0.0", code=2, says=changelog)


def test_a_changelog_that_is_a_link_is_refused(project: Project) -> None:
    (project.path / "CHANGELOG.md").symlink_to("docs/changes.md")
    project.commit("docs: link")
    project.git("push", "-q", "origin", "develop")
    refuses(project, "release.prepare", "1.0.0", code=2, says="no plain file")


@pytest.mark.parametrize("kind", ["link", "fifo", "gone"])
def test_a_version_file_that_is_no_file_is_refused_with_what_mends_it(project: Project, kind: str) -> None:
    place = project.path / "VERSION"
    place.unlink()
    if kind == "link":
        place.symlink_to("pyproject.toml")
    elif kind == "fifo":
        os.mkfifo(place)
    mends = "git checkout HEAD -- VERSION" if kind == "gone" else "file"
    for words in [("version",), ("propagate", "--check"), ("bump", "1.0.0")][: 1 if kind == "gone" else 3]:
        ended = project.invoke(*words)
        assert (ended.code, "error: VERSION " in ended.err) == (2 if kind == "gone" else 3, True), ended.text
        assert mends in ended.err.partition("\n  ")[2]


def test_a_committed_link_is_no_version(project: Project) -> None:
    (project.path / "real").write_text("0.9.0\n")
    (project.path / "VERSION").unlink()
    (project.path / "VERSION").symlink_to("real")
    project.commit("chore: link")
    project.git("push", "-q", "origin", "develop")
    refuses(project, "release.prepare", "1.0.0", code=3, says="develop has no VERSION file")


def test_a_shallow_clone_counts_no_versions(project: Project, tmp_path: Path) -> None:
    shallow = Project(tmp_path / "other")
    shallow.folder.mkdir()
    address = f"file://{project.remote}"
    project.git("clone", "-q", "--depth=1", "-b", "develop", address, str(shallow.path), cwd=tmp_path)
    for words in (("version", "--next"), ("bump", "next"), ("bump", "minor"), ("bump", "rc")):
        ended = shallow.invoke(*words)
        assert (ended.code, "git fetch --unshallow --tags" in ended.err) == (3, True), ended.text
    assert shallow.invoke("version").code == 0
    assert shallow.git("status", "--porcelain") == ""


def test_drop_counts_what_only_the_remote_has_and_says_how_to_bring_it_back(project: Project, tmp_path: Path) -> None:
    assert project.invoke("release.prepare", "1.0.0", "--push", "--yes").code == 0
    other = tmp_path / "other"
    project.git("clone", "-q", "-b", "release/v1.0.0", str(project.remote), str(other), cwd=tmp_path)
    for number in range(2):
        project.git("commit", "-q", "--allow-empty", "-m", f"fix: {number}", cwd=other)
    project.git("push", "-q", cwd=other)
    theirs = project.remote_ref("release/v1.0.0")
    assert "3 commits are on no other branch" in project.invoke("release.drop", "--remote").err
    ended = project.invoke("release.drop", "--remote", "--yes")
    assert ended.code == 0
    assert f"git push origin {theirs}:refs/heads/release/v1.0.0" in ended.err


def test_commit_refuses_when_a_managed_file_is_gone_from_disk(project: Project) -> None:
    (project.path / "src/demo/__init__.py").unlink()
    project.write("VERSION", "1.0.0\n")
    refuses(project, "propagate", "--commit", code=3, says="src/demo/__init__.py")


def test_next_counts_from_a_final_version_without_tags(tmp_path: Path) -> None:
    project = bare(tmp_path / "p")
    settings = PYPROJECT + 'develop = "main"\n'
    project.commit("feat: adopt", {**FILES, "VERSION": "1.4.0\n", "pyproject.toml": settings})
    project.git("push", "-q", "origin", "main")
    assert project.invoke("version", "--next").out == "1.5.0\n"
    assert project.invoke("release.check").code == 0
    assert project.invoke("release.prepare", "next").code == 0
    assert project.read("VERSION") == "1.5.0\n"


def test_a_separate_git_folder(project: Project, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    separate = f"--separate-git-dir={tmp_path / 'git'}"
    project.git("clone", "-q", "-b", "develop", separate, str(project.remote), str(clone), cwd=tmp_path)
    assert project.invoke("release.prepare", "1.0.0", cwd=clone).code == 0
    assert project.git("status", "--porcelain", cwd=clone) == ""
    (clone / "VERSION").write_text("1.0.1\n")
    assert project.invoke("propagate", "--commit", cwd=clone).code == 0


@pytest.mark.parametrize(("value", "code"), [("", 0), ("abc", 2)])
def test_a_date_that_is_none_is_one_message(
    project: Project, monkeypatch: pytest.MonkeyPatch, value: str, code: int
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", value)
    ended = project.invoke("release.prepare", "1.0.0")
    assert ended.code == code, ended.text


def test_bump_needs_a_version_file(tmp_path: Path) -> None:
    project = git_flow(tmp_path / "p", {path: data for path, data in FILES.items() if path != "VERSION"})
    refuses(project, "bump", "2.0.0", code=2, says="VERSION")


def test_a_local_main_that_is_newer_counts(project: Project) -> None:
    project.git("switch", "-q", "main")
    project.commit("feat: two", {"VERSION": "2.0.0\n"})
    project.git("switch", "-q", "develop")
    refuses(project, "release.prepare", "1.0.0", code=3, says="2.0.0, the VERSION of main")


def test_a_name_with_a_line_end_cannot_forge_a_message(project: Project) -> None:
    project.write("a\nerror: forged", "x")
    project.git("add", "-A")
    ended = project.invoke("release.prepare", "1.0.0")
    assert ended.code == 3
    assert "\nerror: forged" not in ended.err


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (("bump", "1.0.0"), "file"),
        (("propagate",), "link"),
        (("propagate", "--commit"), "folder"),
        (("changelog",), "file"),
        *thorough(
            *((("bump", "1.0.0"), kind) for kind in ("link", "folder")),
            *((("propagate",), kind) for kind in ("file", "folder")),
            *((("propagate", "--commit"), kind) for kind in ("file", "link")),
            *((("changelog",), kind) for kind in ("link", "folder")),
        ),
    ],
)
def test_a_file_with_the_name_of_a_temporary_one_is_somebodys(
    project: Project, words: tuple[str, ...], kind: str
) -> None:
    project.write("VERSION", "1.0.0\n")
    path = ".CHANGELOG.md.release-new" if words == ("changelog",) else "src/demo/.__init__.py.release-new"
    place = project.path / path
    if kind == "file":
        place.write_text("mine\n")
    elif kind == "link":
        place.symlink_to("nowhere")
    else:
        place.mkdir()
    refuses(project, *words, "--dry-run", code=3, says=path)
    refuses(project, *words, code=3, says=path)


def test_temporary_names_beside_other_files_do_not_matter(project: Project) -> None:
    project.write(".a.txt.release-new", "mine\n")
    assert project.invoke("bump", "1.0.0").code == 0
    assert project.read(".a.txt.release-new") == "mine\n"


UNDERLINED = "Changes\n=======\n\n0.9.0 (2023-01-01)\n------------------\n\n- old\n"


@pytest.mark.thorough
@pytest.mark.parametrize("words", [("release.prepare", "1.0.0"), ("changelog",), ("changelog", "--all")])
def test_a_changelog_with_underlined_headings_is_refused_and_mended_by_hand(
    project: Project, words: tuple[str, ...]
) -> None:
    project.commit("docs: changes", {"CHANGELOG.md": UNDERLINED, "VERSION": "0.10.0\n"})
    project.git("push", "-q", "origin", "develop")
    refuses(project, *words, code=3, says="line 4: '0.9.0 (2023-01-01)'")
    project.commit("docs: mend", {"CHANGELOG.md": "Changes\n=======\n\n## 0.9.0 (2023-01-01)\n\n- old\n"})
    project.git("push", "-q", "origin", "develop")
    assert project.invoke(*words).code == 0
    text = project.read("CHANGELOG.md")
    assert text.startswith("Changes\n=======\n\n## [Unreleased]\n\n## [")
    assert text.endswith("\n## 0.9.0 (2023-01-01)\n\n- old\n")


def test_a_mark_stays_at_the_start_of_a_changelog_that_begins_with_a_section(project: Project) -> None:
    project.commit("docs: changes", {"CHANGELOG.md": "\ufeff## 0.9.0\r\n\r\n- old\r\n"})
    project.git("push", "-q", "origin", "develop")
    assert project.invoke("release.prepare", "1.0.0").code == 0
    data = (project.path / "CHANGELOG.md").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf## [Unreleased]\r\n\r\n## [1.0.0] - ")
    assert data.endswith(b"\r\n\r\n## 0.9.0\r\n\r\n- old\r\n")
    assert data.count(b"\xef\xbb\xbf") == 1
