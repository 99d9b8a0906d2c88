"""What must hold after a run was struck: what resume, abort and every other task make of the state that it left."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from crash.killing import Ended, Point, strike

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from crash.cases import Case
    from crash.stage import Stage, State

OTHERS = (
    ("bump", "minor"),
    ("propagate",),
    ("propagate", "--commit"),
    ("changelog",),
    ("release.prepare", "2.0.0"),
    ("release.drop", "--yes"),
)


@dataclass(kw_only=True)
class Trial:
    """One task on one stage. `start` and `end` are its states before and after an undisturbed run.

    `final` is where the struck command leads: `end` for the task and for resume, `start` for abort. A `repeated`
    command (resume, abort) found a journal, so that there is no way back to before it. Without `tracking`,
    remote-tracking refs may be stale.
    """

    stage: Stage
    case: Case
    start: State
    end: State
    final: State
    repeated: bool = False
    tracking: bool = True
    known: dict[str, str] = field(default_factory=dict)
    tried: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def strike_all(self, points: Iterable[Point], command: Case | None = None, *, origin: str = "start") -> None:
        """Strike `command` (the task itself) at each point, from the kept state `origin`, and judge what is left."""
        for point in points:
            self.stage.restore(origin)
            ended = strike(self.stage, command or self.case, point)
            if not ended.reached:
                self.missed.append(str(point))
                continue
            self.tried[point.when] += 1
            try:
                self._survived(point, ended)
                self.judge()
            except AssertionError as error:
                self.broken.append(f"{(command or self.case).name} struck {point}: {error}")

    def _survived(self, point: Point, ended: Ended) -> None:
        """Judge how our process ended when it was not killed itself."""
        if point.when not in ("broken", "fail") and not point.error:
            return
        assert "Traceback" not in ended.text, ended.text
        in_progress = self.stage.journal.exists()
        facts = f"exit {ended.code}, {'a' if in_progress else 'no'} journal:\n{ended.text}"
        assert ended.code in ((7,) if in_progress else (0, 1, 2, 3)), facts
        if ended.code == 0:
            self._equal(self.final, f"a run that says it is done ({facts})")
        elif ended.code != 7:
            self._equal(self.start, f"a run that says nothing has changed ({facts})")
            assert not self.stage.leftovers(), f"{facts}\nleft: {self.stage.leftovers()}"

    def judge(self) -> str:
        """Continue what lies on disk in every way there is; the same state is continued once."""
        name = f"{self.repeated} {self.stage.fingerprint()}"
        if name not in self.known:
            self.stage.save("struck")
            self.known[name] = self._continue()
        return self.known[name]

    def _continue(self) -> str:
        stage = self.stage
        if not stage.journal.exists():
            return self._begin_again()
        self._refuses_others()
        code, text = self._invoke("release.resume")
        assert code == 0, f"resume ends with {code}:\n{text}"
        self._whole(self.end, "resume")
        untouched = stage.raw()
        code, text = self._invoke("release.resume")
        assert (code, "nothing is in progress" in text) == (0, True), f"a second resume ends with {code}:\n{text}"
        assert stage.raw() == untouched, "a second resume changed something"
        stage.restore("struck")
        if stage.state().remote == self.start.remote:
            self._abort()
        else:
            self._abort_is_refused()
        return "journal"

    def _abort(self) -> None:
        code, text = self._invoke("release.abort")
        assert code == 0, f"abort ends with {code}:\n{text}"
        self._whole(self.start, "abort")
        code, text = self._invoke(*self.case.words)
        assert code == 0, f"a run after abort ends with {code}:\n{text}"
        self._whole(self.end, "a run after abort")

    def _abort_is_refused(self) -> None:
        """After the push the remote is the truth."""
        untouched = self.stage.raw()
        code, text = self._invoke("release.abort")
        assert (code, "release.resume" in text) == (3, True), f"abort after the push ends with {code}:\n{text}"
        assert self.stage.raw() == untouched, "a refused abort changed something"
        code, text = self._invoke("release.resume")
        assert code == 0, f"resume after a refused abort ends with {code}:\n{text}"
        self._whole(self.end, "resume after a refused abort")

    def _begin_again(self) -> str:
        """Without a journal the run has not begun, or is over."""
        left = self._differences(self.final)
        if self.repeated or not left:
            assert not left, f"the journal has gone too early:\n{_lines(left)}"
            self._whole(self.final, "a run killed after its end")
            return "end"
        self._equal(self.start, "a run killed without a journal")
        code, text = self._invoke(*self.case.words)
        assert code == 0, f"a second run ends with {code}:\n{text}"
        self._whole(self.end, "a second run")
        return "start"

    def _refuses_others(self) -> None:
        untouched = self.stage.raw()
        for words in OTHERS:
            code, text = self._invoke(*words)
            told = "release.resume" in text and "release.abort" in text
            assert (code, told) == (3, True), f"{' '.join(words)} beside a journal ends with {code}:\n{text}"
        assert self.stage.raw() == untouched, "a refused task changed something"

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
            "states": dict(Counter(self.known.values())),
            "missed": self.missed,
            "seconds": round(time.monotonic() - self.began, 1),
        }
        tell("crash", facts | more)
        assert not self.broken, f"{len(self.broken)} points:\n{_lines(self.broken)}"
        assert not self.missed, f"not reached: {self.missed}"


def _lines(found: list[str]) -> str:
    return "\n".join(found)


def trial(stage: Stage, case: Case) -> Trial:
    """Build a task's project once, and run the task undisturbed once; both states are kept."""
    if stage.start is None or stage.end is None:
        case.build(stage)
        stage.save("start")
        stage.start = stage.state()
        ended = stage.project.invoke(*case.words, cwd=stage.slot / case.place)
        assert ended.code == 0, ended.text
        stage.end = stage.state()
        assert not stage.leftovers()
        assert stage.start != stage.end
    return Trial(stage=stage, case=case, start=stage.start, end=stage.end, final=stage.end)
