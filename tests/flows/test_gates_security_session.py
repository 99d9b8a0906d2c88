"""The session under a real nox: what it prints, the files that it leaves, and what the gate runner makes of it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from auditing import BIN, uv_lock
from gating import Gated, gated
from osv import serving

import release
from release.errors import Exit, ReleaseError

if TYPE_CHECKING:
    from collections.abc import Mapping

# Without an environment of its own, which takes its time to make; the empty group says that all is there.
NOXFILE = f"""\
import sys
sys.path.insert(0, {str(Path(release.__file__).parents[1])!r})
import nox
from release.sessions import security
nox.options.default_venv_backend = "none"
"""
TABLE = """\
[project]
name = "demo"
dependencies = ["idna"]
[dependency-groups]
security = []
[tool.release]
advisory_hours = 2
[tool.release.security]
exclude = ["noxfile.py"]
service = "{url}"
timeout = 5
"""
TASKS = "from invoke import task\n\n\n@task\ndef tag(c, name):\n    c.run('git tag v1')\n"


@pytest.fixture(autouse=True)
def on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.pathsep.join([str(BIN), os.environ["PATH"]]))


def project(folder: Path, url: str, files: Mapping[str, str | bytes] | None = None) -> Gated:
    usual = {"noxfile.py": NOXFILE, "pyproject.toml": TABLE.format(url=url), "uv.lock": uv_lock("idna==3.7")}
    return gated(folder, {**usual, "tasks.py": TASKS, **(files or {})})


def test_a_look_that_found_nothing_gives_a_receipt_that_ages(tmp_path: Path) -> None:
    with serving() as server:
        made = project(tmp_path, server.url)
        made.run("security")
        receipt = made.receipt("security")
        assert receipt is not None
        assert receipt.expires == receipt.started + 2 * 3600
        versions = r"\d+\.\d+\.\d+"
        expected = (
            rf"bandit {versions}: 1 file, 0 findings",
            r"shell check: 1 file, 1 with tasks, 0 findings",
            rf"pip-audit {versions}: 1 locked package audited \(uv.lock\), {server.url}, canary ok, 0 findings",
        )
        for line, pattern in zip(receipt.evidence[-3:], expected, strict=True):
            assert re.fullmatch(pattern, line)
        assert any("pip-audit -r " in line for line in receipt.evidence[:-3])
    server.mode = "down"
    made.said.clear()
    made.run("security")
    assert made.said == ["gate security: receipt found"]
    place = next((made.path / ".git" / "release" / "receipts" / "security").iterdir())
    place.write_text(place.read_text().replace(f'"expires": {receipt.expires}', f'"expires": {int(time.time()) - 1}'))
    with pytest.raises(ReleaseError) as caught:
        made.run("security")
    assert caught.value.exit == Exit.NOT_AUDITED
    assert "NOT AUDITED: gate security could not look on" in str(caught.value)
    assert f"session security could not look: pip-audit: the service {server.url} refuses connections" in str(
        caught.value
    )


def test_what_is_found_is_shown_where_a_ci_looks(tmp_path: Path) -> None:
    files = {"tasks.py": TASKS.replace("'git tag v1'", "f'git tag {name}'")}
    page = tmp_path / "page.md"
    env = {**os.environ, "GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(page)}
    with serving() as server:
        made = project(tmp_path / "project", "http://127.0.0.1:9/v1/query", files)
        words = ["--json", "out.json", "--sarif=out.sarif", "--service", server.url]
        argv = [sys.executable, "-m", "nox", "-s", "security", "--", *words]
        ran = subprocess.run(argv, cwd=made.path, env=env, capture_output=True, text=True, check=False)
    found = (
        "tasks.py:6: RG101 c.run() hands name to a shell: put shlex.quote() around each value, or run a list of words "
        "without a shell"
    )
    assert ran.returncode == 1
    assert f"Session security aborted: found: {found}" in ran.stderr
    assert f"nox > found: {found}\n" in ran.stderr
    assert "::error file=tasks.py,line=6,title=shell check RG101::c.run() hands name to a shell" in ran.stdout
    assert "### security: found\n" in page.read_text()
    assert "| tasks.py:6 | RG101 | c.run() hands name" in page.read_text()
    data = json.loads((made.path / "out.json").read_text())
    assert (data["result"], data["findings"], data["not_looked"]) == ("found", [found], [])
    results = json.loads((made.path / "out.sarif").read_text())["runs"][1]["results"]
    assert [one["ruleId"] for one in results] == ["RG101"]

    argv = [sys.executable, "-m", "nox", "-s", "security", "--", "--jsn", "x"]
    ran = subprocess.run(argv, cwd=made.path, env=env, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert "security does not know --jsn" in ran.stderr
    assert "did you mean '--json'?" in ran.stderr


def test_a_noxfile_that_imports_sessions_loads_no_gate() -> None:
    path = str(Path(release.__file__).parents[1])
    code = f"import sys; sys.path.insert(0, {path!r}); import release.sessions; print([*sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "'release.sessions'" in ran.stdout
    assert "'release.gates" not in ran.stdout
