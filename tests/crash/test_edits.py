"""What the user does between a crash and resume or abort: nothing of it is lost, and what is in the way is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support import thorough

from crash.cases import BUMP, COMMIT, DETACHED, PREPARE, Case
from crash.killing import Point, strike

if TYPE_CHECKING:
    from collections.abc import Callable

    from support import Ended

    from crash.judging import Trial

    Tries = Callable[[Case], Trial]
    Struck = Callable[[Case, Point], Trial]

MIXED = Point(when="inside", call="read-tree 2", system_call="write", number=4)
WRITTEN = Point(when="before", call="symbolic-ref 1")
JOURNAL = Point(when="before", call="update-ref 1")
HALF_DONE = Point(when="own", system_call="rename", number=5)
pytestmark = pytest.mark.usefixtures("strace")


@pytest.fixture
def struck(tries: Tries) -> Struck:
    def strike_once(case: Case, point: Point) -> Trial:
        tried = tries(case)
        tried.stage.restore("start")
        assert strike(tried.stage, case, point).reached
        assert tried.stage.journal.exists()
        return tried

    return strike_once


def expect(tried: Trial, command: str, code: int, *words: str) -> Ended:
    ended = tried.stage.project.invoke(command)
    assert ended.code == code, ended.text
    assert all(word in ended.text for word in words), ended.text
    return ended


def arrived(tried: Trial, command: str) -> None:
    assert not tried.stage.state().differences(tried.end if command == "release.resume" else tried.start)
    assert not tried.stage.leftovers()


@pytest.mark.parametrize(
    ("path", "point", "command"),
    [
        ("a.txt", MIXED, "release.resume"),
        ("docs/deep/page.txt", MIXED, "release.abort"),
        ("docs/deep/page.txt", WRITTEN, "release.resume"),
        ("pyproject.toml", WRITTEN, "release.abort"),
        *thorough(
            ("a.txt", MIXED, "release.abort"),
            ("a.txt", WRITTEN, "release.resume"),
            ("a.txt", WRITTEN, "release.abort"),
            ("docs/deep/page.txt", MIXED, "release.resume"),
            ("docs/deep/page.txt", WRITTEN, "release.abort"),
            ("pyproject.toml", MIXED, "release.resume"),
            ("pyproject.toml", MIXED, "release.abort"),
            ("pyproject.toml", WRITTEN, "release.resume"),
        ),
    ],
)
def test_an_edited_file_stops_and_is_named(path: str, point: Point, command: str, struck: Struck) -> None:
    tried = struck(PREPARE, point)
    place = tried.stage.slot / "work" / path
    before = place.read_bytes() if place.exists() else None
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(b"mine\n")
    expect(tried, command, 7, path, "release.resume", "release.abort")
    expect(tried, command, 7, path)
    assert place.read_bytes() == b"mine\n"
    if before is None:
        place.unlink()
    else:
        place.write_bytes(before)
    expect(tried, command, 0)
    arrived(tried, command)


@pytest.mark.parametrize("command", ["release.resume", *thorough("release.abort")])
def test_a_file_cut_short_by_the_user_is_no_torn_one(command: str, struck: Struck) -> None:
    """The start of the old content was never half written, unless an abort has begun."""
    tried = struck(PREPARE, JOURNAL)
    place = tried.stage.slot / "work/pyproject.toml"
    whole = place.read_bytes()
    place.write_bytes(whole[: whole.index(b"dependencies")])
    expect(tried, command, 7, "pyproject.toml")
    assert place.read_bytes() == whole[: whole.index(b"dependencies")]
    place.write_bytes(whole)
    expect(tried, command, 0)
    arrived(tried, command)


@pytest.mark.parametrize("command", ["release.resume", "release.abort"])
def test_a_torn_file_is_made_whole(command: str, struck: Struck) -> None:
    """A killed checkout leaves the start of what it was writing."""
    tried = struck(PREPARE, MIXED)
    commit = tried.stage.project.ref("refs/heads/release/v1.0.0")
    for path in ("pyproject.toml", "docs/deep/page.txt", "src/demo/__init__.py"):
        place = tried.stage.slot / "work" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        content = tried.stage.project.at(commit, path).encode()
        place.write_bytes(content[: len(content) * 3 // 4])
    expect(tried, command, 0)
    arrived(tried, command)


@pytest.mark.parametrize("command", ["release.abort", *thorough("release.resume")])
def test_head_moved_elsewhere_stops(command: str, struck: Struck) -> None:
    tried = struck(PREPARE, JOURNAL)
    git = tried.stage.project.git
    git("switch", "-q", "-c", "aside", "main")
    ended = expect(tried, command, 7, "HEAD was moved to aside")
    assert git("symbolic-ref", "HEAD") == "refs/heads/aside"
    tried.stage.project.typed(ended.err.partition("take it back: ")[2].partition("    ")[0])
    git("branch", "-q", "-D", "aside")
    git("update-index", "--assume-unchanged", "watched.txt")
    expect(tried, command, 0)
    arrived(tried, command)


@pytest.mark.parametrize("command", ["release.resume", *thorough("release.abort")])
def test_a_ref_that_somebody_moved_stops(command: str, struck: Struck) -> None:
    tried = struck(PREPARE, WRITTEN)
    git = tried.stage.project.git
    ours = git("rev-parse", "refs/heads/release/v1.0.0")
    git("update-ref", "refs/heads/release/v1.0.0", "main")
    expect(tried, command, 7, "release/v1.0.0", git("rev-parse", "main"), ours)
    assert git("rev-parse", "refs/heads/release/v1.0.0") == git("rev-parse", "main")
    git("update-ref", "refs/heads/release/v1.0.0", ours)
    expect(tried, command, 0)
    arrived(tried, command)


@pytest.mark.parametrize("command", ["release.resume", "release.abort"])
@pytest.mark.parametrize("path", ["CITATION.cff", *thorough("VERSION", "src/demo/__init__.py")])
def test_a_replaced_file_that_was_edited_is_left_and_named(path: str, command: str, struck: Struck) -> None:
    """`bump` edits the working tree: what is neither old nor new there is the user's, and the rest goes on."""
    tried = struck(BUMP, HALF_DONE)
    place = tried.stage.slot / "work" / path
    place.write_bytes(b"mine\n")
    expect(tried, command, 0, f"left alone, because it holds neither the old nor the new content: {path}")
    assert place.read_bytes() == b"mine\n"
    wanted = (tried.end if command == "release.resume" else tried.start).files
    now = tried.stage.state().files
    assert {name for name in now if now[name] != wanted.get(name)} == {f"work/{path}"}
    assert not tried.stage.leftovers()


@pytest.mark.parametrize("command", ["release.abort", *thorough("release.resume")])
def test_what_the_user_staged_is_left_and_named(command: str, struck: Struck) -> None:
    tried = struck(COMMIT, Point(when="before", call="update-index 1"))
    git = tried.stage.project.git
    kept = (tried.stage.slot / "work/Dockerfile").read_bytes()
    tried.stage.project.write("Dockerfile", "FROM mine\n")
    git("add", "Dockerfile")
    staged = git("ls-files", "-s", "Dockerfile")
    tried.stage.project.write("Dockerfile", kept)
    expect(tried, command, 0, "Dockerfile")
    assert git("ls-files", "-s", "Dockerfile") == staged
    assert not tried.stage.leftovers()


@pytest.mark.thorough
def test_the_linked_worktree_may_be_continued_from_the_first(tries: Tries) -> None:
    """Index and locks belong to the worktree that the run began in."""
    tried = tries(DETACHED)
    for command in ("release.resume", "release.abort"):
        for point in (
            Point(when="before", call="update-index 1"),
            Point(when="inside", call="update-index 1", system_call="rename", number=1),
            Point(when="inside", call="update-ref 1", system_call="rename", number=1),
        ):
            tried.stage.restore("start")
            assert strike(tried.stage, DETACHED, point).reached
            expect(tried, command, 0)
            arrived(tried, command)
