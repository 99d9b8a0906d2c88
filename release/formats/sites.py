"""Sites: the places that hold the project's version, and the edits that make them agree with it."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple, Protocol

from release import formats
from release.formats import Literal, splice
from release.version import Spelling, Version, spell
from release.version import read as read_version

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from release.formats.discovery import Rule

DISCOVERED = "discovered"
FOREIGN = "foreign"


class Files(Protocol):
    """The tracked files of one commit or of the working tree."""

    @property
    def paths(self) -> Collection[str]:
        """Relative paths with `/`, submodules and symbolic links included."""

    def mode(self, path: str) -> str:
        """Git's mode: 100644, 100755, 120000 (symbolic link) or 160000 (submodule)."""

    def read(self, path: str) -> bytes:
        """Return a file's bytes; OSError when it cannot be read, FileNotFoundError when it is gone."""


class Site(NamedTuple):
    """The bytes `start:end` of the file at `path`, which spell a version and nothing else.

    `origin` is "discovered", "foreign" (discovered, and taken out by the setting `foreign`), or the name of a
    target. The site is number `nth` (from 0) of the `of` literals at its key. A `v` in front of the version stays
    where the spelling is not the project's choice but custom (`keeps_v`).
    """

    path: str
    format: str
    key: str
    start: int
    end: int
    text: str
    spelling: Spelling
    managed: bool
    origin: str
    line: int
    keeps_v: bool = False
    nth: int = 0
    of: int = 1

    @property
    def version(self) -> Version | None:
        """The version it holds, or None when that is none of ours."""
        return read_version(self.text)

    @property
    def place(self) -> str:
        """Where it is, for a message: file, line and key."""
        path = self.path.replace("\n", "\\n").replace("\r", "\\r")
        return f"{path}:{self.line} {self.key}".rstrip()

    def wanted(self, version: Version) -> str:
        """Return what it should hold for `version`."""
        return self.respelled(self.text, version)

    def respelled(self, text: str, version: Version) -> str:
        """Return what stands for `version` where `text` stands at this site or its counterpart in another tree."""
        has_v = self.keeps_v and text[:1] in ("v", "V") and text[1:2].isdigit()
        return (text[0] if has_v else "") + spell(version, self.spelling)


class Unreadable(NamedTuple):
    """A file that was looked at and could not be read as what its name says."""

    path: str
    reason: str


def sites_at(
    rule: Rule, data: bytes, literals: Sequence[Literal], *, managed: Sequence[bool], origin: str
) -> list[Site]:
    """Return the literals that `rule` found in `data` as sites; `managed` has one verdict a literal."""
    return [
        Site(
            path=rule.path,
            format=rule.format,
            key=literal.key,
            start=literal.start,
            end=literal.end,
            text=literal.text,
            spelling=rule.spelling,
            managed=verdict,
            origin=origin,
            line=data.count(b"\n", 0, literal.start) + 1,
            keeps_v=rule.keeps_v,
            nth=nth,
            of=of,
        )
        for (literal, nth, of), verdict in zip(numbered(literals), managed, strict=True)
    ]


def overlap(one: Site, other: Site) -> bool:
    """Whether two sites of one file share bytes, or are the same empty place."""
    same = one.start == other.start and one.end == other.end
    return same or (one.start < other.end and other.start < one.end)


def numbered(literals: Sequence[Literal]) -> list[tuple[Literal, int, int]]:
    """Return each literal with its number among those at the same key (from 0), and how many these are."""
    if len(literals) == 1:
        return [(literals[0], 0, 1)]
    totals = Counter(literal.key for literal in literals)
    seen: Counter[str] = Counter()
    result = []
    for literal in literals:
        result.append((literal, seen[literal.key], totals[literal.key]))
        seen[literal.key] += 1
    return result


def counterpart(nth: int, of: int, text: str, others: Sequence[tuple[str, bool]]) -> bool | None:
    """Say whether the same site in another tree is managed; None when it does not stand there.

    `others` are text and verdict of the literals at the same path and key over there, in file order. Where their
    number differs, one that was there already is known by its text alone; when in doubt it is foreign.
    """
    if len(others) == of:
        return others[nth][1]
    verdicts = {managed for other, managed in others if other == text}
    return None if not verdicts else verdicts == {True}


def inherit(sites: Iterable[Site], *trees: Iterable[Site]) -> tuple[Site, ...]:
    """Return `sites`, those managed too whose counterpart is managed in one of the other `trees`.

    This is the rule of merges: managed in base, ours or theirs is managed. What `foreign` takes out stays out.
    """
    indexes: list[dict[tuple[str, str, str], list[tuple[str, bool]]]] = []
    for tree in trees:
        index = defaultdict(list)
        for site in tree:
            index[site.path, site.format, site.key].append((site.text, site.managed))
        indexes.append(index)

    def is_managed(site: Site) -> bool:
        others = (index.get((site.path, site.format, site.key), ()) for index in indexes)
        return any(counterpart(site.nth, site.of, site.text, one) for one in others)

    return tuple(
        site._replace(managed=True) if not site.managed and site.origin != FOREIGN and is_managed(site) else site
        for site in sites
    )


def drift(sites: Iterable[Site], version: Version) -> tuple[Site, ...]:
    """Return the managed sites that do not hold `version` exactly as they should spell it."""
    return tuple(site for site in sites if site.managed and site.text != site.wanted(version))


def rewrite(data: bytes, sites: Iterable[Site], version: Version) -> bytes:
    """Return a file with its managed `sites`, found in these very bytes, set to `version`; all other bytes stay."""
    edits = []
    for site in drift(sites, version):
        if site.text.isascii() and data[site.start : site.end] != site.text.encode():
            raise ValueError(f"{site.place} was not found in this version of the file")
        literal = Literal(key=site.key, start=site.start, end=site.end, text=site.text)
        edits.append((literal, site.wanted(version)))
    return splice(data, edits)


def edits(files: Files, sites: Iterable[Site], version: Version) -> dict[str, bytes]:
    """Return the new bytes of every file that has to change for `version`, by path."""
    by_path: defaultdict[str, list[Site]] = defaultdict(list)
    for site in drift(sites, version):
        by_path[site.path].append(site)
    return {path: rewrite(files.read(path), changing, version) for path, changing in by_path.items()}


def normalise(data: bytes, sites: Iterable[Site], version: Version) -> bytes:
    """Return a file of another tree with the counterparts of `sites` at `version`.

    `sites` are the managed ones at this path in one tree. Two trees normalised to one version differ only in what
    is not the version.

    Raises:
        FormatError: the file cannot be read as the sites' format.
    """
    groups: defaultdict[tuple[str, str], list[Site]] = defaultdict(list)
    for site in sites:
        groups[site.format, site.key].append(site)
    changes: dict[int, tuple[Literal, str]] = {}
    for (format_name, key), group in groups.items():
        verdicts = [("", False)] * group[0].of
        for site in group:
            verdicts[site.nth] = (site.text, site.managed)
        for literal, nth, of in numbered(formats.find(format_name, data, (key,))):
            if counterpart(nth, of, literal.text, verdicts):
                changes[literal.start] = (literal, group[0].respelled(literal.text, version))
    return splice(data, changes.values())
