"""A repository at GitHub's API: answers and refusals as they matter here, with bounded patience.

A reading call is repeated as it is, a writing one never without a look at what the one before has done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import requests

from release.artifacts.publish.answers import RejectedError
from release.artifacts.publish.calls import Calls
from release.artifacts.publish.patience import TroubleError
from release.errors import refusal, usage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from release.artifacts.publish.calls import Download
    from release.artifacts.publish.patience import Patience
    from release.artifacts.publish.tokens import Token
    from release.errors import ReleaseError

PAGE = 100  # items of a list at a time, the most that there are

Item = dict[str, Any]  # of JSON
_T = TypeVar("_T")


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
        self.repository = repository
        self.patience = patience
        self.is_private = True
        self._permission = permission
        self._calls = Calls(api, env=env, key=key, clock=patience.clock)

    @property
    def host(self) -> str:
        """The host that is asked."""
        return self._calls.host

    @property
    def has_token(self) -> bool:
        """Whether it is asked with a token."""
        return self._calls.key is not None

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
                if (found := look()) is not None:
                    return found
                trouble = TroubleError(f"{self.host} says: {error.words}; and shows nothing of it")
            except TroubleError as error:
                trouble = error
            self.patience.wait(trouble, attempt)  # it may still be at it
            if (found := look()) is not None:
                return found

    def call(
        self, verb: str, path: str, *, parameters: Mapping[str, object] | None = None, data: object = None
    ) -> tuple[dict[str, str], Any]:
        """Make one call, once; return headers and JSON of its answer. `path` is below the repository.

        Raises:
            RejectedError, TroubleError, ReleaseError: as of `Calls`.
        """
        return self._calls.json(verb, f"/repos/{self.repository}{path}", parameters or {}, data)

    def upload(self, url: str, file: Path, **parameters: str) -> Item:
        """Send a file, once, to an address that the API has named; return the answer.

        Raises:
            RejectedError, TroubleError, ReleaseError: as of `Calls`.
        """
        return self.made(self._calls.send(url, file, parameters))

    def download(self, url: str, *, with_token: bool, to: Path | None = None) -> Download:
        """Fetch a file from an absolute address and hash it, and write it `to` a file; repeated while that may help.

        Raises:
            RejectedError, ReleaseError: as of `get`.
        """
        return self._repeated(lambda: self._calls.fetch(url, with_token=with_token, to=to))

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
        return "asking without a token" if self._calls.key is None else self._calls.key.name

    def _odd(self) -> ReleaseError:
        return usage(f"{self._calls.api} does not answer as GitHub's API does", "look at api in [tool.release.forge]")

    def close(self) -> None:
        """Close all connections."""
        self._calls.close()

    def _repeated(self, ask: Callable[[], _T]) -> _T:
        attempt = 0
        while True:
            attempt += 1
            try:
                return ask()
            except TroubleError as trouble:
                self.patience.wait(trouble, attempt)
