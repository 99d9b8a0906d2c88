"""`release.prepare`: open a release branch from develop, with VERSION, sites and changelog in one commit."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from release import version as versions
from release.errors import Problem, ReleaseError, usage
from release.flows import ancestry, checks, commands, content, moves, publishing, situation
from release.flows.sides import Sides
from release.formats import sites
from release.git import history, probing, snapshot
from release.plan import Plan, typed
from release.steps import working_tree
from release.steps.working_tree import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable

    from release.config import Config
    from release.flows.content import Content
    from release.flows.situation import Branch, Situation
    from release.git.probing import Probe
    from release.plan import Request
    from release.version import Version


class Start(NamedTuple):
    """Where a release starts: develop's tip, its configuration and VERSION, and the release it builds on."""

    tip: str
    note: str
    config: Config
    current: Version | None
    last: history.Tagged | None


def prepare(scene: Situation, wanted: str, *, push: bool, allow_empty: bool, pr: bool = False) -> Plan:
    """Plan the release branch of `wanted`: a version, or a part of one; `pr` pushes it, and asks for its merge to main.

    Raises:
        ReleaseError: everything that stands in the way, at once.
    """
    with probing.probed(scene.worktree) as probe:
        return _prepare(scene, wanted, probe, push=push or pr, allow_empty=allow_empty, pr=pr)


def _prepare(scene: Situation, wanted: str, probe: Probe, *, push: bool, allow_empty: bool, pr: bool) -> Plan:
    start, problems = starting(scene)
    version = choose(scene, start, wanted)
    problems += checks.release_branch(scene, version, current_main=main_version(scene))
    problems += checks.worktree(scene.worktree, probe)
    made, found = content.of_branch(
        scene,
        Sides(scene=scene),
        tip=start.tip,
        name=scene.develop.name,
        released=scene.released(start.tip),
        wanted=content.Wanted(
            version=version,
            section="open",
            allow_empty=allow_empty,
            message=f"chore(release): prepare {version}",
            always=True,
        ),
    )
    problems += found
    if problems:
        raise ReleaseError(problems)
    return _plan(scene, start, version, made, probe, push=push, pr=pr, allow_empty=allow_empty)


def starting(scene: Situation) -> tuple[Start, list[Problem]]:
    """Look at develop as a starting point; returns the problems with it too."""
    tip, note, problems = situation.starting_point(scene, scene.develop)
    config = scene.config_at(tip, scene.develop.name)
    found = list(problems)
    data = scene.objects.plain_file(tip, VERSION)
    if data is None:
        hint = "write one line with the version, such as 0.1.0.dev0, and commit it"
        found.append(Problem(what=f"{scene.develop.name} has no VERSION file", hint=hint))
    current = None if data is None else versions.parse_file(data, f"VERSION at {scene.develop.name}")
    last = scene.since(scene.released(tip).greatest)
    return Start(tip=tip, note=note, config=config, current=current, last=last), found


def branch_problems(scene: Situation, tip: str, name: str) -> list[Problem]:
    """What is wrong with the files of a branch: configuration, targets, and sites that disagree with its VERSION."""
    config = scene.config_at(tip, name)
    files = snapshot.of_commit(scene.repository, scene.objects, tip)
    found = working_tree.survey(scene.objects, files, config, scene.released(tip))
    drifted = [] if found.version is None else sites.drift(found.sites, found.version)
    return [*found.problems, *(drift_problem(site, found.version) for site in drifted if found.version is not None)]


def drift_problem(site: sites.Site, version: Version) -> Problem:
    """Say that a site disagrees with VERSION."""
    return Problem(
        what=f"{site.place} says {site.text[:64]!a}, VERSION says {site.wanted(version)}",
        hint="repair it: invoke propagate",
    )


def choose(scene: Situation, start: Start, wanted: str) -> Version:
    """Return the version that `wanted`, a version or a part, stands for here.

    Raises:
        ReleaseError: it is neither, or no version that can be released (exit 2); nothing to release (exit 3).
    """
    last = None if start.last is None else start.last.version
    if wanted == "next":
        since = None if start.last is None else start.last.commit
        final = start.current if start.current is not None and versions.is_final(start.current) else None
        base = max((version for version in (last, final) if version is not None), default=None)
        return versions.next_version(history.messages(scene.repository, since, start.tip), base)
    if wanted in versions.PARTS:
        version = versions.bump(
            wanted, current=start.current, tags=scene.tags, reachable=last, next_part=start.config.next
        )
    else:
        version = versions.parse(wanted)
    if versions.kind(version) == "dev":
        raise usage(f"{version} is a development version: those are never released", "name the version to release")
    return version


def main_version(scene: Situation) -> Version | None:
    """Return main's version, the greater of here and the remote: its VERSION, else its last tag, else None."""
    found = []
    for tip in {scene.main.there, scene.main.here} - {None}:
        assert tip is not None  # noqa: S101  # taken out above
        last = scene.released(tip).greatest
        found.append(scene.version_at(tip) or (None if last is None else last.version))
    return max((version for version in found if version is not None), default=None)


def _plan(
    scene: Situation,
    start: Start,
    version: Version,
    made: Content,
    probe: Probe,
    *,
    push: bool,
    allow_empty: bool,
    pr: bool,
) -> Plan:
    branch = scene.branch(versions.tag_name(versions.release_segment(version), scene.config.release))
    scene.writer.flush(made.commit)
    refs, pushed = publishing.opened(scene, branch, made.commit, push=push)
    move = moves.move_of(scene, scene.worktree, moves.Landing(branch.ref, made.commit))
    problem = probe.can_follow(move)
    if problem is not None:
        raise ReleaseError([problem])
    asked = _requested(scene, start, branch, version, made) if pr and scene.world.remote else None
    return Plan(
        task=typed("release.prepare", str(version), push=push and not pr, pr=pr, allow_empty=allow_empty),
        top=str(scene.repository.top),
        done=f"{branch.name} is open at {version}{f'; its request: {asked.address}' if asked else ''}",
        then=_next_command(version),
        undo=f"invoke release.drop --name {versions.release_segment(version)}{' --remote' if push else ''}",
        push=pushed,
        refs=refs,
        worktrees=(move,),
        tree=made.tree,
        commit=made.commit,
        request=asked,
        notes=tuple(_notes(scene, start, push=push, pr=pr)),
        diffs=made.diffs,
    )


def _requested(scene: Situation, start: Start, branch: Branch, version: Version, made: Content) -> Request:
    """Return the request of the branch into main; `release.finish --pr` brings its final commit, and finds it open."""
    from release.flows import requests  # noqa: PLC0415  # only with --pr

    changelog = next((diff.new for diff in made.diffs if diff.path == start.config.changelog), None)
    final = versions.release_segment(version)
    body = requests.told(changelog, version, commands.invoke("release.finish", "--version", str(final)))
    body = f"Not to be merged before `{commands.invoke('release.finish', '--pr')}` has finished it.\n\n{body}"
    return requests.request(scene, branch, scene.main, title=f"Release {final}", body=body)


def _next_command(version: Version) -> str:
    if versions.is_final(version):
        return "commit fixes on this branch; see: invoke release.status"
    return f"commit fixes on this branch; {version} is not tagged yet; see: invoke release.status"


def _notes(scene: Situation, start: Start, *, push: bool, pr: bool) -> Iterable[str]:
    if start.note:
        yield start.note
    yield from (f"warning: {problem.what}" for problem in ancestry.problems(scene))
    if not scene.world.remote:
        yield "no remote is configured: everything stays here"
    if not start.config.gates:
        yield "no gates configured"
    if push and not scene.world.remote:
        raise usage(
            "there is no remote to push to", f"git remote add origin …, or leave out {'--pr' if pr else '--push'}"
        )
