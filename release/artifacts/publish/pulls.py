"""Pull requests at GitHub: one for each head and base, opened when there is none."""

from __future__ import annotations

import contextlib
import re
import time
from typing import TYPE_CHECKING

from release.artifacts.publish import github, tokens
from release.artifacts.publish.page import text
from release.artifacts.publish.patience import Patience

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from release.artifacts.publish.github import Api, Item
    from release.plan import Request

_PERMISSION = "pull requests: write"
_SECONDS = 60.0  # that a person waits at most, after all else is done
_OURS = re.compile(r"Release \S+")  # titles that we give


def pull_request(
    asked: Request,
    *,
    env: Mapping[str, str],
    say: Callable[[str], None],
    pause: Callable[[float], None] = time.sleep,
) -> str:
    """Return the address of the open request of a head into a base; it is opened if there is none.

    One that is open is the people's, who may have edited it: it gets a new title only in the place of one of ours,
    as when a hotfix got another number.

    Raises:
        ReleaseError: there is no token, or it is not enough (exit 2); it is refused (exit 3), as by a branch without
            commits of its own; there is no answer (exit 7).
    """
    key = tokens.needed(env, asked.api, asked.repository, _PERMISSION)
    patience = Patience(say=say, pause=pause, left=_SECONDS)
    api = github.Api(asked.api, asked.repository, env=env, key=key, patience=patience, permission=_PERMISSION)

    def find() -> Item | None:
        """Return the oldest open one; a fork's branch of the same name has another owner."""
        owner = api.repository.partition("/")[0]
        found = api.pages("/pulls", state="open", head=f"{owner}:{asked.head}", base=asked.base)
        return min(found, key=lambda one: int(one["number"]), default=None)

    def make() -> Item:
        wanted = {"title": asked.title, "head": asked.head, "base": asked.base, "body": text(asked.body)}
        return api.made(api.call("POST", "/pulls", data=wanted)[1])

    with contextlib.closing(api):
        api.settle_name()
        there = find()
        if there is None:
            there = api.settled(make, find)
        elif there["title"] != asked.title and _OURS.fullmatch(str(there["title"])):
            _rename(api, f"/pulls/{there['number']}", asked.title)
        return str(there["html_url"])


def _rename(api: Api, path: str, title: str) -> None:
    def look() -> Item | None:
        now = api.find(path)
        return now if now is not None and now["title"] == title else None

    api.settled(lambda: api.made(api.call("PATCH", path, data={"title": title})[1]), look)
