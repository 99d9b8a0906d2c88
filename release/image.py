"""Names of container images: their grammar, and when two of them mean the same image.

Path, tag and digest are those of the OCI distribution spec ("Pulling manifests") and image spec ("Digests"); the
domain in front, and what stands for one that is not written, are those of distribution/reference.
"""

from __future__ import annotations

import re
from typing import NamedTuple

LONGEST = 255  # characters of a name, with the domain

_PART = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_DOMAIN = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:]+\])(?::[0-9]+)?"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}"
_DIGEST = r"[a-z0-9]+(?:[+._-][a-z0-9]+)*:[0-9A-Fa-f]{32,128}"
_NAME = rf"(?:(?P<domain>{_DOMAIN})/)?(?P<path>{_PART}(?:/{_PART})*)"
_REFERENCE = rf"(?P<name>{_NAME})(?::(?P<tag>{_TAG}))?(?:@(?P<digest>{_DIGEST}))?"
_LONGEST_REFERENCE = LONGEST + 1 + 128 + 1 + 256

_DEFAULT = "docker.io"
_ALIASES = frozenset({"", "index.docker.io", "registry-1.docker.io"})
_LOCAL = "localhost"  # where podman keeps what was built under a name without a domain


class Reference(NamedTuple):
    """An image as it was named; "" for what is not written."""

    domain: str
    path: str
    tag: str
    digest: str


def name_objection(name: str) -> str:
    """Say why this is no name of an image without tag and digest; "" when it is one."""
    if len(name) > LONGEST:
        return f"has more than {LONGEST} characters"
    if re.fullmatch(_NAME, name):
        return ""
    found = read(name)
    if found is not None:
        return "has a tag or a digest: the tag is the version"
    return "is no name of an image (lower-case parts between slashes, after the registry if there is one)"


def read(text: str) -> Reference | None:
    """Return what a reference names, None if it is none."""
    match = re.fullmatch(_REFERENCE, text) if len(text) <= _LONGEST_REFERENCE else None
    if match is None or len(match["name"]) > LONGEST:
        return None
    domain, path = match["domain"] or "", match["path"]
    if domain and not (set(domain) & set(".:[") or domain == _LOCAL or domain != domain.lower()):
        domain, path = "", f"{domain}/{path}"  # `acme/app`: only what looks like a host is one
    return Reference(domain, path, match["tag"] or "", match["digest"] or "")


def is_same(asked: str, told: str) -> bool:
    """Whether `told`, from a scanner, means the image that was asked for; by the digest if that was asked for."""
    one, other = read(asked), read(told)
    if one is None or other is None:
        return False
    is_kept_locally = not one.domain and (other.domain, other.path) == (_LOCAL, one.path)
    if _repository(one) != _repository(other) and not is_kept_locally:
        return False
    return one.digest == other.digest if one.digest else _tag(one) == _tag(other)


def _repository(reference: Reference) -> tuple[str, str]:
    domain = _DEFAULT if reference.domain in _ALIASES else reference.domain
    return domain, reference.path.removeprefix("library/") if domain == _DEFAULT else reference.path


def _tag(reference: Reference) -> str:
    return reference.tag or ("" if reference.digest else "latest")
