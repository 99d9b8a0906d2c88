"""What else a receipt is bound to, besides its tree: the bytes of noxfile.py and of the lock files."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from release.entry import Entry
    from release.git.database import ObjectReader

_LOCKS = re.compile(r"uv\.lock|pylock(?:\..*)?\.toml|requirements.*\.txt")


class Digests(NamedTuple):
    """SHA-256 of noxfile.py and of the lock files at the root of a tree, "" without one."""

    noxfile: str
    lock: str


def of(reader: ObjectReader, root: Mapping[str, Entry]) -> Digests:
    """Return the digests of a tree, whose entries are `root`."""
    noxfile = [root["noxfile.py"].oid] if "noxfile.py" in root else []
    locks = [root[name].oid for name in sorted(root) if _LOCKS.fullmatch(name)]
    return Digests(noxfile=_digest(reader, noxfile), lock=_digest(reader, locks))


def _digest(reader: ObjectReader, blobs: Iterable[str]) -> str:
    """Return the SHA-256 over the content of blobs, "" without any."""
    contents = [reader.blob(blob) for blob in blobs]
    digest = hashlib.sha256()
    for content in contents:
        if len(contents) > 1:
            digest.update(b"%d\0" % len(content))  # so that no two lists of files look the same
        digest.update(content)
    return digest.hexdigest() if contents else ""
