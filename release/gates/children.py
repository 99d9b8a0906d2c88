"""What gates have started, each in a thread of ours, so that the thread that hears a Ctrl-C can end all of it.

Every program leads a session of its own, without a terminal: a Ctrl-C there reaches our process alone.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator


class CancelledError(Exception):
    """A gate ends because it is not wanted any more; whatever else went wrong with it says nothing."""


class Child(Protocol):
    """A program, with all that it has started in its group."""

    def signal(self, number: int) -> None:
        """Send a signal to what is left of it."""


class Children:
    """The programs that gates have running now. Once they are to end, no new one runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: list[Child] = []
        self._ending = threading.Event()

    @contextlib.contextmanager
    def holding(self, child: Child) -> Iterator[None]:
        """Let a child be ended by another thread for as long as the block waits for it.

        Raises:
            CancelledError: after the block, which should end soon, if the children were to end meanwhile.
        """
        with self._lock:
            self._running.append(child)
        try:
            if self._ending.is_set():  # before it was started, or just now
                child.signal(signal.SIGKILL)
            yield
        finally:
            with self._lock:
                self._running.remove(child)
        self.check()

    def check(self) -> None:
        """Go on, unless the children are to end.

        Raises:
            CancelledError: they are.
        """
        if self._ending.is_set():
            raise CancelledError

    def pause(self, seconds: float) -> None:
        """Let some time go by.

        Raises:
            CancelledError: the children are to end.
        """
        self._ending.wait(seconds)
        self.check()

    def end(self) -> None:
        """Interrupt all of them. Their own threads see when each has ended."""
        self.signal(signal.SIGINT)

    def kill(self) -> None:
        """Kill all of them."""
        self.signal(signal.SIGKILL)

    def signal(self, number: int) -> None:
        """Send a signal to all of them, and let no new one begin: together they are one child of others."""
        self._ending.set()
        with self._lock:
            for child in self._running:
                child.signal(number)
