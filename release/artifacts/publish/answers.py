"""What an answer of GitHub's API, or its absence, means: try again later, refused, or not to be asked at all."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import requests

from release.artifacts.publish.patience import TroubleError
from release.errors import usage
from release.formats import inert

if TYPE_CHECKING:
    from collections.abc import Iterable

    from github import GithubException

    from release.errors import ReleaseError

_LIMITED = 60.0  # seconds, where the documentation says "at least one minute" and the answer nothing
_LONGEST = 300  # characters of a message that are shown
_SECONDARY = re.compile(r"secondary rate limit|abuse detection", re.IGNORECASE)
_TAKEN = re.compile(r"already[ _]exists", re.IGNORECASE)


class RejectedError(Exception):
    """The service has understood, and says no: an HTTP status, its words, and whether the thing is there already."""

    def __init__(self, status: int, words: str, *, is_taken: bool = False) -> None:
        super().__init__(words)
        self.status = status
        self.words = words
        self.is_taken = is_taken


def judged(error: GithubException, host: str, now: float) -> TroubleError | RejectedError:
    """Return what an answer with an error status means; `now` is in UTC seconds."""
    words = _words(error)
    headers = {name.lower(): value for name, value in (error.headers or {}).items()}
    code = requests.codes
    wait = _wait(headers, now)
    if error.status == code.too_many_requests or (error.status == code.forbidden and wait is not None):
        return TroubleError(f"{host} limits how often it is asked", _LIMITED if wait is None else wait)
    if error.status == code.forbidden and _SECONDARY.search(words):
        return TroubleError(f"{host} limits how often it is asked", _LIMITED)
    if error.status >= code.server_error:
        return TroubleError(f"{host} answers with HTTP {error.status}", wait)
    is_taken = error.status == code.unprocessable and bool(_TAKEN.search(words))
    return RejectedError(error.status, words, is_taken=is_taken)


def failed(error: Exception, host: str) -> TroubleError | ReleaseError:
    """Return what the absence of an answer means; a certificate that is not believed is no matter of patience."""
    chain = " ".join(str(one) for one in _causes(error))
    if "CERTIFICATE_VERIFY_FAILED" in chain:
        why = re.search(r"verify failed: ([^(\"']+)", chain)
        return usage(
            f"the certificate of {host} is not believed{f': {why[1].strip()}' if why else ''}",
            "name the file of its authority in REQUESTS_CA_BUNDLE",
        )
    if "TLS CA certificate bundle" in chain:
        return usage("the certificates that REQUESTS_CA_BUNDLE or SSL_CERT_FILE names are not there")
    if isinstance(error, (AssertionError, RuntimeError, requests.exceptions.InvalidURL)):
        return usage(f"{host} does not answer as GitHub's API does", "look at api in [tool.release.forge]")
    if isinstance(error, requests.Timeout):
        return TroubleError(f"{host} does not answer in time")
    reason = _reason(chain)
    return TroubleError(f"no answer from {host}{f': {reason}' if reason else ''}")


def _wait(headers: dict[str, str], now: float) -> float | None:
    """Return the seconds that an answer asks to wait for, None when it does not."""
    for name, value in (("retry-after", 0.0), ("x-ratelimit-reset", now)):
        text = headers.get(name, "")
        if not re.fullmatch(r"\d{1,12}", text.strip()):
            continue
        if name == "retry-after" or headers.get("x-ratelimit-remaining", "") == "0":
            return max(float(text) - value, 0.0)
    return None


def _words(error: GithubException) -> str:
    """Return the message of an answer and of its errors, in one line."""
    data = error.data if isinstance(error.data, dict) else {}
    found = [str(data.get("message") or "")]
    errors = data.get("errors")
    found += map(_detail, errors if isinstance(errors, list) else ())
    return " ".join(inert.reason("; ".join(filter(None, found))).split())[:_LONGEST] or "no message"


def _detail(error: object) -> str:
    if not isinstance(error, dict):
        return str(error)
    return str(error.get("message") or f"{error.get('field', '')} {error.get('code', '')}")


def _causes(error: BaseException | None) -> Iterable[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _reason(chain: str) -> str:
    """Return the system's words on why a connection failed; the rest tells addresses of objects, and more."""
    found = re.findall(
        r"\[Errno -?\d+\] ([A-Za-z ,]+)|(Remote end closed connection|Connection broken|IncompleteRead)", chain
    )
    return next((one or other for one, other in found), "").strip()
