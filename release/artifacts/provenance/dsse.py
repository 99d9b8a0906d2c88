"""DSSE v1: an envelope around signed bytes (github.com/secure-systems-lab/dsse, protocol.md and envelope.md)."""

from __future__ import annotations

import base64
import json
from typing import Any, NamedTuple

PAYLOAD_TYPE = "application/vnd.in-toto+json"


class Envelope(NamedTuple):
    """Signed bytes, their type, and one signature with a hint at its key: the hint proves nothing."""

    payload: bytes
    payload_type: str
    keyid: str
    signature: bytes

    @property
    def signed(self) -> bytes:
        """What the signature is of."""
        return pae(self.payload_type, self.payload)


def pae(payload_type: str, payload: bytes) -> bytes:
    """Return the pre-authentication encoding, which is what is signed."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def serialized(envelope: Envelope) -> bytes:
    """Return an envelope as one line of JSON."""
    facts = {
        "payload": base64.b64encode(envelope.payload).decode("ascii"),
        "payloadType": envelope.payload_type,
        "signatures": [{"keyid": envelope.keyid, "sig": base64.b64encode(envelope.signature).decode("ascii")}],
    }
    return (json.dumps(facts, sort_keys=True, separators=(",", ":")) + "\n").encode("ascii")


def parse(data: bytes) -> Envelope:
    """Read an envelope with exactly one signature; what the envelope has besides counts nothing.

    Raises:
        ValueError: it is none, or there are several of them.
    """
    try:
        facts = json.loads(data, object_pairs_hook=unique)
        (entry,) = facts["signatures"]
        payload, signature = _decoded(facts["payload"]), _decoded(entry["sig"])
        kind, keyid = facts["payloadType"], entry.get("keyid", "")
    except (TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"something is missing in it: {error}") from None
    if not isinstance(kind, str) or not isinstance(keyid, str):
        raise ValueError("a field has another type")  # noqa: TRY004  # of data, not of an argument
    return Envelope(payload, kind, keyid, signature)


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of its pairs: of a key that stands twice, two readers could see different values.

    Raises:
        ValueError: there is such a key.
    """
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key stands twice in it")
    return made


def _decoded(text: Any) -> bytes:
    """Read base64, standard or URL-safe, as the protocol has it.

    Raises:
        ValueError: it is neither.
    """
    if not isinstance(text, str):
        raise ValueError("a field has another type")  # noqa: TRY004  # as above
    return base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
