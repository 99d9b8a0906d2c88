"""`feature.finish`: merge a feature into develop, push develop and the deletion, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from release.errors import Problem, ReleaseError, usage
from release.flows import checks, commands, conflicts, moves, publishing, requests, situation, subjects
from release.flows.receiving import Incoming, Merging, Received, Receiver
from release.flows.sides import Sides
from release.git import history, merge, probing
from release.git import world as git
from release.plan import Plan, again

if TYPE_CHECKING:
    from collections.abc import Mapping

    from release.flows.situation import Branch, Situation


class Wish(NamedTuple):
    """What the task was told. `flow` is its name."""

    flow: str
    name: str = ""
    push: bool = True
    keep: bool = False
    pr: bool = False


def finish(scene: Situation, wish: Wish, resolutions: Mapping[str, str]) -> Plan:
    """Plan the merge of a feature into develop, whose version stays what it is.

    Raises:
        Stopped: the merge conflicts, and a person has to resolve it (exit 6); nothing has changed.
        ReleaseError: no such branch (exit 2); everything that stands in the way, at once (exit 3).
    """
    branch = subjects.named_branch(scene, scene.config.feature, wish.name, "feature")
    tip, note, problems = situation.starting_point(scene, branch)
    onto, more, wrong = situation.starting_point(scene, scene.develop)
    found = [*problems, *wrong, *_empty(scene, branch, tip, onto)]
    if wish.pr and not found:
        return _requested(scene, wish, branch, tip, onto)
    with probing.probed(scene.worktree) as probe, merge.merger(scene.repository, scene.objects) as merger:
        found += checks.worktree(scene.worktree, probe)
        if found:
            raise ReleaseError(found)
        merging = Merging(scene=scene, sides=Sides(scene=scene), merger=merger, resolutions=resolutions)
        merged = _merge(scene, wish, merging, branch, tip, onto)
        commit = scene.writer.commit(
            tree=merged.outcome.tree,
            parents=(onto, tip),
            message=f"Merge branch '{branch.name}'{f' into {scene.develop.name}' if not scene.trunk else ''}",
            identity=scene.identity,
        )
        scene.writer.flush(commit)
        return _plan(scene, wish, branch, tip, merged, commit, probe, notes=[*filter(None, (note, more))])


def _empty(scene: Situation, branch: Branch, tip: str, onto: str) -> list[Problem]:
    if git.relation(scene.repository, tip, onto)[0]:
        return []
    what = f"{branch.name} has no commit that {scene.develop.name} has not"
    drop = commands.invoke("feature.drop", "--name", branch.name)
    return [Problem(what=what, hint=f"commit on it first, or drop it: {drop}")]


def _merge(scene: Situation, wish: Wish, merging: Merging, branch: Branch, tip: str, onto: str) -> Received:
    released = scene.released(tip)
    side = merging.sides.side(merging.sides.tree_of(tip), branch.name, released)
    incoming = Incoming(side, (tip,), released, None)
    merged = merging.into(Receiver(scene.develop, onto), incoming, next_part="minor")
    if merged.outcome.conflicts:
        named = wish._replace(name=branch.name)  # one may stand elsewhere when it goes on
        raise conflicts.stopped(scene, merging.stop(named, [(branch.name, tip)]), merged, tip, [])
    return merged


def _requested(scene: Situation, wish: Wish, branch: Branch, tip: str, onto: str) -> Plan:
    """Plan the push of the branch, for a pull request into develop."""
    if not scene.world.remote:
        raise usage("there is no remote for a pull request", "leave out --pr")
    refs, push = publishing.updates(scene, [publishing.Moved(branch, tip)], None, push=True)
    lines = [message.partition("\n")[0] for message in history.messages(scene.repository, onto, tip)]
    title = lines[0] if len(lines) == 1 else branch.name
    body = "".join(f"- {subject}\n" for subject in reversed(lines))
    asked = requests.request(scene, branch, scene.develop, title=title, body=body)
    return Plan(
        task=_task(wish, branch),
        top=str(scene.repository.top),
        done=f"{branch.name} is at {scene.world.remote}, awaiting merge: {asked.address}",
        then=f"when it is merged: {commands.invoke('feature.drop', '--name', branch.name)}",
        undo="close the request",
        push=push,
        refs=refs,
        commit=tip,
        request=asked,
    )


def _task(wish: Wish, branch: Branch) -> str:
    return again(wish.flow, {**wish._asdict(), "name": branch.name})


def _plan(
    scene: Situation,
    wish: Wish,
    branch: Branch,
    tip: str,
    merged: Received,
    commit: str,
    probe: probing.Probe,
    *,
    notes: list[str],
) -> Plan:
    develop = scene.develop
    end = publishing.Moved(branch, tip if wish.keep else None, is_kept=wish.keep)
    moved = [publishing.Moved(develop, commit), end]
    refs, push, later = publishing.visible(scene, moved, None, push=wish.push)
    landing = moves.Landing(develop.ref if any(ref.name == develop.ref for ref in refs) else "", commit)
    followed, more, problems = moves.follow(
        scene,
        probe,
        {ref.name: ref.new for ref in refs if ref.new is not None},
        [] if wish.keep else [branch.ref],
        landing,
    )
    if problems:
        raise ReleaseError(problems)
    says = scene.version_at(tip)
    if says is not None and merged.version is not None and says > merged.version:
        notes.append(f"{branch.name} says {says}: {develop.name} stays at {merged.version}")
    notes += [f"{develop.name}: repaired {place}" for place in merged.outcome.repaired]
    notes += more
    notes += [] if scene.world.remote else ["no remote is configured: everything stays here"]
    where = f"pushed to {scene.world.remote}" if push else "only here"
    revert = f"{commands.git('switch', develop.name)} && git revert -m 1 {commit[:10]}"
    status = "invoke release.status"
    return Plan(
        task=_task(wish, branch),
        top=str(scene.repository.top),
        done=f"{branch.name} is merged into {develop.name}, {where}",
        then=status if push else commands.push(scene, later) or status,
        undo=revert if push else commands.undo(scene, refs, followed),
        push=push,
        refs=refs,
        worktrees=followed,
        tree=merged.outcome.tree,
        commit=commit,
        notes=tuple(notes),
    )
