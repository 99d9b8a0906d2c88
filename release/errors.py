"""How a task ends: exit codes, problems, and the errors that carry them."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable


class Exit(enum.IntEnum):
    """Exit codes, the contract with scripts and CI."""

    DONE = 0  # done, or nothing to do
    UNEXPECTED = 1  # a defect, or Invoke's own parser errors
    USAGE = 2  # bad input, configuration, missing --yes
    REFUSED = 3  # refused by a check; nothing changed
    GATE_FAILED = 4  # a gate failed, or its receipt cannot be had
    NOT_AUDITED = 5  # a gate could not look
    CONFLICT = 6  # stopped at a merge conflict
    INTERRUPTED = 7  # interrupted; release.resume goes on


class Problem(NamedTuple):
    """One thing that stands in the way: what and where, how to mend it, the exit code it asks for, and its gate."""

    what: str
    hint: str = ""
    exit: Exit = Exit.REFUSED
    gate: str = ""

    def __str__(self) -> str:
        return f"{self.what}\n  {self.hint}" if self.hint else self.what


class ReleaseError(Exception):
    """Stops a task. Carries every problem found, so that they are shown together, and what is said after them."""

    def __init__(self, problems: Iterable[Problem], closing: Iterable[str] = ()) -> None:
        self.problems = tuple(problems)
        self.closing = tuple(closing)
        super().__init__("\n".join(map(str, self.problems)))

    @property
    def exit(self) -> Exit:
        """Bad input first: a refusal that rests on input that cannot be read says nothing."""
        codes = {problem.exit for problem in self.problems}
        return Exit.USAGE if Exit.USAGE in codes else max(codes, default=Exit.UNEXPECTED)


def usage(what: str, hint: str = "") -> ReleaseError:
    """Bad input or configuration (exit 2)."""
    return ReleaseError([Problem(what=what, hint=hint, exit=Exit.USAGE)])


def refusal(what: str, hint: str = "") -> ReleaseError:
    """A check says no, and nothing has changed (exit 3)."""
    return ReleaseError([Problem(what=what, hint=hint)])


def unseen(what: str, hint: str = "") -> ReleaseError:
    """Something could not be looked at, and so has not passed (exit 5)."""
    return ReleaseError([Problem(what=what, hint=hint, exit=Exit.NOT_AUDITED)])


def interrupted(what: str, hint: str = "") -> ReleaseError:
    """A journal is kept and `release.resume` goes on (exit 7)."""
    return ReleaseError([Problem(what=what, hint=hint, exit=Exit.INTERRUPTED)])
