"""`release.verify`: what users get is what was made, or it says what is not, and what it could not look at."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
import shipping
from shipping import SDIST, WHEEL, Shop
from support import thorough

if TYPE_CHECKING:
    from pathlib import Path

    from support import Project

VERIFY = ("release.verify", "1.0.0")


@pytest.fixture
def published(tmp_path: Path, shop: Shop) -> Project:
    project = shipping.tagged(tmp_path / "project", shop.at)
    for name in (WHEEL, SDIST):
        shutil.copy(shipping.kept(project) / name, shop.folder)
    shipping.done(project, "publish")
    return project


def test_all_that_was_published_is_looked_at(published: Project, shop: Shop) -> None:
    before = published.state(times=True)
    ended = shipping.done(published, *VERIFY)
    oid = published.git("rev-parse", "v1.0.0")
    digests = shipping.digests(shipping.kept(published))
    lines = ended.out.splitlines()
    assert lines[:4] == [
        f"checked       tag v1.0.0  ({oid[:12]}… here and at the remote)",
        "checked       4 files of the release  (as SHA256SUMS and release.json say)",
        f"checked       {WHEEL} at {shop.at.simple}  (sha256 {digests[WHEEL][:12]}…)",
        f"checked       {SDIST} at {shop.at.simple}  (sha256 {digests[SDIST][:12]}…)",
    ]
    assert lines[4].startswith("checked       installation  (")
    assert [line.split()[2] for line in lines[5:]] == ["image", "chart", "forge"]
    assert ended.err == "note: these files have no provenance: nobody has signed for them\nv1.0.0 is what was made\n"
    assert published.state(times=True) == before


def test_it_is_told_as_json(published: Project) -> None:
    facts = json.loads(shipping.done(published, *VERIFY, "--json").out)
    assert (facts["version"], facts["tag"], set(facts["left"])) == ("1.0.0", "v1.0.0", {"image", "chart", "forge"})
    assert {look["state"] for look in facts["looks"]} == {"checked"}


@pytest.mark.parametrize("name", [WHEEL, *thorough(SDIST)])
def test_a_file_that_was_changed_is_not_what_was_made(published: Project, shop: Shop, name: str) -> None:
    with (shop.folder / name).open("ab") as file:
        file.write(b" ")
    ended = published.invoke(*VERIFY)
    assert ended.code == 3, ended.text
    (line,) = (line for line in ended.out.splitlines() if line.startswith("mismatch"))
    assert line.startswith(f"mismatch      {name} at {shop.at.simple}  (its digest is ")
    assert "v1.0.0 is NOT what was made: do not install it" in ended.err
    assert json.loads(published.invoke(*VERIFY, "--json").out)["looks"]


def test_what_is_gone_from_the_index_was_published(published: Project, shop: Shop) -> None:
    (shop.folder / SDIST).unlink()
    ended = published.invoke(*VERIFY)
    assert (ended.code, f"mismatch      {SDIST} at" in ended.out) == (3, True), ended.text


def test_what_nobody_has_published_could_not_be_looked_at(tmp_path: Path, shop: Shop) -> None:
    ended = shipping.tagged(tmp_path / "project", shop.at).invoke(*VERIFY)
    assert (ended.code, ended.out.count("not looked at")) == (5, 3), ended.text
    assert "NOT AUDITED: not all of v1.0.0 could be looked at" in ended.err


@pytest.mark.thorough  # it is asked several times
def test_an_index_that_does_not_answer_is_not_looked_at(tmp_path: Path) -> None:
    ended = shipping.tagged(tmp_path / "project").invoke(*VERIFY)
    assert (ended.code, "cannot be reached: Connection refused" in ended.out) == (5, True), ended.text


@pytest.mark.thorough
def test_a_tag_that_was_replaced_at_the_remote_is_told(published: Project) -> None:
    published.git("tag", "-f", "-a", "v1.0.0", "-m", "again", cwd=published.path)
    published.git("push", "-q", "-f", "origin", "v1.0.0")
    published.git(
        "update-ref",
        "refs/tags/v1.0.0",
        json.loads((shipping.kept(published) / "release.json").read_text())["tag_object"],
    )
    ended = published.invoke(*VERIFY)
    assert (ended.code, "mismatch      tag" in ended.out) == (3, True), ended.text


@pytest.mark.thorough
def test_without_what_was_made_there_is_nothing_to_compare_with(published: Project, tmp_path: Path) -> None:
    other = tmp_path / "other"
    published.git("clone", "-q", str(published.remote), str(other))
    ended = published.invoke(*VERIFY, cwd=other)
    assert ended.code == 5, ended.text
    assert "what was made for v1.0.0 is not known here: there is no release.json of it" in ended.err
    assert "into dist/, then again" in ended.err
    shutil.copytree(shipping.kept(published), other / "dist")
    assert published.invoke(*VERIFY, cwd=other).code == 0
    assert not (other / ".git/release").exists()
    assert published.invoke("release.verify", "2.0.0").code == 2
