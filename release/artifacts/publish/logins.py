"""Logins for registries, from where the programs that push keep them: files of containers, Docker and Helm.

Nothing is written and nothing is printed; helpers are asked by way of their standard input.
"""

from __future__ import annotations

import base64
import binascii
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from release import process
from release.artifacts.publish.hosts import DOCKER_HUB
from release.errors import usage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_HUB_KEY = "https://index.docker.io/v1/"  # under which Docker keeps the login of Docker Hub
_IDENTITY = "<token>"  # the user name by which a helper says that its secret is an identity token
_SECONDS = 60.0  # for a helper that asks its owner
_LARGEST = 1024 * 1024  # bytes of a file of logins


class Login:
    """A user and a password, or an identity token. What they are stays in here: nothing prints it."""

    def __init__(self, user: str, secret: str, *, identity: str = "") -> None:
        self._user = user
        self._secret = secret
        self.identity = identity

    @property
    def basic(self) -> str:
        """The value of the header Authorization."""
        return "Basic " + base64.b64encode(f"{self._user}:{self._secret}".encode()).decode("ascii")


def files(env: Mapping[str, str]) -> tuple[Path, ...]:
    """Return the files in which logins may be, those of containers first, whether they are there or not."""
    home = Path(env.get("HOME", "/"))
    settings = Path(env.get("XDG_CONFIG_HOME") or home / ".config")
    named = env.get("REGISTRY_AUTH_FILE", "")
    running = env.get("XDG_RUNTIME_DIR", "")
    return (
        *([Path(named)] if named else []),
        *([Path(running, "containers/auth.json")] if running else []),
        settings / "containers/auth.json",
        Path(env.get("DOCKER_CONFIG") or home / ".docker") / "config.json",
        Path(env.get("HELM_REGISTRY_CONFIG") or settings / "helm/registry/config.json"),
    )


def find(host: str, path: str, env: Mapping[str, str]) -> Login | None:
    """Return the login for a repository, None when no file has one.

    Raises:
        ReleaseError: a file is none of logins, or its helper is missing or fails (exit 2).
    """
    for file in files(env):
        data = _read(file)
        found = _in_file(data, file, host, path, env) if data else None
        if found is not None:
            return found
    return None


def _read(file: Path) -> dict[str, Any]:
    """Return the JSON of a file; nothing of one that is not there.

    Raises:
        ReleaseError: it cannot be read as such (exit 2).
    """
    try:
        with file.open("rb") as opened:
            data = json.loads(opened.read(_LARGEST))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise usage(f"{file} cannot be read: {error.strerror}") from None
    except ValueError:  # whose message would quote the file
        raise usage(f"{file} holds no JSON, but should hold logins", "correct or remove it") from None
    if not isinstance(data, dict):
        raise usage(f"{file} holds no logins", "correct or remove it")
    return data


def _in_file(data: dict[str, Any], file: Path, host: str, path: str, env: Mapping[str, str]) -> Login | None:
    keys = tuple(_keys(host, path))
    helpers = _table(data, "credHelpers")
    for key in keys:
        if isinstance(helpers.get(key), str):
            return _asked(helpers[key], key, file, env)
    written = {_plain(key): value for key, value in _table(data, "auths").items()}
    for key in keys:
        entry = written.get(_plain(key))
        found = _entry(entry, file, key) if isinstance(entry, dict) else None
        if found is not None:
            return found
    store = data.get("credsStore")
    return _asked(store, keys[-1], file, env) if isinstance(store, str) and store else None


def _table(data: dict[str, Any], name: str) -> dict[str, Any]:
    found = data.get(name)
    return found if isinstance(found, dict) else {}


def _keys(host: str, path: str) -> Iterator[str]:
    """Yield what a repository's login may be kept under: of itself, of the folders it lies in, of the host."""
    parts = path.split("/")
    for count in range(len(parts), 0, -1):
        yield f"{host}/{'/'.join(parts[:count])}"
    yield host
    if host == DOCKER_HUB:
        yield _HUB_KEY


def _plain(key: str) -> str:
    """Return a key without what older programs wrote around a host: https://HOST/v1/."""
    bare = key.removeprefix("https://").removeprefix("http://")
    return bare.removesuffix("/").removesuffix("/v1").removesuffix("/v2")


def _entry(entry: dict[str, Any], file: Path, key: str) -> Login | None:
    identity = entry.get("identitytoken")
    auth = entry.get("auth")
    if not auth and entry.get("username"):
        return Login(str(entry["username"]), str(entry.get("password", "")))
    if not auth:
        return Login("", "", identity=str(identity)) if identity else None
    try:
        user, colon, secret = base64.b64decode(str(auth)).decode().partition(":")
    except (binascii.Error, ValueError):
        colon = user = secret = ""
    if not colon:
        raise usage(f"{file}: the login of {key} is none", f"log in again at {key}")
    return Login(user, secret.rstrip("\0"), identity=str(identity or ""))


def _asked(helper: str, key: str, file: Path, env: Mapping[str, str]) -> Login | None:
    """Ask a helper of Docker's kind; None when it has no login for that key.

    Raises:
        ReleaseError: it is not there, or does not do what it should (exit 2).
    """
    name = f"docker-credential-{helper}"
    program = shutil.which(name, path=env.get("PATH", "")) if "/" not in helper else None
    if program is None:
        raise usage(f"{name}, which {file} names, is not installed", f"install it, or take it out of {file}")
    try:
        ran = process.run([program, "get"], cwd=Path("/"), env=env, data=key.encode(), timeout=_SECONDS)
    except (OSError, TimeoutError):
        raise usage(f"{name} cannot be started, or does not end", f"try: echo {key} | {name} get") from None
    if ran.status:
        if b"not found" in ran.out.lower() + ran.err.lower():
            return None
        raise usage(f"{name} ended with status {ran.status} when asked for {key}", f"try: echo {key} | {name} get")
    try:
        told = json.loads(ran.out)
        user, secret = str(told["Username"]), str(told["Secret"])
    except (ValueError, KeyError, TypeError):
        raise usage(f"{name} does not answer as such a helper does") from None
    return Login("", "", identity=secret) if user == _IDENTITY else Login(user, secret)
