"""What people see of a result: lines on a terminal, and on GitHub annotations and a page.

The rules of GitHub's workflow commands are those of its documentation and of actions/toolkit (`command.ts`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from release.formats import inert
from release.gates.results import FOUND, NOT_LOOKED
from release.gates.security.findings import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from release.gates.results import Result
    from release.gates.security.findings import Finding
    from release.gates.security.gate import Looked

_DATA = (("%", "%25"), ("\r", "%0D"), ("\n", "%0A"))
_PROPERTY = (*_DATA, (":", "%3A"), (",", "%2C"))
_SHOWN = 20  # findings named in one line of an error
_COMMANDS = {"error": "error", "warning": "warning", "note": "notice"}


def lines(result: Result) -> Iterator[str]:
    """Yield the summary, what matters most at the end, as the end is what a failing gate shows."""
    yield from result.evidence
    yield from (f"note: {note}" for note in result.notes)
    yield from (f"found: {finding}" for finding in result.findings)
    yield from (f"NOT AUDITED: {reason}" for reason in result.not_looked)


def failure(result: Result) -> str:
    """Return why the session fails, in one line; "" when it passes."""
    if result.verdict == NOT_LOOKED:
        besides = f"; besides, {counted(len(result.findings), 'finding')}" if result.findings else ""
        return f"NOT AUDITED: {_some(result.not_looked)}{besides}"
    return f"found: {_some(result.findings)}" if result.verdict == FOUND else ""


def _some(texts: tuple[str, ...]) -> str:
    more = f"; and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return "; ".join(texts[:_SHOWN]) + more


def annotated(looked: Looked) -> Iterator[str]:
    """Yield GitHub's workflow commands that show findings at their lines."""
    yield from (_annotation(finding) for finding in looked.open)
    others = looked.result.findings[len(looked.open) :]
    session = _escaped(looked.result.session, _PROPERTY)
    yield from (f"::error title={session}::{_escaped(text)}" for text in others)
    yield from (f"::error title=NOT AUDITED::{_escaped(text)}" for text in looked.result.not_looked)


def _annotation(finding: Finding) -> str:
    place = {"file": finding.path, "line": str(finding.line)} if finding.path else {}
    properties = {**place, "title": f"{finding.tool} {finding.rule}"}
    words = ",".join(f"{name}={_escaped(value, _PROPERTY)}" for name, value in properties.items())
    text = finding.text if finding.path else str(finding)
    return f"::{_COMMANDS[finding.level]} {words}::{_escaped(text)}"


def _escaped(text: str, rules: tuple[tuple[str, str], ...] = _DATA) -> str:
    for character, escape in rules:
        text = text.replace(character, escape)
    return text


def page(looked: Looked) -> str:
    """Return the result as Markdown for GitHub's step summary; no text of a file or a service forges structure."""
    result = looked.result
    words = {FOUND: "found", NOT_LOOKED: "NOT AUDITED"}.get(result.verdict, "passed")
    parts = [f"### {inert.line(result.session)}: {words}\n"]
    if result.not_looked:
        parts.append("".join(f"- NOT AUDITED: {inert.line(reason)}\n" for reason in result.not_looked))
    if result.findings:
        rows = [_row(finding) for finding in looked.open]
        rows += [f"| | | {_cell(text)} |\n" for text in result.findings[len(looked.open) :]]
        parts.append("| where | rule | what |\n|---|---|---|\n" + "".join(rows))
    parts.append("".join(f"- {inert.line(text)}\n" for text in (*result.evidence, *result.notes)))
    return "\n".join(parts) + "\n"


def _row(finding: Finding) -> str:
    place = f"{finding.path}:{finding.line}" if finding.path else f"{finding.package} {finding.version}"
    return f"| {_cell(place)} | {_cell(finding.rule)} | {_cell(finding.text)} |\n"


def _cell(text: str) -> str:
    return inert.line(text).replace("|", "\\|")
