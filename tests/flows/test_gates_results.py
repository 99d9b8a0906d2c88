"""What sessions say that they found out: it can only make a gate redder, and tells 4 and 5 apart."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest
from gating import HEAD, gated, session

from release.errors import Exit, ReleaseError
from release.gates.results import VARIABLE, Result

if TYPE_CHECKING:
    from pathlib import Path

END = "session.run('true', external=True)"


def telling(text: str, end: str = END) -> str:
    """Return a noxfile whose session leaves this text as its result, and ends so."""
    body = f"open(__import__('os').environ[{VARIABLE!r}], 'a').write({text!r}); {end}"
    return HEAD + session(body)


def plain(result: Result) -> str:
    return json.dumps(result.plain()) + "\n"


@pytest.mark.parametrize(
    ("text", "end", "code", "says"),
    [
        (
            plain(Result(session="tests", not_looked=("a is down",))),
            "session.error('x')",
            Exit.NOT_AUDITED,
            "a is down",
        ),
        (plain(Result(session="tests", not_looked=("a is down",))), END, Exit.NOT_AUDITED, "could not look: a is down"),
        (plain(Result(session="tests", findings=("bad",))), "session.error('bad')", Exit.GATE_FAILED, "aborted: bad"),
        (
            plain(Result(session="tests", findings=("bad",))),
            END,
            Exit.GATE_FAILED,
            "session tests passed with findings",
        ),
        (plain(Result(session="tests")), "session.error('no')", Exit.GATE_FAILED, "session tests aborted: no"),
        (plain(Result(session="tests")), "pass", Exit.GATE_FAILED, "session tests ran nothing"),
        ("{}\n", END, Exit.NOT_AUDITED, "what its sessions found out cannot be read"),
        ("[[\n", END, Exit.NOT_AUDITED, "what its sessions found out cannot be read"),
        (
            plain(Result(session="tests", findings=("bad",))).replace('"found"', '"passed"'),
            END,
            Exit.NOT_AUDITED,
            "cannot be read: its result is not what its lines say",
        ),
    ],
)
def test_what_sessions_say_never_makes_a_gate_pass(text: str, end: str, code: Exit, says: str, tmp_path: Path) -> None:
    project = gated(tmp_path, telling(text, end))
    with pytest.raises(ReleaseError) as caught:
        project.run()
    assert caught.value.exit == code
    assert says in str(caught.value)
    assert project.receipt() is None


def test_the_evidence_and_its_end_go_into_the_receipt(tmp_path: Path) -> None:
    result = Result(session="tests", evidence=("x 1.0: 3 files",), until="2999-12-31")
    other = Result(session="inner", not_looked=("of a nox that the session has run",), evidence=("y",), advisory=True)
    project = gated(tmp_path, telling(plain(result) + plain(other)))
    project.run()
    receipt = project.receipt()
    assert receipt is not None
    assert receipt.evidence[-1] == "x 1.0: 3 files"
    assert receipt.expires is not None
    assert time.gmtime(receipt.expires)[:3] == (3000, 1, 1)


def test_advisory_results_age_by_the_configuration_of_the_gated_commit(tmp_path: Path) -> None:
    noxfile = telling(plain(Result(session="tests", advisory=True, until="2999-12-31")))
    project = gated(tmp_path, {"noxfile.py": noxfile, "pyproject.toml": "[tool.release]\nadvisory_hours = 3\n"})
    project.write("pyproject.toml", "[tool.release]\nadvisory_hours = 9\n")
    project.run()
    receipt = project.receipt()
    assert receipt is not None
    assert receipt.expires == receipt.started + 3 * 3600
