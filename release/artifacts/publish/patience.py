"""How long a service is waited for: a bounded number of attempts, and a bounded time in all."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from release.artifacts.publish.job import unreachable

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS = 300.0  # that one run waits for one service, all its waits together
ATTEMPTS = 6  # of one call that fails without a word on when to try again


class TroubleError(Exception):
    """A service gave no answer that helps, but may soon: in `wait` seconds, None when it does not say."""

    def __init__(self, what: str, wait: float | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.wait = wait


@dataclass(kw_only=True)
class Patience:
    """Waits for a service; `left` are the seconds that may still be waited. `pause` and `clock` are those of time."""

    say: Callable[[str], None]
    pause: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.time
    left: float = SECONDS

    def wait(self, trouble: TroubleError, attempt: int) -> None:
        """Wait before the next attempt; `attempt` is the number of the one that has failed, from 1 on.

        Raises:
            ReleaseError: that would take too long, or was tried often enough (exit 7).
        """
        seconds = float(2 ** (attempt - 1)) if trouble.wait is None else max(trouble.wait, 1.0)
        if trouble.wait is None and attempt >= ATTEMPTS:
            raise unreachable(f"{trouble.what} ({attempt} attempts)") from None
        if seconds > self.left:
            raise unreachable(f"{trouble.what}; it is to be left alone for {seconds:.0f} s") from None
        self.left -= seconds
        self.say(f"{trouble.what}: again in {seconds:.0f} s")
        self.pause(seconds)
