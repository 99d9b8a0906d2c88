"""Gates on real projects with real noxfiles: what passes, what does not, and what each says and leaves."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import time
import traceback
from pathlib import Path

import pytest
from gating import HEAD, PASSING, Gated, are_quiet, gated, session, shell, stubborn, waits_for

from release.errors import Exit, ReleaseError
from release.gates import receipts
from release.gates.results import VARIABLE, Result

TOKENS = {
    "GITHUB_TOKEN": "t0ken-a",
    "TWINE_PASSWORD": "t0ken-b",
    "UV_PUBLISH_TOKEN": "t0ken-c",
    "GIT_CONFIG_VALUE_0": "t0ken-d",
    "PIP_INDEX_URL": "https://user:t0ken-e@index.example.org/simple",
    "UV_INDEX": "one=https://t0ken-f@one.example.org/simple https://two.example.org",
    "VIRTUAL_ENV": "/t0ken-g",
}


def refused(project: Gated, *gates: str) -> ReleaseError:
    with pytest.raises(ReleaseError) as caught:
        project.run(*gates)
    for gate in gates or ("tests",):
        assert project.receipt(gate) is None
    return caught.value


def test_a_gate_that_passes_leaves_a_receipt(tmp_path: Path) -> None:
    project = gated(tmp_path, {"noxfile.py": PASSING, "uv.lock": "x", "requirements-dev.txt": "y"})
    before = int(time.time())
    project.run()
    receipt = project.receipt()
    assert receipt is not None
    assert (receipt.gate, receipt.tree, receipt.commit) == ("tests", project.tree(), project.git("rev-parse", "HEAD"))
    assert receipt.result == "passed"
    assert [(one.name, one.result) for one in receipt.sessions] == [("tests", "success")]
    assert receipt.evidence == (shutil.which("true"),)
    assert receipt.tool == receipts.tool_version()
    assert re.fullmatch(r"20\d\d\.\d+\.\d+", receipt.nox)
    assert receipt.python == ".".join(map(str, sys.version_info[:3]))
    assert len(receipt.noxfile) == len(receipt.lock) == 64
    assert before <= receipt.started <= receipt.ended <= time.time()
    assert receipt.expires is None
    assert project.said[0] == "gate tests: running"
    assert re.fullmatch(r"gate tests: passed \(\d+\.\d s\)", project.said[1])


def test_the_same_tree_is_not_gated_twice(tmp_path: Path) -> None:
    project = gated(tmp_path)
    project.run()
    shutil.rmtree(project.place())
    project.commit("chore: the same tree again")
    project.said.clear()
    project.run("tests", "tests")
    assert project.said == ["gate tests: receipt found"]
    assert not project.place().exists()


def test_without_a_lock_the_hash_is_empty(tmp_path: Path) -> None:
    project = gated(tmp_path)
    project.run()
    receipt = project.receipt()
    assert receipt is not None
    assert receipt.lock == ""


def test_a_failing_gate_shows_its_last_lines_its_log_and_how_to_repeat_it(tmp_path: Path) -> None:
    script = "seq 100; printf '\\033[31mred\\007\\n'; exit 3"
    error = refused(gated(tmp_path, HEAD + session(shell(script))))
    text = str(error)
    place = Path(re.findall(r"the whole log: (.*)", text)[0]).parent
    assert error.exit == Exit.GATE_FAILED
    assert text.startswith("gate tests failed on ")
    assert "session tests failed" in text
    assert "  | 100\n  | red\n" in text
    assert "  | 80\n" not in text
    assert text.count("\n") <= 18
    assert re.search(rf"run it again: cd {re.escape(str(place))}/tree && \S*nox -s tests", text)
    assert "\n1\n2\n" in (place / "log.txt").read_text()


@pytest.mark.parametrize(
    ("noxfile", "code", "says"),
    [
        (session("pass"), Exit.GATE_FAILED, "ran nothing"),
        (session("session.log('pytest -q'); session.warn('true')"), Exit.GATE_FAILED, "ran nothing"),
        (session("session.run('python3', '-m', 'venv', '--help', external=True)"), Exit.GATE_FAILED, "ran nothing"),
        (session("session.skip('no docker')"), Exit.NOT_AUDITED, "session tests was skipped: no docker"),
        (session("session.error('no')"), Exit.GATE_FAILED, "session tests aborted: no"),
        (
            session("session.run('true')", decorator="@nox.session(python='9.9', download_python='never')"),
            Exit.NOT_AUDITED,
            "interpreter 9.9 not found",
        ),
        (session("pass", name="other"), Exit.USAGE, "noxfile.py has no session tests, which is one of `gates`"),
        ("\n\nimport no_such_module\n", Exit.NOT_AUDITED, "before it ran a session"),
        ("\n\nnox.needs_version = '>=9999'\n", Exit.NOT_AUDITED, "before it ran a session"),
        (
            session("session.run('true')", name="base")
            + session("pass", decorator="@nox.session(requires=['base'], python=False)"),
            Exit.GATE_FAILED,
            "session tests ran nothing",
        ),
        (
            session("session.notify('late'); session.run('true')") + session("session.error('no')", name="late"),
            Exit.GATE_FAILED,
            "session late aborted: no",
        ),
    ],
)
def test_status_zero_is_not_evidence(noxfile: str, code: Exit, says: str, tmp_path: Path) -> None:
    error = refused(gated(tmp_path, HEAD + noxfile))
    assert says in str(error)
    assert error.exit == code
    assert ("NOT AUDITED" in str(error)) == (code == Exit.NOT_AUDITED)


def test_a_session_that_does_not_exist_says_how_to_mend_it(tmp_path: Path) -> None:
    error = refused(gated(tmp_path), "lint")
    assert error.problems[0].hint == "write the session, or correct gates in [tool.release]"


def test_without_a_noxfile_no_gate_is_run(tmp_path: Path) -> None:
    project = gated(tmp_path, {"a.txt": "a\n"})
    project.write("noxfile.py", PASSING)
    error = refused(project, "tests", "lint")
    assert error.exit == Exit.USAGE
    assert len(error.problems) == 1
    assert "gates names tests, lint" in str(error)
    assert "gates = []" in error.problems[0].hint
    assert project.said == []


@pytest.mark.parametrize("inside", [True, False])
def test_a_noxfile_that_is_a_symlink_is_not_the_commits(inside: bool, tmp_path: Path) -> None:
    project = gated(tmp_path / "project", {"own.py": PASSING})
    (tmp_path / "outside.py").write_text(PASSING)
    (project.path / "noxfile.py").symlink_to("own.py" if inside else tmp_path / "outside.py")
    project.commit("build: a link")
    error = refused(project)
    assert (error.exit, project.receipt()) == (Exit.USAGE, None)
    assert "noxfile.py is a symlink" in str(error)


def test_no_secret_of_a_url_is_kept_or_shown(tmp_path: Path) -> None:
    """Wherever it stands in it: before the host, with or without a password, or in the query."""
    urls = "https://t0ken@host/simple --find-links=https://me:t0ken@host/ https://host/simple?key=t0ken"
    command = f"session.run('echo', *{urls.split()!r}, external=True)"
    project = gated(tmp_path, HEAD + session(command) + session(f"{command}; session.error('no')", name="lint"))
    project.run()
    receipt = project.receipt()
    assert receipt is not None
    (line,) = receipt.evidence
    assert line.endswith("echo https://host/simple --find-links=https://host/ https://host/simple")
    error = refused(project, "lint")
    assert "--find-links=https://host/ https://host/simple" in str(error)
    assert "t0ken" not in str(error)


def test_a_fresh_run_has_new_environments(tmp_path: Path) -> None:
    """What a script has installed there once is known to nobody."""
    project = gated(tmp_path)
    project.run()
    stray = project.place() / "envs" / "tests" / "stray"
    stray.parent.mkdir(parents=True)
    stray.touch()
    project.commit("docs: more", {"README": "more\n"})
    project.run()
    assert stray.exists()
    project.run(fresh=True)
    assert not stray.exists()


def test_all_gates_run_and_all_failures_are_said_together(tmp_path: Path) -> None:
    noxfile = PASSING + session("session.error('no')", name="lint") + session("session.skip('no')", name="scan")
    project = gated(tmp_path, noxfile)
    with pytest.raises(ReleaseError) as caught:
        project.run("lint", "scan", "tests")
    assert [problem.exit for problem in caught.value.problems] == [Exit.GATE_FAILED, Exit.NOT_AUDITED]
    assert caught.value.exit == Exit.NOT_AUDITED
    assert project.receipt("tests") is not None
    assert sorted(line.partition(" (")[0] for line in project.said[:-1]) == [
        "gate lint: failed",
        "gate lint: running",
        "gate scan: could not look",
        "gate scan: running",
        "gate tests: passed",
        "gate tests: running",
    ]


def test_a_name_runs_all_sessions_of_that_name_and_each_needs_evidence(tmp_path: Path) -> None:
    decorator = "@nox.session(python=False)\n@nox.parametrize('django', ['4', '5'])"
    body = "django == '4' and session.run('true', external=True)"
    source = session(body, decorator=decorator).replace("(session)", "(session, django)")
    error = refused(gated(tmp_path, HEAD + source))
    assert "session tests(django='5') ran nothing" in str(error)
    assert "session tests(django='4')" not in str(error).splitlines()[0]


def test_a_gate_may_be_one_parametrized_session(tmp_path: Path) -> None:
    decorator = "@nox.session(python=False)\n@nox.parametrize('django', ['4', '5'])"
    source = session("session.run('true', external=True)", decorator=decorator)
    project = gated(tmp_path, HEAD + source.replace("(session)", "(session, django)"))
    project.run('tests(django="5")')
    receipt = project.receipt('tests(django="5")')
    assert receipt is not None
    assert [one.name for one in receipt.sessions] == ["tests(django='5')"]
    assert project.receipt("tests(django='4')") is None


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["a/../../b", "--list", "é $HOME"])
def test_odd_names_stay_names(name: str, tmp_path: Path) -> None:
    project = gated(
        tmp_path,
        HEAD + f"\n\n@nox.session(name={name!r}, python=False)\ndef x(session):\n"
        "    session.run('true', external=True)\n",
    )
    project.run(name)
    receipt = project.receipt(name)
    assert receipt is not None
    assert receipt.gate == name
    folder = project.path / ".git" / "release" / "receipts"
    assert len(list(folder.iterdir())) == len(list(folder.glob("*/*.json"))) == 1


@pytest.mark.thorough
def test_a_command_in_an_environment_of_its_own_is_evidence_and_its_making_is_not(tmp_path: Path) -> None:
    decorator = "@nox.session(venv_params=['--no-seed'])"
    noxfile = HEAD + session("session.run('python', '-c', '')", decorator=decorator)
    noxfile += session("pass", name="empty", decorator=decorator)
    project = gated(tmp_path, noxfile)
    with pytest.raises(ReleaseError, match="session empty ran nothing"):
        project.run("tests", "empty")
    receipt = project.receipt()
    assert receipt is not None
    assert receipt.evidence == ("python -c ''",)


def test_commands_are_witnessed_where_nox_goes_on_in_an_environment_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With PEP 723 dependencies that are not installed, nox installs them and starts itself again."""
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "pip").write_text("#!/bin/sh\necho installed >> pip-was-here\n")
    (programs / "pip").chmod(0o755)
    own = Path(sys.executable).parent
    monkeypatch.setenv("PATH", os.pathsep.join([str(programs), str(own), os.environ["PATH"]]))
    script = [
        "/// script",
        "dependencies = ['nox', 'no-such-package']",
        "[tool.nox]",
        "script-venv-backend = 'none'",
        "///",
    ]
    project = gated(tmp_path / "project", "".join(f"# {line}\n" for line in script) + PASSING)
    project.run()
    receipt = project.receipt()
    assert receipt is not None
    assert receipt.evidence == (shutil.which("true"),)
    assert (project.place() / "tree" / "pip-was-here").exists()


def test_the_project_is_not_on_the_path_of_nox(tmp_path: Path) -> None:
    broken = "raise SystemExit('the wrong module')\n"
    project = gated(tmp_path, {"noxfile.py": PASSING, "packaging.py": broken, "colorlog.py": broken, "run.py": broken})
    project.run()
    assert project.receipt() is not None


@pytest.mark.parametrize("end", ["true", "false"])
def test_a_token_stands_nowhere(end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in what a gate finds around it, nor in what it leaves, here with results and a traceback."""
    for name, value in TOKENS.items():
        monkeypatch.setenv(name, value)
    result = json.dumps(Result(session="tests", evidence=("x 1.0: 3 files",)).plain())
    body = f"open(__import__('os').environ[{VARIABLE!r}], 'a').write({result + chr(10)!r}); "
    body += f"session.run('sh', '-c', 'env; cat /proc/self/environ || :; {end}', external=True)"
    project = gated(tmp_path, HEAD + session(body))
    said = ""
    try:
        project.run()
    except ReleaseError as error:
        said = "".join(traceback.format_exception(error))
    assert (project.receipt() is None) == bool(said) == (end == "false")
    folders = (project.place(), project.path / ".git" / "release")
    left = {place.name: place.read_bytes() for folder in folders for place in folder.rglob("*") if place.is_file()}
    assert b"HOME=" in left["log.txt"]
    assert {"results.jsonl", "report.json", "commands.jsonl", "noxfile.py"} < set(left)
    assert (f"{project.tree()}.json" in left) == (end == "true")
    assert [name for name, data in left.items() if b"t0ken" in data] == []
    assert "t0ken" not in "".join([said, *project.said])


def test_no_token_reaches_a_gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in TOKENS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.org:3128")
    project = gated(tmp_path, HEAD + session("session.run('env', external=True)"))
    project.run()
    log = project.log()
    assert "t0ken" not in log
    assert "PIP_INDEX_URL=https://index.example.org/simple\n" in log
    assert "UV_INDEX=one=https://one.example.org/simple https://two.example.org\n" in log
    assert "HTTPS_PROXY=http://proxy.example.org:3128\n" in log
    assert f"HOME={os.environ['HOME']}\n" in log
    expected = "gates get PIP_INDEX_URL, UV_INDEX without user, password and query: keep these in netrc or a keyring"
    assert project.said[0] == expected


def test_a_gate_has_neither_input_nor_terminal(tmp_path: Path) -> None:
    project = gated(tmp_path, HEAD + session(shell('read x; echo "read: $?"; cat < /dev/tty || echo none')))
    project.run()
    assert "read: 1" in project.log()
    assert "none" in project.log()


def test_a_gate_that_changes_what_it_looks_at_has_failed(tmp_path: Path) -> None:
    noxfile = HEAD + session(shell("echo more >> a.txt; git add -A; git -c user.name=a -c user.email=a@b commit -qm x"))
    project = gated(tmp_path, {"noxfile.py": noxfile, "a.txt": "a\n"})
    error = refused(project)
    assert error.exit == Exit.GATE_FAILED
    assert "it changed what it was to look at: a.txt" in str(error)


def test_a_gate_may_leave_files_of_its_own(tmp_path: Path) -> None:
    project = gated(tmp_path, HEAD + session(shell("mkdir build; touch build/x")))
    project.run()
    assert project.receipt() is not None


@pytest.mark.thorough
def test_what_a_gate_started_ends_with_it(tmp_path: Path) -> None:
    project = gated(tmp_path, HEAD + session(shell(f"{stubborn('ticks')} {waits_for('ticks')}")))
    project.run()
    assert are_quiet("ticks")
