"""Private keys that a CI hands over: in a variable, or as the path of a file."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from release.errors import ReleaseError, refusal, usage
from release.git import sshsig

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping

    from release.git.sshsig import Purpose
    from release.process import Result

_BEGIN = b"-----BEGIN SSH SIGNATURE-----"
_PRIVATE = "PRIVATE KEY-----"


class Variables(NamedTuple):
    """Two variables: one with the private key itself, as a CI hands over its secrets, and one with its path."""

    key: str
    file: str


class Key:
    """A private key to sign with. What it is stays in here: nothing prints it."""

    def __init__(self, *, name: str, purpose: Purpose, path: Path | None = None, content: bytes = b"") -> None:
        self.name = name
        self._purpose = purpose
        self._path = path
        self._content = content

    @property
    def _make(self) -> str:
        what = self._purpose.what
        return f"make one for this alone: ssh-keygen -t ed25519 -N '' -C {what}s -f {what}s-key"

    def content(self) -> bytes:
        """Return the key itself, for whoever signs without a program.

        Raises:
            OSError: it cannot be read.
        """
        return self._content if self._path is None else self._path.read_bytes()

    def sign(self, data: bytes) -> bytes:
        """Return the signature of these bytes, armoured, and verified once.

        Raises:
            ReleaseError: this is no key that signs (exit 2); it has a passphrase, there is no ssh-keygen, or what it
                made is no signature of these bytes (exit 3).
        """
        with self._file() as place:
            made = sshsig.run(["sign", "-n", self._purpose.namespace, "-f", str(place)], data)
            if made.status != 0 or not made.out.startswith(_BEGIN):
                raise self._useless(made)
        try:
            sshsig.checked(data, made.out, self._purpose)
        except ReleaseError:
            what = f"what ssh-keygen made with {self.name} is no signature of the {self._purpose.what}"
            raise refusal(what) from None
        return made.out

    @contextlib.contextmanager
    def _file(self) -> Iterator[Path]:
        """Yield the key as a file that only its owner can read; what was none before is gone afterwards."""
        if self._path is not None:
            yield self._path
            return
        with sshsig.written(self._content) as place:
            yield place

    def _useless(self, made: Result) -> ReleaseError:
        said = made.complaint
        if "incorrect passphrase" in said:
            return refusal(f"{self.name} has a passphrase, and nobody is asked for it", self._make)
        if "too open" in said:
            return usage(f"others may read {self.name}: ssh-keygen uses no such key", "chmod 600 the file")
        last = sshsig.words(said).splitlines()[-1:]
        return usage(f"ssh-keygen cannot sign with {self.name}: {' '.join(last) or 'it says nothing'}", self._make)


def is_key(text: str) -> bool:
    """Whether a text that was to name a key holds one, and is to be shown to nobody."""
    return _PRIVATE in text


def take(
    variables: Variables, purpose: Purpose, env: MutableMapping[str, str], *, given: str = "", flag: str = ""
) -> Key | None:
    """Return the key at a path that was `given` by a flag, else that of a variable; None when there is none.

    An empty variable says none. Both variables are taken out of the environment: nothing that is started from now on
    gets them.

    Raises:
        ReleaseError: it cannot be read, or both variables are set (exit 2). What was given is not repeated where it
            could be the key itself.
    """
    path, content = env.pop(variables.file, "").strip(), env.pop(variables.key, "").strip()
    if given or path:
        if content and not given:
            raise usage(f"{variables.key} and {variables.file} are both set", "keep one of them")
        return _at(flag if given else variables.file, given or path, variables, purpose)
    if not content:
        return None
    if not is_key(content):
        raise usage(f"{variables.key} holds no private key", f"the path of one belongs into {variables.file}")
    # ssh-keygen takes no key without a line end after it, or with other line ends, which forms for secrets bring about.
    text = content.replace("\r\n", "\n") + "\n"
    return Key(name=variables.key, purpose=purpose, content=os.fsencode(text))


def _at(what: str, given: str, variables: Variables, purpose: Purpose) -> Key:
    if is_key(given) or not given.isprintable():
        hint = f"the key itself belongs into the variable {variables.key}"
        raise usage(f"{what} takes the path of a key, not the key", hint)
    path = Path(given).absolute()
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise usage(f"the key {given} cannot be read: {error.strerror}", "name the file of a private key") from None
    return Key(name=f"the key {given}", purpose=purpose, path=path)
