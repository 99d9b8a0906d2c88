"""The whole gate: what is looked at, what was found of it, what is accepted, and what could not be looked at."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from typing import TYPE_CHECKING, NamedTuple

from release import config as configuration
from release.errors import ReleaseError
from release.gates.results import Result
from release.gates.security import accepted, audit, bandit, locks, resolve, shell, tracked
from release.gates.security.findings import BANDIT, OWN, PIP_AUDIT, Finding, Seen, blind, counted, plain, reasons

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from release.config import Security
    from release.gates.security.accepted import Entry, Judged
    from release.gates.security.locks import Locked
    from release.gates.security.programs import Programs
    from release.gates.security.tracked import Tree


class Looked(NamedTuple):
    """The result of the gate, with the findings as they are: those that count, and those that are accepted."""

    result: Result
    open: tuple[Finding, ...] = ()
    accepted: tuple[Finding, ...] = ()


def look(root: Path, programs: Programs, *, session: str = "security", service: str = "") -> Looked:
    """Look at the tracked files and at the lock of the project in `root`; nothing is raised for what cannot be seen.

    `service` is asked instead of the configured one.
    """
    today = dt.datetime.now(dt.timezone.utc).date()
    try:
        tree = tracked.tree(root)
        security = _configured(tree, service)
        entries = accepted.load(tree, security)
        versions = _versions(programs)
    except ReleaseError as error:
        return Looked(Result(session=session, not_looked=reasons(error)))
    seen = {
        BANDIT: _tried(lambda: bandit.scan(tree, programs, security.exclude)),
        OWN: _tried(lambda: shell.scan(tree, security)),
    }
    seen[PIP_AUDIT], used = _audited(tree, programs, security, entries, today)
    judged = accepted.judge(entries, [finding for one in seen.values() for finding in one.findings], today)
    return Looked(_result(session, seen, judged, used, versions), judged.open, judged.accepted)


def _versions(programs: Programs) -> dict[str, str]:
    """Return the versions of the tools.

    Raises:
        ReleaseError: one is not installed (exit 5).
    """
    versions = programs.versions()
    absent = [name for name, version in versions.items() if not version]
    if absent:
        raise blind(f"{' and '.join(absent)} not installed in the session's environment")
    return versions


def _configured(tree: Tree, service: str) -> Security:
    """Return the configuration of the security gate.

    Raises:
        ReleaseError: it cannot be (exit 2).
    """
    path = "pyproject.toml"
    data = tree.read(path) if tree.has(path) else None
    security = configuration.load(data, origin=path).security
    if not service:
        return security
    given = f"[tool.release.security]\nservice = {json.dumps(service)}\n".encode()
    asked = configuration.load(given, origin="--service").security.service
    return dataclasses.replace(security, service=asked)


def _tried(check: Callable[[], Seen]) -> Seen:
    try:
        return check()
    except ReleaseError as error:
        return Seen(blind=reasons(error))


def _audited(
    tree: Tree, programs: Programs, security: Security, entries: Sequence[Entry], today: dt.date
) -> tuple[Seen, tuple[Entry, ...]]:
    """Audit the lock, and say what of it nobody can audit; returns the entries by which that is accepted, too."""
    try:
        locked = _locked(tree, programs)
    except ReleaseError as error:
        return Seen(blind=reasons(error)), ()
    others = accepted.unaudited(entries, locked.elsewhere, today)
    seen = _tried(lambda: audit.look(locked, programs, security))
    return seen._replace(blind=(*seen.blind, *others.blind), notes=(*seen.notes, *others.notes)), others.used


def _locked(tree: Tree, programs: Programs) -> Locked:
    """Return what is to be audited.

    Raises:
        ReleaseError: there is a lock that cannot be read or lacks something, or none can be made (exit 5).
    """
    data = resolve.project(tree)
    own = configuration.project_names(tree.read("pyproject.toml")) if data else ()
    locked = locks.find(tree, own) or resolve.now(tree, programs, data, own)
    resolve.refuse_lacking(locked, data)
    return locked


def _result(
    session: str, seen: Mapping[str, Seen], judged: Judged, used: tuple[Entry, ...], versions: Mapping[str, str]
) -> Result:
    return Result(
        session=session,
        evidence=tuple(_line(tool, one, judged, versions) for tool, one in seen.items() if one.looked),
        findings=(*map(str, judged.open), *judged.expired),
        not_looked=tuple(dict.fromkeys(reason for one in seen.values() for reason in one.blind)),
        notes=(*(note for one in seen.values() for note in one.notes), *judged.notes),
        versions=dict(versions),
        details=tuple(
            {**finding._asdict(), "aliases": list(finding.aliases), "accepted": is_accepted}
            for is_accepted, findings in ((False, judged.open), (True, judged.accepted))
            for finding in findings
        ),
        advisory=True,
        until=accepted.last_day([*judged.used, *used]),
    )


def _line(tool: str, seen: Seen, judged: Judged, versions: Mapping[str, str]) -> str:
    """Return the line of evidence of one tool: version, what it looked at, how many findings."""
    taken = sum(finding.tool == tool for finding in judged.accepted)
    found = counted(len(seen.findings), "finding") + (f" ({taken} accepted)" if taken else "")
    version = versions.get(tool, "")
    return plain(f"{tool}{' ' if version else ''}{version}: {seen.looked}, {found}")
