"""What power loss would keep: a release is durable in the order objects, journal, refs, files, and no journal."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from crash.cases import PREPARE, Case
from crash.killing import started
from crash.releases import CONFLICT, FINISH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from crash.judging import Trial
    from crash.stage import Stage

    Traced = Callable[..., tuple[Stage, list[str]]]

SYNC = r"(?:fsync|fdatasync)\(\d+<{}>\)"
MOVE = r'rename(?:at2?)?\(.*"[^"]*{}"'


pytestmark = pytest.mark.usefixtures("strace")


@pytest.fixture
def traced(tries: Callable[[Case], Trial]) -> Traced:
    """Return a function that runs a task, and returns the system calls of all its processes in their order."""

    def run(case: Case, *words: str, origin: str = "start") -> tuple[Stage, list[str]]:
        stage = tries(case).stage
        stage.restore(origin)
        with started(stage, replace(case, words=words or case.words), trace="all") as run:
            run.wait()
            lines = (run.folder / "own.trace").read_text().splitlines()
        return stage, [line for line in ended(lines) if "= -1" not in line]

    return run


def ended(lines: list[str]) -> Iterator[str]:
    """Yield calls where they end: strace parts one in two while other threads or processes have a word."""
    begun: dict[str, str] = {}
    for line in lines:
        process = line.partition(" ")[0]
        if "<unfinished ...>" in line:
            begun[process] = line.partition(" <unfinished ...>")[0]
        elif " resumed>" in line:
            yield begun.pop(process, process) + line.partition(" resumed>")[2]
        else:
            yield line


def test_a_release_becomes_durable_in_order(traced: Traced) -> None:
    stage, lines = traced(PREPARE)
    git = re.escape(str(stage.common))
    ref = "refs/heads/release/v1\\.0\\.0"
    in_order(
        lines,
        *objects_and_journal(lines, git),
        first(lines, SYNC.format(f".*{ref}\\.lock")),
        first(lines, MOVE.format(ref)),
        first(lines, SYNC.format(f"{git}/index\\.lock"), after=MOVE.format(ref)),
        last(lines, MOVE.format("/index")),
        first(lines, MOVE.format("/HEAD")),
        first(lines, SYNC.format(f"{git}/HEAD")),
        first(lines, SYNC.format(".*/work/VERSION")),
        *no_journal(lines, git),
    )
    assert_synced(stage, lines, "develop", "release/v1.0.0")


def test_a_finished_release_becomes_durable_in_order(traced: Traced) -> None:
    """The remote is asked only when the journal is there; what it took is journalled before anything moves here."""
    stage, lines = traced(FINISH)
    git = re.escape(str(stage.common))
    there = r"remote\.git/\./refs/{}"
    refs = ("heads/develop", "heads/main", "heads/release/v1.1.0", "tags/v1.0.0")
    pushed = [last(lines, MOVE.format(there.format(re.escape(ref)))) for ref in refs]
    here = [first(lines, MOVE.format(f"/work/\\.git/refs/{re.escape(ref)}")) for ref in refs]
    in_order(lines, *objects_and_journal(lines, git), min(pushed))
    journal = f"{git}/release/\\.journal\\.json\\.release-new"
    in_order(
        lines,
        max(pushed),
        first(lines, SYNC.format(journal), begin=max(pushed)),
        first(lines, MOVE.format("release/journal\\.json"), begin=max(pushed)),
        first(lines, SYNC.format(f"{git}/refs/heads/main\\.lock")),
        min(here),
    )
    in_order(
        lines,
        max(here),
        first(lines, SYNC.format(f"{git}/index\\.lock"), begin=max(here)),
        last(lines, MOVE.format("/work/\\.git/index")),
        first(lines, MOVE.format("/HEAD")),
        last(lines, SYNC.format(f"{git}/packed-refs\\.new")),
        last(lines, MOVE.format("/work/\\.git/packed-refs")),
        *no_journal(lines, git),
    )
    in_order(lines, first(lines, SYNC.format(".*/work/VERSION")), *no_journal(lines, git))
    assert_synced(stage, lines, "v1.0.0rc1", "develop")


@pytest.mark.thorough
def test_what_a_person_resolved_is_durable_before_it_is_journalled(traced: Traced) -> None:
    """git syncs no loose object: what was staged and committed may still be nowhere but in memory."""
    stage, lines = traced(CONFLICT, "release.resume", origin="resolved 2")
    blob = stage.project.git("rev-parse", "develop:run.sh")
    in_order(
        lines,
        first(lines, SYNC.format(f".*objects/{blob[:2]}/{blob[2:]}")),
        first(lines, SYNC.format(f".*objects/{blob[:2]}")),
        first(lines, MOVE.format("release/journal\\.json")),
        first(lines, r"unlink(?:at)?\(.*work-merge-develop.*"),
    )


def objects_and_journal(lines: list[str], git: str) -> tuple[int, ...]:
    """Where the objects come to their place, and then the journal."""
    return (
        last(lines, SYNC.format(".*/work/.*/bulk_fsync_[^>]*")),
        last(lines, r'(?:link|rename)(?:at2?)?\(.*"(?:[^"]*/work/)?\.git/objects/[0-9a-f]{2}/[0-9a-f]{38}"'),
        first(lines, SYNC.format(f"{git}/release/\\.journal\\.json\\.release-new")),
        first(lines, MOVE.format("release/journal\\.json")),
        first(lines, SYNC.format(f"{git}/release")),
    )


def no_journal(lines: list[str], git: str) -> tuple[int, ...]:
    """Where the journal is removed."""
    return (
        last(lines, r'unlink(?:at)?\(.*"[^"]*release/journal\.json"'),
        last(lines, SYNC.format(f"{git}/release")),
    )


def in_order(lines: list[str], *found: int) -> None:
    assert list(found) == sorted(found), "\n".join(lines[number] for number in found)


def first(lines: list[str], pattern: str, *, after: str = "", begin: int = 0) -> int:
    begin = first(lines, after) if after else begin
    return next(number for number, line in enumerate(lines) if number >= begin and re.search(pattern, line))


def last(lines: list[str], pattern: str) -> int:
    return max(number for number, line in enumerate(lines) if re.search(pattern, line))


def assert_synced(stage: Stage, lines: list[str], old: str, new: str) -> None:
    """Every object, every changed file and the folders they lie in have been handed to the disk."""
    text = "\n".join(lines)
    synced = len(re.findall(r"(?:sync_file_range|fsync)\(\d+<[^>]*(?:tmp_obj|bulk_fsync)", text))
    made = stage.project.git("rev-list", "--objects", new, f"^{old}", "^origin/develop").splitlines()
    assert synced > len(made), "objects, and one flush of the disk for them all"
    changed = stage.project.git("diff", "--name-only", "--diff-filter=AMT", old, new).splitlines()
    files = [path for path in changed if not (stage.slot / "work" / path).is_symlink()]
    missing = [path for path in files if not re.search(SYNC.format(f".*/work/{re.escape(path)}"), text)]
    assert not missing
    folders = [path for path in ("", "/docs", "/docs/deep") if not re.search(SYNC.format(f".*/work{path}"), text)]
    assert not folders
