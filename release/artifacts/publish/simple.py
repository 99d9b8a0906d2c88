"""What a package index has of a project: the simple repository API, as JSON (PEP 691) or HTML (PEP 503)."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)

from release.artifacts.publish import web
from release.artifacts.publish.job import unreachable

if TYPE_CHECKING:
    from release.artifacts.publish.web import Web
    from release.version import Version

_ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
_LARGEST = 256 * 1024 * 1024


class Listed(NamedTuple):
    """A file of an index: its name, where it is, and its SHA-256 as the index says it, "" if it does not."""

    name: str
    url: str
    sha256: str


def files(asked: Web, simple: str, project: str, version: Version) -> tuple[Listed, ...]:
    """Return the files that an index has of a version, in the order of their names; () when it knows none.

    A name can be there more than once. A local version counts as that version: pip prefers it when asked for the other.

    Raises:
        ReleaseError: it cannot be reached, or what it answers is no listing (exit 7).
    """
    url = f"{simple.rstrip('/')}/{canonicalize_name(project)}/"
    # An answer that a cache has kept from before an upload would have it uploaded again.
    with asked.get(url, {"Accept": _ACCEPT, "Cache-Control": "no-cache"}) as answer:
        if answer.status_code in web.ABSENT:
            return ()
        if not answer.ok:
            raise unreachable(f"{web.shown(url)} answers {answer.status_code}")
        data = b"".join(web.limited(answer, _LARGEST))
    is_json = "json" in answer.headers.get("Content-Type", "")
    try:
        found = _of_json(data, answer.url) if is_json else _of_html(data, answer.url)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise unreachable(f"{web.shown(url)} answers with no listing of a package index") from None
    return tuple(sorted(one for one in found if _is_of(one.name, version)))


def _of_json(data: bytes, base: str) -> list[Listed]:
    return [
        Listed(one["filename"], urljoin(base, one["url"]), str(one.get("hashes", {}).get("sha256", "")))
        for one in json.loads(data)["files"]
    ]


def _of_html(data: bytes, base: str) -> list[Listed]:
    links = _Links()
    links.feed(data.decode("utf-8", "replace"))
    found = []
    for link in links.found:
        url, fragment = urldefrag(urljoin(base, link))
        sha256 = fragment.removeprefix("sha256=") if fragment.startswith("sha256=") else ""
        found.append(Listed(unquote(urlsplit(url).path.rpartition("/")[2]), url, sha256))
    return found


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found += [value for name, value in attrs if name == "href" and value]


def _is_of(name: str, version: Version) -> bool:
    """Whether a file's name says this version, whatever local part that has."""
    try:
        said = parse_wheel_filename(name)[1] if name.endswith(".whl") else parse_sdist_filename(name)[1]
    except (InvalidWheelFilename, InvalidSdistFilename, ValueError):
        return False
    return said.public == version.public
