"""What a session of ours found out, left for the runner as JSON: more than nox's status and its report can say.

Each session adds a line to the file that the runner names in the variable VARIABLE. It is no proof that anything ran,
which is what the witness is for: it tells "found" and "could not look" apart, and what evidence there is.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

VARIABLE = "RELEASE_GATE_RESULT"
PASSED = "passed"
FOUND = "found"
NOT_LOOKED = "not looked"

_LAYOUT = 1  # of the JSON; readers of files refuse another


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one session found out.

    `evidence` says what ran on what, with counts; `findings` and `not_looked` are one line each, `notes` need nobody to
    act. `details` are the findings as data. `advisory` says that databases were asked whose answers change; `until` is
    the last day (ISO 8601) on which the result holds, "" when none is known.
    """

    session: str
    evidence: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    not_looked: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)
    details: tuple[dict[str, Any], ...] = ()
    advisory: bool = False
    until: str = ""

    @property
    def verdict(self) -> str:
        """PASSED, FOUND or NOT_LOOKED; what could not look says nothing, whatever else was found."""
        return NOT_LOOKED if self.not_looked else FOUND if self.findings else PASSED

    def plain(self) -> dict[str, Any]:
        """Return the result as JSON has it."""
        return {"layout": _LAYOUT, "result": self.verdict, **asdict(self)}

    def ends(self) -> float | None:
        """Return when the result holds no longer, in UTC seconds; None when that is not known."""
        if not self.until:
            return None
        day = dt.date.fromisoformat(self.until) + dt.timedelta(days=1)
        return dt.datetime(day.year, day.month, day.day, tzinfo=dt.timezone.utc).timestamp()


def add(place: Path, result: Result) -> None:
    """Add a result to the runner's file.

    Raises:
        OSError: it cannot be written.
    """
    with place.open("a", encoding="ascii") as file:
        file.write(json.dumps(result.plain()) + "\n")


def read(place: Path) -> tuple[Result, ...]:
    """Return the results that sessions left; none when none left any.

    Raises:
        ValueError: the file is not what sessions of ours write.
    """
    try:
        lines = place.read_bytes().splitlines()
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise ValueError(str(error.strerror)) from None
    try:
        return tuple(_read(json.loads(line)) for line in lines)
    except (TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(str(error)) from None


def _read(data: dict[str, Any]) -> Result:
    """Make a result of its JSON.

    Raises:
        ValueError, TypeError, KeyError, AttributeError: it is not one of ours.
    """
    lists = ("evidence", "findings", "not_looked", "notes", "details")
    fields: dict[str, Any] = {name: tuple(value) if name in lists else value for name, value in data.items()}
    verdict = fields.pop("result")
    if fields.pop("layout") != _LAYOUT:
        raise ValueError("another layout")
    result = Result(**fields)
    texts = (result.session, result.until, *result.evidence, *result.findings, *result.not_looked, *result.notes)
    if not all(isinstance(text, str) for text in texts) or type(result.advisory) is not bool:
        raise TypeError("a field of another type")
    result.ends()
    if result.verdict != verdict:
        raise ValueError("its result is not what its lines say")
    return result
