"""Lines of a file of allowed signers: each is judged as ssh-keygen judges it."""

from __future__ import annotations

import base64
import subprocess
from typing import TYPE_CHECKING

import pytest
from signing import needs_ssh, new_key

from release.artifacts.provenance import allowed
from release.artifacts.provenance.names import NAMESPACE
from release.errors import ReleaseError

if TYPE_CHECKING:
    from pathlib import Path

NAME = "ci@example.org"
NOW = 1_700_000_000  # 2023-11-14T22:13:20Z
pytestmark = needs_ssh

# What stands before the key, and whether it may sign as NAME in our namespace at NOW.
LINES = {
    NAME: True,
    f'"{NAME}"': True,
    f"else@example.org,{NAME}": True,
    "*@example.org": True,
    "c?@example.org": True,
    f"*,!{NAME}": False,
    "else@example.org": False,
    "*@example.com": False,
    f'{NAME} namespaces="{NAMESPACE}"': True,
    f'{NAME} namespaces="git,{NAMESPACE}"': True,
    f'{NAME} namespaces="*@invoke-gitflow"': True,
    f'{NAME} NAMESPACES="{NAMESPACE}"': True,
    f'{NAME} namespaces="git"': False,
    f'{NAME} namespaces="*,!{NAMESPACE}"': False,
    f'{NAME} valid-after="20231114",valid-before="20231116"': True,
    f'{NAME} valid-before="20231114Z"': False,
    f'{NAME} valid-before="202311142213Z"': False,
    f'{NAME} valid-before="20231114221321Z"': True,
    f'{NAME} valid-after="20231114221321Z"': False,
    f'{NAME} valid-after="20231114221319Z"': True,
    f'{NAME} valid-after="20231114",namespaces="{NAMESPACE}"': True,
    f"{NAME} cert-authority": False,
    f"{NAME} unknown": False,
    f'{NAME} valid-before="soon"': False,
    f"# {NAME}": False,
    "": False,
}


def judged(place: Path, revoked: Path | None = None) -> bool:
    found = allowed.entries(place, revoked, NAMESPACE, now=NOW)
    return any(entry.names(NAME) and not entry.objection for entry in found)


def by_ssh(place: Path, key: Path, revoked: Path | None = None) -> bool:
    """What ssh-keygen says of a signature by that key."""
    argv = ["ssh-keygen", "-q", "-Y", "sign", "-n", NAMESPACE, "-f", str(key)]
    signature = key.with_name("signature")
    signature.write_bytes(subprocess.run(argv, input=b"x", check=True, capture_output=True).stdout)
    when = "-Overify-time=20231114221320Z"
    argv = ["ssh-keygen", "-Y", "verify", when, "-f", str(place), "-I", NAME, "-n", NAMESPACE, "-s", str(signature)]
    argv += [] if revoked is None else ["-r", str(revoked)]
    return subprocess.run(argv, input=b"x", check=False, capture_output=True).returncode == 0


@pytest.mark.parametrize("line", LINES)
def test_a_line_is_judged_as_by_ssh_keygen(tmp_path: Path, line: str) -> None:
    public = new_key(tmp_path / "key")
    place = tmp_path / "allowed"
    place.write_text(f"\n  # a comment\n{line} {public}")
    assert (judged(place), by_ssh(place, tmp_path / "key")) == (LINES[line], LINES[line])


def test_lines_count_each_for_itself(tmp_path: Path) -> None:
    public = new_key(tmp_path / "key")
    place = tmp_path / "allowed"
    place.write_text(f'{NAME} valid-before="20200101" {public}{NAME} nonsense{{ {public}{NAME} {public}')
    assert (judged(place), by_ssh(place, tmp_path / "key")) == (True, True)


def test_keys_of_other_kinds_are_left_out(tmp_path: Path) -> None:
    argv = ["ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", str(tmp_path / "key")]
    subprocess.run(argv, check=True)
    place = tmp_path / "allowed"
    place.write_text(
        f"{NAME} {(tmp_path / 'key.pub').read_text()}{NAME} ssh-ed25519 AAAA\n{NAME}\n{NAME} ssh-ed25519\n"
    )
    assert allowed.entries(place, None, NAMESPACE, now=NOW) == ()


def test_fingerprints_are_those_of_openssh(tmp_path: Path) -> None:
    public = new_key(tmp_path / "key")
    shown = subprocess.run(["ssh-keygen", "-lf", str(tmp_path / "key")], check=True, capture_output=True, text=True)
    assert allowed.fingerprint(base64.b64decode(public.split()[1])[-32:]) == shown.stdout.split()[1]


@pytest.mark.parametrize("kind", ["list", "krl"])
def test_a_key_that_is_revoked_does_not_sign(tmp_path: Path, kind: str) -> None:
    for name in ("key", "other"):
        new_key(tmp_path / name)
        place, revoked = tmp_path / "allowed", tmp_path / f"revoked-{name}"
        place.write_text(f"{NAME} {(tmp_path / 'key.pub').read_text()}")
        if kind == "list":
            revoked.write_text(f"# gone\n\n{(tmp_path / f'{name}.pub').read_text()}")
        else:
            argv = ["ssh-keygen", "-q", "-k", "-f", str(revoked), str(tmp_path / f"{name}.pub")]
            subprocess.run(argv, check=True)
        assert judged(place, revoked) == by_ssh(place, tmp_path / "key", revoked) == (name == "other")


@pytest.mark.parametrize("data", [b"nonsense\n", b"ssh-ed25519 !!!\n", b"SSHKRL\n\x00 and nothing\n"])
def test_a_list_of_revoked_keys_that_cannot_be_read_lets_nobody_sign(tmp_path: Path, data: bytes) -> None:
    public = new_key(tmp_path / "key")
    place, revoked = tmp_path / "allowed", tmp_path / "revoked"
    place.write_text(f"{NAME} {public}")
    revoked.write_bytes(data)
    with pytest.raises(ReleaseError) as raised:
        judged(place, revoked)
    assert raised.value.exit == 3
    assert not by_ssh(place, tmp_path / "key", revoked)
