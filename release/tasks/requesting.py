"""Pull requests of plans: opened at the forge with a token of the environment, or left to a person."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from release import console
from release.artifacts.publish import tokens
from release.errors import ReleaseError

if TYPE_CHECKING:
    from release.plan import Request


def foretold(request: Request) -> str:
    """Say what would become of a request."""
    found = tokens.find(os.environ, request.api)
    where = f"of {request.head} into {request.base} at {request.repository}"
    if found is None:
        return f"the pull request {where} is left to a person: there is no GITHUB_TOKEN"
    return f"the pull request {where} would be opened, or is open: {found.name} is there"


def opened(request: Request) -> str:
    """Open a request, and return its address; where a person opens it, when it was not opened here.

    All else is done by then: what goes wrong is said, and raises nothing.
    """
    if tokens.find(os.environ, request.api) is None:
        return request.address
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # it is not listened to after a transaction
    try:
        from release.artifacts.publish import pulls  # noqa: PLC0415  # loads PyGithub

        return pulls.pull_request(request, env=os.environ, say=console.say)
    except ImportError as error:
        why = f"{error.name} is not installed: pip install 'invoke-gitflow[publish]'"
    except ReleaseError as error:
        why = "; ".join(map(str, error.problems))
    except KeyboardInterrupt:
        why = "interrupted"
    finally:
        signal.signal(signal.SIGINT, before)
    console.say(f"warning: the pull request was not opened: {why}")
    return request.address
