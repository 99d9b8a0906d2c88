"""Random walks through Git Flow: after every step versions, tags, changelogs and the remote are as they always are."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING

import pytest
from releasing import contains, done, headings, pushed, said, semver, trunk
from support import FILES, git_flow, thorough

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support import Project

STEPS = 14
# Lines that nobody but one commit edits, in front of the version and behind it.
SLOTS = [f"slot_{number} = 0\n_ = None\n" for number in range(1, 99)]
SOURCE = f'_ = None\n{"".join(SLOTS[::2])}__version__ = "0.9.0"\n{"".join(SLOTS[1::2])}'


class Walk:
    """Somebody who works in a project; every step ends with all branches pushed. `base` is where features go."""

    def __init__(self, project: Project, seed: int, base: str) -> None:
        self.project = project
        self.base = base
        self.random = random.Random(seed)  # a walk is known by its seed
        self.count = 0

    def branches(self, prefix: str = "") -> list[str]:
        return [name for name in self.listed() if name.startswith(prefix)]

    def listed(self) -> list[str]:
        return self.project.git("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads").split()

    def work(self, branch: str, kind: str = "fix") -> None:
        """Commit something: a new file, and a line beside a version."""
        self.count += 1
        project = self.project
        project.git("switch", "-q", branch)
        source = project.read("src/demo/__init__.py").replace(f"slot_{self.count} = 0", f"slot_{self.count} = 1")
        project.commit(f"{kind}: number {self.count}", {f"{self.count}.txt": "x\n", "src/demo/__init__.py": source})
        project.git("push", "-q", "origin", branch)

    def develop(self) -> None:
        self.work(self.base, "feat")

    def feature(self) -> None:
        done(self.project.invoke("feature.start", f"f{self.count}", "--push", "--yes"))
        self.work(f"feature/f{self.count}", "feat")
        done(self.project.invoke("feature.finish", "--yes"))

    def prepare(self) -> None:
        if self.branches("release/"):
            self.candidate()
            return
        self.develop()
        wanted = self.random.choice(["next", "minor", "major"])
        done(self.project.invoke("release.prepare", wanted, "--push", "--yes"))
        self.work(self.branches("release/")[0])

    def candidate(self) -> None:
        if self.branches("release/"):
            self.work(self.branches("release/")[0])
            done(self.project.invoke("release.candidate", "--yes"))

    def finish(self) -> None:
        if self.branches("release/"):
            self.project.git("switch", "-q", self.random.choice(self.listed()))
            done(self.project.invoke("release.finish", "--allow-changed", "--yes"))
            if self.base != "main":  # which is not at a version that is released
                assert f"v{self.project.at(self.base, 'VERSION')}" not in self.project.git("tag").split()

    def hotfix(self) -> None:
        done(self.project.invoke("hotfix.start", "--name", f"h{self.count}", "--push", "--yes"))
        self.work(f"hotfix/h{self.count}")
        done(self.project.invoke("hotfix.finish", "--yes"))

    def step(self) -> str:
        chosen: Callable[[], None] = self.random.choice(
            [
                self.develop,
                self.feature,
                self.prepare,
                self.candidate,
                self.finish,
                self.finish,
                self.hotfix,
                self.hotfix,
            ]
        )
        chosen()
        return chosen.__name__


def agrees(project: Project, base: str) -> None:
    """Assert what holds between any two tasks."""
    pushed(project)
    assert project.git("status", "--porcelain") == ""
    for branch in project.git("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads").split():
        version = project.at(branch, "VERSION")
        assert said(project, branch) == {version, semver(version)}, branch
        if project.git("ls-tree", branch, "CHANGELOG.md"):
            names = [tuple(map(int, name.split("."))) for name in headings(project, branch)[1:]]
            assert names == sorted(set(names), reverse=True), branch
            assert not re.search("^(<<<<<<<|>>>>>>>)", project.at(branch, "CHANGELOG.md"), re.MULTILINE)
    chain = project.git("log", "--first-parent", "--format=%H", "main").split()
    for tag in project.git("tag").split():
        says = project.at(tag, "VERSION")
        assert tag == f"v{says}"
        if re.fullmatch(r"v\d+\.\d+\.\d+", tag):
            assert project.ref(f"{tag}^{{commit}}") in chain
            assert contains(project, base, tag)
    assert project.git("describe", "--abbrev=0", "main") == f"v{project.at('main', 'VERSION')}"
    if project.git("ls-tree", "main", "CHANGELOG.md"):
        assert "<!--" not in project.at("main", "CHANGELOG.md")


@pytest.mark.parametrize(("seed", "base"), [(0, "develop"), *thorough((4, "develop"), (1, "main"))])
def test_a_walk_leaves_every_branch_in_agreement(tmp_path: Path, seed: int, base: str) -> None:
    files = {**FILES, "src/demo/__init__.py": SOURCE}
    project = git_flow(tmp_path / "p", files) if base == "develop" else trunk(tmp_path / "p", files)
    walk = Walk(project, seed, base)
    for _ in range(STEPS):
        print(walk.step())
        agrees(project, base)
    last = f"v{project.at('main', 'VERSION')}"
    told = project.at(last, "CHANGELOG.md")
    released = [number for number in range(1, walk.count + 1) if project.git("ls-tree", last, f"{number}.txt")]
    assert released
    for number in released:
        assert len(re.findall(rf"^- Number {number}$", told, re.MULTILINE)) == 1, number
