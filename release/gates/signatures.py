"""Signatures of receipts: made with a private key, verified against those whom git on this machine trusts.

Both by OpenSSH, as `ssh-keygen -Y`, in a namespace of our own: a signature that somebody made of a commit or a tag is
none of a receipt, and the file of allowed signers can let a key sign receipts and nothing else.
"""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from release import process
from release.errors import refusal, usage
from release.formats import inert
from release.git import command

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from release.errors import ReleaseError
    from release.git.repository import Repository
    from release.process import Result

NAMESPACE = "receipt@invoke-gitflow"
KEY = "RELEASE_RECEIPT_KEY"  # a variable with the private key itself, as a CI hands over its secrets
KEY_FILE = "RELEASE_RECEIPT_KEY_FILE"  # a variable with the path of a private key
ALLOWED = "gpg.ssh.allowedSignersFile"
REVOKED = "gpg.ssh.revocationFile"

_BEGIN = b"-----BEGIN SSH SIGNATURE-----"
_PRIVATE = "PRIVATE KEY-----"
_SECONDS = 60.0  # for an agent that asks its owner
_FINGERPRINT = re.compile(rb"SHA256:[A-Za-z0-9+/=]+")
_MAKE = "make one for this alone: ssh-keygen -t ed25519 -N '' -C receipts -f receipts-key"


class Key:
    """A private key to sign with. What it is stays in here: nothing prints it."""

    def __init__(self, *, name: str, path: Path | None = None, content: bytes = b"") -> None:
        self.name = name
        self._path = path
        self._content = content

    def sign(self, data: bytes) -> bytes:
        """Return the signature of these bytes, armoured, and verified once.

        Raises:
            ReleaseError: this is no key that signs (exit 2); it has a passphrase, there is no ssh-keygen, or what it
                made is no signature of these bytes (exit 3).
        """
        with self._file() as place:
            made = _ssh_keygen(["sign", "-n", NAMESPACE, "-f", str(place)], data)
            if made.status != 0 or not made.out.startswith(_BEGIN):
                raise self._useless(made)
        with _written(made.out) as signature:
            checked = _ssh_keygen(["check-novalidate", "-n", NAMESPACE, "-s", str(signature)], data)
        if checked.status != 0:
            raise refusal(f"what ssh-keygen made with {self.name} is no signature of the receipt")
        return made.out

    @contextlib.contextmanager
    def _file(self) -> Iterator[Path]:
        """Yield the key as a file that only its owner can read; what was none before is gone afterwards."""
        if self._path is not None:
            yield self._path
            return
        with _written(self._content) as place:
            yield place

    def _useless(self, made: Result) -> ReleaseError:
        said = made.complaint
        if "incorrect passphrase" in said:
            return refusal(f"{self.name} has a passphrase, and nobody is asked for it", _MAKE)
        if "too open" in said:
            return usage(f"others may read {self.name}: ssh-keygen uses no such key", "chmod 600 the file")
        last = inert.reason(said).splitlines()[-1:]
        return usage(f"ssh-keygen cannot sign with {self.name}: {' '.join(last) or 'it says nothing'}", _MAKE)


def is_key(text: str) -> bool:
    """Whether a text that was to name a key holds one, and is to be shown to nobody."""
    return _PRIVATE in text


def take_key(given: str) -> Key | None:
    """Return the key at a path, else that of a variable; None when there is none. An empty variable says none.

    Both variables are taken out of the environment: nothing that is started from now on gets them.

    Raises:
        ReleaseError: it cannot be read, or both variables are set (exit 2). What was given is not repeated where it
            could be the key itself.
    """
    path, content = os.environ.pop(KEY_FILE, "").strip(), os.environ.pop(KEY, "").strip()
    if given or path:
        if content and not given:
            raise usage(f"{KEY} and {KEY_FILE} are both set", "keep one of them")
        return _at("--key" if given else KEY_FILE, given or path)
    if not content:
        return None
    if not is_key(content):
        raise usage(f"{KEY} holds no private key", f"the path of one belongs into {KEY_FILE}")
    # ssh-keygen takes no key without a line end after it, or with other line ends, which forms for secrets bring about.
    text = content.replace("\r\n", "\n") + "\n"
    return Key(name=KEY, content=os.fsencode(text))


def _at(what: str, given: str) -> Key:
    if is_key(given) or not given.isprintable():
        raise usage(f"{what} takes the path of a key, not the key", f"the key itself belongs into the variable {KEY}")
    path = Path(given).absolute()
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise usage(f"the key {given} cannot be read: {error.strerror}", "name the file of a private key") from None
    return Key(name=f"the key {given}", path=path)


class Trust(NamedTuple):
    """Whose signatures count: git's files of allowed signers and of revoked keys, and names out of the former."""

    allowed: Path
    revoked: Path | None
    signers: tuple[str, ...]


def trust(repository: Repository, signers: Sequence[str]) -> Trust:
    """Return whose signatures count here.

    Whoever can push the commit that is released must not be able to say whose: so the keys come from git's own setting
    on this machine, and not from a file in a working tree. What is committed can only choose among these.

    Raises:
        ReleaseError: nobody's, as long as something is not set (exit 3).
    """
    if not signers:
        raise refusal(
            "receipt_signers in [tool.release] names nobody",
            'commit the names that your file of allowed signers has for the CI: receipt_signers = ["ci@example.org"]',
        )
    allowed = _setting(repository, ALLOWED)
    if allowed is None or not allowed.is_file():
        what = "is not set" if allowed is None else f"names {allowed}, which is no file"
        raise refusal(
            f"{ALLOWED} {what}",
            f'write into a file: ci@example.org namespaces="{NAMESPACE}" ssh-ed25519 AAAA…    '
            f"and name it: git config --global {ALLOWED} ~/.ssh/allowed_signers",
        )
    if _is_committable(repository, allowed):
        raise refusal(
            f"{ALLOWED} names {allowed}, which lies in the working tree: whoever pushes a commit could change it",
            f"keep it elsewhere: git config {ALLOWED} ~/.ssh/allowed_signers",
        )
    revoked = _setting(repository, REVOKED)
    if revoked is not None and not revoked.is_file():
        raise refusal(f"{REVOKED} names {revoked}, which is no file", f"correct it, or: git config --unset {REVOKED}")
    return Trust(allowed=allowed, revoked=revoked, signers=tuple(signers))


def _setting(repository: Repository, key: str) -> Path | None:
    """Return the path that git has for a setting; a relative one starts at the root of the working tree, as in git."""
    found = repository.run("config", "-z", "--type=path", "--get", key, accept=(0, 1, 128))
    text = os.fsdecode(found.out).rstrip("\0")
    return (repository.top / text).resolve() if text else None


def _is_committable(repository: Repository, place: Path) -> bool:
    """Whether a file lies where a checkout of this repository could write it: in one of its working trees.

    Below this one also in a submodule, whose commit moves with ours.
    """
    if place.is_relative_to(repository.top.resolve()) and not place.is_relative_to(repository.common.resolve()):
        return True
    asked = command.start(["rev-parse", "--is-inside-work-tree", "--git-common-dir"], cwd=place.parent).finish()
    answers = os.fsdecode(asked.out).splitlines()
    if asked.status != 0 or answers[:1] != ["true"]:
        return False
    return (place.parent / answers[1]).resolve() == repository.common.resolve()


def signer(trusted: Trust, data: bytes, signature: bytes) -> str:
    """Return who signed these bytes, by name and key; a key that has expired or is revoked by now signs nothing.

    Raises:
        ReleaseError: nobody who counts (exit 3), or there is no ssh-keygen (exit 3).
    """
    revoked = ["-r", str(trusted.revoked)] if trusted.revoked is not None else []
    said: list[str] = []
    with _written(signature) as place:
        end = ["-n", NAMESPACE, "-s", str(place)]
        for name in trusted.signers:
            found = _ssh_keygen(["verify", "-f", str(trusted.allowed), "-I", name, *revoked, *end], data)
            if found.status == 0:
                return f"{name} {_fingerprint(found)}"
            said += [line for line in found.complaint.splitlines() if line.startswith(f"{trusted.allowed}:")]
        checked = _ssh_keygen(["check-novalidate", *end], data)
    if checked.status != 0:
        why = inert.reason(checked.complaint.partition("\n")[0])
        raise refusal(f"its signature is not one of these bytes as a receipt ({why or 'ssh-keygen says nothing'})")
    because = f": {inert.reason(said[0])}" if said else ""
    names = ", ".join(trusted.signers)
    raise refusal(f"its key {_fingerprint(checked)} is not one of {names} in {trusted.allowed}{because}")


def _fingerprint(checked: Result) -> str:
    match = _FINGERPRINT.search(checked.out)
    return match[0].decode() if match else ""


@contextlib.contextmanager
def _written(data: bytes) -> Iterator[Path]:
    """Yield a file in a folder of its own, for nobody else to read, as long as it is needed."""
    with TemporaryDirectory(prefix="release-receipt-") as folder:
        place = Path(folder) / "file"
        with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
        yield place


def _ssh_keygen(arguments: Sequence[str], data: bytes) -> Result:
    """Run `ssh-keygen -Y` on these bytes; it asks nobody for anything.

    Raises:
        ReleaseError: it is not there, or does not end (exit 3).
    """
    silent = {"SSH_ASKPASS": "false", "SSH_ASKPASS_REQUIRE": "force"}
    try:
        argv = ["ssh-keygen", "-Y", *arguments]
        return process.run(argv, cwd=Path("/"), env=command.environment(silent), data=data, timeout=_SECONDS)
    except FileNotFoundError as error:
        if error.filename != "ssh-keygen":
            raise
        raise refusal("ssh-keygen is not installed", "install OpenSSH 8.2 or newer") from None
    except TimeoutError:
        raise refusal(f"ssh-keygen did not end within {_SECONDS:g} seconds") from None
