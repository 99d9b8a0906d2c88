"""What landed on a protected branch by a pull request, however the forge merged it."""

from __future__ import annotations

import bisect
from typing import TYPE_CHECKING, NamedTuple

from release import config as configuration
from release import version as versions
from release.errors import refusal, usage
from release.flows import commands, situation
from release.flows.receiving import Incoming, Receiver
from release.formats import changelog as document
from release.git import worktree as trees
from release.git import world as git

if TYPE_CHECKING:
    from collections.abc import Sequence

    from release.flows.receiving import Merging
    from release.flows.situation import Situation
    from release.flows.subjects import Subject


class Landed(NamedTuple):
    """The commit that a release or hotfix became on its target, and the commit before its version came there.

    `later` commits of the target have the version too. `tip` is the commit of its branch whose contents it has without
    containing it; "" when it contains it, or when no such commit is known. `is_whole`: it has all that the branch has,
    here and at the remote.
    """

    commit: str
    before: str
    later: int
    tip: str
    is_whole: bool


def find(merging: Merging, subject: Subject, wanted: str) -> Landed | None:
    """Find what landed of a branch on the first-parent chain of its target; None when nothing has.

    It is the first commit with the version that contains the branch's tip, or into which merging the tip changes
    nothing. Where the branch is gone, as forges delete what they merged, the version alone tells. `wanted` names the
    commit instead.

    Raises:
        ReleaseError: `wanted` is no commit of that chain with the version, or it has to be named (exit 2); the version
            is there, but not what the branch has (exit 3).
    """
    scene = merging.scene
    chain = _chain(scene, subject)
    if wanted:
        commit = scene.objects.resolve(f"{wanted}^{{commit}}")
        if commit is None or commit not in chain:
            what = f"{wanted[:64]!a} is no commit of {subject.target.name} with the version {subject.version}"
            raise usage(what, f"see: {commands.git('log', '--first-parent', subject.target.name)}")
    else:
        commit = _first(merging, subject, chain)
    if commit is None:
        return None
    before = next(iter(scene.objects.commit(chain[0]).parents), chain[0])
    later = len(chain) - 1 - chain.index(commit)
    return Landed(commit, before, later, *_brought(merging, subject, commit))


def _chain(scene: Situation, subject: Subject) -> list[str]:
    """Return the commits of the target that hold the version, oldest first, since it last came there."""
    version, tip = subject.version, subject.target_tip
    held = scene.version_at(tip)
    if held is None or held < version:
        return []
    below = [tag for tag in scene.tags if versions.is_final(tag) and tag < version]
    before = [f"^{scene.tags[max(below)]}"] if below else []
    found: list[str] = []
    for commit in scene.repository.run("rev-list", "--first-parent", tip, *before, "--").out.decode().split():
        if scene.version_at(commit) == version:
            found.insert(0, commit)
        elif found:
            break
    return found


def _first(merging: Merging, subject: Subject, chain: Sequence[str]) -> str | None:
    """Return the first commit of the chain that has all of the branch; None when it has not landed."""
    if not chain:
        return None
    scene, branch = merging.scene, subject.branch
    tip = branch.there or subject.tip
    if tip and git.is_ancestor(scene.repository, tip, chain[-1]):
        return chain[bisect.bisect_left(chain, True, key=lambda one: git.is_ancestor(scene.repository, tip, one))]
    if tip:
        commit = next((one for one in chain if _changes_nothing(merging, tip, one, subject)), None)
        if commit is not None:
            return commit
    name, is_release = branch.name, scene.group(branch.name) == "release"
    if branch.exists and not is_release and scene.tags.get(subject.version) in chain:
        return None  # another hotfix had this number
    if branch.exists and (branch.there is not None or not is_release):
        what = f"{subject.target.name} holds {subject.version} since {chain[0][:10]}, but not all that {name} has"
        raise refusal(what, f"if that is what landed of it: --commit {chain[0][:10]}    {_list(subject, chain)}")
    return _only(scene, subject, chain)


def _only(scene: Situation, subject: Subject, chain: Sequence[str]) -> str:
    """Return the one commit with the version that can be what landed of a branch that is gone.

    Raises:
        ReleaseError: several can (exit 2).
    """
    finished = [commit for commit in chain if is_finished(scene, commit, subject)] or chain
    if len(finished) == 1 or len(scene.objects.commit(finished[0]).parents) > 1:
        return finished[0]
    what = f"{subject.branch.name} is gone, and {len(finished)} commits of {subject.target.name} can be what landed"
    raise usage(what, f"name the one to be tagged: --commit OID    {_list(subject, finished)}")


def _list(subject: Subject, chain: Sequence[str]) -> str:
    return f"see: git log --first-parent {chain[0][:10]}~..{subject.target_tip[:10]}"


def is_finished(scene: Situation, commit: str, subject: Subject) -> bool:
    """Whether the changelog of a commit has the finished section of the version."""
    origin = f"{situation.CONFIG} at {commit[:10]}"
    config = configuration.load(scene.objects.file(commit, situation.CONFIG), origin=origin)
    data, name = scene.objects.file(commit, config.changelog), str(subject.version)
    return data is not None and document.has_section(data, name) and document.marker(data, name) is None


def _brought(merging: Merging, subject: Subject, commit: str) -> tuple[str, bool]:
    """Return the commit whose contents came without it (see `Landed.tip`), and whether nothing is missing."""
    scene, branch = merging.scene, subject.branch
    tip = branch.there or subject.tip
    is_whole = _is_whole(merging, subject, commit)
    if tip and git.is_ancestor(scene.repository, tip, commit):
        return "", is_whole
    if tip:
        return _newest(merging, subject, commit, tip), is_whole
    if scene.trunk or len(scene.objects.commit(commit).parents) > 1:
        return "", is_whole
    # Nobody knows the branch any more. What came of it from develop is still there.
    return _newest(merging, subject, commit, situation.starting_point(scene, scene.develop)[0]), is_whole


def _is_whole(merging: Merging, subject: Subject, commit: str) -> bool:
    """Whether a commit has all that the branch has, here and at the remote."""
    repository, there, here = merging.scene.repository, subject.branch.there, subject.branch.here
    tips = [] if there is None else [there]
    if here is not None and not (there is not None and git.is_ancestor(repository, here, there)):
        tips.append(here)
    return all(
        git.is_ancestor(repository, one, commit) or _changes_nothing(merging, one, commit, subject) for one in tips
    )


def _newest(merging: Merging, subject: Subject, commit: str, tip: str) -> str:
    """Return the newest of the first-parent chain of `tip` whose contents a commit has; "" when it has none.

    On its way to the tip the changelog says other things than in the end, and is not asked for.
    """
    arguments = ("rev-list", "--first-parent", tip, f"^{commit}", "--")
    chain = merging.scene.repository.run(*arguments).out.decode().split()
    if not chain or _changes_nothing(merging, tip, commit, subject):
        return tip if chain else ""
    changelog = [merging.scene.config_at(commit, subject.target.name).changelog]
    found = bisect.bisect_left(
        chain, True, key=lambda one: _changes_nothing(merging, one, commit, subject, ignoring=changelog)
    )
    return chain[found] if found < len(chain) else ""


def _changes_nothing(
    merging: Merging, tip: str, commit: str, subject: Subject, *, ignoring: Sequence[str] = ()
) -> bool:
    """Whether merging `tip` into a commit changes nothing there but files to be ignored: it was squashed or rebased."""
    scene, sides = merging.scene, merging.sides
    tree, released = sides.tree_of(commit), scene.released(tip)
    held = scene.version_at(tip) or subject.version
    side = sides.side(sides.tree_of(tip), subject.branch.name, released)
    incoming = Incoming(side, (tip,), released, min(held, subject.version))
    receiver = Receiver(subject.target, commit)
    merged = merging.into(receiver, incoming, next_part="patch").outcome
    paths = [conflict.path for conflict in merged.conflicts]
    paths += [change.path for change in trees.changes(scene.objects, merged.tree, tree)]
    return set(paths) <= set(ignoring)


def tips(found: Landed) -> tuple[str, ...]:
    """Return the commits that a branch has to contain so that nothing of the release comes to it again."""
    return (found.commit, found.tip) if found.tip else (found.commit,)


def lacking(scene: Situation, branches: Sequence[Receiver], found: Landed) -> list[Receiver]:
    """Return the branches that do not contain all of it."""
    return [
        one for one in branches if not all(git.is_ancestor(scene.repository, commit, one.tip) for commit in tips(found))
    ]
