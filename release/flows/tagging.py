"""`tag`, and the manual path: a tag on HEAD or on the commit that `propagate` makes, in one plan with its push."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from release import version as versions
from release.errors import Problem, ReleaseError, refusal, usage
from release.flows import checks, prepare, publishing, situation
from release.plan import Candidate, Plan, Push, RefUpdate, Tag

if TYPE_CHECKING:
    from collections.abc import Iterator

    from release.flows.situation import Branch, Situation
    from release.version import Version


def tag(scene: Situation, *, push: bool, message: str) -> Plan:
    """Plan the tag of HEAD: GA on main or a support branch, a candidate on its release branch (trunk mode: main too).

    Raises:
        ReleaseError: no version to tag (exit 2), or not here, or not now (exit 3).
    """
    head = scene.worktree.head
    version = _version(scene, head)
    name = versions.tag_name(version, scene.config.tag)
    if scene.tags.get(version) == head:
        return _there_already(scene, name, push=push)
    home = _home(scene, head, version)
    problems = [*_not_new(scene, version, head), *prepare.branch_problems(scene, head, "HEAD")]
    if problems:
        raise ReleaseError(problems)
    moved = [publishing.Moved(home, home.here)] if push and _is_missing(scene, home, head) else []
    plan = Plan(task=f"tag {version}", top=str(scene.repository.top), done="", refs=(), push=None)
    return _tagged(scene, plan, head, version, message, moved=moved, push=push)


def with_commit(scene: Situation, plan: Plan, *, tagged: bool, push: bool, message: str) -> Plan:
    """Plan the commit of `plan` (by `propagate --commit`) together with its tag and push.

    Raises:
        ReleaseError: no version to tag (exit 2), or not here, or not now (exit 3).
    """
    if not plan.commit:
        if tagged:
            return tag(scene, push=push, message=message)
        raise refusal("there is nothing to commit, and so nothing of ours to push", "git push")
    branch = scene.branch(scene.worktree.branch.removeprefix("refs/heads/"))
    if branch.here is None:
        raise refusal("HEAD is detached: there is no branch to push or to tag on", "git switch main, then again")
    problems = [*_behind(scene, branch)] if push else []
    version = _version(scene, plan.commit)
    if tagged:
        problems += [*_misplaced(scene, version, branch.name), *_not_new(scene, version, branch.here)]
    if problems:
        raise ReleaseError(problems)
    moved = [publishing.Moved(branch, plan.commit)]
    if tagged:
        return _tagged(scene, plan, plan.commit, version, message, moved=moved, push=push)
    _, pushed = publishing.updates(scene, moved, None, push=push)
    return replace(plan, task="propagate --commit --push", push=pushed)


def _version(scene: Situation, commit: str) -> Version:
    data = scene.objects.file(commit, "VERSION")
    if data is None:
        raise usage("HEAD has no file VERSION", "write one line with the version, and commit it")
    version = versions.parse_file(data, "VERSION at HEAD")
    if version.dev is not None:
        raise usage(f"{version} is a development version: those are never tagged", "choose one: invoke bump final")
    return version


def _there_already(scene: Situation, name: str, *, push: bool) -> Plan:
    ref = f"refs/tags/{name}"
    there = scene.world.remote_refs or {}
    here = scene.world.refs.get(ref)
    pushed = None
    if push and scene.world.remote and ref not in there and here is not None:
        pushed = Push(remote=scene.world.remote, updates=(RefUpdate(name=ref, old=None, new=here.oid),))
    done = f"{name} is pushed to {scene.world.remote}" if pushed else f"{name} is there already: nothing to do"
    return Plan(task=f"tag {name}", top=str(scene.repository.top), done=done, push=pushed)


def _home(scene: Situation, head: str, version: Version) -> Branch:
    """Return the branch on whose first-parent chain a commit may be tagged as `version`.

    Raises:
        ReleaseError: there is none (exit 3).
    """
    for branch in scene.branches():
        if _may_hold(scene, version, branch.name):
            for tip in dict.fromkeys(one for one in (branch.here, branch.there) if one is not None):
                if is_on_chain(scene, head, tip):
                    return branch
    raise ReleaseError([*_misplaced(scene, version, "")])


def _may_hold(scene: Situation, version: Version, name: str) -> bool:
    """Whether tags of this version belong on a branch."""
    is_final = versions.is_final(version)
    if name == scene.main.name:
        return is_final or scene.trunk
    if scene.group(name) == "support":
        return is_final
    own = versions.from_tag(name, scene.config.release)
    return not is_final and own == versions.release_segment(version)


def _misplaced(scene: Situation, version: Version, name: str) -> Iterator[Problem]:
    if name and _may_hold(scene, version, name):
        return
    if versions.is_final(version):
        where = f"{scene.main.name} or a support branch"
        hint = f"merge it there first: invoke release.finish, or a pull request into {scene.main.name}"
    else:
        where = versions.tag_name(versions.release_segment(version), scene.config.release)
        hint = f"candidates are made there: invoke release.prepare {version}, then invoke release.candidate"
    yield Problem(what=f"{version} is tagged on {where} only{f', not on {name}' if name else ''}", hint=hint)


def is_on_chain(scene: Situation, commit: str, tip: str) -> bool:
    """Whether a commit is `tip` or one of its first parents, all the way back."""
    if commit == tip:
        return True
    older = [f"^{parent}" for parent in scene.objects.commit(commit).parents]
    out = scene.repository.run("rev-list", "--first-parent", tip, *older, "--").out
    return commit in out.decode().split()


def _not_new(scene: Situation, version: Version, tip: str) -> list[Problem]:
    last = scene.released(tip).greatest
    return list(versions.check_new(version, reachable_ga=[] if last is None else [last.version], tags=scene.tags))


def _is_missing(scene: Situation, home: Branch, head: str) -> bool:
    """Whether a commit that is to be tagged is not at the remote yet.

    Raises:
        ReleaseError: and its branch cannot bring it there (exit 3).
    """
    if not scene.world.remote or (home.there is not None and is_on_chain(scene, head, home.there)):
        return False
    if home.here is None or not is_on_chain(scene, head, home.here):
        raise refusal(f"HEAD is not at {scene.world.remote}", f"git push {scene.world.remote} {home.name}")
    problems = [*_behind(scene, home)]
    if problems:
        raise ReleaseError(problems)
    return True


def _behind(scene: Situation, branch: Branch) -> Iterator[Problem]:
    """A branch that is behind its remote, or has diverged, cannot be pushed."""
    tip, _, problems = situation.starting_point(scene, branch)
    yield from problems
    if not problems and tip != branch.here:
        hint = f"git pull --ff-only {scene.world.remote} {branch.name}"
        yield Problem(what=f"{branch.name} is behind {scene.world.remote}", hint=hint)


def _tagged(
    scene: Situation,
    plan: Plan,
    commit: str,
    version: Version,
    message: str,
    *,
    moved: list[publishing.Moved],
    push: bool,
) -> Plan:
    """Add the tag, and the push of it and of what moved, to a plan."""
    config = scene.config_at(commit, "HEAD")
    name = versions.tag_name(version, scene.config.tag)
    oid = scene.writer.tag(name=name, commit=commit, message=message or f"Release {version}", identity=scene.identity)
    scene.writer.flush(oid)
    made = Tag(name=name, oid=oid, sign=config.sign)
    refs, pushed = publishing.updates(scene, moved, made, push=push)
    own = [ref for ref in refs if ref.name not in {known.name for known in plan.refs}]
    pushing = " --push" if push else ""
    where = f"pushed to {scene.world.remote}" if pushed else "only here"
    tree = scene.objects.commit(commit).tree
    notes = [*plan.notes, *checks.without_gates(config)]
    return replace(
        plan,
        task=plan.task if plan.task.startswith("tag") else f"{plan.task} --tag{pushing}",
        done=f"{name} is tagged on {commit[:10]}, {where}",
        then="invoke release.status",
        undo="it is published: mend it with the next version" if pushed else f"git tag -d {name}",
        push=pushed,
        refs=(*plan.refs, *own),
        tree=tree,
        commit=commit,
        candidate=Candidate(commit=commit, tree=tree, gates=config.gates),
        tag=made,
        notes=tuple(notes),
    )
