"""A release to be taken to the loopback GitHub, and the publisher as a process of its own, to be killed."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest
from hub import REPOSITORY, TOKEN

from release import config as configuration
from release.artifacts import record as records
from release.artifacts.publish import forge
from release.artifacts.publish.job import Job
from release.artifacts.record import File, Record
from release.errors import ReleaseError
from release.git import repository

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hub import Hub

    from release.artifacts.publish.job import Facts

TAG_OBJECT, COMMIT = "a1" * 20, "c2" * 20
NOTES = "### Added\n\n- Something\n"
DISTS = {"demo-1.0.0-py3-none-any.whl": b"wheel", "demo-1.0.0.tar.gz": b"sdist" * 1000}


@dataclass
class Told:
    """What was said, and how long was waited instead of waiting."""

    lines: list[str] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)


def record(version: str = "1.0.0", files: Mapping[str, bytes] = DISTS) -> Record:
    listed = tuple(File(name, len(data), hashlib.sha256(data).hexdigest()) for name, data in sorted(files.items()))
    return Record(
        project="demo",
        version=version,
        tag=f"v{version}",
        tag_object=TAG_OBJECT,
        commit=COMMIT,
        tree="e3" * 20,
        previous="",
        repository=f"https://github.com/{REPOSITORY}",
        epoch=1_700_000_000,
        tool="1",
        builder={},
        is_reproducible=True,
        resolution=None,
        gates=(),
        files=listed,
    )


def job(hub: Hub, folder: Path, told: Told | None = None, **more: Any) -> Job:
    """Make a job; its folder has the distributions, their sums and the record."""
    told = told or Told()
    made: Record = more.pop("record", record())
    where = folder / "files"
    if not where.exists():
        where.mkdir(parents=True)
        subprocess.run(["git", "init", "-q", str(folder)], check=True)
        for name, data in more.pop("files", DISTS).items():
            (where / name).write_bytes(data)
        (where / "SHA256SUMS").write_text("".join(f"{one.sha256}  {one.name}\n" for one in made.files))
        (where / records.NAME).write_bytes(records.serialized(made))
    table = f'[tool.release.forge]\napi = "{hub.api}"\nrepository = "{REPOSITORY}"\n'
    given = {
        "repository": repository.locate(folder),
        "folder": where,
        "record": made,
        "config": configuration.load(table.encode(), origin="pyproject.toml"),
        "notes": NOTES,
        "env": hub.env,
        "say": told.lines.append,
        "scratch": folder,
    }
    return Job(**{**given, **more})


def configured(given: Job, **keys: str) -> Job:
    """The same job with other keys of [tool.release.forge]."""
    forge = replace(given.config.forge, **keys)
    return given._replace(config=replace(given.config, forge=forge))


def sums(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of what lies in a job's folder, by name."""
    return {one.name: hashlib.sha256(one.read_bytes()).hexdigest() for one in (folder / "files").iterdir()}


def tagged(hub: Hub, tag: str = "v1.0.0") -> None:
    hub.tags[tag] = ("tag", TAG_OBJECT)


def published(given: Job, told: Told) -> Facts:
    return forge.plan(given, pause=told.waited.append).act()


def refused(given: Job, told: Told | None = None) -> ReleaseError:
    with pytest.raises(ReleaseError) as caught:
        published(given, told or Told())
    assert TOKEN not in str(caught.value)
    assert caught.value.__cause__ is None
    return caught.value


def main() -> None:
    """Publish what lies in a folder, in a process of its own: FOLDER API CA; the token is in the environment."""
    import os  # noqa: PLC0415  # of the process that is killed
    from pathlib import Path  # noqa: PLC0415

    hub: Any = type("Told", (), {"api": sys.argv[2], "env": dict(os.environ)})
    folder = Path(sys.argv[1])
    given = job(hub, folder, record=records.read(folder / "files" / records.NAME), is_final=True, is_newest=True)
    forge.plan(given).act()


if __name__ == "__main__":
    main()
