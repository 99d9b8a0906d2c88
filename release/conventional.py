"""What a commit message says about the change, by Conventional Commits 1.0.0."""

from __future__ import annotations

import re
from typing import NamedTuple

# Rules 1, 4, 5 and 13 of the specification: a type, a scope in parentheses, "!", then colon, blank and description.
_SUBJECT = re.compile(
    r"(?P<type>[A-Za-z][A-Za-z0-9_-]*)(?:\((?P<scope>[^()]+)\))?(?P<mark>!)?:[ \t]+(?P<description>\S.*)"
)
# Rules 12 and 16: upper case only, and the hyphenated token is a synonym.
_BREAKING = re.compile(r"BREAKING[ -]CHANGE:(?:[ \t]|$)")


class Commit(NamedTuple):
    """One message, read; `type` is lower case and "" when the subject is not a conventional one."""

    type: str
    scope: str
    description: str
    breaking: bool

    @property
    def is_feature(self) -> bool:
        """Whether the commit adds something, which a release branch no longer takes."""
        return self.type == "feat"

    @property
    def is_merge(self) -> bool:
        """Whether this only joins commits that speak for themselves (git's own wording of a merge)."""
        return not self.type and self.description.startswith("Merge ")


def read(message: str) -> Commit:
    """Read a commit message; any text is one, with LF or CRLF lines.

    A breaking change is a "!" before the colon or a line of the body that starts with `BREAKING CHANGE:` or
    `BREAKING-CHANGE:`. Stricter readers want a blank line before such a footer; a change that was meant as
    breaking and goes out as a patch costs more than one that is counted too high.
    """
    subject, *body = [line.rstrip() for line in message.lstrip().split("\n")]
    breaking = any(map(_BREAKING.match, body))
    match = _SUBJECT.fullmatch(subject)
    if match is None:
        return Commit(type="", scope="", description=subject, breaking=breaking)
    return Commit(
        type=match["type"].lower(),  # rule 15: not case sensitive
        scope=match["scope"] or "",
        description=match["description"],
        breaking=breaking or match["mark"] is not None,
    )
