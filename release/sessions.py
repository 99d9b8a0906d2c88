"""The Nox face: sessions that any noxfile may import; importing one registers them all.

```python
import nox
from release.sessions import gates, image, lint, package, security, tests
```
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nox
import nox.command
import nox.project

from release import config as configuration
from release import process
from release.errors import ReleaseError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

__all__ = ["gates", "image", "lint", "package", "security", "tests"]

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.error_on_missing_interpreters = True

_PYPROJECT = Path("pyproject.toml")
_GROUPS = ("tests", "test")
_PACKAGE = ("twine>=6.1",)  # the first that reads Metadata-Version 2.4
_SECURITY = ("bandit[toml]>=1.7.5", "pip-audit>=2.10")  # the first that takes the address of an OSV service


def project() -> dict[str, Any]:
    """Return the project's pyproject.toml, empty without one."""
    return nox.project.load_toml(_PYPROJECT) if _PYPROJECT.exists() else {}


def pythons() -> list[str] | None:
    """Return the Python versions that the project names and this machine has; None for nox's own.

    Named are those of the classifiers, as `nox.project.python_versions` reads them.
    """
    try:
        named = nox.project.python_versions(project())
    except (ValueError, KeyError):
        return None
    return [version for version in named if _starts(f"python{version}")] or None


def _starts(program: str) -> bool:
    """Whether an interpreter is there and works; a version manager's stand-in may only say that it is missing."""
    path = shutil.which(program)
    if path is None:
        return sys.version_info[:2] == tuple(map(int, program.removeprefix("python").split(".")))
    return process.run([path, "-c", ""], cwd=Path.cwd(), env=os.environ).status == 0


@nox.session(python=pythons())
def tests(session: nox.Session) -> None:
    """Install the project with its test dependencies and run its tests; unless one has run, it fails.

    Positional arguments go to the tests' command: `nox -s tests -- --junitxml=tests.xml`.
    """
    data = project()
    groups = [name for name in _GROUPS if name in data.get("dependency-groups", {})]
    extras = [name for name in _GROUPS if name in data.get("project", {}).get("optional-dependencies", {})]
    wanted = [*nox.project.dependency_groups(data, *groups)] if groups else []
    if "build-system" in data:
        wanted.append(f".[{','.join(extras)}]" if extras else ".")
    if not groups and not extras:
        wanted.append("pytest")
    if wanted:  # an empty group says that all is there
        session.install(*wanted)
    command = configuration.load(
        _PYPROJECT.read_bytes() if _PYPROJECT.exists() else None, origin="pyproject.toml"
    ).tests
    _end(session, lambda: _tested(session, command.command or ("pytest",)))


@nox.session
def lint(session: nox.Session) -> None:
    """Run ruff, its formatter's check, and mypy where it is configured."""
    data = project()
    tools = data.get("tool", {})
    named = ["lint"] if "lint" in data.get("dependency-groups", {}) else []
    wanted = (
        [*nox.project.dependency_groups(data, *named)] if named else ["ruff", *(["mypy"] if "mypy" in tools else [])]
    )
    if "mypy" in tools:  # types are checked against the libraries that the project runs with
        tests_too = [name for name in _GROUPS if name in data.get("dependency-groups", {})]
        wanted += [*nox.project.dependency_groups(data, *tests_too)] if tests_too else []
        wanted += ["."] if "build-system" in data else []
    session.install(*wanted)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    if "mypy" in tools:
        session.run("mypy")


@nox.session
def security(session: nox.Session) -> None:
    """Run Bandit, pip-audit and a shell check of our own; what could not look has failed.

    Positional arguments: `--json FILE` and `--sarif FILE` are written, `--service URL` is asked instead.
    """
    from release.gates.security import session as gate  # noqa: PLC0415  # other sessions need none of it

    _end(session, lambda: _look(session, gate, "security", _SECURITY, "Bandit and pip-audit cannot be installed"))


@nox.session(python=False, default=False)  # most projects have no image: it runs where it is asked for
def image(session: nox.Session) -> None:
    """Have the configured scanner look at the container image; what could not look has failed.

    Positional arguments: `--json FILE` is written, `--image REF` is looked at instead of the version's image.
    """
    from release.gates.image import session as gate  # noqa: PLC0415  # other sessions need none of it

    _end(
        session, lambda: gate.run(session.name, gate.read(session.posargs), env=_environment(session), say=session.log)
    )


@nox.session
def package(session: nox.Session) -> None:
    """Look at the sdist and the wheel: what twine says, RECORD, metadata, a clean installation, the import.

    They are those that the gate runner has built, or those in `--dist FOLDER`, or are built now. Positional arguments
    besides: `--json FILE` is written, `--from-sdist` builds a wheel of the sdist.
    """
    from release.gates.package import session as gate  # noqa: PLC0415  # other sessions need none of it

    _end(session, lambda: _look(session, gate, "package", _PACKAGE, "twine cannot be installed"))


@nox.session(python=False, default=False)  # the gates make their own environments, and stand in the list themselves
def gates(session: nox.Session) -> None:
    """Run every gate of [tool.release] on the tree of HEAD, as before a tag; `-- --receipts FOLDER` exports receipts.

    Signed are these with `--key FILE`, or the key of RELEASE_RECEIPT_KEY_FILE (a path) or RELEASE_RECEIPT_KEY.
    """
    from release.gates import ci  # noqa: PLC0415  # other sessions need none of it

    _end(session, lambda: ci.run(session.posargs, name=session.name, say=session.log))


def _end(session: nox.Session, look: Callable[[], str | None]) -> None:
    """Let a session fail with the reason that `look` returns, if it does, or with what it raises."""
    try:
        why = look()
    except ReleaseError as error:
        why = str(error)
    if why:
        session.error(why)


def _look(session: nox.Session, gate: ModuleType, group: str, usual: Sequence[str], absent: str) -> str:
    """Install what a gate works with, let it look, and return why the session fails, "" if it passes."""
    asked = gate.read(session.posargs)
    if _installed(session, group, usual):
        why: str = gate.run(session.name, asked, env=_environment(session), say=session.log)
    else:
        why = gate.fail(session.name, asked, absent, say=session.log)
    return why


def _tested(session: nox.Session, command: Sequence[str]) -> str:
    """Run the tests and return why the session fails although their command has passed, "" if it does not."""
    from release.gates import counting  # noqa: PLC0415  # other sessions need none of it
    from release.gates.security.gate import Looked  # noqa: PLC0415  # as above
    from release.gates.security.session import Asked, end  # noqa: PLC0415  # as above

    words = counting.counted(command)
    if not words:
        session.run(*command, *session.posargs)
        return ""
    with tempfile.TemporaryDirectory(prefix="tests-") as folder:
        place = Path(folder, "counts.json")
        session.run(*words, *session.posargs, env=counting.variables(place, _environment(session)))
        looked = counting.judged(session.name, place)
    return end(Looked(looked), Asked(), session.log)


def _installed(session: nox.Session, group: str, usual: Sequence[str]) -> bool:
    """Install the project's dependency group, else what is usual; an empty group says that all is there."""
    data = project()
    is_named = group in data.get("dependency-groups", {})
    wanted = nox.project.dependency_groups(data, group) if is_named else usual
    try:
        if wanted:
            session.install(*wanted)
    except nox.command.CommandFailed:
        return False
    return True


def _environment(session: nox.Session) -> dict[str, str]:
    """Return what programs of a session are started with, as `session.run` does: the witness knows them by it."""
    changed = {**os.environ, **session.env}
    env = {name: value for name, value in changed.items() if value is not None}
    return {**env, "PATH": os.pathsep.join([*(session.bin_paths or ()), env.get("PATH", os.defpath)])}
