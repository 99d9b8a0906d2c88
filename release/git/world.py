"""The world around a plan: refs, settings and worktrees here, and what the remote holds."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from release.errors import refusal, usage
from release.git import command
from release.git.repository import LIST_REFS, Ref, parse_refs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from release.git.repository import Repository
    from release.process import Process


# What the push address is called where git is asked about it. Nobody's remote is: git adds none with a colon.
_PUSH = "release-push:"
_CARRIED = ("uploadpack", "proxy", "proxyauthmethod", "vcs", "serveroption")  # how a remote is reached


USUAL = "origin"  # the remote that most repositories have


class Worktree(NamedTuple):
    """A worktree of the repository. `branch` is a full refname, empty when HEAD is detached."""

    path: Path
    git_dir: Path
    head: str
    branch: str


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class World:
    """The repository and its remote at one moment. `remote_refs` is None without a remote.

    They are those that a push moves. `fetch_refs` are those where fetches come from, None where that is the same.
    """

    refs: Mapping[str, Ref]
    settings: Mapping[str, tuple[str, ...]]
    worktrees: tuple[Worktree, ...]
    remote: str = ""
    remote_refs: Mapping[str, Ref] | None = None
    fetch_refs: Mapping[str, Ref] | None = None
    remotes: tuple[str, ...] = field(default=())

    def setting(self, key: str) -> str | None:
        """The last value of a git setting; section and name in lower case."""
        values = self.settings.get(key)
        return values[-1] if values else None

    def branches(self) -> dict[str, str]:
        """Local branches, short name → commit."""
        return _under(self.refs, "refs/heads/")

    def remote_branches(self) -> dict[str, str]:
        """The remote's branches as it answered just now, short name → commit."""
        return _under(self.remote_refs or {}, "refs/heads/")

    def tags(self) -> dict[str, str]:
        """Tags here and at the remote, short name → peeled commit; ours where both have one."""
        return {**_under(self.refs_there(), "refs/tags/"), **_under(self.refs, "refs/tags/")}

    def refs_there(self) -> dict[str, Ref]:
        """What the remote's refs hold, the tags of both its addresses included."""
        fetched = {name: ref for name, ref in (self.fetch_refs or {}).items() if name.startswith("refs/tags/")}
        return {**fetched, **(self.remote_refs or {})}


def _under(refs: Mapping[str, Ref], prefix: str) -> dict[str, str]:
    return {name[len(prefix) :]: ref.commit for name, ref in refs.items() if name.startswith(prefix)}


class Begun(NamedTuple):
    """Questions that git has begun to answer: refs, settings, worktrees, and what the usual remote holds."""

    refs: Process
    settings: Process
    worktrees: Process
    remote: Process | None

    def drop(self) -> None:
        """End what nobody waits for any more."""
        for one in self:
            if one is not None:
                one.kill()


def begin(repository: Repository, *, remote: str = "") -> Begun:
    """Start asking; git processes side by side. `remote` is asked already if the repository has it by that name."""
    is_there = bool(remote) and f'[remote "{remote}"]'.encode() in (repository.common / "config").read_bytes()
    return Begun(
        refs=repository.start(*LIST_REFS),
        settings=repository.start("config", "--list", "-z"),
        worktrees=repository.start("worktree", "list", "--porcelain", "-z"),
        remote=list_remote(repository, remote, through={}) if is_there else None,
    )


def observe(repository: Repository, begun: Begun | None = None) -> World:
    """Read refs, settings and worktrees. Nothing is asked of a remote."""
    begun = begun or begin(repository)
    read = _settings(command.checked(begun.settings.finish()).out)
    return World(
        refs=parse_refs(command.checked(begun.refs.finish()).out),
        settings=read,
        worktrees=_worktrees(repository, command.checked(begun.worktrees.finish()).out),
        remotes=tuple(
            dict.fromkeys(key[len("remote.") : -len(".url")] for key in read if re.fullmatch(r"remote\..+\.url", key))
        ),
    )


def read_settings(repository: Repository) -> dict[str, tuple[str, ...]]:
    """Return every git setting that holds in this worktree: key (section and name in lower case) → its values."""
    return _settings(repository.run("config", "--list", "-z").out)


def _settings(out: bytes) -> dict[str, tuple[str, ...]]:
    settings: dict[str, tuple[str, ...]] = {}
    for item in os.fsdecode(out).split("\0")[:-1]:
        key, _, value = item.partition("\n")
        settings[key] = (*settings.get(key, ()), value)
    return settings


def _worktrees(repository: Repository, out: bytes) -> tuple[Worktree, ...]:
    folders = {repository.common.parent: repository.common}
    for pointer in repository.common.glob("worktrees/*/gitdir"):
        folders[Path(os.fsdecode(pointer.read_bytes().strip())).parent] = pointer.parent
    found: list[Worktree] = []
    for block in os.fsdecode(out).split("\0\0"):
        facts = dict(line.partition(" ")[::2] for line in block.split("\0") if line)
        if "HEAD" not in facts or "prunable" in facts:
            continue
        path = Path(facts["worktree"])
        if not found and repository.git_dir == repository.common:
            path = repository.top  # git names the git folder of a submodule or a separate git folder instead
        git_dir = repository.git_dir if path == repository.top else folders.get(path, repository.common)
        found.append(Worktree(path=path, git_dir=git_dir, head=facts["HEAD"], branch=facts.get("branch", "")))
    return tuple(found)


def choose_remote(world: World, wanted: str) -> str:
    """Return the remote's name: the configured one, else origin, else the only one, else empty.

    Raises:
        ReleaseError: the configured one does not exist, or several do and none is origin (exit 2).
    """
    if wanted:
        if wanted not in world.remotes:
            known = ", ".join(world.remotes) or "none"
            raise usage(f"remote {wanted!r} does not exist (remotes: {known})", "mend remote in [tool.release]")
        return wanted
    if "origin" in world.remotes or not world.remotes:
        return "origin" if world.remotes else ""
    if len(world.remotes) > 1:
        raise usage(f"several remotes: {', '.join(world.remotes)}", 'name one: remote = "…" in [tool.release]')
    return world.remotes[0]


def with_remote(repository: Repository, world: World, remote: str, *, asked: Process | None = None) -> World:
    """Return the world with what its remote holds now. Plans start from what a push moves: it is what leases name.

    `asked` is a question to the remote that was begun already.

    Raises:
        ReleaseError: pushes go to several addresses (exit 2), or the remote cannot be read (exit 3).
    """
    through = push_address(repository, world.settings, remote)
    fetched = ask_remote(repository, remote, asked=asked)
    if not through:
        return replace(world, remote=remote, remote_refs=fetched)
    return replace(
        world, remote=remote, remote_refs=ask_remote(repository, remote, through=through), fetch_refs=fetched
    )


def push_address(repository: Repository, settings: Mapping[str, tuple[str, ...]], remote: str) -> dict[str, str]:
    """Return an environment for `list_remote` to ask where pushes go; empty if fetches come from there.

    Raises:
        ReleaseError: they go to several addresses (exit 2): nothing moves all refs of all of them, or none.
    """
    if (
        f"remote.{remote}.pushurl" not in settings
        and len(settings.get(f"remote.{remote}.url", ())) <= 1
        and not any(key.endswith(".pushinsteadof") for key in settings)
    ):
        return {}
    asked = [repository.start("remote", "get-url", "--all", *more, "--", remote) for more in ((), ("--push",))]
    fetched, pushed = (os.fsdecode(command.checked(one.finish()).out).split("\n")[:-1] for one in asked)
    if len(pushed) > 1:
        raise usage(
            f"pushes to {remote} go to {len(pushed)} addresses, and no push to several is all or nothing",
            f"keep one of: git remote get-url --push --all {shlex.quote(remote)}    "
            'or name another remote: remote = "…" in [tool.release]',
        )
    if pushed[0] == fetched[0]:
        return {}
    carried = (
        (f"remote.{_PUSH}.{name}", value) for name in _CARRIED for value in settings.get(f"remote.{remote}.{name}", ())
    )
    # As a rewritten name, since git rewrites an address (url.*.insteadOf) once: this one has been.
    return command.handed_over(
        [(f"remote.{_PUSH}.url", _PUSH), (f"url.{pushed[0]}.insteadOf", _PUSH), *carried],
    )


def list_remote(repository: Repository, remote: str, *, through: Mapping[str, str]) -> Process:
    """Start listing branches and tags of a remote, for `parse_remote`; `through` is its `push_address`, or empty."""
    name = _PUSH if through else remote
    asked = ("ls-remote", "--quiet", "--", name, "refs/heads/*", "refs/tags/*")
    return command.start(asked, cwd=repository.top, env=through, own_group=True)


def ask_remote(
    repository: Repository, remote: str, *, through: Mapping[str, str] | None = None, asked: Process | None = None
) -> dict[str, Ref]:
    """Return branches and tags of the remote as it answers now, where fetches come from or `through` its push address.

    Raises:
        ReleaseError: no answer within two minutes, or a refusal (exit 3: nothing has changed).
    """
    started = asked or list_remote(repository, remote, through=through or {})
    named, hint = f"remote {remote!r}", f"try: git ls-remote {shlex.quote(remote)}"
    if through:
        named, hint = f"where pushes to {remote!r} go", f"see: git remote get-url --push {shlex.quote(remote)}"
    try:
        answer = started.finish(timeout=command.NETWORK_SECONDS)
    except TimeoutError:
        raise refusal(f"{named} did not answer in {command.NETWORK_SECONDS:g} seconds", "try again") from None
    if answer.status != 0:
        raise refusal(f"{named} cannot be read: {answer.complaint}", hint)
    return parse_remote(answer.out)


def parse_remote(out: bytes) -> dict[str, Ref]:
    """Read ls-remote's lines; a `^{}` line peels the tag above it."""
    refs: dict[str, Ref] = {}
    for line in os.fsdecode(out).splitlines():
        oid, _, name = line.partition("\t")
        if name.endswith("^{}"):
            tag = name[: -len("^{}")]
            refs[tag] = Ref(oid=refs[tag].oid, commit=oid)
        else:
            refs[name] = Ref(oid=oid, commit=oid)
    return refs


def tracking(repository: Repository, remote: str, names: Iterable[str]) -> dict[str, str]:
    """Return the remote-tracking ref of each of the remote's refs that has one (git-push moves them too)."""
    out = repository.run("config", "-z", "--get-all", f"remote.{remote}.fetch", accept=(0, 1)).out
    found = {}
    for refspec in os.fsdecode(out).split("\0")[:-1]:
        source, _, target = refspec.removeprefix("+").partition(":")
        before, star, after = source.partition("*")
        for name in names:
            if name == source and target:
                found[name] = target
            elif star and target and name.startswith(before) and name.endswith(after):
                found[name] = target.replace("*", name[len(before) : len(name) - len(after)])
    return found


def whole_here(repository: Repository, oids: Iterable[str]) -> bool:
    """Whether these objects are here with everything they lead to.

    That one of them is here proves nothing: a fetch that was killed leaves commits without their trees.
    """
    out = "".join(f"{oid}\n" for oid in oids).encode()
    arguments = ("rev-list", "--quiet", "--objects", "--stdin", "--not", "--all")
    return repository.run(*arguments, data=out, accept=range(256)).status == 0


def fetch_objects(repository: Repository, remote: str, names: Iterable[str]) -> None:
    """Bring the objects of these full refnames here; no ref, no FETCH_HEAD, no setting changes.

    Raises:
        ReleaseError: the remote does not send them, or not in time (exit 3).
    """
    arguments = ["--quiet", "--no-write-fetch-head", "--no-tags", "--refmap=", "--no-auto-maintenance"]
    arguments += ["--no-recurse-submodules", "--", remote, *names]
    started = command.start(["fetch", *arguments], cwd=repository.top, durable=True, own_group=True)
    hint = f"try: git fetch {shlex.quote(remote)}"
    try:
        answer = started.finish(timeout=command.TRANSFER_SECONDS)
    except TimeoutError:
        what = f"remote {remote!r} did not send its commits in {command.TRANSFER_SECONDS:g} seconds"
        raise refusal(what, hint) from None
    if answer.status != 0:
        raise refusal(f"the commits of remote {remote!r} cannot be fetched: {answer.complaint}", hint)


_IN_PROGRESS = {
    "MERGE_HEAD": ("merge", "git merge --abort"),
    "rebase-merge": ("rebase", "git rebase --abort"),
    "rebase-apply": ("rebase", "git rebase --abort"),
    "CHERRY_PICK_HEAD": ("cherry-pick", "git cherry-pick --abort"),
    "REVERT_HEAD": ("revert", "git revert --abort"),
    "BISECT_LOG": ("bisect", "git bisect reset"),
}


def in_progress(git_dir: Path) -> tuple[str, str] | None:
    """Return what git is in the middle of in a worktree, and the command that ends it."""
    for name, answer in _IN_PROGRESS.items():
        if (git_dir / name).exists():
            return answer
    return None


def held_branch(git_dir: Path) -> str:
    """Return the full refname of the branch that a rebase or a bisect in a worktree ends on; empty without one."""
    for name, prefix in (
        ("rebase-merge/head-name", ""),
        ("rebase-apply/head-name", ""),
        ("BISECT_START", "refs/heads/"),
    ):
        with contextlib.suppress(OSError):
            return prefix + os.fsdecode((git_dir / name).read_bytes()).strip()
    return ""


def relation(repository: Repository, ours: str, theirs: str) -> tuple[int, int]:
    """Return how many commits `ours` and `theirs` each have that the other lacks."""
    if ours == theirs:
        return 0, 0
    out = repository.run("rev-list", "--left-right", "--count", f"{ours}...{theirs}", "--").out.split()
    return int(out[0]), int(out[1])


def is_ancestor(repository: Repository, old: str, new: str) -> bool:
    """Whether `new` contains `old`."""
    return old == new or repository.run("merge-base", "--is-ancestor", old, new, accept=(0, 1)).status == 0
