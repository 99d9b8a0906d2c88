"""A loopback OSV server: `POST /v1/query` about a few packages, with real advisories, or misbehaving as told."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar

from packaging.version import Version

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST = 65_536  # bytes of a question


def _advisory(identifier: str, aliases: list[str], name: str, ranges: list[tuple[str, str]], summary: str) -> Any:
    events = [{key: value} for pair in ranges for key, value in zip(("introduced", "fixed"), pair, strict=True)]
    package = {"name": name, "ecosystem": "PyPI"}
    affected = [{"package": package, "ranges": [{"type": "ECOSYSTEM", "events": events}]}]
    return {"schema_version": "1.6.0", "id": identifier, "aliases": aliases, "summary": summary, "affected": affected}


ADVISORIES = (
    _advisory(
        "PYSEC-2014-8",
        ["CVE-2014-1402", "GHSA-8r7q-cvjq-x353"],
        "jinja2",
        [("0", "2.7.2")],
        "The default configuration of the bytecode cache uses predictable names in /tmp",
    ),
    _advisory(
        "PYSEC-2021-66",
        ["CVE-2020-28493", "GHSA-g3rq-g295-4j3m"],
        "jinja2",
        [("0", "2.11.3")],
        "Regular expression denial of service in the urlize filter",
    ),
    _advisory(
        "GHSA-h5c8-rqwp-cp95",
        ["CVE-2024-22195", "PYSEC-2024-264"],
        "jinja2",
        [("0", "3.1.3")],
        "Cross-site scripting by attributes passed to xmlattr",
    ),
    _advisory(
        "PYSEC-2023-192",
        ["CVE-2023-43804", "GHSA-v845-jxx5-vc9f"],
        "urllib3",
        [("0", "1.26.17"), ("2.0.0", "2.0.6")],
        "The Cookie header is kept on a redirect to another origin",
    ),
    _advisory(
        "PYSEC-2023-74",
        ["CVE-2023-32681", "GHSA-j8r2-6x86-q33q"],
        "requests",
        [("2.3.0", "2.31.0")],
        "Proxy-Authorization is sent to the destination",
    ),
)


def known(name: str, version: str) -> list[Any]:
    """Return the advisories about a version, by the ranges of OSV's schema."""
    found = []
    for advisory in ADVISORIES:
        events = advisory["affected"][0]["ranges"][0]["events"]
        pairs = [(events[at]["introduced"], events[at + 1]["fixed"]) for at in range(0, len(events), 2)]
        is_in = any(Version(since) <= Version(version) < Version(fixed) for since, fixed in pairs)
        if advisory["affected"][0]["package"]["name"] == name and is_in:
            found.append(advisory)
    return found


class Server(ThreadingHTTPServer):
    """`mode` is how it behaves: well, empty, html, error, slow or newer; `asked` what it was asked."""

    daemon_threads = True
    mode = "well"

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[tuple[str, str]] = []
        self.released = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1/query"


class _Handler(BaseHTTPRequestHandler):
    server: Server
    odd: ClassVar[dict[str, tuple[int, bytes]]] = {
        "empty": (200, b"{}"),
        "html": (200, b"<html>Sign in to the network</html>"),
        "error": (500, b"oops"),
    }

    def do_POST(self) -> None:
        length = min(int(self.headers.get("Content-Length", 0)), _LONGEST)
        question = json.loads(self.rfile.read(length))
        name, version = question["package"]["name"], question["version"]
        self.server.asked.append((name, version))
        if self.server.mode == "slow":
            self.server.released.wait(20)
        found = known(name, version) if self.path == "/v1/query" else []
        if self.server.mode == "newer" and name != "jinja2":
            found = [{**one, "schema_version": "2.0.0"} for one in found]
        status, body = self.odd.get(self.server.mode, (200, json.dumps({"vulns": found} if found else {}).encode()))
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, format: str, *words: object) -> None:  # noqa: A002  # the base class calls it so
        """Say nothing."""


@contextlib.contextmanager
def serving(mode: str = "well") -> Iterator[Server]:
    """Serve on a free port of loopback, and close it."""
    server = Server()
    server.mode = mode
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


def main() -> None:
    """Serve until somebody ends it."""
    with serving() as server:
        print(server.url, flush=True)
        while True:
            time.sleep(1)


if __name__ == "__main__":
    main()
