"""`tag`, and the manual path: a tag on HEAD or on the commit that `propagate` makes, in one plan with its push."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from release import version as versions
from release.errors import Problem, ReleaseError, refusal, usage
from release.flows import checks, commands, prepare, publishing, requests, situation, unpublished
from release.git import snapshot
from release.plan import Candidate, Plan, Push, RefUpdate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from release.flows.situation import Branch, Situation
    from release.version import Version

PUBLISHED = "it is published: mend it with the next version"


def tag(scene: Situation, *, push: bool, message: str) -> Plan:
    """Plan the tag of HEAD: GA on main or a support branch, a candidate on its release branch (trunk mode: main too).

    Raises:
        ReleaseError: no version to tag (exit 2), or not here, or not now (exit 3).
    """
    head = scene.worktree.head
    version = _version(scene, head)
    if push and not scene.world.remote:
        raise usage("there is no remote to push to", "leave out --push")
    is_there = scene.tags.get(version) == head
    if is_there and not push:
        return _done_already(scene, version)
    home = _home(scene, head, version)
    problems = [*_uncommitted(scene, version), *prepare.branch_problems(scene, head, "HEAD")]
    problems += [*_elsewhere(scene, version)] if is_there else checks.untaken(scene, version, head)
    moved = [publishing.Moved(home, home.here)] if _is_missing(scene, home, head) else []
    problems += [*_behind(scene, home)] if moved and push else []
    if problems:
        raise ReleaseError(problems)
    plan = Plan(task="tag", top=str(scene.repository.top), done="")
    if is_there:
        return _pushed_later(scene, plan, head, version, moved)
    return _tagged(scene, plan, head, version, message, moved=moved, push=push)


def with_commit(scene: Situation, plan: Plan, *, tagged: bool, push: bool, message: str) -> Plan:
    """Plan the commit of `plan` (by `propagate --commit`) together with its tag and push.

    Raises:
        ReleaseError: no version to tag, no remote (exit 2), or not here, or not now (exit 3).
    """
    if push and not scene.world.remote:
        raise usage("there is no remote to push to", "leave out --push")
    branch = scene.branch(scene.worktree.branch.removeprefix("refs/heads/"))
    if not plan.commit:
        if not tagged:
            return _nothing_new(scene, plan, branch)
        return replace(tag(scene, push=push, message=message), files=plan.files, index=plan.index)
    if branch.here is None:
        raise refusal("HEAD is detached: there is no branch to push or to tag on", "git switch main, then again")
    version = _version(scene, plan.commit) if tagged else None
    problems = [*_behind(scene, branch)] if push else []
    if version is not None:
        problems += [*_misplaced(scene, version, branch.name), *checks.untaken(scene, version, branch.here)]
    if problems:
        raise ReleaseError(problems)
    moved = [publishing.Moved(branch, plan.commit)]
    if version is not None:
        return _tagged(scene, plan, plan.commit, version, message, moved=moved, push=push)
    _, pushed = publishing.updates(scene, moved, None, push=push)
    return replace(
        plan,
        done=f"{plan.done}, pushed to {scene.world.remote}",
        then=_then_tag(scene, branch),
        undo=f"git revert {plan.commit[:10]}",
        push=pushed,
    )


def _nothing_new(scene: Situation, plan: Plan, branch: Branch) -> Plan:
    """Return a plan that does nothing, when the remote has all that is here too.

    Raises:
        ReleaseError: what is here is somebody else's to push (exit 3).
    """
    if branch.here is not None and branch.there == branch.here:
        return replace(plan, done=f"{plan.done}, and {scene.world.remote} has it", then=_then_tag(scene, branch))
    raise refusal(
        "there is nothing to commit, and so nothing of ours to push",
        commands.git("push", scene.world.remote, branch.name)
        if branch.here is not None
        else "git switch main, then again",
    )


def _then_tag(scene: Situation, branch: Branch) -> str:
    """Return how a version that was committed on a branch comes to its tag."""
    main, group = scene.main.name, scene.group(branch.name)
    if branch.name == main or group == "support":
        return "invoke tag --push"
    if group:
        return f"invoke {group}.finish"
    if branch.name == scene.config.develop:
        return "invoke release.status"
    where = requests.address(scene, branch, scene.main)
    return f"{where}    when it is merged: {commands.git('switch', main)} && git pull --ff-only && invoke tag --push"


def _version(scene: Situation, commit: str) -> Version:
    data = scene.objects.plain_file(commit, "VERSION")
    if data is None:
        raise usage("HEAD has no file VERSION", "write one line with the version, and commit it")
    version = versions.parse_file(data, "VERSION at HEAD")
    if version.dev is not None:
        raise usage(f"{version} is a development version: those are never tagged", "choose one: invoke bump final")
    return version


def _done_already(scene: Situation, version: Version) -> Plan:
    name = versions.tag_name(version, scene.config.tag)
    return Plan(task="tag", top=str(scene.repository.top), done=f"{name} is there already: nothing to do")


def _pushed_later(scene: Situation, plan: Plan, head: str, version: Version, moved: list[publishing.Moved]) -> Plan:
    """Plan the push of a tag that is here: what others see has passed the gates, whoever made the tag.

    Raises:
        ReleaseError: tags are signed, and this one is not as it has to be; what is pushed with it cannot be (exit 3).
    """
    name = versions.tag_name(version, scene.config.tag)
    here, there = (refs.get(f"refs/tags/{name}") for refs in (scene.world.refs, scene.world.remote_refs or {}))
    if here is None or there is not None:
        return _done_already(scene, version)
    own = RefUpdate(name=f"refs/tags/{name}", old=None, new=here.oid)
    _, pushed = publishing.updates(scene, moved, None, push=True, along=own.name)
    config, tree = scene.config_at(head, "HEAD"), scene.objects.commit(head).tree
    problems = [*unpublished.unsigned(scene, [own])]
    if problems:
        raise ReleaseError(problems)
    return replace(
        plan,
        done=f"{name} is pushed to {scene.world.remote}",
        then="invoke release.status",
        push=Push(remote=scene.world.remote, updates=(*(() if pushed is None else pushed.updates), own)),
        tree=tree,
        commit=head,
        candidate=Candidate(commit=head, tree=tree, gates=config.gates, build=config.build),
        notes=tuple(checks.without_gates(config)),
    )


def _elsewhere(scene: Situation, version: Version) -> Iterator[Problem]:
    """Say that the remote has another commit under the tag's name."""
    name = versions.tag_name(version, scene.config.tag)
    there = (scene.world.remote_refs or {}).get(f"refs/tags/{name}")
    if there is not None and there.commit != scene.tags[version]:
        remote = scene.world.remote
        yield Problem(
            what=f"{name} at {remote} is another commit, {there.commit[:10]}",
            hint=f"take that one: {commands.git('fetch', '--force', remote, 'tag', name)}    "
            "or choose a higher version",
        )


def _uncommitted(scene: Situation, version: Version) -> Iterator[Problem]:
    """Say that VERSION was edited and not committed: then HEAD is not what is meant."""
    try:
        held = versions.read_file(snapshot.read_regular(scene.repository.top, "VERSION"))
    except OSError:
        return
    if held is not None and held != version:
        yield Problem(
            what=f"VERSION says {held} and HEAD says {version}: HEAD is what would be tagged",
            hint="commit it: invoke propagate --commit --tag    or put it back: git restore VERSION",
        )


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


def _is_missing(scene: Situation, home: Branch, head: str) -> bool:
    """Whether a commit that is to be tagged is not at the remote yet.

    Raises:
        ReleaseError: and its branch cannot bring it there (exit 3).
    """
    if not scene.world.remote or (home.there is not None and is_on_chain(scene, head, home.there)):
        return False
    if home.here is None or not is_on_chain(scene, head, home.here):
        raise refusal(f"HEAD is not at {scene.world.remote}", commands.git("push", scene.world.remote, home.name))
    return True


def _behind(scene: Situation, branch: Branch) -> Iterator[Problem]:
    """A branch that is behind its remote, or has diverged, cannot be pushed."""
    tip, _, problems = situation.starting_point(scene, branch)
    yield from problems
    if not problems and tip != branch.here:
        hint = commands.git("pull", "--ff-only", scene.world.remote, branch.name)
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
    made = publishing.annotated(scene, version, commit, message, config)
    scene.writer.flush(made.oid)
    refs, pushed, later = publishing.visible(scene, moved, made, push=push)
    own = [ref for ref in refs if ref.name not in {known.name for known in plan.refs}]
    where = f"pushed to {scene.world.remote}" if pushed else "only here"
    status = "invoke release.status"
    tree = scene.objects.commit(commit).tree
    return replace(
        plan,
        done=f"{made.name} is tagged on {commit[:10]}, {where}",
        then=status if pushed else commands.push(scene, later) or status,
        undo=PUBLISHED if pushed else " && ".join(filter(None, (commands.git("tag", "-d", made.name), plan.undo))),
        push=pushed,
        refs=(*plan.refs, *own),
        tree=tree,
        commit=commit,
        candidate=Candidate(commit=commit, tree=tree, gates=config.gates, build=config.build),
        tag=made,
        notes=(*plan.notes, *checks.without_gates(config)),
    )
