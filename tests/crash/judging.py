"""What must hold after a run was struck: what resume, abort and every other task make of the state that it left."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from crash.killing import Ended, Point, strike
from crash.points import WRITING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from crash.cases import Case
    from crash.stage import Stage, State

# Every task that changes something, but resume and abort.
OTHERS = (
    ("bump", "minor"),
    ("propagate",),
    ("propagate", "--commit"),
    ("changelog",),
    ("build",),
    ("tag", "--yes"),
    ("publish", "--yes"),
    ("release.prepare", "2.0.0"),
    ("release.candidate", "--yes"),
    ("release.finish", "--yes"),
    ("release.drop", "--yes"),
    ("hotfix.start",),
    ("hotfix.finish", "--yes"),
    ("hotfix.drop", "--yes"),
    ("feature.start", "other"),
    ("feature.finish", "--yes"),
    ("feature.drop", "--yes"),
    ("support.start", "0.9"),
)


@dataclass(kw_only=True)
class Trial:
    """One task on one stage. `start` is its state before an undisturbed run, `course` those at each stop, and the last.

    `found` is where the struck command begins. `goal` is where it leads: along the course for the task and for resume,
    to `start` for abort.
    `passed` counts the stops that are behind: their conflicts have been resolved, and are never asked about again. A
    `repeated` command (resume, abort) found a journal, so that there is no way back to before it. Without `tracking`,
    remote-tracking refs may be stale.
    """

    stage: Stage
    case: Case
    start: State
    course: tuple[State, ...]
    goal: State
    found: State
    passed: int = 0
    repeated: bool = False
    tracking: bool = True
    states: dict[object, str] = field(default_factory=dict)
    tried: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    phases: set[str] = field(default_factory=set)
    began: float = field(default_factory=time.monotonic)

    @property
    def end(self) -> State:
        return self.course[-1]

    def strike_all(self, points: Iterable[Point], command: Case | None = None, *, origin: str = "start") -> None:
        """Strike `command` (the task itself) at each point, from the kept state `origin`, and judge what is left."""
        case = command or self.case
        if origin != "start":
            self.stage.restore(origin)
            self.found = self.stage.state()
        for point in points:
            ended = self._strike(case, point, origin)
            if not ended.reached:
                self.passed_by(point, ended)
                continue
            self.tried[point.when] += 1
            try:
                self._survived(point, ended)
                self.judge()
            except AssertionError as error:
                self.broken.append(f"{case.name} struck {point}: {error}")

    def _strike(self, case: Case, point: Point, origin: str) -> Ended:
        ended = None
        for one in (point, *point.lower):
            self.stage.restore(origin)
            ended = strike(self.stage, case, one)
            if ended.reached:
                break
        assert ended is not None
        return ended

    def passed_by(self, point: Point, ended: Ended) -> None:
        """Note a point that a run did not come to.

        A reader may be ended by our process before it ends itself; everything else has to be reached.
        """
        if point.when == "after" and point.call in ended.calls and point.call.split()[0] not in WRITING:
            self.tried["ended by us"] += 1
        else:
            self.missed.append(str(point))

    def _survived(self, point: Point, ended: Ended) -> None:
        """Judge how our process ended when it was not killed itself."""
        if point.when not in ("broken", "fail") and not point.error:
            return
        assert "Traceback" not in ended.text, ended.text
        in_progress = self.stage.journal.exists()
        facts = f"exit {ended.code}, {'a' if in_progress else 'no'} journal:\n{ended.text}"
        assert ended.code in self._codes(in_progress=in_progress), facts
        if ended.code == 6 and not self._differences(self.found):
            return  # it could not look at what was resolved, and left it as it was
        if ended.code in (0, 6):
            self._equal(self.goal, f"a run that says it is done ({facts})")
        elif not in_progress:
            self._equal(self.start, f"a run that says nothing has changed ({facts})")
            assert not self.stage.leftovers(), f"{facts}\nleft: {self.stage.leftovers()}"

    def _codes(self, *, in_progress: bool) -> tuple[int, ...]:
        """How a run may end that met an error."""
        if not in_progress:
            return (1, 2, 3) if self.goal in self.course[:-1] else (0, 1, 2, 3)
        refused = (2, 3) if self.repeated else ()  # before it looked at the journal, or back to where it found it
        return (7, *refused, *((6,) if self.repeated or self.goal in self.course[:-1] else ()))

    def judge(self) -> str:
        """Continue what lies on disk in every way there is; the same state is continued once."""
        aims = (self.start, *self.course).index(self.goal)
        name = (aims, self.passed, self.repeated, self.tracking, self.stage.fingerprint())
        known = self.stage.known
        if name not in known:
            self.stage.save("struck")
            known[name] = self._continue()
        self.states[name] = known[name]
        return known[name]

    def _continue(self) -> str:
        stage = self.stage
        if not stage.journal.exists():
            return self._begin_again()
        self._refuses_others()
        self._go_on()
        untouched = stage.raw()
        code, text = self._invoke("release.resume")
        assert (code, "nothing is in progress" in text) == (0, True), f"a second resume ends with {code}:\n{text}"
        assert stage.raw() == untouched, "a second resume changed something"
        stage.restore("struck")
        if stage.remote() == self.start.remote:
            self._abort()
        else:
            self._abort_is_refused()
        return "journal"

    def _go_on(self) -> None:
        """Resume, and resolve each conflict that is still to be resolved, to the end."""
        passed = self.passed
        for _ in self.course:
            code, text = self._invoke("release.resume")
            if code == 0:
                self._whole(self.end, "resume")
                return
            assert code == 6, f"resume ends with {code}:\n{text}"
            passed = self._resolve(passed, text)
        raise AssertionError("resume stops at the same conflict again and again")

    def _resolve(self, passed: int, text: str) -> int:
        """Do what a person does at the conflict where the run has stopped; return how many are behind then."""
        stops = range(passed, len(self.course) - 1)
        found = {number: self._differences(self.course[number]) for number in stops}
        stop = next((number for number in stops if not found[number]), None)
        assert stop is not None, f"resume stops in a state of its own: {found}\n{text}"
        self.case.resolve[stop](self.stage)
        return stop + 1

    def _abort(self) -> None:
        code, text = self._invoke("release.abort")
        assert code == 0, f"abort ends with {code}:\n{text}"
        self._whole(self.start, "abort")
        self._run_again("a run after abort")

    def _run_again(self, what: str) -> None:
        """From the start the task does again what it does undisturbed."""
        code, text = self._invoke(*self.case.words)
        assert code == (6 if self.case.resolve else 0), f"{what} ends with {code}:\n{text}"
        if self.case.resolve:
            self._equal(self.course[0], what)
        else:
            self._whole(self.end, what)

    def _abort_is_refused(self) -> None:
        """After the push the remote is the truth."""
        untouched = self.stage.raw()
        code, text = self._invoke("release.abort")
        assert (code, "release.resume" in text) == (3, True), f"abort after the push ends with {code}:\n{text}"
        assert self.stage.raw() == untouched, "a refused abort changed something"
        self._go_on()

    def _begin_again(self) -> str:
        """Without a journal the run has not begun, or is over."""
        left = self._differences(self.goal)
        if self.repeated or not left:
            assert not left, f"the journal has gone too early:\n{_lines(left)}"
            self._whole(self.goal, "a run killed after its end")
            return "end"
        self._equal(self.start, "a run killed without a journal")
        self._run_again("a second run")
        return "start"

    def _refuses_others(self) -> None:
        """All of them in each phase, and one of them in every other state."""
        untouched = self.stage.raw()
        for words in OTHERS if self.stage.phase not in self.phases else OTHERS[:1]:
            code, text = self._invoke(*words)
            assert (code, "release.resume" in text) == (3, True), (
                f"{' '.join(words)} beside a journal ends with {code}:\n{text}"
            )
        assert self.stage.raw() == untouched, "a refused task changed something"
        self.phases.add(self.stage.phase)

    def _invoke(self, *words: str) -> tuple[int, str]:
        ended = self.stage.project.invoke(*words, cwd=self.stage.slot / self.case.place)
        return ended.code, ended.text

    def _equal(self, wanted: State, what: str) -> None:
        found = self._differences(wanted)
        assert not found, f"{what} differs:\n{_lines(found)}"

    def _differences(self, wanted: State) -> list[str]:
        now = self.stage.state()
        if not self.tracking:
            now, wanted = now.without_tracking(), wanted.without_tracking()
        return now.differences(wanted)

    def _whole(self, wanted: State, what: str) -> None:
        """The wanted state, nothing left behind, and a sound object database."""
        self._equal(wanted, what)
        assert not self.stage.leftovers(), f"{what} leaves {self.stage.leftovers()}"
        complaint = self.stage.project.git("fsck", "--no-dangling", "--no-progress")
        assert not complaint, f"{what}: {complaint}"

    def conclude(self, tell: Callable[[str, object], None], **more: object) -> None:
        """Tell what was tried, for the closing table, and fail with every point that was not continued as promised."""
        facts = {
            "case": self.case.name,
            "tried": dict(self.tried),
            "states": dict(Counter(self.states.values())),
            "missed": self.missed,
            "seconds": round(time.monotonic() - self.began, 1),
        }
        tell("crash", facts | more)
        assert not self.broken, f"{len(self.broken)} points:\n{_lines(self.broken)}"
        assert not self.missed, f"not reached: {self.missed}"


def _lines(found: list[str]) -> str:
    return "\n".join(found)


def trial(stage: Stage, case: Case) -> Trial:
    """Build a task's project once, and run the task undisturbed once; all states on the way are kept."""
    if stage.start is None:
        case.build(stage)
        stage.save("start")
        stage.start = stage.state()
        stage.course = tuple(_undisturbed(stage, case))
        assert len({id(state): state for state in (stage.start, *stage.course)}) == len(case.resolve) + 2
    start, course = stage.start, stage.course
    return Trial(stage=stage, case=case, start=start, course=course, goal=course[0], found=start)


def _undisturbed(stage: Stage, case: Case) -> Iterator[State]:
    """Run a task to its end, resolving what it stops at; yield the state at each stop, and at the end.

    The first stop is kept as "stopped 1", and what is there when its conflict has been resolved as "resolved 1".
    """
    words = case.words
    for number, resolve in enumerate(case.resolve, 1):
        ended = stage.project.invoke(*words, cwd=stage.slot / case.place)
        assert ended.code == 6, ended.text
        stage.save(f"stopped {number}")
        yield stage.state()
        resolve(stage)
        stage.save(f"resolved {number}")
        words = ("release.resume",)
    ended = stage.project.invoke(*words, cwd=stage.slot / case.place)
    assert ended.code == 0, ended.text
    assert not stage.leftovers()
    yield stage.state()
