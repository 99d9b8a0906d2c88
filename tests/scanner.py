"""A program, not a module to import: a small image scanner that is called and answers like the real ones.

Its copy is named like one of them: trivy, grype, docker (with scout) or anything else, whose JSON is its own. Images
and advisories are those of `store.json` beside it; `mode` there says in which way it is to be of no use. The forms of
reports and the exit statuses are those of Trivy 0.69, Grype 0.118, and Docker Scout 1.18.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

STORE = json.loads(Path(__file__).with_name("store.json").read_text())
MODE = STORE.get("mode", "")
ORDER = ["unknown", "negligible", "low", "medium", "high", "critical"]
SCORES = {"critical": "9.8", "high": "7.5", "medium": "5.0", "low": "2.0"}
NOW = dt.datetime.now(dt.timezone.utc).isoformat().replace("+00:00", "123Z")
Match = tuple[dict[str, Any], str]


def matches(image: dict[str, Any]) -> list[Match]:
    """Return the advisories that hold for the packages of an image, with the version that is installed."""
    packages = image["packages"]
    return [(one, packages[one["package"]]) for one in STORE["advisories"] if one["package"] in packages]


def as_trivy(name: str, image: dict[str, Any], found: list[Match]) -> dict[str, Any]:
    vulnerabilities = [
        {
            "VulnerabilityID": one["id"],
            "PkgName": one["package"],
            "InstalledVersion": version,
            **({"FixedVersion": one["fixed"]} if one["fixed"] else {}),
            "Title": one["title"],
            "Severity": one["severity"].upper(),
        }
        for one, version in found
    ]
    target = {"Target": f"{name} (debian 12.5)", "Class": "os-pkgs", "Type": "debian"}
    return {
        "SchemaVersion": 2,
        "CreatedAt": NOW,
        "ArtifactName": name,
        "ArtifactType": "container_image",
        "Metadata": {
            "OS": {"Family": "debian", "Name": "12.5"},
            "ImageID": image["id"],
            "RepoTags": [name],
            "RepoDigests": image.get("digests", []),
        },
        "Results": [{**target, **({"Vulnerabilities": vulnerabilities} if vulnerabilities else {})}],
    }


def as_grype(name: str, image: dict[str, Any], found: list[Match]) -> dict[str, Any]:
    return {
        "matches": [
            {
                "vulnerability": {
                    "id": one["id"],
                    "severity": one["severity"].title(),
                    "fix": {"versions": [one["fixed"]] if one["fixed"] else [], "state": "fixed"},
                    "description": one["title"],
                },
                "artifact": {"name": one["package"], "version": version, "type": "deb"},
            }
            for one, version in found
        ],
        "source": {"type": "image", "target": {"userInput": name, "imageID": image["id"], "tags": [name]}},
        "distro": {"name": "debian", "version": "12"},
        "descriptor": {"name": "grype", "version": "0.118.0", "timestamp": NOW},
    }


def as_sarif(driver: str, properties: dict[str, Any], found: list[Match]) -> dict[str, Any]:
    rules = [{"id": one["id"], "properties": {"security-severity": SCORES[one["severity"]]}} for one, _ in found]
    results = [
        {
            "ruleId": one["id"],
            "ruleIndex": at,
            "message": {"text": f"Package: {one['package']}\nInstalled Version: {version}\n{one['title']}"},
        }
        for at, (one, version) in enumerate(found)
    ]
    run = {"tool": {"driver": {"name": driver, "version": "1.2.3", "rules": rules}}, "results": results}
    return {"version": "2.1.0", "runs": [{**run, **({"properties": properties} if properties else {})}]}


def arguments(program: str, words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=program)
    for word in {"trivy": ["image"], "docker": ["scout", "cves"]}.get(program, []):
        parser.add_argument(f"{program} {word}", choices=[word])
    parser.add_argument("image")
    if program == "grype":
        parser.add_argument("--output", "-o", dest="format")
        parser.add_argument("--file", dest="output")
        parser.add_argument("--fail-on", dest="least", default="")
    elif program == "docker":
        parser.add_argument("--format")
        parser.add_argument("--output")
        parser.add_argument("--exit-code", action="store_const", const=2, default=0)
        parser.add_argument("--only-severity", dest="shown")
    else:
        parser.add_argument("--format", default="own")
        parser.add_argument("--output")
        parser.add_argument("--exit-code", type=int, default=0)
        parser.add_argument("--severity", dest="shown")
    return parser.parse_args(words)


def misbehave(output: Path) -> None:
    """Do what a scanner should not do, before it has looked."""
    if MODE == "hang":
        time.sleep(60)
    elif MODE == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    elif MODE == "no database":
        sys.exit("FATAL: failed to download vulnerability DB from https://user:pa55word@mirror.example.org/db")
    elif MODE == "no report":
        sys.exit(0)
    elif MODE == "folder":
        output.mkdir()
        sys.exit(0)
    elif MODE in TEXTS:
        output.write_bytes(TEXTS[MODE])
        sys.exit(0)


TEXTS = {
    "empty": b" \n",
    "html": b"<!DOCTYPE html><title>Sign in</title>",
    "bare": b'{"SchemaVersion": 2, "ArtifactName": "x"}',
}


def spoil(report: dict[str, Any], output: Path) -> None:
    """Write the report, in the way of the mode."""
    if MODE == "other image":
        report = json.loads(json.dumps(report).replace(":1.0.0", ":0.9.0"))
    elif MODE == "files":
        report["ArtifactType"] = "filesystem"
    elif MODE == "nothing recognised":
        del report["Results"]
    elif MODE == "dated":
        report["CreatedAt"] = "2026-01-02T03:04:05.678901234+01:00"
    output.write_text(json.dumps(report))
    if MODE == "old file":
        os.utime(output, (1_700_000_000, 1_700_000_000))


def main() -> int:
    program = Path(sys.argv[0]).name
    if sys.argv[1:] == ["--version"]:
        print("Version: 0.69.1\nVulnerability DB:\n  Version: 2")
        return 0
    asked = arguments(program, sys.argv[1:])
    misbehave(Path(asked.output))
    image = STORE["images"].get(asked.image)
    if image is None:
        print(f"FATAL: unable to find the specified image {asked.image!r} in docker, podman, remote", file=sys.stderr)
        return 1
    found = matches(image)
    if program == "grype":
        spoil(as_grype(asked.image, image, found), Path(asked.output))
        is_red = bool(asked.least) and any(ORDER.index(one["severity"]) >= ORDER.index(asked.least) for one, _ in found)
        status = 2 if is_red else 0
    else:
        shown = (asked.shown or ",".join(ORDER)).lower().split(",")
        found = [(one, version) for one, version in found if one["severity"] in shown]
        if program == "docker":
            report = as_sarif("docker scout", {}, found)
        elif asked.format == "sarif":
            report = as_sarif("Trivy", {"imageName": asked.image, "imageID": image["id"]}, found)
        elif program == "trivy":
            report = as_trivy(asked.image, image, found)
        else:
            report = {"scan": {"of/what": asked.image, "issues": [one for one, _ in found]}}
        spoil(report, Path(asked.output))
        status = asked.exit_code if found else 0
    return {"says clean": 0, "says found": 1 if program != "grype" else 2, "says 3": 3}.get(MODE, status)


if __name__ == "__main__":
    sys.exit(main())
