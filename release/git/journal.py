"""The lock that keeps a second run out, and the journal: the plan on disk while it is being carried out."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from release.entry import Entry
from release.errors import refusal
from release.git import lock
from release.plan import (
    Candidate,
    FileEdit,
    Opened,
    PathChange,
    Plan,
    Push,
    RefUpdate,
    Request,
    Stop,
    Tag,
    WorktreeMove,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from release.git.repository import Repository

LOCK_SECONDS = 5.0  # how long a second run waits for the first
_SYNCING = 8  # at a time
_LAYOUT = 4  # of the journal's JSON; a journal of another layout is never guessed at


@dataclass(frozen=True, kw_only=True)
class Journal:
    """A plan in progress. `phase`: pushing → local; without a push only local.

    A flow that stopped at a conflict has an empty plan, the phase "conflict" and a `stop`. `undoing` is set by an
    abort before it changes anything: from then on files may be torn in either direction.
    `git_dir` is that of the worktree at `plan.top`.
    """

    plan: Plan
    git_dir: str
    phase: str
    undoing: bool = False
    stop: Stop | None = None
    encoded: str = field(default="", compare=False, repr=False)  # the plan as it is written

    @property
    def can_undo(self) -> bool:
        """Whether nothing has been pushed yet, as far as the journal knows."""
        return self.plan.push is None or self.phase == "pushing"


def folder(repository: Repository) -> Path:
    """Where this tool keeps what must survive a crash: below the git folder that all worktrees share."""
    return repository.common / "release"


def locked(repository: Repository) -> AbstractContextManager[int]:
    """Return the repository's lock, to be held; it yields its descriptor, which writing git calls inherit.

    A git call that outlives us keeps the lock, so nobody resumes while it still works.

    Raises:
        ReleaseError: another run, or a git call of one that was killed, holds it after LOCK_SECONDS (exit 3).
    """
    place = folder(repository)
    place.mkdir(exist_ok=True)
    return lock.held(
        place / "lock",
        permissions=0o666,
        wait=LOCK_SECONDS,
        refused=lambda: refusal(
            f"another run is at work in this repository (waited {LOCK_SECONDS:g} s)",
            "wait for it to end, then: invoke release.status",
        ),
        waiting=lambda: None,
    )


def read(repository: Repository) -> Journal | None:
    """Return the journal, or None when nothing is in progress.

    Raises:
        ReleaseError: it cannot be read, or another version of this tool wrote it (exit 3).
    """
    place = folder(repository) / "journal.json"
    try:
        data = json.loads(place.read_bytes())
        if data["layout"] != _LAYOUT:
            raise ValueError(f"layout {data['layout']}, not {_LAYOUT}")  # noqa: TRY301  # one answer for all of them
        stop = data.get("stop")
        return Journal(
            plan=_plan(data["plan"]),
            git_dir=data["git_dir"],
            phase=data["phase"],
            undoing=data["undoing"],
            stop=None if stop is None else _stop(stop),
        )
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise refusal(
            f"{place} cannot be read: {error}", "finish with the version of invoke-gitflow that wrote it"
        ) from None


def write(repository: Repository, journal: Journal) -> Journal:
    """Make the journal durable before anything that follows; returns it."""
    facts = {
        "layout": _LAYOUT,
        "phase": journal.phase,
        "undoing": journal.undoing,
        "git_dir": journal.git_dir,
    }
    if journal.stop is not None:
        facts["stop"] = _facts(journal.stop)
    # A plan can list thousands of paths: it is written out once, and no phase changes it.
    plan = journal.encoded or json.dumps(_facts(replace(journal.plan, diffs=())))
    text = f'{json.dumps(facts)[:-1]}, "plan": {plan}}}\n'
    replace_file(folder(repository) / "journal.json", text.encode("ascii"), 0o644, ours=True)
    sync(folder(repository))
    return replace(journal, encoded=plan)


def stopped(stop: Stop, *, top: str, git_dir: str) -> Journal:
    """Return what is journalled of a flow that stopped at a conflict in the worktree at `top`."""
    return Journal(plan=Plan(task=stop.task, top=top, done=""), git_dir=git_dir, phase="conflict", stop=stop)


def remove(repository: Repository) -> None:
    """Forget the journal, and what a killed run was about to replace it with, durably."""
    place = folder(repository) / "journal.json"
    temporary(place).unlink(missing_ok=True)
    place.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # all is done; should the journal come back, resume finds nothing left to do
        sync(folder(repository))


def refuse_if_in_progress(repository: Repository) -> None:
    """Every changing task starts here.

    Raises:
        ReleaseError: a journal exists (exit 3).
    """
    journal = read(repository)
    if journal is not None:
        undo = "    or undo: invoke release.abort" if journal.can_undo else ""
        raise refusal(describe(journal), f"go on: invoke release.resume{undo}")


def describe(journal: Journal) -> str:
    """Say what is in progress, and where a person has a merge to resolve."""
    if journal.phase != "conflict" or journal.stop is None:
        when = {"pushing": " while it pushed", "local": " after its push"} if journal.plan.push is not None else {}
        return f"{journal.plan.task} was interrupted{when.get(journal.phase, '')} and is not finished"
    opened = journal.stop.opened
    if opened is None:
        return f"{journal.plan.task} has conflicts, now resolved, and is not finished"
    return f"{journal.plan.task} stopped at a conflict: the merge into {opened.branch} is in progress in {opened.path}"


def temporary(path: Path) -> Path:
    """The name under which a file's new content waits for its replacement; resume and abort know it too."""
    return path.with_name(f".{path.name}.release-new")


def replace_file(path: Path, data: bytes, permissions: int, *, ours: bool = False) -> None:
    """Replace a file at once: a reader, or a crash, sees the old content or the new.

    Raises:
        OSError: it cannot be written, or something has its temporary name, unless all in that folder is `ours`.
    """
    waiting = temporary(path)
    kind = os.O_TRUNC | os.O_NOFOLLOW if ours else os.O_EXCL
    descriptor = os.open(waiting, os.O_WRONLY | os.O_CREAT | kind, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            os.fchmod(file.fileno(), permissions)
            file.flush()
            os.fsync(file.fileno())
        waiting.replace(path)
    except OSError:
        waiting.unlink(missing_ok=True)
        raise


def sync(place: Path) -> None:
    """Make a file, or the names in a folder, durable."""
    descriptor = os.open(place, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_all(places: Iterable[Path]) -> None:
    """Make files, and the names in folders, durable, in no order; what is gone, a link, or behind one is left out.

    Side by side: a file system that keeps a log hands many of them to the disk at once.
    """
    waiting = list(places)
    left = iter(waiting)
    wrong: list[OSError] = []

    def work() -> None:
        for place in left:
            try:
                descriptor = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            except OSError:
                continue
            try:
                os.fsync(descriptor)
            except OSError as error:
                wrong.append(error)
            finally:
                os.close(descriptor)

    workers = [threading.Thread(target=work) for _ in range(min(_SYNCING, len(waiting)))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if wrong:
        raise wrong[0]


def _facts(value: Any) -> Any:
    """Return what is written of a plan: its records by the names of their fields, an entry as a pair."""
    if isinstance(value, Plan):
        return {name: _facts(inner) for name, inner in vars(value).items()}
    if isinstance(value, tuple) and hasattr(value, "_asdict") and not isinstance(value, Entry):
        return {name: _facts(inner) for name, inner in value._asdict().items()}
    return [_facts(one) for one in value] if isinstance(value, tuple) else value


def _tag(data: dict[str, Any]) -> Tag:
    return Tag(**{**data, "signers": tuple(data.get("signers", ()))})


def _plan(data: dict[str, Any]) -> Plan:
    push = data["push"]
    return Plan(
        **{
            **data,
            "push": None if push is None else Push(remote=push["remote"], updates=_updates(push["updates"])),
            "refs": _updates(data["refs"]),
            "worktrees": tuple(
                WorktreeMove(**{**move, "changes": _changes(move["changes"])}) for move in data["worktrees"]
            ),
            "files": tuple(FileEdit(**edit) for edit in data["files"]),
            "index": _changes(data["index"]),
            "candidate": None if data["candidate"] is None else _candidate(data["candidate"]),
            "tag": None if data["tag"] is None else _tag(data["tag"]),
            "request": None if data["request"] is None else Request(**data["request"]),
            "trees": tuple(map(tuple, data["trees"])),
            "notes": tuple(data["notes"]),
            "diffs": (),
        }
    )


def _candidate(item: dict[str, Any]) -> Candidate:
    return Candidate(**{**item, "gates": tuple(item["gates"])})


def _stop(item: dict[str, Any]) -> Stop:
    opened = item["opened"]
    if opened is not None:
        conflicts = tuple((path, *map(_entry, stages)) for path, *stages in opened["conflicts"])
        opened = Opened(**{**opened, "conflicts": conflicts})
    pairs = {name: tuple(map(tuple, item[name])) for name in ("options", "pins", "resolutions")}
    return Stop(**{**item, **pairs, "opened": opened})


def _updates(items: list[dict[str, Any]]) -> tuple[RefUpdate, ...]:
    return tuple(RefUpdate(**item) for item in items)


def _changes(items: list[dict[str, Any]]) -> tuple[PathChange, ...]:
    return tuple(PathChange(path=item["path"], old=_entry(item["old"]), new=_entry(item["new"])) for item in items)


def _entry(item: list[str] | None) -> Entry | None:
    return None if item is None else Entry(*item)
