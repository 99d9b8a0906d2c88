"""SARIF 2.1.0 (OASIS), which most scanners can write; only some of them say in it what they looked at."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from release.gates.image.told import Found, Told, found, moment, severity, texts
from release.gates.security.findings import blind, counted

if TYPE_CHECKING:
    from collections.abc import Iterator

FORM = "SARIF"

# Scores of CVSS and the severities that they stand for (CVSS 3.1 §5, 4.0 §6).
_SCORES = ((9.0, "critical"), (7.0, "high"), (4.0, "medium"), (0.1, "low"), (0.0, "unknown"))
# A level stands for several severities: the highest of them.
_LEVELS = {"error": "critical", "warning": "medium", "note": "low", "none": "unknown"}
_FAILED = "fail"  # §3.27.9: other kinds are no findings
_NOT_ACCEPTED = ("underReview", "rejected")  # §3.35.3
_TRIVY = re.compile(r"Package: (?P<package>.*)\nInstalled Version: (?P<version>.*)\n")
_PURL = re.compile(r"pkg:[^/]+/(?P<package>[^@?#]+)@(?P<version>[^?#]+)")


def is_it(data: dict[str, Any]) -> bool:
    """Whether a report is of this form."""
    return "runs" in data and str(data.get("version", "")).startswith("2.")


def read(data: dict[str, Any]) -> Told:
    """Read a log.

    Raises:
        ReleaseError: there is no run in it, or one has failed (exit 5).
        KeyError, TypeError, AttributeError: it is not of the known form.
    """
    runs = data["runs"]
    if not runs:
        raise blind("the SARIF report has no run in it: nothing was looked at")
    drivers = [run["tool"]["driver"] for run in runs]
    calls = [call for run in runs for call in run.get("invocations") or ()]
    if any(call.get("executionSuccessful") is False for call in calls):
        raise blind(f"{drivers[0]['name']} says in its report that it did not succeed")
    results = [(driver, one) for run, driver in zip(runs, drivers, strict=True) for one in run["results"]]
    counting = [(driver, one) for driver, one in results if one.get("kind", _FAILED) == _FAILED]
    open_ = [(driver, one) for driver, one in counting if not _is_suppressed(one)]
    ended = [end for call in calls if (end := moment(call.get("endTimeUtc"))) is not None]
    left_out = len(counting) - len(open_)
    properties = [run.get("properties") or {} for run in runs]
    return Told(
        form=f"{FORM} by {drivers[0]['name']}",
        tool=texts([drivers[0]["name"]])[0],
        version=str(drivers[0].get("version") or drivers[0].get("semanticVersion") or ""),
        names=tuple(name for one in properties for name in _names(one)),
        identity=next((str(one["imageID"]) for one in properties if one.get("imageID")), ""),
        findings=tuple(_found(driver, one) for driver, one in open_),
        made=min(ended, default=None),
        notes=(f"{counted(left_out, 'finding')} suppressed in the report",) if left_out else (),
    )


def _names(properties: dict[str, Any]) -> Iterator[str]:
    """Yield what Trivy tells in the properties of a run."""
    if properties.get("imageName"):
        yield from texts([properties["imageName"]])
        yield from texts(properties.get("repoTags"))
        yield from texts(properties.get("repoDigests"))


def _is_suppressed(result: dict[str, Any]) -> bool:
    return any(one.get("status", "accepted") not in _NOT_ACCEPTED for one in result.get("suppressions") or ())


def _found(driver: dict[str, Any], result: dict[str, Any]) -> Found:
    rule = _rule(driver, result)
    properties = rule.get("properties") or {}
    message = str(result["message"].get("text") or rule.get("shortDescription", {}).get("text") or "")
    place = _TRIVY.search(message) or _PURL.match(str((properties.get("purls") or [""])[0]))
    package, version = (place["package"], place["version"]) if place else (driver["name"], "")
    return found(result.get("ruleId") or rule.get("id"), _severity(rule, result), message, package, version)


def _rule(driver: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
    rules: list[dict[str, Any]] = driver.get("rules") or []
    at, name = result.get("ruleIndex", -1), result.get("ruleId")
    if isinstance(at, int) and 0 <= at < len(rules):
        return rules[at]
    return next((rule for rule in rules if rule.get("id") == name), {})


def _severity(rule: dict[str, Any], result: dict[str, Any]) -> str:
    """Return the severity by the word or the score of the rule, else by the level, which says less."""
    properties = rule.get("properties") or {}
    word = severity(properties.get("cvssV3_severity"))  # Docker Scout's
    if word:
        return word
    try:
        score = float(properties["security-severity"])  # GitHub's, which most scanners write
    except (KeyError, TypeError, ValueError):
        level = result.get("level") or (rule.get("defaultConfiguration") or {}).get("level")
        return _LEVELS.get(str(level), "")  # not the `warning` of §3.27.10, where nobody has said anything
    return next((name for least, name in _SCORES if score >= least), "")
