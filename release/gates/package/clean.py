"""A clean environment with nothing but what a wheel asks for: it installs there, says its version, and is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.tags import sys_tags
from packaging.utils import parse_wheel_filename

from release import process
from release.gates.package import modules
from release.gates.package.seen import Seen
from release.gates.security.findings import blind, plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from release.artifacts.files import Dist
    from release.gates.security.programs import Programs
    from release.process import Result

_SECONDS = 600.0
_IMPORT_SECONDS = 120.0
_INSTALL = ("install", "--quiet")
_PIP = ("-I", "-m", "pip")
_NO_INPUT = ("--no-input", "--disable-pip-version-check")
# Variables by which something else could be found than what is installed there, or that name another environment; the
# last is the witness's mark: what is installed here is not what a later run finds in the session's environment.
_TAKEN = ("PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "VIRTUAL_ENV", "NOX_CURRENT_SESSION")
_VERSION = "import importlib.metadata as m, sys; print(m.version(sys.argv[1]))"
# A module may end the interpreter, replace the streams, or be overshadowed by one of Python's own: only what is written
# after the import says that it came to an end, and where it was found is looked at before.
_IMPORT = """\
import importlib.util, os, sys
name, out, top = sys.argv[1], os.dup(1), os.path.realpath(sys.prefix) + os.sep
spec = importlib.util.find_spec(name)
if spec is None:
    sys.exit("it is not found")
for place in spec.submodule_search_locations or [spec.origin or ""]:
    if not os.path.realpath(place).startswith(top):
        sys.exit(f"what is found is {place}")
importlib.import_module(name)
os.write(out, f"\\nimported {name}\\n".encode())
"""


def look(wheels: Mapping[Dist, Sequence[str]], programs: Programs) -> Seen:
    """Install the wheel that fits this Python, and use it; the others are said to be left.

    `wheels` are the paths of their files.

    Raises:
        ReleaseError: no environment can be made, or none fits (exit 5).
    """
    tags = frozenset(sys_tags())
    fitting = [wheel for wheel in wheels if not tags.isdisjoint(parse_wheel_filename(wheel.file)[3])]
    if not fitting:
        raise blind(f"none of {', '.join(wheel.file for wheel in wheels)} fits this Python", "run it where one fits")
    wheel = fitting[0]
    others = tuple(f"{one.file} was not installed: {wheel.file} was" for one in wheels if one != wheel)
    env = {name: value for name, value in programs.env.items() if name not in _TAKEN}
    place = _Environment(programs._replace(env=env), programs.folder / "clean")
    seen = place.installed(wheel)
    if seen is not None:
        return seen._replace(notes=others)
    return place.used(wheel, modules.top(wheels[wheel]))._replace(notes=others)


class _Environment:
    """A virtual environment without pip, which works on it from outside."""

    def __init__(self, programs: Programs, folder: Path) -> None:
        """Make it.

        Raises:
            ReleaseError: it cannot be made (exit 5).
        """
        self._programs = programs
        self._python = folder / "bin" / "python"
        made = programs.run(
            "python", "-I", "-m", "venv", "--without-pip", str(folder), cwd=programs.folder, timeout=_SECONDS
        )
        if made.status:
            raise blind(f"no clean environment can be made: {_last(made)}")

    def installed(self, wheel: Dist) -> Seen | None:
        """Install a wheel and what it depends on; returns why not, None if it is there.

        When that fails it is tried alone, for which nothing has to be reached: what fails then is its own fault.
        """
        ran = self._pip(*_INSTALL, str(wheel.path))
        if ran.status == 0:
            return None
        again = "--reinstall" if self._programs.find("uv") else "--force-reinstall"  # over what failed half way
        alone = self._pip(*_INSTALL, "--no-deps", again, str(wheel.path))
        if alone.status:
            return Seen(findings=(plain(f"{wheel.file} cannot be installed: {_last(alone)}"),))
        return Seen(blind=(plain(f"what {wheel.file} depends on cannot be installed: {_last(ran)}"),))

    def used(self, wheel: Dist, names: Sequence[str]) -> Seen:
        """Ask for the version of what is installed, whether all it depends on is there, and import its modules."""
        findings = []
        checked = self._pip("check")
        if checked.status:
            lines = (checked.out + checked.err).decode("utf-8", "replace").strip().splitlines()
            findings.append(f"{wheel.file}: pip check: {'; '.join(lines)}")
        found = self._run(_VERSION, wheel.name, seconds=_SECONDS)
        version = found.out.decode("utf-8", "replace").strip()
        if found.status or version != str(wheel.version):
            said = f"says that its version is {version}" if version else f"has no version: {_last(found)}"
            findings.append(f"{wheel.file}: installed, it {said}; wanted is {wheel.version}")
        failed = [line for name in names if (line := self._imported(name))]
        findings += [f"{wheel.file}: {line}" for line in failed]
        imported = f"imported {', '.join(names)}" if names else "no module to import"
        how = "not all of it imported" if failed else imported
        looked = f"installed {wheel.name} {version} into a clean environment, {how}"
        return Seen(findings=tuple(map(plain, findings)), looked=(plain(looked),))

    def _imported(self, name: str) -> str:
        """Import a module in an interpreter of its own; returns why that fails, "" if it does not."""
        try:
            ran = self._run(_IMPORT, name, seconds=_IMPORT_SECONDS)
        except TimeoutError:
            return f"import {name} does not end within {_IMPORT_SECONDS:g} seconds"
        except OSError as error:
            return f"import {name}: {error.strerror}"
        if ran.status == 0 and f"imported {name}".encode() in ran.out.splitlines():
            return ""
        return f"import {name}: {_last(ran) or f'it ended the interpreter with status {ran.status}'}"

    def _run(self, code: str, word: str, *, seconds: float) -> Result:
        """Run code in the environment, outside of every checkout.

        Raises:
            TimeoutError, OSError: it does not end, or does not start.
        """
        argv = [str(self._python), "-I", "-c", code, word]
        return process.run(argv, cwd=self._programs.folder, env=self._programs.env, timeout=seconds)

    def _pip(self, command: str, *words: str) -> Result:
        """Run pip, or uv in its place, from outside on the environment.

        Raises:
            ReleaseError: it does not end, or neither is there (exit 5).
        """
        python = str(self._python)
        folder = self._programs.folder
        if self._programs.find("uv"):
            return self._programs.run("uv", "pip", command, "--python", python, *words, cwd=folder, timeout=_SECONDS)
        silent = _NO_INPUT if command == "install" else _NO_INPUT[1:]
        return self._programs.run(
            "python", *_PIP, "--python", python, *silent, command, *words, cwd=folder, timeout=_SECONDS
        )


def _last(ran: Result) -> str:
    """Return the line that says most: the last one with an error (or, as uv has it below, a cause), else the last."""
    lines = [line.strip() for line in ran.complaint.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith(("error", "cause:"))]
    return (errors or lines or [""])[-1]
