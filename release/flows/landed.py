"""Pull requests: what landed on a protected branch, however it was merged, and the address that opens a request."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from release import version as versions
from release.errors import usage
from release.git import world as git

if TYPE_CHECKING:
    from collections.abc import Iterator

    from release.flows.receiving import Merging
    from release.flows.situation import Branch, Situation
    from release.flows.subjects import Subject

_ADDRESS = re.compile(r"(?:[a-z+]+://)?(?:[^@/]*@)?(?P<host>[^:/]+)(?::\d+(?=/))?[:/](?P<path>.+?)(?:\.git)?/?")
_LOCAL = re.compile(r"/|\.|file:|[A-Za-z]:\\")


class Landed(NamedTuple):
    """The commit on main that a release became, and whether it contains the tip of the release branch."""

    commit: str
    contains_tip: bool


def find(merging: Merging, subject: Subject, wanted: str) -> Landed | None:
    """Find what landed of a branch on the first-parent chain of its target; None when nothing has.

    It is the first commit with the version that contains the branch's tip, or into which merging the tip changes
    nothing. `wanted` names the commit instead.

    Raises:
        ReleaseError: `wanted` is no commit of that chain with the version (exit 2).
    """
    scene, tip = merging.scene, subject.branch.there or subject.branch.here or subject.tip
    chain = list(_chain(scene, subject))
    if wanted:
        commit = scene.objects.resolve(f"{wanted}^{{commit}}")
        if commit is None or commit not in chain:
            what = f"{wanted[:64]!a} is no commit of {subject.target.name} with the version {subject.version}"
            raise usage(what, f"see: git log --first-parent {subject.target.name}")
        return Landed(commit, git.is_ancestor(scene.repository, tip, commit))
    for commit in chain:
        if git.is_ancestor(scene.repository, tip, commit):
            return Landed(commit, contains_tip=True)
    return next((Landed(one, contains_tip=False) for one in chain if _holds(merging, tip, one)), None)


def _chain(scene: Situation, subject: Subject) -> Iterator[str]:
    """Yield the commits of the target since the release before, oldest first, that hold the version."""
    below = [tag for tag in scene.tags if versions.is_final(tag) and tag < subject.version]
    last = scene.released(subject.target_tip).greatest
    if last is not None and last.commit == subject.target_tip and last.version < subject.version:
        return  # nothing has come since
    before = [f"^{scene.tags[max(below)]}"] if below else []
    arguments = ("rev-list", "--first-parent", "--reverse", subject.target_tip, *before, "--")
    for commit in scene.repository.run(*arguments).out.decode().split():
        if scene.version_at(commit) == subject.version:
            yield commit


def _holds(merging: Merging, tip: str, commit: str) -> bool:
    """Whether merging the branch's tip into a commit changes nothing there: it was squashed or rebased."""
    sides = merging.sides
    bases = merging.scene.repository.run("merge-base", "--all", commit, tip, accept=(0, 1)).out.decode().split()
    ours = sides.tree_of(commit)
    found = merging.merger.merge([sides.tree_of(base) for base in bases], ours, sides.tree_of(tip))
    return not found.conflicts and found.tree == ours


def request(scene: Situation, source: Branch, target: Branch) -> str:
    """Return how to open a pull request: its exact address where the remote is a forge that has one."""
    url = scene.world.setting(f"remote.{scene.world.remote}.url") or ""
    match = None if _LOCAL.match(url) else _ADDRESS.fullmatch(url)
    if match is None:
        return f"open a pull request of {source.name} into {target.name} at {scene.world.remote}"
    host, path = match["host"], match["path"].lstrip("/")
    head, base = quote(source.name, safe="/"), quote(target.name, safe="/")
    if "gitlab" in host:
        asked = f"merge_request%5Bsource_branch%5D={quote(source.name, safe='')}"
        asked += f"&merge_request%5Btarget_branch%5D={quote(target.name, safe='')}"
        return f"https://{host}/{path}/-/merge_requests/new?{asked}"
    if "bitbucket" in host:
        return f"https://{host}/{path}/pull-requests/new?source={head}&dest={base}"
    return f"https://{host}/{path}/compare/{base}...{head}?expand=1"
