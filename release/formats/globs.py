"""Paths and globs of the repository: relative, with `/`, never out of it."""

from __future__ import annotations

import functools
import re

_REGULAR = "100"  # git's modes of files start with it: 100644 and 100755
_MODES = {"120000": "a symbolic link", "160000": "a submodule"}
_PARTS = re.compile(
    r"(?P<folders>(?<![^/])\*\*/)|(?P<rest>(?<![^/])\*\*\Z)|(?P<stars>\*+)|(?P<one>\?)|\[(?P<set>!?\]?[^\]]*)\]"
)


@functools.lru_cache(maxsize=256)
def compiled(glob: str) -> re.Pattern[str]:
    """Return the expression for paths that `glob` matches as a whole.

    `*` and `?` stay in one folder, `**/` is any number of folders, `**` at the end everything below, `[abc]`,
    `[a-z]` and `[!abc]` one character. Upper and lower case differ.
    """
    parts: list[str] = []
    position = 0
    for match in _PARTS.finditer(glob):
        parts += [re.escape(glob[position : match.start()]), _piece(match)]
        position = match.end()
    return re.compile("".join([*parts, re.escape(glob[position:])]), re.DOTALL)


def _piece(match: re.Match[str]) -> str:
    if match["folders"]:
        return "(?:[^/]+/)*"
    if match["rest"]:
        return ".+"
    if match["stars"]:
        return "[^/]*"
    if match["one"]:
        return "[^/]"
    negated = match["set"].startswith("!")
    characters = re.sub(r"([\\\[\]&~|^])", r"\\\1", match["set"].removeprefix("!"))
    return f"(?!/)[{'^' if negated else ''}{characters}]"


def covers(glob: str, path: str) -> bool:
    """Whether `glob` matches `path` or a folder that it lies in."""
    pattern = compiled(glob.rstrip("/"))
    parts = path.split("/")
    return any(pattern.fullmatch("/".join(parts[:length])) for length in range(1, len(parts) + 1))


def objection(path: str, mode: str = "100644") -> str:
    """Say why a file of this path and git mode is not ours to edit; "" when it is."""
    parts = path.split("/")
    if path.startswith("/") or ".." in parts:
        return "leaves the repository"
    if any(part.lower() == ".git" for part in parts):
        return "lies in .git"
    if not mode.startswith(_REGULAR):
        return f"is {_MODES.get(mode, 'not a regular file')}"
    return ""
