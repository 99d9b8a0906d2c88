"""The session `gates` in a CI: receipts of all gates for HEAD's tree, signed, with a key that nothing else sees."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from exchanging import CI, left, made, new_key, public, signed, signing, trust
from gating import HEAD, PASSING, Gated, gated, session, shell
from support import wrap_git

import release
from release.errors import Exit, ReleaseError
from release.gates import ci, environment, exchange, receipts, signatures
from release.git.database import ObjectReader

if TYPE_CHECKING:
    from collections.abc import Callable

KEY, KEY_FILE = signatures.KEY, signatures.KEY_FILE
# Without environments of their own, which take their time to make.
NOXFILE = f"""\
import sys
sys.path.insert(0, {str(Path(release.__file__).parents[1])!r})
import nox
from release.sessions import gates


@nox.session(python=False)
def unit(session):
    session.run('sh', '-c', 'env > "$HOME/env.txt"', external=True)


@nox.session(python=False)
def style(session):
    session.run('true', external=True)
"""
TABLE = f'[tool.release]\ngates = ["unit", "gates", "style"]\nreceipt_signers = ["{CI}"]\n'
QUICK = '[tool.release]\ngates = ["tests"]\n'


def nox(project: Gated, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **more}
    argv = [sys.executable, "-m", "nox", *words]
    return subprocess.run(argv, cwd=project.path, env=env, capture_output=True, text=True, check=False)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gated:
    found = gated(tmp_path / "project", {"noxfile.py": PASSING, "pyproject.toml": QUICK})
    monkeypatch.chdir(found.path)
    return found


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return new_key(tmp_path / "key")


def run(project: Gated, *words: str) -> None:
    ci.run(words, name="gates", say=project.said.append)


def refused(project: Gated, *words: str) -> ReleaseError:
    with pytest.raises(ReleaseError) as caught:
        run(project, *words)
    assert len(caught.value.problems) == 1
    return caught.value


@signing
def test_nox_writes_signed_receipts_that_a_maintainer_takes(tmp_path: Path, key: Path) -> None:
    project = gated(tmp_path / "project", {"noxfile.py": NOXFILE, "pyproject.toml": TABLE, "VERSION": "1.0.0\n"})
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    secret = key.read_text().strip()
    listed = nox(project, "--list").stdout
    assert "* unit" in listed
    assert "- gates -> " in listed  # a plain `nox` does not run every gate twice

    ran = nox(project, "-s", "gates", "--", "--receipts", "out", **{KEY: secret, "TMPDIR": str(temporary)})
    assert ran.returncode == 0, ran.stderr
    assert "gate unit: passed" in ran.stderr
    assert "receipts of unit, style, signed: " in ran.stderr
    tree = project.tree()
    names = [f"{gate}.{tree}.json{end}" for gate in ("style", "unit") for end in ("", ".sig")]
    assert sorted(place.name for place in (project.path / "out").iterdir()) == names
    for gate in ("unit", "style"):
        place = project.path / "out" / f"{gate}.{tree}.json"
        assert place.read_bytes() == receipts.stored(project.repository, gate, tree)
        (tmp_path / "allowed").write_text(f"{CI} {public(key)}")
        argv = ["ssh-keygen", "-Y", "verify", "-f", str(tmp_path / "allowed"), "-I", CI, "-n", signatures.NAMESPACE]
        argv += ["-s", f"{place}.sig"]
        subprocess.run(argv, input=place.read_bytes(), check=True, capture_output=True)

    # A line of the key's body is looked for wherever something was written.
    body = secret.splitlines()[2]
    assert KEY not in Path.home().joinpath("env.txt").read_text()
    written = [place for folder in (Path.home(), project.path, temporary) for place in folder.rglob("*")]
    texts = [place.read_bytes() for place in written if place.is_file() and not place.is_symlink()]
    assert len(texts) > 20
    assert not [text for text in (*texts, ran.stdout.encode(), ran.stderr.encode()) if body.encode() in text]
    assert not list(temporary.glob("release-*"))

    maintainer = Gated(tmp_path / "maintainer")
    project.git("clone", "-q", str(project.path), str(maintainer.path), cwd=tmp_path)
    trust(maintainer, f"{CI} {public(key)}")
    with closing(ObjectReader(maintainer.path)) as objects:
        where = maintainer.repository
        gates = ("unit", "style", "more")
        offer = exchange.offered(where, objects, folder=project.path / "out", tree=tree, gates=gates)
    assert offer.gates == ("unit", "style")
    exchange.accept(where, offer)
    maintainer.run("unit", "style")
    assert maintainer.said == ["gate unit: receipt found", "gate style: receipt found"]


@signing
@pytest.mark.parametrize("form", ["argument", "file", "content", "without a line end", "with CRLF"])
def test_the_key_comes_from_a_path_or_from_a_variable(
    form: str, project: Gated, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = {"without a line end": key.read_text().strip(), "with CRLF": key.read_text().replace("\n", "\r\n")}
    words = ("--receipts=out", "--key", str(key)) if form == "argument" else ("--receipts=out",)
    if form == "file":
        monkeypatch.setenv(KEY_FILE, str(key))
    elif form != "argument":
        monkeypatch.setenv(KEY, content.get(form, key.read_text()))
    receipts.write(project.repository, made(project))
    run(project, *words)
    assert f"receipts of tests, signed: {project.path}/out" in project.said
    assert KEY not in os.environ
    assert KEY_FILE not in os.environ


@signing
def test_ssh_keygen_gets_the_key_as_a_file_for_its_owner_alone(
    project: Gated, key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin" / "ssh-keygen"
    program.parent.mkdir()
    script = 'env >> $LOG.told; for one; do echo "$one" >> $LOG.told\n'
    script += '[ ! -f "$one" ] || ls -ld "$one" "${one%/*}" >> $LOG; done'
    program.write_text(f'#!/bin/sh\nLOG={tmp_path}/log\n{script}\nexec {shutil.which("ssh-keygen")} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv(KEY, key.read_text())
    receipts.write(project.repository, made(project))
    run(project, "--receipts", "out")
    assert key.read_text().splitlines()[2] not in (tmp_path / "log.told").read_text()
    assert {line[:10] for line in (tmp_path / "log").read_text().splitlines()} == {"-rw-------", "drwx------"}
    made_places = {line.split()[-1] for line in (tmp_path / "log").read_text().splitlines()}
    assert made_places
    assert not [place for place in made_places if os.path.lexists(place)]


@signing
def test_a_key_that_was_given_goes_before_those_of_variables(
    project: Gated, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY, "junk")
    monkeypatch.setenv(KEY_FILE, "/nowhere")
    receipts.write(project.repository, made(project))
    run(project, "--receipts", "out", "--key", str(key))
    assert project.said[-1].startswith("receipts of tests, signed")


def test_no_gate_is_given_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY, "secret")
    monkeypatch.setenv(KEY_FILE, "/secret")
    assert {KEY, KEY_FILE}.isdisjoint(environment.variables())


def _locked(folder: Path) -> dict[str, str]:
    return {KEY: new_key(folder / "locked", passphrase="a passphrase").read_text()}


def _locked_file(folder: Path) -> dict[str, str]:
    return {KEY_FILE: str(new_key(folder / "locked", passphrase="a passphrase"))}


def _readable_by_all(folder: Path) -> dict[str, str]:
    key = new_key(folder / "open")
    key.chmod(0o644)
    return {KEY_FILE: str(key)}


def _damaged(folder: Path) -> dict[str, str]:
    lines = new_key(folder / "damaged").read_text().splitlines()
    return {KEY: "\n".join([lines[0], *lines[2:]])}


@signing
@pytest.mark.parametrize(
    ("given", "code", "says"),
    [
        (_locked, Exit.REFUSED, f"{KEY} has a passphrase, and nobody is asked for it"),
        (_locked_file, Exit.REFUSED, "/locked has a passphrase, and nobody is asked for it"),
        (_readable_by_all, Exit.USAGE, "/open: ssh-keygen uses no such key"),
        (_damaged, Exit.USAGE, f"ssh-keygen cannot sign with {KEY}: "),
    ],
)
def test_a_key_that_does_not_sign_is_told_before_any_gate_runs(
    given: Callable[[Path], dict[str, str]],
    code: Exit,
    says: str,
    project: Gated,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in given(tmp_path).items():
        monkeypatch.setenv(name, value)
    error = refused(project, "--receipts", "out")
    assert error.exit is code
    assert says in str(error)
    assert str(error).isascii()
    assert project.said == []
    assert not (project.path / "out").exists()


@pytest.mark.parametrize(
    ("words", "env", "says"),
    [
        (["--receipts", "out", "--key", "/nowhere"], {}, "the key /nowhere cannot be read: No such file or directory"),
        (["--receipts", "out"], {KEY_FILE: "/nowhere"}, "the key /nowhere cannot be read: No such file or directory"),
        (["--receipts", "out"], {KEY: "/home/me/key"}, f"{KEY} holds no private key\n  the path of one belongs into"),
        (["--receipts", "out"], {KEY: "x", KEY_FILE: "y"}, f"{KEY} and {KEY_FILE} are both set"),
        (["--receipts", "out", "--key", "-----BEGIN X PRIVATE KEY-----\nhush"], {}, "stands among the arguments"),
        (["-----BEGIN X PRIVATE KEY-----\nhush"], {}, "stands among the arguments"),
        (["--receipts", "out"], {KEY_FILE: "-----BEGIN X PRIVATE KEY-----\nhush"}, f"{KEY_FILE} takes the path"),
        (["--receipts"], {}, "--receipts has no value"),
        (["--receipts", "--key"], {}, "--receipts has no value"),
        (["--recipts", "out"], {}, "gates does not know '--recipts'\n  did you mean '--receipts'?"),
        (["--key", "k"], {}, "--key has nothing to sign"),
        (["--receipts", "noxfile.py"], {}, "the folder noxfile.py cannot be made: File exists"),
        (["--receipts", "noxfile.py/x"], {}, "the folder noxfile.py/x cannot be made: Not a directory"),
    ],
)
def test_bad_input_is_one_message(
    words: list[str], env: dict[str, str], says: str, project: Gated, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    error = refused(project, *words)
    assert error.exit is Exit.USAGE
    assert says in str(error)
    assert "hush" not in str(error)
    assert project.said == []
    assert not (project.path / "out").exists()


@signing
def test_without_ssh_keygen_nothing_is_written(
    project: Gated, key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrap_git(tmp_path / "bin", 'exec "$GIT" "$@"\n', monkeypatch)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    error = refused(project, "--receipts", "out", "--key", str(key))
    assert (error.exit, "ssh-keygen is not installed" in str(error)) == (Exit.REFUSED, True)
    assert not (project.path / "out").exists()


def test_a_gate_that_fails_exports_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    noxfile = HEAD + session(shell("exit 1")) + session("session.run('true', external=True)", name="lint")
    table = QUICK.replace('"tests"', '"lint", "tests"')
    project = gated(tmp_path / "project", {"noxfile.py": noxfile, "pyproject.toml": table})
    monkeypatch.chdir(project.path)
    error = refused(project, "--receipts", "out")
    assert error.exit is Exit.GATE_FAILED
    assert list((project.path / "out").iterdir()) == []


def test_without_a_key_they_are_written_and_that_is_said(project: Gated, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY, "")  # as a CI hands over a secret that it has not, or does not give to a fork
    receipts.write(project.repository, made(project))
    beside = project.path / "out" / f"tests.{project.tree()}.json.sig"
    beside.parent.mkdir()
    beside.write_text("of an earlier run\n")
    run(project, "--receipts", "out")
    assert project.said[-2] == f"receipts of tests: {project.path}/out"
    assert project.said[-1].startswith("they are not signed, and count nowhere else: ")
    assert [place.name for place in beside.parent.iterdir()] == [f"tests.{project.tree()}.json"]


@signing
def test_what_was_itself_taken_from_elsewhere_is_not_vouched_for(project: Gated, key: Path) -> None:
    receipts.write(project.repository, made(project, signer="other@example.org SHA256:x"))
    error = refused(project, "--receipts", "out", "--key", str(key))
    assert error.exit is Exit.REFUSED
    assert "gate tests was not run here: its receipt was taken from other@example.org SHA256:x" in str(error)
    assert list((project.path / "out").iterdir()) == []


def test_what_is_not_committed_is_not_looked_at(project: Gated) -> None:
    project.write("noxfile.py", "raise SystemExit(1)\n")
    project.write("pyproject.toml", QUICK.replace("tests", "other"))
    run(project)
    assert [re.sub(r"\(.*", "", line) for line in project.said] == ["gate tests: running", "gate tests: passed "]


def test_without_gates_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = gated(tmp_path / "project", {"pyproject.toml": '[tool.release]\ngates = ["gates"]\n'})
    monkeypatch.chdir(project.path)
    run(project, "--receipts", "out")
    assert (project.said, (project.path / "out").exists()) == (["no gates configured"], False)


@signing
def test_what_ssh_keygen_signs_by_itself_is_the_same(project: Gated, key: Path) -> None:
    trust(project, f"{CI} {public(key)}")
    place = left(project.folder / "receipts", made(project))
    by_hand = signed(place, key).read_bytes()
    receipts.write(project.repository, made(project))
    run(project, "--receipts", str(place.parent), "--key", str(key))
    assert place.with_name(f"{place.name}.sig").read_bytes() == by_hand
