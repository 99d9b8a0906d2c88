"""The positional arguments of a packaged session: flags with a value each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from release.errors import usage
from release.gates.security.findings import plain
from release.shapes import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def read(session: str, words: Sequence[str], flags: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """Return the values given as `--flag VALUE` or `--flag=VALUE`, by the name that `flags` has first for each flag.

    Raises:
        ReleaseError: one is unknown or has no value (exit 2).
    """
    given: dict[str, str] = {}
    waiting = list(words)
    while waiting:
        word, is_joined, value = waiting.pop(0).partition("=")
        if word not in flags:
            raise usage(f"{session} does not know {plain(word)}", nearest(word, flags))
        value = value if is_joined else waiting.pop(0) if waiting else ""
        if not value or (value.startswith("--") and not is_joined):
            taken = ", ".join(f"{flag} {what}" for flag, (_, what) in flags.items())
            raise usage(f"{word} has no value", f"{session} takes {taken}")
        given[flags[word][0]] = value
    return given
