"""Projects with an image, and the scanner that looks at it: a small program of these tests, under a real one's name."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditing import tree

from release.gates.image import gate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from release.gates.security.gate import Looked

ID = "sha256:" + "4b825dc642cb6eb9a060e54bf8d69288" * 2
CLEAN = {"libc6": "2.36-9+deb12u7"}
BAD = {**CLEAN, "openssl": "3.0.11-1~deb12u2", "zlib1g": "1:1.2.13"}
ADVISORIES = [
    {
        "id": "CVE-2023-45853",
        "package": "zlib1g",
        "fixed": "",
        "severity": "critical",
        "title": "zlib: integer overflow in zipOpenNewFileInZip4_6",
    },
    {
        "id": "CVE-2024-6119",
        "package": "openssl",
        "fixed": "3.0.14-1~deb12u2",
        "severity": "high",
        "title": "openssl: denial of service in X.509 name checks",
    },
    {
        "id": "CVE-2019-1010022",
        "package": "libc6",
        "fixed": "",
        "severity": "low",
        "title": "glibc: stack guard protection bypass",
    },
]
NAMED = '[tool.release.image]\nname = "acme/app"\n'
TRIVY = f"{NAMED}timeout = 5\n"
GRYPE = f"""{TRIVY}\
scan = ["grype", "{{image}}", "--output", "json", "--file", "{{report}}", "--fail-on", "{{severity}}"]
found = 2
"""
SCOUT = f"""{TRIVY}\
scan = "docker scout cves --format sarif --output {{report}} --exit-code --only-severity critical,high {{image}}"
found = 2
"""
SARIF = f"""{TRIVY}\
scan = "trivy image --format sarif --output {{report}} --exit-code 1 --severity {{severities}} {{image}}"
"""
OWN = f"""{TRIVY}\
scan = "own-scan --output {{report}} --exit-code 1 --severity {{severities}} {{image}}"
image_at = "/scan/of~1what"
findings_at = "/scan/issues"
"""
ALL = {"trivy": TRIVY, "grype": GRYPE, "docker": SCOUT, "sarif": SARIF, "own-scan": OWN}


def scanner(folder: Path, program: str = "trivy", *, mode: str = "", images: Mapping[str, Any] | None = None) -> Path:
    """Put the scanner into a folder for PATH, with a store of images by their names: the packages of each."""
    folder.mkdir(parents=True, exist_ok=True)
    source = Path(__file__).with_name("scanner.py").read_text()
    place = folder / program
    place.write_text(f"#!{sys.executable} -IS\n{source}")
    place.chmod(0o755)
    stored = {name: {"id": ID, "packages": packages} for name, packages in (images or {}).items()}
    (folder / "store.json").write_text(json.dumps({"images": stored, "advisories": ADVISORIES, "mode": mode}))
    return folder


def look(
    folder: Path, table: str = TRIVY, *, path: Sequence[Path] = (), version: str = "1.0.0", reference: str = ""
) -> Looked:
    """Look at the image of a project with this configuration, with these folders in front of PATH."""
    root, reports = folder / "work", folder / "reports"
    reports.mkdir(exist_ok=True)
    tree(root, {"pyproject.toml": table, **({"VERSION": f"{version}\n"} if version else {})})
    env = {**os.environ, "PATH": os.pathsep.join([*map(str, path), os.environ["PATH"]])}
    return gate.look(root, env, reports, reference=reference)
