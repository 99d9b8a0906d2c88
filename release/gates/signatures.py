"""Signatures of receipts: made with a private key, verified against those whom git on this machine trusts.

Both by OpenSSH, in a namespace of our own: a signature that somebody made of a commit or a tag is none of a receipt.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from release.errors import refusal
from release.git import sshkey, sshsig
from release.git.sshkey import Key, is_key
from release.git.sshsig import Trust

if TYPE_CHECKING:
    from collections.abc import Sequence

    from release.git.repository import Repository

__all__ = ["KEY", "KEY_FILE", "NAMESPACE", "Key", "Trust", "is_key", "signer", "take_key", "trust"]

NAMESPACE = "receipt@invoke-gitflow"
KEY = "RELEASE_RECEIPT_KEY"  # a variable with the private key itself, as a CI hands over its secrets
KEY_FILE = "RELEASE_RECEIPT_KEY_FILE"  # a variable with the path of a private key

_RECEIPT = sshsig.Purpose(NAMESPACE, "receipt")
_EXAMPLE = "ci@example.org"


def take_key(given: str) -> Key | None:
    """Return the key at a path, else that of a variable; None when there is none: as `sshkey.take`."""
    return sshkey.take(sshkey.Variables(KEY, KEY_FILE), _RECEIPT, os.environ, given=given, flag="--key")


def trust(repository: Repository, signers: Sequence[str]) -> Trust:
    """Return whose signatures count here, as `sshsig.trusted`.

    Raises:
        ReleaseError: nobody's, as long as something is not set (exit 3).
    """
    if not signers:
        raise refusal(
            "receipt_signers in [tool.release] names nobody",
            f'commit the names that your file of allowed signers has for the CI: receipt_signers = ["{_EXAMPLE}"]',
        )
    return sshsig.trusted(repository, signers, _RECEIPT, example=_EXAMPLE)


def signer(trusted: Trust, data: bytes, signature: bytes) -> str:
    """Return who signed these bytes, by name and key; a key that has expired or is revoked by now signs nothing.

    Raises:
        ReleaseError: nobody who counts (exit 3), or there is no ssh-keygen (exit 3).
    """
    found = sshsig.signer(trusted, data, signature, _RECEIPT)
    return f"{found.name} {found.key}"
