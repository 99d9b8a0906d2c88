"""Keys: where in a structured document a version stands, and how to get there.

A key has TOML's syntax: parts joined by dots, quoted where they hold more than a word: `project.version`,
`packages."".version`. Lists take an index, `images[0].tag`, or a selector, `package[name=my-app].version`.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, NamedTuple

from release.errors import usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Selector(NamedTuple):
    """The tables of a list in which `name` holds `value`."""

    name: str
    value: str


Step = str | int | Selector
Path = tuple[str | int, ...]  # from the root to one place, without selectors

_HINT = 'write it like project.version, packages."".version, images[0].tag or package[name=my-app].version'
_WORD = r"""(?:[^\s.\[\]"'=]+|"[^"\\]*"|'[^']*')"""
_STEP = rf"(?P<name>\.?{_WORD})|\[(?P<index>\d+)\]|\[(?P<which>{_WORD})=(?P<value>{_WORD})\]"


@functools.lru_cache(maxsize=1024)
def parse(key: str) -> tuple[Step, ...]:
    """Return the steps of a key.

    Raises:
        ReleaseError: `key` does not have the syntax above (exit 2).
    """
    words = key.split(".")
    if all(map(str.isidentifier, words)):
        return tuple(words)
    steps: list[Step] = []
    position = 0
    step = re.compile(_STEP)
    while position < len(key):
        match = step.match(key, position)
        if match is None or (match["name"] and match["name"].startswith(".") is not bool(steps)):
            raise usage(f"cannot read the key {key!r} at character {position + 1}", _HINT)
        if match["name"]:
            steps.append(_bare(match["name"].removeprefix(".")))
        elif match["index"]:
            steps.append(int(match["index"]))
        else:
            steps.append(Selector(_bare(match["which"]), _bare(match["value"])))
        position = match.end()
    if not steps:
        raise usage("a key is empty", _HINT)
    return tuple(steps)


def _bare(word: str) -> str:
    return word[1:-1] if word[0] in "\"'" else word


def resolve(
    document: object, steps: tuple[Step, ...], text: Callable[[object], object] = str
) -> list[tuple[Path, object]]:
    """Return every place in nested dicts and lists that the steps lead to, with what stands there.

    `text` gives the text of a leaf, for selectors. A selector can match several tables; what is absent yields none.
    """
    found: list[tuple[Path, object]] = [((), document)]
    for step in steps:
        found = [((*path, name), child) for path, node in found for name, child in _children(node, step, text)]
    return found


def _children(node: object, step: Step, text: Callable[[object], object]) -> Iterator[tuple[str | int, object]]:
    if isinstance(node, dict):
        if isinstance(step, str) and step in node:
            yield step, node[step]
    elif isinstance(node, list):
        if isinstance(step, Selector):
            for index, item in enumerate(node):
                if isinstance(item, dict) and step.name in item and text(item[step.name]) == step.value:
                    yield index, item
        elif isinstance(step, int) or (step.isascii() and step.isdigit()):
            index = int(step)
            if index < len(node):
                yield index, node[index]


def at(document: object, path: Path) -> object:
    """Return what stands at a place that `resolve` named, or None."""
    for step in path:
        if not (isinstance(document, dict) and step in document) and not (
            isinstance(document, list) and isinstance(step, int) and step < len(document)
        ):
            return None
        document = document[step]  # type: ignore[index]  # a key of a dict, or an index of a list: tested above
    return document
