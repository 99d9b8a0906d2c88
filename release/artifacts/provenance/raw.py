"""A DSSE envelope with a raw ed25519 signature: what a CI makes, which has the private key itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from release.artifacts.provenance import allowed, dsse
from release.artifacts.provenance.names import ENVELOPE, NAMESPACE
from release.errors import refusal, unseen, usage
from release.git import signers

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from release.artifacts.provenance.allowed import Entry
    from release.artifacts.provenance.dsse import Envelope
    from release.errors import ReleaseError
    from release.git.signers import Pins
    from release.git.sshkey import Key

_INSTALL = "pip install 'invoke-gitflow[publish]'"
_MAKE = "make one for this alone: ssh-keygen -t ed25519 -N '' -C provenance -f provenance-key"


class RawSealer:
    """Signs with an ed25519 key of a variable."""

    def __init__(self, key: Key) -> None:
        """Read the key.

        Raises:
            ReleaseError: it is no ed25519 key, or there is no library for it (exit 2); it has a passphrase (exit 3).
        """
        self.name = key.name
        self._key = _private(key)
        self.public = self._key.public_key().public_bytes_raw()

    def files(self, statement: bytes) -> dict[str, bytes]:
        """Return the envelope, by its file name."""
        signature = self._key.sign(dsse.pae(dsse.PAYLOAD_TYPE, statement))
        keyid = allowed.fingerprint(self.public)
        return {ENVELOPE: dsse.serialized(dsse.Envelope(statement, dsse.PAYLOAD_TYPE, keyid, signature))}

    def check(self, statement: bytes, files: dict[str, bytes]) -> None:
        """Check what was made.

        Raises:
            ReleaseError: it is no signature of these bytes by this key (exit 3).
        """
        try:
            envelope = dsse.parse(files[ENVELOPE])
        except ValueError as error:
            raise refusal(f"what was made with {self.name} is no envelope: {error}") from None
        if envelope.payload != statement or not _verifies(self.public, envelope):
            raise refusal(f"what was made with {self.name} is no signature of the statement")


def signer(pins: Pins, envelope: Envelope, *, now: int) -> str:
    """Return who signed an envelope, in words: by a key in the file of allowed signers that may do so now.

    Raises:
        ReleaseError: nobody who counts (exit 3); no file here holds a key to try, or there is no library (exit 5).
    """
    if envelope.payload_type != dsse.PAYLOAD_TYPE:
        raise refusal(f"the envelope holds {envelope.payload_type!a}, and no in-toto statement")
    if pins.ssh is None and not pins.is_open:
        raise refusal(f"its key {_told(envelope)} is pinned by no name: signers has {pins.named()}")
    if pins.allowed is None:
        raise unseen(
            "no key is known here that could have signed the envelope",
            'get the key of who signs, and write it into a file: ci@example.org namespaces="'
            f'{NAMESPACE}" ssh-ed25519 AAAA…    and name it: git config --global gpg.ssh.allowedSignersFile FILE',
        )
    known = allowed.entries(pins.allowed, pins.revoked, NAMESPACE, now=now)
    found = [entry for entry in known if _verifies(entry.key, envelope)]
    if not found:
        is_known = any(entry.fingerprint == envelope.keyid for entry in known)
        if is_known:
            raise refusal(f"its signature is not one of these bytes by the key {_told(envelope)}")
        raise _stranger(pins, envelope)
    return _counted(pins, found, envelope)


def _counted(pins: Pins, found: list[Entry], envelope: Envelope) -> str:
    """Return who it is, of the lines of the key that signed.

    Raises:
        ReleaseError: none of them counts (exit 3).
    """
    names = () if pins.ssh is None else pins.ssh.signers
    lines = [(name, entry) for entry in found for name in names or entry.principals if entry.names(name)]
    for name, entry in lines:
        if not entry.objection:
            who = f"{name} {entry.fingerprint}"
            return signers.unpinned(who) if pins.is_open else who
    if lines:
        raise refusal(f"its key {found[0].fingerprint} does not count for {lines[0][0]}: {lines[0][1].objection}")
    raise _stranger(pins, envelope._replace(keyid=found[0].fingerprint))


def _stranger(pins: Pins, envelope: Envelope) -> ReleaseError:
    whose = f"one of {pins.named()} in {pins.allowed}" if pins.ssh is not None else f"in {pins.allowed}"
    return refusal(f"its key {_told(envelope)} is not {whose}")


def _told(envelope: Envelope) -> str:
    return envelope.keyid if envelope.keyid.isascii() and envelope.keyid.isprintable() else ascii(envelope.keyid)


def _verifies(public: bytes, envelope: Envelope) -> bool:
    try:
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415  # only signatures need it
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415
    except ImportError:
        raise unseen("the library cryptography is not installed", _INSTALL) from None
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(envelope.signature, envelope.signed)
    except (InvalidSignature, ValueError):
        return False
    return True


def _private(key: Key) -> Ed25519PrivateKey:
    try:
        from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415  # as above
        from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415
    except ImportError:
        raise usage(f"{key.name} is set, and the library cryptography is not installed", _INSTALL) from None
    try:
        data = key.content()
    except OSError as error:
        raise usage(f"{key.name} cannot be read: {error.strerror}", "name the file of a private key") from None
    is_openssh = b"BEGIN OPENSSH PRIVATE KEY" in data
    read = serialization.load_ssh_private_key if is_openssh else serialization.load_pem_private_key
    try:
        found = read(data, password=None)
    except TypeError:  # a passphrase is wanted
        raise refusal(f"{key.name} has a passphrase, and nobody is asked for it", _MAKE) from None
    except (ValueError, UnsupportedAlgorithm):  # whose texts could repeat the key
        raise usage(f"{key.name} holds no private key that can be read", _MAKE) from None
    if not isinstance(found, Ed25519PrivateKey):
        raise usage(f"{key.name} is no ed25519 key", _MAKE)
    return found
