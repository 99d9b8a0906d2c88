"""One gate: its nox session on a clean checkout, in a process group of its own, and the receipt if it passed."""

from __future__ import annotations

import importlib.metadata
import platform
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from release import process
from release.errors import Exit, ReleaseError
from release.gates import checkout, digests, environment, parts, receipts, results, settings, supply, verdict
from release.git.database import ObjectReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from release.gates.checkout import Checkout
    from release.gates.children import Children
    from release.gates.receipts import Receipt
    from release.gates.results import Result
    from release.gates.supply import Supply
    from release.git.repository import Repository

_WITNESS = Path(__file__).with_name("witness.py")


class Look(NamedTuple):
    """What the gates that run side by side have in common.

    `gates` are their names. Receipts of runs that had begun by `since` (UTC seconds) do not count; if that is not 0, no
    environment that is there is used either. With `whole` every
    submodule has to be there. `children` are ended by another thread; `say` may be called in any.
    """

    repository: Repository
    commit: str
    tree: str
    gates: tuple[str, ...]
    since: int
    whole: bool
    children: Children
    say: Callable[[str], None]


def run(look: Look, gate: str, *, starts: Callable[[], None], asks: bool) -> Receipt:
    """Run a gate and return its receipt, which is stored; one that another run made meanwhile is as good.

    `starts` is called when all is checked out. With `asks` nox is asked first whether it knows all gates of the look.

    Raises:
        ReleaseError: as of `supply.of`, `checkout.opened` and `verdict.judge`; nox knows no session for one of the
            gates (exit 2); the gate changed what it was to look at (exit 4); a file of ours cannot be written (exit 5).
        CancelledError: the children were to end.
    """
    try:
        with checkout.opened(
            look.repository, gate=gate, commit=look.commit, tree=look.tree, say=look.say, children=look.children
        ) as place:
            if look.whole and place.absent:
                what = f"it needs all submodules, and these are not here: {parts.named(place.absent)}"
                raise checkout.blind(gate, what, parts.FETCH_SUBMODULES)
            found = receipts.find(look.repository, gate, look.tree)
            if found is not None and found.started > look.since and found.absent == place.absent:
                return found
            starts()
            try:
                given = supply.of(
                    look.repository, gate=gate, commit=look.commit, tree=look.tree, say=look.say, children=look.children
                )
                return _passed(look, place, given, asks=asks)
            except ReleaseError as error:
                look.children.check()
                if any(problem.exit is Exit.GATE_FAILED for problem in error.problems):  # whatever else it could not do
                    receipts.withdraw(look.repository, gate, look.tree)
                if error.exit is Exit.USAGE and not asks:
                    _refuse_unknown(look, place)  # which names those of the others, too
                raise
    except (ReleaseError, OSError) as error:
        look.children.check()
        if isinstance(error, OSError):
            raise checkout.blind(gate, f"{error.filename or 'a file'}: {error.strerror}") from None
        raise


def _refuse_unknown(look: Look, place: Checkout) -> None:
    """Refuse gates of which nox knows no session.

    Raises:
        ReleaseError: there are such (exit 2).
    """
    named = [gate for gate in look.gates if not gate.startswith("-")]  # which nox takes for an option here
    if len(named) > 1:
        verdict.refuse_unknown(_nox(look, place, "--list", "--session", *named))


def _passed(look: Look, place: Checkout, given: Supply, *, asks: bool) -> Receipt:
    """Run nox, judge what it left, and store the receipt."""
    started = int(time.time())
    nox = importlib.metadata.version("nox")
    key = environment.fingerprint(place.files, nox, receipts.tool_version())
    environment.renew(place.folder, key, fresh=look.since > 0)
    if asks:
        _refuse_unknown(look, place)
    ran = _nox(look, place, f"--session={place.gate}", given=given.variables)
    environment.keep(place.folder, key, (command.argv for command in verdict.commands(ran)))
    judged = verdict.judge(ran)
    touched = (*checkout.changed(place), *given.changed())
    if touched:
        raise verdict.failed(ran, f"it changed what it was to look at: {parts.named(touched)}")
    with closing(ObjectReader(look.repository.top)) as reader:
        found = digests.of(reader, reader.tree(look.tree))
        receipt = receipts.Receipt(
            gate=place.gate,
            tree=look.tree,
            commit=look.commit,
            sessions=judged.sessions,
            evidence=judged.evidence,
            counts=tuple(line for one in judged.results for line in one.evidence),
            artifacts=given.artifacts(),
            tool=receipts.tool_version(),
            nox=nox,
            python=platform.python_version(),
            noxfile=found.noxfile,
            lock=found.lock,
            started=started,
            ended=int(time.time()),
            expires=_expiry(reader, look.tree, judged.results, started),
            absent=place.absent,
        )
    receipts.write(look.repository, receipt)
    return receipt


def _expiry(reader: ObjectReader, tree: str, told: Iterable[Result], started: int) -> int | None:
    """Return when results count no longer, None for never: what advisory databases say ages, acceptances end."""
    ends = [end for one in told if (end := one.ends()) is not None]
    if any(one.advisory for one in told):
        ends.append(started + settings.of(reader, tree).advisory_hours * 3600)
    return int(min(ends)) if ends else None


def _nox(look: Look, place: Checkout, *selection: str, given: Mapping[str, str] | None = None) -> verdict.Ran:
    """Run nox on what is selected to its end.

    Raises:
        CancelledError: it was ended, with all that it had started.
    """
    given = given or {}
    ran = verdict.Ran(
        gate=place.gate, commit=look.commit, status=0, folder=place.folder, given=tuple(sorted(given.items()))
    )
    for old in (ran.report, ran.record, ran.log, ran.results):
        old.unlink(missing_ok=True)
    argv = [
        sys.executable,
        str(_WITNESS),
        str(ran.record),
        "--noxfile=noxfile.py",
        f"--report={ran.report}",
        f"--envdir={place.folder / 'envs'}",
        "--reuse-venv=yes",  # what is there was made for the same files; sessions may say that they want none of it
        "--error-on-missing-interpreters",
        "--no-color",
        *selection,
    ]
    with ran.log.open("wb") as log:
        group = process.start_group(
            argv,
            cwd=place.tree,
            env={**environment.variables(), results.VARIABLE: str(ran.results), **given},
            output=log.fileno(),
            keep=(place.lock,),
        )
        with look.children.holding(group):
            status = group.wait()
    return ran._replace(status=status)
