"""Worktrees: probing whether one can follow a plan, moving it, and converging after a crash."""

from __future__ import annotations

import contextlib
import enum
import functools
import os
import shlex
import shutil
import stat
import tempfile
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, NamedTuple

from release.entry import EXECUTABLE, SUBMODULE, SYMLINK, TREE, Entry
from release.errors import Problem, interrupted
from release.git import command, snapshot
from release.plan import PathChange

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from release import process
    from release.git.database import ObjectReader
    from release.git.world import Worktree
    from release.plan import WorktreeMove

_SHOWN = 5  # paths named in one message
_STATUS = ("status", "--porcelain=v2", "-z", "--untracked-files=no", "--ignore-submodules=untracked", "--no-renames")


class Tracked(NamedTuple):
    """Tracked files with changes that no commit holds (staged or not), and submodules that moved or have such files.

    What a submodule does not track is nobody's concern: no move of the worktree reaches into one.
    """

    files: tuple[str, ...]
    submodules: tuple[str, ...]


class Probe:
    """A worktree looked at through a copy of its index, so that the real one is neither locked nor refreshed."""

    def __init__(self, path: Path, env: Mapping[str, str]) -> None:
        self.path = path
        self._env = env
        self._status = command.start(_STATUS, cwd=path, env=env)

    @functools.cached_property
    def tracked(self) -> Tracked:
        """What no commit holds; waits for git, which looks at every file since the probe was made."""
        files: list[str] = []
        submodules: list[str] = []
        for record in os.fsdecode(command.checked(self._status.finish()).out).split("\0")[:-1]:
            facts = record.split(" ", 10 if record.startswith("u") else 8)
            (submodules if facts[2].startswith("S") else files).append(facts[-1])
        return Tracked(files=tuple(files), submodules=tuple(submodules))

    def close(self) -> None:
        """End the question if nobody waits for its answer any more."""
        self._status.kill()

    def can_follow(self, move: WorktreeMove) -> Problem | None:
        """Try `read-tree -m -u OLD NEW` without doing it; return what would stop it.

        git takes ignored files for expendable: whatever lies where a new file comes is somebody's.
        """
        going = {one.path for one in move.changes if one.new is None}
        taken = [
            path for one in move.changes if one.old is None for path in _there(self.path, one.path) if path not in going
        ]
        if taken:
            return Problem(
                what=f"files that git does not track are in the way: {name_some(taken)}",
                hint="move them away, or add and commit them",
            )
        _ = self.tracked  # the copy of the index is refreshed by then
        listing = list_flags(self.path, self._env)
        arguments = ["read-tree", "-n", "-m", "-u", "--no-recurse-submodules", move.old, move.new]
        result = command.start(arguments, cwd=self.path, env=self._env).finish()
        unseen = overlooked(self.path, {one.path for one in move.changes}, listing)
        if unseen is not None or result.status == 0:
            return unseen
        reason = result.complaint.removeprefix("error: ").splitlines()
        return Problem(
            what=f"the working tree {self.path} cannot follow: {' '.join(reason[:2])}",
            hint="move the named file away, or commit it",
        )


def list_flags(place: Path, env: Mapping[str, str] | None = None) -> process.Process:
    """Start listing the index entries of a worktree with their flags, for `overlooked`."""
    return command.start(["ls-files", "--cached", "-v", "-z"], cwd=place, env=env)


def overlooked(place: Path, changed: Collection[str], listing: process.Process) -> Problem | None:
    """Return what is wrong when `git status` says nothing about some of the paths that are to change.

    Edits there are seen by nobody, and a new index entry does not keep what the old one was told. A sparse checkout
    has files that are not there on purpose: its entries stay as they are.
    """
    records = os.fsdecode(command.checked(listing.finish()).out).split("\0")[:-1]
    flagged = {record[2:]: record[0] for record in records if record[0] != "H" and record[2:] in changed}
    assumed = [path for path, flag in flagged.items() if flag.islower()]
    skipped = [path for path, flag in flagged.items() if flag in "Ss"]
    if skipped and _is_sparse(place):
        skipped = []
    hints = [
        f"git update-index {option} -- {' '.join(shlex.quote(path) for path in _printable(paths[:_SHOWN]))}"
        for option, paths in (("--no-assume-unchanged", assumed), ("--no-skip-worktree", skipped))
        if paths
    ]
    if not hints:
        return None
    return Problem(
        what=f"in {place} git was told to overlook changes in {name_some(dict.fromkeys([*assumed, *skipped]))}",
        hint=f"let it look again: {'    and: '.join(hints)}",
    )


def _is_sparse(place: Path) -> bool:
    asked = command.run(["config", "--type=bool", "--get", "core.sparseCheckout"], cwd=place, accept=(0, 1))
    return asked.out.strip() == b"true"


def _there(place: Path, path: str) -> list[str]:
    """What lies where a file is to come: a file there or at a folder above it, or the files of a folder."""
    target = place
    for part in path.split("/"):
        target /= part
        try:
            mode = os.lstat(target).st_mode
        except FileNotFoundError:
            return []
        if not stat.S_ISDIR(mode):
            return [target.relative_to(place).as_posix()]
    found = (Path(folder) / name for folder, _, names in os.walk(target) for name in names)
    return [one.relative_to(place).as_posix() for one in found]


@contextlib.contextmanager
def probed(tree: Worktree) -> Iterator[Probe]:
    """Look at a worktree: what no commit holds, and whether it could go elsewhere. Its `git status` starts now."""
    with index_copy(tree.git_dir) as env, contextlib.closing(Probe(tree.path, env)) as probe:
        yield probe


@contextlib.contextmanager
def index_copy(git_dir: Path) -> Iterator[Mapping[str, str]]:
    """Yield an environment with a copy of a worktree's index for git: the real one is neither locked nor changed."""
    with tempfile.TemporaryDirectory(prefix="release-index-") as folder:
        copy = Path(folder) / "index"
        with contextlib.suppress(FileNotFoundError):
            shutil.copy2(git_dir / "index", copy)  # with its time, by which git judges racy entries
        yield {"GIT_INDEX_FILE": str(copy), "GIT_OPTIONAL_LOCKS": "1"}  # status may refresh the copy


def changes(objects: ObjectReader, old: str, new: str, prefix: str = "") -> tuple[PathChange, ...]:
    """Return the paths in which two trees differ (ids; empty is the empty tree); equal subtrees are not read."""
    if old == new:
        return ()
    before = objects.tree(old) if old else {}
    after = objects.tree(new) if new else {}
    found: list[PathChange] = []
    for name in sorted(before.keys() | after.keys()):
        sides = (before.get(name), after.get(name))
        if sides[0] == sides[1]:
            continue
        folders = [side.oid if side is not None and side.mode == TREE else "" for side in sides]
        found += changes(objects, folders[0], folders[1], f"{prefix}{name}/")
        leaves = [None if side is None or side.mode == TREE else side for side in sides]
        if leaves != [None, None]:
            found.append(PathChange(path=prefix + name, old=leaves[0], new=leaves[1]))
    return tuple(found)


def is_gone(place: Path, git_dir: Path, common: Path) -> bool:
    """Whether a linked worktree was removed: its folder deleted, or with `git worktree remove`.

    Raises:
        ReleaseError: it is not there, but not removed either (exit 7, everything is kept).
    """
    if (place / ".git").exists():
        return False
    if git_dir.resolve().parent != common.resolve() / "worktrees":  # not a linked one, or of a repository elsewhere
        raise interrupted(
            f"{place} is not there any more: it was moved since the run was interrupted",
            "move it back, then: invoke release.resume, or invoke release.abort",
        )
    try:
        now = (git_dir / os.fsdecode((git_dir / "gitdir").read_bytes()).rstrip("\n")).parent
    except FileNotFoundError:
        return True
    if (now / ".git").exists():
        raise interrupted(
            f"the worktree {place} was moved to {now} since the run was interrupted",
            f"git worktree move {shlex.quote(str(now))} {shlex.quote(str(place))}, "
            "then: invoke release.resume, or invoke release.abort",
        )
    if (git_dir / "locked").exists():  # how git is told of a worktree whose disk is not always there
        raise interrupted(
            f"the worktree {place} is locked and not there",
            f"bring it back, or git worktree unlock {shlex.quote(str(place))}, "
            "then: invoke release.resume, or invoke release.abort",
        )
    return True


def follow(move: WorktreeMove, *, lock: int | None) -> None:
    """Bring index and files of a clean worktree from the old commit to the new one."""
    place = Path(move.path)
    arguments = ["read-tree", "-m", "-u", "--no-recurse-submodules", move.old, move.new]
    if command.write(arguments, cwd=place, lock=lock, accept=(0, 128)).status != 0:
        # It takes a file that was touched for changed until somebody has looked into it, as the probe did in its copy.
        command.write(["update-index", "--refresh"], cwd=place, lock=lock, accept=(0, 1))
        command.write(arguments, cwd=place, lock=lock)


class Torn(enum.Flag):
    """Whose content a killed checkout can have left half written: that of the state to be left, or to be reached."""

    OLD = enum.auto()
    NEW = enum.auto()


def complete(move: WorktreeMove, objects: ObjectReader, *, lock: int | None, torn: Torn) -> None:
    """Converge after a killed `read-tree`: files of both states, torn ones, and an index of either.

    Raises:
        ReleaseError: a path holds what neither state has; it is the user's (exit 7, everything is kept).
    """
    place = Path(move.path)
    held = index(place, {change.path for change in move.changes})
    arrived = [change for change in move.changes if held.get(change.path) == change.new]
    waiting = [change for change in move.changes if held.get(change.path) != change.new]
    # Where attributes change too, what a file should look like cannot be told from what lies there now.
    unsure = any(PurePath(change.path).name == ".gitattributes" for change in move.changes)
    remake = [change for change in arrived if unsure or not _holds(place, change.new, change.path, objects)]
    strangers = [change.path for change in waiting if held.get(change.path) != change.old]
    strangers += [
        change.path
        for change in (*waiting, *remake)
        if change.path not in strangers and not _clear(place, change, objects, torn, keep=change in waiting)
    ]
    if strangers:
        raise interrupted(
            f"{place}: {name_some(strangers)} changed since the run was interrupted",
            "save your version elsewhere, git restore the file, then: invoke release.resume",
        )
    for change in move.changes:
        if not _is_submodule(change):
            _remove_empty_folders(place, change.path)
    if waiting:
        follow(move, lock=lock)
    _write_again(place, [change.path for change in remake if change.new is not None], lock=lock)


def _write_again(place: Path, paths: Sequence[str], *, lock: int | None) -> None:
    if paths:
        names = b"".join(os.fsencode(path) + b"\0" for path in paths)
        arguments = ["checkout-index", "-f", "-q", "-u", "-z", "--stdin"]
        command.write(arguments, cwd=place, lock=lock, data=names)


def name_some(paths: Iterable[str]) -> str:
    """A few paths for a message, and how many more there are."""
    listed = _printable(paths)
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return ", ".join(listed[:_SHOWN]) + more


def _printable(paths: Iterable[str]) -> list[str]:
    """Names without the line ends with which they could forge a message."""
    return [path.replace("\n", "\\n").replace("\r", "\\r") for path in paths]


def index(place: Path, wanted: set[str]) -> dict[str, Entry]:
    """Return the index entries of these paths."""
    out = command.run(["ls-files", "--cached", "--stage", "-z"], cwd=place).out
    entries = {}
    for record in os.fsdecode(out).split("\0")[:-1]:
        facts, _, path = record.partition("\t")
        if path in wanted:
            mode, oid, _ = facts.split(" ")
            entries[path] = Entry(mode=mode, oid=oid)
    return entries


def _holds(place: Path, entry: Entry | None, path: str, objects: ObjectReader) -> bool:
    """Whether the path on disk is what git checks out for `entry`."""
    present = _present(place, path)
    if entry is None or present is None:
        return entry is None and present is None
    return entry.mode == SUBMODULE or present.holds(entry, _written(place, entry, path, objects))


def _clear(place: Path, change: PathChange, objects: ObjectReader, torn: Torn, *, keep: bool) -> bool:
    """Remove what a checkout wrote (whole files, or the start of one); False when it is the user's.

    With `keep` a file that still is as it was stays, so that git sees whether the user made it executable.
    """
    present = _present(place, change.path)
    if present is None or _is_submodule(change):
        return True
    for entry, side in ((change.old, Torn.OLD), (change.new, Torn.NEW)):
        if entry is None:
            continue
        whole = _written(place, entry, change.path, objects)
        if present.holds(entry, whole):
            if keep and side is Torn.OLD and present.data == whole[0] and not present.has_new_mode(change):
                return True
        elif side not in torn or present.link or not any(data.startswith(present.data) for data in whole):
            continue
        (place / change.path).unlink()
        return True
    return False


def _remove_empty_folders(place: Path, path: str) -> None:
    """Remove the folders that a killed checkout made for a path, or left in its place, and did not fill."""
    found = []
    folder = place
    with contextlib.suppress(FileNotFoundError):
        for part in path.split("/"):
            folder /= part
            if not stat.S_ISDIR(os.lstat(folder).st_mode):
                break
            found.append(folder)
    with contextlib.suppress(OSError):  # not empty: so are all above
        for folder in reversed(found):
            folder.rmdir()


def _is_submodule(change: PathChange) -> bool:
    return any(entry is not None and entry.mode == SUBMODULE for entry in (change.old, change.new))


def _written(place: Path, entry: Entry, path: str, objects: ObjectReader) -> tuple[bytes, ...]:
    """The bytes that a checkout leaves for `entry`: first what the attributes there now make of the blob.

    Then the blob itself, and the blob with CRLF: the attributes may have been others.
    """
    blob = objects.blob(entry.oid)
    if entry.mode == SYMLINK:
        return (blob,)
    filtered = command.run(["cat-file", "--filters", f"--path={path}", entry.oid], cwd=place).out
    return (filtered, blob, blob.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))


class _Present(NamedTuple):
    """What lies at a path: a file's bytes or a link's target."""

    data: bytes
    link: bool = False
    executable: bool = False

    def holds(self, entry: Entry, written: Collection[bytes]) -> bool:
        """Whether it is of the kind of `entry` and holds one of the contents that a checkout writes for it."""
        return self.link == (entry.mode == SYMLINK) and self.data in written

    def has_new_mode(self, change: PathChange) -> bool:
        """Whether it has the executable bit that the change sets or takes away."""
        if change.old is None or change.new is None or change.old.mode == change.new.mode:
            return False
        return self.executable == (change.new.mode == EXECUTABLE)


def _present(place: Path, path: str) -> _Present | None:
    """Look at a path; nothing, and a folder, is None."""
    target = place / path
    try:
        mode = os.lstat(target).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    if stat.S_ISLNK(mode):
        return _Present(data=os.fsencode(target.readlink()), link=True)
    if stat.S_ISDIR(mode):
        return None
    if not stat.S_ISREG(mode):
        return _Present(data=b"\0no regular file")
    return _Present(data=snapshot.read_regular(place, path), executable=bool(mode & stat.S_IXUSR))
