"""The scanner as a program: whether it is there, how it is called, how it ended."""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from release import process
from release.config import SEVERITIES
from release.gates.security.findings import blind, plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from release.config import Image

_SHORT = 60.0  # seconds for what looks at nothing
_NOT_FOUND = 127  # `env`, by POSIX: there is no such program; 126: it cannot be started
_EPOCH = "SOURCE_DATE_EPOCH"  # a report has to say when it was made
_TRIVY = "trivy"  # documented to know `--version`
_VERSION = re.compile(r"Version: v?(\S+)")


class Scanner(NamedTuple):
    """The configured scanner, started in `root` with exactly `env`."""

    image: Image
    root: Path
    env: Mapping[str, str]

    @property
    def name(self) -> str:
        """The program as it is configured."""
        return self.image.scan[0]

    def find(self) -> str | None:
        """Return where the program is; None when there is none, which `env` has to say, too.

        Raises:
            ReleaseError: there is one that cannot be started (exit 5).
        """
        name = str(self.root / self.name) if "/" in self.name else self.name
        place = shutil.which(name, path=self.env.get("PATH", ""))
        if place is not None:
            return place
        tried = self._run("env", "--", self.name, "--version", timeout=_SHORT)
        if tried.status == _NOT_FOUND:
            return None
        raise blind(f"{self.name} is there, but cannot be started: {tried.complaint}", "make it executable")

    def version(self, place: str) -> str:
        """Return Trivy's version, which its reports have not always held; "" of every other program."""
        if Path(place).name != _TRIVY:
            return ""
        found = _VERSION.search(self._run(place, "--version", timeout=_SHORT).out.decode("utf-8", "replace"))
        return found[1] if found else ""

    def scan(self, place: str, reference: str, report: Path) -> tuple[process.Result, float]:
        """Look at an image; returns how the program ended and when it was started, in UTC seconds.

        Raises:
            ReleaseError: it cannot be started, or does not end in time (exit 5).
        """
        counting = SEVERITIES[SEVERITIES.index(self.image.severity) :]
        values = {
            "image": reference,
            "report": str(report),
            "severity": self.image.severity,
            "severities": ",".join(one.upper() for one in counting if one != "negligible"),  # as Trivy wants them
        }
        words = [re.sub(r"\{(\w+)\}", lambda match: values[match[1]], word) for word in self.image.scan[1:]]
        started = time.time()
        return self._run(place, *words, timeout=self.image.timeout), started

    def ending(self, ran: process.Result) -> str:
        """Return how a run ended, in words, with the last that it said."""
        said = f": {plain(ran.complaint)}" if ran.complaint else ""
        if ran.status < 0:
            return f"{self.name} was ended by signal {-ran.status}{said}"
        return f"{self.name} ended with status {ran.status}{said}"

    def _run(self, program: str, *arguments: str, timeout: float) -> process.Result:
        env = {name: value for name, value in self.env.items() if name != _EPOCH}
        try:
            return process.run([program, *arguments], cwd=self.root, env=env, timeout=timeout)
        except TimeoutError:
            raise blind(
                f"{self.name} did not end within {timeout:g} seconds", "raise timeout in [tool.release.image]"
            ) from None
        except OSError as error:
            raise blind(f"{self.name} cannot be started: {error.strerror}", "look at its first line") from None
