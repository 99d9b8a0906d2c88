"""Findings that the project lives with: a tracked TOML file in which each has a reason and a last day."""

from __future__ import annotations

import datetime as dt
import shlex
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import tomli
from packaging.utils import canonicalize_name

from release.errors import Exit, Problem, ReleaseError
from release.gates.security.findings import PIP_AUDIT, Finding, blind, plain
from release.shapes import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from release.config import Security
    from release.gates.security.tracked import Tree

# The keys of each kind of entry, by the one that makes it that kind.
_KINDS = {"advisory": {"advisory", "package"}, "test": {"test", "path", "count"}, "unaudited": {"unaudited"}}
_ALWAYS = {"reason", "until"}
_DEFAULT = {"count": 1}


class Entry(NamedTuple):
    """An accepted finding: an advisory about a package, so many findings of a test in a file, or an unaudited package.

    `until` is the last day (UTC) on which it is accepted. `place` is how messages name the entry.
    """

    place: str
    reason: str
    until: dt.date
    advisory: str = ""
    package: str = ""
    test: str = ""
    path: str = ""
    most: int = 0
    unaudited: str = ""

    @property
    def what(self) -> str:
        """What is accepted, in words."""
        if self.advisory:
            return f"{self.advisory} of {self.package}"
        return f"{self.test} in {self.path}" if self.test else f"{self.unaudited}, not audited"

    def fits(self, finding: Finding) -> bool:
        """Whether a finding is the one that this entry names, by any of its ids."""
        if finding.tool == PIP_AUDIT:
            ids = {one.upper() for one in (finding.rule, *finding.aliases)}
            return self.advisory.upper() in ids and canonicalize_name(self.package) == finding.package
        return (self.test, self.path) == (finding.rule, finding.path)


class Judged(NamedTuple):
    """Findings that are not accepted, what is wrong with entries, how many findings were accepted, and until when."""

    open: tuple[Finding, ...]
    expired: tuple[str, ...]
    notes: tuple[str, ...]
    accepted: tuple[Finding, ...]
    used: tuple[Entry, ...]


def load(tree: Tree, security: Security) -> tuple[Entry, ...]:
    """Read the accepted findings of a project; none without the file.

    Raises:
        ReleaseError: the file is not tracked or not as it has to be, all that is wrong with it together (exit 5).
    """
    path = security.accepted
    if not tree.has(path):
        if (tree.root / path).exists():
            raise blind(f"{path} is not tracked by git", f"git add -- {shlex.quote(path)}")
        if path != type(security)().accepted:
            raise blind(f"{path}, which [tool.release.security] names, does not exist")
        return ()
    return read(tree.read(path), path)


def read(data: bytes, path: str) -> tuple[Entry, ...]:
    """Read the file's entries.

    Raises:
        ReleaseError: any of them is not as it has to be, all of them together (exit 5).
    """
    try:
        table = tomli.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise blind(f"{path} is not TOML: {error}") from None
    listed = table.pop("accepted", [])
    wrong = [f"{path}: {key} is unknown, known is [[accepted]]" for key in table]
    entries: dict[tuple[object, ...], Entry] = {}
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise blind(f"{path}: accepted is not a list of tables")
    for number, one in enumerate(listed, 1):
        place = f"{path}: entry {number}"
        objections = list(_objections(one))
        wrong += [f"{place} {objection}" for objection in objections]
        if not objections:
            fields = {key: value for key, value in one.items() if key != "count"}
            entry = Entry(place=place, **fields, most=one.get("count", _DEFAULT["count"]))
            key = (entry.advisory.upper(), canonicalize_name(entry.package), entry.test, entry.path, entry.unaudited)
            if key in entries:
                wrong.append(f"{place} accepts {entry.what} again: keep one entry")
            entries[key] = entry
    if wrong:
        raise ReleaseError([Problem(what=plain(one), exit=Exit.NOT_AUDITED) for one in wrong])
    return tuple(entries.values())


def _objections(one: dict[str, Any]) -> Iterator[str]:
    """Yield what is wrong with an entry."""
    kinds = [kind for kind in _KINDS if kind in one]
    if len(kinds) != 1:
        yield "names not exactly one of advisory, test and unaudited"
        return
    known = _KINDS[kinds[0]] | _ALWAYS
    for key in one:
        if key not in known:
            yield f"has an unknown key {key}: {nearest(key, sorted(known))}"
    for key in sorted(known):
        value = one.get(key, _DEFAULT.get(key))
        objection = f"has no {key}" if value is None else _objection(key, value)
        if objection:
            yield objection


def _objection(key: str, value: object) -> str:
    """Say what is wrong with a value, "" if nothing is."""
    if key == "until":
        is_day = type(value) is dt.date
        return "" if is_day else f"has until = {value!r}, which is no date such as 2030-12-31 (without quotes)"
    if key == "count":
        is_count = type(value) is int and value >= 1
        return "" if is_count else f"has count = {value!r}, which is no number from 1"
    if not isinstance(value, str):
        return f"has a {key} that is no text"
    return "" if value.strip() else f"has an empty {key}"


def judge(entries: Sequence[Entry], findings: Sequence[Finding], today: dt.date) -> Judged:
    """Tell accepted findings from others; of a test in a file either all are accepted, or none, as one cannot tell."""
    valid = [entry for entry in entries if entry.until >= today]
    expired = [f"{entry.place} ({entry.what}) has expired on {entry.until}" for entry in entries if entry.until < today]
    per_test = Counter((finding.rule, finding.path) for finding in findings if finding.path)
    taken: list[Finding] = []
    left: list[Finding] = []
    used: dict[Entry, int] = {}
    for finding in findings:
        fitting = [entry for entry in valid if entry.fits(finding)]
        for entry in fitting:
            used[entry] = used.get(entry, 0) + 1
        found = per_test[finding.rule, finding.path]
        beyond = [entry for entry in fitting if entry.test and found > entry.most]
        if beyond:
            left.append(finding._replace(text=f"{finding.text} [{found} found, {beyond[0].most} accepted]"))
        else:
            (taken if fitting else left).append(finding)
    notes = [*_surplus(valid, used)]
    return Judged(tuple(left), tuple(map(plain, expired)), tuple(map(plain, notes)), tuple(taken), tuple(used))


def _surplus(entries: Iterable[Entry], used: dict[Entry, int]) -> Iterator[str]:
    for entry in entries:
        if entry.unaudited:
            continue  # which `unaudited` tells
        if entry not in used:
            yield f"{entry.place} ({entry.what}) matches nothing: remove it"
        elif entry.test and used[entry] < entry.most:
            yield f"{entry.place} ({entry.what}) accepts {entry.most}, found {used[entry]}: lower its count"


class Unaudited(NamedTuple):
    """Of packages that come from no index: what could not be looked at, what is accepted, and by which entries."""

    blind: tuple[str, ...]
    notes: tuple[str, ...]
    used: tuple[Entry, ...]


def unaudited(entries: Sequence[Entry], elsewhere: Iterable[tuple[str, str]], today: dt.date) -> Unaudited:
    """Tell the packages that may stay unaudited, given with why nobody can audit them, from others."""
    current = [entry for entry in entries if entry.unaudited and entry.until >= today]
    valid = {canonicalize_name(entry.unaudited): entry for entry in current}
    objections, notes, used = [], [], []
    for name, why in elsewhere:
        entry = valid.get(canonicalize_name(name))
        if entry is None:
            objections.append(plain(f"{name} cannot be audited: it {why}"))
        else:
            notes.append(plain(f"{name} is not audited, which is accepted: {entry.reason}"))
            used.append(entry)
    idle = [entry for entry in valid.values() if entry not in used]
    notes += [plain(f"{entry.place} ({entry.what}) matches nothing: remove it") for entry in idle]
    return Unaudited(tuple(objections), tuple(notes), tuple(used))


def last_day(entries: Sequence[Entry]) -> str:
    """Return the last day on which all these entries hold (ISO 8601), "" without any."""
    return min(entry.until for entry in entries).isoformat() if entries else ""
