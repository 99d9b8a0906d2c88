"""Work in a thread of its own, for what waits for other programs; the thread pools of the library load too much."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")


class Beside(Generic[_T]):
    """A function that runs while the caller does something else. It must share nothing with the caller that changes."""

    def __init__(self, work: Callable[[], _T]) -> None:
        self._work = work
        self._found: list[_T] = []
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._found.append(self._work())
        except BaseException as error:  # noqa: BLE001  # raised again where it is waited for
            self._error = error

    def wait(self) -> None:
        """Wait for the end, whatever it is."""
        self._thread.join()

    def result(self) -> _T:
        """Wait for the end; return what the function returned, or raise what it raised."""
        self.wait()
        if self._error is not None:
            raise self._error
        return self._found[0]
