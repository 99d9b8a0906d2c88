"""The positional arguments of a packaged session: flags, most of them with a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from release.errors import usage
from release.gates.security.findings import plain
from release.shapes import nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


def read(
    session: str,
    words: Sequence[str],
    flags: Mapping[str, tuple[str, str]],
    *,
    takes: str = "",
    show: Callable[[str], str] = plain,
) -> dict[str, str]:
    """Return the values given as `--flag VALUE` or `--flag=VALUE`, by the name that `flags` has first for each flag.

    What `flags` has second is what the value is called; a flag for which that is "" takes none, and is its own value.
    `takes` says what a session takes where the list of its flags does not; `show` is how an unknown word is shown.

    Raises:
        ReleaseError: one is unknown, or has no value, or has one that it does not take (exit 2).
    """
    taken = takes or ", ".join(f"{flag} {what}".rstrip() for flag, (_, what) in flags.items())
    given: dict[str, str] = {}
    waiting = list(words)
    while waiting:
        word, is_joined, value = waiting.pop(0).partition("=")
        if word not in flags:
            raise usage(f"{session} does not know {show(word)}", nearest(word, flags))
        name, what = flags[word]
        if not what and is_joined:
            raise usage(f"{word} takes no value", f"{session} takes {taken}")
        if not what:
            given[name] = word
            continue
        value = value if is_joined else waiting.pop(0) if waiting else ""
        if not value or (value.startswith("--") and not is_joined):
            raise usage(f"{word} has no value", f"{session} takes {taken}")
        given[name] = value
    return given
