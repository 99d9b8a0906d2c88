"""Receipts: which ones count, and how they are kept."""

from __future__ import annotations

import hashlib
import json
import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from release.gates import receipts
from release.git.repository import Repository

if TYPE_CHECKING:
    from pathlib import Path

TREE = "0123456789" * 4
RECEIPT = receipts.Receipt(
    gate="tests",
    tree=TREE,
    commit="9876543210" * 4,
    sessions=(receipts.Session("tests-3.12", "success", 1.5),),
    evidence=("pytest -q",),
    tool=receipts.tool_version(),
    nox="2026.10.20",
    python="3.12.1",
    noxfile="a" * 64,
    lock="",
    started=1_700_000_000,
    ended=1_700_000_002,
)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    git = tmp_path / ".git"
    git.mkdir()
    return Repository(top=tmp_path, git_dir=git, common=git, shallow=False, hash_name="sha1")


def place(repository: Repository, gate: str = "tests") -> Path:
    return repository.common / "release" / "receipts" / receipts.folder_name(gate) / f"{TREE}.json"


def test_what_was_written_is_found(repository: Repository) -> None:
    receipts.write(repository, RECEIPT)
    assert receipts.find(repository, "tests", TREE) == RECEIPT
    assert sorted(path.name for path in place(repository).parent.iterdir()) == [f"{TREE}.json"]


def test_a_receipt_is_of_one_gate_and_one_tree(repository: Repository) -> None:
    receipts.write(repository, RECEIPT)
    other = "f" * 40
    assert receipts.find(repository, "lint", TREE) is None
    assert receipts.find(repository, "tests", other) is None
    for gate, tree in (("lint", TREE), ("tests", other)):
        target = place(repository, gate).with_name(f"{tree}.json")
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(place(repository).read_bytes())
        assert receipts.find(repository, gate, tree) is None


def test_missing_keeps_the_order_and_names_each_gate_once(repository: Repository) -> None:
    receipts.write(repository, RECEIPT)
    assert receipts.missing(repository, ["scan", "tests", "lint", "scan"], TREE) == ("scan", "lint")


def test_an_expired_receipt_does_not_count(repository: Repository) -> None:
    now = int(time.time())
    receipts.write(repository, replace(RECEIPT, expires=now + 3600))
    assert receipts.find(repository, "tests", TREE) is not None
    receipts.write(repository, replace(RECEIPT, expires=now - 1))
    assert receipts.find(repository, "tests", TREE) is None


def test_a_receipt_of_another_version_of_the_tool_does_not_count(repository: Repository) -> None:
    receipts.write(repository, replace(RECEIPT, tool="0.0.1"))
    assert receipts.find(repository, "tests", TREE) is None


def test_a_receipt_of_other_distributions_than_lie_there_does_not_count(repository: Repository) -> None:
    folder = repository.common / "release" / "artifacts" / TREE / "dist"
    receipt = replace(RECEIPT, artifacts=(receipts.Artifact("a.whl", hashlib.sha256(b"x").hexdigest()),))
    receipts.write(repository, receipt)
    assert receipts.find(repository, "tests", TREE) == receipt  # they can be built again, and are then compared
    folder.mkdir(parents=True)
    assert receipts.find(repository, "tests", TREE) is None
    (folder / "a.whl").write_text("x")
    assert receipts.find(repository, "tests", TREE) == receipt
    (folder / "a.tar.gz").write_text("x")
    assert receipts.find(repository, "tests", TREE) is None
    (folder / "a.tar.gz").unlink()
    (folder / "a.whl").write_text("y")
    assert receipts.find(repository, "tests", TREE) is None
    receipts.write(repository, RECEIPT)  # of a gate that was given none
    assert receipts.find(repository, "tests", TREE) == RECEIPT


@pytest.mark.parametrize(
    "change",
    [
        {"layout": 2},
        {"artifacts": [["a.whl"]]},
        {"artifacts": [["a.whl", 1]]},
        {"result": "failed"},
        {"evidence": []},
        {"evidence": [1]},
        {"sessions": []},
        {"sessions": [["tests", "skipped", 1.0]]},
        {"sessions": [["tests"]]},
        {"sessions": 3},
        {"expires": "never"},
        {"expires": 1e300},
        {"commit": None},
        {"more": 1},
        {"tool": None},
        {"signer": None},
    ],
)
def test_a_receipt_that_says_something_else_does_not_count(change: dict[str, Any], repository: Repository) -> None:
    receipts.write(repository, RECEIPT)
    data = json.loads(place(repository).read_bytes())
    place(repository).write_text(json.dumps({**data, **change}))
    assert receipts.find(repository, "tests", TREE) is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"layout": 1}'])
def test_a_damaged_receipt_does_not_count(content: bytes, repository: Repository) -> None:
    receipts.write(repository, RECEIPT)
    place(repository).write_bytes(content)
    assert receipts.find(repository, "tests", TREE) is None


def test_a_folder_or_a_link_to_nowhere_in_its_place_does_not_count(repository: Repository) -> None:
    place(repository).mkdir(parents=True)
    assert receipts.find(repository, "tests", TREE) is None
    place(repository).rmdir()
    place(repository).symlink_to("nowhere")
    assert receipts.find(repository, "tests", TREE) is None


def test_a_receipt_with_a_field_missing_does_not_count(repository: Repository) -> None:
    receipts.write(repository, RECEIPT)
    data = json.loads(place(repository).read_bytes())
    for name in data.keys() - {"result", "expires", "signer"}:
        place(repository).write_text(json.dumps({key: value for key, value in data.items() if key != name}))
        assert receipts.find(repository, "tests", TREE) is None, name


@pytest.mark.parametrize("tree", ["", "../x", "HEAD", TREE[:39]])
def test_a_tree_is_an_object_id(tree: str, repository: Repository) -> None:
    assert receipts.find(repository, "tests", tree) is None
    with pytest.raises(ValueError, match="not the id of a tree"):
        receipts.write(repository, replace(RECEIPT, tree=tree))


def test_the_newest_of_a_gate_are_kept(repository: Repository) -> None:
    folder = place(repository).parent
    for number in range(receipts.KEPT + 5):
        tree = f"{number:040x}"
        receipts.write(repository, replace(RECEIPT, tree=tree))
        os.utime(folder / f"{tree}.json", (1_600_000_000 + number, 1_600_000_000 + number))
    (folder / f".{TREE}.json.release-new").touch()
    os.utime(folder / f".{TREE}.json.release-new", (1, 1))
    receipts.write(repository, RECEIPT)
    names = {path.stem for path in folder.iterdir()}
    assert names == {TREE, *(f"{number:040x}" for number in range(6, receipts.KEPT + 5))}
    assert len(names) == receipts.KEPT


def test_every_gate_has_a_folder_of_its_own() -> None:
    gates = [
        "tests",
        "Tests",
        "TESTS",
        "tests-3.12",
        "tests-3.12(django='5')",
        'tests-3.12(django="5")',
        "tests(a/b)",
        "tests(a-b)",
        "..",
        ".",
        "a/../b",
        "é",
        "e",
        "x" * 40,
        "x" * 41,
        "x" * 300,
    ]
    names = [receipts.folder_name(gate) for gate in gates]
    assert len({name.lower() for name in names}) == len(gates)
    assert all(len(name) <= 40 and name.isascii() and not name.startswith(".") and "/" not in name for name in names)
    assert names[0] == "tests"
    assert names[4].startswith("tests-3.12-django-5+")
