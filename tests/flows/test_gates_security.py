"""Ways in which exit 0 is no evidence: each ends red, with the cause and the file or package."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from auditing import CLEAN, asking, programs, stand_in, tree, uv_lock
from osv import serving

from release.config import Security
from release.errors import Exit, ReleaseError
from release.gates.security import audit, bandit, gate, locks, shell
from release.gates.security.locks import Locked
from release.gates.security.requirements import Pin

if TYPE_CHECKING:
    from pathlib import Path

    from release.gates.security.findings import Seen

SHELL = "import subprocess\nsubprocess.run('x', shell=True)\n"
EXCLUDE = Security().exclude


def scanned(tmp_path: Path, files: dict[str, str | bytes]) -> Seen:
    return bandit.scan(tree(tmp_path / "project", files), programs(tmp_path / "files"), EXCLUDE)


def not_audited(error: pytest.ExceptionInfo[ReleaseError]) -> str:
    assert error.value.exit == Exit.NOT_AUDITED
    return str(error.value)


def test_a_file_that_does_not_parse_is_not_looked_at(tmp_path: Path) -> None:
    seen = scanned(tmp_path, {"a.py": CLEAN, "b/bad.py": "def (\n"})
    assert seen.blind == ("bandit: b/bad.py: syntax error while parsing AST from file",)
    ours = shell.scan(tree(tmp_path / "project", {}), Security())
    assert ours.blind == ("shell check: b/bad.py:1 does not parse: invalid syntax",)


@pytest.mark.parametrize("files", [{"a.txt": "x"}, {"tests/test_a.py": CLEAN, "src/tests/b.py": CLEAN}])
def test_nothing_to_scan_is_not_looked_at(files: dict[str, str | bytes], tmp_path: Path) -> None:
    with pytest.raises(ReleaseError) as caught:
        scanned(tmp_path, files)
    assert "git tracks no Python file that is not excluded" in not_audited(caught)


def test_a_file_that_is_gone_is_not_looked_at(tmp_path: Path) -> None:
    found = tree(tmp_path / "project", {"a.py": CLEAN, "gone.py": CLEAN})
    (tmp_path / "project" / "gone.py").unlink()
    seen = bandit.scan(found, programs(tmp_path / "files"), EXCLUDE)
    assert seen.blind == ("bandit: gone.py: No such file or directory",)


def test_what_tool_bandit_leaves_out_is_not_looked_at(tmp_path: Path) -> None:
    """Its exclusions are parts of paths: `test` leaves out `contest.py`."""
    table = '[tool.bandit]\nexclude_dirs = ["test"]\nskips = ["B404"]\n'
    seen = scanned(tmp_path, {"a.py": SHELL, "contest.py": SHELL, "pyproject.toml": table})
    assert [reason.partition(" (")[0] for reason in seen.blind] == ["bandit: contest.py was not scanned"]
    assert {finding.rule for finding in seen.findings} == {"B602", "B607"}
    assert seen.notes == ("bandit: [tool.bandit] skips ['B404']",)


def test_a_planted_bandit_file_has_no_effect(tmp_path: Path) -> None:
    planted = "[bandit]\nskips = B602,B404,B607\nexclude = /\n"
    seen = scanned(tmp_path, {"src/a.py": SHELL, "src/.bandit": planted, ".bandit": planted})
    assert [(finding.rule, finding.path, finding.line) for finding in seen.findings] == [
        ("B404", "src/a.py", 1),
        ("B602", "src/a.py", 2),
        ("B607", "src/a.py", 2),
    ]
    assert [note.partition(" has no effect")[0] for note in seen.notes] == ["bandit: .bandit", "bandit: src/.bandit"]


def test_odd_paths_are_scanned(tmp_path: Path) -> None:
    """Where `.git` is a file, as in a gate's checkout, Bandit leaves out all paths with `.git` in them, if it may."""
    files: dict[str, str | bytes] = {
        ".github/a.py": SHELL,
        "-c.py": SHELL,
        "a b/é.py": SHELL,
        "n.py": "eval('1')  # nosec\n",
    }
    found = tree(tmp_path / "project", files)
    (tmp_path / "project" / ".git").rename(tmp_path / "git")
    (tmp_path / "project" / ".git").write_text(f"gitdir: {tmp_path / 'git'}\n")
    seen = bandit.scan(found, programs(tmp_path / "files"), EXCLUDE)
    assert seen.blind == ()
    assert {finding.path for finding in seen.findings} == {".github/a.py", "-c.py", "a b/é.py"}
    assert seen.notes == ("bandit: 1 line with `# nosec` passed over",)
    assert seen.looked == "4 files"


def test_a_link_that_hides_its_code_is_not_looked_at(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    for name, target in (("good.py", "src/a.py"), ("bad.py", "src/code.txt"), ("out.py", "/etc/passwd")):
        (tmp_path / "project" / name).symlink_to(target)
    seen = scanned(tmp_path, {"src/a.py": CLEAN, "src/code.txt": SHELL})
    assert seen.blind == tuple(f"bandit: {name} is a link to no tracked Python file" for name in ("bad.py", "out.py"))
    assert seen.looked == "1 file"


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("echo usage >&2; exit 2", "bandit ended with status 2: usage"),
        ("exit 0", "bandit has not answered in its JSON"),
        ('echo "[]"', "bandit has not answered in its JSON"),
        ("""echo '{"errors": [{}], "metrics": {}, "results": []}'""", "bandit's JSON is not of the form that is known"),
    ],
)
def test_a_bandit_that_does_not_work_is_no_look(script: str, says: str, tmp_path: Path) -> None:
    before = stand_in(tmp_path / "bin", "bandit", script)
    with pytest.raises(ReleaseError) as caught:
        bandit.scan(tree(tmp_path / "p", {"a.py": CLEAN}), programs(tmp_path / "files", before=before), EXCLUDE)
    assert says in not_audited(caught)


def audited(tmp_path: Path, url: str, *pins: str, timeout: int = 5, before: str = "") -> Seen:
    locked = Locked("uv.lock", frozenset(Pin(*pin.split("==")) for pin in pins))
    return audit.look(locked, programs(tmp_path / "files", before=before), asking(url, timeout))


def test_what_is_locked_is_audited_each_version_of_it(tmp_path: Path) -> None:
    with serving() as server:
        seen = audited(tmp_path, server.url, "jinja2==3.1.6", "jinja2==3.1.2", "urllib3==2.0.7", "urllib3==1.26.5")
        assert server.asked[0] == ("jinja2", "2.4.1")
        assert sorted(server.asked[1:]) == [
            ("jinja2", "3.1.2"),
            ("jinja2", "3.1.6"),
            ("urllib3", "1.26.5"),
            ("urllib3", "2.0.7"),
        ]
    assert seen.blind == ()
    assert [str(finding) for finding in seen.findings] == [
        (
            "jinja2 3.1.2: PYSEC-2024-264 fixed in: 3.1.3; Cross-site scripting by attributes passed to xmlattr "
            "(CVE-2024-22195, GHSA-h5c8-rqwp-cp95)"
        ),
        (
            "urllib3 1.26.5: PYSEC-2023-192 fixed in: 1.26.17, 2.0.6; The Cookie header is kept on a redirect to "
            "another origin (CVE-2023-43804, GHSA-v845-jxx5-vc9f)"
        ),
    ]
    assert seen.looked.startswith("4 locked packages audited (uv.lock), http://127.0.0.1:")
    assert seen.looked.endswith(", canary ok")


@pytest.mark.parametrize(
    ("mode", "says"),
    [
        ("html", "answers something else than JSON"),
        ("error", "answers with an error (requests.exceptions.HTTPError: 500 Server Error: Internal Server Error"),
        ("slow", "does not answer within 1 s"),
    ],
)
def test_a_service_without_answers_is_named(mode: str, says: str, tmp_path: Path) -> None:
    with serving(mode) as server:
        with pytest.raises(ReleaseError) as caught:
            audited(tmp_path, server.url, "jinja2==3.1.6", timeout=1)
        assert f"the service {server.url} {says}" in not_audited(caught)


def test_a_service_that_is_down_is_named(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1/query"
    with pytest.raises(ReleaseError) as caught:
        audited(tmp_path, url, "jinja2==3.1.6")
    assert f"the service {url} refuses connections" in not_audited(caught)


def test_a_service_that_knows_nothing_is_found_out_by_the_canary(tmp_path: Path) -> None:
    with serving("empty") as server:
        seen = audited(tmp_path, server.url)
    assert seen.findings == ()
    assert seen.blind[0].endswith(
        "knows nothing of jinja2 2.4.1, which is vulnerable: its silence says nothing",
    )
    assert seen.looked.endswith("canary failed")


@pytest.mark.thorough
def test_an_advisory_that_pip_audit_cannot_read_is_not_left_out(tmp_path: Path) -> None:
    with serving("newer") as server:
        seen = audited(tmp_path, server.url, "urllib3==2.0.0")
    assert seen.blind == ("pip-audit left out an advisory: Unsupported OSV schema version: 2.0.0",)


def answering(tmp_path: Path, answer: str) -> str:
    """Return a folder with a pip-audit that knows the canary, and says this of all else."""
    canary = '{"dependencies": [{"name": "jinja2", "version": "2.4.1", "vulns": [{"id": "X"}]}]}'
    script = f"""for last; do [ "$before" = -o ] && out=$last; before=$last; done
if grep -q 2.4.1 "$2"; then echo '{canary}' > "$out"; else echo '{answer}' > "$out"; fi
"""
    return stand_in(tmp_path / "bin", "pip-audit", script)


GOOD = '{"name": "idna", "version": "3.7", "vulns": []}'
SKIPPED = '{"name": "attrs", "skip_reason": "Dependency not found on PyPI"}'


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (f'{{"dependencies": [{GOOD}]}}', "pip-audit has not audited attrs==23.1.0"),
        ('{"dependencies": []}', "pip-audit has not audited attrs==23.1.0, idna==3.7"),
        (f'{{"dependencies": [{GOOD}, {SKIPPED}]}}', "pip-audit skipped attrs: Dependency not found on PyPI"),
        (
            (
                f'{{"dependencies": [{GOOD}, {GOOD.replace("idna", "attrs").replace("3.7", "23.1.0")}, '
                f"{GOOD.replace('idna', 'six')}]}}"
            ),
            "pip-audit audited what is not locked: six==3.7",
        ),
        ("No known vulnerabilities found", "pip-audit has not answered in its JSON"),
        ('{"dependencies": [3]}', "pip-audit has not answered in its JSON"),
    ],
)
def test_what_is_audited_has_to_be_what_is_locked(answer: str, says: str, tmp_path: Path) -> None:
    before = answering(tmp_path, answer)
    seen = audited(tmp_path, "http://127.0.0.1:9/v1/query", "attrs==23.1.0", "idna==3.7", before=before)
    assert seen.blind == (says,)


def test_a_program_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError) as caught:
        programs(tmp_path, PATH=str(tmp_path)).run("pip-audit", cwd=tmp_path, timeout=1)
    assert "pip-audit is not installed in the session's environment" in not_audited(caught)


@pytest.mark.thorough
def test_without_dependencies_the_canary_decides(tmp_path: Path) -> None:
    found = tree(tmp_path / "project", {"a.py": CLEAN, "pyproject.toml": "[project]\nname = 'demo'\n"})
    before = answering(tmp_path, "{}")
    result = gate.look(found.root, programs(tmp_path / "files", before=before)).result
    assert result.verdict == "passed"
    assert (
        "no dependencies (no lock, and pyproject.toml names no dependencies), https://api.osv.dev" in result.evidence[2]
    )
    stand_in(tmp_path / "bin", "pip-audit", "echo 'ERROR:pip_audit._cli:gone' >&2; exit 1")
    result = gate.look(found.root, programs(tmp_path / "files", before=before)).result
    assert result.not_looked == ("pip-audit: gone",)


def looked(tmp_path: Path, files: dict[str, str | bytes], url: str) -> gate.Looked:
    found = tree(tmp_path / "project", files)
    return gate.look(found.root, programs(tmp_path / "files"), service=url)


ACCEPTED = """\
[[accepted]]
test = "B602"
path = "a.py"
reason = "the command is constant"
until = {until}

[[accepted]]
advisory = "cve-2024-22195"
package = "Jinja2"
reason = "xmlattr is not used"
until = 2999-12-31
"""
FILES: dict[str, str | bytes] = {
    "a.py": "import os\nos.execv\n",
    "pyproject.toml": '[project]\nname = "demo"\ndependencies = ["jinja2"]\n[tool.bandit]\nskips = ["B404", "B607"]\n',
    "uv.lock": uv_lock("jinja2==3.1.2"),
}


def test_a_second_copy_of_an_accepted_finding_is_found(tmp_path: Path) -> None:
    twice = SHELL + "subprocess.run('y', shell=True)\n"
    files = {**FILES, "a.py": SHELL, "security.toml": ACCEPTED.format(until="2999-01-01")}
    vulnerable = '{"id": "PYSEC-2024-264", "aliases": ["CVE-2024-22195"]}'
    answer = f'{{"dependencies": [{{"name": "jinja2", "version": "3.1.2", "vulns": [{vulnerable}]}}]}}'
    tools = programs(tmp_path / "files", before=answering(tmp_path, answer))
    result = gate.look(tree(tmp_path / "1", files).root, tools).result
    assert (result.verdict, result.until) == ("passed", "2999-01-01")
    assert result.evidence[0].endswith(": 1 file, 1 finding (1 accepted)")
    assert result.evidence[2].endswith(", canary ok, 1 finding (1 accepted)")
    result = gate.look(tree(tmp_path / "2", {**files, "a.py": twice}).root, tools).result
    assert result.verdict == "found"
    assert [finding.rpartition(" [")[2] for finding in result.findings] == ["2 found, 1 accepted]"] * 2
    assert [finding.partition(" ")[0] for finding in result.findings] == ["a.py:2:", "a.py:3:"]


def test_an_expired_acceptance_is_found_and_accepts_nothing(tmp_path: Path) -> None:
    files = {**FILES, "a.py": SHELL, "security.toml": ACCEPTED.format(until="2020-01-01")}
    result = looked(tmp_path, files, "http://127.0.0.1:9/v1/query").result
    assert "refuses connections" in result.not_looked[0]
    assert result.verdict == "not looked"
    assert [finding.partition(" ")[0] for finding in result.findings[:1]] == ["a.py:2:"]
    assert result.findings[1:] == ("security.toml: entry 1 (B602 in a.py) has expired on 2020-01-01",)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("files", "says"),
    [
        (
            {"uv.lock": uv_lock()},
            "uv.lock has not jinja2, which pyproject.toml depends on (lock the dependencies anew)",
        ),
        ({"uv.lock": "version = 2\n"}, "uv.lock: version is 2, known is 1"),
        ({"pylock.toml": "lock-version = '1.0'\n"}, "pylock.toml: lock-version is '1.0', known is 1.0, with packages"),
        ({"security.toml": "[[accepted]]\n"}, "security.toml: entry 1 names not exactly one of advisory, test and"),
        ({"pyproject.toml": "[tool.release.security]\nserv = 1\n"}, "tool.release.security.serv is unknown"),
        (
            {"pyproject.toml": "[tool.release.security]\naccepted = 'x.toml'\n"},
            "x.toml, which [tool.release.security] names, does not exist",
        ),
    ],
)
def test_what_cannot_be_read_is_named(files: dict[str, str | bytes], says: str, tmp_path: Path) -> None:
    before = stand_in(tmp_path / "bin", "bandit", "exit 2")
    stand_in(tmp_path / "bin", "pip-audit", "exit 2")
    found = tree(tmp_path / "project", {**FILES, **files})
    result = gate.look(found.root, programs(tmp_path / "files", before=before)).result
    assert any(says in reason for reason in result.not_looked)
    assert result.verdict == "not looked"


def test_accepted_findings_that_git_does_not_track_accept_nothing(tmp_path: Path) -> None:
    found = tree(tmp_path / "project", FILES)
    (found.root / "security.toml").write_text(ACCEPTED)
    result = gate.look(found.root, programs(tmp_path / "files")).result
    assert result.not_looked == ("security.toml is not tracked by git (git add -- security.toml)",)


def test_a_lock_is_read_from_tracked_files_only(tmp_path: Path) -> None:
    found = tree(tmp_path / "project", {"a.py": CLEAN})
    (found.root / "uv.lock").write_text(uv_lock("jinja2==3.1.6"))
    assert locks.find(found, ["demo"]) is None
