"""What a registry asks for before it answers: the header WWW-Authenticate (RFC 9110, 11.6.1) and Bearer tokens.

The tokens are those of distribution's "Token Authentication Specification".
"""

from __future__ import annotations

import re
from typing import NamedTuple

_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PARAMETER = re.compile(rf'\s*({_WORD})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|({_WORD}))\s*(?:,|\Z)')
_SCHEME = re.compile(rf"[\s,]*({_WORD})(?:\s+|\Z|(?=,))")


class Challenge(NamedTuple):
    """One way to be let in: its scheme in lower case, and its parameters."""

    scheme: str
    parameters: dict[str, str]


def read(header: str) -> tuple[Challenge, ...]:
    """Return the challenges of a header, in their order; what is none ends it."""
    found = []
    at = 0
    while (scheme := _SCHEME.match(header, at)) is not None and scheme.end() > at:
        at = scheme.end()
        parameters = {}
        while (match := _PARAMETER.match(header, at)) is not None:
            quoted = match[2]
            value = match[3] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
            parameters[match[1].lower()] = value
            at = match.end()
        found.append(Challenge(scheme[1].lower(), parameters))
    return tuple(found)
