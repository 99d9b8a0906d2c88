"""The image session under a real nox: as a gate, whose receipts say who looked at what, and alone, as a CI has it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from gating import Gated, gated
from scanning import BAD, CLEAN, ID, TRIVY, scanner

import release
from release.errors import Exit, ReleaseError

if TYPE_CHECKING:
    from collections.abc import Mapping

NOXFILE = f"""\
import sys
sys.path.insert(0, {str(Path(release.__file__).parents[1])!r})
import nox
from release.sessions import image

nox.options.default_venv_backend = "none"


@nox.session
def other(session):
    session.run("true", external=True)
"""
ABSENT = '[tool.release.image]\nname = "acme/app"\nscan = ["trivvy", "{image}", "{report}"]\n'


def project(folder: Path, files: Mapping[str, str | bytes] | None = None) -> Gated:
    usual = {"noxfile.py": NOXFILE, "pyproject.toml": TRIVY, "VERSION": "1.0.0\n"}
    return gated(folder, {**usual, **(files or {})})


def installed(folder: Path, monkeypatch: pytest.MonkeyPatch, packages: Mapping[str, str]) -> None:
    path = scanner(folder, images={"acme/app:1.0.0": packages})
    monkeypatch.setenv("PATH", os.pathsep.join([str(path), os.environ["PATH"]]))


def nox(project: Gated, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "nox", *words]
    env = {**os.environ, **variables}
    return subprocess.run(argv, cwd=project.path, env=env, capture_output=True, text=True, check=False)


def test_a_clean_image_gives_a_receipt_that_ages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(tmp_path / "bin", monkeypatch, CLEAN)
    made = project(tmp_path / "project")
    made.run("image")
    receipt = made.receipt("image")
    assert receipt is not None
    assert receipt.expires == receipt.started + 24 * 3600
    ran, _, told = receipt.evidence
    pattern = r"\S*/trivy image --exit-code 1 --severity HIGH,CRITICAL --format json --output \S+ acme/app:1\.0\.0"
    assert re.fullmatch(pattern, ran)
    assert told == f"trivy 0.69.1: acme/app:1.0.0 ({ID}), 0 findings from high up; Trivy's JSON"


def test_what_is_found_fails_the_gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(tmp_path / "bin", monkeypatch, BAD)
    made = project(tmp_path / "project")
    with pytest.raises(ReleaseError) as caught:
        made.run("image")
    assert caught.value.exit == Exit.GATE_FAILED
    assert f"nox > found: zlib1g {BAD['zlib1g']}: CVE-2023-45853 (critical) fixed in: none;" in str(caught.value)
    assert made.receipt("image") is None


def test_without_a_scanner_a_candidate_passes_unseen_and_its_release_does_not(tmp_path: Path) -> None:
    made = project(tmp_path, {"pyproject.toml": ABSENT, "VERSION": "1.0.0rc1\n"})
    made.run("image")
    receipt = made.receipt("image")
    assert receipt is not None
    assert receipt.expires is not None
    why = "1.0.0rc1 is not final, and publish.image does not take rc"
    assert receipt.evidence == (
        "env -- trivvy --version",
        f"not looked at: acme/app:1.0.0rc1; trivvy is not installed; {why}",
    )
    made.commit("chore: release 1.0.0", {"VERSION": "1.0.0\n"})
    with pytest.raises(ReleaseError) as caught:
        made.run("image")
    assert caught.value.exit == Exit.NOT_AUDITED
    what = "session image could not look: trivvy is not installed, and nobody has looked at acme/app:1.0.0 (install it"
    assert what in str(caught.value)
    assert made.receipt("image") is None


def test_a_ci_gets_files_and_annotations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(tmp_path / "bin", monkeypatch, BAD)
    made = project(tmp_path / "project", {"VERSION": "2.0.0\n"})
    page = tmp_path / "page.md"
    words = ("-s", "image", "--", "--json=out.json", "--image", "acme/app:1.0.0")
    ran = nox(made, *words, GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(page))
    assert ran.returncode == 1
    assert "Session image aborted: found: zlib1g " in ran.stderr
    assert "::error title=trivy CVE-2023-45853::zlib1g 1:1.2.13: CVE-2023-45853 (critical) " in ran.stdout
    assert "### image: found\n" in page.read_text()
    assert f"| zlib1g {BAD['zlib1g']} | CVE-2023-45853 | (critical) " in page.read_text()
    data = json.loads((made.path / "out.json").read_text())
    assert (data["result"], data["versions"], len(data["details"])) == ("found", {"trivy": "0.69.1"}, 2)

    ran = nox(made, "-s", "image", "--", "--imgae", "x")
    assert ran.returncode == 1
    assert "image does not know --imgae" in ran.stderr
    assert "did you mean '--image'?" in ran.stderr


def test_it_runs_only_where_it_is_asked_for(tmp_path: Path) -> None:
    listed = nox(project(tmp_path), "--list").stdout
    assert "* other" in listed
    assert "- image -> Have the configured scanner look at the container image" in listed
