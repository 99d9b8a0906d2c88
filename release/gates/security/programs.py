"""The programs of the security gate: where they are, their versions, and how they are run."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, NamedTuple

from packaging.utils import canonicalize_name

from release import process
from release.gates.security.findings import blind, plain

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from release.process import Result

_OURS = ("PIP_AUDIT_",)  # variables that would change what is asked, and where the answer goes
_TOOLS = ("bandit", "pip-audit")
_VERSIONS = "import importlib.metadata as m, json; print(json.dumps([(d.name, d.version) for d in m.distributions()]))"
_START_SECONDS = 60.0


class Programs(NamedTuple):
    """An environment with the programs on its PATH, and a folder outside of all that is scanned, for their files."""

    env: Mapping[str, str]
    folder: Path

    def find(self, name: str) -> str | None:
        """Return where a program is, None when there is none."""
        return shutil.which(name, path=self.env.get("PATH", ""))

    def run(self, name: str, *arguments: str, cwd: Path, timeout: float) -> Result:
        """Run a program to its end; its status is the caller's to judge.

        Raises:
            ReleaseError: there is none, or it does not end within `timeout` seconds (exit 5).
        """
        place = self.find(name)
        if place is None:
            raise blind(f"{name} is not installed in the session's environment", "run it without --no-install")
        env = {key: value for key, value in self.env.items() if not key.startswith(_OURS)}
        try:
            return process.run([place, *arguments], cwd=cwd, env=env, timeout=timeout)
        except TimeoutError:
            raise blind(f"{name} did not end within {timeout:g} seconds") from None
        except OSError as error:
            raise blind(f"{name} cannot be started: {error.strerror}") from None

    def versions(self) -> dict[str, str]:
        """Return the versions of Bandit and pip-audit by name; "" for one that is not installed."""
        ran = self.run("python", "-I", "-c", _VERSIONS, cwd=self.folder, timeout=_START_SECONDS)
        try:
            pairs = [(name, version) for name, version in json.loads(ran.out) if name and version]
            found: dict[str, str] = {canonicalize_name(name): plain(version) for name, version in pairs}
        except (ValueError, TypeError):
            raise blind(f"python in the session's environment does not work: {ran.complaint}") from None
        return {name: found.get(name, "") for name in _TOOLS}
