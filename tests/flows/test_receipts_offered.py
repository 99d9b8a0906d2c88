"""Which receipts from elsewhere count: those signed by somebody who is trusted here, for this tree, and still good."""

from __future__ import annotations

import json
import os
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from exchanging import CI, left, made, new_key, public, signed, signing, trust
from gating import PASSING, Gated, gated
from support import wrap_git

from release.gates import exchange, receipts, signatures
from release.git.database import ObjectReader

if TYPE_CHECKING:
    from collections.abc import Callable

    from release.gates.exchange import Offer

pytestmark = signing
TABLE = f'[tool.release]\ngates = ["tests"]\nreceipt_signers = ["first@example.org", "{CI}"]\n'


class Maintainer:
    """A project, a key of the CI that is trusted, another one, and the folder from the CI."""

    def __init__(self, folder: Path) -> None:
        self.project: Gated = gated(folder, {"noxfile.py": PASSING, "pyproject.toml": TABLE, "uv.lock": "x\n"})
        self.folder = folder / "receipts"
        self.folder.mkdir()
        self.key = new_key(folder / "key")
        self.allowed = trust(self.project, self.line())

    def line(self, options: str = f'namespaces="{signatures.NAMESPACE}" ', name: str = CI) -> str:
        return f"{name} {options}{public(self.key)}"

    def leave(self, **changes: Any) -> Path:
        """Let the CI leave a signed receipt."""
        place = left(self.folder, made(self.project, **changes))
        signed(place, self.key)
        return place

    def offer(self, gates: tuple[str, ...] = ("tests",)) -> Offer:
        """Look at the folder, which stores nothing."""
        where = self.project.repository
        with closing(ObjectReader(where.top)) as objects:
            tree = self.project.tree()
            found = exchange.offered(where, objects, folder=self.folder, tree=tree, gates=gates)
        assert not (where.common / "release" / "receipts").exists()
        return found


@pytest.fixture
def it(tmp_path: Path) -> Maintainer:
    return Maintainer(tmp_path)


def test_what_a_trusted_key_signed_counts_with_its_name(it: Maintainer) -> None:
    it.leave()
    (found,) = it.offer().accepted
    assert found.signer.startswith(f"{CI} SHA256:")
    assert found == made(it.project, signer=found.signer)
    assert [*it.offer().lines()] == [f"gate tests: the receipt signed by {found.signer} counts"]


def _beside(place: Path) -> Path:
    return place.with_name(f"{place.name}.sig")


def _unsigned(it: Maintainer) -> None:
    _beside(it.leave()).unlink()


def _by_another_key(it: Maintainer) -> None:
    signed(it.leave(), new_key(it.folder.parent / "other"))


def _as_of_a_commit(it: Maintainer) -> None:
    signed(it.leave(), it.key, namespace="git")


def _tampered(it: Maintainer) -> None:
    place = it.leave()
    place.write_bytes(place.read_bytes().replace(b'"pytest -q"', b'"pytest -v"'))


def _signature_of_another(it: Maintainer) -> None:
    it.leave(expires=1).write_bytes(receipts.serialized(made(it.project)))


def _junk_as_signature(it: Maintainer) -> None:
    _beside(it.leave()).write_text("-----BEGIN SSH SIGNATURE-----\n\x1b[31mx\n")


def _linked_signature(it: Maintainer) -> None:
    signature = _beside(it.leave())
    signature.symlink_to(signature.rename(it.folder.parent / "elsewhere"))


def _large_signature(it: Maintainer) -> None:
    os.truncate(_beside(it.leave()), 1 << 30)


def _linked(it: Maintainer) -> None:
    place = it.leave()
    place.symlink_to(place.rename(it.folder.parent / "elsewhere"))


def _pipe(it: Maintainer) -> None:
    os.mkfifo(it.folder / "tests.json")


def _folder(it: Maintainer) -> None:
    (it.folder / "tests.json").mkdir()


def _junk(it: Maintainer) -> None:
    (it.folder / "tests.json").write_bytes(b"[" * 100_000)


def _other_layout(it: Maintainer) -> None:
    place = it.leave()
    place.write_text(json.dumps({**json.loads(place.read_text()), "layout": 2}))
    signed(place, it.key)


def _of_other_distributions(it: Maintainer) -> None:
    tree = it.project.git("rev-parse", "HEAD^{tree}")
    folder = it.project.path / ".git" / "release" / "artifacts" / tree / "dist"
    folder.mkdir(parents=True)
    (folder / "a.whl").write_text("built here")
    it.leave(artifacts=(receipts.Artifact("a.whl", "0" * 64),))


def _other_name(it: Maintainer) -> None:
    it.allowed.write_text(it.line(name="dev@example.org"))
    it.leave()


def _only_for_git(it: Maintainer) -> None:
    it.allowed.write_text(it.line('namespaces="git" '))
    it.leave()


def _no_longer_valid(it: Maintainer) -> None:
    it.allowed.write_text(it.line('valid-before="20200101" '))
    it.leave()


def _revoked(it: Maintainer) -> None:
    revoked = it.allowed.with_name("revoked")
    revoked.write_text(public(it.key))
    it.project.git("config", "gpg.ssh.revocationFile", str(revoked))
    it.leave()


def _changed(**changes: Any) -> Callable[[Maintainer], None]:
    def leave(it: Maintainer) -> None:
        it.leave(**changes)

    leave.__name__ = f"other_{'_'.join(changes)}"
    return leave


NOT_OF = f"is not one of first@example.org, {CI} in "
NOT_THESE = "its signature is not one of these bytes as a receipt "
OTHER_FILES = "it was made with another noxfile.py or other lock files than its tree has"
IGNORED = {
    _unsigned: "it is not signed (there is no tests.",
    _by_another_key: NOT_OF,
    _as_of_a_commit: f"{NOT_THESE}(Couldn't verify signature: namespace does not match)",
    _tampered: f"{NOT_THESE}(Signature verification failed: incorrect signature)",
    _signature_of_another: f"{NOT_THESE}(Signature verification failed: incorrect signature)",
    _junk_as_signature: NOT_THESE,
    _linked_signature: ".json.sig cannot be read: it is a link",
    _large_signature: ".json.sig cannot be read: it is larger than 1048576 bytes",
    _linked: ".json: it is a link",
    _pipe: "tests.json: it is no file",
    _folder: "tests.json: it is no file",
    _junk: "tests.json: it is no receipt",
    _other_layout: "another layout",
    _other_name: NOT_OF,
    _only_for_git: f'key is not permitted for use in signature namespace "{signatures.NAMESPACE}"',
    _no_longer_valid: "key has expired",
    _revoked: NOT_OF,
    _changed(tree="0" * 40): "it is of the tree 0000000000, and ",
    _changed(gate="lint"): "lint is none of gates in [tool.release]",
    _changed(expires=1_700_000_000): "it has expired",
    _changed(tool="0.0.1"): "it was made by invoke-gitflow 0.0.1, and this is ",
    _changed(noxfile="0" * 64): OTHER_FILES,
    _changed(lock=""): OTHER_FILES,
    _changed(signer="x"): "its signer has not run the gate, but taken it from x",
    _of_other_distributions: "it is of other distributions than those that were built of its tree here",
    _changed(absent=("lib",)): "its gate was run without submodules: lib",
    _changed(evidence=()): "no evidence that the gate passed",
}


@pytest.mark.parametrize("leave", IGNORED, ids=lambda leave: leave.__name__.strip("_"))
def test_what_does_not_count_is_said(leave: Callable[[Maintainer], None], it: Maintainer) -> None:
    leave(it)
    offer = it.offer()
    assert offer.accepted == ()
    (line,) = offer.ignored
    assert line.startswith(("ignored: tests.", "ignored: lint."))
    assert IGNORED[leave] in line
    assert line.isprintable()


def test_beside_junk_what_counts_still_counts(it: Maintainer) -> None:
    it.leave()
    _pipe(it)
    (it.folder / "README").write_text("hello\n")
    (it.folder / "a\x1b[31m\n.json").write_text("{}")
    for number in range(300):
        (it.folder / f"z{number}.json").write_text("{}")
    offer = it.offer()
    assert offer.gates == ("tests",)
    assert f"ignored: 103 more in {it.folder}: no more than 200 are looked at" in offer.ignored
    assert f"ignored: 1 more in {it.folder}: no receipts, by their names" in offer.ignored
    assert all(line.isprintable() for line in offer.ignored)


def test_several_gates_and_names_of_files_that_mean_nothing(it: Maintainer) -> None:
    it.leave()
    gates = ("lint(a/b)", "tests")
    signed(left(it.folder, made(it.project, gate=gates[0]), name="zzz.json"), it.key)
    assert it.offer((*gates, "scan")).gates == gates


@pytest.mark.parametrize("key", ["allowedSignersFile", "revocationFile"])
def test_a_file_of_git_that_is_not_there_vouches_for_nothing(key: str, it: Maintainer) -> None:
    it.project.git("config", f"gpg.ssh.{key}", "/nowhere/x")
    it.leave()
    offer = it.offer()
    assert offer.accepted == ()
    assert f"gpg.ssh.{key} names /nowhere/x, which is no file" in offer.ignored[0]


@pytest.mark.parametrize("where", ["here", "worktree", "submodule", "link"])
def test_signers_that_a_commit_could_bring_vouch_for_nothing(where: str, it: Maintainer) -> None:
    project = it.project
    place = project.path / "signers"
    if where == "worktree":
        project.git("worktree", "add", "-q", "--detach", str(project.folder / "second"))
        place = project.folder / "second" / "signers"
    if where == "submodule":
        project.git("init", "-q", "vendor")
        place = project.path / "vendor" / "signers"
    place.write_text(it.line())
    it.leave()
    if where == "link":
        it.allowed.unlink()
        it.allowed.symlink_to(place)
    else:
        project.git("config", "gpg.ssh.allowedSignersFile", "signers" if where == "here" else str(place))
    offer = it.offer()
    assert offer.accepted == ()
    assert f"gpg.ssh.allowedSignersFile names {place}, which lies in the working tree" in offer.ignored[0]


def test_a_file_in_the_git_folder_or_at_home_will_do(it: Maintainer) -> None:
    it.leave()
    it.project.path.joinpath(".git/signers").write_text(it.line())
    Path.home().joinpath("signers").write_text(it.line())
    for name in (".git/signers", "~/signers"):
        it.project.git("config", "gpg.ssh.allowedSignersFile", name)
        assert it.offer().gates == ("tests",)


def test_without_ssh_keygen_nothing_counts(it: Maintainer, monkeypatch: pytest.MonkeyPatch) -> None:
    it.leave()
    wrap_git(it.folder.parent / "bin", 'exec "$GIT" "$@"\n', monkeypatch)
    monkeypatch.setenv("PATH", str(it.folder.parent / "bin"))
    offer = it.offer()
    assert offer.accepted == ()
    assert "ssh-keygen is not installed" in offer.ignored[0]
