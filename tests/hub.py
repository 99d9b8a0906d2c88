"""A loopback GitHub: releases, assets, tags and pull requests over TLS, uploads at a port of their own, and faults."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import ssl
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from authority import certificates
from hubdata import REPOSITORY, TOKEN, Hub
from hubroutes import Answer, route

__all__ = ["REPOSITORY", "TOKEN", "Hub", "serving"]

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, hub: Hub) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.hub = hub
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificates()[1:])
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that were killed."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *words: object) -> None:  # noqa: A002  # the base class calls it so
        """Say nothing."""

    def do_GET(self) -> None:
        self._answer()

    do_POST = do_PATCH = do_DELETE = do_GET  # noqa: N815  # the base class calls them so

    def _answer(self) -> None:
        hub = self.server.hub
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = urlsplit(self.path).path
        given = self.headers.get("Authorization") or ""
        hub.asked.append((self.command, path, TOKEN in given))
        fault = hub.struck(self.command, path)
        if fault is not None and isinstance(fault.what, int):
            self._send(fault.what, {"message": fault.message}, fault.headers)
            return
        if given and TOKEN not in given:
            answer: Answer = (401, {"message": "Bad credentials"}, {})
        else:
            answer = route(hub, self.command, self.path, body, self.headers, is_known=bool(given))
        if fault is not None:
            if fault.what == "broken":
                next(reversed(hub.assets.values())).update(state="starter", size=1, digest=None)
            if fault.what == "short":
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer[1])))
                self.end_headers()
                self.wfile.write(answer[1][:-1])
                self.close_connection = True
                return
            if fault.what == "kill":
                os.kill(hub.victim, signal.SIGKILL)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True
            return
        self._send(*answer)

    def _send(self, status: int, data: Any, more: Mapping[str, str]) -> None:
        body = data if isinstance(data, bytes) else b"" if data is None else json.dumps(data).encode()
        self.send_response(status)
        for name, value in more.items():
            self.send_header(name, value)
        self.send_header("Content-Type", more.get("Content-Type", "application/json"))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextlib.contextmanager
def serving() -> Iterator[Hub]:
    """Serve on two free ports of loopback, one for the API and one for files, and close them."""
    hub = Hub()
    servers = [_Server(hub) for _ in range(2)]
    hub.api = f"https://127.0.0.1:{servers[0].server_address[1]}/api/v3"
    hub.files = f"https://localhost:{servers[1].server_address[1]}"
    threads = [
        threading.Thread(target=one.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True) for one in servers
    ]
    for thread in threads:
        thread.start()
    try:
        yield hub
    finally:
        for server, thread in zip(servers, threads, strict=True):
            server.shutdown()
            server.server_close()
            thread.join(5)
