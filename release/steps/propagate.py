"""`propagate`: every managed site says what VERSION says; alone it edits files, with a commit it is one plan."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from release.entry import Entry
from release.errors import Problem, ReleaseError, refusal, usage
from release.formats import FormatError, sites
from release.git import command, objects, probing, snapshot
from release.git import world as git
from release.plan import PathChange, Plan, RefUpdate, WorktreeMove
from release.steps import changelog, commit, edits, working_tree

if TYPE_CHECKING:
    from collections.abc import Mapping

    from release.formats.sites import Site
    from release.git.snapshot import Snapshot
    from release.git.world import Worktree, World
    from release.steps.commit import Made
    from release.steps.working_tree import WorkingTree
    from release.version import Version


def propagate(tree: WorkingTree, *, committed: bool, lock: int | None) -> Plan:
    """Plan the edits that repair all drift; when `committed`, also HEAD plus version literals as a commit.

    Raises:
        ReleaseError: no VERSION, a target that does not match (exit 2 or 3), uncommitted other edits (exit 3).
    """
    return rewrite_all(tree, tree.version, committed=committed, lock=lock, task="propagate")


def rewrite_all(tree: WorkingTree, version: Version, *, committed: bool, lock: int | None, task: str) -> Plan:
    """Plan the edits that make the whole working tree say `version`."""
    tree.refuse_missing_version()
    found = tree.survey
    if found.problems:
        raise ReleaseError(found.problems)
    changed = sites.edits(tree.files, found.sites, version)
    if committed:
        return _committed(tree, version, changed, lock=lock)
    return edits.plan(
        tree,
        changed,
        task=task,
        done=f"{version}: wrote {', '.join(changed)}",
        nothing=f"all managed sites say {version}",
        lock=lock,
    )


def _committed(tree: WorkingTree, version: Version, changed: dict[str, bytes], *, lock: int | None) -> Plan:
    if tree.head is None:
        raise usage("the repository has no commit yet", "make the first commit")
    world = git.observe(tree.repository)
    top = tree.repository.top.resolve()
    here = next(one for one in world.worktrees if one.path.resolve() == top)
    busy = git.in_progress(here.git_dir)
    if busy is not None:
        raise refusal(f"a {busy[0]} is in progress in {here.path}", f"end it: {busy[1]}")
    managed = tree.survey.managed
    at_head = snapshot.of_commit(tree.repository, tree.objects, tree.head)
    after, problems = _literals_only(tree, at_head, managed, version)
    known = working_tree.survey(tree.objects, at_head, tree.config, tree.released)
    present = {site.path for site in managed}
    missing = dict.fromkeys(site.path for site in known.managed if site.path not in present)
    problems += [_other_edits(path, "holds a version in HEAD and none in the working tree") for path in missing]
    unseen = probing.overlooked(here.path, {*after.changed(), *changed}, probing.list_flags(here.path))
    problems += [] if unseen is None else [unseen]
    if problems:
        raise ReleaseError(problems)
    held = {path: at_head.entries[path].oid for path in present}
    replaced = edits.replacing(tree, changed, lock=lock)
    if after.changed():
        plan, made = _with_commit(tree, world, here, after, version, lock=lock)
        held |= {change.path: change.new.oid for change in made.changes if change.new is not None}
        return replace(plan, files=replaced, index=_staged(tree, held))
    repaired = f", wrote {', '.join(changed)}" if changed else ""
    return Plan(
        task="propagate --commit",
        top=str(tree.repository.top),
        done=f"HEAD says {version}: nothing to commit{repaired}",
        files=replaced,
        index=_staged(tree, held),
    )


def _with_commit(
    tree: WorkingTree, world: World, here: Worktree, after: Snapshot, version: Version, *, lock: int | None
) -> tuple[Plan, Made]:
    """Make the commit on HEAD, and plan what follows it."""
    assert tree.head is not None  # noqa: S101  # there is something to commit on
    writer = objects.ObjectWriter(repository=tree.repository, reader=tree.objects, lock=lock)
    who = objects.identity(tree.repository, world.settings, when=changelog.moment())
    message = f"chore(release): set version {version}"
    made = commit.of_snapshot(writer, after, parent=tree.head, message=message, identity=who)
    writer.flush(made.commit)
    refs, moves = _advance(here, made.commit)
    plan = Plan(
        task="propagate --commit",
        top=str(tree.repository.top),
        done=f"committed {version} as {made.commit[:10]}",
        undo=f"git reset --soft {tree.head}",
        refs=refs,
        worktrees=moves,
        tree=made.tree,
        commit=made.commit,
        diffs=commit.diffs(after),
    )
    return plan, made


def _staged(tree: WorkingTree, held: Mapping[str, str]) -> tuple[PathChange, ...]:
    """Return how index entries come to hold what HEAD holds then."""
    return tuple(
        PathChange(path=path, old=tree.files.entries[path], new=Entry(mode=tree.files.mode(path), oid=oid))
        for path, oid in sorted(held.items())
        if tree.files.entries[path].oid != oid
    )


def _advance(here: Worktree, new: str) -> tuple[tuple[RefUpdate, ...], tuple[WorktreeMove, ...]]:
    """Move the branch that HEAD follows, or a detached HEAD itself; index and files are moved by their own edits."""
    if here.branch:
        return (RefUpdate(name=here.branch, old=here.head, new=new),), ()
    move = WorktreeMove(
        path=str(here.path),
        git_dir=str(here.git_dir),
        old_branch="",
        old=here.head,
        new_branch="",
        new=new,
        changes=(),
    )
    return (), (move,)


def _literals_only(
    tree: WorkingTree, at_head: Snapshot, managed: tuple[Site, ...], version: Version
) -> tuple[Snapshot, list[Problem]]:
    """Return HEAD with its own literals rewritten, and the managed files that hold other uncommitted edits."""
    normal: dict[str, bytes] = {}
    problems = []
    for path in dict.fromkeys(site.path for site in managed):
        here = [site for site in managed if site.path == path]
        before = at_head.get(path)
        if before is None:
            problems.append(_other_edits(path, "is not in HEAD"))
            continue
        try:
            normal[path] = sites.normalise(before, here, version)
            is_same = _same_but_for_literals(tree, path, normal[path], here, version)
        except FormatError as error:
            problems.append(_other_edits(path, f"cannot be read at HEAD or in the index: {error}"))
            continue
        if not is_same:
            problems.append(_other_edits(path, "has other uncommitted edits"))
    return at_head.edited(normal), problems


def _other_edits(path: str, why: str) -> Problem:
    commit = f"git commit -- {shlex.quote(path)}"
    return Problem(what=f"{path} {why}", hint=f"commit it first: {commit}    or set it aside: git stash")


def _same_but_for_literals(tree: WorkingTree, path: str, wanted: bytes, here: list[Site], version: Version) -> bool:
    """Whether disk and index hold, apart from version literals, what HEAD holds."""
    staged = tree.objects.blob(tree.files.entries[path].oid)
    if sites.normalise(staged, here, version) != wanted:
        return False
    present = sites.normalise(tree.files.read(path), here, version)
    if present == wanted:
        return True
    # Line endings and other filters make the bytes on disk differ from the blob without any edit.
    oid = f"HEAD:{path}"
    filtered = command.run(["cat-file", "--filters", oid], cwd=tree.repository.top).out
    return present == sites.normalise(filtered, here, version)
