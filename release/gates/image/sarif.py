"""SARIF 2.1.0 (OASIS), which most scanners can write; only some of them say in it what they looked at."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from release.gates.image.told import Found, Told, found, moment, severity, texts
from release.gates.security.findings import blind, counted, plain

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
        ReleaseError: there is no run in it, one has failed, or they are about several images (exit 5).
        KeyError, TypeError, AttributeError: it is not of the known form.
    """
    runs = data["runs"]
    if not runs:
        raise blind("the SARIF report has no run in it: nothing was looked at")
    tools = [run["tool"] for run in runs]
    drivers = [tool["driver"] for tool in tools]
    calls = [call for run in runs for call in run.get("invocations") or ()]
    if any(call.get("executionSuccessful") is False for call in calls):
        raise blind(f"{drivers[0]['name']} says in its report that it did not succeed")
    results = [(tool, one) for run, tool in zip(runs, tools, strict=True) for one in run["results"]]
    counting = [(tool, one) for tool, one in results if one.get("kind", _FAILED) == _FAILED]
    open_ = [(tool, one) for tool, one in counting if not _is_suppressed(one)]
    ended = [end for call in calls if (end := moment(call.get("endTimeUtc"))) is not None]
    left_out = len(counting) - len(open_)
    properties = [run.get("properties") or {} for run in runs]
    images = [names for one in properties if (names := tuple(_names(one)))]
    if images and not set(images[0]).intersection(*images[1:]):
        several = ", ".join(dict.fromkeys(names[0] for names in images))
        raise blind(f"the SARIF report is about several images: {plain(several)}", "have it report on one alone")
    return Told(
        form=f"{FORM} by {drivers[0]['name']}",
        tool=texts([drivers[0]["name"]])[0],
        version=str(drivers[0].get("version") or drivers[0].get("semanticVersion") or ""),
        names=tuple(name for names in images for name in names),
        identity=next((str(one["imageID"]) for one in properties if one.get("imageID")), ""),
        findings=tuple(_found(tool, one) for tool, one in open_),
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


def _found(tool: dict[str, Any], result: dict[str, Any]) -> Found:
    rule = _rule(tool, result)
    properties = rule.get("properties") or {}
    message = str(result["message"].get("text") or rule.get("shortDescription", {}).get("text") or "")
    place = _TRIVY.search(message) or _PURL.match(str((properties.get("purls") or [""])[0]))
    package, version = (place["package"], place["version"]) if place else (tool["driver"]["name"], "")
    name = _name(result) or rule.get("id") or "no rule"
    return found(name, _severity(rule, result), message, package, version)


def _name(result: dict[str, Any]) -> str:
    return str(result.get("ruleId") or (result.get("rule") or {}).get("id") or "")


def _rule(tool: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
    """Return what a tool says of a result's rule, {} for nothing (§3.27.5 to 7, §3.52.3).

    An index that leads to another rule than the one that is named leads nowhere.
    """
    reference = result.get("rule") or {}
    rules: list[dict[str, Any]] = _component(tool, reference.get("toolComponent") or {}).get("rules") or []
    name = _name(result)
    names = [name[:at] for at in range(len(name), 0, -1) if name[at : at + 1] in ("", "/")]  # parts of a rule: X/1
    for at in (result.get("ruleIndex"), reference.get("index")):
        if isinstance(at, int) and 0 <= at < len(rules) and (not names or rules[at].get("id") in names):
            return rules[at]
    keys = [("guid", reference.get("guid")), *(("id", one) for one in names)]
    return next((rule for key, value in keys if value for rule in rules if rule.get(key) == value), {})


def _component(tool: dict[str, Any], reference: dict[str, Any]) -> dict[str, Any]:
    """Return the part of a tool that a rule belongs to: its driver, unless an extension is meant (§3.54)."""
    driver: dict[str, Any] = tool["driver"]
    extensions: list[dict[str, Any]] = tool.get("extensions") or []
    at = reference.get("index", -1)
    if isinstance(at, int) and at >= 0:
        return extensions[at] if at < len(extensions) else {}
    for key in ("guid", "name"):
        if reference.get(key):
            return next((one for one in (driver, *extensions) if one.get(key) == reference[key]), {})
    return driver


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
