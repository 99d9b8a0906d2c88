"""What a remote's address says about the repository behind it; who logs in, and with what, is never part of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, unquote

from release.git import command

if TYPE_CHECKING:
    from pathlib import Path

# These patterns are compiled when an address is asked for: most finishes print none.
# git's two forms of an address (git-fetch, GIT URLS). Who logs in, and with what, stands before the last @.
_URL = (
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?:[^/]*@)?(?P<host>[A-Za-z0-9._-]+)(?P<port>:\d+)?/(?P<path>[^?#]+)[^\n]*"
)
_SCP = r"(?:[^/:@]*@)?(?P<host>[A-Za-z0-9._-]+):(?P<path>[^@:?#\\]+)"
_LOCAL = r"[/.~]|file:|[A-Za-z]:"
# Where SSH is answered by another host than the pages.
_PAGES = {
    "ssh.github.com": "github.com",
    "altssh.gitlab.com": "gitlab.com",
    "altssh.bitbucket.org": "bitbucket.org",
    "ssh.dev.azure.com": "dev.azure.com",
}
_SLUG = r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+"


class Address(NamedTuple):
    """Where a forge shows a repository: the root of its pages, the host in it, and the path without `.git`."""

    root: str
    host: str
    path: str


def of(remote: str, *, cwd: Path) -> str:
    """Return where pushes to a remote go, as git rewrites it; "" when there is no such remote."""
    url = command.run(["remote", "get-url", "--push", "--", remote], cwd=cwd, accept=range(256)).out
    return url.decode("utf-8", "replace").partition("\n")[0]


def read(url: str) -> Address | None:
    """Read a remote's address; None when it is a folder, or nothing that could be shown."""
    match = re.fullmatch(_URL, url)
    if match is None and "://" not in url and not re.match(_LOCAL, url):
        match = re.fullmatch(_SCP, url)
    if match is None or match.groupdict().get("scheme") == "file":
        return None
    facts = match.groupdict()
    is_web = facts.get("scheme") in ("http", "https")
    host = _PAGES.get(facts["host"].lower(), facts["host"].lower())
    root = f"{facts['scheme'] if is_web else 'https'}://{host}{(facts['port'] or '') if is_web else ''}"
    path = facts["path"].strip("/").removesuffix(".git")
    return Address(root, host, quote(unquote(path), safe="/~"))


def at_github(url: str, api: str) -> str:
    """Return OWNER/NAME of a remote's address at the GitHub, or GitHub Enterprise Server, of this API; "" elsewhere."""
    found = read(url)
    if found is None or not re.fullmatch(_SLUG, found.path):
        return ""
    return found.path if found.host == host(api) else ""


def host(api: str) -> str:
    """Return the host of the pages that belong to an API: github.com, or that of an Enterprise Server."""
    found = re.match(r"https?://([^/:]+)", api)
    return found[1].lower().removeprefix("api.") if found else ""
