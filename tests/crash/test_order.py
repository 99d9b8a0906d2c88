"""What power loss would keep: a release is durable in the order objects, journal, refs, files, and no journal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from crash.cases import PREPARE, Case
from crash.killing import started

if TYPE_CHECKING:
    from collections.abc import Callable

    from crash.judging import Trial
    from crash.stage import Stage

SYNC = r"(?:fsync|fdatasync)\(\d+<{}>\)"
MOVE = r'rename(?:at2?)?\(.*"[^"]*{}"'


@pytest.mark.usefixtures("strace")
def test_a_release_becomes_durable_in_order(tries: Callable[[Case], Trial]) -> None:
    stage = tries(PREPARE).stage
    stage.restore("start")
    with started(stage, PREPARE, trace="all") as run:
        run.wait()
        lines = (run.folder / "own.trace").read_text().splitlines()
    lines = [line for line in lines if "unfinished" not in line and "= -1" not in line]
    git = re.escape(str(stage.common))
    journal = f"{git}/release/\\.journal\\.json\\.release-new"
    ref = "refs/heads/release/v1\\.0\\.0"
    order = [
        last(lines, SYNC.format(".*/bulk_fsync_[^>]*")),
        last(lines, r'(?:link|rename)(?:at2?)?\(.*objects/[0-9a-f]{2}/[0-9a-f]{38}"'),
        first(lines, SYNC.format(journal)),
        first(lines, MOVE.format("release/journal\\.json")),
        first(lines, SYNC.format(f"{git}/release")),
        first(lines, SYNC.format(f".*{ref}\\.lock")),
        first(lines, MOVE.format(ref)),
        first(lines, SYNC.format(f"{git}/index\\.lock"), after=MOVE.format(ref)),
        last(lines, MOVE.format("/index")),
        first(lines, MOVE.format("/HEAD")),
        first(lines, SYNC.format(f"{git}/HEAD")),
        first(lines, SYNC.format(".*/work/VERSION")),
        last(lines, r'unlink(?:at)?\(.*"[^"]*release/journal\.json"'),
        last(lines, SYNC.format(f"{git}/release")),
    ]
    assert order == sorted(order), "\n".join(lines[number] for number in order)
    assert_synced(stage, lines)


def first(lines: list[str], pattern: str, *, after: str = "") -> int:
    begin = first(lines, after) if after else 0
    return next(number for number, line in enumerate(lines) if number >= begin and re.search(pattern, line))


def last(lines: list[str], pattern: str) -> int:
    return max(number for number, line in enumerate(lines) if re.search(pattern, line))


def assert_synced(stage: Stage, lines: list[str]) -> None:
    """Every object, every changed file and the folders they lie in have been handed to the disk."""
    text = "\n".join(lines)
    synced = len(re.findall(r"(?:sync_file_range|fsync)\(\d+<[^>]*(?:tmp_obj|bulk_fsync)", text))
    made = stage.project.git("rev-list", "--objects", "release/v1.0.0", "^develop").splitlines()
    assert synced > len(made), "objects, and one flush of the disk for them all"
    changed = stage.project.git("diff", "--name-only", "--diff-filter=AMT", "develop", "release/v1.0.0").splitlines()
    files = [path for path in changed if not (stage.slot / "work" / path).is_symlink()]
    missing = [path for path in files if not re.search(SYNC.format(f".*/work/{re.escape(path)}"), text)]
    assert not missing
    folders = [path for path in ("", "/docs", "/docs/deep") if not re.search(SYNC.format(f".*/work{path}"), text)]
    assert not folders
