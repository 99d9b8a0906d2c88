"""pip-audit on locked packages: what it says counts only if it has looked at each of them, and if its service knows.

A service that answers `{}` to everything, or an error, makes no difference to pip-audit's status. So a release that is
known to be vulnerable, the canary, is asked for first, in the same way, and has to come back as such.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from release.errors import ReleaseError
from release.gates.security.findings import PIP_AUDIT, Finding, Seen, blind, counted, ordered, plain, reasons
from release.gates.security.requirements import Pin, pin

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from release.config import Security
    from release.gates.security.locks import Locked
    from release.gates.security.programs import Programs

CANARY = Pin("jinja2", "2.4.1")  # the example of OSV's own documentation; CVE-2014-1402 and others

_START_SECONDS = 60.0
_FOUND = (0, 1)  # its statuses without and with findings
_SHOWN = 10  # packages named in a message
_EXCEPTION = re.compile(r"(?:ERROR:[\w.]+:\s*|[\w.]+(?:Error|Timeout|Exception): )(.+)")
# What of an exception's text is plainer in other words.
_CAUSES = (
    ("timed out", "does not answer within {timeout} s"),
    ("Could not connect to OSV", "does not answer within {timeout} s"),
    ("onnection refused", "refuses connections"),
    ("JSONDecodeError", "answers something else than JSON"),
    ("HTTPError", "answers with an error"),
    ("KeyError", "answers in an unknown form"),
    ("TypeError", "answers in an unknown form"),
)
# Its warnings about an answer of which it has left something out.
_LEFT_OUT = re.compile(r"WARNING:[\w.]+:(.*(?:schema version|missing 'affected').*)")

Answer = dict[Pin, list[dict[str, Any]]]


def look(locked: Locked, programs: Programs, security: Security) -> Seen:
    """Ask for the canary, then for each locked package.

    Raises:
        ReleaseError: the service gives no answer that counts (exit 5).
    """
    objections = []
    if not _ask([CANARY], programs, security)[CANARY]:
        objections.append(
            f"the service {security.service} knows nothing of {CANARY.name} {CANARY.version}, which is vulnerable: "
            "its silence says nothing"
        )
    findings: list[Finding] = []
    try:
        for pins in _rounds(locked.pins):
            answer = _ask(pins, programs, security)
            findings += (_finding(one, vulnerability) for one in pins for vulnerability in answer[one])
    except ReleaseError as error:
        objections += reasons(error)
    noun = "package" if locked.resolved else "locked package"
    audited = f"{counted(len(locked.pins), noun)} audited" if locked.pins else "no dependencies"
    looked = f"{audited} ({locked.source}), {security.service}, canary {'failed' if objections else 'ok'}"
    return Seen(ordered(findings), tuple(map(plain, objections)), locked.notes, looked)


def _rounds(pins: Iterable[Pin]) -> Iterator[list[Pin]]:
    """Yield the packages in files of which none names a package twice, which pip-audit refuses."""
    waiting = sorted(pins)
    while waiting:
        first = {one.name: one for one in reversed(waiting)}
        yield sorted(first.values())
        waiting = [one for one in waiting if first[one.name] != one]


def _ask(pins: list[Pin], programs: Programs, security: Security) -> Answer:
    """Return what is known against each of these packages.

    Raises:
        ReleaseError: there is no answer, or it is not about these packages and no others (exit 5).
    """
    asked, out = programs.folder / "audited.txt", programs.folder / "audit.json"
    asked.write_text("".join(f"{one}\n" for one in pins), encoding="ascii")
    out.unlink(missing_ok=True)
    options = [
        *("-r", str(asked), "--no-deps", "--disable-pip", "--strict"),
        *("-f", "json", "-o", str(out), "--aliases", "on", "--desc", "on", "--progress-spinner", "off"),
        *("-s", "osv", "--osv-url", security.service, "--timeout", str(security.timeout)),
        *("--cache-dir", str(programs.folder / "cache")),
    ]
    limit = _START_SECONDS + security.timeout * (len(pins) + 1)
    ran = programs.run("pip-audit", *options, cwd=programs.folder, timeout=limit)
    said = ran.err.decode("utf-8", "replace")
    if ran.status not in _FOUND or not out.exists():
        raise blind(_cause(said, ran.status, security))
    left_out = _LEFT_OUT.search(said)
    if left_out:
        raise blind(f"pip-audit left out an advisory: {left_out[1]}")
    return read(out.read_bytes(), pins)


def _cause(said: str, status: int, security: Security) -> str:
    """Say why there is no answer: the first exception of a traceback is the cause, what follows came of it."""
    lines = [match for line in said.splitlines() if (match := _EXCEPTION.match(line)) and match[1]]
    words = next((words for mark, words in _CAUSES if mark in said), "")
    first = lines[0] if lines else None
    if words:
        because = f" ({first[0]})" if first else ""
        return f"pip-audit: the service {security.service} {words.format(timeout=security.timeout)}{because}"
    return f"pip-audit: {first[1] if first else said.strip()[-200:] or f'no answer, and status {status}'}"


def read(data: bytes, pins: Iterable[Pin]) -> Answer:
    """Read pip-audit's JSON about exactly these packages.

    Raises:
        ReleaseError: it is not of the known form, or about other packages (exit 5).
    """
    answer: Answer = {}
    skipped: list[str] = []
    try:
        for one in json.loads(data)["dependencies"]:
            if "skip_reason" in one:
                skipped.append(f"{one['name']}: {one['skip_reason']}")
                continue
            answer[pin(one["name"], one["version"])] = [{**found, "id": str(found["id"])} for found in one["vulns"]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise blind("pip-audit has not answered in its JSON") from None
    if skipped:
        raise blind(f"pip-audit skipped {'; '.join(skipped[:_SHOWN])}")
    wanted = set(pins)
    missing, more = sorted(wanted - answer.keys()), sorted(answer.keys() - wanted)
    if missing:
        raise blind(f"pip-audit has not audited {', '.join(map(str, missing[:_SHOWN]))}")
    if more:
        raise blind(f"pip-audit audited what is not locked: {', '.join(map(str, more[:_SHOWN]))}")
    return answer


def _finding(package: Pin, found: Mapping[str, Any]) -> Finding:
    fixed = ", ".join(map(str, found.get("fix_versions") or ())) or "none"
    aliases = tuple(sorted(str(alias) for alias in found.get("aliases") or ()))
    named = f" ({', '.join(aliases)})" if aliases else ""
    return Finding(
        tool=PIP_AUDIT,
        rule=found["id"],
        text=plain(f"fixed in: {fixed}; {str(found.get('description') or '')[:120]}{named}"),
        package=package.name,
        version=package.version,
        aliases=aliases,
    )
