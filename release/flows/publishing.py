"""What becomes visible: ref updates here, and one push with a lease for each ref."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from release import version as versions
from release.errors import Problem, ReleaseError
from release.flows import commands, unpublished
from release.plan import Push, RefUpdate, Tag

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from release.config import Config
    from release.flows.situation import Branch, Situation
    from release.version import Version


class Moved(NamedTuple):
    """A branch that gets a new commit, or None: it is deleted wherever it is.

    `is_kept`: it stays where it is, and does not come to a remote that has none of that name.
    """

    branch: Branch
    new: str | None
    is_kept: bool = False


class Visible(NamedTuple):
    """What becomes visible: the ref updates here, the push, and the push that can follow where none is made now."""

    refs: tuple[RefUpdate, ...]
    push: Push | None
    later: Push | None


def visible(scene: Situation, moved: Iterable[Moved], tag: Tag | None, *, push: bool) -> Visible:
    """Return what becomes visible, as `updates`, and what can be pushed later: with what was not pushed before.

    Raises:
        ReleaseError: as of `updates`.
    """
    goals = tuple(moved)
    refs, now = updates(scene, goals, tag, push=push)
    if push or not scene.world.remote:
        return Visible(refs, now, now)
    later, before = _updates(scene, goals, tag, push=True)[1], unpublished.push(scene)
    if before is not None and any(unpublished.unsigned(scene, before.updates)):
        return Visible(refs, now, None)  # nobody is shown a command that pushes a tag as it must not leave
    if later is not None and before is not None:
        names = {ref.name for ref in later.updates}
        later = later._replace(updates=(*later.updates, *(ref for ref in before.updates if ref.name not in names)))
    return Visible(refs, now, later)


def annotated(scene: Situation, version: Version, commit: str, message: str, config: Config) -> Tag:
    """Make the tag of a version, in memory and without a ref; `config` says whether it is signed, and by whom."""
    name = versions.tag_name(version, scene.config.tag)
    text = message or f"Release {version}"
    oid = scene.writer.tag(name=name, commit=commit, message=text, identity=scene.identity)
    return Tag(name=name, oid=oid, sign=config.sign, signers=config.signers)


def opened(scene: Situation, branch: Branch, commit: str, *, push: bool) -> tuple[tuple[RefUpdate, ...], Push | None]:
    """Return the updates that open a branch, always here too: one works on it.

    Raises:
        ReleaseError: as of `updates`.
    """
    refs, pushed = updates(scene, [Moved(branch, commit)], None, push=push)
    if not any(ref.name == branch.ref for ref in refs):
        refs = (*refs, RefUpdate(name=branch.ref, old=None, new=commit))
    return refs, pushed


def updates(
    scene: Situation, moved: Iterable[Moved], tag: Tag | None, *, push: bool, along: str = ""
) -> tuple[tuple[RefUpdate, ...], Push | None]:
    """Return the ref updates here and the push. A branch that is only at the remote comes here only without a push.

    `along` is the full name of a tag that is here and is going to be pushed, too.

    Raises:
        ReleaseError: git cannot hold a new ref beside one that is there; with a push, earlier releases are only here
            (exit 3).
    """
    if push and scene.world.remote:
        unpublished.refuse(scene, along)
    return _updates(scene, moved, tag, push=push)


def _updates(
    scene: Situation, moved: Iterable[Moved], tag: Tag | None, *, push: bool
) -> tuple[tuple[RefUpdate, ...], Push | None]:
    here: list[RefUpdate] = []
    there: list[RefUpdate] = []
    pushes = push and bool(scene.world.remote)
    for branch, new, is_kept in moved:
        if branch.here is not None or (new is not None and not pushes):
            here.append(RefUpdate(name=branch.ref, old=branch.here, new=new))
        if pushes and not (is_kept and branch.there is None):
            there.append(RefUpdate(name=branch.ref, old=branch.there, new=new))
    if tag is not None:
        ref = f"refs/tags/{tag.name}"
        here.append(RefUpdate(name=ref, old=None, new=tag.oid))
        there.append(RefUpdate(name=ref, old=None, new=tag.oid))
    incoming = tuple(one for one in here if one.old != one.new)
    outgoing = tuple(one for one in there if one.old != one.new) if pushes else ()
    problems = [
        *_clashes(incoming, scene.world.refs, ""),
        *_clashes(outgoing, scene.world.remote_refs or {}, scene.world.remote),
    ]
    if problems:
        raise ReleaseError(problems)
    return incoming, Push(remote=scene.world.remote, updates=outgoing) if outgoing else None


def _clashes(updates: Iterable[RefUpdate], held: Iterable[str], remote: str) -> Iterator[Problem]:
    """A ref and a folder of refs cannot have the same name. With the push this would be found out too late."""
    for name in [update.name for update in updates if update.old is None]:
        for other in held:
            if other.startswith(f"{name}/") or name.startswith(f"{other}/"):
                yield Problem(
                    what=f"git cannot hold {_named(name)} and {_named(other)}{f' at {remote}' if remote else ''}: "
                    "one would be a folder of the other",
                    hint=_renamed(other, remote),
                )


def _named(name: str) -> str:
    _, kind, short = name.split("/", 2)
    return f"the {'tag' if kind == 'tags' else 'branch'} {short}"


def _renamed(name: str, remote: str) -> str:
    short = name.split("/", 2)[2]
    if remote:
        return f"delete it there, or give it another name: {commands.git('push', remote, f':{name}')}"
    kept = (
        f"{commands.git('tag', 'NEW-NAME', short)} && {commands.git('tag', '-d', short)}"
        if name.startswith("refs/tags/")
        else commands.git("branch", "-m", short, "NEW-NAME")
    )
    return f"give it another name: {kept}"
