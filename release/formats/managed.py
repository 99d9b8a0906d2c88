"""Managed or foreign: a site is the project's own when it moved with VERSION, and somebody else's when it did not."""

from __future__ import annotations

import functools
from collections import defaultdict
from typing import TYPE_CHECKING

from release.formats import FormatError
from release.formats.discovery import ONLY_AT_ROOT, VERSION
from release.formats.sites import counterpart, numbered
from release.formats.trees import Tree
from release.version import read

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from release.formats import Literal
    from release.formats.discovery import Rule
    from release.formats.sites import Files
    from release.formats.survey import Reference
    from release.formats.trees import Reader
    from release.version import Version

# Text and verdict of the literals in a file, by key, in file order.
_Verdicts = dict[str, list[tuple[str, bool]]]

# Folders that by custom hold copies of other projects: vendor (Go, Composer, Rails), _vendor and extern (pip,
# setuptools, astropy), third_party (Bazel, Chromium), 3rdparty (Qt, KDE). Names under which people keep code of their
# own just as often, such as external, contrib, deps, lib or charts, are not among them.
_FOR_COPIES = frozenset(
    (
        *("vendor", "_vendor", "vendored", "_vendored", "extern", "_extern"),
        *("third_party", "thirdparty", "3rd_party", "3rdparty"),
    )
)
_GENERATIONS = 3  # releases, from the reference down, that a site's past is followed through


class Judge:
    """Decides for what was discovered in one tree.

    A site that stands in the reference's tree as well is managed when it held the VERSION of that tree, in any
    spelling, and came there with VERSION: one that stood at that version already in an earlier tree with another
    VERSION only happens to equal it, unless it moved with VERSION the time before. Below a folder for copies of other
    projects it has to be known that it moved.

    One that is new since, or without a reference, is managed when it holds one of `current`: VERSION of its own tree
    and, in the working tree, VERSION at HEAD. That is not so below a folder for copies, nor, with a reference, for one
    that stood at that version already in a tree of the `past` with another VERSION.

    The file VERSION is always managed. No past counts against files that are looked at nowhere but at the root: they
    describe the project itself, and may well have held its version before there was a VERSION that said so.
    """

    def __init__(
        self,
        current: Collection[Version],
        reference: Reference | None,
        past: Callable[[], Sequence[Files]],
        reader: Reader,
    ) -> None:
        self._current = current
        self._reference = _Release(reference, reader) if reference is not None else None
        self._past = functools.cache(lambda: _with_versions(past(), reader))

    def verdicts(self, rule: Rule, literals: Sequence[Literal]) -> list[bool]:
        """Say of each literal, found by `rule` in the tree, whether it is managed."""
        if rule.path == VERSION:
            return [True] * len(literals)
        before = _judged(rule, self._reference)
        verdicts = []
        for literal, nth, of in numbered(literals):
            verdict = counterpart(nth, of, literal.text, before.get(literal.key, ()))
            verdicts.append(self._is_new_one_ours(rule, literal, nth, of) if verdict is None else verdict)
        return verdicts

    def had_managed(self, rule: Rule) -> bool:
        """Whether the file held managed sites in the reference's tree."""
        return any(managed for others in _judged(rule, self._reference).values() for _, managed in others)

    def _is_new_one_ours(self, rule: Rule, literal: Literal, nth: int, of: int) -> bool:
        version = read(literal.text)
        if version is None or version not in self._current or _is_for_copies(rule.path):
            return False
        if self._reference is None or rule.path in ONLY_AT_ROOT:
            return True
        others = (_holding(tree, rule, version).get(literal.key, ()) for tree in _others(self._past(), version))
        return not any(counterpart(nth, of, literal.text, one) for one in others)


class _Release:
    """A released tree and what was before it, read when it is asked for."""

    def __init__(self, reference: Reference, reader: Reader) -> None:
        self._reference = reference
        self._reader = reader
        self.tree = Tree(reference.files, reader)

    @functools.cached_property
    def version(self) -> Version:
        return self.tree.version or self._reference.version

    @functools.cached_property
    def older(self) -> _Release | None:
        found = self._reference.older()
        return _Release(found, self._reader) if found is not None else None

    @functools.cached_property
    def earlier(self) -> list[tuple[Tree, Version]]:
        """Earlier trees with another VERSION."""
        found = _with_versions(self._reference.before(), self._reader)
        if self.older is not None:
            found.append((self.older.tree, self.older.version))
        return [(tree, version) for tree, version in found if version != self.version]


def _with_versions(trees: Iterable[Files], reader: Reader) -> list[tuple[Tree, Version]]:
    """Return the trees that say what VERSION was; others are no evidence."""
    found = [Tree(files, reader) for files in trees]
    return [(tree, tree.version) for tree in found if tree.version is not None]


def _others(trees: Iterable[tuple[Tree, Version]], version: Version) -> Iterable[Tree]:
    return (tree for tree, held in trees if held != version)


def _is_for_copies(path: str) -> bool:
    return any(part.lower().replace("-", "_") in _FOR_COPIES for part in path.split("/")[:-1])


def _holding(tree: Tree, rule: Rule, version: Version) -> _Verdicts:
    """Say of each literal in another tree whether it holds `version`."""
    try:
        found = tree.literals(rule.path, rule.format, rule.keys)
    except FormatError:  # a file that could not be read then is new now
        found = None
    verdicts: _Verdicts = defaultdict(list)
    for literal in found[1] if found is not None else ():
        verdicts[literal.key].append((literal.text, read(literal.text) == version))
    return verdicts


def _judged(rule: Rule, release: _Release | None, generations: int = _GENERATIONS) -> _Verdicts:
    """Say of each literal in a released tree whether it is managed there."""
    if release is None or not generations:
        return {}
    held = _holding(release.tree, rule, release.version)
    if rule.path in ONLY_AT_ROOT or not any(is_held for others in held.values() for _, is_held in others):
        return held  # nothing to ask the past for
    stood = [_holding(tree, rule, release.version) for tree, _ in release.earlier]
    moved = [_holding(tree, rule, version) for tree, version in release.earlier if _is_for_copies(rule.path)]
    older = functools.cache(lambda: _judged(rule, release.older, generations - 1))

    def came_with_version(key: str, nth: int, of: int, text: str) -> bool:
        def is_so_in(verdicts: _Verdicts) -> bool:
            return counterpart(nth, of, text, verdicts.get(key, ())) is True

        if any(map(is_so_in, stood)):
            return is_so_in(older())
        return not _is_for_copies(rule.path) or any(map(is_so_in, moved))

    return {
        key: [
            (text, is_held and came_with_version(key, nth, len(others), text))
            for nth, (text, is_held) in enumerate(others)
        ]
        for key, others in held.items()
    }
