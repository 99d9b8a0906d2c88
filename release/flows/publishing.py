"""What becomes visible: ref updates here, and one push with a lease for each ref."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from release.plan import Push, RefUpdate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from release.flows.situation import Branch, Situation
    from release.plan import Tag


class Moved(NamedTuple):
    """A branch that gets a new commit, or None: it is deleted wherever it is.

    `is_kept`: it stays where it is, and does not come to a remote that has none of that name.
    """

    branch: Branch
    new: str | None
    is_kept: bool = False


def created(branch: Branch, commit: str) -> RefUpdate:
    """Return the update that makes a branch here."""
    return RefUpdate(name=branch.ref, old=None, new=commit)


def updates(
    scene: Situation, moved: Iterable[Moved], tag: Tag | None, *, push: bool
) -> tuple[tuple[RefUpdate, ...], Push | None]:
    """Return the ref updates here and the push. A branch that is only at the remote comes here only without a push."""
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
    outgoing = tuple(one for one in there if one.old != one.new) if pushes else ()
    return (
        tuple(one for one in here if one.old != one.new),
        Push(remote=scene.world.remote, updates=outgoing) if outgoing else None,
    )
