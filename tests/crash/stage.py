"""One project at one place: set back in a moment, and looked at in full."""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import shutil
import subprocess
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from support import Project

if TYPE_CHECKING:
    from pathlib import Path

    from crash.points import Points

# What no run may leave behind. Objects are git's own to clean up: `git gc` removes their temporary files.
_LEFTOVERS = ("*.lock", "*.release-new", "packed-refs.new", "journal.json")

_HEADS = ("HEAD", "MERGE_HEAD", "MERGE_MODE", "MERGE_MSG")  # a merge in progress too


@dataclass(frozen=True, kw_only=True)
class State:
    """What a run may change and what must be the same after another: everything but reflogs and loose objects."""

    refs: str
    remote: str
    worktrees: str
    heads: tuple[str, ...]
    indexes: tuple[str, ...]
    status: tuple[str, ...]
    settings: bytes
    files: dict[str, tuple[int, bytes]]

    def without_tracking(self) -> State:
        """The state without remote-tracking refs, which git itself gives up when it cannot write them."""
        kept = [line for line in self.refs.splitlines() if not line.startswith("refs/remotes/")]
        return replace(self, refs="\n".join(kept))

    def differences(self, other: State) -> list[str]:
        """The names and values in which two states differ, for a message."""
        found = []
        for name in ("refs", "remote", "worktrees", "heads", "indexes", "status", "settings"):
            ours, theirs = getattr(self, name), getattr(other, name)
            if ours != theirs:
                found += [f"{name}: {line}" for line in difflib.unified_diff(_told(theirs), _told(ours), n=0)][2:8]
        for path in sorted(self.files.keys() | other.files.keys()):
            left, right = self.files.get(path), other.files.get(path)
            if left != right:
                found.append(f"{path}: {_short(left)} / {_short(right)}")
        return found


def _told(value: object) -> list[str]:
    texts = value if isinstance(value, tuple) else (value,)
    return [line for text in texts for line in (text.decode() if isinstance(text, bytes) else str(text)).splitlines()]


def _short(file: tuple[int, bytes] | None) -> str:
    return "absent" if file is None else f"{file[0]:o} {file[1][:60]!r} ({len(file[1])} bytes)"


class Stage:
    """A folder in which a project always stands at the same path, as journals and worktrees hold absolute ones."""

    def __init__(self, folder: Path) -> None:
        self.slot = folder / "slot"
        self.project = Project(self.slot)
        self._kept = folder / "kept"
        self._kept.mkdir(parents=True)
        self.start: State | None = None
        self.course: tuple[State, ...] = ()
        self.points: dict[object, Points] = {}
        self.known: dict[object, str] = {}

    @property
    def trees(self) -> list[Path]:
        """The worktrees, the first one first, one that is half made or half removed too."""
        found = sorted(place.parent for place in self.slot.glob("*/.git"))
        return sorted(found, key=lambda place: place.name != "work")

    @property
    def common(self) -> Path:
        """The git folder that the worktrees share."""
        return self.slot / "work" / ".git"

    @property
    def journal(self) -> Path:
        return self.common / "release" / "journal.json"

    def save(self, name: str) -> None:
        """Keep what the slot holds now."""
        _clear(self._kept / name)
        subprocess.run(["cp", "-a", self.slot, self._kept / name], check=True)

    def restore(self, name: str) -> None:
        """Set the slot back to what was kept."""
        _clear(self.slot)
        subprocess.run(["cp", "-a", self._kept / name, self.slot], check=True)

    def state(self) -> State:
        """Look at everything a run may change."""
        git = self.project.git
        trees = self.trees
        return State(
            refs=git("for-each-ref", "--format=%(refname) %(objectname) %(symref)"),
            remote=self.remote(),
            worktrees=git("worktree", "list", "--porcelain"),
            heads=tuple(_read(_git_dir(tree) / name) for tree in trees for name in _HEADS),
            indexes=tuple(git("ls-files", "-s", "-v", cwd=tree, check=False) for tree in trees),
            status=tuple(
                git("--no-optional-locks", "status", "--porcelain=v2", "--branch", "--ignored", cwd=tree, check=False)
                for tree in trees
            ),
            settings=(self.common / "config").read_bytes(),
            files=_files(self.slot, ("remote.git", "work/.git", "linked/.git")),
        )

    def remote(self) -> str:
        """What the remote holds."""
        return self.project.git("for-each-ref", cwd=self.project.remote)

    @property
    def phase(self) -> str:
        """The phase that the journal tells of."""
        return str(json.loads(self.journal.read_bytes())["phase"])

    def raw(self) -> dict[str, tuple[int, bytes]]:
        """Every byte below the slot, git's own files included."""
        return _files(self.slot, ())

    def fingerprint(self) -> str:
        """Name what lies on disk: two kills with the same name left the same state to whoever continues.

        Left out: reflogs, the names of temporary objects, and the times in an index, of which only counts whether
        git has to look at a file again.
        """
        digest = hashlib.sha256()
        for path, (mode, content) in self.raw().items():
            if "/logs/" in path or "/tmp_obj" in path or "/bulk-fsync" in path:
                continue
            hidden = "/objects/" in path or path.endswith(("/index", "/index.lock"))
            digest.update(f"{path} {mode} {'' if hidden else hashlib.sha256(content).hexdigest()}\n".encode())
        for tree in self.trees:
            digest.update(self.project.git("ls-files", "-s", "-v", cwd=tree, check=False).encode())
            digest.update(self.project.git("diff-files", "--name-only", cwd=tree, check=False).encode())
        return digest.hexdigest()

    def leftovers(self) -> list[str]:
        """Locks and temporary files that still lie about."""
        return sorted(str(path.relative_to(self.slot)) for name in _LEFTOVERS for path in self.slot.rglob(name))


def _git_dir(tree: Path) -> Path:
    pointer = tree / ".git"
    return pointer if pointer.is_dir() else tree / pointer.read_text().removeprefix("gitdir: ").strip()


def _read(place: Path) -> str:
    return place.read_text() if place.exists() else ""


def _files(top: Path, without: tuple[str, ...]) -> dict[str, tuple[int, bytes]]:
    found = {}
    for folder, folders, names in os.walk(top):
        prefix = os.path.relpath(folder, top)
        prefix = "" if prefix == "." else f"{prefix}/"
        folders[:] = sorted(name for name in folders if prefix + name not in without)
        for name in sorted([*names, *(name for name in folders if _is_leaf(f"{folder}/{name}"))]):
            if prefix + name not in without:
                found[prefix + name] = _facts(f"{folder}/{name}")
    return found


def _is_leaf(path: str) -> bool:
    """A link to a folder is a file here, and an empty folder is worth a word."""
    return os.path.islink(path) or not os.listdir(path)  # noqa: PTH114, PTH208  # thousands of them


def _facts(path: str) -> tuple[int, bytes]:
    mode = os.lstat(path).st_mode
    if os.path.islink(path):  # noqa: PTH114  # as above
        return mode, os.readlink(path).encode()  # noqa: PTH115  # as above
    if os.path.isdir(path):  # noqa: PTH112  # as above
        return mode, b""
    with open(path, "rb") as file:  # noqa: PTH123  # as above
        return mode, file.read()


def _clear(place: Path) -> None:
    if place.exists():
        shutil.rmtree(place)
