"""One changing task: it plans, shows, asks, has the gates run, signs, and carries out."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from release import console
from release.errors import refusal, usage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from release.flows.rehearse import Rehearsal
    from release.flows.situation import Situation
    from release.gates.exchange import Offer
    from release.git.database import ObjectReader
    from release.git.repository import Repository
    from release.git.world import Begun
    from release.plan import Candidate, Plan, Stop

_ATTEMPTS = 3  # at a number that other clones take too
_NOT_NEEDED = "no receipts are needed: nothing is tagged, or no gates are configured"


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Run:
    """One changing task: where it works, and whether it only shows what it would do. `lock` is None then.

    `receipts` is the folder with those from elsewhere, None when none was given; `rehearsal` is the one that it is a
    step of.
    """

    repository: Repository
    lock: int | None
    yes: bool
    receipts: Path | None = None
    rehearsal: Rehearsal | None = None
    begun: list[Begun] = field(default_factory=list)

    def look(self, *, moment: int | None = None, features: bool = False) -> AbstractContextManager[Situation]:
        """Look at the repository and its remote, as `situation.look`; the first time, what was asked early is taken."""
        from release.flows import situation  # noqa: PLC0415  # the single steps need none of it

        begun = self.begun.pop() if self.begun else None
        return situation.look(self.repository, lock=self.lock, moment=moment, features=features, begun=begun)

    def flow(
        self,
        name: str,
        told: Mapping[str, str | bool],
        *,
        stop: Stop | None = None,
        features: bool = False,
    ) -> None:
        """Plan a flow that may stop at conflicts, by what it was `told`, and carry it out.

        `stop` is where it goes on from.

        Raises:
            ReleaseError: it stops at a conflict: the merge is handed over (exit 6); or as `carry_out`.
        """
        with self.look(moment=None if stop is None else stop.moment, features=features) as scene:
            from release import flows  # noqa: PLC0415  # after git was set to work
            from release.flows import conflicts  # noqa: PLC0415

            going_on = stop
            if going_on is not None:
                conflicts.refuse_moved(scene, going_on)
                scene, going_on = conflicts.take(scene, going_on)  # noqa: PLW2901  # without the worktree of the merge
            try:
                plan = flows.planned(scene, name, told, {} if going_on is None else dict(going_on.resolutions))
            except conflicts.Stopped as stopped:
                if self.lock is not None:
                    if going_on is not None:
                        conflicts.put_away(self.repository, going_on)
                        for note in conflicts.asked_again(going_on, stopped.stop):
                            console.say(f"note: {note}")
                    where = conflicts.hand_over(self.repository, stopped.stop, lock=self.lock)
                    console.say(f"the merge is in progress in {where}")
                raise
            self.carry_out(plan, scene.objects, stop=going_on)
        if told.get("publish") and self.lock is not None:
            from release.tasks import shipping  # noqa: PLC0415  # only what is published

            shipping.after(self, plan.tag)

    def numbered(self, make: Callable[[Situation], Plan]) -> None:
        """Plan and carry out something that takes the next free number; when another clone takes it first, again.

        Raises:
            ReleaseError: others were first each time (exit 3), or as `carry_out`.
        """
        from release.git.pushing import MovedError  # noqa: PLC0415  # loaded by tasks that push

        run = self
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with run.look() as scene:
                    run.carry_out(make(scene), scene.objects)
            except MovedError as error:
                if attempt == _ATTEMPTS:
                    raise
                console.say(f"another clone was first: {error.problems[0].what.splitlines()[0].rstrip(':')}")
                run = replace(self, yes=True)
            else:
                return

    def carry_out(self, plan: Plan, objects: ObjectReader, *, question: str = "", stop: Stop | None = None) -> None:
        """Show the plan, or ask if it is seen by others or there is a `question`, have it gated, and carry it out.

        `stop` holds what people resolved on the way to this plan.

        Raises:
            ReleaseError: as `Transaction.apply`; without a terminal and without --yes (exit 2); a no (exit 3); a gate
                failed or could not look (exit 4, 5); the tag cannot be signed (exit 3).
        """
        if self.lock is None:
            self._show(plan, objects)
            return
        for note in plan.notes:
            console.say(f"note: {note}")
        asks = (plan.push is not None or question) and not self.yes
        if asks or (stop is not None and plan.push is not None):  # to go on is a yes, but not to what nobody has seen
            for line in console.summary(replace(plan, notes=())):
                console.say(line)
        if asks:
            confirm(question or "carry this out?")
        if self.rehearsal is not None and self.rehearsal.signers and plan.tag is not None:
            plan = replace(plan, tag=plan.tag._replace(sign=True, signers=self.rehearsal.signers))
        plan = self._with_evidence(plan, objects, is_begun=stop is not None)
        from release.git.transaction import Transaction  # noqa: PLC0415  # a preview needs none of it

        if stop is not None:
            from release.flows import conflicts  # noqa: PLC0415  # loaded by flows that merge

            stop = conflicts.put_away(self.repository, stop)
        transaction = Transaction(repository=self.repository, objects=objects, lock=self.lock, say=console.say)
        left = transaction.apply(plan, stop=stop)
        for path in left:
            console.say(f"left alone, because it changed meanwhile: {path}")
        keep(self.repository, plan, rehearsal=self.rehearsal)
        conclude(plan if self.rehearsal is not None else requested(plan))

    def _show(self, plan: Plan, objects: ObjectReader) -> None:
        """Show what carrying it out would do; nothing is changed."""
        console.preview(plan)
        if plan.request is not None and plan.request.repository:
            from release.tasks import requesting  # noqa: PLC0415  # only plans with a request

            console.say(requesting.foretold(plan.request))
        if plan.candidate is not None and (plan.candidate.gates or plan.candidate.build):
            from release.tasks import gating  # noqa: PLC0415  # only tags need evidence

            for line in gating.to_build(self.repository, plan.candidate):
                console.say(line)
            offer = self._offer(plan.candidate, objects)
            console.say(gating.to_run(self.repository, plan.candidate, offer))
        elif self.receipts is not None:
            console.say(_NOT_NEEDED)
        console.say(f"dry run: nothing has changed ({plan.done})")

    def _with_evidence(self, plan: Plan, objects: ObjectReader, *, is_begun: bool) -> Plan:
        """Have the candidate gated, then its tag signed if it is to be. `is_begun`: it goes on from a stop."""
        if plan.candidate is not None and (plan.candidate.gates or plan.candidate.build):
            from release.tasks import gating  # noqa: PLC0415  # only tags need evidence

            self._signed(plan, objects, only_try=True)  # a locked key is found before the gates have run
            if (offer := self._offer(plan.candidate, objects)) is not None:
                from release.gates import exchange  # noqa: PLC0415  # only when there are receipts from elsewhere

                exchange.accept(self.repository, offer)
            again = "" if is_begun else plan.task
            is_built = gating.built(self.repository, plan.candidate, again=again)
            if gating.passed(self.repository, plan.candidate, again=again, rehearsal=self.rehearsal) or is_built:
                from release.flows import meanwhile  # noqa: PLC0415  # as above

                meanwhile.refuse_changed(self.repository, plan, objects)
        elif self.receipts is not None:
            console.say(_NOT_NEEDED)
        return self._signed(plan, objects)

    def _signed(self, plan: Plan, objects: ObjectReader, *, only_try: bool = False) -> Plan:
        """Return the plan with its tag signed, if it is to be; or only try whether that can be done."""
        if plan.tag is None or not plan.tag.sign:
            return plan
        from release.git import objects as database  # noqa: PLC0415  # most tags are not signed
        from release.git import signing, world  # noqa: PLC0415

        writer = database.ObjectWriter(repository=self.repository, reader=objects, lock=self.lock)
        settings = world.read_settings(self.repository)
        if only_try:
            signing.probe(writer, plan.tag, settings)
            return plan
        return plan.with_tag(signing.sign(writer, plan.tag, settings))

    def _offer(self, candidate: Candidate, objects: ObjectReader) -> Offer | None:
        """Return what a folder of receipts, if one was given, has for the candidate, and say it; nothing is stored."""
        if self.receipts is None:
            return None
        from release.gates import exchange  # noqa: PLC0415  # only when there is such a folder

        offer = exchange.offered(
            self.repository, objects, folder=self.receipts, tree=candidate.tree, gates=candidate.gates
        )
        for line in offer.lines():
            console.say(line)
        return offer


def keep(repository: Repository, plan: Plan, *, rehearsal: Rehearsal | None) -> None:
    """Keep what was built for the tag of a plan that is carried out, if anything was."""
    if plan.tag is not None and plan.candidate is not None and plan.candidate.build:
        from release.tasks import shipping  # noqa: PLC0415  # only what is built

        shipping.keep(repository, plan.tag, rehearsal=rehearsal)


def conclude(plan: Plan) -> None:
    """Say what holds now, and the next and the undo command."""
    console.say(plan.done)
    if plan.then:
        console.say(f"next: {plan.then}")
    if plan.undo:
        console.say(f"undo: {plan.undo}")


def requested(plan: Plan) -> Plan:
    """Open the pull request of a plan that was carried out, if it has one and we can; return the plan with its address.

    Where it cannot be opened that is said, and nothing is undone: a person opens it.
    """
    if plan.request is None or not plan.request.repository:
        return plan
    from release.tasks import requesting  # noqa: PLC0415  # only plans with a request

    return replace(plan, done=plan.done.replace(plan.request.address, requesting.opened(plan.request)))


def confirm(question: str) -> None:
    """Ask on the terminal.

    Raises:
        ReleaseError: there is no terminal to ask on (exit 2), or the answer is no (exit 3).
    """
    if not sys.stdin.isatty():
        raise usage(f"{question} There is no terminal to ask on.", "repeat the command with --yes")
    answer = input(f"{question} [y/N] ")
    if answer.strip().lower() not in ("y", "yes"):
        raise refusal("stopped: nothing has changed")
