"""The repositories that a checkout consists of: the project, and the submodules that the user has.

Each is checked out with a git folder of our own over the user's objects, which the gate does not see: so nothing that a
gate does with git (a stash, a tag, a hook, a flag in the index) outlives it or hides what it changed. What stands as
`.git` in the checkout is for the gate, and made anew each time. Of the user's repository only objects are read.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from release.entry import SUBMODULE, Entry
from release.errors import ReleaseError, unseen
from release.formats import inert
from release.git import command

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from release.gates.children import Children
    from release.process import Result

_SHA1 = 40  # hexadecimal digits
_NAMED = 5  # files that a message names
FETCH_SUBMODULES = "git submodule update --init --recursive"
_POINTER = b"version https://git-lfs.github.com/spec/"

# For the gate: bytes as they were committed, whatever the user's own settings say.
_CORE = "[core]\n\tbare = false\n\tautocrlf = false\n\teol = lf\n\tsplitIndex = false\n"
# For us, besides: no hook, no attributes but those of the tree, no short cut by which a changed file goes unseen.
_OURS = (
    "\thooksPath = /dev/null\n\tattributesFile = /dev/null\n\ttrustctime = true\n\tcheckStat = default\n"
    "\tuntrackedCache = false\n\tsparseCheckout = false\n\tlogAllRefUpdates = false\n[submodule]\n\trecurse = false\n"
)


class Part(NamedTuple):
    """One repository of a checkout."""

    commit: str
    sources: tuple[Path, ...]  # the user's git folders that it comes from; the first has its settings
    user: Path  # where the user has it checked out
    git: Path  # our git folder
    tree: Path  # its files
    children: Children  # our git calls, to be ended by another thread


def lay_out(part: Part, lock: int) -> Iterator[Part]:
    """Check out a part and the submodules in it; yields each, the outermost first. Unchanged files stay.

    `lock` is a descriptor that git inherits, so that nobody works here while it does.

    Raises:
        ReleaseError: a commit, a submodule, an LFS object is missing, or git cannot reproduce the files (exit 5).
        OSError: a file cannot be written or removed.
    """
    _write(part.git, part, _CORE + _OURS)
    links = {path: entry.oid for path, entry in listing(part).items() if entry.mode == SUBMODULE}
    known = part.git / "links"
    paths = b"".join(os.fsencode(path) + b"\0" for path in sorted(links))
    if part.tree.is_symlink() or not known.exists() or known.read_bytes() != paths:
        remove(part.tree)  # a folder that is a submodule no longer would keep its files
        (part.git / "index").unlink(missing_ok=True)
    part.tree.mkdir(exist_ok=True)
    _check_out(part, lock)
    remove(part.tree / ".git")
    _write(part.tree / ".git", part, _CORE)
    shutil.copyfile(part.git / "index", part.tree / ".git" / "index")
    known.write_bytes(paths)
    yield part
    for submodule in _submodules(part, links):
        yield from lay_out(submodule, lock)


def listing(part: Part) -> Mapping[str, Entry]:
    """Return all files of a part's commit by path.

    Raises:
        ReleaseError: the commit or a tree of it is missing (exit 5).
    """
    result = _git(part, "ls-tree", "-r", "-z", "--full-tree", part.commit)
    if result.status:
        raise unseen(f"the commit {part.commit} cannot be read: {inert.reason(result.complaint)}")
    rows = (row.partition("\t") for row in os.fsdecode(result.out).split("\0")[:-1])
    found = {}
    for facts, _, path in rows:
        mode, _, oid = facts.split(" ")
        found[path] = Entry(mode=mode, oid=oid)
    return found


def tree_of(part: Part) -> str:
    """Return the id of the tree that our own git folder says is checked out; "" if it says none."""
    result = _git(part, "rev-parse", "--verify", "--quiet", "HEAD^{tree}")
    return result.out.decode().strip()


def changed(part: Part, *, untracked: bool = False) -> tuple[str, ...]:
    """Return the files that are not as committed; with `untracked` those too that are not in the commit.

    Raises:
        ReleaseError: git cannot tell (exit 5).
    """
    if not part.tree.is_dir():
        return (part.tree.name,)
    wanted = f"--untracked-files={'all' if untracked else 'no'}"
    result = _git(part, "status", "--porcelain", "-z", "--no-renames", "--ignore-submodules=all", wanted)
    if result.status:
        raise unseen(f"git cannot compare the checkout: {inert.reason(result.complaint)}")
    return tuple(row[3:] for row in os.fsdecode(result.out).split("\0")[:-1])


def named(paths: Sequence[str]) -> str:
    """Return paths for a message: the first few, and how many more there are."""
    rest = f", and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
    return ", ".join(map(inert.reason, paths[:_NAMED])) + rest


def remove(place: Path) -> None:
    """Remove what is there, folders without permissions too; what a symlink leads to stays.

    Raises:
        OSError: it cannot be removed.
    """
    if place.is_symlink() or place.is_file():
        place.unlink()
    elif place.is_dir():
        try:
            shutil.rmtree(place)
        except OSError:
            place.chmod(0o700)
            for folder, names, _ in os.walk(place):
                for inner in (Path(folder, name) for name in names):
                    if not inner.is_symlink():
                        inner.chmod(0o700)
            shutil.rmtree(place)


def _write(folder: Path, part: Part, settings: str) -> None:
    """Write a repository whose objects are those of others: plain files, no process."""
    for name in ("objects/info", "refs/heads", "lfs"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    is_sha1 = len(part.commit) == _SHA1
    rest = "" if is_sha1 else "[extensions]\n\tobjectFormat = sha256\n"
    version = f"[core]\n\trepositoryFormatVersion = {0 if is_sha1 else 1}\n"
    (folder / "config").write_text(f"{settings}[gc]\n\tauto = 0\n{version}{rest}", encoding="ascii")
    (folder / "HEAD").write_text(f"{part.commit}\n", encoding="ascii")
    alternates = ""
    for number, source in enumerate(part.sources):
        link = folder / f"borrowed-{number}"  # alternates cannot hold every path, so they go by way of a link
        if _link(link, source / "objects"):
            alternates += f"../{link.name}\n"
    (folder / "objects" / "info" / "alternates").write_text(alternates, encoding="ascii")
    _link(folder / "lfs" / "objects", part.sources[0] / "lfs" / "objects")
    edges = [source / "shallow" for source in part.sources]
    (folder / "shallow").write_bytes(b"".join(edge.read_bytes() for edge in edges if edge.is_file()))
    for name in ("index.lock", "HEAD.lock"):  # a killed git leaves them; nobody else works here, as we hold the lock
        (folder / name).unlink(missing_ok=True)


def _link(link: Path, target: Path) -> bool:
    """Make a link to a folder; without such a folder there is none."""
    if link.is_symlink():
        link.unlink()
    if not target.is_dir():
        return False
    link.symlink_to(target.resolve())
    return True


def _git(part: Part, *arguments: str, lock: int | None = None) -> Result:
    environment = {"GIT_DIR": str(part.git), "GIT_WORK_TREE": str(part.tree)}
    keep = () if lock is None else (lock,)
    started = command.start(arguments, cwd=part.git, env=environment, keep=keep, own_session=True)
    with part.children.holding(started):
        return started.finish()


def _check_out(part: Part, lock: int) -> None:
    """Bring a part's files to its commit, and see that this is what stands there."""
    _git(part, "clean", "-ffdxq", lock=lock)
    result = _git(part, "checkout", "--force", "--detach", "--quiet", part.commit, lock=lock)
    if result.status:
        said = inert.reason(result.complaint)
        hint = "fetch what is missing: git lfs fetch --all" if "lfs" in said.lower() else ""
        raise unseen(f"git cannot check out {part.commit}: {said}", hint)
    _git(part, "clean", "-ffdxq", lock=lock)  # what git could not remove while it switched
    strangers = changed(part, untracked=True)
    if strangers:
        raise unseen(
            f"a checkout of {part.commit} does not hold what was committed: {named(strangers)}",
            "a new clone would show the same: look at .gitattributes, line endings and names that differ in case only",
        )
    pointers = _pointers(part)
    if pointers:
        raise unseen(
            f"Git LFS left pointers in place of files: {named(pointers)}", "git lfs install, then: git lfs fetch --all"
        )


def _pointers(part: Part) -> tuple[str, ...]:
    """Return the files that the tree's attributes give to Git LFS, and that still are its pointers."""
    listed = _git(part, "ls-files", "-z", "--", ":(attr:filter=lfs)")
    found = []
    for path in os.fsdecode(listed.out).split("\0")[:-1]:
        place = part.tree / path
        if place.is_file() and not place.is_symlink():
            with place.open("rb") as file:
                if file.read(len(_POINTER)) == _POINTER:
                    found.append(path)
    return tuple(found)


def _submodules(part: Part, links: Mapping[str, str]) -> Iterator[Part]:
    """Yield the submodules that the user has initialised; the folders of others are left empty, as git leaves them.

    Raises:
        ReleaseError: one is initialised, and its commit is nowhere on this machine (exit 5).
    """
    if not links:
        return
    blob = ("config", "-z", "--blob", f"{part.commit}:.gitmodules")
    names = {path: name for name, path in _settings(part, "path", *blob)}
    initialised = {
        name for name, _ in _settings(part, "url", "config", "-z", "--file", str(part.sources[0] / "config"))
    }
    for path, commit in links.items():
        name = names.get(path, "")
        if name not in initialised or ".." in name.split("/"):
            remove(part.tree / path)
            (part.tree / path).mkdir()
            continue
        user = part.user / path
        places = [*(source / "modules" / name for source in part.sources), user / ".git"]
        sources = tuple(place for place in places if (place / "objects").is_dir())
        git = part.git / "modules" / name
        if not sources:
            raise _absent(path, commit)
        submodule = part._replace(commit=commit, sources=sources, user=user, git=git, tree=part.tree / path)
        _write(git, submodule, _CORE + _OURS)
        if _git(submodule, "cat-file", "-e", f"{commit}^{{tree}}").status:
            raise _absent(path, commit)
        yield submodule


def _absent(path: str, commit: str) -> ReleaseError:
    what = f"the submodule {inert.reason(path)} at {commit} is not on this machine"
    return unseen(what, FETCH_SUBMODULES)


def _settings(part: Part, key: str, *reading: str) -> Iterator[tuple[str, str]]:
    """Yield name and value of `submodule.NAME.KEY`."""
    result = _git(part, *reading, "--get-regexp", rf"^submodule\..*\.{key}$")
    for row in os.fsdecode(result.out).split("\0")[:-1]:
        setting, _, value = row.partition("\n")
        yield setting.removeprefix("submodule.").removesuffix(f".{key}"), value
