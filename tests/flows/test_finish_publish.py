"""`release.finish --publish`: first the release is whole, here and at the remote; only then its files go out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import distributing
import pytest
import shipping
from finishing import FINISH, OURS, THEIRS, conflicting, hook, open_release, refuses, released, resolve, stopped
from shipping import SDIST, WHEEL

if TYPE_CHECKING:
    from pathlib import Path

    from shipping import Shop

BOTH = [WHEEL, SDIST]


def files(shop: Shop) -> dict[str, str]:
    """Return what makes a Git Flow project at 0.9.0 one that can be built and published."""
    table = distributing.PYPROJECT.replace("1.0.0", "0.9.0")
    return {
        "tiny_backend.py": distributing.PROJECT["tiny_backend.py"],
        "pyproject.toml": f"{table}\n[tool.release]\ngates = []\n{shipping.addresses(shop.at)}",
        "demo/__init__.py": '__version__ = "0.9.0"\n',
    }


def test_the_release_is_made_and_then_published(tmp_path: Path, shop: Shop) -> None:
    project = open_release(tmp_path / "project", files(shop))
    ended = shipping.done(project, *FINISH, "--publish")
    released(project)
    assert shop.names == BOTH
    said = ended.err.splitlines()
    assert said.index(f"built: {shipping.kept(project)}") < said.index("v1.0.0 is published: index")
    again = shipping.done(project, *FINISH, "--publish")
    assert "note: nothing was tagged now, and so nothing is published: invoke publish" in again.err


@pytest.mark.parametrize("flag", ["--no-push", "--pr"])
def test_without_a_tag_that_is_pushed_now_it_is_refused(tmp_path: Path, shop: Shop, flag: str) -> None:
    project = open_release(tmp_path / "project", files(shop))
    said = refuses(project, *FINISH, "--publish", flag, code=2, says="--publish needs a tag that is pushed now")
    assert "invoke publish" in said


def test_a_dry_run_publishes_nothing(tmp_path: Path, shop: Shop) -> None:
    project = open_release(tmp_path / "project", files(shop))
    shipping.done(project, "release.finish", "--publish", "--dry-run")
    assert shop.names == []
    assert project.ref("v1.0.0") == ""


def test_an_upload_that_fails_takes_nothing_back(tmp_path: Path, shop: Shop) -> None:
    project = open_release(tmp_path / "project", files(shop))
    (shop.folder / SDIST).write_bytes(b"another")
    ended = project.invoke(*FINISH, "--publish")
    assert ended.code == 3, ended.text
    released(project)
    assert f"has another {SDIST}" in ended.err
    end = "v1.0.0 is tagged and stays so; not all of it is published\nnext: invoke publish --version 1.0.0\n"
    assert ended.err.endswith(end)
    assert shop.names == [SDIST]
    (shop.folder / SDIST).unlink()
    shipping.done(project, "publish", "--version", "1.0.0", "--yes")
    assert shop.names == BOTH


@pytest.mark.thorough
def test_it_is_still_published_after_a_conflict(tmp_path: Path, shop: Shop) -> None:
    project = conflicting(tmp_path / "project", main={"app.txt": OURS}, release={"app.txt": THEIRS}, base=files(shop))
    place = stopped(project, "--publish")
    assert shop.names == []
    resolve(project, place)
    shipping.done(project, "release.resume")
    released(project)
    assert shop.names == BOTH


@pytest.mark.thorough
def test_after_an_interruption_it_says_that_nothing_is_published(tmp_path: Path, shop: Shop) -> None:
    project = open_release(tmp_path / "project", files(shop))
    in_the_way = hook(project, "reference-transaction", 'test "$1" != prepared', remote=False)
    assert project.invoke(*FINISH, "--publish").code == 7
    in_the_way.unlink()
    ended = shipping.done(project, "release.resume")
    released(project)
    assert "note: nothing of it is published yet: invoke publish" in ended.err
    assert shop.names == []
    shipping.done(project, "publish", "--yes")
    assert shop.names == BOTH
