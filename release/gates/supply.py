"""What a gate is given besides its checkout: the gate `package` gets the distributions, built before it starts."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

from release.gates import settings
from release.gates.receipts import Artifact
from release.git.database import ObjectReader

if TYPE_CHECKING:
    from collections.abc import Callable

    from release.artifacts.store import Dists
    from release.gates.children import Children
    from release.git.repository import Repository

_PACKAGE = "package"


class Supply(NamedTuple):
    """Variables for a gate, and what they lead to, which the gate is to leave alone."""

    variables: dict[str, str]
    dists: Dists | None = None

    def artifacts(self) -> tuple[Artifact, ...]:
        """Return what the gate is given to look at."""
        return () if self.dists is None else tuple(Artifact(one.name, one.sha256) for one in self.dists.files)

    def changed(self) -> tuple[str, ...]:
        """Return what is not any more as it was given.

        Raises:
            OSError: it cannot be read.
        """
        from release.artifacts import store  # noqa: PLC0415  # of all gates one alone needs it

        is_same = self.dists is None or store.files(self.dists.folder) == self.dists.files
        return () if is_same or self.dists is None else (str(self.dists.folder),)


def of(
    repository: Repository, *, gate: str, commit: str, tree: str, say: Callable[[str], None], children: Children
) -> Supply:
    """Return what a gate is given; nothing where the configuration says that nothing is built.

    Raises:
        ReleaseError: as of `dists.built`.
        CancelledError: the children were to end.
    """
    if gate != _PACKAGE:
        return Supply({})
    with closing(ObjectReader(repository.top)) as reader:
        is_built = settings.of(reader, tree).build
    if not is_built:
        return Supply({})
    from release.artifacts import dists  # noqa: PLC0415  # as above

    made = dists.built(repository, commit=commit, tree=tree, say=say, children=children)
    return Supply({dists.VARIABLE: str(made.folder)}, made)
