"""The findings in files as SARIF 2.1.0 (OASIS), which code scanning services read. Accepted findings are not in it."""

from __future__ import annotations

import urllib.parse
from typing import TYPE_CHECKING, Any

from release.gates.security import shell
from release.gates.security.findings import BANDIT, OWN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from release.gates.results import Result
    from release.gates.security.findings import Finding

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_BANDIT_HELP = "https://bandit.readthedocs.io/en/latest/"


def document(result: Result, findings: Sequence[Finding]) -> dict[str, Any]:
    """Return a log with a run for each tool that looks into files; what could not look is told as not successful."""
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [_run(tool, result, [one for one in findings if one.tool == tool]) for tool in (BANDIT, OWN)],
    }


def _run(tool: str, result: Result, findings: Sequence[Finding]) -> dict[str, Any]:
    rules = sorted({one.rule for one in findings})
    driver: dict[str, Any] = {"name": tool, "rules": [_rule(rule) for rule in rules]}
    if tool == BANDIT:
        driver["informationUri"] = _BANDIT_HELP
    if result.versions.get(tool):
        driver["version"] = result.versions[tool]
    blind = [{"level": "error", "message": {"text": reason}} for reason in result.not_looked]
    return {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": not blind, "toolExecutionNotifications": blind}],
        "originalUriBaseIds": {"%SRCROOT%": {"description": {"text": "The repository's root"}}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(one, rules.index(one.rule)) for one in findings],
    }


def _rule(rule: str) -> dict[str, Any]:
    text = shell.RULES.get(rule)
    return {"id": rule, "shortDescription": {"text": text}} if text else {"id": rule}


def _result(finding: Finding, rule: int) -> dict[str, Any]:
    artifact = {"uri": urllib.parse.quote(finding.path, errors="surrogateescape"), "uriBaseId": "%SRCROOT%"}
    place = {"artifactLocation": artifact, "region": {"startLine": max(1, finding.line)}}
    return {
        "ruleId": finding.rule,
        "ruleIndex": rule,
        "level": finding.level,
        "message": {"text": finding.text},
        "locations": [{"physicalLocation": place}],
    }
