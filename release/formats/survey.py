"""The survey of a tree: every site, whose it is, and what stands in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from release.errors import Problem
from release.formats import FormatError, globs
from release.formats.discovery import VERSION, rules
from release.formats.managed import Judge
from release.formats.sites import DISCOVERED, FOREIGN, Unreadable, overlap, sites_at
from release.formats.targets import targeted
from release.formats.trees import Reader, Tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from release.config import Target
    from release.formats.discovery import Rule
    from release.formats.sites import Files, Site
    from release.version import Version


def _none() -> None:
    """Where nothing is known of an older release."""


class Reference(NamedTuple):
    """The tree of the nearest version tag that can be reached, the tag's version, and what is known of its past.

    `before` returns trees from before VERSION moved there, `older` the release below; both are called when needed.
    """

    files: Files
    version: Version
    before: Callable[[], Sequence[Files]] = tuple
    older: Callable[[], Reference | None] = _none


class Survey(NamedTuple):
    """What a tree holds: sites by path and place, files that could not be read, and problems, none of them raised."""

    version: Version | None  # of the file VERSION; None without one, or when it holds no version of ours
    sites: tuple[Site, ...]
    unreadable: tuple[Unreadable, ...]
    problems: tuple[Problem, ...]

    @property
    def managed(self) -> tuple[Site, ...]:
        """The sites that have to agree with VERSION."""
        return tuple(site for site in self.sites if site.managed)


def survey(
    files: Files,
    *,
    targets: Iterable[Target] = (),
    foreign: Iterable[str] = (),
    reference: Reference | None = None,
    head: Version | None = None,
    past: Callable[[], Sequence[Files]] = tuple,
    reader: Reader | None = None,
) -> Survey:
    """Find every site of a tree and decide which are managed.

    `head` is VERSION at HEAD, for a working tree. `past` returns trees from before VERSION moved; it is called when
    needed. `foreign` are globs of paths, or of folders they lie in, whose discovered sites are not managed. Surveys
    that share a `reader` parse what their trees have in common once.
    """
    reader = reader or Reader()
    tree = Tree(files, reader)
    by_path, problems = targeted(tree, targets)
    known = {version for version in (tree.version, head) if version is not None}
    discovery = _Discovery(tree, Judge(known, reference, past, reader), tuple(foreign))
    for rule in rules(tree.paths, tree.names):
        others = by_path.get(rule.path, [])
        more = [site for site in discovery.sites(rule) if not any(overlap(site, other) for other in others)]
        by_path[rule.path] = others + more
    sites = sorted((site for group in by_path.values() for site in group), key=lambda site: (site.path, site.start))
    return Survey(
        version=tree.version,
        sites=tuple(sites),
        unreadable=tuple(discovery.unreadable),
        problems=(*problems, *discovery.problems),
    )


class _Discovery:
    """Follows rules, and keeps what it could not read."""

    def __init__(self, tree: Tree, judge: Judge, foreign: tuple[str, ...]) -> None:
        self._tree = tree
        self._judge = judge
        self._foreign = foreign
        self.unreadable: list[Unreadable] = []
        self.problems: list[Problem] = []

    def sites(self, rule: Rule) -> list[Site]:
        is_foreign = rule.path != VERSION and any(globs.covers(glob, rule.path) for glob in self._foreign)
        if rule.path == VERSION and (why := self._tree.objection(VERSION)):
            self._report(rule, why)
            return []
        try:
            found = self._tree.literals(rule.path, rule.format, rule.keys)
        except FormatError as error:
            if not is_foreign:
                self._report(rule, str(error))
            return []
        if found is None:
            return []
        verdicts = [False] * len(found[1]) if is_foreign else self._judge.verdicts(rule, found[1])
        return sites_at(rule, *found, managed=verdicts, origin=FOREIGN if is_foreign else DISCOVERED)

    def _report(self, rule: Rule, reason: str) -> None:
        """Keep a file that cannot be read: a problem when it is known to hold the project's version."""
        what = f"{rule.path} cannot be read: {reason}"
        if rule.path == VERSION:
            self.problems.append(Problem(what=what, hint="let the file hold one line with the version"))
        elif self._judge.had_managed(rule):
            self.problems.append(Problem(what=what, hint="fix the file, or add it to `foreign` in [tool.release]"))
        else:
            self.unreadable.append(Unreadable(path=rule.path, reason=reason))
