"""Whether a gate passed, by what nox left behind: its status, its report, and the commands that were witnessed.

Status 0 is not evidence: nox ends with it when a session was skipped, and when it had nothing in it.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from release.errors import Exit, Problem, ReleaseError, usage
from release.formats import inert
from release.gates import environment, results
from release.gates.receipts import SUCCESS, Session

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from release.gates.results import Result

_SELECTING_FAILED = 3  # nox's status when the sessions asked for cannot be selected
_TAIL_LINES = 15
_TAIL_BYTES = 16_384
_COMMANDS = 20  # kept of each session, of at most so many characters
_LONGEST = 500
_FINDINGS = 5  # named besides what could not be looked at; the log has all
_SKIPPED = "skipped"
_NOT_FOUND = "Sessions not found: "
_WRITE = "write the session, or correct gates in [tool.release]"


class Ran(NamedTuple):
    """What a run of nox left in a gate's folder."""

    gate: str
    commit: str
    status: int
    folder: Path
    given: tuple[tuple[str, str], ...] = ()  # variables that this gate alone was given, with their values

    @property
    def log(self) -> Path:
        """All that nox and its sessions printed."""
        return self.folder / "log.txt"

    @property
    def report(self) -> Path:
        """Nox's own report."""
        return self.folder / "report.json"

    @property
    def record(self) -> Path:
        """The witnessed commands."""
        return self.folder / "commands.jsonl"

    @property
    def results(self) -> Path:
        """What sessions of ours found out."""
        return self.folder / "results.jsonl"


class Command(NamedTuple):
    """A command that a session started, and the session's name."""

    session: str
    argv: tuple[str, ...]


def commands(ran: Ran) -> tuple[Command, ...]:
    """Return the witnessed commands in their order; none when there is no record."""
    try:
        rows = [json.loads(line) for line in ran.record.read_bytes().splitlines()]
        return tuple(Command(session=row["session"], argv=tuple(row["argv"])) for row in rows)
    except (OSError, ValueError, KeyError, TypeError):
        return ()


class Judged(NamedTuple):
    """A gate that passed: its sessions, command lines and counts that are the evidence, what the sessions found out."""

    sessions: tuple[Session, ...]
    evidence: tuple[str, ...]
    results: tuple[Result, ...]


def judge(ran: Ran) -> Judged:
    """Return what a gate that passed has shown.

    Raises:
        ReleaseError: there is no such session (exit 2); one failed, or ran nothing (exit 4); one was skipped, could not
            look, lacks its interpreter, or nox did not get that far (exit 5).
    """
    entries = _entries(ran)
    if entries is None:
        raise _without_report(ran)
    witnessed = [command for command in commands(ran) if not environment.installs(command.argv)]
    told, unreadable = _told(ran, [_name(entry) for entry in entries])
    objections = [*unreadable, *(found for entry in entries for found in _objections(entry, witnessed, told))]
    if not any(_belongs(entry, ran.gate) for entry in entries):
        objections.append((Exit.NOT_AUDITED, "nox ran no session of that name"))
    if not objections and ran.status:
        objections.append((Exit.GATE_FAILED, f"nox ended with status {ran.status}"))
    if objections:
        raise _failed(ran, objections)
    sessions = tuple(Session(_name(entry), entry["result"], float(entry.get("duration", 0.0))) for entry in entries)
    evidence = (line for one in sessions for line in _lines(one.name, witnessed, ran.folder))
    return Judged(sessions, (*evidence, *(line for one in told for line in one.evidence)), told)


def _told(ran: Ran, sessions: Sequence[str]) -> tuple[tuple[Result, ...], list[tuple[Exit, str]]]:
    """Return what these sessions found out (others are of a nox that one of them ran), or that it is unreadable."""
    try:
        return tuple(one for one in results.read(ran.results) if one.session in sessions), []
    except ValueError as error:
        return (), [(Exit.NOT_AUDITED, f"what its sessions found out cannot be read: {inert.reason(str(error))}")]


def _failed(ran: Ran, objections: Sequence[tuple[Exit, str]]) -> ReleaseError:
    """Return the error of a gate: what failed and what could not look are told apart, as the one hides the other."""
    *before, last = sorted({code for code, _ in objections})
    texts = {code: "; ".join(what for of, what in objections if of == code) for code in (*before, last)}
    plain = [_problem(ran, texts[code], code) for code in before]
    return ReleaseError([*plain, *failed(ran, texts[last], last).problems])


def failed(ran: Ran, why: str, code: Exit = Exit.GATE_FAILED) -> ReleaseError:
    """Return the error of a gate: why, the last lines that it printed, the whole log, and how to run it again."""
    shown = "".join(f"\n  | {line}" for line in tail(ran.log))
    hint = f"the whole log: {ran.log}\n  run it again: {_again(ran)}"
    return ReleaseError([_problem(ran, f"{why}{shown}", code)._replace(hint=hint)])


def _problem(ran: Ran, why: str, code: Exit) -> Problem:
    word, mark = ("could not look", "NOT AUDITED: ") if code == Exit.NOT_AUDITED else ("failed", "")
    return Problem(what=f"{mark}gate {ran.gate} {word} on {ran.commit[:10]}: {why}", exit=code)


def _again(ran: Ran) -> str:
    """Return what runs the gate by itself, as it is typed: where it ran, on what it was given, with the same nox."""
    own = Path(sys.executable).with_name("nox")
    found = shutil.which("nox")
    nox = [sys.executable, "-m", "nox"] if not own.exists() else ["nox" if found == str(own) else str(own)]
    session = [f"--session={ran.gate}"] if ran.gate.startswith("-") else ["-s", ran.gate]
    given = "".join(f"{name}={shlex.quote(value)} " for name, value in ran.given)
    return f"cd {shlex.quote(str(ran.folder / 'tree'))} && {given}{shlex.join([*nox, *session])}"


def _entries(ran: Ran) -> list[dict[str, Any]] | None:
    """Return what nox's report says of each session; None when nox wrote none that can be read."""
    try:
        entries = json.loads(ran.report.read_bytes())["sessions"]
        if all(isinstance(entry["result"], str) and isinstance(_name(entry), str) for entry in entries):
            return list(entries)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass  # as with a field of another type
    return None


def _name(entry: dict[str, Any]) -> str:
    signatures = entry.get("signatures") or [entry["name"]]
    name: str = signatures[0]
    return name


def _belongs(entry: dict[str, Any], gate: str) -> bool:
    """Whether a session is one of those that nox selects by the gate's name; quotes and blanks make no difference."""
    return any(_normal(name) == _normal(gate) for name in (entry["name"], *(entry.get("signatures") or ())))


def _normal(name: str) -> str:
    return name.replace('"', "'").replace(" ", "")


def _objections(
    entry: dict[str, Any], witnessed: Sequence[Command], told: Sequence[Result]
) -> Iterator[tuple[Exit, str]]:
    """Yield why a session is no evidence; nothing if it is."""
    name, result = _name(entry), entry["result"]
    reason = inert.reason(str(entry.get("reason") or ""))
    because = f": {reason}" if reason else ""
    mine = [one for one in told if one.session == name]
    blind = [inert.reason(why) for one in mine for why in one.not_looked]
    found = [inert.reason(why) for one in mine for why in one.findings]
    if blind:
        yield Exit.NOT_AUDITED, f"session {name} could not look: {'; '.join(blind)}"
        if found:
            yield Exit.GATE_FAILED, f"session {name} has findings besides: {'; '.join(found[:_FINDINGS])}"
    elif result == _SKIPPED:
        yield Exit.NOT_AUDITED, f"session {name} was skipped{because}"
    elif result == "failed" and reason:  # nox gives a reason for one kind of failure alone
        yield Exit.NOT_AUDITED, f"session {name}{because}"
    elif result != SUCCESS:
        yield Exit.GATE_FAILED, f"session {name} {result}{because}"
    elif found:
        yield Exit.GATE_FAILED, f"session {name} passed with findings"
    elif not any(command.session == name for command in witnessed):
        yield Exit.GATE_FAILED, f"session {name} ran nothing with session.run but installations, if anything"


def refuse_unknown(ran: Ran) -> None:
    """Refuse sessions that nox was asked for and has not found; of all else that went wrong their own runs tell.

    Raises:
        ReleaseError: there are such (exit 2).
    """
    found = next((line.partition(_NOT_FOUND)[2] for line in tail(ran.log) if _NOT_FOUND in line), "")
    if ran.status == _SELECTING_FAILED and found:
        raise usage(f"noxfile.py has no session {found}, which `gates` names (at {ran.commit[:10]})", _WRITE)


def _without_report(ran: Ran) -> ReleaseError:
    """Return the error of a nox that ended before it had run its sessions."""
    said = [line.removeprefix("nox > ") for line in tail(ran.log) if line.startswith("nox > ")]
    if ran.status == _SELECTING_FAILED:
        if any(_NOT_FOUND in line for line in said):
            what = f"noxfile.py has no session {ran.gate}, which is one of `gates`"
            return _unusable(ran, f"{what} (at {ran.commit[:10]})", _WRITE)
        why = said[-1] if said else "no message"
        hint = "correct noxfile.py, or gates in [tool.release]"
        return _unusable(ran, f"nox cannot select gate {ran.gate}: {why}", hint)
    if ran.status < 0:
        return failed(ran, f"nox was ended by signal {-ran.status}", Exit.NOT_AUDITED)
    return failed(ran, f"nox ended with status {ran.status} before it ran a session", Exit.NOT_AUDITED)


def _unusable(ran: Ran, what: str, hint: str) -> ReleaseError:
    return ReleaseError([Problem(what=what, hint=hint, exit=Exit.USAGE, gate=ran.gate)])


def _lines(session: str, witnessed: Sequence[Command], folder: Path) -> Iterator[str]:
    """Yield command lines of a session; programs of its own environment by their name alone, as nox shows them."""
    mine = [command.argv for command in witnessed if command.session == session]
    for program, *words in mine[:_COMMANDS]:
        shown = Path(program).name if Path(program).is_relative_to(folder / "envs") else program
        yield shlex.join(map(inert.public, [shown, *words]))[:_LONGEST]


def tail(log: Path) -> list[str]:
    """Return the last lines of a log, fit for a terminal, without secrets of URLs; none of one that cannot be read."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return []
    return re.split(r"\n+", inert.reason(inert.public(text)))[-_TAIL_LINES:]
