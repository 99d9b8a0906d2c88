"""Other projects' versions that happen to equal ours: no task edits them, in trunk mode and in Git Flow."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from support import FILES, PYPROJECT, Project, bare, thorough

from release import process
from release.git import repository
from release.steps import working_tree

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Begin = Callable[[dict[str, str]], "Released"]

OURS = ("pyproject.toml", "src/demo/__init__.py", "chart/Chart.yaml", "Dockerfile")


def theirs(version: str) -> dict[str, str]:
    """Return the files of other projects at a version, by path: two subcharts' keys, a third party's ARG, sources."""
    return {
        "chart/charts/db/Chart.yaml": f"name: db\nversion: {version}\nappVersion: v{version}\n",
        "tools/Dockerfile": f"FROM scratch\nARG VERSION={version}\n",
        "src/demo/dep/_version.py": f'__version__ = "{version}"\n',
        "src/demo/_vendor/dep/__init__.py": f'__version__ = "{version}"\n',
        "vendor/web/package.json": f'{{"version": "{version}"}}\n',
    }


class Released:
    """A project that releases through `release.prepare`, a merge with a tag, and a merge back."""

    def __init__(self, folder: Path, *, trunk: bool, files: dict[str, str]) -> None:
        self.trunk = trunk
        self.project = bare(folder)
        settings = {"pyproject.toml": PYPROJECT + 'develop = "main"\n'} if trunk else {}
        self.project.commit("feat: begin", {**FILES, **settings, **files})
        self.project.git("tag", "v0.9.0")
        if not trunk:
            self.project.git("switch", "-q", "-c", "develop")
        self.change("feat: a")

    def change(self, message: str, files: dict[str, str] | None = None) -> None:
        self.project.commit(message, files)
        self.project.git("push", "-q", "origin", "refs/heads/*", "refs/tags/*")

    def run(self, *words: str) -> None:
        ended = self.project.invoke(*words)
        assert ended.code == 0, ended.text

    def prepare(self, version: str) -> None:
        self.run("release.prepare", version)
        self.ours_say(version)

    def finish(self, version: str) -> None:
        git = self.project.git
        self.project.commit("fix: on the branch", {"fixed.txt": version})
        git("switch", "-q", "main")
        git("merge", "-q", "--no-ff", "-m", f"Merge {version}", f"release/v{version}")
        git("tag", "-a", "-m", version, f"v{version}")
        git("branch", "-q", "-D", f"release/v{version}")
        if not self.trunk:
            git("switch", "-q", "develop")
            git("merge", "-q", "--no-ff", "-m", f"Merge back {version}", f"v{version}")
        self.change(f"feat: after {version}")

    def release(self, version: str) -> None:
        self.prepare(version)
        self.finish(version)

    def ours_say(self, version: str) -> None:
        assert self.project.read("VERSION") == f"{version}\n"
        assert self.managed() == set(OURS)
        assert self.project.invoke("version", "--check").code == 0

    def managed(self) -> set[str]:
        facts = json.loads(self.project.invoke("version", "--json").out)
        return {site["path"] for site in facts["sites"] if site["managed"]} - {"VERSION"}

    def untouched(self, version: str) -> bool:
        return all(self.project.read(path) == content for path, content in theirs(version).items())


@pytest.fixture(params=[pytest.param(True, marks=pytest.mark.thorough), False], ids=["trunk", "git flow"])
def begin(request: pytest.FixtureRequest, tmp_path: Path) -> Begin:
    return lambda files: Released(tmp_path / "p", trunk=request.param, files=files)


def every_task_leaves_them(released: Released, version: str) -> None:
    """Go through the tasks that write versions, from a project whose last tag is v1.0.0."""
    project = released.project
    assert released.managed() == set(OURS)
    for words in (("bump", "1.1.0"), ("bump", "1.2.0"), ("propagate",)):
        released.run(*words)
        assert released.untouched(version)
    assert set(project.git("diff", "--name-only").split()) == {"VERSION", *OURS}
    project.git("checkout", "-q", ".")
    project.write("VERSION", "1.1.0\n")
    released.run("propagate", "--commit")
    assert set(project.git("diff", "--name-only", "HEAD~1", "HEAD").split()) == {"VERSION", *OURS}
    project.git("reset", "-q", "--hard", "HEAD~1")
    released.release("1.1.0")
    assert released.untouched(version)
    released.release("2.0.0")
    assert released.untouched(version)


def test_what_stood_at_the_last_tag_before_it_was_ours(begin: Begin) -> None:
    released = begin(theirs("1.0.0"))
    released.release("1.0.0")
    assert released.untouched("1.0.0")
    every_task_leaves_them(released, "1.0.0")


@pytest.mark.parametrize("begin", [True, False], ids=["trunk", "git flow"], indirect=True)
def test_what_came_between_two_releases_at_the_version_of_the_second(
    begin: Begin,
) -> None:
    released = begin({})
    released.change("feat: take others in", theirs("1.0.0"))
    released.release("1.0.0")
    assert released.untouched("1.0.0")
    every_task_leaves_them(released, "1.0.0")


def test_what_came_before_a_version_that_was_committed_and_tagged_by_hand(begin: Begin) -> None:
    released = begin({})
    released.change("feat: take others in", theirs("1.0.0"))
    released.run("bump", "1.0.0")
    released.change("build: 1.0.0")
    for number in range(5):
        released.change(f"fix: {number}")
    released.project.git("tag", "v1.0.0")
    released.change("feat: later")
    every_task_leaves_them(released, "1.0.0")


def test_what_follows_our_numbers_ahead_of_us(begin: Begin) -> None:
    released = begin(theirs("1.0.0"))
    released.release("1.0.0")
    released.change("build: take the next of others", theirs("1.1.0"))
    released.release("1.1.0")
    assert released.untouched("1.1.0")
    released.change("build: and its next", theirs("2.0.0"))
    released.release("2.0.0")
    assert released.untouched("2.0.0")
    released.prepare("2.1.0")
    assert released.untouched("2.0.0")


@pytest.mark.parametrize("is_new", [False, *thorough(True)])
def test_what_equals_the_version_that_is_prepared(begin: Begin, is_new: bool) -> None:
    released = begin({} if is_new else theirs("1.0.0"))
    if is_new:
        released.change("feat: take others in", theirs("1.0.0"))
    project = released.project
    released.prepare("1.0.0")
    for part, version in (("beta", "1.0.0b1"), ("rc", "1.0.0rc1")):
        released.run("bump", part)
        released.ours_say(version)
        assert released.untouched("1.0.0")
    released.run("propagate", "--commit")
    released.ours_say("1.0.0rc1")
    project.git("tag", "v1.0.0rc1")
    released.run("bump", "final")
    released.ours_say("1.0.0")
    released.run("propagate", "--commit")
    assert released.untouched("1.0.0")
    released.finish("1.0.0")
    every_task_leaves_them(released, "1.0.0")


def test_what_is_bumped_by_hand_ahead_of_version_stays_ours(begin: Begin) -> None:
    released = begin({})
    released.release("1.0.0")
    released.change("build: bump the chart", {"chart/Chart.yaml": "name: demo\nversion: 1.1.0\nappVersion: 1.1.0\n"})
    released.release("1.1.0")
    released.release("1.2.0")


def test_drift_that_a_release_repaired_stays_ours(begin: Begin) -> None:
    released = begin({})
    released.release("1.0.0")
    released.change("build: break the chart", {"chart/Chart.yaml": "name: demo\nversion: 0.0.1\nappVersion: 0.0.1\n"})
    released.release("1.1.0")
    released.release("1.2.0")


def test_a_repository_without_tags_knows_the_folders_of_others(tmp_path: Path) -> None:
    project = bare(tmp_path / "p")
    copies = {path: content for path, content in theirs("0.9.0").items() if "vendor" in path}
    project.commit("feat: begin", {**FILES, **copies})
    assert project.invoke("bump", "1.0.0").code == 0
    assert set(project.git("diff", "--name-only").split()) == {"VERSION", *OURS}


def test_a_target_names_a_file_of_others(begin: Begin) -> None:
    released = begin(theirs("0.9.0"))
    project = released.project
    table = '\n[[tool.release.target]]\npath = "vendor/web/package.json"\n'
    released.change("chore: name it", {"pyproject.toml": project.read("pyproject.toml") + table})
    released.run("release.prepare", "1.0.0")
    assert project.read("vendor/web/package.json") == '{"version": "1.0.0"}\n'
    assert project.read("src/demo/_vendor/dep/__init__.py") == '__version__ = "0.9.0"\n'


def test_the_past_is_read_without_another_process(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError

    released = begin({})
    released.release("1.0.0")
    released.change("feat: take others in", theirs("1.1.0"))
    released.release("1.1.0")
    released.change("feat: and more", {f"more/{path}": content for path, content in theirs("1.1.0").items()})
    monkeypatch.chdir(released.project.path)
    with working_tree.opened(lambda: repository.locate(released.project.path)) as tree:
        assert tree.released.nearest is not None
        monkeypatch.setattr(process, "start", refuse)
        paths = {site.path for site in tree.survey.managed}
    assert paths >= {"VERSION", *OURS}
    assert not paths & set(theirs("1.1.0"))


@pytest.mark.thorough
def test_what_is_not_here_is_no_evidence(begin: Begin, tmp_path: Path) -> None:
    released = begin(theirs("1.0.0"))
    released.project.git("tag", "v0.8.0", "HEAD:VERSION")
    released.project.git("tag", "v0.7.0", "HEAD:src")
    released.release("1.0.0")
    released.project.git("push", "-q", "-f", "origin", "v1.0.0^{}:refs/heads/shallow")
    every_task_leaves_them(released, "1.0.0")
    clone = Project(tmp_path)
    clone.path = tmp_path / "clone"
    clone.git("clone", "-q", "--depth=1", "-b", "v1.0.0", f"file://{released.project.remote}", "clone", cwd=tmp_path)
    for words in (("version",), ("version", "--check"), ("bump", "1.1.0"), ("propagate",)):
        ended = clone.invoke(*words)
        assert ended.code == 0, ended.text
    assert all(clone.read(path) == content for path, content in theirs("1.0.0").items() if "vendor" in path)
    assert "1.1.0" in clone.read("chart/Chart.yaml")
