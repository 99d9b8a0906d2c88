"""What the loopback GitHub holds, and how it is to behave."""

from __future__ import annotations

import hashlib
import itertools
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from authority import certificates

if TYPE_CHECKING:
    from collections.abc import Mapping

TOKEN = "ghp_s3cretOfTheTests"
REPOSITORY = "own/repo"


@dataclass
class Fault:
    """What happens instead at the next `times` calls: a status and headers; or after it was applied "reset", "kill".

    "broken" is an upload of which only a part arrives, "short" an answer without its end. The first `skip`
    calls are left alone.
    """

    verb: str
    path: str
    what: int | str
    headers: Mapping[str, str] = field(default_factory=dict)
    message: str = "fault"
    times: int = 1
    skip: int = 0


class Hub:
    """What the server holds, and how it behaves. `asked` is every call: verb, path, whether with the token."""

    def __init__(self) -> None:
        self.releases: list[dict[str, Any]] = []
        self.assets: dict[int, dict[str, Any]] = {}
        self.contents: dict[int, bytes] = {}
        self.tags: dict[str, tuple[str, str]] = {}  # name → type, id
        self.pulls: list[dict[str, Any]] = []
        self.faults: list[Fault] = []
        self.asked: list[tuple[str, str, bool]] = []
        self.leaked: list[str] = []
        self.tells_digests = True
        self.is_private = False
        self.now_called = REPOSITORY
        self.victim = 0
        self.numbers = itertools.count(1)
        self.api = ""
        self.files = ""

    @property
    def ca(self) -> str:
        return str(certificates()[0])

    @property
    def env(self) -> dict[str, str]:
        """The environment of somebody who may write."""
        return {"GITHUB_TOKEN": TOKEN, "REQUESTS_CA_BUNDLE": self.ca}

    def fault(self, verb: str, path: str, what: int | str, *, times: int = 1, **headers: str) -> Fault:
        named = {name.replace("_", "-"): value for name, value in headers.items() if name != "message"}
        self.faults.append(Fault(verb, path, what, named, headers.get("message", "fault"), times))
        return self.faults[-1]

    def struck(self, verb: str, path: str) -> Fault | None:
        """Return what is to go wrong with a call, and count it."""
        for one in self.faults:
            if one.times and one.verb == verb and re.search(one.path, path):
                if one.skip:
                    one.skip -= 1
                    continue
                one.times -= 1
                return one
        return None

    def calls(self, verb: str, path: str = "") -> list[str]:
        return [one for at, one, _ in self.asked if at == verb and re.search(path, one)]

    def release(self, tag: str, **more: object) -> dict[str, Any]:
        """Add a release, as if somebody had made it."""
        number = next(self.numbers)
        made = {
            "id": number,
            "node_id": f"R_{number}",
            "tag_name": tag,
            "target_commitish": "main",
            "name": "",
            "body": "",
            "draft": False,
            "prerelease": False,
            "immutable": False,
            "created_at": "2023-11-14T22:13:20Z",
            "published_at": None,
            "author": {"login": "somebody"},
            "url": f"{self.api}/repos/{REPOSITORY}/releases/{number}",
            "html_url": f"{self.files}/{REPOSITORY}/releases/tag/{tag}",
            "upload_url": f"{self.files}/api/uploads/repos/{self.now_called}/releases/{number}/assets{{?name,label}}",
            "tarball_url": "",
            "zipball_url": "",
            **more,
        }
        self.releases.insert(0, made)
        return made

    def asset(
        self, release: int, name: str, content: bytes, *, label: str = "", state: str = "uploaded"
    ) -> dict[str, Any]:
        """Add an asset to a release."""
        number = next(self.numbers)
        shown = re.sub(r"[^A-Za-z0-9._-]+", ".", name)
        made = {
            "id": number,
            "name": shown,
            "label": label or None,
            "state": state,
            "size": len(content),
            "content_type": "application/octet-stream",
            "digest": f"sha256:{hashlib.sha256(content).hexdigest()}" if self.tells_digests else None,
            "url": f"{self.api}/repos/{REPOSITORY}/releases/assets/{number}",
            "browser_download_url": f"{self.files}/{REPOSITORY}/releases/download/{release}/{shown}",
            "release": release,
            "created_at": "2023-11-14T22:13:20Z",
            "download_count": 0,
        }
        self.assets[number], self.contents[number] = made, content
        return made

    def of(self, release: int) -> dict[str, str]:
        """Return the SHA-256 of what a release holds, by name."""
        return {
            one["name"]: hashlib.sha256(self.contents[one["id"]]).hexdigest()
            for one in self.assets.values()
            if one["release"] == release
        }
