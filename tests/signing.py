"""Keys to sign with, made for one test: of OpenSSH, and of GnuPG in a key ring of its own."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support import Project

NAME = "test@example.org"  # that of the committer, too
needs_ssh = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")


def new_key(place: Path, *, passphrase: str = "") -> str:
    """Make an SSH key; returns its public line."""
    arguments = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", "test", "-f", str(place)]
    subprocess.run(arguments, check=True, stdin=subprocess.DEVNULL)
    return place.with_suffix(".pub").read_text()


def with_ssh(project: Project, *, passphrase: str = "", signers: str | None = None) -> Path:
    """Let git sign with a new SSH key, and know it as that of the committer (or know `signers` instead)."""
    key = project.folder.parent / "key"
    public = new_key(key, passphrase=passphrase)
    allowed = key.with_name("allowed")
    allowed.write_text(f"{NAME} {public}" if signers is None else signers)
    for name, value in (
        ("gpg.format", "ssh"),
        ("user.signingKey", str(key)),
        ("gpg.ssh.allowedSignersFile", str(allowed)),
    ):
        project.git("config", name, value)
    return key


def is_signed(project: Project, name: str) -> bool:
    return "-----BEGIN " in project.git("cat-file", "-p", name)


def gpg(*words: str, data: bytes = b"") -> str:
    """Run gpg without questions; returns what it prints."""
    argv = ["gpg", "-q", "--batch", "--pinentry-mode", "loopback", *words]
    return subprocess.run(argv, check=True, capture_output=True, input=data).stdout.decode()


def new_pgp(identity: str = f"Test <{NAME}>", *, passphrase: str = "", expires: str = "never") -> str:
    """Make an OpenPGP key; returns its fingerprint."""
    gpg("--passphrase", passphrase, "--quick-generate-key", identity, "ed25519", "sign", expires)
    listed = gpg("-K", "--with-colons", identity)
    return next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr"))


@contextmanager
def key_ring(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Use an empty key ring. Its sockets need a short path, and its agent ends with it."""
    if shutil.which("gpg") is None:
        pytest.skip("gpg is not installed")
    with TemporaryDirectory(prefix="gnupg-", dir="/tmp") as folder:
        monkeypatch.setenv("GNUPGHOME", folder)
        Path(folder).chmod(0o700)
        (Path(folder) / "gpg-agent.conf").write_text("s2k-count 65536\n")  # else it tries seconds how many it can do
        try:
            yield Path(folder)
        finally:
            end_agent()


def end_agent() -> None:
    """End the agent of the key ring, which forgets passphrases then."""
    subprocess.run(["gpgconf", "--kill", "all"], check=False, capture_output=True)


@contextmanager
def agent(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Use an agent of OpenSSH's own, which ends with it."""
    with TemporaryDirectory(prefix="agent-", dir="/tmp") as folder:
        place = Path(folder) / "socket"
        started = subprocess.Popen(["ssh-agent", "-D", "-a", str(place)], stdout=subprocess.PIPE)
        try:
            assert started.stdout is not None
            started.stdout.readline()  # it says where it listens, as soon as it does
            monkeypatch.setenv("SSH_AUTH_SOCK", str(place))
            yield
        finally:
            started.terminate()
            started.communicate(timeout=10)
