"""Entries at which git was told not to look: what is edited there is not lost, and the flags stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from support import Project

PREPARE = ("release.prepare", "1.0.0")


def refuses(project: Project, *words: str, says: tuple[str, ...]) -> None:
    before, flags = project.state(times=True), project.git("ls-files", "-v", "-s")
    for dry in ((), ("--dry-run",)):
        ended = project.invoke(*words, *dry)
        assert (ended.code, project.state(times=True) == before) == (3, True), ended.text
        assert all(word in ended.err for word in says), ended.err
        assert "\nerror: forged" not in ended.err
    assert project.git("ls-files", "-v", "-s") == flags


def flags(project: Project) -> dict[str, str]:
    return {line[2:]: line[0] for line in project.git("ls-files", "-v").splitlines() if line[0] != "H"}


@pytest.mark.parametrize("flag", ["assume-unchanged", "skip-worktree"])
@pytest.mark.parametrize("content", ["0.9.0\n", "mine\n", None], ids=["as it was", "edited", "deleted"])
def test_a_file_that_is_to_change_is_refused(project: Project, flag: str, content: str | None) -> None:
    project.git("update-index", f"--{flag}", "VERSION", "a.txt")
    (project.path / "VERSION").unlink()
    if content is not None:
        project.write("VERSION", content)
    assert project.git("status", "--porcelain") == ""
    refuses(project, *PREPARE, says=("VERSION", f"git update-index --no-{flag} -- VERSION"))


def test_each_flag_has_its_command(project: Project) -> None:
    project.git("update-index", "--assume-unchanged", "VERSION", "Dockerfile")
    project.git("update-index", "--skip-worktree", "VERSION", "pyproject.toml")
    says = (
        "changes in Dockerfile, VERSION, pyproject.toml",
        "git update-index --no-assume-unchanged -- Dockerfile VERSION",
        "git update-index --no-skip-worktree -- VERSION pyproject.toml",
    )
    refuses(project, *PREPARE, says=says)


def test_a_name_is_quoted(project: Project) -> None:
    odd = "charts/o d\nerror: forged/Chart.yaml"
    project.commit("feat: odd", {odd: "name: odd\nversion: 0.9.0\n"})
    project.git("push", "-q", "origin", "develop")
    project.git("update-index", "--skip-worktree", odd)
    refuses(project, *PREPARE, says=("-- 'charts/o d\\nerror: forged/Chart.yaml'",))


def test_drop_is_refused_too(project: Project) -> None:
    assert project.invoke(*PREPARE).code == 0
    project.git("update-index", "--assume-unchanged", "CHANGELOG.md")
    refuses(project, "release.drop", "--yes", says=("--no-assume-unchanged -- CHANGELOG.md",))


@pytest.mark.parametrize("flag", ["assume-unchanged", "skip-worktree"])
def test_a_commit_of_literals_is_refused_too(project: Project, flag: str) -> None:
    project.write("VERSION", "1.0.0\n")
    project.git("update-index", f"--{flag}", "VERSION")
    refuses(project, "propagate", "--commit", says=(f"--no-{flag} -- VERSION",))


def test_flags_of_files_that_do_not_change_stay(project: Project) -> None:
    project.git("update-index", "--assume-unchanged", "a.txt", "tasks.py")
    project.git("update-index", "--skip-worktree", "b.txt", "tasks.py")
    project.write("a.txt", "mine\n")
    project.write("b.txt", "mine\n")
    before = flags(project)
    assert before == {"a.txt": "h", "b.txt": "S", "tasks.py": "s"}
    for words in (PREPARE, ("release.drop", "--yes"), ("bump", "1.0.0"), ("propagate", "--commit")):
        ended = project.invoke(*words)
        assert ended.code == 0, ended.text
        assert flags(project) == before
    assert (project.read("a.txt"), project.read("b.txt")) == ("mine\n", "mine\n")


def test_a_sparse_checkout_goes_on(project: Project) -> None:
    project.git("sparse-checkout", "set", "--no-cone", "/*", "!/chart/")
    assert flags(project) == {"chart/Chart.yaml": "S"}
    ended = project.invoke(*PREPARE)
    assert ended.code == 0, ended.text
    assert "version: 1.0.0" in project.at("HEAD", "chart/Chart.yaml")
    assert flags(project) == {"chart/Chart.yaml": "S"}
    assert not (project.path / "chart").exists()
    assert project.git("status", "--porcelain") == ""
