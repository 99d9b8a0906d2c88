"""A merge that a person has to finish, in a worktree of its own: made, looked at, and put away."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

from release.errors import Exit, Problem, ReleaseError
from release.git import command, journal, probing, world
from release.git.worktree import name_some

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from release.entry import Entry
    from release.git.repository import Repository
    from release.plan import Opened

RESUME = "invoke release.resume"
_OR_ABORT = "or give up: invoke release.abort"
_MARKS = (b"<<<<<<< ", b">>>>>>> ")
_MERGING = "MERGE_HEAD"
_POINTS = "gitdir: "  # how the .git file of a worktree begins


def place(repository: Repository, branch: str) -> Path:
    """Return where the worktree for a merge into `branch` goes: beside the repository, else in its git folder."""
    name = f"{repository.top.name}-merge-{branch.replace('/', '-')}"
    beside = repository.top.parent
    folder = beside if os.access(beside, os.W_OK) else repository.common / "release"
    found = folder / name
    number = 1
    while os.path.lexists(found) or any(_git_dirs(repository, found)):
        number += 1
        found = folder / f"{name}-{number}"
    return found


def is_made(repository: Repository, opened: Opened) -> bool:
    """Whether the worktree is there with the merge, so that it is a person's to finish; half of one is made anew."""
    where = Path(opened.path)
    git_dir = _git_dir(repository, where)
    if git_dir is None or opened.given_up:
        return False
    if opened.handed or _merging(git_dir) == opened.theirs:
        return True
    # Killed before it was handed over; whoever has found it all the same may have committed already.
    return _head(where) not in ("", opened.ours)


def make(
    repository: Repository, opened: Opened, message: str, *, resolved: Iterable[str] = (), lock: int | None
) -> None:
    """Make the worktree with the merge in progress: sites settled, conflicts marked and unmerged in the index.

    `resolved` are trees that people made of earlier conflicts: no other ref keeps them from a `git gc`.
    """
    where = Path(opened.path)
    remove(repository, opened)
    arguments = ["worktree", "add", "--quiet", "--detach", "--no-checkout", "--", str(where), opened.ours]
    command.write(arguments, cwd=repository.top, lock=lock)
    git_dir = _git_dir(repository, where)
    assert git_dir is not None  # noqa: S101  # git has just made it
    # git copies the rules of a sparse checkout, and then takes no resolution of a file that they leave out.
    (git_dir / "info" / "sparse-checkout").unlink(missing_ok=True)
    command.write(["read-tree", "--reset", "-u", "--no-recurse-submodules", opened.tree], cwd=where, lock=lock)
    data = b"".join(_stages(opened))
    command.write(["update-index", "-z", "--index-info"], cwd=where, lock=lock, data=data)
    _keep(where, dict.fromkeys((opened.theirs, opened.tree, *resolved)), lock)
    # MERGE_HEAD comes last: without it the merge was never handed over.
    for name, text in (("MERGE_MSG", f"{message}\n"), ("MERGE_MODE", "no-ff"), (_MERGING, f"{opened.theirs}\n")):
        journal.replace_file(git_dir / name, text.encode(), 0o644)
    journal.sync(git_dir)


def _keep(where: Path, oids: Iterable[str], lock: int | None) -> None:
    """Keep objects from a `git gc` while the worktree is there: of its own refs it looks at the reflogs alone.

    What is in them counts for a month, from the time that is named there.
    """
    steps = "".join(f"start\nupdate refs/worktree/release {oid}\ncommit\n" for oid in oids)
    env = {"GIT_COMMITTER_DATE": f"{int(time.time())} +0000"}
    arguments = ["update-ref", "--create-reflog", "-m", "kept for invoke release.resume", "--stdin"]
    command.write(arguments, cwd=where, lock=lock, env=env, data=steps.encode())


def clear(repository: Repository, opened: Opened) -> None:
    """Take away what was only begun, or is only half there: git may not even be able to list its worktrees."""
    if not opened.handed and not is_made(repository, opened):
        remove(repository, opened)


def refuse_somebodys(repository: Repository, opened: Opened) -> None:
    """Refuse to make the worktree where something of a person may lie.

    Raises:
        ReleaseError: what is there is no worktree any more, or never was (exit 6).
    """
    if _is_somebodys(repository, Path(opened.path), handed=opened.handed):
        raise _unfinished(
            f"{opened.path} is no worktree of this repository any more",
            f"move it away with all that you resolved in it; {RESUME} then makes the merge anew    {_OR_ABORT}",
        )


def _stages(opened: Opened) -> Iterator[bytes]:
    """Yield what takes each conflicting path out of the index, and puts the sides of its conflict there."""
    for path, *stages in opened.conflicts:
        raw = b"\t" + os.fsencode(path) + b"\0"
        yield b"0 " + b"0" * len(opened.ours) + raw
        for number, entry in enumerate(stages, 1):
            if entry is not None:
                yield f"{entry.mode} {entry.oid} {number}".encode() + raw


def resolution(repository: Repository, opened: Opened, *, lock: int | None) -> str:
    """Return the tree that the person made, committed or only staged; it is durable.

    The index is looked at and stored through a copy: whoever is killed meanwhile leaves no lock in it.

    Raises:
        ReleaseError: it is not finished, or was given up (exit 6).
    """
    where = Path(opened.path)
    git_dir = _refuse_other_work(repository, opened)
    with probing.index_copy(git_dir) as env:
        _refuse_unfinished(opened, env)
        tree = command.write(["write-tree"], cwd=where, lock=lock, env=env).out.decode().strip()
    _make_durable(repository, tree, opened)
    return tree


def _refuse_unfinished(opened: Opened, env: Mapping[str, str]) -> None:
    """Refuse what is not resolved, not staged, or still has conflict markers.

    Raises:
        ReleaseError: there is some of it (exit 6).
    """
    where = Path(opened.path)
    unmerged = {record.partition(b"\t")[2] for record in _lines(where, env, "ls-files", "--unmerged", "-z")}
    if unmerged:
        raise _unfinished(
            f"not resolved in {where}: {_some(unmerged)}", f"edit, git add, then: {RESUME}    {_OR_ABORT}"
        )
    command.run(["update-index", "-q", "--refresh"], cwd=where, env=env, accept=(0, 1))
    unstaged = _lines(where, env, "diff-files", "--name-only", "-z")
    if unstaged:
        raise _unfinished(f"edited in {where} and not staged: {_some(unstaged)}", f"git add, then: {RESUME}")
    marked = [os.fsencode(path) for path, *sides in opened.conflicts if _is_marked(where, path, sides)]
    if marked:
        raise _unfinished(f"conflict markers in {where}: {_some(marked)}", f"edit, git add, then: {RESUME}")
    unknown = _lines(where, env, "ls-files", "--others", "--exclude-standard", "-z")
    if unknown:
        raise _unfinished(f"not added in {where}: {_some(unknown)}", f"git add or remove it, then: {RESUME}")


def _make_durable(repository: Repository, tree: str, opened: Opened) -> None:
    """Hand to the disk what the person stored: git syncs packs by itself, but no loose objects."""
    arguments = ("rev-list", "--objects", "--no-object-names", tree, "--not", opened.ours, opened.theirs)
    oids = repository.run(*arguments).out.decode().split()
    places = [place for oid in oids if (place := repository.objects / oid[:2] / oid[2:]).exists()]
    for place in (*places, *sorted({place.parent for place in places}), repository.objects):
        journal.sync(place)


def _refuse_other_work(repository: Repository, opened: Opened) -> Path:
    """Refuse a worktree in which somebody is doing something else than this merge; return its git folder.

    Raises:
        ReleaseError: the merge was given up, or HEAD has gone where it is not contained (exit 6).
    """
    where = Path(opened.path)
    git_dir = _git_dir(repository, where)
    assert git_dir is not None  # noqa: S101  # otherwise it has been made anew
    found = world.in_progress(git_dir)
    if found is not None and found[0] != "merge":
        raise _unfinished(f"a {found[0]} is in progress in {where}", f"end it: {found[1]}    then: {RESUME}")
    head = _head(where)
    if head == opened.ours:
        if found is None:
            anew = f"begin it again: git worktree remove --force {shlex.quote(str(where))}    then: {RESUME}"
            raise _unfinished(f"the merge in {where} was given up", f"{anew}    {_OR_ABORT}")
    elif not head or not all(world.is_ancestor(repository, one, head) for one in (opened.ours, opened.theirs)):
        kept = f"git -C {shlex.quote(str(where))} merge --no-ff -s ours {opened.theirs}"
        raise _unfinished(
            f"HEAD in {where} is at {head or 'nothing'}, which is no merge of {opened.ours} and {opened.theirs}",
            f"if its files are what you want: {kept}    then: {RESUME}    {_OR_ABORT}",
        )
    return git_dir


def remove(repository: Repository, opened: Opened) -> bool:
    """Take the worktree away with all that is in it, and what git knows of it; False when its folder is none of ours.

    No other worktree is touched: `git worktree prune` forgets those that are only out of reach.
    """
    where = Path(opened.path)
    is_left = _is_somebodys(repository, where, handed=False)
    if not is_left and where.is_dir():
        inside = sorted(where.iterdir(), key=lambda one: one.name == ".git")  # which says whose it is, to the end
        for one in inside:
            shutil.rmtree(one) if one.is_dir() and not one.is_symlink() else one.unlink()
        where.rmdir()
    for git_dir in list(_git_dirs(repository, where)):
        shutil.rmtree(git_dir)
    with contextlib.suppress(OSError):  # git removes it too when no worktree is left
        (repository.common / "worktrees").rmdir()
    return not is_left


def _is_somebodys(repository: Repository, where: Path, *, handed: bool) -> bool:
    """Whether a folder, or what stands in its place, may hold work of a person.

    What we made has a .git file of this repository in it, or nothing yet.
    """
    if not os.path.lexists(where):
        return False
    if where.is_symlink() or not where.is_dir():
        return True
    pointer = where / ".git"
    target = pointer.read_text(encoding="utf-8", errors="surrogateescape") if pointer.is_file() else ""
    if not target:  # git has not come further, or somebody has put things there
        return any(one.name != ".git" or one.is_dir() for one in where.iterdir())
    target = target.removeprefix(_POINTS).rstrip("\n")
    ours = (where / target).resolve().parent == (repository.common / "worktrees").resolve()
    return not ours or (handed and _git_dir(repository, where) is None)


def _git_dirs(repository: Repository, where: Path) -> Iterator[Path]:
    """Yield what git keeps of a worktree at a path: also the start of it, which does not name the path yet."""
    for git_dir in (repository.common / "worktrees").glob("*"):
        pointer = git_dir / "gitdir"
        named = os.fsdecode(pointer.read_bytes()).rstrip("\n") if pointer.is_file() else ""
        if not named:
            if git_dir.name.startswith(where.name):
                yield git_dir
        elif (git_dir / named).parent.resolve() == where.resolve():
            yield git_dir


def _git_dir(repository: Repository, where: Path) -> Path | None:
    """The git folder of the worktree; None when there is none, or only the start of one."""
    found = next(_git_dirs(repository, where), None)
    return found if found is not None and (found / "HEAD").is_file() and (where / ".git").is_file() else None


def _unfinished(what: str, hint: str) -> ReleaseError:
    return ReleaseError([Problem(what=what, hint=hint, exit=Exit.CONFLICT)])


def _head(where: Path) -> str:
    """The commit of HEAD; empty when there is none, or not yet."""
    out = command.run(["rev-parse", "-q", "--verify", "HEAD"], cwd=where, accept=(0, 1, 128)).out.decode().strip()
    return out if out.strip("0") else ""


def _merging(git_dir: Path) -> str:
    """The commit that is being merged, as far as it was written."""
    place = git_dir / _MERGING
    return place.read_text(encoding="ascii", errors="replace").strip() if place.is_file() else ""


def _lines(where: Path, env: Mapping[str, str], *arguments: str) -> list[bytes]:
    return command.run(arguments, cwd=where, env=env).out.split(b"\0")[:-1]


def _some(names: Iterable[bytes]) -> str:
    return name_some(sorted(map(os.fsdecode, names)))


def _is_marked(where: Path, path: str, sides: Iterable[Entry | None]) -> bool:
    """Whether what was staged has conflict markers that none of the sides had."""
    marks = [line for line in _blob(where, f":{path}") if line.startswith(_MARKS)]
    if not marks:
        return False
    known = {line for entry in sides if entry is not None for line in _blob(where, entry.oid)}
    return any(line not in known for line in marks)


def _blob(where: Path, name: str) -> list[bytes]:
    return command.run(["cat-file", "blob", name], cwd=where, accept=(0, 128)).out.splitlines()
