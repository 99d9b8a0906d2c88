"""What the documentation has users type to verify a release by hand: it says yes, and no when something was changed."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import shipping
import signing
from sealing import released, stated
from signing import new_key, new_pgp
from support import bare

from release.artifacts.provenance import seal
from release.git import repository, world

PAGE = (Path(__file__).parents[2] / "docs" / "artifacts.md").read_text(encoding="utf-8")
BLOCKS: list[tuple[str, str]] = re.findall(r"```(sh|python)\n(.*?)```", PAGE, re.DOTALL)
CI = "ci@example.org"
pytestmark = [signing.needs_ssh, pytest.mark.skipif(shutil.which("sha256sum") is None, reason="no sha256sum here")]


def block(holds: str) -> tuple[str, str]:
    (found,) = [one for one in BLOCKS if holds in one[1]]
    return found


def typed(folder: Path, holds: str) -> bool:
    """Type the block of the page that holds some words; returns whether all of it says yes."""
    kind, text = block(holds)
    argv = [sys.executable, "-c", text] if kind == "python" else ["sh", "-euc", text]
    return subprocess.run(argv, cwd=folder, check=False, capture_output=True).returncode == 0


@pytest.mark.parametrize(
    ("kind", "holds"),
    [("raw", "securesystemslib.dsse"), ("ssh", "-n provenance@invoke-gitflow -s"), ("pgp", "gpg --verify")],
)
def test_a_seal_is_verified_by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, holds: str) -> None:
    project, folder = bare(tmp_path / "project"), tmp_path / "dist"
    record = released(folder)
    public = new_key(tmp_path / "key")
    with signing.key_ring(monkeypatch):
        if kind == "ssh":
            project.git("config", "gpg.format", "ssh")
            project.git("config", "user.signingKey", str(tmp_path / "key"))
        elif kind == "pgp":
            new_pgp()
        env = {seal.KEY: (tmp_path / "key").read_text()} if kind == "raw" else {}
        settings = world.read_settings(repository.locate(project.path))
        key = seal.sealer(env, settings, sign=True, top=project.path)
        assert key is not None
        seal.seal(stated(record), folder, key)
        (folder / "allowed_signers").write_text(f'{CI} namespaces="provenance@invoke-gitflow" {public}')
        (folder / "provenance-key.pub").write_text(public)
        assert typed(folder, holds)
        assert typed(folder, '["subject"]')
        (folder / record.files[0].name).write_bytes(b"other")
        assert not typed(folder, '["subject"]')
        place = folder / ("provenance.intoto.jsonl" if kind == "raw" else "provenance.intoto.json")
        place.write_text(place.read_text().replace("e", "f", 3))
        assert not typed(folder, holds)


def test_a_tag_is_verified_by_hand(tmp_path: Path) -> None:
    project = bare(tmp_path / "project")
    public = new_key(tmp_path / "key")
    project.commit("feat: begin", {"allowed_signers": f"test@example.org {public}"})
    project.git("config", "gpg.format", "ssh")
    project.git("config", "user.signingKey", str(tmp_path / "key"))
    project.git("tag", "-s", "-m", "x", "v1.0.0")
    assert typed(project.path, "verify-tag v1.0.0")
    project.git("tag", "-s", "-m", "x", "v1.0.0rc9")
    project.git("update-ref", "refs/tags/v1.0.0", project.ref("refs/tags/v1.0.0rc9"))
    assert not typed(project.path, "verify-tag v1.0.0")
    project.git("tag", "-f", "-a", "-m", "x", "v1.0.0")
    assert not typed(project.path, "verify-tag v1.0.0")


@pytest.mark.thorough  # it installs a front end from an index
def test_a_release_is_built_again_by_hand(tmp_path: Path) -> None:
    project = shipping.tagged(tmp_path / "project")
    clone = tmp_path / "clone"
    project.git("clone", "-q", str(project.remote), str(clone))
    shutil.copytree(shipping.kept(project), tmp_path / "release")
    argv = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "build"]
    if subprocess.run(argv, cwd=tmp_path, check=False).returncode:
        pytest.skip("no index has build")
    assert typed(clone, "SOURCE_DATE_EPOCH=")
    assert sorted(path.name for path in (tmp_path / "rebuilt").iterdir()) == [
        "SHA256SUMS",
        shipping.WHEEL,
        shipping.SDIST,
    ]
    flipped = (tmp_path / "release/SHA256SUMS").read_text().replace("a", "b")
    (tmp_path / "release/SHA256SUMS").write_text(flipped)
    assert not typed(clone, "SOURCE_DATE_EPOCH=")
