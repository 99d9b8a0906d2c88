"""Registries on loopback for tests: Debian's docker-registry, and a front before it that asks for tokens and fails."""

from __future__ import annotations

import base64
import contextlib
import functools
import http.client
import re
import shutil
import ssl
import subprocess
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

PROGRAM = shutil.which("docker-registry")
SKOPEO = shutil.which("skopeo")
USER, PASSWORD = "releaser", "pa55word"
BASIC = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()

_HTPASSWD = f"{USER}:$2b$04$BX8luVNn39Q/R/IcfAqF.ejhv9fldGhgs5us/L5J5wRX9jLXH.HA6\n"  # bcrypt of PASSWORD
_PATIENCE = 20.0  # seconds in which a registry has to listen
_LISTENS = re.compile(r"listening on (127\.0\.0\.1:[0-9]+)")
_OF_THE_LINE = ("Transfer-Encoding", "Host", "Authorization")  # headers that are not passed on
_CONFIG = """\
version: 0.1
storage: {{filesystem: {{rootdirectory: {root}}}, delete: {{enabled: true}}}}
http: {{addr: "127.0.0.1:0", relativeurls: true}}
"""


@contextlib.contextmanager
def registry(folder: Path, *, locked: bool = False) -> Iterator[str]:
    """Run a registry whose content is in `folder`, and yield its host; `locked` lets only USER in."""
    folder.mkdir(parents=True, exist_ok=True)
    config = _CONFIG.format(root=folder / "content")
    if locked:
        (folder / "users").write_text(_HTPASSWD)
        config += f'auth: {{htpasswd: {{realm: "demo", path: "{folder / "users"}"}}}}\n'
    (folder / "config.yml").write_text(config)
    log = folder / "log"
    with log.open("wb") as file:
        assert PROGRAM is not None
        started = subprocess.Popen([PROGRAM, "serve", str(folder / "config.yml")], stdout=file, stderr=file)
    try:
        yield _listening(started, log)
    finally:
        started.terminate()
        started.wait(_PATIENCE)


def _listening(started: subprocess.Popen[bytes], log: Path) -> str:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end and started.poll() is None:
        found = _LISTENS.search(log.read_text())
        if found:
            return found[1]
        time.sleep(0.01)
    raise AssertionError(f"docker-registry does not listen: {log.read_text()}")


class Reply(NamedTuple):
    """What a server answers once."""

    status: int
    headers: Mapping[str, str] = {}
    content: bytes = b""


class Request(NamedTuple):
    """What a server was asked."""

    method: str
    path: str
    headers: Mapping[str, str]
    content: bytes


@dataclass
class Front:
    """A server that answers by `replies` (a list for each "METHOD /path", each of them once), else asks `behind`.

    With `scope` it asks for a Bearer token of its own, which it gives to USER, and also without a login if `is_open`.
    """

    replies: dict[str, list[Reply]] = field(default_factory=dict)
    behind: str = ""
    scope: str = ""
    is_open: bool = False
    asked: list[Request] = field(default_factory=list)
    host: str = ""

    def answer(self, request: Request) -> Reply:
        self.asked.append(request)
        path = request.path.partition("?")[0]
        if path == "/token":
            return self._token(request)
        if self.scope and not request.headers.get("Authorization", "").startswith("Bearer let-"):
            realm = f'Bearer realm="http://{self.host}/token",service="demo",scope="{self.scope}"'
            return Reply(401, {"WWW-Authenticate": realm}, b'{"errors":[{"code":"UNAUTHORIZED"}]}')
        waiting = self.replies.get(f"{request.method} {path}")
        if waiting:
            return waiting.pop(0)
        return self._passed_on(request) if self.behind else Reply(404)

    def paths(self, method: str) -> list[str]:
        return [one.path for one in self.asked if one.method == method]

    def _token(self, request: Request) -> Reply:
        login = request.headers.get("Authorization", "")
        is_identity = b"refresh_token=identity" in request.content
        if login == f"Basic {BASIC}" or is_identity or (self.is_open and not login):
            return Reply(200, {}, b'{"access_token": "let-in"}' if is_identity else b'{"token": "let-in"}')
        return Reply(401, {}, b'{"details": "wrong"}')

    def _passed_on(self, request: Request) -> Reply:
        kept = {name: value for name, value in request.headers.items() if name not in _OF_THE_LINE}
        kept["Content-Length"] = str(len(request.content))
        with contextlib.closing(http.client.HTTPConnection(self.behind, timeout=20)) as link:
            link.request(request.method, request.path, body=request.content, headers=kept)
            told = link.getresponse()
            return Reply(told.status, dict(told.getheaders()), told.read())


@contextlib.contextmanager
def fronting(front: Front, *, certificate: Path | None = None) -> Iterator[Front]:
    """Let a front serve on loopback, with a certificate and its key by TLS."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Handler, front))
    server.daemon_threads = True
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    front.host = f"127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield front
    finally:
        server.shutdown()
        server.server_close()
        thread.join(20)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def __init__(self, front: Front, *arguments: Any) -> None:
        self._front = front
        super().__init__(*arguments)

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            super().handle()

    def _serve(self) -> None:
        request = Request(self.command, self.path, dict(self.headers.items()), self._body())
        reply = self._front.answer(request)
        self.send_response(reply.status)
        length = {"Content-Length": str(len(reply.content))}
        left_out = ("Date", "Server", "Transfer-Encoding", "Connection")
        headers = {name: value for name, value in reply.headers.items() if name not in left_out}
        for name, value in {**length, **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.content)

    do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = _serve  # noqa: N815  # the names that the library calls

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def log_message(self, *_: Any) -> None:
        """Say nothing."""
