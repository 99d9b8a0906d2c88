"""Locks between processes: a file that one of them holds, as long as it or what it started lives."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_PAUSE = 0.05  # seconds between two tries


@contextlib.contextmanager
def held(
    place: Path,
    *,
    permissions: int,
    wait: float,
    refused: Callable[[], Exception],
    waiting: Callable[[], None],
    pause: Callable[[float], None] = time.sleep,
) -> Iterator[int]:
    """Hold the lock file at `place`; yields its descriptor, which programs that are started may inherit.

    `waiting` is called once when somebody else holds it; after `wait` seconds the error that `refused` makes is raised.
    `pause` lets some seconds go by between two tries, or raises what ends the waiting.
    """
    descriptor = os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, permissions)
    try:
        deadline = time.monotonic() + wait
        waits = False
        while not _take(descriptor):
            if time.monotonic() > deadline:
                raise refused()
            if not waits:
                waiting()
                waits = True
            pause(_PAUSE)
        yield descriptor
    finally:
        os.close(descriptor)


def _take(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
