"""What a packaged chart holds, and in which of its files two of them differ."""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from typing import TYPE_CHECKING

from release.artifacts.publish.job import different
from release.formats import FormatError, yaml

if TYPE_CHECKING:
    from pathlib import Path

LARGEST = 64 * 1024 * 1024  # bytes, packed and unpacked; Helm itself takes no chart above 100 MiB unpacked

_PARTS = "charts/"
_WRITTEN_ANEW = ("Chart.yaml", "Chart.lock")  # by each version of Helm in its own way, with the same in it


def files(content: bytes) -> dict[str, bytes]:
    """Return the files of a packaged chart, by the path in it.

    Raises:
        ReleaseError: it is no such archive, or too large (exit 3).
    """
    found = {}
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as packed:
            data = packed.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise different(f"a chart unpacks to more than {LARGEST} bytes")
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            for member in archive:
                file = archive.extractfile(member) if member.isfile() else None
                found[member.name] = b"" if file is None else file.read()
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise different(f"what is there is no archive of a chart: {error}") from None
    return found


def unlike(one: bytes, other: bytes) -> tuple[str, ...]:
    """Return the paths at which two packaged charts differ, () if they are the same chart.

    Raises:
        ReleaseError: one is no such archive (exit 3).
    """
    left, right = files(one), files(other)
    return tuple(path for path in sorted({*left, *right}) if not _is_same(path, left.get(path), right.get(path)))


def strange(content: bytes, name: str, folder: Path) -> tuple[str, ...]:
    """Return the paths in a packaged chart of that name which are not as the files in `folder`.

    Charts that it needs may have been fetched when it was packaged: they count only where they are files there, too.

    Raises:
        ReleaseError: it is no such archive (exit 3).
    """
    found = []
    for path, data in files(content).items():
        inner = path.removeprefix(f"{name}/")
        place = folder / inner
        is_file = path != inner and ".." not in inner.split("/") and place.is_file()  # links count as what they lead to
        if (is_file or not inner.startswith(_PARTS)) and not (is_file and _is_same(path, data, place.read_bytes())):
            found.append(path)
    return tuple(sorted(found))


def _is_same(path: str, one: bytes | None, other: bytes | None) -> bool:
    if one is None or other is None or one == other:
        return one == other
    if path.rpartition("/")[2] not in _WRITTEN_ANEW:
        return False
    try:
        return yaml.documents(one) == yaml.documents(other)
    except FormatError:
        return False
