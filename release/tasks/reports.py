"""Tasks that only look: version, status, check, config."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from release import console
from release.errors import ReleaseError, refusal
from release.formats import sites
from release.steps import working_tree
from release.tasks import face

if TYPE_CHECKING:
    from collections.abc import Sequence

    from release.errors import Problem
    from release.flows.standing import Line, Standing
    from release.formats.sites import Site
    from release.steps.working_tree import WorkingTree


def version(*, check: bool, as_json: bool, following: bool) -> None:
    """Show VERSION and every site; with `check` fail on drift; with `following` only the next version."""
    with face.ending() as repository, working_tree.opened(repository) as tree:
        if following:
            from release.steps import bump  # noqa: PLC0415  # only this one looks at commits

            console.show(str(bump.following(tree)))
            return
        held, found = tree.version, tree.survey
        drifted = sites.drift(found.sites, held)
        if as_json:
            console.show(json.dumps(_facts(tree), indent=2))
        elif not check:
            for line in _lines(tree):
                console.show(line)
        if check and (drifted or found.problems):
            raise ReleaseError([*found.problems, *(_drift(site, tree) for site in drifted)])
        if check and not as_json:
            console.show(f"{held}: {len(found.managed)} managed sites agree")
        elif found.problems:
            raise ReleaseError(found.problems)


def _drift(site: Site, tree: WorkingTree) -> Problem:
    what = f"{site.place} says {site.text[:64]!a}, not {site.wanted(tree.version)}"
    return refusal(what, "repair it: invoke propagate").problems[0]


def _facts(tree: WorkingTree) -> dict[str, Any]:
    held = tree.version
    return {
        "version": str(held),
        "sites": [
            {
                "path": site.path,
                "line": site.line,
                "key": site.key,
                "value": site.text,
                "wanted": site.wanted(held) if site.managed else None,
                "managed": site.managed,
                "origin": site.origin,
            }
            for site in tree.survey.sites
        ],
        "unreadable": [{"path": one.path, "reason": one.reason} for one in tree.survey.unreadable],
        "problems": [problem.what for problem in tree.survey.problems],
    }


def _lines(tree: WorkingTree) -> list[str]:
    held = tree.version
    rows = []
    for site in tree.survey.sites:
        if not site.managed:
            state = "foreign"
        else:
            state = "ok" if site.text == site.wanted(held) else f"drift: wants {site.wanted(held)}"
        rows.append((site.place, site.text, state))
    widths = [max((len(row[column]) for row in rows), default=0) for column in (0, 1)]
    lines = [str(held)]
    lines += [f"  {place:{widths[0]}}  {text:{widths[1]}}  {state}" for place, text, state in rows]
    lines += [f"  {one.path}  unreadable: {one.reason}" for one in tree.survey.unreadable]
    if any(state.startswith("drift") for _, _, state in rows):
        lines.append("repair the drift: invoke propagate")
    return lines


def status(*, as_json: bool) -> None:
    """Show where the release stands. A remote that does not answer is said, and what was fetched last is shown."""
    from release.flows import situation, standing  # noqa: PLC0415  # `version` needs neither

    with face.ending() as repository:
        where = repository()
        try:
            with situation.look(where) as scene:
                found = standing.standing(scene)
        except ReleaseError as error:
            if not any("remote" in problem.what for problem in error.problems):
                raise
            console.say(f"{error.problems[0].what}: showing what was fetched last")
            with situation.look(where, offline=True) as scene:
                found = standing.standing(scene)
        if as_json:
            console.show(json.dumps(found.facts(), indent=2))
        else:
            _show(found)


def _show(found: Standing) -> None:
    if found.stopped is not None:
        console.show(f"{found.stopped.why} (phase {found.stopped.phase})")
    names = [f"{_branching(found.lines, number)}{line.branch}" for number, line in enumerate(found.lines)]
    widths = max(map(len, names)), max(len(line.version or "-") for line in found.lines)
    for name, line in zip(names, found.lines, strict=True):
        away = [f"{line.ahead} ahead of"] if line.ahead else []
        away += [f"{line.behind} behind"] if line.behind else []
        distance = f"{' and '.join(away)} {line.against}" if away else ""
        facts = ", ".join(part for part in (line.tag, distance, line.where) if part)
        more = "; ".join(part for part in (facts, line.marks) if part)
        mark = "*" if line.current else " "
        console.show(f"{mark} {name:{widths[0]}}  {line.version or '-':{widths[1]}}  {more}".rstrip())
    console.show(f"last release: {found.last or 'none'}")
    console.show(f"next: {found.next}")


def _branching(lines: Sequence[Line], number: int) -> str:
    """Draw the line to the branch that one came from."""
    line = lines[number]
    if not line.depth:
        return ""
    following = lines[number + 1 :]
    goes_on = next((other.depth >= line.depth for other in following[:1]), False)
    return f"{'  ' * (line.depth - 1)}{'├─' if goes_on else '└─'} "


def check(wanted: str) -> None:
    """Show every problem at once; exit 3 when there is one."""
    from release.flows import situation, standing  # noqa: PLC0415  # `version` needs neither

    with face.ending() as repository, situation.look(repository()) as scene:
        found = standing.problems(scene, wanted)
        if found:
            for problem in found:
                console.show(str(problem))
            raise refusal(f"{len(found)} problem{'s' if len(found) > 1 else ''} found")
        console.show("no problem found")


def config(*, as_json: bool, schema: bool) -> None:
    """Show the effective configuration of the working tree and where each value comes from."""
    from release import config as configuration  # noqa: PLC0415  # loaded by working_tree anyway, named here

    if schema:
        console.show(json.dumps(configuration.schema(), indent=2))
        return
    with face.ending() as repository, working_tree.opened(repository) as tree:
        found = list(configuration.settings(tree.config))
        if as_json:
            console.show(json.dumps({one.key: {"value": one.value, "origin": one.origin} for one in found}, indent=2))
            return
        width = max(len(one.key) for one in found)
        for one in found:
            note = f"  ({one.note})" if one.note else ""
            console.show(f"{one.key:{width}} = {one.value}{note}  # {one.origin}")
        if not tree.config.gates:
            console.show("no gates configured")
