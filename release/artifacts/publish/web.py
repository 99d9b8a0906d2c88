"""Asking over HTTP, with patience: only what may be different in a moment is asked for again, a few times."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import requests
import urllib3

from release.artifacts.publish import transport
from release.artifacts.publish.job import unreachable
from release.formats import inert

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

ATTEMPTS = 4
TIMEOUT = 30.0  # seconds without a byte
LARGEST = 1 << 30  # bytes of a download

ABSENT = (404, 410)  # HTTP's words for: nothing is there

_TOO_MANY, _SERVER = 429, 500
_BLOCK = 1 << 20


class Web(NamedTuple):
    """How we ask: with the proxies, certificates and netrc of this machine. `pause` waits for seconds."""

    pause: Callable[[float], None] = time.sleep

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> requests.Response:
        """Return the answer to a GET, whatever its status says, its body not yet read; to be closed by the caller.

        Raises:
            ReleaseError: there is none, or none that helps, after ATTEMPTS (exit 7).
        """
        why = ""
        for attempt in range(ATTEMPTS):
            try:
                answer = requests.get(url, headers=headers, timeout=TIMEOUT, stream=True)
            except (requests.RequestException, OSError) as error:
                why, wait = transport.reason(error), 2.0**attempt
            else:
                if answer.status_code != _TOO_MANY and answer.status_code < _SERVER:
                    return answer
                why = f"it answers {answer.status_code}"
                asked = transport.seconds(answer.headers.get("Retry-After", ""))
                wait = min(transport.LONGEST_PAUSE, asked or 2.0**attempt)
                answer.close()
            if attempt + 1 < ATTEMPTS:
                self.pause(wait)
        raise unreachable(f"{shown(url)} cannot be reached: {why}")

    def download(self, url: str, to: Path) -> str:
        """Write what is at a URL into a file, and return its SHA-256; "" when there is nothing.

        Raises:
            ReleaseError: it cannot be had, after ATTEMPTS (exit 7).
            OSError: the file cannot be written.
        """
        why = ""
        for attempt in range(ATTEMPTS):
            with self.get(url, {"Accept-Encoding": "identity"}) as answer:
                if answer.status_code in ABSENT:
                    return ""
                if not answer.ok:
                    raise unreachable(f"{shown(url)} answers {answer.status_code}")
                try:
                    return _written(answer, to)
                except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
                    why = transport.reason(error)
            if attempt + 1 < ATTEMPTS:
                self.pause(2.0**attempt)
        raise unreachable(f"{shown(url)} breaks off: {why}")


def _written(answer: requests.Response, to: Path) -> str:
    digest = hashlib.sha256()
    # As it comes, as pip takes it: what a server calls packed for the way is often a file that is packed itself.
    with to.open("wb") as file:
        for block in limited(answer, blocks=answer.raw.stream(_BLOCK, decode_content=False)):
            digest.update(block)
            file.write(block)
    return digest.hexdigest()


def limited(answer: requests.Response, most: int = LARGEST, blocks: Iterable[bytes] | None = None) -> Iterator[bytes]:
    """Yield the body of an answer, or what it is read by, `blocks`.

    Raises:
        ReleaseError: it has more than `most` bytes (exit 7).
    """
    size = 0
    for block in answer.iter_content(_BLOCK) if blocks is None else blocks:
        size += len(block)
        if size > most:
            raise unreachable(f"{shown(answer.url)} has more than {most} bytes")
        yield block


def shown(url: str) -> str:
    """Return a URL for a message: without user, password, query and fragment."""
    parts = urlsplit(url)
    return inert.reason(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}")
