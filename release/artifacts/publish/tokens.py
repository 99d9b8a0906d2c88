"""The token for GitHub's API, from the environment and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from release.errors import usage
from release.git import address

if TYPE_CHECKING:
    from collections.abc import Mapping

_PUBLIC = "github.com"
_TOKENS = ("GITHUB_TOKEN", "GH_TOKEN")
_ENTERPRISE = "GH_ENTERPRISE_TOKEN"  # as gh has it: for every host but github.com


class Token(NamedTuple):
    """A secret, and the environment variable that it came from."""

    name: str
    value: str

    def __repr__(self) -> str:
        return self.name


def find(env: Mapping[str, str], api: str) -> Token | None:
    """Return the token for an API; None when the environment has none."""
    return next((Token(name, env[name].strip()) for name in _names(api) if env.get(name, "").strip()), None)


def needed(env: Mapping[str, str], api: str, repository: str, permission: str) -> Token:
    """Return the token for an API.

    Raises:
        ReleaseError: there is none (exit 2).
    """
    found = find(env, api)
    if found is None:
        names = ", ".join(_names(api))
        raise usage(
            f"no token for {repository} at {address.host(api)}: none of {names} is set",
            f"set GITHUB_TOKEN to a token with the permission {permission}",
        )
    return found


def _names(api: str) -> tuple[str, ...]:
    return _TOKENS if address.host(api) == _PUBLIC else (_ENTERPRISE, *_TOKENS)
