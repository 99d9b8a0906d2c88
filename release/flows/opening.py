"""Opening branches: `hotfix.start`, `support.start`, `feature.start`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from release import version as versions
from release.config import fill, ref_objection, unfill
from release.errors import Problem, ReleaseError, refusal, usage
from release.flows import checks, commands, content, moves, publishing, situation, subjects
from release.flows.sides import Sides
from release.git import probing
from release.git.history import Tagged
from release.plan import Plan, typed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from release.flows.content import Content
    from release.flows.situation import Branch, Situation
    from release.plan import FileDiff
    from release.version import Version

_LINE = re.compile(r"(\d+)\.(\d+|x)")


def hotfix(scene: Situation, name: str, source: str, *, push: bool) -> Plan:
    """Plan a hotfix branch with the next free patch of main, or of the support branch it starts from, as VERSION.

    Raises:
        ReleaseError: nothing was released yet, or something stands in the way (exit 3); no such `source` (exit 2).
    """
    start = _source(scene, source)
    tip, note, problems = situation.starting_point(scene, start)
    last = scene.released(tip).greatest
    if last is None:
        raise refusal(
            f"nothing is released on {start.name} yet: there is nothing to mend",
            "release first: invoke release.prepare next",
        )
    current = subjects.current_version(scene, tip) or last.version
    taken = {*scene.tags, *_open_hotfixes(scene)}
    version = subjects.free_patch(max(current, last.version), dict.fromkeys(taken))
    branch = scene.branch(_named(scene.config.hotfix, name or f"v{version}"))
    sides = Sides(scene=scene)
    scene.config_at(tip, start.name)  # branch names have to agree
    wanted = content.Wanted(
        version=version, section="", allow_empty=True, message=f"chore(release): begin hotfix {version}"
    )
    made, more = content.of_branch(scene, sides, tip=tip, name=start.name, released=scene.released(tip), wanted=wanted)
    problems = (*problems, *checks.free(scene, branch), *more)
    notes = [note] if note else []
    notes += _overtaken(scene, version) if start == scene.main else []
    done = f"{branch.name} is open at {version}, from {start.name}"
    task = typed("hotfix.start", name=branch.name, **{"from": start.name}, push=push)
    return _open(
        scene, branch, made.commit, problems, push=push, done=done, notes=notes, made=made, group="hotfix", task=task
    )


def _overtaken(scene: Situation, version: Version) -> list[str]:
    """Say which open releases could not be finished any more once a hotfix is released as `version`."""
    return [
        f"{branch.name} is open and not newer than {version}: finish it first, or commit the fix there"
        for release, branch in scene.open_releases.items()
        if release <= version
    ]


def _source(scene: Situation, source: str) -> Branch:
    """Return the branch that a hotfix starts from: the one named, the support branch one stands on, or main."""
    name = source or scene.worktree.branch.removeprefix("refs/heads/")
    supports = {one.name for one in scene.branches() if unfill(scene.config.support, one.name) is not None}
    for wanted in (name, fill(scene.config.support, name) if name else ""):
        if wanted in supports:
            return scene.branch(wanted)
    if source and source != scene.main.name:
        known = ", ".join([scene.main.name, *sorted(supports)])
        raise usage(f"a hotfix does not start from {source[:64]!a}", f"name one of: {known}")
    return scene.main


def _open_hotfixes(scene: Situation) -> set[Version]:
    """Return the versions that open hotfix branches hold."""
    found = set()
    for branch in scene.branches():
        tip = branch.here or branch.there
        if unfill(scene.config.hotfix, branch.name) is not None and tip is not None:
            held = scene.version_at(tip)
            found |= {held} if held is not None else set()
    return found


def _named(pattern: str, name: str) -> str:
    """Return the branch that `name`, with or without the prefix, stands for.

    Raises:
        ReleaseError: git allows no such name (exit 2).
    """
    wanted = name if unfill(pattern, name) is not None else fill(pattern, name)
    if why := ref_objection(wanted):
        raise usage(f"the branch name {wanted[:64]!a} {why}", "choose another name")
    return wanted


def support(scene: Situation, line: str, *, push: bool) -> Plan:
    """Plan the branch of an older line (`1.9`, `1.x`), at the greatest GA tag of that line.

    Raises:
        ReleaseError: no line (exit 2); nothing was released in it, or something stands in the way (exit 3).
    """
    wanted = unfill(scene.config.support, line) or line
    match = _LINE.fullmatch(wanted)
    if match is None:
        raise usage(f"{line[:64]!a} is no line of versions", "name it like 1.9 or 1.x")
    last = _last_of(scene, int(match[1]), None if match[2] == "x" else int(match[2]))
    if last is None:
        raise refusal(f"nothing is released in {wanted}", "see: git tag --list")
    branch = scene.branch(fill(scene.config.support, wanted))
    done = f"{branch.name} is open at {last.version}"
    problems = list(checks.free(scene, branch))
    task = typed("support.start", wanted, push=push)
    return _open(
        scene, branch, last.commit, problems, push=push, done=done, notes=[], made=None, group="support", task=task
    )


def _last_of(scene: Situation, major: int, minor: int | None) -> Tagged | None:
    own = [
        tag
        for tag in scene.tags
        if versions.is_final(tag) and tag.major == major and (minor is None or tag.minor == minor)
    ]
    last = max(own, default=None)
    return None if last is None else Tagged(last, scene.tags[last])


def feature(scene: Situation, name: str, *, push: bool) -> Plan:
    """Plan a feature branch from develop.

    Raises:
        ReleaseError: no such name for git (exit 2), or something stands in the way (exit 3).
    """
    tip, note, problems = situation.starting_point(scene, scene.develop)
    branch = scene.branch(_named(scene.config.feature, name))
    problems = (*problems, *checks.free(scene, branch))
    notes = [note] if note else []
    done = f"{branch.name} is open, from {scene.develop.name}"
    task = typed("feature.start", branch.name, push=push)
    return _open(scene, branch, tip, problems, push=push, done=done, notes=notes, made=None, group="feature", task=task)


def _open(
    scene: Situation,
    branch: Branch,
    commit: str,
    problems: Sequence[Problem],
    *,
    push: bool,
    done: str,
    notes: Sequence[str],
    made: Content | None,
    group: str,
    task: str,
) -> Plan:
    """Plan a branch at a commit, and the worktree on it. `task` is the command that begins it again."""
    found = list(problems)
    if push and not scene.world.remote:
        raise usage("there is no remote to push to", "git remote add origin …, or leave out --push")
    with probing.probed(scene.worktree) as probe:
        found += checks.worktree(scene.worktree, probe)
        if found:
            raise ReleaseError(found)
        scene.writer.flush(commit)
        move = moves.move_of(scene, scene.worktree, moves.Landing(branch.ref, commit))
        if move.changes and (problem := probe.can_follow(move)) is not None:
            raise ReleaseError([problem])
    refs, pushed = publishing.opened(scene, branch, commit, push=push)
    diffs: tuple[FileDiff, ...] = () if made is None else made.diffs
    undo = commands.invoke(f"{group}.drop", "--name", branch.name, *(["--remote"] if push else []))
    if group == "support":  # which nothing drops
        there = f" && {commands.git('push', scene.world.remote, f':{branch.name}')}" if push else ""
        undo = f"{commands.undo(scene, refs, [move])}{there}"
    return Plan(
        task=task,
        top=str(scene.repository.top),
        done=done,
        undo=undo,
        then=_THEN[group],
        push=pushed,
        refs=refs,
        worktrees=(move,),
        tree="" if made is None else made.tree,
        commit=commit,
        notes=tuple(notes),
        diffs=diffs,
    )


_THEN = {
    "hotfix": "commit the fix on this branch, then: invoke hotfix.finish",
    "support": "invoke hotfix.start    (it starts from here while you stand on this branch)",
    "feature": "commit on this branch, then: invoke feature.finish",
}
