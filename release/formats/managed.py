"""Managed or foreign: a site is the project's own when it moved with VERSION, and somebody else's when it did not."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from release.formats import FormatError
from release.formats.discovery import VERSION
from release.formats.sites import counterpart, numbered
from release.version import read

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from release.formats import Literal
    from release.formats.discovery import Rule
    from release.formats.trees import Tree
    from release.version import Version


class Judge:
    """Decides for what was discovered in one tree.

    A site that stands in the reference's tree as well is managed exactly when it held the VERSION of that tree (if
    there is none: the version `tagged`), in any spelling. One that is new since, or without a reference, is managed
    when it holds one of `current`: VERSION of its own tree and, in the working tree, VERSION at HEAD. The file
    VERSION always is.
    """

    def __init__(self, current: Collection[Version], reference: Tree | None, tagged: Version | None) -> None:
        self._current = current
        self._reference = reference
        self._released = (reference.version if reference is not None else None) or tagged

    def verdicts(self, rule: Rule, literals: Sequence[Literal]) -> list[bool]:
        """Say of each literal, found by `rule` in the tree, whether it is managed."""
        if rule.path == VERSION:
            return [True] * len(literals)
        before = self._before(rule)
        verdicts = []
        for literal, nth, of in numbered(literals):
            verdict = counterpart(nth, of, literal.text, before.get(literal.key, ()))
            verdicts.append(read(literal.text) in self._current if verdict is None else verdict)
        return verdicts

    def had_managed(self, rule: Rule) -> bool:
        """Whether the file held managed sites in the reference's tree."""
        return any(managed for others in self._before(rule).values() for _, managed in others)

    def _before(self, rule: Rule) -> dict[str, list[tuple[str, bool]]]:
        """Return text and verdict of the literals in the reference's tree, by key, in file order."""
        before: defaultdict[str, list[tuple[str, bool]]] = defaultdict(list)
        if self._reference is not None:
            try:
                found = self._reference.literals(rule.path, rule.format, rule.keys)
            except FormatError:  # a file that could not be read then is new now
                found = None
            for literal in found[1] if found is not None else ():
                version = read(literal.text)
                before[literal.key].append((literal.text, version is not None and version == self._released))
        return before
