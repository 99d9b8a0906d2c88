"""Running gates: those that have no receipt for a tree, each on its own, and all that failed said together."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

from release.entry import EXECUTABLE, FILE, SYMLINK
from release.errors import Exit, Problem, ReleaseError, usage
from release.gates import receipts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from release.git.repository import Repository


def run(
    repository: Repository,
    *,
    commit: str,
    tree: str,
    gates: Iterable[str],
    say: Callable[[str], None],
    fresh: bool = False,
    each: bool = False,
    whole: bool = False,
) -> bool:
    """See that every gate has a receipt for `tree`, the tree of `commit`; those without one are run now, side by side.

    `commit` needs no ref. `say` gets a line when a gate starts and when it ends; on a terminal there is a table on
    standard error instead. `fresh` takes no receipt of a run that began before this one, and no environment; with
    `each` none is ended because another has not passed, whatever the configuration says. With `whole` only what saw
    every submodule counts. The user's repository stays as it is, but for receipts and objects. Returns whether one was
    run, which takes its time.

    Raises:
        ReleaseError: the problems of all gates that did not pass: no noxfile.py or no such session, or the tree's
            configuration cannot be read (exit 2), busy (exit 3), failed (exit 4), could not look (exit 5).
        KeyboardInterrupt: at a Ctrl-C, when all that the gates had started has ended.
    """
    wanted = tuple(dict.fromkeys(gates))
    waiting = wanted if fresh else receipts.missing(repository, wanted, tree, whole=whole)
    for gate in wanted:
        if gate not in waiting:
            say(f"gate {gate}: receipt found")
    if not waiting:
        return False
    refuse_without_noxfile(repository, commit, tree, waiting)
    _say_what_is_stripped(say)
    from release.gates import together  # noqa: PLC0415  # with receipts for all gates nothing of this is needed

    problems = together.run(
        repository, commit=commit, tree=tree, gates=waiting, say=say, fresh=fresh, each=each, whole=whole
    )
    if not problems:  # a receipt that was there can have expired, or another run of its gate has failed
        problems = tuple(_gone(gate) for gate in receipts.missing(repository, wanted, tree))
    if problems:
        raise ReleaseError(problems)
    return True


def _gone(gate: str) -> Problem:
    what = f"the receipt of gate {gate} is gone: it expired, or the gate failed in another run"
    return Problem(what=what, hint=f"see: invoke scan --gate {shlex.quote(gate)}", exit=Exit.GATE_FAILED, gate=gate)


def refuse_without_noxfile(repository: Repository, commit: str, tree: str, gates: tuple[str, ...]) -> None:
    """Refuse gates that nothing in the tree defines: where a symlink leads is not said by the tree alone.

    Raises:
        ReleaseError: the tree has no plain file noxfile.py at its root (exit 2).
    """
    mode = os.fsdecode(repository.run("ls-tree", "-z", "--full-tree", tree, "noxfile.py").out).partition(" ")[0]
    if mode == SYMLINK:
        raise usage(
            f"noxfile.py is a symlink at {commit[:10]}: what it leads to is not the commit's", "commit the file"
        )
    if mode not in (FILE, EXECUTABLE):
        raise usage(
            f"there is no noxfile.py at {commit[:10]}, and gates names {', '.join(gates)}",
            "commit a noxfile.py with these sessions, or write gates = [] into [tool.release]",
        )


def _say_what_is_stripped(say: Callable[[str], None]) -> None:
    from release.gates import environment  # noqa: PLC0415  # as above

    names = environment.stripped()
    if names:
        say(f"gates get {', '.join(names)} without user, password and query: keep these in netrc or a keyring")
