"""A small reader of OCI registries: what stands under a tag, and what it is made of.

Addresses, headers and digests are those of the OCI distribution spec 1.1. No library does this in a way that fits: oras
asks with GET what HEAD answers, waits for minutes without regard to Retry-After, and has one error for everything.
"""

from __future__ import annotations

import hashlib
import json
import time
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from release.artifacts.publish import challenge, hosts, logins
from release.artifacts.publish.job import different, unreachable
from release.artifacts.publish.transport import Transport
from release.errors import refusal, usage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from release.artifacts.publish.transport import Answer
    from release.errors import ReleaseError

INDEXES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
MANIFESTS = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json")
LARGEST_MANIFEST = 4 * 1024 * 1024  # bytes, says the spec

_ACCEPT = ", ".join((*MANIFESTS, *INDEXES))
_LARGEST_TOKEN = 1024 * 1024
_OK, _CREATED = 200, 201
_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND = 401, 403, 404
_CLIENT = "invoke-gitflow"  # as which a token is asked for


class Manifest(NamedTuple):
    """What a tag points at: the digest of `content`, its media type, and its bytes."""

    digest: str
    kind: str
    content: bytes

    @property
    def data(self) -> dict[str, Any]:
        """The JSON of it."""
        found: dict[str, Any] = json.loads(self.content)
        return found


class Registry:
    """One repository in a registry. Logins are looked for when it asks for one."""

    def __init__(
        self,
        name: str,
        env: Mapping[str, str],
        *,
        pause: Callable[[float], None] = time.sleep,
        login: str = "buildah login",
    ) -> None:
        """Take the name without a tag, the environment that says where logins are, and the command that makes one.

        Raises:
            ReleaseError: it is no name (exit 2).
        """
        self.place = hosts.repository(name)
        self._env = env
        self._login = login
        self._transport = Transport(self.place.host, env, pause)
        self._authorization = ""

    def digest(self, tag: str) -> str:
        """Return the digest that a tag points at; "" when there is no such tag.

        Raises:
            ReleaseError: no login, or one that is refused (exit 2); no answer (exit 7).
        """
        answer = self._asked("HEAD", f"/manifests/{tag}", {"Accept": _ACCEPT}, largest=0, absent=True)
        if answer is None:
            return ""
        told = answer.headers.get("Docker-Content-Digest", "")
        if told:
            return told
        found = self.manifest(tag)  # a registry should tell, but need not
        return "" if found is None else found.digest

    def manifest(self, reference: str) -> Manifest | None:
        """Return what a tag or a digest points at, None when there is no such thing.

        Raises:
            ReleaseError: no login, or one that is refused (exit 2); its digest is not that of its bytes, or it is no
                manifest (exit 3); no answer (exit 7).
        """
        path = f"/manifests/{reference}"
        answer = self._asked("GET", path, {"Accept": _ACCEPT}, largest=LARGEST_MANIFEST, absent=True)
        if answer is None:
            return None
        digest = f"sha256:{hashlib.sha256(answer.content).hexdigest()}"
        told = reference if ":" in reference else answer.headers.get("Docker-Content-Digest", "")
        if told.startswith("sha256:") and told != digest:
            raise different(f"{self.place}: what is said to be {told} is {digest}")
        try:
            data = json.loads(answer.content)
            kind = data.get("mediaType") or answer.headers.get("Content-Type", "").partition(";")[0]
        except (ValueError, AttributeError, RecursionError):
            raise different(f"{self.place}: {reference} is no manifest", "is this the address of a registry?") from None
        return Manifest(told or digest, str(kind), answer.content)

    def blob(self, digest: str, *, largest: int) -> bytes:
        """Return the bytes of a digest.

        Raises:
            ReleaseError: no login, or one that is refused (exit 2); they are not there, or others (exit 3); no answer,
                or more than `largest` bytes (exit 7).
        """
        answer = self._asked("GET", f"/blobs/{digest}", {}, largest=largest, absent=True)
        if answer is None:
            raise different(f"{self.place} has a manifest, but not its {digest}")
        found = f"sha256:{hashlib.sha256(answer.content).hexdigest()}"
        if found != digest:
            raise different(f"{self.place}: what is said to be {digest} is {found}")
        return answer.content

    def point(self, tag: str, manifest: Manifest) -> None:
        """Let a tag point at a manifest that is there already.

        Raises:
            ReleaseError: no login, or one that is refused (exit 2); the registry does not take it (exit 3); no answer
                (exit 7).
        """
        headers = {"Content-Type": manifest.kind}
        answer = self._asked("PUT", f"/manifests/{tag}", headers, largest=LARGEST_MANIFEST, data=manifest.content)
        if answer is None or answer.status not in (_OK, _CREATED):  # some answer with the former
            status = _NOT_FOUND if answer is None else answer.status
            raise refusal(f"{self.place} does not let {tag} point at {manifest.digest}: status {status}")

    def _asked(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        *,
        largest: int,
        absent: bool = False,
        data: bytes | None = None,
    ) -> Answer | None:
        """Ask, with a login if one is wanted; None when it is not there and may be `absent`."""
        url = f"{self.place.root}{path}"
        answer = self._sent(method, url, headers, largest, data)
        if answer.status == _UNAUTHORIZED:
            self._authorization = self._admitted(answer, "pull,push" if method == "PUT" else "pull")
            answer = self._sent(method, url, headers, largest, data)
        if answer.status in (_UNAUTHORIZED, _FORBIDDEN):
            raise self._refused(answer.status)
        if absent and answer.status == _NOT_FOUND:
            return None
        if absent and answer.status != _OK:
            raise unreachable(f"{self.place} answers with status {answer.status}", "is this the address of a registry?")
        return answer

    def _sent(self, method: str, url: str, headers: Mapping[str, str], largest: int, data: bytes | None) -> Answer:
        largest = max(largest, 0 if method == "HEAD" else _LARGEST_TOKEN)  # an error has a body, too
        return self._transport.send(
            method, url, headers=headers, largest=largest, authorization=self._authorization, data=data
        )

    def _admitted(self, answer: Answer, actions: str) -> str:
        """Return the header by which a registry that has answered 401 lets us in.

        Raises:
            ReleaseError: it asks for something else, or there is no login for it (exit 2); no answer (exit 7).
        """
        asked = {one.scheme: one.parameters for one in challenge.read(answer.headers.get("WWW-Authenticate", ""))}
        login = logins.find(self.place.host, self.place.path, self._env)
        if "bearer" in asked:
            return self._token(asked["bearer"], login, actions)
        if "basic" not in asked:
            raise usage(f"{self.place.host} wants a login of a kind that is not known here: {', '.join(asked) or '?'}")
        if login is None:
            raise self._refused(_UNAUTHORIZED)
        return login.basic

    def _token(self, asked: Mapping[str, str], login: logins.Login | None, actions: str) -> str:
        """Fetch a token, without a login an anonymous one.

        Raises:
            ReleaseError: the login is refused (exit 2); no answer, or it leads off TLS (exit 7).
        """
        realm = asked.get("realm", "")
        if not urlsplit(realm).hostname:
            raise usage(f"{self.place.host} names no service that gives tokens", "is this the address of a registry?")
        scope = asked.get("scope") or f"repository:{self.place.path}:{actions}"
        words = {"service": asked.get("service", ""), "scope": scope}
        words = {name: value for name, value in words.items() if value}
        if login is not None and login.identity:
            form = {**words, "grant_type": "refresh_token", "refresh_token": login.identity, "client_id": _CLIENT}
            answer = self._transport.send("POST", realm, headers={}, largest=_LARGEST_TOKEN, data=form)
        else:
            url = f"{realm}{'&' if '?' in realm else '?'}{urlencode(words)}"
            basic = "" if login is None else login.basic
            answer = self._transport.send("GET", url, headers={}, largest=_LARGEST_TOKEN, authorization=basic)
        if answer.status != _OK:
            raise self._refused(answer.status)
        try:
            told = json.loads(answer.content)
            return f"Bearer {told.get('token') or told['access_token']}"
        except (ValueError, KeyError, AttributeError, TypeError):
            raise unreachable(f"{urlsplit(realm).hostname} gives no token") from None

    def _refused(self, status: int) -> ReleaseError:
        return usage(
            f"{self.place} is closed (status {status}): no login for it was found, or one that is not enough",
            f"log in: {self._login} {self.place.host}",
        )
