"""`version`, `bump` and `propagate`: they edit literals in files and, when asked, commit nothing else."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from support import FILES, PYPROJECT, Project, bare

if TYPE_CHECKING:
    from pathlib import Path

CHANGED = {"VERSION", "pyproject.toml", "src/demo/__init__.py", "chart/Chart.yaml", "Dockerfile"}


def refuses(project: Project, *words: str, code: int = 3, says: str = "") -> None:
    before = project.state(times=True)
    ended = project.invoke(*words)
    assert (ended.code, project.state(times=True) == before) == (code, True), ended.text
    assert says in ended.text


def test_version_shows_every_site_and_where_it_stands(project: Project) -> None:
    facts = json.loads(project.invoke("version", "--json").out)
    assert facts["version"] == "0.9.0"
    found = {(site["path"], site["line"], site["key"]) for site in facts["sites"] if site["managed"]}
    assert found == {
        ("VERSION", 1, ""),
        ("pyproject.toml", 3, "project.version"),
        ("src/demo/__init__.py", 3, "__version__"),
        ("chart/Chart.yaml", 3, "version"),
        ("chart/Chart.yaml", 4, "appVersion"),
        ("Dockerfile", 2, "LABEL version"),
    }


def test_check_names_file_and_line_of_the_drift(project: Project) -> None:
    project.write("src/demo/__init__.py", '\n\n__version__ = "0.8.0"\n')
    refuses(project, "version", "--check", says="src/demo/__init__.py:3")
    refuses(project, "propagate", "--check", says="src/demo/__init__.py:3")


def test_propagate_follows_a_version_edited_by_hand(project: Project) -> None:
    project.write("VERSION", "1.2.0rc1\n")
    assert project.invoke("propagate").code == 0
    assert set(project.git("diff", "--name-only").split()) == CHANGED
    assert project.read("chart/Chart.yaml").count("1.2.0-rc.1") == 2
    assert project.invoke("version", "--check").code == 0
    assert project.git("diff", "--cached", "--name-only") == ""


def test_a_version_that_is_not_canonical_is_drift_that_propagate_rewrites(project: Project) -> None:
    project.write("VERSION", "v1.0.0-rc.1\n")
    refuses(project, "version", "--check", says="VERSION:1")
    assert project.invoke("propagate").code == 0
    assert project.read("VERSION") == "1.0.0rc1\n"


@pytest.mark.parametrize(
    ("part", "version"),
    [
        ("major", "1.0.0"),
        ("minor", "0.10.0"),
        ("patch", "0.9.1"),
        ("rc", "0.10.0rc1"),
        ("dev", "0.10.0.dev0"),
        ("next", "0.10.0"),
    ],
)
def test_bump_writes_the_part(project: Project, part: str, version: str) -> None:
    assert project.invoke("bump", part).code == 0
    assert project.read("VERSION") == f"{version}\n"
    assert project.invoke("version", "--check").code == 0


def test_bytes_around_the_literal_stay(project: Project) -> None:
    project.write(
        "chart/Chart.yaml", b"# 0.9.0\r\nname: demo\r\nversion: '0.9.0' # ours\r\ndependencies:\r\n- version: 0.9.0"
    )
    project.write("VERSION", b"0.9.0")
    (project.path / "src/demo/__init__.py").chmod(0o755)
    project.commit("chore: other line endings")
    assert project.invoke("bump", "1.0.0").code == 0
    raw = (project.path / "chart/Chart.yaml").read_bytes()
    assert raw == b"# 0.9.0\r\nname: demo\r\nversion: '1.0.0' # ours\r\ndependencies:\r\n- version: 0.9.0"
    assert (project.path / "VERSION").read_bytes() == b"1.0.0"
    assert (project.path / "src/demo/__init__.py").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("words", [("bump", "1.0.0"), ("propagate",), ("propagate", "--commit"), ("changelog",)])
def test_a_dry_run_changes_no_byte_and_no_time(project: Project, words: tuple[str, ...]) -> None:
    project.write("VERSION", "1.0.0\n")
    before = project.state(times=True)
    ended = project.invoke(*words, "--dry-run")
    assert ended.code == 0, ended.text
    assert project.state(times=True) == before
    assert "+" in ended.out


def test_the_dry_run_of_propagate_is_a_patch_that_git_applies(project: Project) -> None:
    project.write("VERSION", "1.0.0\n")
    patch = project.invoke("propagate", "--dry-run").out
    (project.folder / "patch").write_text(patch)
    project.git("apply", str(project.folder / "patch"))
    assert project.invoke("version", "--check").code == 0


def test_commit_holds_version_literals_and_leaves_all_other_work(project: Project) -> None:
    project.write("VERSION", "1.0.0\n")
    project.write("a.txt", "unstaged\n")
    project.write("b.txt", "staged\n")
    project.git("add", "b.txt")
    project.write("untracked.txt", "x")
    ended = project.invoke("propagate", "--commit")
    assert ended.code == 0, ended.text
    assert set(project.git("diff", "--name-only", "HEAD~1", "HEAD").split()) == CHANGED
    assert project.git("status", "--porcelain").splitlines() == ["M a.txt", "M  b.txt", "?? untracked.txt"]
    assert project.git("branch", "--show-current") == "develop"
    assert project.invoke("propagate", "--commit").code == 0
    assert project.git("rev-list", "--count", "v0.9.0..HEAD") == "3"


def test_commit_refuses_other_edits_in_a_managed_file(project: Project) -> None:
    project.write("VERSION", "1.0.0\n")
    project.write("pyproject.toml", PYPROJECT + "# edited\n")
    refuses(project, "propagate", "--commit", says="pyproject.toml has other uncommitted edits")


def test_commit_works_on_a_detached_head(project: Project) -> None:
    project.git("switch", "-q", "--detach")
    project.write("VERSION", "1.0.0\n")
    assert project.invoke("propagate", "--commit").code == 0
    assert project.git("log", "-1", "--format=%s") == "chore(release): set version 1.0.0"
    assert project.git("status", "--porcelain") == ""
    assert project.git("symbolic-ref", "-q", "HEAD", check=False) == ""


def test_commit_sees_through_line_ending_conversion(project: Project) -> None:
    project.commit("chore: crlf on disk", {".gitattributes": "*.yaml text eol=crlf\n"})
    (project.path / "chart/Chart.yaml").unlink()
    project.git("checkout", "-q", "chart/Chart.yaml")
    assert b"\r\n" in (project.path / "chart/Chart.yaml").read_bytes()
    project.write("VERSION", "1.0.0\n")
    ended = project.invoke("propagate", "--commit")
    assert ended.code == 0, ended.text
    assert "\r" not in project.at("HEAD", "chart/Chart.yaml")
    assert b"version: 1.0.0\r\n" in (project.path / "chart/Chart.yaml").read_bytes()
    assert project.git("status", "--porcelain") == ""


def test_next_counts_from_the_commits(project: Project) -> None:
    assert project.invoke("version", "--next").out == "0.10.0\n"
    project.commit("fix!: break it")
    assert project.invoke("version", "--next").out == "0.10.0\n"


def test_a_repository_without_commits_can_be_read(tmp_path: Path) -> None:
    project = bare(tmp_path / "p")
    for path, content in FILES.items():
        project.write(path, content)
    project.git("add", "-A")
    assert project.invoke("version", "--check").code == 0
    assert project.invoke("bump", "1.0.0").code == 0
    assert project.read("VERSION") == "1.0.0\n"


def test_no_version_file_is_one_message(tmp_path: Path) -> None:
    project = bare(tmp_path / "p")
    project.commit("feat: begin", {"a": "a"})
    refuses(project, "version", code=2, says="VERSION")
    refuses(project, "propagate", code=2, says="VERSION")


@pytest.mark.parametrize("kind", ["symlink", "folder", "fifo", "huge", "binary", "behind a symlink"])
def test_a_site_that_is_no_plain_file_is_never_written(project: Project, kind: str, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    place = project.path / "chart/Chart.yaml"
    if kind == "behind a symlink":
        (project.path / "chart").rename(outside / "chart")
        (project.path / "chart").symlink_to(outside / "chart")
    else:
        place.rename(outside / "Chart.yaml")
    if kind == "symlink":
        place.symlink_to(outside / "Chart.yaml")
    elif kind == "folder":
        place.mkdir()
    elif kind == "fifo":
        os.mkfifo(place)
    elif kind == "huge":
        place.write_bytes(b"version: 0.9.0\n" + b"# x\n" * 5_000_000)
    elif kind == "binary":
        place.write_bytes(b"version: 0.9.0\n\0\n")
    project.write("VERSION", "1.0.0\n")
    ended = project.invoke("propagate")
    assert ended.code == 3, ended.text
    assert "chart/Chart.yaml" in ended.err
    assert project.read("pyproject.toml") == PYPROJECT
    assert "0.9.0" in next(outside.rglob("Chart.yaml")).read_text()


@pytest.mark.parametrize("path", ["../outside.txt", "/etc/hostname", ".git/config", "a/../../x", "linked.txt"])
def test_a_target_that_leaves_the_repository_is_refused(project: Project, path: str, tmp_path: Path) -> None:
    (tmp_path / "outside.txt").write_text("v=0.9.0\n")
    (project.path / "linked.txt").symlink_to(tmp_path / "outside.txt")
    table = f"\n[[tool.release.target]]\npath = \"{path}\"\npattern = 'v={{version}}'\n"
    project.commit("chore: target", {"pyproject.toml": PYPROJECT + table})
    project.write("VERSION", "1.0.0\n")
    before = project.state()
    ended = project.invoke("propagate")
    assert ended.code in (2, 3), ended.text
    assert project.state() == before
    assert (tmp_path / "outside.txt").read_text() == "v=0.9.0\n"


def test_names_with_odd_characters_are_data(project: Project) -> None:
    odd = "charts/$(touch pwned)\n\x1b[31m;`id`/Chart.yaml"
    project.commit("chore: odd", {odd: "name: odd\nversion: 0.9.0\n"})
    ended = project.invoke("version")
    assert "\x1b" not in ended.text
    assert project.invoke("bump", "1.0.0").code == 0
    assert "version: 1.0.0" in project.read(odd)
    assert not (project.path / "pwned").exists()


def test_another_run_waits_and_is_refused(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl  # noqa: PLC0415

    from release.git import journal  # noqa: PLC0415

    monkeypatch.setattr(journal, "LOCK_SECONDS", 0.1)
    place = project.path / ".git/release/lock"
    place.parent.mkdir()
    with place.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        refuses(project, "bump", "1.0.0", says="another run is at work")


def test_drop_asks_deletes_and_goes_back_to_develop(project: Project) -> None:
    assert project.invoke("release.prepare", "1.0.0").code == 0
    before = project.state()
    assert project.invoke("release.drop").code == 2
    assert project.invoke("release.drop", answer="n").code == 3
    assert project.state() == before
    ended = project.invoke("release.drop", answer="y")
    assert ended.code == 0, ended.text
    assert project.git("branch", "--show-current") == "develop"
    assert project.git("branch", "--list", "release/*") == ""
    assert project.git("status", "--porcelain") == ""
    assert project.read("VERSION") == "0.9.0\n"


def test_drop_keeps_what_was_pushed_unless_asked(project: Project) -> None:
    assert project.invoke("release.prepare", "1.0.0", "--push", "--yes").code == 0
    assert project.invoke("release.drop", "--name", "v1.0.0", "--yes").code == 0
    assert project.remote_ref("release/v1.0.0") != ""
    assert project.invoke("release.drop", "--name", "release/v1.0.0", "--yes").code == 2
    assert project.invoke("release.drop", "--name", "1.0.0", "--remote", "--yes").code == 0
    assert project.remote_ref("release/v1.0.0") == ""


def test_drop_of_a_dirty_branch_is_refused(project: Project) -> None:
    assert project.invoke("release.prepare", "1.0.0").code == 0
    project.write("a.txt", "changed\n")
    refuses(project, "release.drop", "--yes", says="a.txt")


def test_nothing_in_progress_is_said_and_done(project: Project) -> None:
    for word in ("release.resume", "release.abort"):
        ended = project.invoke(word)
        assert (ended.code, "nothing is in progress" in ended.err) == (0, True)


def test_config_shows_values_and_origins(project: Project) -> None:
    out = project.invoke("release.config").out
    assert "no gates configured" in out
    assert "# pyproject.toml" in out
    assert json.loads(project.invoke("release.config", "--schema").out)["additionalProperties"] is False


@pytest.mark.thorough
@pytest.mark.parametrize("wanted", ["minor", "dev", "2.0.0", "0.0.1", "alpha", "1.0.0b1"])
def test_bump_stays_within_the_release_of_its_branch(project: Project, wanted: str) -> None:
    assert project.invoke("release.prepare", "1.0.0rc1").code == 0
    refuses(project, "bump", wanted)


@pytest.mark.parametrize("wanted", ["minor", "next"])
def test_bump_takes_no_other_part_there_even_where_it_means_the_same_release(project: Project, wanted: str) -> None:
    assert project.invoke("release.prepare", "0.10.0rc1").code == 0
    refuses(project, "bump", wanted)


def test_bump_moves_an_open_release_forward(project: Project) -> None:
    assert project.invoke("release.prepare", "1.0.0b1").code == 0
    for part, version in (("rc", "1.0.0rc1"), ("final", "1.0.0"), ("alpha", "1.0.0a1")):
        assert project.invoke("bump", part).code == 0
        assert project.read("VERSION") == f"{version}\n"
