"""A release to be sealed: its files in a folder, and the record of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from release.artifacts import store
from release.artifacts.provenance import statement as statements
from release.artifacts.record import Record

if TYPE_CHECKING:
    from pathlib import Path

STARTED, FINISHED = 1_700_000_100, 1_700_000_160
RECORD = Record(
    project="demo",
    version="1.0.0",
    tag="v1.0.0",
    tag_object="b" * 40,
    commit="c" * 40,
    tree="d" * 40,
    previous="v0.9.0",
    repository="https://github.com/acme/demo",
    epoch=1_700_000_000,
    tool="0.1.0",
    builder={"python": "3.11.7", "build": "1.6.1", "Hatch_ling": "1.27.0+local"},
    is_reproducible=True,
    resolution=None,
    gates=(),
    files=(),
)


def released(folder: Path, **changes: Any) -> Record:
    """Write the files of a release into a folder, and return its record."""
    folder.mkdir(parents=True)
    (folder / "demo-1.0.0.tar.gz").write_bytes(b"an sdist")
    (folder / "demo-1.0.0-py3-none-any.whl").write_bytes(b"a wheel")
    return replace(RECORD, files=store.files(folder), **changes)


def stated(record: Record, **changes: Any) -> bytes:
    """Return the statement about all files of a record, as made on a desk."""
    told = {"files": record.files, "started": STARTED, "finished": FINISHED, "env": {}, **changes}
    return statements.statement(record, **told)
