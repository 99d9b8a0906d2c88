"""Two runs at once, in one clone and in two of one remote: one release comes of it, and the loser leaves nothing."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from finishing import BRANCH, FINISH, open_release
from support import Ended, Project, git_flow

import release
from crash.killing import SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

    Tell = Callable[[str, int], None]

CANDIDATE = ("release.candidate", "--version", "1.0.0", "--yes")
# git runs it when everything is planned and nothing is sent. However long it waits, it goes on in the end.
PRE_PUSH = """\
#!/bin/sh
: >{meeting}/$$
tries=0
while [ $tries -lt 1000 ] && ! {awaited}; do
	tries=$((tries + 1))
	sleep 0.01
done
"""
rounds = pytest.mark.parametrize("rounds", [2, pytest.param(50, marks=pytest.mark.crash)])


@pytest.fixture
def told_as(record_property: Callable[[str, object], None]) -> Tell:
    began = time.monotonic()

    def tell(what: str, rounds: int) -> None:
        facts = {"case": f"race: {what}", "tried": {"rounds": rounds}, "seconds": round(time.monotonic() - began, 1)}
        record_property("crash", facts)

    return tell


def both(*runs: tuple[Project, tuple[str, ...]]) -> list[Ended]:
    """Start two runs at once; return how each ended."""
    environment = {**os.environ, "PYTHONPATH": str(Path(release.__file__).parents[1])}
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "invoke", *words],
            cwd=project.path,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for project, words in runs
    ]
    texts = [run.communicate(timeout=SECONDS)[0] for run in started]
    return [Ended(code=run.returncode, out=text, err="") for run, text in zip(started, texts, strict=True)]


def second_clone(project: Project) -> Project:
    """Clone the project's remote for somebody else, whose objects are others."""
    other = Project(project.folder)
    other.path = project.folder / "other"
    project.git("clone", "-q", "-b", BRANCH, str(project.remote), str(other.path), cwd=project.folder)
    other.git("branch", "-q", "develop", "origin/develop")
    other.git("branch", "-q", "main", "origin/main")
    other.git("config", "user.name", "Other")
    return other


def wait_before_push(project: Project, awaited: str) -> None:
    meeting = project.folder / "meeting"
    meeting.mkdir(exist_ok=True)
    hook = project.path / ".git/hooks/pre-push"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(PRE_PUSH.format(meeting=shlex.quote(str(meeting)), awaited=awaited))
    hook.chmod(0o755)


def meet(*projects: Project) -> None:
    """Let all of them push at the same moment."""
    for project in projects:
        meeting = shlex.quote(str(project.folder / "meeting"))
        wait_before_push(project, f"[ $(ls {meeting} | wc -l) -ge {len(projects)} ]")


def kept(project: Project) -> dict[str, object]:
    """What a run that loses leaves as it was."""
    return {name: value for name, value in project.state().items() if name != "remote"}


def tags(project: Project) -> list[str]:
    return project.git("tag", "--list", cwd=project.remote).split()


def whole(*projects: Project) -> None:
    """Nothing is in progress or half there, in a clone or at the remote."""
    for project in projects:
        assert not (project.path / ".git/release/journal.json").exists()
        assert not list(project.folder.rglob("*.lock"))
        assert not project.git("fsck", "--no-dangling", "--no-progress", cwd=project.remote)


def released_once(project: Project, runs: list[tuple[Project, dict[str, object]]], ended: list[Ended]) -> None:
    """One run has released; the other was refused, or came when all was done, and has changed nothing where it ran."""
    told = "\n\n".join(one.text for one in ended)
    winner = next(number for number, one in enumerate(ended) if "v1.0.0 is released on main" in one.text)
    late = ended[1 - winner]
    assert ended[winner].code == 0, told
    assert late.code in (2, 3) or (late.code, "nothing to do" in late.text) == (0, True), told
    assert tags(project) == ["v0.9.0", "v1.0.0"], told
    assert project.remote_ref(f"refs/heads/{BRANCH}") == ""
    where = runs[winner][0]
    for name in ("refs/heads/main", "refs/heads/develop", "refs/tags/v1.0.0"):
        assert where.ref(name) == project.remote_ref(name), told
    loser, before = runs[1 - winner]
    assert loser is where or kept(loser) == before, told


@rounds
def test_of_two_finishes_in_one_clone_one_releases(rounds: int, tmp_path: Path, told_as: Tell) -> None:
    for number in range(rounds):
        project = open_release(tmp_path / str(number))
        before = kept(project)
        ended = both((project, FINISH), (project, FINISH))
        released_once(project, [(project, before), (project, before)], ended)
        whole(project)
    told_as("finish, one clone", rounds)


@rounds
def test_of_two_finishes_in_two_clones_one_releases(rounds: int, tmp_path: Path, told_as: Tell) -> None:
    for number in range(rounds):
        project = open_release(tmp_path / str(number))
        other = second_clone(project)
        if number % 2 == 0:
            meet(project, other)
        runs = [(one, kept(one)) for one in (project, other)]
        ended = both(*((one, FINISH) for one, _ in runs))
        released_once(project, runs, ended)
        whole(project, other)
    told_as("finish, two clones", rounds)


@rounds
def test_of_two_candidates_in_one_clone_one_is_tagged(rounds: int, tmp_path: Path, told_as: Tell) -> None:
    for number in range(rounds):
        project = open_release(tmp_path / str(number))
        ended = both((project, CANDIDATE), (project, CANDIDATE))
        told = "\n\n".join(one.text for one in ended)
        assert sorted(one.code for one in ended) == [0, 3], told
        assert tags(project) == ["v0.9.0", "v1.0.0rc1"], told
        assert project.ref(BRANCH) == project.remote_ref(BRANCH) == project.ref("v1.0.0rc1^{commit}")
        whole(project)
    told_as("candidate, one clone", rounds)


@pytest.mark.thorough
@rounds
def test_of_two_candidates_in_two_clones_the_later_gets_the_next_number(
    rounds: int, tmp_path: Path, told_as: Tell
) -> None:
    """One clone is ahead. It loses in every other round; if the other one does, there is nothing new to be tagged."""
    renumbered = 0
    for number in range(rounds):
        project = git_flow(tmp_path / str(number))
        assert project.invoke("release.prepare", "1.0.0rc1", "--push", "--yes").code == 0  # to be tagged as it is
        other = second_clone(project)
        other.commit("fix: another", {"another.txt": "fixed\n"})
        if number % 2 == 0:
            wait_before_push(other, f"[ -e {shlex.quote(str(project.remote / 'refs/tags/v1.0.0rc1'))} ]")
        before = kept(project)
        ended = both((project, CANDIDATE), (other, CANDIDATE))
        renumbered += candidates(project, other, before, ended)
        whole(project, other)
    assert renumbered >= rounds // 2
    told_as("candidate, two clones", rounds)


def candidates(project: Project, other: Project, before: dict[str, object], ended: list[Ended]) -> bool:
    """Judge a race for a candidate; return whether both got one."""
    told = "\n\n".join(one.text for one in ended)
    assert ended[1].code == 0, told
    if ended[0].code == 0:
        assert tags(project) == ["v0.9.0", "v1.0.0rc1", "v1.0.0rc2"], told
        assert other.ref("v1.0.0rc2^{commit}") == project.remote_ref(BRANCH), told
        return True
    assert ended[0].code == 3, told
    assert tags(project) == ["v0.9.0", "v1.0.0rc1"], told
    assert kept(project) == before, told
    return False
