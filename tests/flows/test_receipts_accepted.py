"""`--receipts FOLDER`: what a CI has signed counts, what nobody vouches for does not, and each reason is said."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from exchanging import CI, SIGNERS, left, made, new_key, public, signed, signing, trust
from finishing import conflicting, resolve, stopped
from gated import Gates, bumped, done, receipt, refuses
from gating import HEAD, session
from support import PYPROJECT, thorough

from release.gates import signatures

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support import Project

DRY = ("tag", "--dry-run")


class Maintainer:
    """A project at the commit that is to be tagged, a key of the CI that is trusted, and the folder from the CI."""

    def __init__(self, folder: Path, gates: str = SIGNERS, more: str = "") -> None:
        self.gates = Gates(folder, gates, more)
        self.project = self.gates.project
        self.folder = folder / "receipts"
        self.folder.mkdir()
        self.key = new_key(folder / "key")
        trust(self.project, f'{CI} namespaces="{signatures.NAMESPACE}" {public(self.key)}')

    def leave(self, **changes: Any) -> Path:
        """Let the CI leave a signed receipt."""
        place = left(self.folder, made(self.project, **changes))
        signed(place, self.key)
        return place

    def says(self, *words: str) -> str:
        """Return what a dry run says; it stores nothing."""
        ended = done(self.project, *DRY, *words, "--receipts", str(self.folder))
        assert not (self.project.path / ".git/release/receipts").exists()
        return ended.err


@pytest.fixture
def maintainer(tmp_path: Path) -> Maintainer:
    found = Maintainer(tmp_path)
    bumped(found.project)
    return found


@signing
def test_what_a_ci_signed_is_not_run_again(maintainer: Maintainer) -> None:
    expires = int(time.time()) + 3600
    maintainer.leave(expires=expires)
    said = maintainer.says()
    assert f"gate tests: the receipt signed by {CI} SHA256:" in said
    assert "all gates have passed this tree" in said
    said = done(maintainer.project, "tag", "--receipts", str(maintainer.folder)).err
    assert "gate tests: receipt found" in said
    assert "running" not in said
    assert maintainer.gates.count == 0
    found = receipt(maintainer.project, "v1.0.0")
    assert found.signer.startswith(f"{CI} SHA256:")
    assert found.expires == expires
    assert found == made(maintainer.project, expires=expires, signer=found.signer)


@signing
def test_only_the_gates_that_are_not_covered_run(tmp_path: Path) -> None:
    more = session("session.run('true', external=True)", name="lint")
    maintainer = Maintainer(tmp_path, SIGNERS.replace('"tests"', '"tests", "lint"'), more)
    bumped(maintainer.project)
    maintainer.leave()
    assert "gates to run: lint\n" in maintainer.says()
    said = done(maintainer.project, "tag", "--receipts", str(maintainer.folder)).err
    assert "gate lint: passed" in said
    assert maintainer.gates.count == 0
    assert receipt(maintainer.project, "v1.0.0", "lint").signer == ""


@signing
def test_what_has_a_receipt_here_asks_no_folder(maintainer: Maintainer) -> None:
    done(maintainer.project, "tag")
    maintainer.project.git("tag", "-d", "v1.0.0")
    maintainer.leave()
    said = done(maintainer.project, "tag", "--receipts", str(maintainer.folder)).err
    assert (maintainer.gates.count, "signed by" in said) == (1, False)
    assert receipt(maintainer.project, "v1.0.0").signer == ""


@signing
def test_a_receipt_from_elsewhere_ages_as_one_from_here(maintainer: Maintainer) -> None:
    maintainer.leave(expires=int(time.time()) + 3600)
    done(maintainer.project, "tag", "--receipts", str(maintainer.folder))
    maintainer.project.git("tag", "-d", "v1.0.0")
    place = next((maintainer.project.path / ".git/release/receipts/tests").iterdir())
    place.write_text(json.dumps({**json.loads(place.read_text()), "expires": int(time.time()) - 1}))
    done(maintainer.project, "tag")
    assert maintainer.gates.count == 1


def _finish(project: Project) -> tuple[str, ...]:
    done(project, "release.prepare", "1.0.0", "--push", "--yes")
    project.commit("fix: late", {"late.txt": "late\n"})
    done(project, "release.finish", "--pr", "--yes")
    return ("release.finish", "--yes")


def _candidate(project: Project) -> tuple[str, ...]:
    done(project, "release.prepare", "1.0.0rc1", "--push", "--yes")
    return ("release.candidate", "--yes")


def _hotfix(project: Project) -> tuple[str, ...]:
    done(project, "hotfix.start", "--push", "--yes")
    project.commit("fix: hot", {"hot.txt": "hot\n"})
    done(project, "hotfix.finish", "--pr", "--yes")
    return ("hotfix.finish", "--yes")


@signing
@pytest.mark.parametrize(
    ("begin", "tag"), [(_finish, "v1.0.0"), *thorough((_candidate, "v1.0.0rc1"), (_hotfix, "v0.9.1"))]
)
def test_every_task_that_tags_takes_them(begin: Callable[[Project], tuple[str, ...]], tag: str, tmp_path: Path) -> None:
    maintainer = Maintainer(tmp_path)
    words = (*begin(maintainer.project), "--receipts", str(maintainer.folder))
    maintainer.leave()
    shown = done(maintainer.project, *words[:1], *words[2:], "--dry-run")
    assert "all gates have passed this tree" in shown.err
    done(maintainer.project, *words)
    assert maintainer.gates.count == 0
    assert receipt(maintainer.project, tag).signer.startswith(CI)


def _tampered(it: Maintainer) -> None:
    place = it.leave()
    place.write_bytes(place.read_bytes().replace(b'"pytest -q"', b'"pytest -v"'))


@pytest.mark.thorough
@signing
def test_what_is_ignored_leaves_the_gate_its_word(maintainer: Maintainer) -> None:
    _tampered(maintainer)
    words = ("tag", "--receipts", str(maintainer.folder))
    maintainer.gates.do("exit 1")
    refuses(maintainer.project, *words, code=4, says="gate tests failed on")
    maintainer.gates.do("true")
    said = done(maintainer.project, *words).err
    assert "ignored: tests." in said
    assert maintainer.gates.count == 2
    assert receipt(maintainer.project, "v1.0.0").signer == ""


@pytest.mark.thorough
@signing
def test_after_a_conflict_it_goes_on_with_the_receipts(tmp_path: Path) -> None:
    settings = PYPROJECT.replace("gates = []", f"gates = {SIGNERS}")
    noxfile = HEAD + session("session.error('it ran')")
    project = conflicting(
        tmp_path / "project",
        base={"pyproject.toml": settings, "noxfile.py": noxfile},
        develop={"app.txt": "one\ndevelop\nthree\n"},
        release={"app.txt": "one\nrelease\nthree\n"},
    )
    key = new_key(tmp_path / "key")
    trust(project, f"{CI} {public(key)}")
    done(project, "release.finish", "--pr", "--yes")
    signed(left(tmp_path / "receipts", made(project)), key)
    place = stopped(project, "--receipts", "../../receipts", branch="develop")
    shown = done(project, "release.resume", "--dry-run")
    assert f"--receipts {tmp_path}/receipts" in shown.err
    resolve(project, place)
    away = (tmp_path / "receipts").rename(tmp_path / "away")
    ended = project.invoke("release.resume")
    assert (ended.code, "receipts: it cannot be read: No such file" in ended.err) == (4, True), ended.text
    away.rename(tmp_path / "receipts")
    done(project, "release.resume")
    assert receipt(project, "v1.0.0").signer.startswith(CI)


class TestWithoutKeys:
    """What is told before any signature is looked at; no ssh-keygen is needed for it."""

    @pytest.fixture
    def project(self, tmp_path: Path) -> Project:
        found = Gates(tmp_path, SIGNERS).project
        bumped(found)
        trust(found, "")
        return found

    @pytest.mark.parametrize("words", [DRY, ("tag",), ("release.finish", "--yes"), ("release.candidate", "--yes")])
    def test_a_folder_that_is_not_there_is_bad_input(self, project: Project, words: tuple[str, ...]) -> None:
        refuses(project, *words, "--receipts", "nowhere", code=2, says="the folder of receipts nowhere cannot be read")
        refuses(project, *words, "--receipts", "VERSION", code=2, says="Not a directory")

    def test_an_empty_folder_covers_nothing(self, project: Project, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        said = done(project, *DRY, "--receipts", str(tmp_path / "empty")).err
        assert f"ignored: {tmp_path}/empty: no receipt is in it" in said
        assert "gates to run: tests\n" in said

    def test_without_a_signature_it_is_ignored(self, project: Project, tmp_path: Path) -> None:
        left(tmp_path / "receipts", made(project))
        said = done(project, *DRY, "--receipts", str(tmp_path / "receipts")).err
        assert "it is not signed (there is no tests." in said
        assert "gates to run: tests\n" in said

    def test_without_signers_in_the_released_commit_it_says_how(self, tmp_path: Path) -> None:
        project = Gates(tmp_path).project
        bumped(project)
        trust(project, "")
        project.write("pyproject.toml", project.read("pyproject.toml") + f'receipt_signers = ["{CI}"]\n')
        project.git("stash", "-q")  # what is not committed lets nobody sign
        left(tmp_path / "receipts", made(project))
        said = done(project, *DRY, "--receipts", str(tmp_path / "receipts")).err
        assert "receipt_signers in [tool.release] names nobody" in said
        assert 'receipt_signers = ["ci@example.org"]' in said

    def test_without_allowed_signers_it_says_how(self, project: Project, tmp_path: Path) -> None:
        project.git("config", "--unset", "gpg.ssh.allowedSignersFile")
        left(tmp_path / "receipts", made(project))
        said = done(project, *DRY, "--receipts", str(tmp_path / "receipts")).err
        assert "gpg.ssh.allowedSignersFile is not set" in said
        assert f'namespaces="{signatures.NAMESPACE}"' in said

    def test_where_nothing_is_tagged_none_are_needed(self, tmp_path: Path) -> None:
        project = Gates(tmp_path, SIGNERS).project
        done(project, "release.prepare", "1.0.0", "--push", "--yes")
        for more in ("--dry-run", "--yes"):
            said = done(project, "release.finish", "--pr", more, "--receipts", str(tmp_path)).err
            assert "no receipts are needed: nothing is tagged" in said
