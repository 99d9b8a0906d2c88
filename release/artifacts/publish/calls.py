"""Single calls to GitHub's API and to the hosts that it names, each made once; no token is in what they raise.

PyGithub makes them, with its own retries and pauses switched off. What it opens by itself to other hosts knows neither
the machine's certificates nor a timeout: each host is asked through a client of its own, and files are fetched here.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import re
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import github
import requests
import urllib3

from release.artifacts.publish import answers
from release.artifacts.publish.certificates import trusted
from release.errors import refusal, usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from github.Requester import Requester

    from release.artifacts.publish.tokens import Token

_SECONDS = 60  # for each step of an answer
_AGENT = "invoke-gitflow"
_BLOCK = 1 << 20

logging.getLogger("github").setLevel(logging.ERROR)  # it has a handler of its own, and tells of redirections


class Download(NamedTuple):
    """What came of fetching a file: SHA-256, size, and the type that the server said."""

    sha256: str
    size: int
    kind: str


class Calls:
    """Calls to `api`, with the token if there is one; `clock` is that of time.

    What they raise: RejectedError, the service says no; TroubleError, no answer that helps; ReleaseError, it cannot be
    asked at all (exit 2).

    Raises:
        ReleaseError: the token is none (exit 2).
    """

    def __init__(self, api: str, *, env: Mapping[str, str], key: Token | None, clock: Callable[[], float]) -> None:
        if key is not None and not re.fullmatch(r"[!-~]+", key.value):  # else a library would complain, and quote it
            raise usage(f"{key.name} holds something else than a token", "set it again, without blanks and line ends")
        self.api = api.rstrip("/")
        self.key = key
        self._verify = trusted(env)
        self._clock = clock
        self._clients: dict[str, Requester] = {}

    @property
    def host(self) -> str:
        """The host that is asked."""
        return urlsplit(self.api).netloc

    def json(self, verb: str, path: str, parameters: Mapping[str, object], data: object) -> tuple[dict[str, str], Any]:
        """Make one call; return headers, their names in lower case, and JSON of its answer."""
        with self._translated(self.host):
            return self._client(self.api).requestJsonAndCheck(verb, path, parameters=dict(parameters), input=data)

    def send(self, url: str, file: Path, parameters: Mapping[str, str]) -> Any:
        """Send a file to an address that the API has named; return the JSON of its answer.

        Raises:
            ReleaseError: a token would go there without TLS (exit 3), or as all calls.
        """
        at = urlsplit(url)
        if at.scheme != urlsplit(self.api).scheme:
            raise refusal(f"{self.host} names {at.scheme}://{at.netloc} for uploads: no token is sent there")
        with file.open("rb") as body, self._translated(at.netloc):
            headers = {"Content-Type": "application/octet-stream", "Content-Length": str(file.stat().st_size)}
            client = self._client(f"{at.scheme}://{at.netloc}")
            return client.requestMemoryBlobAndCheck("POST", at.path, dict(parameters), headers, body)[1]

    def fetch(self, url: str, *, with_token: bool, to: Path | None = None) -> Download:
        """Fetch a file and hash it as it arrives, and write it `to` a file; the token goes to the API's host alone."""
        key = self.key if with_token and urlsplit(url)[:2] == urlsplit(self.api)[:2] else None

        def signed(request: requests.PreparedRequest) -> requests.PreparedRequest:
            if key is not None:  # requests takes it off again when it is sent to another host
                request.headers["Authorization"] = f"token {key.value}"
            return request  # having said who asks, netrc is not looked at

        headers = {"User-Agent": _AGENT, "Accept": "application/octet-stream", "Accept-Encoding": "identity"}
        with (
            self._translated(urlsplit(url).netloc),
            requests.Session() as session,
            session.get(url, headers=headers, auth=signed, stream=True, timeout=_SECONDS, verify=self._verify) as got,
        ):
            if got.status_code != requests.codes.ok:
                raise github.GithubException(got.status_code, {"message": got.reason}, dict(got.headers))
            digest, size = hashlib.sha256(), 0
            with contextlib.nullcontext() if to is None else to.open("wb") as file:
                for block in got.raw.stream(_BLOCK, decode_content=False):
                    digest.update(block)
                    size += len(block)
                    if file is not None:
                        file.write(block)
            return Download(digest.hexdigest(), size, got.headers.get("Content-Type", ""))

    def close(self) -> None:
        """Close all connections."""
        for one in self._clients.values():
            one.close()
        self._clients.clear()

    def _client(self, base: str) -> Requester:
        if base not in self._clients:
            self._clients[base] = github.Github(
                auth=None if self.key is None else github.Auth.Token(self.key.value),
                base_url=base,
                timeout=_SECONDS,
                user_agent=_AGENT,
                verify=self._verify,
                retry=None,
                seconds_between_requests=None,
                seconds_between_writes=None,
            ).requester
        return self._clients[base]

    @contextlib.contextmanager
    def _translated(self, host: str) -> Iterator[None]:
        """Turn what the libraries raise into what is raised here: theirs hold headers and addresses."""
        try:
            yield
        except github.GithubException as error:
            raise answers.judged(error, host, self._clock()) from None
        except (OSError, ValueError, AssertionError, RuntimeError, urllib3.exceptions.HTTPError) as error:
            raise answers.failed(error, host) from None
