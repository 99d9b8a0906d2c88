"""The one push of a plan: sent, asked after when nobody heard how it ended, and explained when it was refused."""

from __future__ import annotations

import os
import shlex
import signal
from typing import TYPE_CHECKING, NamedTuple

from release.errors import Problem, ReleaseError, interrupted, refusal
from release.git import command, world
from release.process import Result

if TYPE_CHECKING:
    from collections.abc import Iterable

    from release.git.journal import Journal
    from release.git.repository import Repository
    from release.plan import Push

RESUME = "go on: invoke release.resume"
RESUME_OR_ABORT = f"{RESUME}    or undo: invoke release.abort"
_TAGS = "refs/tags/"


class MovedError(ReleaseError):
    """The remote's refs are not what the plan was made from: somebody else was first. Nothing has changed (exit 3)."""


class There(NamedTuple):
    """What the remote holds of a push: "all" new values, "none" of them, or a line for each; and what others moved."""

    state: str
    moved: tuple[str, ...]


def send(repository: Repository, push: Push) -> Result:
    """Push all refs or none, each only if the remote's still holds `old`; a push that takes too long is killed."""
    arguments = ["push", "--atomic", "--porcelain", "--no-follow-tags", "--recurse-submodules=no"]
    arguments += [f"--force-with-lease={update.name}:{update.old or ''}" for update in push.updates]
    refspecs = [f"{update.new or ''}:{update.name}" for update in push.updates]
    started = command.start(
        [*arguments, "--", push.remote, *refspecs], cwd=repository.top, durable=True, own_group=True
    )
    try:
        return started.finish(timeout=command.TRANSFER_SECONDS)
    except TimeoutError:
        late = f"the push did not end within {command.TRANSFER_SECONDS:g} seconds"
        return Result(argv=started.argv, status=-signal.SIGKILL, out=b"", err=late.encode())


def ask(repository: Repository, push: Push) -> There:
    """Ask where the push went what it holds now.

    A ref that holds our value proves that the push arrived, as it is all or nothing; another may have moved on since.
    What is gone proves nothing: others delete branches too.

    Raises:
        ReleaseError: there is no answer (exit 7).
    """
    through = world.push_address(repository, world.read_settings(repository), push.remote)
    started = world.list_remote(repository, push.remote, through=through)
    try:
        answer = started.finish(timeout=command.NETWORK_SECONDS)
    except TimeoutError:
        what = f"{push.remote} does not answer: nobody can tell whether the push arrived"
        raise interrupted(what, RESUME) from None
    if answer.status != 0:
        raise interrupted(f"{push.remote} does not answer: {answer.complaint}", RESUME)
    there = {name: ref.oid for name, ref in world.parse_remote(answer.out).items()}
    held = [(there.get(update.name), update) for update in push.updates]
    proofs = [pair for pair in held if pair[1].new is not None] or held
    if all(oid != update.new for oid, update in proofs):
        return There("none", tuple(update.name for oid, update in held if oid != update.old))
    if all(oid != update.old for oid, update in held):
        return There("all", ())
    lines = (
        f"  {update.name}: {oid or 'absent'} (planned {update.old or 'absent'} → {update.new or 'absent'})"
        for oid, update in held
    )
    return There("\n".join(lines), ())


def track(repository: Repository, push: Push, *, lock: int) -> None:
    """Move the remote-tracking refs as the push would have, had it come to its end; if we cannot, a fetch does."""
    known = world.tracking(repository, push.remote, [update.name for update in push.updates])
    lines = [
        (f"update {known[update.name]}\0{update.new}\0\0" if update.new else f"delete {known[update.name]}\0\0")
        for update in push.updates
        if update.name in known
    ]
    if lines:
        arguments = ["update-ref", "-m", "update by push", "--stdin", "-z"]  # git's own words
        data = os.fsencode("".join(lines))
        ended = command.write(arguments, cwd=repository.top, lock=lock, data=data, accept=range(256))
        locks = [repository.common / f"{name}.lock" for name in (*known.values(), "packed-refs")]
        if ended.status and any(place.exists() for place in locks):  # of a push that was killed: resume removes them
            raise interrupted(f"it is pushed, and git could not note that here: {ended.complaint}", RESUME)


def mixed(push: Push, state: str) -> ReleaseError:
    """The remote holds some of our refs and not others (exit 7)."""
    return interrupted(f"{push.remote} holds neither the old nor the new refs:\n{state}", RESUME)


def refused(written: Journal, push: Push, result: Result, moved: Iterable[str]) -> ReleaseError:
    """The push was refused, nothing has moved, and `moved` are refs that others moved meanwhile (exit 3)."""
    rejected = dict(_rejected(result))
    # The others are only told that they move together with these.
    own = {name: why for name, why in rejected.items() if "atomic" not in why} or rejected
    reason = "\n".join([*(f"  {short(name)}: {why}" for name, why in own.items()), result.complaint])
    theirs = ", ".join(map(short, moved))
    again = f"invoke {written.plan.task}" if written.stop is None else "invoke release.resume"
    if theirs:
        what = f"{theirs} moved at {push.remote} meanwhile, and nothing else did:\n{reason}"
        hint = f"begin again, it is planned on what is there now: {again}"
        return MovedError([Problem(what=what, hint=hint)])
    verb = f"{push.remote} refused the push" if rejected else f"the push to {push.remote} failed"
    return refusal(f"{verb}, and nothing moved anywhere:\n{reason}", _how_to_mend(written, push, own, result))


def _rejected(result: Result) -> Iterable[tuple[str, str]]:
    """Yield the refs that were rejected, and why (git-push, --porcelain: flag, from:to, summary (reason))."""
    for line in result.out.decode("utf-8", "replace").splitlines():
        flag, _, rest = line.partition("\t")
        if flag == "!" and "\t" in rest:
            pair, _, summary = rest.partition("\t")
            yield pair.rpartition(":")[2], summary.partition("] ")[2].strip("()") or summary


def _how_to_mend(written: Journal, push: Push, own: dict[str, str], result: Result) -> str:
    """Return what helps against a refusal: a protected branch takes pull requests."""
    if "does not support --atomic" in result.complaint:
        allow = "git config receive.advertiseAtomic true"
        return f"no release is whole unless all its refs move together: have the server allow that ({allow})"
    first = "" if written.stop is None else "invoke release.abort, then: "
    task = f"{first}invoke {written.plan.task}"
    gone = {update.name for update in push.updates if update.new is None}
    if not own:
        return f"mend what it says, then: {task}"
    if all(name.startswith(_TAGS) for name in own):
        return f"may you push tags there? when you may: {task}"
    if own.keys() <= gone and _finishes(written) and "--keep" not in shlex.split(task):
        return f"leave the branch there: {task} --keep"
    branches = [short(name) for name in own if not name.startswith(_TAGS) and name not in gone]
    return _by_request(written, task, branches[0] if len(branches) == 1 else "a branch")


def _finishes(written: Journal) -> bool:
    return written.plan.task.partition(" ")[0].endswith(".finish")


def _by_request(written: Journal, task: str, named: str) -> str:
    """Return how a branch that nobody may push to is reached all the same."""
    if _finishes(written) and "--pr" not in shlex.split(task):
        return f"is {named} protected? go by a pull request: {task} --pr"
    if written.plan.task.startswith("propagate"):
        return (
            f"is {named} protected? go by a pull request: git switch -c bump-version/NEXT && "
            "invoke propagate --commit --push"
        )
    return f"when it is allowed: {task}"


def short(name: str) -> str:
    """A refname as people say it."""
    return name.removeprefix("refs/heads/").removeprefix(_TAGS)
