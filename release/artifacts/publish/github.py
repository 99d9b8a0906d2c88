"""GitHub's API: answers and refusals as they matter here, with bounded patience, and no token in any message.

PyGithub makes the calls, with its own retries and pauses switched off: a reading call is repeated as it is, a writing
one never without a look at what the one before has done. What it does not do well, streams to and from other hosts, for
which it knows neither the machine's certificates nor a timeout, is done here.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import re
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

import github
import requests
import urllib3

from release.artifacts.publish import answers
from release.artifacts.publish.answers import RejectedError
from release.artifacts.publish.certificates import trusted
from release.artifacts.publish.patience import TroubleError
from release.errors import refusal, usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from github.Requester import Requester

    from release.artifacts.publish.patience import Patience
    from release.artifacts.publish.tokens import Token
    from release.errors import ReleaseError

PAGE = 100  # items of a list at a time, the most that there are

_SECONDS = 60  # for each step of an answer
_AGENT = "invoke-gitflow"
_BLOCK = 1 << 20

Item = dict[str, Any]  # of JSON

logging.getLogger("github").setLevel(logging.ERROR)  # it has a handler of its own, and tells of redirections
_T = TypeVar("_T")


class Download(NamedTuple):
    """What came of fetching a file: SHA-256, size, and the type that the server said."""

    sha256: str
    size: int
    kind: str


class Api:
    """A repository at an API. `permission` is what messages say that a token needs.

    Raises:
        ReleaseError: the token is none (exit 2).
    """

    def __init__(
        self,
        api: str,
        repository: str,
        *,
        env: Mapping[str, str],
        key: Token | None,
        patience: Patience,
        permission: str,
    ) -> None:
        if key is not None and not re.fullmatch(r"[!-~]+", key.value):  # else a library would complain, and quote it
            raise usage(f"{key.name} holds something else than a token", "set it again, without blanks and line ends")
        self.repository = repository
        self.patience = patience
        self.is_private = True
        self._api = api.rstrip("/")
        self._key = key
        self._permission = permission
        self._verify = trusted(env)
        self._calls: dict[str, Requester] = {}

    @property
    def host(self) -> str:
        """The host that is asked."""
        return urlsplit(self._api).netloc

    @property
    def has_token(self) -> bool:
        """Whether it is asked with a token."""
        return self._key is not None

    def settle_name(self) -> None:
        """Find out what the repository is called now, and whether only some may see it.

        Raises:
            ReleaseError: it is not to be seen (exit 2), or there is no answer (exit 7).
        """
        try:
            found = self.item(self.get(""))
        except RejectedError as error:
            raise self.refused(error) from None
        self.repository = str(found.get("full_name") or self.repository)
        self.is_private = bool(found.get("private"))

    def get(self, path: str, **parameters: object) -> Any:
        """Return an answer's JSON; `path` is below the repository. Repeated while that may help.

        Raises:
            RejectedError: the service says no.
            ReleaseError: it does not answer (exit 7), or cannot be asked (exit 2).
        """
        return self._repeated(lambda: self.call("GET", path, parameters=parameters))[1]

    def find(self, path: str) -> Item | None:
        """Return an answer's JSON, as `get`; None for what is not there.

        Raises:
            ReleaseError: as of `get`, or another refusal (exit 2, 3).
        """
        try:
            found = self.get(path)
        except RejectedError as error:
            if error.status == requests.codes.not_found:
                return None
            raise self.refused(error) from None
        return self.item(found)

    def pages(self, path: str, **parameters: object) -> list[Item]:
        """Return all items of a list, whatever number of pages it has.

        Raises:
            ReleaseError: as of `find`.
        """
        found: list[Item] = []
        number = 1
        while True:
            asked = {**parameters, "per_page": PAGE, "page": number}
            try:
                headers, items = self._repeated(lambda: self.call("GET", path, parameters=asked))  # noqa: B023  # called at once
            except RejectedError as error:
                raise self.refused(error) from None
            if not isinstance(items, list):
                raise self._odd()
            found += map(self.item, items)
            if 'rel="next"' not in headers.get("link", ""):
                return found
            number += 1

    def settled(self, act: Callable[[], _T], look: Callable[[], _T | None]) -> _T:
        """Do what changes something, once: after each failure it is looked whether it has happened all the same.

        Raises:
            ReleaseError: it is refused (exit 2, 3), or there is no answer (exit 7); whatever `look` raises.
        """
        attempt = 0
        while True:
            attempt += 1
            try:
                return act()
            except RejectedError as error:
                if not error.is_taken:
                    raise self.refused(error) from None
                trouble = None
                what = error.words
            except TroubleError as error:
                trouble = error
                what = error.what
            if trouble is not None:  # it may still be at it
                self.patience.wait(trouble, attempt)
            if (found := look()) is not None:
                return found
            if trouble is None:
                self.patience.wait(TroubleError(f"{self.host} says: {what}, and shows nothing of it"), attempt)

    def call(
        self, verb: str, path: str, *, parameters: Mapping[str, object] | None = None, data: object = None
    ) -> tuple[dict[str, str], Any]:
        """Make one call; return headers and JSON of its answer. `path` is below the repository.

        Raises:
            RejectedError: the service says no.
            TroubleError: no answer that helps.
            ReleaseError: it cannot be asked at all (exit 2).
        """
        with self._translated():
            return self._requester(self._api).requestJsonAndCheck(
                verb, f"/repos/{self.repository}{path}", parameters=dict(parameters or {}), input=data
            )

    def upload(self, url: str, file: Path, **parameters: str) -> Item:
        """Send a file to an address that the API has named; return the answer.

        Raises:
            RejectedError, TroubleError, ReleaseError: as of `call`.
        """
        at = urlsplit(url)
        if at.scheme != urlsplit(self._api).scheme:
            raise refusal(f"{self.host} names {at.scheme}://{at.netloc} for uploads: no token is sent there")
        with file.open("rb") as body, self._translated(at.netloc):
            headers = {"Content-Type": "application/octet-stream", "Content-Length": str(file.stat().st_size)}
            _, answer = self._requester(f"{at.scheme}://{at.netloc}").requestMemoryBlobAndCheck(
                "POST", at.path, dict(parameters), headers, body
            )
        return self.made(answer)

    def download(self, url: str, *, with_token: bool) -> Download:
        """Fetch a file from an absolute address and hash it; repeated while that may help.

        Raises:
            RejectedError, ReleaseError: as of `get`.
        """
        return self._repeated(lambda: self._fetched(url, self._key if with_token else None))

    def refused(self, error: RejectedError) -> ReleaseError:
        """Return the error for a refusal: of a token (exit 2), or of what was asked for (exit 3)."""
        said = f"HTTP {error.status}: {error.words}"
        wanted = f"it needs the permission {self._permission} for {self.repository}"
        if error.status == requests.codes.unauthorized:
            return usage(f"{self.host} does not accept {self._named} ({said})", f"is it still valid? {wanted}")
        if error.status in (requests.codes.forbidden, requests.codes.not_found):
            what = f"{self._named} does not get that far at {self.repository} ({said})"
            return usage(what, f"{wanted}; and is forge.repository right?")
        return refusal(f"{self.host} refuses it for {self.repository} ({said})")

    def made(self, found: object) -> Item:
        """Return an answer that is an object with an id, as that of each call that makes or edits one.

        Raises:
            ReleaseError: it is not: something else answers there (exit 2).
        """
        if "id" not in (item := self.item(found)):  # as of a redirection, which is not followed then
            raise self._odd()
        return item

    def item(self, found: object) -> Item:
        """Return an answer that is an object.

        Raises:
            ReleaseError: it is not: something else answers there (exit 2).
        """
        if not isinstance(found, dict) or "data" in found:  # as PyGithub hands over what is no JSON
            raise self._odd()
        return found

    @property
    def _named(self) -> str:
        return "asking without a token" if self._key is None else self._key.name

    def _odd(self) -> ReleaseError:
        return usage(f"{self._api} does not answer as GitHub's API does", "look at api in [tool.release.forge]")

    def _requester(self, base: str) -> Requester:
        """Return who asks one host, with its connection; what PyGithub opens by itself trusts others, without end."""
        if base not in self._calls:
            auth = None if self._key is None else github.Auth.Token(self._key.value)
            self._calls[base] = github.Github(
                auth=auth,
                base_url=base,
                timeout=_SECONDS,
                user_agent=_AGENT,
                verify=self._verify,
                retry=None,
                seconds_between_requests=None,
                seconds_between_writes=None,
            ).requester
        return self._calls[base]

    def close(self) -> None:
        """Close all connections."""
        for one in self._calls.values():
            one.close()
        self._calls.clear()

    def _repeated(self, ask: Callable[[], _T]) -> _T:
        attempt = 0
        while True:
            attempt += 1
            try:
                return ask()
            except TroubleError as trouble:
                self.patience.wait(trouble, attempt)

    def _fetched(self, url: str, key: Token | None) -> Download:
        def signed(request: requests.PreparedRequest) -> requests.PreparedRequest:
            if key is not None:  # requests takes it off again when it is sent to another host
                request.headers["Authorization"] = f"token {key.value}"
            return request

        headers = {"User-Agent": _AGENT, "Accept": "application/octet-stream", "Accept-Encoding": "identity"}
        with (
            self._translated(urlsplit(url).netloc),
            requests.Session() as session,
            session.get(
                url, headers=headers, auth=signed, stream=True, timeout=_SECONDS, verify=self._verify
            ) as answer,
        ):
            if answer.status_code != requests.codes.ok:
                raise github.GithubException(answer.status_code, {"message": answer.reason}, dict(answer.headers))
            digest, size = hashlib.sha256(), 0
            for block in answer.raw.stream(_BLOCK, decode_content=False):
                digest.update(block)
                size += len(block)
            return Download(digest.hexdigest(), size, answer.headers.get("Content-Type", ""))

    @contextlib.contextmanager
    def _translated(self, where: str = "") -> Iterator[None]:
        """Turn what the libraries raise into what is raised here: theirs hold headers and addresses."""
        host = where or self.host
        try:
            yield
        except github.GithubException as error:
            raise answers.judged(error, host, self.patience.clock()) from None
        except (OSError, ValueError, AssertionError, RuntimeError, urllib3.exceptions.HTTPError) as error:
            raise answers.failed(error, host) from None
