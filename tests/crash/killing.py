"""Running a task as a process of its own, and ending it, with all that it started, at a chosen point.

A run is a session: whatever group a git call is put into, it stays in that session, and a kill reaches it there.
The points are these.

- before and after a git call: a `git` that stands first on PATH (shim.sh) reports that the call has come, and waits.
- inside a git call: the same program runs that one call under strace, which delivers SIGKILL (or an error) at the
  N-th of one system call. strace counts for each process and each system call alone, so a point is a system call's
  name and its number in the process that reaches that number first. A push's helpers are not followed: the server
  runs in a session of its own (see cases.py), ends by itself, and is waited for.
- a system call of our own process: the whole run is started under strace, which does not follow its children.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import release

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crash.cases import Case
    from crash.stage import Stage

SECONDS = 60.0  # no run takes longer; a test that waits longer has failed
SYSTEM_CALLS = (
    "?rename,?renameat,renameat2,?link,linkat,?unlink,unlinkat,?rmdir,?mkdir,mkdirat,?symlink,symlinkat,?open,openat,"
    "write,pwrite64,ftruncate,fsync,fdatasync,sync_file_range,?chmod,fchmod,fchmodat"
)
_SHIM = Path(__file__).with_name("shim.sh")
_ROOT = Path(release.__file__).parents[1]


@dataclass(frozen=True, kw_only=True)
class Point:
    """Where something happens to a run.

    `when` is before, after, inside, broken or fail for the git call `call` ("update-ref 1"), and own for our process;
    `system_call` and `number` name the point for inside, broken and own; with a `path` only the calls that name it so
    are counted. `error` is an errno instead of a signal.
    """

    when: str
    call: str = ""
    system_call: str = ""
    number: int = 0
    path: str = ""
    error: str = ""
    signal: str = "KILL"

    def __str__(self) -> str:
        inner = f" {self.system_call} {self.number} {self.path}".rstrip() if self.system_call else ""
        return f"{self.when} {self.call}{inner}{f' {self.error}' if self.error else ''}".replace("  ", " ")

    @property
    def lower(self) -> Iterator[Point]:
        """What stands for this point when a run does not come there: the calls before it that name the same file.

        How often git opens a file before it makes it hangs on times: a file as old as the index is looked into.
        """
        return (replace(self, number=number) for number in range(self.number - 1, 0, -1) if self.path)

    @property
    def inject(self) -> str:
        """What strace is told."""
        done = f"error={self.error}" if self.error else f"signal={self.signal}"
        return f"{self.system_call}:{done}:when={self.number}"


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a run ended. `reached` says whether it came to its point, `code` is negative for a signal.

    `calls` are the git calls that it began.
    """

    code: int
    text: str
    reached: bool
    calls: tuple[str, ...]


class Run:
    """A task under way, in its own session."""

    def __init__(self, stage: Stage, case: Case, point: Point | None = None, *, trace: str = "") -> None:
        self.folder = stage.slot.parent / "run"
        self._remote = str(stage.project.remote)
        if self.folder.exists():
            shutil.rmtree(self.folder)
        (self.folder / "bin").mkdir(parents=True)
        (self.folder / "tmp").mkdir()
        shutil.copyfile(_SHIM, self.folder / "bin/git")
        (self.folder / "bin/git").chmod(0o755)
        for name in ("here", "go"):
            os.mkfifo(self.folder / name)
        self._here = os.open(self.folder / "here", os.O_RDWR | os.O_NONBLOCK)
        self.point = point
        self._output = (self.folder / "output").open("wb")
        self._popen = subprocess.Popen(
            [*self._tracer(trace), sys.executable, "-m", "invoke", *case.words],
            cwd=stage.slot / case.place,
            env=self._environment(trace),
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=self._output,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        return self._popen.pid

    def _tracer(self, trace: str) -> list[str]:
        command = ["strace", "-y", "-qq", "-o", str(self.folder / "own.trace"), "-e", f"trace={SYSTEM_CALLS}"]
        if trace == "all":
            return [*command, "-f"]
        if trace == "own":
            return command
        if self.point is not None and self.point.when == "own":
            only = ["-P", self.point.path] if self.point.path else []
            return [*command, *only, "-e", f"inject={self.point.inject}"]
        return []

    def _environment(self, trace: str) -> dict[str, str]:
        point = self.point or Point(when="never")
        return {
            **os.environ,
            "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(_ROOT),
            "PYTHONPYCACHEPREFIX": str(self.folder.parents[1] / "bytecode"),
            "TMPDIR": str(self.folder / "tmp"),
            "CRASH_FOLDER": str(self.folder),
            "CRASH_GIT": shutil.which("git") or "git",
            "CRASH_CALL": point.call,
            "CRASH_WHEN": "trace" if trace == "git" else point.when,
            "CRASH_INJECT": point.inject,
            "CRASH_PATH": point.path,
            "CRASH_SET": SYSTEM_CALLS,
        }

    def arrive(self) -> bool:
        """Wait until the run is at its point (true) or has ended."""
        ended = os.pidfd_open(self.pid)
        try:
            ready, _, _ = select.select([self._here, ended], [], [], SECONDS)
        finally:
            os.close(ended)
        if not ready:
            raise AssertionError(f"{self.point}: the run neither came there nor ended in {SECONDS:g} s")
        return self._here in ready

    def go_on(self) -> None:
        """Let a run that waits at its point go on."""
        descriptor = os.open(self.folder / "go", os.O_RDWR)
        try:
            os.write(descriptor, b"\n")
            self._popen.wait(SECONDS)
        finally:
            os.close(descriptor)

    def interrupt(self) -> None:
        """Press Ctrl-C: SIGINT to the process group that the run began in."""
        os.killpg(self.pid, signal.SIGINT)

    def kill_parent(self) -> None:
        """Kill our process alone; its git calls go on."""
        self._popen.kill()
        self._popen.wait(SECONDS)

    def wait(self) -> None:
        """Wait until our process has ended by itself."""
        self._popen.wait(SECONDS)

    def settle(self) -> None:
        """Wait until what our killed process left running has ended by itself, the server too."""
        deadline = time.monotonic() + SECONDS
        while _members(self.pid) or _working(self._remote):
            if time.monotonic() > deadline:
                raise AssertionError("what the run started does not end")
            time.sleep(0.005)

    def end(self) -> None:
        """Kill everything that is left of the session; our process first, so that it sees no git die."""
        self._popen.kill()
        self._popen.wait(SECONDS)
        deadline = time.monotonic() + SECONDS
        while members := _members(self.pid):
            for member in members:
                _kill(member)
            if time.monotonic() > deadline:
                raise AssertionError(f"processes {members} of the run do not end")
            time.sleep(0.001)
        while _working(self._remote):
            if time.monotonic() > deadline:
                raise AssertionError("the server does not end")
            time.sleep(0.001)
        self._output.close()
        os.close(self._here)

    def ended(self, *, reached: bool) -> Ended:
        text = (self.folder / "output").read_text(errors="replace")
        return Ended(code=self._popen.returncode, text=text, reached=reached, calls=tuple(self.calls()))

    def calls(self) -> list[str]:
        """The git calls so far, in their order."""
        listed = self.folder / "calls"
        return listed.read_text().splitlines() if listed.exists() else []


@contextmanager
def started(stage: Stage, case: Case, point: Point | None = None, *, trace: str = "") -> Iterator[Run]:
    """Start a run that is over, whatever happens, when the block is left."""
    run = Run(stage, case, point, trace=trace)
    try:
        yield run
    finally:
        run.end()


def strike(stage: Stage, case: Case, point: Point) -> Ended:
    """Run a task up to a point. There everything is killed, or only git is (broken), or an error comes back."""
    with started(stage, case, point) as run:
        waiting = run.arrive()
        if not waiting:
            run.wait()
    if point.when in ("own", "broken"):
        trace = run.folder / ("own.trace" if point.when == "own" else f"{point.call.replace(' ', '.')}.trace")
        killed = "killed by SIGKILL" if point.signal == "KILL" else f"--- SIG{point.signal} "
        mark = "(INJECTED)" if point.error else killed
        return run.ended(reached=trace.exists() and mark in trace.read_text(errors="replace"))
    return run.ended(reached=waiting or (point.when == "fail" and point.call in run.calls()))


def _members(session: int) -> list[int]:
    """The living processes of a session (Linux: proc(5), stat)."""
    found = []
    for entry in os.listdir("/proc"):  # noqa: PTH208  # called in a loop
        if entry.isdigit():
            try:
                facts = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(facts[3]) == session and facts[0] not in "ZX":
                found.append(int(entry))
    return found


def _working(folder: str) -> bool:
    """Whether a process works in a folder."""
    for entry in os.listdir("/proc"):  # noqa: PTH208  # called in a loop
        if entry.isdigit():
            try:
                if os.readlink(f"/proc/{entry}/cwd") == folder:  # noqa: PTH115  # as above
                    return True
            except OSError:
                continue
    return False


def _kill(process: int) -> None:
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        return
