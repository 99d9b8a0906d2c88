"""Tests that ran: what pytest's status does not say, a plugin of ours counts."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from release.gates import results

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PLUGIN = "invoke_gitflow_counter"
_VARIABLE = "INVOKE_GITFLOW_COUNTS"
_ENDS = ("passed", "failed", "skipped", "xfailed")
_PROGRAMS = ("pytest", "py.test")


def counted(command: Sequence[str]) -> tuple[str, ...]:
    """Return a command that starts pytest with our plugin; () when it is not one in which pytest can be seen."""
    words = tuple(command)
    if words and Path(words[0]).name in _PROGRAMS:
        after = 1
    else:
        after = next((at for at in range(2, len(words) + 1) if words[at - 2 : at] == ("-m", "pytest")), 0)
    return (*words[:after], "-p", _PLUGIN, *words[after:]) if after else ()


def variables(place: Path, env: Mapping[str, str]) -> dict[str, str]:
    """Return the variables with which the plugin is found in `env`, and writes its counts to `place`."""
    paths = [str(Path(__file__).with_name("counter")), *filter(None, [env.get("PYTHONPATH")])]
    return {"PYTHONPATH": os.pathsep.join(paths), _VARIABLE: str(place)}


def judged(session: str, place: Path) -> results.Result:
    """Return what a pytest that ended with status 0 has shown: at least one test that ran, and none that failed."""
    try:
        counts = {end: int(json.loads(place.read_bytes())[end]) for end in _ENDS}
    except (OSError, ValueError, TypeError, KeyError):
        why = "pytest did not come to its end: something in it, such as a conftest.py, has ended it with status 0"
        return results.Result(session=session, not_looked=(why,))
    said = f"pytest: {', '.join(f'{count} {end}' for end, count in counts.items() if count) or 'no test'}"
    if counts["failed"]:
        return results.Result(session=session, findings=(f"{said}, and ended with status 0 all the same",))
    if not counts["passed"] + counts["xfailed"]:
        return results.Result(session=session, not_looked=(f"{said}: none has run",))
    return results.Result(session=session, evidence=(said,))
