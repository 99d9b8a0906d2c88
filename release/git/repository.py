"""Where a repository is, and how its refs are listed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from release.errors import refusal, usage
from release.git import command

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from release.errors import ReleaseError
    from release.process import Process, Result

_SINCE_2_39 = "--exclude-hidden=receive"  # rev-parse prints nothing for it; an older one repeats what it does not know
LIST_REFS = ("for-each-ref", "--format=%(refname)%00%(objectname)%00%(*objectname)")


class Repository(NamedTuple):
    """One repository as seen from one of its worktrees."""

    top: Path  # the worktree's root
    git_dir: Path  # the worktree's own
    common: Path  # shared by all worktrees: refs, objects, our journal
    shallow: bool
    hash_name: str  # sha1 or sha256

    @property
    def objects(self) -> Path:
        """The object folder."""
        return self.common / "objects"

    def run(self, *arguments: str, data: bytes = b"", accept: Sequence[int] = (0,)) -> Result:
        """Run a reading git call at the worktree's root."""
        return command.run(arguments, cwd=self.top, data=data, accept=accept)

    def refuse_shallow(self, so: str) -> None:
        """Refuse a clone that holds only the newest part of the history; `so` says what cannot be done in it.

        Raises:
            ReleaseError: it is one (exit 3).
        """
        if self.shallow:
            raise refusal(f"this is a shallow clone: {so}", "git fetch --unshallow --tags")

    def start(self, *arguments: str, env: Mapping[str, str] | None = None) -> Process:
        """Start a reading git call at the worktree's root."""
        return command.start(arguments, cwd=self.top, env=env)


class Ref(NamedTuple):
    """What a ref points at; `commit` is `oid` with annotated tags peeled off."""

    oid: str
    commit: str


def locate(folder: Path) -> Repository:
    """Find the repository around `folder`.

    Raises:
        ReleaseError: no repository, or a bare one, or git is older than 2.39 (exit 2).
    """
    questions = ("--is-bare-repository", "--is-shallow-repository", "--show-object-format")
    places = ("--absolute-git-dir", "--git-common-dir", "--show-toplevel")
    found = command.start(["rev-parse", _SINCE_2_39, *questions, *places], cwd=folder).finish()
    lines = os.fsdecode(found.out).splitlines()
    if lines[:1] == [_SINCE_2_39]:
        raise _too_old(folder)
    if lines[:1] == ["true"]:
        raise usage(f"{folder} is a bare repository", "run this in a clone with a working tree")
    if found.status != 0 and len(lines) >= len(questions):
        raise usage(f"{folder} is not inside a working tree", "run this at the root of your project")
    if found.status != 0:
        reason = found.complaint.removeprefix("fatal: ").splitlines()[:1]
        raise usage(f"no git repository here: {' '.join(reason)}", "run this inside your project, or: git init")
    if len(lines) != len(questions) + len(places):
        raise usage("the path of this repository has a line end in it", "rename the folder")
    _, shallow, hash_name, git_dir, common, top = lines
    return Repository(
        top=Path(top),
        git_dir=Path(git_dir),
        common=Path(os.path.normpath(folder / common)),
        shallow=shallow == "true",
        hash_name=hash_name,
    )


def _too_old(folder: Path) -> ReleaseError:
    """This git lacks what the engine needs (`merge-tree --write-tree`, `cat-file -z`)."""
    version = command.run(["version"], cwd=folder).out.decode().strip().removeprefix("git version ")
    return usage(f"git {version} is too old", "install git 2.39 or newer")


def parse_refs(out: bytes) -> dict[str, Ref]:
    """Read what LIST_REFS prints."""
    refs = {}
    for line in os.fsdecode(out).splitlines():
        name, oid, peeled = line.split("\0")
        refs[name] = Ref(oid=oid, commit=peeled or oid)
    return refs
