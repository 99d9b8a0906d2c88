"""What was kept for a tag is published as it was made, or not at all: each file that is not is named."""

from __future__ import annotations

import hashlib
import os
import shutil
from typing import TYPE_CHECKING

import pytest
import shipping
import signing
from shipping import NAMES, SBOM, SDIST, WHEEL
from support import thorough

from release.artifacts import bundle
from release.errors import Exit, ReleaseError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from shipping import Shop
    from support import Project

CI = "ci@example.org"
ENVELOPE, STATEMENT = "provenance.intoto.jsonl", "provenance.intoto.json"


def flip(path: Path, at: int = -20) -> None:
    """Change one bit of a file."""
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(bytes(data))


def agreed(folder: Path, old: bytes, new: bytes) -> None:
    """Change release.json, and SHA256SUMS with it."""
    record, sums = folder / "release.json", folder / "SHA256SUMS"
    before = record.read_bytes()
    assert old in before
    record.write_bytes(before.replace(old, new))
    was, now = (hashlib.sha256(data).hexdigest() for data in (before, record.read_bytes()))
    sums.write_text(sums.read_text().replace(was, now))


def sealed(folder: Path, shop: Shop, monkeypatch: pytest.MonkeyPatch, *, raw: bool = True) -> Project:
    """Make a release with provenance, by a key that is pinned: of a CI, or that of git."""
    keys = folder / "keys"
    keys.mkdir()
    public = signing.new_key(keys / "key")
    (keys / "allowed").write_text(f"{CI} {public}")
    project = shipping.untagged(folder / "project", shop.at, f'signers = ["{CI}"]\n{"" if raw else "sign = true"}\n')
    project.git("config", "gpg.ssh.allowedSignersFile", str(keys / "allowed"))
    if raw:
        monkeypatch.setenv("RELEASE_PROVENANCE_KEY_FILE", str(keys / "key"))
    else:
        project.git("config", "gpg.format", "ssh")
        project.git("config", "user.signingKey", str(keys / "key"))
    shipping.done(project, "tag", "--push", "--yes")
    return project


def refused(folder: Path) -> list[str]:
    with pytest.raises(ReleaseError) as caught:
        bundle.checked(folder)
    assert caught.value.exit is Exit.REFUSED
    return sorted(problem.what for problem in caught.value.problems)


@pytest.mark.parametrize("name", NAMES)
def test_one_bit_of_any_file_is_found(tmp_path: Path, name: str) -> None:
    folder = shipping.kept(shipping.tagged(tmp_path / "project"))
    flip(folder / name)
    assert any(name in line for line in refused(folder)), refused(folder)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_missing_is_named(tmp_path: Path, name: str) -> None:
    folder = shipping.kept(shipping.tagged(tmp_path / "project"))
    (folder / name).unlink()
    assert refused(folder) == [f"files/{name} is missing"]


@pytest.mark.parametrize(
    ("place", "says"),
    [
        (lambda folder: (folder / "more.whl").write_text("x"), "files/more.whl is foreign: it belongs to no release"),
        (lambda folder: (folder / "more").mkdir(), "files/more is no plain file"),
        (lambda folder: (folder / "more\n\x1b[2J").write_text("x"), "is foreign"),
        (lambda folder: (folder / "link").symlink_to("release.json"), "files/link is no plain file"),
        (lambda folder: os.mkfifo(folder / "pipe"), "files/pipe is no plain file"),
    ],
)
def test_what_is_foreign_is_named(tmp_path: Path, place: Callable[[Path], object], says: str) -> None:
    folder = shipping.kept(shipping.tagged(tmp_path / "project"))
    place(folder)
    (line,) = refused(folder)
    assert says in line
    assert line.isprintable()


@pytest.mark.parametrize("name", [WHEEL, *thorough("release.json", "SHA256SUMS")])
def test_a_link_to_the_same_bytes_is_no_file_of_a_release(tmp_path: Path, name: str) -> None:
    folder = shipping.kept(shipping.tagged(tmp_path / "project"))
    (folder / name).rename(tmp_path / name)
    (folder / name).symlink_to(tmp_path / name)
    assert refused(folder) == [f"files/{name} is no plain file"]


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    folder = shipping.kept(shipping.tagged(tmp_path / "project"))
    flip(folder / WHEEL)
    (folder / SDIST).unlink()
    (folder / "more.txt").write_text("x")
    assert [line.split("/")[1].split(" ")[0] for line in refused(folder)] == [WHEEL, SDIST, "more.txt"]


def test_a_file_that_only_the_sums_know_is_foreign(tmp_path: Path) -> None:
    folder = shipping.kept(shipping.tagged(tmp_path / "project"))
    (folder / "more.txt").write_text("x")
    sums = folder / "SHA256SUMS"
    sums.write_text(f"{sums.read_text()}{hashlib.sha256(b'x').hexdigest()}  more.txt\n")
    assert refused(folder) == ["files/more.txt is foreign: release.json does not know it"]


def test_nothing_of_it_is_published(tmp_path: Path, shop: Shop) -> None:
    project = shipping.tagged(tmp_path / "project", shop.at)
    flip(shipping.kept(project) / SBOM)
    for words in (("publish", "--yes"), ("publish", "--dry-run"), ("release.verify", "1.0.0"), ("build",)):
        ended = project.invoke(*words)
        assert ended.code == 3, ended.text
        assert f"files/{SBOM} has changed: its digest is" in ended.err
        assert str(shipping.kept(project)) in ended.err
    assert shop.names == []


@pytest.mark.parametrize("raw", [True, *thorough(False)])
def test_what_was_sealed_stands_against_a_record_that_agrees_with_its_sums(
    tmp_path: Path, shop: Shop, monkeypatch: pytest.MonkeyPatch, *, raw: bool
) -> None:
    project = sealed(tmp_path, shop, monkeypatch, raw=raw)
    folder = shipping.kept(project)
    assert {path.name for path in folder.iterdir()} > {ENVELOPE if raw else STATEMENT}
    shutil.copytree(folder, tmp_path / "before")

    def refuses(says: str) -> None:
        ended = project.invoke("publish", "--yes")
        assert (ended.code, says in ended.err, shop.names) == (3, True, []), ended.text
        shutil.rmtree(folder)
        shutil.copytree(tmp_path / "before", folder)

    agreed(folder, b'"is_reproducible": true', b'"is_reproducible": false')
    refuses("provenance: the statement is signed, but")
    agreed(folder, b'"version": "1.0.0"', b'"version": "1.0.1"')
    refuses("files: it is of 1.0.1, and v1.0.0 of 1.0.0")
    seal = folder / (ENVELOPE if raw else f"{STATEMENT}.sig")
    flip(seal, 120)
    refuses(f"files/{seal.name} or SHA256SUMS has changed")
    old = hashlib.sha256(seal.read_bytes()).hexdigest()
    flip(seal, -40)
    sums = folder / "SHA256SUMS"
    sums.write_text(sums.read_text().replace(old, hashlib.sha256(seal.read_bytes()).hexdigest()))
    refuses("provenance: ")
    seal.unlink()
    refuses(f"files/{seal.name} is missing")
    shipping.done(project, "publish", "--yes")
    assert shop.names == [WHEEL, SDIST]


def test_the_key_of_somebody_else_seals_nothing(tmp_path: Path, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    project = sealed(tmp_path, shop, monkeypatch)
    (tmp_path / "keys/allowed").write_text(f"{CI} {signing.new_key(tmp_path / 'other')}")
    ended = project.invoke("publish", "--yes")
    assert (ended.code, "provenance: " in ended.err, shop.names) == (3, True, []), ended.text


@pytest.mark.thorough
def test_folders_of_tags_do_not_lie_in_each_other(tmp_path: Path) -> None:
    project = shipping.tagged(tmp_path / "project", more='tag = "demo/v{version}"\n')
    assert shipping.kept(project, "demo/v1.0.0").parent.name == "demo%2Fv1.0.0"
    assert bundle.checked(shipping.kept(project, "demo/v1.0.0")).record.tag == "demo/v1.0.0"
