"""What a scanner's report tells, whatever form it has."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from release.config import SEVERITIES
from release.gates.security.findings import blind, plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from release.errors import ReleaseError

_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d)(?:\.\d+)?([Zz]|[+-]\d\d:\d\d)")
# Words of scanners that are not among ours.
_WORDS = {"unspecified": "unknown", "undefined": "unknown", "moderate": "medium", "important": "high"}


class Found(NamedTuple):
    """One finding. `severity` is one of SEVERITIES, "" when the report has none that is known."""

    rule: str
    severity: str
    text: str
    package: str = ""
    version: str = ""

    def counts(self, least: str) -> bool:
        """Whether it is of at least this severity; one that nobody knows may be of any."""
        return not self.severity or SEVERITIES.index(self.severity) >= SEVERITIES.index(least)


class Told(NamedTuple):
    """A report: its form in words, by which program, about which images, and what was found.

    `names` are the names of the one image that was looked at, () when such a report never says it; `identity` is its
    id. `made` is when the report says that it was made, in UTC seconds. `notes` need nobody to act.
    """

    form: str
    tool: str
    version: str
    names: tuple[str, ...] = ()
    identity: str = ""
    findings: tuple[Found, ...] = ()
    made: float | None = None
    notes: tuple[str, ...] = ()


def found(rule: object, word: object, text: object, package: object = "", version: object = "") -> Found:
    """Return a finding with a scanner's word for its severity, its texts fit for a terminal and a log."""
    return Found(*(plain(str(one)) for one in (rule, severity(word), text, package, version)))


def severity(word: object) -> str:
    """Return a scanner's word for a severity as ours; "" for none that is known."""
    text = str(word or "").lower()
    text = _WORDS.get(text, text)
    return text if text in SEVERITIES else ""


def moment(text: object) -> float | None:
    """Return an RFC 3339 time in UTC seconds, None for anything else."""
    match = _MOMENT.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return None
    try:
        return dt.datetime.fromisoformat(match[1].upper() + match[2].upper().replace("Z", "+00:00")).timestamp()
    except ValueError:
        return None


def texts(values: Iterable[Any] | None) -> tuple[str, ...]:
    """Return the texts of a list that may be absent.

    Raises:
        TypeError: it holds something else.
    """
    found = tuple(values or ())
    if not all(isinstance(one, str) for one in found):
        raise TypeError("not a list of texts")
    return found


def unknown(form: str) -> ReleaseError:
    """Return the error of a report that is not quite of its form (exit 5)."""
    return blind(f"the report begins like {form}, but is not of the form that is known")
