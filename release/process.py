"""The one place that starts programs: argv lists, a known environment, never a shell."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from typing import IO, TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

PATIENCE = 3.0  # seconds that an interrupted group has to clean up before it is killed


class Result(NamedTuple):
    """What a program left: exit status (negative: the signal that ended it) and both streams as bytes."""

    argv: tuple[str, ...]
    status: int
    out: bytes
    err: bytes

    @property
    def complaint(self) -> str:
        """The last lines of standard error as text, for a message."""
        lines = self.err.decode("utf-8", "replace").strip().splitlines()
        return "\n".join(line.rstrip() for line in lines[-8:])


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Let a Ctrl-C wait until the block has ended.

    A `communicate` that it ends in the middle cannot be gone on with: what was not written by then never is, and the
    program waits for it.
    """
    if threading.current_thread() is not threading.main_thread():  # which no signal interrupts
        yield
        return
    late: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _frame: late.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)
    if late and callable(before):
        before(signal.SIGINT, None)


class Process:
    """A started program, to be fed, read and ended by its owner."""

    def __init__(self, popen: subprocess.Popen[bytes], argv: tuple[str, ...], *, leads: bool = False) -> None:
        self._popen = popen
        self._leads = leads  # a process group, of what it has started itself
        self.argv = argv

    @property
    def stdin(self) -> IO[bytes]:
        """The program's standard input."""
        assert self._popen.stdin is not None  # noqa: S101  # start() always opens it
        return self._popen.stdin

    @property
    def stdout(self) -> IO[bytes]:
        """The program's standard output."""
        assert self._popen.stdout is not None  # noqa: S101  # start() always opens it
        return self._popen.stdout

    def finish(self, data: bytes = b"", *, timeout: float | None = None) -> Result:
        """Feed the rest, read the rest and wait; on `timeout` (seconds) or an exception the program is ended.

        What has a limit leads a group or a session of its own: else what it has started would outlive it.

        Raises:
            TimeoutError: the program did not end in time, or what it has started keeps its streams open.
        """
        assert timeout is None or self._leads  # noqa: S101  # whoever started it decides that
        try:
            out, err = self._popen.communicate(data, timeout=timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise TimeoutError(f"{self.argv[0]} did not end within {timeout:g} seconds") from None
        except BaseException:
            self.kill()
            raise
        return Result(argv=self.argv, status=self._popen.returncode, out=out, err=err)

    def signal(self, number: int) -> None:
        """Send a signal to the program, and to what is left of what it leads, unless it has ended."""
        if self._leads and self._popen.returncode is None:
            _signal(self._popen.pid, number, _beyond_group(self._popen.pid))
        else:
            self._popen.send_signal(number)

    def kill(self) -> None:
        """End the program now, with all that it leads, and reap it."""
        if self._leads and self._popen.returncode is None:
            _end(self._popen)
        else:
            self._popen.kill()
            self._popen.wait()
        for stream in (self._popen.stdin, self._popen.stdout, self._popen.stderr):
            if stream is not None:
                try:
                    stream.close()
                except BrokenPipeError:
                    continue  # it was killed with input unread, which is what was asked for


class Group:
    """A started program and all that it starts: a process group in a session of its own, without a terminal."""

    def __init__(self, popen: subprocess.Popen[bytes]) -> None:
        self._popen = popen

    def wait(self) -> int:
        """Return the program's status when it ends; what it left running is killed, on an exception all of it is ended.

        A Ctrl-C at the terminal reaches this process alone: whoever hears it while another thread waits here sends the
        group a signal.
        """
        try:
            status = self._popen.wait()
        except BaseException:
            _end(self._popen)
            raise
        self.signal(signal.SIGKILL)
        return status

    def signal(self, number: int) -> None:
        """Send a signal to all that is left of the group, and where `/proc` tells, of the session."""
        _signal(self._popen.pid, number, _beyond_group(self._popen.pid))


def _end(popen: subprocess.Popen[bytes]) -> None:
    """Interrupt a leader and all it leads, and kill what is there when it has ended.

    It has PATIENCE seconds for that, or until the next Ctrl-C.
    """
    others = _beyond_group(popen.pid)  # first: whoever has lost its parent belongs to nobody
    known = {(one.pid, one.session) for one in others}
    try:
        _signal(popen.pid, signal.SIGINT, others)
        with contextlib.suppress(subprocess.TimeoutExpired):  # it is killed below
            popen.wait(PATIENCE)
    finally:
        left = [one for one in _living() if (one.pid, one.session) in known]
        _signal(popen.pid, signal.SIGKILL, [*left, *_beyond_group(popen.pid)])
        popen.wait()


class _Living(NamedTuple):
    pid: int
    parent: int
    group: int
    session: int


def _signal(leader: int, number: int, others: Iterable[_Living]) -> None:
    """Send a signal to a leader's group, and to others."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)  # nobody is left; some systems say the latter of a group whose members are all dead
    for process in others:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(process.pid, number)


def _beyond_group(leader: int) -> list[_Living]:
    """Return what else belongs to a session, whose leader that is, and what has been started from there.

    timeout(1) and `set -m` make groups of their own, and what `run` starts leads sessions.
    """
    living = _living()
    found: set[int] = set()
    while more := {one.pid for one in living if one.session == leader or one.parent in found} - found:
        found |= more
    return [one for one in living if one.pid in found and one.group != leader]


def _living() -> list[_Living]:
    """Return all that lives where that is told (Linux: proc(5), stat)."""
    found = []
    for entry in os.listdir("/proc") if os.path.isdir("/proc") else ():  # noqa: PTH112, PTH208  # at each gate's end
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", "rb") as file:  # noqa: PTH123  # as above
                    state, parent, group, session = file.read().rpartition(b")")[2].split()[:4]
            except (OSError, ValueError):
                continue
            if state not in b"ZX":
                found.append(_Living(int(entry), int(parent), int(group), int(session)))
    return found


def start_group(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    output: int,
    keep: Sequence[int] = (),
    umask: int = -1,
) -> Group:
    """Start `argv` in a session of its own, both streams going to the descriptor `output`; there is no input.

    Without a terminal nothing in it can ask a question. `keep` are file descriptors that the program inherits, `umask`
    is its umask (-1: ours).
    """
    return Group(
        subprocess.Popen(
            list(argv),
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=tuple(keep),
            umask=umask,
            start_new_session=True,
        )
    )


def start(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    own_group: bool = False,
    own_session: bool = False,
    keep: Sequence[int] = (),
    stderr: int | None = None,
) -> Process:
    """Start `argv` in `cwd` with exactly `env`.

    `own_group` puts it into a process group of its own, so that a Ctrl-C at the terminal does not reach it;
    `own_session` does so, too, and leaves it without a terminal, so that it cannot ask either.
    `keep` are file descriptors that it inherits. `stderr` is a descriptor for its standard error (else a pipe).
    """
    more: dict[str, Any] = {"start_new_session": own_session}
    if own_group and not own_session:
        if sys.version_info >= (3, 11):
            more["process_group"] = 0
        else:
            more["preexec_fn"] = os.setpgrp
    popen = subprocess.Popen(
        list(argv),
        cwd=cwd,
        env=dict(env),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE if stderr is None else stderr,
        pass_fds=tuple(keep),
        **more,
    )
    return Process(popen, tuple(argv), leads=own_group or own_session)


def run(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    data: bytes = b"",
    timeout: float | None = None,
) -> Result:
    """Run `argv` to its end, in a session of its own, with `data` on standard input.

    The status is the caller's to judge.

    Raises:
        TimeoutError: it did not end within `timeout` seconds, and was ended with all that it had started.
    """
    return start(argv, cwd=cwd, env=env, own_session=True).finish(data, timeout=timeout)
