"""The programs that build and push, and what their ends mean."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from release import process
from release.artifacts.publish.job import unreachable
from release.errors import Exit, Problem, ReleaseError, usage
from release.gates import verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SECONDS = 30.0  # for a program that is asked whether it can work
# How registries and the programs in front of them say that a login is missing or not enough.
_DENIED = re.compile(
    r"\b(?:401|403)\b|unauthori[sz]ed|authentication required|access denied|\bdenied\b|forbidden", re.IGNORECASE
)


class Ran(NamedTuple):
    """How a program ended: its name, its status, all it printed, and the last of it fit for a message."""

    name: str
    status: int
    text: str
    tail: tuple[str, ...]

    @property
    def words(self) -> str:
        """How it ended, in words."""
        how = f"was ended by signal {-self.status}" if self.status < 0 else f"ended with status {self.status}"
        return f"{self.name} {how}" + "".join(f"\n  | {line}" for line in self.tail)


def find(name: str, env: Mapping[str, str]) -> str:
    """Return where a program is, "" when it is not on PATH."""
    return shutil.which(name, path=env.get("PATH", "")) or ""


def works(argv: Sequence[str], env: Mapping[str, str]) -> bool:
    """Whether a program that is only asked something ends well."""
    try:
        return process.run(argv, cwd=Path("/"), env=env, timeout=_SECONDS).status == 0
    except (OSError, TimeoutError):
        return False


def run(argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], log: Path) -> Ran:
    """Run a program to its end, with all that it starts; what it prints goes to `log`, which is made anew.

    Raises:
        ReleaseError: it cannot be started (exit 2).
    """
    name = Path(argv[0]).name
    with log.open("wb") as file:
        try:
            status = process.start_group(argv, cwd=cwd, env=env, output=file.fileno()).wait()
        except OSError as error:
            raise usage(f"{argv[0]} cannot be started: {error.strerror}", "look at its first line") from None
    return Ran(name, status, log.read_text("utf-8", "replace"), tuple(line for line in verdict.tail(log) if line))


def unsound(what: str, ran: Ran, hint: str = "") -> ReleaseError:
    """What was to be published cannot be made (exit 4)."""
    return ReleaseError([Problem(what=f"{what}: {ran.words}", hint=hint, exit=Exit.GATE_FAILED)])


def not_pushed(what: str, ran: Ran, login: str) -> ReleaseError:
    """A push failed: for want of a login (exit 2), which the command `login` makes, or otherwise (exit 7)."""
    if _DENIED.search("\n".join(ran.tail)):
        return usage(f"{what} was not let in: {ran.words}", f"log in: {login}")
    return unreachable(f"{what} was not pushed: {ran.words}")
