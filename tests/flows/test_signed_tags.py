"""Signed tags: by whom they have to be, tried before the gates run, and looked at again before one is pushed later."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import signing
from finishing import FINISH, open_release, refuses
from gated import Gates, opened
from signing import NAME, is_signed, new_key, with_ssh
from support import PYPROJECT

from release.errors import ReleaseError
from release.git import repository, world
from release.git.signing import verify_tag

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support import Project

PUSH = ("tag", "--push", "--yes")
pytestmark = signing.needs_ssh


def settings(*signers: str) -> dict[str, str]:
    names = ", ".join(f'"{name}"' for name in signers)
    return {"pyproject.toml": f"{PYPROJECT}sign = true\nsigners = [{names}]\n"}


def project_of(folder: Path, *signers: str) -> Project:
    return open_release(folder / "project", settings(*signers))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with an open release, whose tags are signed by one name."""
    return project_of(tmp_path, NAME)


@pytest.fixture
def pinned(tmp_path: Path) -> Project:
    """A project on a pushed main at 1.0.0 without its tag, whose tags are signed by one name with an SSH key."""
    made = project_of(tmp_path, NAME)
    with_ssh(made)
    made.git("switch", "-q", "main")
    assert made.invoke("bump", "1.0.0").code == 0
    made.commit("chore: version")
    made.git("push", "-q", "origin", "main")
    return made


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with signing.key_ring(monkeypatch) as folder:
        yield folder


def test_a_tag_by_a_pinned_name_is_pushed(project: Project) -> None:
    with_ssh(project)
    ended = project.invoke(*FINISH)
    assert ended.code == 0, ended.text
    assert is_signed(project, "v1.0.0")
    project.git("verify-tag", "v1.0.0", cwd=project.path)


def test_a_name_that_is_not_pinned_moves_nothing(project: Project) -> None:
    key = with_ssh(project)
    other = key.with_name("allowed")
    other.write_text(f"else@example.org {key.with_suffix('.pub').read_text()}")
    said = refuses(project, *FINISH, says="the signature of the tag v1.0.0 does not verify: its key SHA256:")
    assert f"is not one of {NAME} in {other}" in said


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ('namespaces="receipt@invoke-gitflow" ', "not permitted for use in signature namespace"),
        ('valid-before="20230101" ', "expired"),
        ('valid-after="20990101" ', "not yet valid"),
    ],
)
def test_a_key_that_may_not_sign_this_now_moves_nothing(project: Project, options: str, why: str) -> None:
    key = with_ssh(project)
    key.with_name("allowed").write_text(f"{NAME} {options}{key.with_suffix('.pub').read_text()}")
    assert why in refuses(project, *FINISH, says="the signature of the tag v1.0.0 does not verify").lower()


def test_a_key_that_is_revoked_moves_nothing(project: Project) -> None:
    key = with_ssh(project)
    project.git("config", "gpg.ssh.revocationFile", str(key.with_suffix(".pub")))
    refuses(project, *FINISH, says="the signature of the tag v1.0.0 does not verify")


def test_pinned_names_need_a_file_that_no_commit_can_change(project: Project) -> None:
    key = with_ssh(project)
    project.write("allowed", f"{NAME} {key.with_suffix('.pub').read_text()}")
    project.git("add", "allowed")
    project.git("commit", "-qm", "chore: signers")
    project.git("push", "-q", "origin", "HEAD")
    project.git("config", "gpg.ssh.allowedSignersFile", "allowed")
    refuses(project, *FINISH, says="lies in the working tree")
    project.git("config", "--unset", "gpg.ssh.allowedSignersFile")
    refuses(project, *FINISH, says="gpg.ssh.allowedSignersFile is not set")


def test_certificates_are_refused_by_their_format(project: Project) -> None:
    project.git("config", "gpg.format", "x509")
    refuses(project, *FINISH, code=2, says="gpg.format is x509")


def test_a_fingerprint_pins_a_key_of_openpgp(tmp_path: Path, ring: Path) -> None:
    assert ring.is_dir()
    ours = signing.new_pgp()
    other = signing.new_pgp("Other <other@example.org>")
    project = project_of(tmp_path, ours.lower())
    project.git("config", "user.signingKey", other)
    said = refuses(project, *FINISH, says="the signature of the tag v1.0.0 does not verify: its key")
    assert (other in said, f"signers: {ours}" in said) == (True, True)
    project.git("config", "user.signingKey", ours)
    ended = project.invoke(*FINISH)
    assert ended.code == 0, ended.text
    project.git("verify-tag", "v1.0.0")


def test_a_subkey_signs_for_its_primary_key(tmp_path: Path, ring: Path) -> None:
    assert ring.is_dir()
    primary = signing.new_pgp()
    signing.gpg("--passphrase", "", "--quick-add-key", primary, "ed25519", "sign")
    project = project_of(tmp_path, primary)
    project.git("config", "user.signingKey", NAME)  # gpg takes the newest subkey that signs
    ended = project.invoke(*FINISH)
    assert ended.code == 0, ended.text


def test_a_key_of_the_other_kind_is_none_of_those_pinned(tmp_path: Path) -> None:
    project = project_of(tmp_path, "A" * 40)
    with_ssh(project)
    refuses(project, *FINISH, says="is pinned by no name")


class TestGates:
    """What is found before a gate has run, and what is not done then."""

    @pytest.fixture
    def gates(self, tmp_path: Path) -> Gates:
        made = Gates(tmp_path, f'["tests"]\nsign = true\nsigners = ["{NAME}"]')
        opened(made.project)
        return made

    @pytest.mark.parametrize("wrong", ["locked", "missing", "not pinned", "revoked"])
    def test_a_key_that_does_not_sign_is_found_before_the_gates(self, gates: Gates, wrong: str) -> None:
        key = with_ssh(gates.project, passphrase="secret" if wrong == "locked" else "")
        if wrong == "missing":
            key.unlink()
        if wrong == "not pinned":
            key.with_name("allowed").write_text(f"{NAME} {new_key(key.with_name('other'))}")
        if wrong == "revoked":
            gates.project.git("config", "gpg.ssh.revocationFile", str(key.with_suffix(".pub")))
        refuses(gates.project, *FINISH, says="sign")
        assert gates.count == 0

    def test_a_locked_key_of_openpgp_is_found_before_the_gates(self, gates: Gates, ring: Path) -> None:
        gates.project.git("config", "user.signingKey", signing.new_pgp(passphrase="secret"))
        (ring / "gpg.conf").write_text("pinentry-mode cancel\n")  # as one who does not know it
        signing.end_agent()
        refuses(gates.project, *FINISH, says="nothing can be signed")
        assert gates.count == 0

    def test_trying_leaves_no_object_and_no_ref(self, gates: Gates) -> None:
        with_ssh(gates.project)
        gates.do("echo red; exit 1")
        refuses(gates.project, *FINISH, code=4, says="gate tests failed on")
        listed = gates.project.git("cat-file", "--batch-all-objects", "--batch-check")
        held = [line.split()[0] for line in listed.splitlines() if line.split()[1] == "tag"]
        assert not any("release-probe" in gates.project.git("cat-file", "-p", oid) for oid in held)

    def test_a_key_that_signs_goes_on_to_the_end(self, gates: Gates) -> None:
        with_ssh(gates.project)
        ended = gates.project.invoke(*FINISH)
        assert (ended.code, gates.count) == (0, 1), ended.text
        gates.project.git("verify-tag", "v1.0.0")


class TestPushedLater:
    """A tag that is here already does not leave as it should not be."""

    def test_a_tag_that_is_signed_does(self, pinned: Project) -> None:
        assert pinned.invoke("tag").code == 0
        ended = pinned.invoke(*PUSH)
        assert ended.code == 0, ended.text
        assert pinned.remote_ref("refs/tags/v1.0.0") == pinned.ref("refs/tags/v1.0.0") != ""

    @pytest.mark.parametrize("more", [("-a",), ()], ids=["annotated", "lightweight"])
    def test_one_without_a_signature_does_not(self, pinned: Project, more: tuple[str, ...]) -> None:
        pinned.git("tag", *more, *(["-m", "Release 1.0.0"] if more else []), "v1.0.0")
        refuses(pinned, *PUSH, says="is not signed" if more else "is no annotated tag, and so is not signed")

    def test_one_under_another_name_does_not(self, pinned: Project) -> None:
        pinned.git("tag", "-s", "-m", "a candidate", "v1.0.0rc9")
        pinned.git("update-ref", "refs/tags/v1.0.0", pinned.ref("refs/tags/v1.0.0rc9"))
        pinned.git("update-ref", "-d", "refs/tags/v1.0.0rc9")
        pinned.git("verify-tag", "v1.0.0")  # git itself sees nothing wrong
        refuses(pinned, *PUSH, says="what is called v1.0.0 here is the tag v1.0.0rc9, under another name")

    def test_one_by_a_key_that_is_not_pinned_does_not(self, pinned: Project) -> None:
        other = pinned.folder.parent / "other"
        public = new_key(other)
        allowed = other.with_name("allowed")
        allowed.write_text(f"{allowed.read_text()}else@example.org {public}")
        pinned.git("-c", f"user.signingKey={other}", "tag", "-s", "-m", "x", "v1.0.0")
        pinned.git("verify-tag", "v1.0.0")
        refuses(pinned, *PUSH, says=f"is not one of {NAME}")

    @pytest.mark.parametrize("change", ["bit", "behind"])
    def test_one_that_was_changed_does_not(self, pinned: Project, change: str) -> None:
        pinned.git("tag", "-s", "-m", "Release 1.0.0", "v1.0.0")
        content = pinned.git("cat-file", "tag", "v1.0.0") + "\n"
        changed = content.replace("Release 1.0.0", "Release 1.0.1") if change == "bit" else f"{content}and more\n"
        place = pinned.folder / "tag"
        place.write_text(changed)
        oid = pinned.git("hash-object", "-w", "-t", "tag", str(place))
        pinned.git("update-ref", "refs/tags/v1.0.0", oid)
        refuses(pinned, *PUSH, says="the signature of the tag v1.0.0 does not verify")

    def test_where_nobody_is_pinned_any_key_will_do_that_git_accepts(self, pinned: Project) -> None:
        pinned.commit("chore: anybody", {"pyproject.toml": pinned.read("pyproject.toml").replace(f'["{NAME}"]', "[]")})
        pinned.git("tag", "-a", "-m", "Release 1.0.0", "v1.0.0")
        refuses(pinned, *PUSH, says="is not signed")
        pinned.git("tag", "-f", "-s", "-m", "Release 1.0.0", "v1.0.0")
        ended = pinned.invoke(*PUSH)
        assert ended.code == 0, ended.text

    def test_no_command_is_shown_that_pushes_one(self, project: Project) -> None:
        with_ssh(project)
        ended = project.invoke(*FINISH, "--no-push")
        assert (ended.code, "next: git push --atomic" in ended.err) == (0, True), ended.text
        assert "v1.0.0 is only here, not at" not in project.invoke("release.status").text
        project.git("tag", "-f", "-a", "-m", "unsigned", "v1.0.0", "v1.0.0^{commit}")
        said = project.invoke("release.status").text
        assert "v1.0.0 is only here, and not to be pushed: the tag v1.0.0 is not signed" in said
        assert "git push --atomic" not in said
        refuses(project, "feature.start", "x", "--push", "--yes", says="the tag v1.0.0 is not signed")


def test_a_tag_is_one_of_its_commit_alone(pinned: Project) -> None:
    pinned.git("tag", "-s", "-m", "Release 1.0.0", "v1.0.0")
    where = repository.locate(pinned.path)
    held, oid, commit = world.read_settings(where), pinned.ref("refs/tags/v1.0.0"), pinned.ref("main")
    assert verify_tag(where, oid, "v1.0.0", held, [NAME], commit=commit).startswith(f"{NAME} SHA256:")
    assert verify_tag(where, oid, "v1.0.0", held, [], commit=commit).endswith(", by a key nobody has pinned")
    with pytest.raises(ReleaseError, match=rf"the tag v1\.0\.0 is of {commit[:10]}, and not of") as raised:
        verify_tag(where, oid, "v1.0.0", held, [NAME], commit=pinned.ref("main^"))
    assert raised.value.exit == 3
