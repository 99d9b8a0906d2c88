"""A package index on loopback, for rehearsals: a real one, in a process that ends with the block that it is used in.

That process is this module, run as a program: what serves would leave its marks on the interpreter of a task. It ends
when its standard input does, and so with its owner, however that ends.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, make_server

from release import process
from release.config import Index
from release.errors import unseen

if TYPE_CHECKING:
    from collections.abc import Iterator

_NOBODY = "."  # pypiserver's word for: there are no users and passwords


def can_serve() -> bool:
    """Whether the program that serves is installed: it comes with the extra `rehearse`."""
    return importlib.util.find_spec("pypiserver") is not None


@contextlib.contextmanager
def index(folder: Path) -> Iterator[Index]:
    """Serve what is uploaded into `folder`, to whoever asks on this machine; yields its addresses.

    Anybody may upload, nothing is ever replaced, and no other index is asked for what is not there.

    Raises:
        ReleaseError: it does not start (exit 5).
    """
    argv = [sys.executable, "-m", __name__, str(folder)]
    served = process.start(argv, cwd=folder, env=dict(os.environ), own_group=True, stderr=2)
    try:
        port = served.stdout.readline().decode("ascii", "replace").strip()
        if not port.isdecimal():
            raise unseen("the package index of the rehearsal does not start", "pip install 'invoke-gitflow[rehearse]'")
        address = f"http://127.0.0.1:{port}/"
        yield Index(upload=address, simple=f"{address}simple/")
    finally:
        served.kill()


class _Silent(WSGIRequestHandler):
    """Requests are not logged."""

    def log_message(self, *words: object) -> None:
        """Say nothing."""


def _serve(folder: Path) -> None:
    """Serve, print the port, and end when standard input does."""
    import pypiserver  # noqa: PLC0415  # an extra, and only the program needs it

    app = pypiserver.app(
        roots=[folder],
        authenticate=[],
        password_file=_NOBODY,
        overwrite=False,
        disable_fallback=True,
        hash_algo="sha256",
    )
    server = make_server("127.0.0.1", 0, app, handler_class=_Silent)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)  # noqa: T201  # this is what the owner reads
    with contextlib.suppress(KeyboardInterrupt):
        sys.stdin.buffer.read()


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
