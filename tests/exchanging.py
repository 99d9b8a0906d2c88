"""Receipts as a CI leaves them: made of what a commit holds, signed with real keys, in a folder."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from release.gates import digests, receipts, signatures
from release.git import repository
from release.git.database import ObjectReader

if TYPE_CHECKING:
    from pathlib import Path

    from support import Project

CI = "ci@example.org"
SIGNERS = f'["tests"]\nreceipt_signers = ["{CI}"]'
signing = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")


def new_key(place: Path, *, passphrase: str = "") -> Path:
    """Make an SSH key."""
    arguments = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", "test", "-f", str(place)]
    subprocess.run(arguments, check=True, stdin=subprocess.DEVNULL)
    return place


def public(key: Path) -> str:
    return key.with_name(f"{key.name}.pub").read_text()


def trust(project: Project, line: str) -> Path:
    """Let git on the maintainer's machine allow these signers."""
    place = project.folder / "allowed_signers"
    place.write_text(line)
    project.git("config", "gpg.ssh.allowedSignersFile", str(place))
    return place


def signed(place: Path, key: Path, *, namespace: str = signatures.NAMESPACE) -> Path:
    """Sign a file as anybody can, without this tool."""
    beside = place.with_name(f"{place.name}.sig")
    beside.unlink(missing_ok=True)
    subprocess.run(
        ["ssh-keygen", "-q", "-Y", "sign", "-n", namespace, "-f", str(key), str(place)],
        check=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
    )
    return beside


def made(project: Project, commit: str = "HEAD", **changes: Any) -> receipts.Receipt:
    """Return a receipt of the gate tests on a commit, as a run of it elsewhere would leave it."""
    tree = project.git("rev-parse", f"{commit}^{{tree}}")
    with closing(ObjectReader(repository.locate(project.path).top)) as reader:
        found = digests.of(reader, reader.tree(tree))
    receipt = receipts.Receipt(
        gate="tests",
        tree=tree,
        commit=project.git("rev-parse", commit),
        sessions=(receipts.Session("tests", "success", 1.5),),
        evidence=("pytest -q",),
        tool=receipts.tool_version(),
        nox="2026.10.20",
        python="3.12.1",
        noxfile=found.noxfile,
        lock=found.lock,
        started=1_700_000_000,
        ended=1_700_000_002,
    )
    return replace(receipt, **changes)


def left(folder: Path, receipt: receipts.Receipt, *, name: str = "") -> Path:
    """Write a receipt into the folder of a CI."""
    folder.mkdir(exist_ok=True)
    place = folder / (name or f"{receipts.folder_name(receipt.gate)}.{receipt.tree}.json")
    place.write_bytes(receipts.serialized(receipt))
    return place
