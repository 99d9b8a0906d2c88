"""The seal of a release: its statement of provenance with a signature, made by the key that there is.

A CI hands over a raw ed25519 key, with which a DSSE envelope is made. Agents and hardware keys give nothing raw: with
git's signing key the same statement is signed by OpenSSH or GnuPG.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Protocol

from release.artifacts.provenance import verify
from release.artifacts.provenance.names import ALL, BY_PGP, BY_SSH, NAMESPACE, PURPOSE, STATEMENT
from release.errors import refusal, usage
from release.git import openpgp, sshkey, sshsig

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, MutableMapping, Sequence

    from release.git.signers import Pins

KEY = "RELEASE_PROVENANCE_KEY"  # a variable with the private key itself, as a CI hands over its secrets
KEY_FILE = "RELEASE_PROVENANCE_KEY_FILE"  # a variable with the path of a private key

_DATA = "statement"


class Sealer(Protocol):
    """Whatever signs statements; `name` is how messages call its key."""

    name: str

    def files(self, statement: bytes) -> dict[str, bytes]:
        """Return the files of a seal by their names.

        Raises:
            ReleaseError: nothing could be signed (exit 3).
        """

    def check(self, statement: bytes, files: dict[str, bytes]) -> None:
        """Check that these files are a seal of a statement, whoever may sign.

        Raises:
            ReleaseError: they are not (exit 3).
        """


class SshSealer:
    """Signs as git does with `gpg.format = ssh`: with a key file, or by an agent."""

    def __init__(self, key: str, *, top: Path, program: str = "") -> None:
        """Take the value of user.signingKey; relative paths start at `top`. `program` is gpg.ssh.program."""
        self.name = "the key of user.signingKey"
        self._literal = key.removeprefix("key::") if key.startswith(("key::", "ssh-")) else ""
        self._path = top / Path(key).expanduser()
        self._program = program

    def files(self, statement: bytes) -> dict[str, bytes]:
        """Return the statement and its signature; raises as `Sealer.files`."""
        with self._public() as key, TemporaryDirectory(prefix="release-sign-") as folder:
            arguments = ["sign", "-n", NAMESPACE, "-f", str(key)]
            if self._program:  # known to be called as git calls it, with a file
                place = Path(folder) / _DATA
                place.write_bytes(statement)
                made = sshsig.run([*arguments, str(place)], b"", program=self._program, asks=True)
                with contextlib.suppress(OSError):
                    made = made._replace(out=(Path(folder) / f"{_DATA}.sig").read_bytes())
            else:
                made = sshsig.run(arguments, statement, asks=True)
        if made.status != 0 or not made.out:
            why = sshsig.words(made.complaint) or f"it ended with status {made.status}"
            raise refusal(
                f"{self._program or 'ssh-keygen'} has not signed with {self.name}: {why}",
                f"check: echo try | ssh-keygen -Y sign -n {NAMESPACE} -f KEY    a locked key: ssh-add KEY",
            )
        return {STATEMENT: statement, BY_SSH: made.out}

    def check(self, statement: bytes, files: dict[str, bytes]) -> None:
        """Check that OpenSSH takes it; raises as `Sealer.check`."""
        _refuse_other(statement, files)
        sshsig.checked(files[STATEMENT], files[BY_SSH], PURPOSE)

    @contextlib.contextmanager
    def _public(self) -> Iterator[Path]:
        """Yield the file that ssh-keygen is given; for a literal key one with it, whose private half an agent has."""
        if not self._literal:
            yield self._path
            return
        with sshsig.written(self._literal.encode() + b"\n") as place:
            yield place


class PgpSealer:
    """Signs as git does with `gpg.format = openpgp`, its default."""

    def __init__(self, user: str, *, gpg: str) -> None:
        """Take the value of user.signingKey, "" for gpg's own choice, and the program."""
        self.name = f"the OpenPGP key {user}" if user else "the OpenPGP key that gpg chooses"
        self._user, self._gpg = user, gpg

    def files(self, statement: bytes) -> dict[str, bytes]:
        """Return the statement and its signature; raises as `Sealer.files`."""
        return {STATEMENT: statement, BY_PGP: openpgp.sign(self._gpg, self._user, statement)}

    def check(self, statement: bytes, files: dict[str, bytes]) -> None:
        """Check that gpg takes it; raises as `Sealer.check`."""
        _refuse_other(statement, files)
        openpgp.signer(self._gpg, files[STATEMENT], files[BY_PGP])


def sealer(
    env: MutableMapping[str, str], settings: Mapping[str, Sequence[str]], *, sign: bool, top: Path
) -> Sealer | None:
    """Return what seals: the raw key of a variable, else, with `sign`, git's signing key; else None.

    Both variables are taken out of the environment: nothing that is started from now on gets them. `settings` are
    git's; relative paths in them start at `top`.

    Raises:
        ReleaseError: what is set is no key, or no format that is known here (exit 2); the raw key has a passphrase
            (exit 3).
    """
    key = sshkey.take(sshkey.Variables(KEY, KEY_FILE), PURPOSE, env)
    if key is not None:
        from release.artifacts.provenance.raw import RawSealer  # noqa: PLC0415  # only raw keys need its library

        return RawSealer(key)
    if not sign:
        return None
    kind, user = _last(settings, "gpg.format") or "openpgp", _last(settings, "user.signingkey")
    if kind == "ssh":
        if not user:
            raise usage("user.signingKey names no key, and gpg.format is ssh", "git config user.signingKey PATH")
        return SshSealer(user, top=top, program=_last(settings, "gpg.ssh.program"))
    if kind == "openpgp":
        mail = env.get("GIT_COMMITTER_EMAIL") or _last(settings, "user.email")
        return PgpSealer(user or (f"<{mail}>" if mail else ""), gpg=openpgp.program(settings))
    raise usage(
        f"gpg.format is {kind}: provenance is signed with ssh or openpgp here",
        f"git config gpg.format ssh    or hand over an ed25519 key in {KEY}",
    )


def seal(statement: bytes, folder: Path, key: Sealer, trust: Pins | None = None) -> tuple[Path, ...]:
    """Write the seal of a statement into a folder and return its files; it has been verified then, as users do.

    What lies there of another seal goes. With `trust` it has to be by one whose signatures count, too.

    Raises:
        ReleaseError: nothing could be signed, or what was made does not verify (exit 3); no seal lies there then.
        OSError: a file cannot be written.
    """
    for name in ALL:
        (folder / name).unlink(missing_ok=True)
    try:
        for name, data in key.files(statement).items():
            (folder / name).write_bytes(data)
        there = {name: (folder / name).read_bytes() for name in ALL if os.path.lexists(folder / name)}
        key.check(statement, there)
        if trust is not None:
            verify.sealed(folder, trust)
    except BaseException:
        for name in ALL:
            (folder / name).unlink(missing_ok=True)
        raise
    return tuple(folder / name for name in there)


def probe(key: Sealer, trust: Pins | None = None) -> None:
    """Seal something that is thrown away: so the key is there, unlocked and counts before anything is computed.

    Raises:
        ReleaseError: as of `seal` (exit 3).
    """
    with TemporaryDirectory(prefix="release-sign-") as folder:
        seal(b"a try\n", Path(folder), key, trust)


def _refuse_other(statement: bytes, files: dict[str, bytes]) -> None:
    if files.get(STATEMENT) != statement:
        raise refusal("the statement that was written is another one", "is the disk full? see: df -h .")


def _last(settings: Mapping[str, Sequence[str]], key: str) -> str:
    return (settings.get(key) or [""])[-1]
