"""Targets: the sites that `[[tool.release.target]]` names. They are always managed, and have to be there."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from release.errors import Exit, Problem, ReleaseError, refusal, usage
from release.formats import FormatError, discovery, globs
from release.formats.discovery import Rule
from release.formats.sites import overlap, sites_at
from release.version import Spelling

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from release.config import Target
    from release.formats import Literal
    from release.formats.sites import Site
    from release.formats.trees import Tree

_SHOWN = 5  # matches listed in a message
_KEYS: dict[str, tuple[str, ...]] = {
    "text": ("",),
    "python": ("__version__",),
}  # where nothing is usual in a file of that name


def targeted(tree: Tree, targets: Iterable[Target]) -> tuple[dict[str, list[Site]], list[Problem]]:
    """Return the sites of all `targets` in a tree, by path, and whatever is wrong with any of them."""
    by_path: defaultdict[str, list[Site]] = defaultdict(list)
    problems: list[Problem] = []
    for target in targets:
        more, wrong = _sites(tree, target)
        problems += wrong
        for site in more:
            other = next((one for one in by_path[site.path] if overlap(one, site)), None)
            if other is None:
                by_path[site.path].append(site)
            elif (other.start, other.end, other.spelling) != (site.start, site.end, site.spelling):
                what = f"{site.place}: {site.origin} and {other.origin} name the same bytes differently"
                problems.append(Problem(what=what, hint="drop one of the two, or give both the same spelling"))
    return by_path, problems


def _sites(tree: Tree, target: Target) -> tuple[list[Site], list[Problem]]:
    name = f"target {target.path} {target.pattern or target.key}".rstrip()
    if why := globs.objection(target.path):
        hint = "name it from the repository's root, in the files that git tracks"
        return [], [Problem(what=f"{name}: the path {why}", hint=hint, exit=Exit.USAGE)]
    pattern = globs.compiled(target.path)
    sites: list[Site] = []
    problems: list[Problem] = []
    is_there = False
    for path in filter(pattern.fullmatch, tree.paths):
        try:
            found = _in_file(tree, target, path, name)
        except ReleaseError as error:  # one file's problem must not hide the others'
            problems += (problem._replace(what=f"{name}: {problem.what}") for problem in error.problems)
        else:
            is_there = is_there or found is not None
            sites += found or ()
    if not is_there and not problems:
        hint = "`path` is a glob from the repository's root; git has to track the file"
        problems.append(Problem(what=f"{name}: no file matches", hint=hint))
    return sites, list(dict.fromkeys(problems))


def _in_file(tree: Tree, target: Target, path: str, name: str) -> list[Site] | None:
    """Return the sites in one file; None when the file is gone.

    Raises:
        ReleaseError: not a plain file, or not readable, or not as many sites as wanted (exit 3); a bad key or
            pattern (exit 2).
    """
    if why := tree.objection(path):
        raise refusal(f"{path} {why}", "name the file itself")
    rule = _rule(target, path, tree.names)
    try:
        found = tree.literals(path, rule.format, rule.keys)
    except FormatError as error:
        raise refusal(f"{path} cannot be read: {error}", "fix the file, or name the place by a `pattern`") from error
    if found is None:
        return None
    data, literals = found
    if len(literals) != target.count:
        what = f"{path} has {_listed(data, literals)}, where {target.count} should be"
        raise refusal(what, "make the key or pattern more exact, or set `count`")
    return sites_at(rule, data, literals, managed=[True] * len(literals), origin=name)


def _rule(target: Target, path: str, names: tuple[str, ...]) -> Rule:
    """Return the target as a rule for one file; what it leaves open is what is usual there."""
    file_name = path.rpartition("/")[2]
    usual = discovery.custom(file_name, names)
    format_name = "regex" if target.pattern else target.format or discovery.format_of(file_name, names)
    keys = usual.keys if usual is not None and usual.format == format_name else _KEYS.get(format_name, ())
    if given := target.pattern or target.key:
        keys = (given,)
    if not keys:
        raise usage(f"no place is usual in {path}", "give the target a `key`, or a `pattern`")
    spelling = usual.spelling if usual is not None else Spelling.PEP440
    return Rule(
        path=path,
        format=format_name,
        keys=keys,
        spelling=Spelling(target.spelling) if target.spelling else spelling,
        keeps_v=not target.spelling and path != discovery.VERSION,
    )


def _listed(data: bytes, literals: Sequence[Literal]) -> str:
    """Name what was found, and where."""
    lines = [f"line {data.count(10, 0, one.start) + 1}: {one.text[:40]!a}" for one in literals[:_SHOWN]]
    more = ["..."] if len(literals) > _SHOWN else []
    count = f"{len(literals)} matches" if len(literals) != 1 else "1 match"
    return f"{count} ({', '.join([*lines, *more])})" if literals else "no match"
