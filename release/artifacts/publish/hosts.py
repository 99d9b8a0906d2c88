"""Where images and charts are kept: the host behind a name, and whether it is this machine."""

from __future__ import annotations

import ipaddress
from typing import NamedTuple
from urllib.parse import urlsplit

from release import image as images
from release.errors import usage

DOCKER_HUB = "docker.io"

_HUBS = frozenset({"", DOCKER_HUB, "index.docker.io", "registry-1.docker.io"})
_ANSWERING = "registry-1.docker.io"  # the host of Docker Hub that speaks the protocol; names say docker.io


class Repository(NamedTuple):
    """A repository in a registry: its host as names have it, with the port, and its path there."""

    host: str
    path: str

    def __str__(self) -> str:
        return f"{self.host}/{self.path}"

    @property
    def root(self) -> str:
        """The address below which all of it is; plain HTTP is spoken with this machine, and with no other."""
        host = _ANSWERING if self.host == DOCKER_HUB else self.host
        return f"{'http' if is_loopback(host) else 'https'}://{host}/v2/{self.path}"


def repository(name: str) -> Repository:
    """Return where a name without a tag leads; without a host to Docker Hub, as everywhere.

    Raises:
        ReleaseError: it is no name (exit 2).
    """
    found = images.read(name)
    if found is None or found.tag or found.digest:
        raise usage(f"{name} {images.name_objection(name) or 'is no name of an image'}")
    if found.domain not in _HUBS:
        return Repository(found.domain, found.path)
    return Repository(DOCKER_HUB, found.path if "/" in found.path else f"library/{found.path}")


def is_loopback(host: str) -> bool:
    """Whether a host, with or without a port, is this machine: localhost, 127.0.0.0/8, [::1]."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
