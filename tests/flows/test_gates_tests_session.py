"""The session `tests` under a real nox: status 0 of pytest passes only with tests that ran."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from auditing import BIN
from gating import Gated, gated
from support import thorough

import release
from release.errors import Exit, ReleaseError
from release.gates import counting

if TYPE_CHECKING:
    from collections.abc import Mapping

# Without an environment of its own, which takes its time to make; the empty group says that all is there.
NOXFILE = f"""\
import sys
sys.path.insert(0, {str(Path(release.__file__).parents[1])!r})
import nox
from release.sessions import tests
nox.options.default_venv_backend = "none"
"""
TABLE = "[dependency-groups]\ntests = []\n[tool.release]\ntests.command = '{command}'\n"
PLAIN = "pytest -q -p no:cacheprovider"
RUNS = "def test_one():\n    assert True\n"
FAILS = "def test_one():\n    assert False\n"


@pytest.fixture(autouse=True)
def on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.pathsep.join([str(BIN), os.environ["PATH"]]))


def project(folder: Path, files: Mapping[str, str], command: str = PLAIN) -> Gated:
    return gated(folder, {"noxfile.py": NOXFILE, "pyproject.toml": TABLE.format(command=command), **files})


@pytest.mark.parametrize(
    ("command", "counts"),
    [
        (PLAIN, ("pytest: 1 passed, 2 skipped, 1 xfailed",)),
        *thorough(("python -m pytest -q -n 2 -p no:cacheprovider", ("pytest: 1 passed, 2 skipped, 1 xfailed",))),
        ('sh -c "pytest -q -p no:cacheprovider"', ()),
    ],
)
def test_the_receipt_says_how_many_ran(command: str, counts: tuple[str, ...], tmp_path: Path) -> None:
    more = "import pytest\n\n" + RUNS
    more += "".join(f"\n\n@pytest.mark.skip\ndef test_skipped{number}(): ...\n" for number in (1, 2))
    more += "\n\n@pytest.mark.xfail\ndef test_later():\n    assert False\n"
    command = command.replace("'", '"')
    made = project(tmp_path, {"test_it.py": more}, command)
    made.run("tests")
    receipt = made.receipt("tests")
    assert receipt is not None
    assert receipt.counts == counts


@pytest.mark.parametrize(
    ("files", "more", "code", "says"),
    [
        ({"conftest.py": "import os\nos._exit(0)\n", "test_it.py": FAILS}, "", 5, "pytest did not come to its end"),
        (
            {"conftest.py": "def pytest_sessionfinish(session):\n    session.exitstatus = 0\n", "test_it.py": FAILS},
            "",
            4,
            "1 failed, and ended with status 0 all the same",
        ),
        ({"test_it.py": f"import pytest\n\npytestmark = pytest.mark.skip\n\n\n{FAILS}"}, "", 5, "1 skipped: none has"),
        ({"test_it.py": FAILS}, " --collect-only", 5, "no test: none has run"),
        *thorough(
            ({"test_it.py": FAILS}, " --help", 5, "pytest did not come to its end"),
            ({"test_it.py": FAILS}, "", 4, "session tests failed"),
            ({"README.md": ""}, "", 4, "session tests failed"),
        ),
    ],
)
def test_status_0_alone_is_no_evidence(files: dict[str, str], more: str, code: int, says: str, tmp_path: Path) -> None:
    made = project(tmp_path, files, PLAIN + more)
    with pytest.raises(ReleaseError) as caught:
        made.run("tests")
    assert caught.value.exit == Exit(code)
    assert says in str(caught.value)
    assert made.receipt("tests") is None


def test_a_conftest_that_ends_the_process_when_all_is_done_is_no_obstacle(tmp_path: Path) -> None:
    ending = "import os\n\n\ndef pytest_sessionfinish(exitstatus):\n    os._exit(exitstatus)\n"
    made = project(tmp_path, {"conftest.py": ending, "test_it.py": RUNS})
    made.run("tests")
    assert made.receipt("tests") is not None


@pytest.mark.thorough
def test_what_tests_start_is_not_counted(tmp_path: Path) -> None:
    nested = "import os, subprocess\n\n\ndef test_one():\n"
    nested += "    assert 'INVOKE_GITFLOW_COUNTS' not in os.environ\n"
    nested += "    subprocess.run(['pytest', '-q', 'nested.py'], check=False)\n"
    made = project(tmp_path, {"test_it.py": nested, "nested.py": FAILS})
    made.run("tests")
    receipt = made.receipt("tests")
    assert receipt is not None
    assert receipt.counts == ("pytest: 1 passed",)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("pytest -x", "pytest -p invoke_gitflow_counter -x"),
        ("/bin/py.test", "/bin/py.test -p invoke_gitflow_counter"),
        ("coverage run -m pytest tests", "coverage run -m pytest -p invoke_gitflow_counter tests"),
        ("make pytest", ""),
        ("python -m unittest", ""),
        ("", ""),
    ],
)
def test_where_pytest_can_be_seen_it_gets_the_plugin(command: str, words: str) -> None:
    assert counting.counted(command.split()) == tuple(words.split())
