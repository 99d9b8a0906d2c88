"""Seals of releases: made by every kind of key, verified by others' programs, and refused when anything differs."""

from __future__ import annotations

import base64
import json
import subprocess
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import signing
from cryptography.hazmat.primitives import serialization
from sealing import released, stated
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined]  # it is public, and not marked so
from signing import new_key, new_pgp
from support import bare

from release.artifacts import store
from release.artifacts.provenance import seal, verify
from release.artifacts.provenance.names import BY_PGP, BY_SSH, ENVELOPE, NAMESPACE, STATEMENT
from release.artifacts.record import File
from release.errors import ReleaseError
from release.git import repository, world

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support import Project

    from release.artifacts.provenance.seal import Sealer
    from release.artifacts.provenance.verify import Verdict
    from release.git.signers import Pins

CI = "ci@example.org"
pytestmark = signing.needs_ssh


class Release:
    """The files of a release in a folder, a project with git's settings, and a key that seals it."""

    def __init__(self, project: Project, place: Path) -> None:
        self.project, self.folder = project, place / "dist"
        self.record = released(self.folder)
        self.statement = stated(self.record)
        self.key = place / "key"
        self.allowed = place / "allowed"
        self.public = ""

    def configure(self, **values: str) -> None:
        for name, value in values.items():
            self.project.git("config", name.replace("_", "."), value)

    def settings(self) -> dict[str, tuple[str, ...]]:
        return world.read_settings(repository.locate(self.project.path))

    def sealer(self, *, sign: bool = True, **env: str) -> Sealer:
        found = seal.sealer(env, self.settings(), sign=sign, top=self.project.path)
        assert found is not None
        return found

    def raw(self, *, options: str = f'namespaces="{NAMESPACE}" ', name: str = CI) -> Sealer:
        """Make a key as a CI hands it over, and let git allow it."""
        self.public = new_key(self.key)
        self.allow(f"{name} {options}{self.public}")
        return self.sealer(sign=False, RELEASE_PROVENANCE_KEY=self.key.read_text())

    def ssh(self, *, options: str = "", name: str = CI) -> Sealer:
        """Let git sign with a new SSH key, and allow it."""
        self.public = new_key(self.key)
        self.allow(f"{name} {options}{self.public}")
        self.configure(gpg_format="ssh", user_signingKey=str(self.key))
        return self.sealer()

    def allow(self, lines: str) -> None:
        self.allowed.write_text(lines)
        self.project.git("config", "gpg.ssh.allowedSignersFile", str(self.allowed))

    def trust(self, *pinned: str) -> Pins:
        return verify.trust(repository.locate(self.project.path), self.settings(), pinned)

    def verified(self, *pinned: str, **changes: Any) -> Verdict:
        return verify.verify(self.folder, replace(self.record, **changes), self.trust(*pinned))

    def seal(self, key: Sealer, *, data: bytes = b"") -> list[str]:
        return [place.name for place in seal.seal(data or self.statement, self.folder, key)]

    def flip(self, name: str) -> None:
        """Flip one bit in the middle of a file."""
        place = self.folder / name
        data = bytearray(place.read_bytes())
        data[len(data) // 2] ^= 1
        place.write_bytes(bytes(data))


@pytest.fixture
def release(tmp_path: Path) -> Release:
    return Release(bare(tmp_path / "project"), tmp_path)


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with signing.key_ring(monkeypatch) as folder:
        yield folder


def refused(verdict: Verdict) -> str:
    """Assert that a seal does not count; returns why."""
    assert (verdict.is_good, bool(verdict.wrong)) == (False, True), verdict
    return "; ".join(verdict.wrong)


class TestRaw:
    """A DSSE envelope by the key of a variable."""

    def test_it_is_one_line_by_a_pinned_key(self, release: Release) -> None:
        assert release.seal(release.raw()) == [ENVELOPE]
        data = (release.folder / ENVELOPE).read_bytes()
        assert data.count(b"\n") == 1
        verdict = release.verified(CI)
        fingerprint = json.loads(data)["signatures"][0]["keyid"]
        assert (verdict.signer, verdict.wrong, verdict.unseen) == (f"{CI} {fingerprint}", (), ())
        shown = subprocess.run(["ssh-keygen", "-lf", str(release.key)], check=True, capture_output=True, text=True)
        assert fingerprint == shown.stdout.split()[1]

    def test_others_verify_it(self, release: Release) -> None:
        release.seal(release.raw())
        key = serialization.load_ssh_public_key(release.public.encode())
        data = (release.folder / ENVELOPE).read_bytes()
        envelope = Envelope.from_dict(json.loads(data))
        found = SSlibKey.from_crypto(key, keyid=next(iter(envelope.signatures)))
        assert list(envelope.verify([found], 1)) == [found.keyid]
        assert envelope.payload == release.statement

    def test_it_is_always_the_same(self, release: Release) -> None:
        key = release.raw()
        release.seal(key)
        first = (release.folder / ENVELOPE).read_bytes()
        release.seal(key)
        assert (release.folder / ENVELOPE).read_bytes() == first

    @pytest.mark.parametrize("form", ["pem", "crlf", "file"])
    def test_a_key_comes_in_every_form(self, release: Release, form: str) -> None:
        release.raw()
        text = release.key.read_text()
        if form == "pem":
            private = serialization.load_ssh_private_key(text.encode(), None)
            pkcs8 = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
            text = private.private_bytes(*pkcs8).decode()
        text = text.replace("\n", "\r\n") if form == "crlf" else text
        env = {seal.KEY_FILE: str(release.key)} if form == "file" else {seal.KEY: text.strip()}
        key = seal.sealer(env, {}, sign=False, top=release.project.path)
        assert (env, key is not None) == ({}, True)  # nothing that is started gets it
        assert key is not None
        release.seal(key)
        assert release.verified(CI).is_good

    @pytest.mark.parametrize("kind", ["locked", "locked pem", "rsa", "junk", "public", "both", "absent"])
    def test_what_is_no_such_key_is_refused_and_not_repeated(self, release: Release, tmp_path: Path, kind: str) -> None:
        place = tmp_path / "other"
        new_key(place, passphrase="secret" if kind == "locked" else "")
        env = {seal.KEY: place.read_text()}
        if kind == "rsa":
            argv = ["ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", str(tmp_path / "rsa")]
            subprocess.run(argv, check=True)
            env = {seal.KEY: (tmp_path / "rsa").read_text()}
        elif kind == "locked pem":
            private = serialization.load_ssh_private_key(place.read_bytes(), None)
            locked = serialization.BestAvailableEncryption(b"secret")
            pem = private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked)
            env = {seal.KEY: pem.decode()}
        elif kind == "junk":
            env = {seal.KEY: place.read_text().replace("b3BlbnNza", "c3BlbnNza")}
        elif kind == "public":
            env = {seal.KEY: place.with_suffix(".pub").read_text()}
        elif kind == "both":
            env[seal.KEY_FILE] = str(place)
        elif kind == "absent":
            env = {seal.KEY_FILE: str(tmp_path / "nowhere")}
        secret = env.get(seal.KEY, "no key").splitlines()[-2:][0]
        with pytest.raises(ReleaseError) as raised:
            release.sealer(sign=False, **env)
        assert raised.value.exit == (3 if kind.startswith("locked") else 2), raised.value
        assert (secret in str(raised.value), raised.value.__cause__) == (False, None)

    @pytest.mark.parametrize(
        ("options", "why"),
        [
            ('namespaces="git" ', f"may not sign in the namespace {NAMESPACE}"),
            ('valid-before="20200101" ', "it has expired"),
            ('valid-after="20990101" ', "it is not yet valid"),
        ],
    )
    def test_a_key_that_may_not_sign_this_now_does_not_count(self, release: Release, options: str, why: str) -> None:
        release.seal(release.raw(options=options))
        assert why in refused(release.verified(CI))
        assert why in refused(release.verified())

    @pytest.mark.parametrize("kind", ["list", "krl"])
    def test_a_key_that_was_revoked_does_not_count(self, release: Release, kind: str) -> None:
        release.seal(release.raw())
        place = release.key.with_suffix(".pub")
        if kind == "krl":
            place = release.key.with_name("krl")
            subprocess.run(["ssh-keygen", "-q", "-k", "-f", str(place), f"{release.key}.pub"], check=True)
        release.project.git("config", "gpg.ssh.revocationFile", str(place))
        assert "it is revoked" in refused(release.verified(CI))

    def test_without_any_known_key_nothing_can_be_looked_at(self, release: Release) -> None:
        release.seal(release.raw())
        release.project.git("config", "--unset", "gpg.ssh.allowedSignersFile")
        verdict = release.verified()
        assert (verdict.signer, verdict.wrong, len(verdict.unseen)) == ("", (), 1)

    def test_a_fingerprint_of_openpgp_pins_no_raw_key(self, release: Release) -> None:
        release.seal(release.raw())
        assert "pinned by no name" in refused(release.verified("A" * 40))

    def test_another_type_of_payload_is_none(self, release: Release) -> None:
        release.seal(release.raw())
        data = (release.folder / ENVELOPE).read_text()
        (release.folder / ENVELOPE).write_text(data.replace("application/vnd.in-toto+json", "text/plain"))
        assert "no in-toto statement" in refused(release.verified(CI))

    def test_a_payload_that_was_changed_is_found(self, release: Release) -> None:
        release.seal(release.raw())
        facts = json.loads((release.folder / ENVELOPE).read_bytes())
        payload = base64.b64decode(facts["payload"]).replace(b"v1.0.0", b"v1.0.1")
        facts["payload"] = base64.b64encode(payload).decode()
        (release.folder / ENVELOPE).write_text(json.dumps(facts))
        assert "is not one of these bytes" in refused(release.verified(CI))


class TestSsh:
    """A signature by OpenSSH, with the key that git signs with."""

    def test_it_lies_beside_the_statement_and_users_verify_it(self, release: Release) -> None:
        assert release.seal(release.ssh()) == [STATEMENT, BY_SSH]
        argv = ["ssh-keygen", "-Y", "verify", "-f", str(release.allowed), "-I", CI, "-n", NAMESPACE]
        argv += ["-s", str(release.folder / BY_SSH)]
        subprocess.run(argv, input=release.statement, check=True, capture_output=True)
        verdict = release.verified(CI)
        assert (verdict.signer.startswith(f"{CI} SHA256:"), verdict.is_good) == (True, True), verdict

    @pytest.mark.parametrize("form", ["key::", ""])
    def test_an_agent_signs_with_a_literal_key(
        self, release: Release, monkeypatch: pytest.MonkeyPatch, form: str
    ) -> None:
        release.ssh()
        with signing.agent(monkeypatch):
            subprocess.run(["ssh-add", "-q", str(release.key)], check=True, capture_output=True)
            release.key.unlink()
            release.configure(user_signingKey=f"{form}{release.public.strip()}")
            release.seal(release.sealer())
        assert release.verified(CI).is_good

    def test_a_key_named_from_the_root_of_the_project(self, release: Release) -> None:
        release.ssh()
        release.key.rename(release.project.path / ".git/key")
        release.configure(user_signingKey=".git/key")
        release.seal(release.sealer())
        assert release.verified(CI).is_good

    def test_another_program_is_called_as_git_calls_it(self, release: Release, tmp_path: Path) -> None:
        release.ssh()
        program = tmp_path / "signer"
        program.write_text(f'#!/bin/sh\nfor last; do :; done\n[ -f "$last" ] && echo ran >>{tmp_path}/log\n'
                           'exec ssh-keygen "$@"\n')  # fmt: skip
        program.chmod(0o755)
        release.configure(gpg_ssh_program=str(program))
        release.seal(release.sealer())
        assert (release.verified(CI).is_good, (tmp_path / "log").read_text()) == (True, "ran\n")

    @pytest.mark.parametrize("script", ["exit 0", "echo no >&2; exit 1", 'for l; do :; done; echo x >"$l.sig"'])
    def test_a_program_that_signs_nothing_leaves_nothing(self, release: Release, tmp_path: Path, script: str) -> None:
        release.ssh()
        program = tmp_path / "signer"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        release.configure(gpg_ssh_program=str(program))
        leaves_nothing(release, release.sealer())

    @pytest.mark.parametrize("kind", ["locked", "missing", "no program"])
    def test_a_key_that_does_not_sign_leaves_nothing_and_is_not_waited_for(self, release: Release, kind: str) -> None:
        key = release.ssh()
        if kind == "locked":
            argv = ["ssh-keygen", "-q", "-p", "-P", "", "-N", "secret", "-f", str(release.key)]
            subprocess.run(argv, check=True, capture_output=True)
        elif kind == "missing":
            release.key.unlink()
        else:
            release.configure(gpg_ssh_program="/nowhere/signer")
            key = release.sealer()
        started = time.monotonic()
        leaves_nothing(release, key)
        assert time.monotonic() - started < 20

    def test_a_key_of_another_purpose_does_not_count(self, release: Release) -> None:
        release.seal(release.ssh(options='namespaces="git" '))
        assert "not permitted for use in signature namespace" in refused(release.verified(CI))

    def test_a_signature_of_another_purpose_is_none(self, release: Release) -> None:
        release.seal(release.ssh())
        argv = ["ssh-keygen", "-q", "-Y", "sign", "-n", "git", "-f", str(release.key)]
        made = subprocess.run(argv, input=release.statement, check=True, capture_output=True)
        (release.folder / BY_SSH).write_bytes(made.stdout)
        assert "is not one of these bytes as a statement" in refused(release.verified(CI))

    @pytest.mark.parametrize(
        ("options", "why"), [('valid-before="20200101" ', "expired"), ('valid-after="20990101" ', "not yet valid")]
    )
    def test_a_key_out_of_its_time_does_not_count(self, release: Release, options: str, why: str) -> None:
        release.seal(release.ssh(options=options))
        assert why in refused(release.verified(CI)).lower()

    def test_a_key_that_was_revoked_does_not_count(self, release: Release) -> None:
        release.seal(release.ssh())
        release.project.git("config", "gpg.ssh.revocationFile", f"{release.key}.pub")
        refused(release.verified(CI))
        refused(release.verified())

    def test_without_a_file_of_signers_any_key_will_do_and_that_is_said(self, release: Release) -> None:
        release.seal(release.ssh())
        release.project.git("config", "--unset", "gpg.ssh.allowedSignersFile")
        verdict = release.verified()
        assert (verdict.is_good, verdict.signer.endswith(", by a key nobody has pinned")) == (True, True)


class TestPgp:
    """A signature by GnuPG."""

    def test_it_lies_beside_the_statement_and_users_verify_it(self, release: Release, ring: Path) -> None:
        assert ring.is_dir()
        key = new_pgp()
        release.configure(user_signingKey=key)
        assert release.seal(release.sealer()) == [STATEMENT, BY_PGP]
        signing.gpg("--verify", str(release.folder / BY_PGP), str(release.folder / STATEMENT))
        for pinned in (key, key.lower()):
            verdict = release.verified(pinned)
            assert (verdict.signer, verdict.is_good) == (f"Test <test@example.org> {key}", True), verdict
        assert release.verified().signer.endswith(", by a key nobody has pinned")
        assert "is not one of signers" in refused(release.verified("A" * 40))

    def test_the_committers_key_is_found_by_the_address(self, release: Release, ring: Path) -> None:
        assert ring.is_dir()
        new_pgp("Other <other@example.org>")
        key = new_pgp()
        release.seal(release.sealer())
        assert release.verified(key).is_good

    def test_either_key_may_be_pinned_where_a_subkey_signs(self, release: Release, ring: Path) -> None:
        assert ring.is_dir()
        primary = new_pgp()
        signing.gpg("--passphrase", "", "--quick-add-key", primary, "ed25519", "sign")
        release.seal(release.sealer())
        listed = signing.gpg("-k", "--with-colons", primary).splitlines()
        keys = [line.split(":")[9] for line in listed if line.startswith("fpr")]
        assert (len(keys), [release.verified(key).is_good for key in keys]) == (2, [True, True])

    def test_a_key_that_was_revoked_does_not_count(self, release: Release, ring: Path) -> None:
        key = new_pgp()
        release.seal(release.sealer())
        text = (ring / "openpgp-revocs.d" / f"{key}.rev").read_text()
        signing.gpg("--import", data=text.replace(":-----BEGIN", "-----BEGIN").encode())
        assert "its key is revoked" in refused(release.verified(key))

    def test_a_key_that_has_expired_does_not_count(self, release: Release, ring: Path) -> None:
        assert ring.is_dir()
        key = new_pgp()
        release.seal(release.sealer())
        later = time.strftime("%Y%m%dT%H%M%S", time.gmtime(time.time() + 86_400 * 3))
        signing.gpg("--quick-set-expire", key, "1d")
        program = ring / "later"
        program.write_text(f'#!/bin/sh\nexec gpg --faked-system-time {later} "$@"\n')
        program.chmod(0o755)
        release.configure(gpg_program=str(program))
        assert "its key has expired" in refused(release.verified(key))

    def test_a_key_that_is_not_in_the_ring_cannot_be_looked_at(self, release: Release, ring: Path) -> None:
        assert ring.is_dir()
        key = new_pgp()
        release.seal(release.sealer())
        signing.gpg("--yes", "--delete-secret-and-public-key", key)
        verdict = release.verified(key)
        assert (verdict.signer, verdict.wrong, "not in the key ring" in verdict.unseen[0]) == ("", (), True)

    def test_two_signatures_are_none(self, release: Release, ring: Path) -> None:
        assert ring.is_dir()
        key, other = new_pgp(), new_pgp("Other <other@example.org>")
        release.configure(user_signingKey=key)
        release.seal(release.sealer())
        argv = ["-u", key, "-u", other, "--armor", "--output", "-", "--detach-sign"]
        (release.folder / BY_PGP).write_text(signing.gpg(*argv, data=release.statement))
        assert "more than one" in refused(release.verified(key))

    def test_a_locked_key_leaves_nothing(self, release: Release, ring: Path) -> None:
        new_pgp(passphrase="secret")
        (ring / "gpg.conf").write_text("pinentry-mode cancel\n")  # as one who does not know it
        signing.end_agent()
        leaves_nothing(release, release.sealer())

    @pytest.mark.parametrize("script", ["exit 0", "exit 2", "echo '-----BEGIN PGP SIGNATURE-----'", "cat >&2"])
    def test_a_program_that_signs_nothing_leaves_nothing(self, release: Release, tmp_path: Path, script: str) -> None:
        program = tmp_path / "signer"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        release.configure(gpg_program=str(program))
        leaves_nothing(release, release.sealer())

    def test_no_program_leaves_nothing(self, release: Release) -> None:
        release.configure(gpg_program="/nowhere/gpg")
        leaves_nothing(release, release.sealer())


def listed(release: Release) -> list[str]:
    return sorted(place.name for place in release.folder.iterdir())


def leaves_nothing(release: Release, key: Sealer) -> None:
    """Assert that sealing and trying are refused, and that no file is left."""
    before = listed(release)
    with pytest.raises(ReleaseError) as raised:
        seal.probe(key)
    assert raised.value.exit == 3
    with pytest.raises(ReleaseError) as raised:
        release.seal(key)
    assert (raised.value.exit, listed(release)) == (3, before)


KINDS = ("raw", "ssh", "pgp")


@pytest.fixture(params=KINDS)
def sealed(request: pytest.FixtureRequest, release: Release) -> tuple[Release, str, str]:
    """A release that is sealed by each kind of key in turn: with who is pinned, and the file of the signature."""
    if request.param != "pgp":
        key = release.raw() if request.param == "raw" else release.ssh()
        release.seal(key)
        return release, CI, ENVELOPE if request.param == "raw" else BY_SSH
    request.getfixturevalue("ring")
    pinned = new_pgp()
    release.seal(release.sealer())
    return release, pinned, BY_PGP


def test_one_bit_of_anything_is_found(sealed: tuple[Release, str, str]) -> None:
    release, pinned, signature = sealed
    assert release.verified(pinned).is_good
    names = {signature, *(name for name in (STATEMENT,) if (release.folder / name).exists())}
    for name in (*names, *(one.name for one in release.record.files)):
        before = (release.folder / name).read_bytes()
        release.flip(name)
        assert not release.verified(pinned).is_good, name
        (release.folder / name).write_bytes(before)
    assert release.verified(pinned).is_good


@pytest.mark.parametrize(
    "changes", [{"commit": "e" * 40}, {"tag": "v1.0.1"}, {"version": "1.0.1"}, {"repository": "https://example.org/x"}]
)
def test_it_is_of_one_release_alone(sealed: tuple[Release, str, str], changes: dict[str, str]) -> None:
    release, pinned, _ = sealed
    said = refused(release.verified(pinned, **changes))
    assert "the statement is signed, but it is" in said


def test_a_file_more_or_less_is_found(sealed: tuple[Release, str, str]) -> None:
    release, pinned, _ = sealed
    files = release.record.files
    assert "which is none of the files" in refused(release.verified(pinned, files=files[:1]))
    other = File("other.whl", 1, "0" * 64)
    assert "does not name other.whl" in refused(release.verified(pinned, files=(*files, other)))
    (release.folder / files[0].name).unlink()
    assert f"{files[0].name} is not there" in refused(release.verified(pinned))


def test_somebody_else_is_not_who_is_pinned(sealed: tuple[Release, str, str]) -> None:
    release, _, signature = sealed
    release.allow(f"else@example.org {new_key(release.key.with_name('other'))}{CI} {release.public or ''}\n")
    said = refused(release.verified("else@example.org"))
    assert "else@example.org" in said, signature


def test_without_pins_it_is_said_that_nobody_is_pinned(sealed: tuple[Release, str, str]) -> None:
    assert sealed[0].verified().signer.endswith(", by a key nobody has pinned")


def test_a_seal_replaces_another_and_two_are_none(sealed: tuple[Release, str, str], tmp_path: Path) -> None:
    release, pinned, _ = sealed
    kept = {place.name: place.read_bytes() for place in release.folder.iterdir()}
    new_key(tmp_path / "raw")
    names = release.seal(release.sealer(RELEASE_PROVENANCE_KEY=(tmp_path / "raw").read_text()))
    assert names == [name for name in listed(release) if name.startswith("provenance.")]
    if ENVELOPE not in kept:
        for name, data in kept.items():
            (release.folder / name).write_bytes(data)
        assert "is provenance.intoto.jsonl alone" in refused(release.verified(pinned))


def test_a_key_that_is_not_pinned_seals_nothing(release: Release) -> None:
    key = release.raw(name="else@example.org")
    with pytest.raises(ReleaseError, match=rf"is not one of {CI}"):
        seal.seal(release.statement, release.folder, key, release.trust(CI))
    assert release.record.files == store.files(release.folder)
    with pytest.raises(ReleaseError, match=rf"is not one of {CI}"):
        seal.probe(key, release.trust(CI))


def test_no_seal_is_none(release: Release) -> None:
    release.raw()
    assert "there is none" in refused(release.verified(CI))
    (release.folder / ENVELOPE).symlink_to("/dev/zero")
    assert "cannot be read" in refused(release.verified(CI))


def test_what_chooses_no_key_seals_nothing(release: Release) -> None:
    def chosen(*, sign: bool) -> Sealer | None:
        return seal.sealer({}, release.settings(), sign=sign, top=release.project.path)

    assert chosen(sign=False) is None
    release.configure(gpg_format="x509")
    with pytest.raises(ReleaseError, match=r"gpg\.format is x509"):
        chosen(sign=True)
    release.configure(gpg_format="ssh")
    with pytest.raises(ReleaseError, match=r"user\.signingKey names no key"):
        chosen(sign=True)


def test_without_the_program_nothing_can_be_looked_at(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    release.seal(release.ssh())
    trust = release.trust(CI)
    monkeypatch.setenv("PATH", "/nowhere")
    verdict = verify.verify(release.folder, release.record, trust)
    assert (verdict.wrong, verdict.unseen) == ((), ("ssh-keygen is not installed",))
