"""What asks a run to end, told to the thread that waits instead of striking it in the middle of something."""

from __future__ import annotations

import contextlib
import signal
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ASKING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # Ctrl-C, `kill`, a terminal that was closed


@contextlib.contextmanager
def told(tell: Callable[[int], None]) -> Iterator[None]:
    """Have `tell` called with the number of each such signal, between any two lines of the main thread.

    What is ignored, as under nohup, stays so. In other threads there is nothing to hear.
    """
    before: dict[signal.Signals, Any] = {}
    if threading.current_thread() is threading.main_thread():
        before = {number: signal.getsignal(number) for number in _ASKING}
    heard = {number: was for number, was in before.items() if was not in (None, signal.SIG_IGN)}
    try:
        for number in heard:
            signal.signal(number, lambda number, _frame: tell(number))
        yield
    finally:
        for number, was in heard.items():
            signal.signal(number, was)


@contextlib.contextmanager
def obeyed_late() -> Iterator[None]:
    """Let `kill` and a closed terminal end the block like a Ctrl-C, so that it cleans up, and end the process then."""
    asked: list[int] = []

    def strike(number: int) -> None:
        asked.append(number)
        raise KeyboardInterrupt

    try:
        with told(strike):
            yield
    finally:
        for number in asked:
            if number != signal.SIGINT:
                signal.raise_signal(number)


def obey(numbers: list[int]) -> None:
    """Do what the signals that were told would have done.

    Raises:
        KeyboardInterrupt: there was a Ctrl-C; of another signal the process ends, unless somebody else handles it.
    """
    for number in numbers:
        if number != signal.SIGINT:
            signal.raise_signal(number)
    if numbers:
        raise KeyboardInterrupt
