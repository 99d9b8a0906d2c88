"""What the checks of the security gate give back: findings, and what they could not look at."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from release.errors import unseen
from release.formats import inert

if TYPE_CHECKING:
    from collections.abc import Iterable

    from release.errors import ReleaseError

BANDIT = "bandit"
PIP_AUDIT = "pip-audit"
OWN = "shell check"

_LONGEST = 300  # characters of a finding's text


class Finding(NamedTuple):
    """One thing that was found: in a file (`path`, `line`), or in a locked package; "" and 0 for what does not apply.

    `rule` is a test's or an advisory's id, `level` is SARIF's word: error, warning or note.
    """

    tool: str
    rule: str
    text: str
    level: str = "error"
    path: str = ""
    line: int = 0
    package: str = ""
    version: str = ""
    aliases: tuple[str, ...] = ()

    @property
    def order(self) -> tuple[str, int, str, str, str]:
        """What findings are sorted by: where they are."""
        return self.path, self.line, self.package, self.version, self.rule

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.path else f"{self.package} {self.version}".rstrip()
        return plain(f"{place}: {self.rule} {self.text}")


class Seen(NamedTuple):
    """What one check saw. `blind` says what it could not look at; `notes` need nobody to act."""

    findings: tuple[Finding, ...] = ()
    blind: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    looked: str = ""  # at what, in words with a count


def ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings in the order of their places."""
    return tuple(sorted(findings, key=lambda finding: finding.order))


def blind(what: str, hint: str = "") -> ReleaseError:
    """Return the error of a check that could not look (exit 5)."""
    return unseen(plain(what), hint)


def reasons(error: ReleaseError) -> tuple[str, ...]:
    """Return an error's problems as one line each, with what to do."""
    return tuple(f"{problem.what} ({problem.hint})" if problem.hint else problem.what for problem in error.problems)


def plain(text: str) -> str:
    """Return text of files and programs as one line fit for a terminal and a log: no secret of a URL is in it."""
    line = " ".join(inert.reason(inert.public(text)).split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"


def counted(number: int, noun: str) -> str:
    """Return `1 file`, `2 files`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
