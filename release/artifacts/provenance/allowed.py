"""Keys in git's file of allowed signers, for signatures that are not OpenSSH's own (ssh-keygen(1), ALLOWED SIGNERS).

ssh-keygen judges only signatures of its own form, so the rules of its file are followed here: principals with
patterns, namespaces, dates, and the file of revoked keys. What is not understood allows nothing.
"""

from __future__ import annotations

import base64
import binascii
import calendar
import hashlib
import re
import time
from typing import TYPE_CHECKING, NamedTuple

from release.errors import refusal
from release.git import sshsig

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_ED25519 = b"ssh-ed25519"
_BLOB = b"\x00\x00\x00\x0b" + _ED25519 + b"\x00\x00\x00\x20"  # RFC 8709: two strings, the second of 32 bytes
_KRL = b"SSHKRL\n\x00"
_LINE = re.compile(r'(?P<principals>"[^"]*"|[^\s"]+)\s+(?:(?P<options>(?:[^\s"]|"(?:\\.|[^"\\])*")+)\s+)?(?P<key>.*)')
_KEY = re.compile(r"ssh-ed25519\s+(?P<data>[A-Za-z0-9+/=]+)(?:\s.*)?")
_OPTION = re.compile(r'(?P<name>[A-Za-z-]+)(?:="(?P<value>(?:\\.|[^"\\])*)")?(?:,|$)')
_DATE = re.compile(r"(?P<day>\d{8})(?:(?P<minute>\d{4})(?P<second>\d{2})?)?(?P<utc>Z?)")


class Entry(NamedTuple):
    """A line with an ed25519 key: who it names, the 32 bytes of the key, and why it may not sign, "" for nothing."""

    principals: tuple[str, ...]
    key: bytes
    objection: str

    @property
    def fingerprint(self) -> str:
        """As OpenSSH shows it."""
        return fingerprint(self.key)

    def names(self, name: str) -> bool:
        """Whether it is a line of this signer."""
        return _matches(self.principals, name)


def fingerprint(key: bytes) -> str:
    """Return the fingerprint of an ed25519 key, given as its 32 bytes, as OpenSSH shows it."""
    digest = hashlib.sha256(_BLOB + key).digest()
    return f"SHA256:{base64.b64encode(digest).decode('ascii').rstrip('=')}"


def entries(allowed: Path, revoked: Path | None, namespace: str, *, now: int) -> tuple[Entry, ...]:
    """Return the lines with ed25519 keys, judged for a namespace at a time (seconds since 1970).

    Raises:
        ReleaseError: a file cannot be read, or the one of revoked keys not as a whole (exit 3).
    """
    try:
        lines = allowed.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError as error:
        raise refusal(f"{allowed} cannot be read: {error.strerror}") from None
    found = tuple(filter(None, (_entry(line.strip(), namespace, now) for line in lines)))
    return tuple(
        one._replace(objection="it is revoked") if revoked is not None and is_revoked(revoked, one.key) else one
        for one in found
    )


def _entry(line: str, namespace: str, now: int) -> Entry | None:
    """Read a line; None for one that names no ed25519 key, or is not understood."""
    match = None if line.startswith("#") else _LINE.fullmatch(line)
    if match is None:
        return None
    options, text = match["options"] or "", match["key"]
    if options == _ED25519.decode():  # then there are none, and the key begins here
        options, text = "", f"{options} {text}"
    key = _key(text)
    if key is None:
        return None
    principals = tuple(match["principals"].strip('"').split(","))
    return Entry(principals, key, _objection(options, namespace, now))


def _key(text: str) -> bytes | None:
    """Return the 32 bytes of a key's public line."""
    match = _KEY.fullmatch(text)
    try:
        blob = b"" if match is None else base64.b64decode(match["data"], validate=True)
    except binascii.Error:
        return None
    return blob[len(_BLOB) :] if blob.startswith(_BLOB) and len(blob) == len(_BLOB) + 32 else None


def _objection(options: str, namespace: str, now: int) -> str:
    """Say why the options of a line do not let its key sign in a namespace now."""
    at, namespaces = 0, None
    while at < len(options):
        match = _OPTION.match(options, at)
        if match is None:
            return "its line has options that are not understood"
        at, name, value = match.end(), match["name"].lower(), match["value"]
        if name == "namespaces" and value is not None:
            namespaces = tuple(value.split(","))
        elif name in ("valid-after", "valid-before") and value is not None:
            why = _untimely(name, value, now)
            if why:
                return why
        else:
            return f"its line has the option {name}, which a plain key cannot have"
    if namespaces is not None and not _matches(namespaces, namespace):
        return f"it may not sign in the namespace {namespace}"
    return ""


def _untimely(name: str, value: str, now: int) -> str:
    limit = _seconds(value)
    if limit is None:
        return f"its {name} is no date"
    if name == "valid-after":
        return "it is not yet valid" if now < limit else ""
    return "it has expired" if now > limit else ""


def _matches(patterns: Sequence[str], text: str) -> bool:
    """Whether a list of patterns has a text (ssh_config(5), PATTERNS); one with `!` in front excludes it."""
    found = False
    for pattern in patterns:
        wanted = "".join({"*": ".*", "?": "."}.get(one, re.escape(one)) for one in pattern.removeprefix("!"))
        if re.fullmatch(wanted, text, re.DOTALL):
            if pattern.startswith("!"):
                return False
            found = True
    return found


def _seconds(date: str) -> int | None:
    """Return a date, in local time unless it ends in Z, as seconds since 1970."""
    match = _DATE.fullmatch(date)
    if match is None:
        return None
    text = f"{match['day']}{match['minute'] or '0000'}{match['second'] or '00'}"
    try:
        parsed = time.strptime(text, "%Y%m%d%H%M%S")
        return calendar.timegm(parsed) if match["utc"] else int(time.mktime(parsed))
    except (ValueError, OverflowError):
        return None


def is_revoked(place: Path, key: bytes) -> bool:
    """Whether a file of revoked keys, a list or a KRL, has a key.

    Raises:
        ReleaseError: it cannot be read as a whole, so that nobody knows (exit 3).
    """
    try:
        data = place.read_bytes()
    except OSError as error:
        raise refusal(f"{place} cannot be read: {error.strerror}") from None
    if data.startswith(_KRL):
        return sshsig.in_krl(place, b"ssh-ed25519 " + base64.b64encode(_BLOB + key) + b"\n")
    return _BLOB + key in _listed(place, data)


def _listed(place: Path, data: bytes) -> Iterator[bytes]:
    for line in data.splitlines():
        words = line.split()
        if not words or words[0].startswith(b"#"):
            continue
        try:
            yield base64.b64decode(words[1], validate=True)
        except (IndexError, binascii.Error):
            raise refusal(f"{place} has a line that is no key") from None
