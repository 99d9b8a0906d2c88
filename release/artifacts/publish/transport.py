"""HTTP for registries: no endless waiting, further tries for what may pass, and TLS everywhere but on loopback."""

from __future__ import annotations

import datetime as dt
import email.utils
import time
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from release.artifacts.publish.hosts import is_loopback
from release.artifacts.publish.job import unreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from release.errors import ReleaseError

TRIES = 5
LONGEST_PAUSE = 120.0  # seconds; a service that wants a longer one is asked by the next run

_SECONDS = (10.0, 60.0)  # to be connected, and between two pieces of an answer
_BUSY = 429
_BROKEN = 500
_BLOCK = 1 << 16


class Answer(NamedTuple):
    """How a request ended; names of headers are looked up without regard to case."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class Transport:
    """Sends requests for one registry, `host`, which is what messages name."""

    def __init__(self, host: str, env: Mapping[str, str], pause: Callable[[float], None]) -> None:
        self._host = host
        self._pause = pause
        self._session = requests.Session()
        self._session.mount("http://", _OnlyHere())
        # A proxy does not lead to this machine, and netrc has no login for it that was meant.
        self._session.trust_env = not is_loopback(host)
        self._session.verify = env.get("REQUESTS_CA_BUNDLE") or env.get("CURL_CA_BUNDLE") or True

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        largest: int,
        authorization: str = "",
        data: Any = None,
    ) -> Answer:
        """Send a request and return what came of it, whatever its status but 429 and from 500 up.

        `largest` is how many bytes the answer may have.

        Raises:
            ReleaseError: no such answer came, after TRIES (exit 7).
        """
        why = ""
        for number in range(TRIES):
            wait = float(2**number)
            try:
                answer = self._once(method, url, headers, largest, _Header(authorization), data)
                if answer.status != _BUSY and answer.status < _BROKEN:
                    return answer
                why = f"answers with status {answer.status}"
                asked = answer.headers.get("Retry-After", "")
                wait = max(wait, seconds(asked))
                if wait > LONGEST_PAUSE:
                    raise unreachable(f"{self._host} {why}, and asks to wait for {wait:.0f} seconds")
            except requests.exceptions.SSLError as error:
                raise unreachable(f"{self._host} cannot be trusted: {reason(error)}") from None
            except (requests.RequestException, OSError) as error:
                why = f"cannot be reached: {reason(error)}"
            if number < TRIES - 1:
                self._pause(wait)
        raise unreachable(f"{self._host} {why} (tried {TRIES} times)")

    def _once(
        self, method: str, url: str, headers: Mapping[str, str], largest: int, auth: _Header, data: Any
    ) -> Answer:
        """Send it once.

        Raises:
            ReleaseError: the answer is larger than allowed (exit 7).
            RequestException, OSError: it got lost.
        """
        with self._session.request(
            method,
            url,
            headers=dict(headers),
            auth=auth,
            data=data,
            timeout=_SECONDS,
            stream=True,
            allow_redirects=method in ("GET", "HEAD"),
        ) as response:
            content = b""
            for block in response.iter_content(_BLOCK):
                content += block
                if len(content) > largest:
                    raise self._too_large(largest)
            return Answer(response.status_code, response.headers, content)

    def _too_large(self, largest: int) -> ReleaseError:
        return unreachable(f"{self._host} answers with more than {largest} bytes", "look at what is there by hand")


class _Header(requests.auth.AuthBase):
    """Exactly this header, or none: otherwise a login that netrc has for the host would take its place."""

    def __init__(self, value: str) -> None:
        self._value = value

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._value:
            request.headers["Authorization"] = self._value
        return request


class _OnlyHere(HTTPAdapter):
    """Plain HTTP, which leads nowhere but to this machine, redirections included."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        host = urlsplit(request.url or "").netloc.rpartition("@")[2]
        if not is_loopback(host):
            raise unreachable(f"{host} was to be asked without TLS", "nothing is sent over a line that is not secret")
        return super().send(request, *args, **kwargs)


def seconds(header: str) -> float:
    """Return how long Retry-After (RFC 9110, 10.2.3) asks to wait: seconds, or a date; 0.0 if it is neither."""
    if header.strip().isdecimal():
        return float(header)
    try:
        when = email.utils.parsedate_to_datetime(header)
        when = when if when.tzinfo else when.replace(tzinfo=dt.timezone.utc)
    except (TypeError, ValueError):
        return 0.0
    return max(0.0, when.timestamp() - time.time())


def reason(error: BaseException) -> str:
    """Return the system's own words for what went wrong; the library's hold addresses, with what was asked in them."""
    seen: set[int] = set()
    found = ""
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        found = getattr(one, "verify_message", "") or getattr(one, "strerror", "") or found
        one = one.__cause__ or one.__context__
    names = {requests.exceptions.Timeout: "no answer in time", requests.exceptions.SSLError: "no TLS is spoken there"}
    known = next((words for kind, words in names.items() if isinstance(error, kind)), "the connection broke off")
    return str(found) or known
