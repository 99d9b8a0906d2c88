"""Where a flow starts: the repository, its remote and its configuration, looked at once and not changed."""

from __future__ import annotations

import contextlib
import functools
import shlex
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from release import config as configuration
from release import version as versions
from release.errors import Problem, ReleaseError, refusal, usage
from release.flows import commands
from release.git import history
from release.git import world as git
from release.git.database import ObjectReader
from release.git.objects import Identity, ObjectWriter
from release.git.objects import identity as who_commits
from release.steps import changelog, squashed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from release.config import Config
    from release.git.repository import Ref, Repository
    from release.git.world import Worktree, World
    from release.version import Version

CONFIG = "pyproject.toml"


class Branch(NamedTuple):
    """A branch here and at the remote; None where it does not exist."""

    name: str
    here: str | None
    there: str | None

    @property
    def ref(self) -> str:
        """The full refname."""
        return f"refs/heads/{self.name}"

    @property
    def exists(self) -> bool:
        """Whether it exists anywhere."""
        return self.here is not None or self.there is not None


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Situation:
    """Everything a flow looks at before it plans. `config` is that of HEAD: remote, branch names, patterns.

    `lock` is what writing git calls inherit (None: a preview), `moment` when the flow began (seconds since 1970), if it
    goes on after a stop: its objects and dates are to be the same again.
    """

    repository: Repository
    objects: ObjectReader
    world: World
    config: Config
    lock: int | None = None
    moment: int | None = None
    tags: Mapping[Version, str] = field(default_factory=dict)
    _walked: dict[str, history.Released] = field(default_factory=dict)

    def branch(self, name: str) -> Branch:
        """Return a branch by its short name."""
        return Branch(name=name, here=self.world.branches().get(name), there=self.world.remote_branches().get(name))

    def branches(self) -> tuple[Branch, ...]:
        """Return every branch, here or at the remote, by name."""
        return tuple(map(self.branch, sorted(self.world.branches().keys() | self.world.remote_branches().keys())))

    @functools.cached_property
    def main(self) -> Branch:
        """The branch that receives releases.

        Raises:
            ReleaseError: it is not configured, and main and master both exist, or neither does (exit 2).
        """
        named = self.config.main or (self.config.develop if self.trunk_named else "")
        if named:
            branch = self.branch(named)
            if not branch.exists:
                raise usage(
                    f"there is no branch {named}, here or at the remote", f"create it: {commands.git('branch', named)}"
                )
            return branch
        found = [branch for name in ("main", "master") if (branch := self.branch(name)).exists]
        if len(found) == 1:
            return found[0]
        what = "both main and master exist" if found else "there is no branch main or master"
        raise usage(what, 'say which branch receives releases: main = "…" in [tool.release]')

    @property
    def trunk_named(self) -> bool:
        """Whether develop is named like a main branch: trunk mode."""
        return self.config.develop in ("main", "master") or self.config.develop == self.config.main

    @functools.cached_property
    def develop(self) -> Branch:
        """The branch that releases start from; in trunk mode the same as main.

        Raises:
            ReleaseError: it exists neither here nor at the remote (exit 2).
        """
        branch = self.branch(self.config.develop)
        if not branch.exists:
            raise usage(
                f"there is no branch {branch.name}, here or at the remote",
                f"create it: {commands.git('branch', branch.name, 'main')}    "
                'or release from main: develop = "main" in [tool.release]',
            )
        return branch

    @property
    def trunk(self) -> bool:
        """Whether there is no develop besides main."""
        return self.config.develop == self.main.name

    @functools.cached_property
    def open_releases(self) -> dict[Version, Branch]:
        """Release branches, here or at the remote, whose version has no tag yet; oldest first."""
        found = {
            version: branch
            for branch in self.branches()
            if (version := versions.from_tag(branch.name, self.config.release)) is not None and version not in self.tags
        }
        return dict(sorted(found.items()))

    def group(self, name: str) -> str:
        """Return which tasks a branch belongs to: release, hotfix, feature, support, or "" for none."""
        if versions.from_tag(name, self.config.release) is not None:
            return "release"
        patterns = {"hotfix": self.config.hotfix, "feature": self.config.feature, "support": self.config.support}
        return next((group for group, one in patterns.items() if configuration.unfill(one, name) is not None), "")

    @property
    def worktree(self) -> Worktree:
        """The worktree the flow runs in."""
        top = self.repository.top.resolve()
        return next(tree for tree in self.world.worktrees if tree.path.resolve() == top)

    def config_at(self, commit: str, name: str) -> Config:
        """Return the configuration that a commit holds; branch names must be those of HEAD.

        Raises:
            ReleaseError: unreadable, or it names branches differently from HEAD (exit 2).
        """
        there = configuration.load(self.objects.file(commit, CONFIG), origin=f"{CONFIG} at {name}")
        differing = configuration.differing_names(self.config, there)
        if differing:
            raise ReleaseError(differing)
        return there

    def version_at(self, commit: str) -> Version | None:
        """Return the version that VERSION holds in a commit; None when there is none that can be read."""
        return versions.read_file(self.objects.plain_file(commit, "VERSION"))

    def released(self, tip: str) -> history.Released:
        """Return the tags that `tip` builds on; each tip is walked once."""
        if tip not in self._walked:
            self._walked[tip] = history.released(self.repository, tip, self.tags)
        return self._walked[tip]

    def tag_object(self, version: Version) -> str | None:
        """Return the object of a version's tag, here or at the remote: an annotated tag, or the commit itself."""
        name = f"refs/tags/{versions.tag_name(version, self.config.tag)}"
        ref = self.world.refs.get(name) or self.world.refs_there().get(name)
        return None if ref is None else ref.oid

    def since(self, last: history.Tagged | None) -> history.Tagged | None:
        """Return a release as the start of what is new since, as `squashed.since`."""
        if last is None:
            return None
        tags = map(self.tag_object, squashed.line(last, self.tags))
        return squashed.since(self.writer, last, [tag for tag in tags if tag is not None])

    @functools.cached_property
    def writer(self) -> ObjectWriter:
        """What makes the objects of this flow."""
        return ObjectWriter(repository=self.repository, reader=self.objects, lock=self.lock)

    @functools.cached_property
    def now(self) -> int:
        """When this flow began: as kept over a stop, else SOURCE_DATE_EPOCH, else now.

        Raises:
            ReleaseError: SOURCE_DATE_EPOCH is no number of seconds (exit 2).
        """
        return self.moment if self.moment is not None else changelog.moment()

    @functools.cached_property
    def identity(self) -> Identity:
        """Who makes the commits of this flow, all at the same second."""
        return who_commits(self.repository, self.world.settings, when=self.now)


@contextlib.contextmanager
def look(
    repository: Repository,
    *,
    offline: bool = False,
    features: bool = False,
    lock: int | None = None,
    moment: int | None = None,
    begun: git.Begun | None = None,
) -> Iterator[Situation]:
    """Look at a repository and, unless `offline`, at its remote; missing objects are fetched, of `features` if asked.

    `begun` are questions that git was asked before, of the usual remote too.

    Raises:
        ReleaseError: no usable repository, an empty or shallow one, or a remote that does not answer.
    """
    with contextlib.closing(ObjectReader(repository.top)) as reader, contextlib.ExitStack() as stack:
        begun = begun or git.begin(repository)
        stack.callback(begun.drop)
        world = git.observe(repository, begun)
        refuse_unusable(repository, world)
        here = next(tree for tree in world.worktrees if tree.path.resolve() == repository.top.resolve())
        config = configuration.load(reader.file(here.head, CONFIG), origin=f"{CONFIG} at HEAD")
        remote = git.choose_remote(world, config.remote)
        if remote and not offline:
            asked = begun.remote if remote == git.USUAL else None
            world = git.with_remote(repository, world, remote, asked=asked)
        elif remote:
            world = replace(world, remote=remote, remote_refs=_tracking(world, remote))
        found = Situation(repository=repository, objects=reader, world=world, config=config, lock=lock, moment=moment)
        _fetch_missing(found, features=features)
        yield replace(found, tags=version_tags(world, config))


def refuse_unusable(repository: Repository, world: World) -> None:
    """Refuse a repository in which no answer would be true.

    Raises:
        ReleaseError: no commit yet (exit 2), or a shallow clone (exit 3).
    """
    if not any(tree.path.resolve() == repository.top.resolve() for tree in world.worktrees):
        raise usage(f"{repository.top} is not a worktree that git knows", "try: git worktree repair")
    here = next(tree for tree in world.worktrees if tree.path.resolve() == repository.top.resolve())
    if not here.head.strip("0"):
        raise usage("the repository has no commit yet", "make the first commit")
    repository.refuse_shallow("tags and merges cannot be judged")


def _tracking(world: World, remote: str) -> dict[str, Ref]:
    """What the remote held when it was last fetched."""
    prefix = f"refs/remotes/{remote}/"
    return {
        f"refs/heads/{name[len(prefix) :]}": ref
        for name, ref in world.refs.items()
        if name.startswith(prefix) and name != f"{prefix}HEAD"
    }


def version_tags(world: World, config: Config) -> dict[Version, str]:
    """Return the commit of every version tag, here or at the remote; legacy tags mean nothing."""
    found = ((versions.from_tag(name, config.tag), commit) for name, commit in world.tags().items())
    return {version: commit for version, commit in found if version is not None}


def _fetch_missing(situation: Situation, *, features: bool) -> None:
    """Fetch what branches and version tags of the remote point at and is not here; no ref is written.

    Raises:
        ReleaseError: it is only where pushes go, and fetches come from elsewhere (exit 3).
    """
    world, config = situation.world, situation.config
    patterns = (config.release, config.hotfix, config.support, *([config.feature] if features else []))
    known = {ref.oid for ref in world.refs.values()}
    prefixes = tuple(f"refs/heads/{pattern.partition('{')[0]}" for pattern in patterns)
    names = {f"refs/heads/{name}" for name in (config.develop, config.main, "main", "master") if name}
    wanted = {
        name: ref.oid
        for name, ref in world.refs_there().items()
        if ref.oid not in known
        and (
            name in names
            or name.startswith(prefixes)
            or versions.from_tag(name.removeprefix("refs/tags/"), config.tag) is not None
        )
    }
    if not wanted or git.whole_here(situation.repository, wanted.values()):
        return
    elsewhere = world.fetch_refs
    offered = [name for name in wanted if elsewhere is None or name in elsewhere]
    if offered:
        git.fetch_objects(situation.repository, world.remote, offered)
    if elsewhere is not None and not git.whole_here(situation.repository, wanted.values()):
        only = shlex.join(name for name, oid in wanted.items() if name not in elsewhere or elsewhere[name].oid != oid)
        asked = commands.git("remote", "get-url", "--push", world.remote)
        raise refusal(
            f"{world.remote} has commits where pushes go that it lacks where fetches come from",
            f'bring them here: git fetch "$({asked})" {only}',
        )


def _united(situation: Situation, branch: Branch) -> str:
    """Return how a branch that has diverged comes together again: a rebase would take merges and tags out of it.

    Where releases land, somebody else may have made one: that is to be looked at first. `--ff` is what a merge does
    unless it is configured not to make commits.
    """
    remote, switch = situation.world.remote, commands.git("switch", branch.name)
    pull = f"{switch} && {commands.git('pull', '--no-rebase', '--ff', '--no-edit', remote, branch.name)}"
    mains = [situation.config.main] if situation.config.main else ["main", "master"]
    is_main = branch.name in mains and branch.name != situation.config.develop
    if not is_main and situation.group(branch.name) != "support":
        return pull
    both = f"{(branch.here or '')[:10]}...{(branch.there or '')[:10]}"
    return f"see what each side has: git log --oneline --left-right {both}    to keep both: {pull}"


def starting_point(situation: Situation, branch: Branch) -> tuple[str, str, tuple[Problem, ...]]:
    """Return the commit to start from, a note about it (or empty), and what stands in the way."""
    here, there = branch.here, branch.there
    remote = situation.world.remote
    if here is None or there is None:
        only = there if here is None else here
        assert only is not None  # noqa: S101  # callers pass branches that exist
        note = f"{branch.name} exists only at {remote}: starting from there" if here is None else ""
        return only, note, ()
    ahead, behind = git.relation(situation.repository, here, there)
    if ahead and behind:
        problem = Problem(
            what=f"{branch.name} has diverged: {ahead} commits only here, {behind} only at {remote}",
            hint=_united(situation, branch),
        )
        return there, "", (problem,)
    if behind:
        note = f"{branch.name} is {behind} behind {remote}: starting from {remote}'s {there[:10]}"
        return there, note, ()
    return here, f"{branch.name} is {ahead} ahead of {remote}: these commits are included" if ahead else "", ()
