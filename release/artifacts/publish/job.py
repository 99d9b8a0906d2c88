"""What every publisher is given, what it answers, and how it fails."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, NamedTuple, Protocol

from release import version as versions
from release.errors import interrupted, refusal, unseen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from release.artifacts.record import Record
    from release.config import Config
    from release.errors import ReleaseError
    from release.git.repository import Repository
    from release.version import Version

__all__ = [
    "Facts",
    "Job",
    "Planned",
    "Publisher",
    "Seen",
    "State",
    "different",
    "unreachable",
    "unseen",
]

Facts = dict[str, str]  # what a publisher found out that others need to check it, such as a digest and an address


class Job(NamedTuple):
    """A release to be published or looked at.

    `folder` holds the files that `record` names, checked, and nothing else of interest. `config` is that of the tagged
    tree, `notes` the section of the changelog as Markdown. `env` is what programs are started with and where secrets
    come from: they stand in no argv, file or message. `is_final`: what is left as a draft otherwise is to be published.
    `is_newest`: no greater final version is tagged. `known` is what was recorded when it was published, by publisher.
    `scratch` is an empty folder for whatever is needed meanwhile.
    """

    repository: Repository
    folder: Path
    record: Record
    config: Config
    notes: str
    env: Mapping[str, str]
    say: Callable[[str], None]
    scratch: Path
    is_final: bool = False
    is_newest: bool = False
    known: Mapping[str, Facts] = {}

    @property
    def fetched(self) -> Path:
        """Where `check` leaves distributions as it fetched them from the index."""
        return self.scratch / "fetched"

    @property
    def version(self) -> Version:
        """The version that is published."""
        return versions.parse(self.record.version)


class Planned(NamedTuple):
    """What a publisher would do, a line each, and what does it: only `is_done` says that nothing is left to do.

    `act` may be called again after it was interrupted at any point. It returns what is to be recorded; when all is
    done already, it only finds that out.
    """

    lines: tuple[str, ...]
    act: Callable[[], Facts]
    is_done: bool = False


class State(enum.Enum):
    """What came of a look at one thing that was published."""

    CHECKED = "checked"
    MISMATCH = "mismatch"
    UNSEEN = "not looked at"


class Seen(NamedTuple):
    """One thing that was looked at where users fetch it: what, what came of it, and why or by which digest."""

    what: str
    state: State
    detail: str = ""


class Publisher(Protocol):
    """What the module of a publisher has."""

    @staticmethod
    def objection(job: Job) -> str:
        """Say why the project does not use this publisher, such as "no image.name"; "" when it does."""

    @staticmethod
    def plan(job: Job) -> Planned:
        """Look at what is there, and return what is to be done; nothing is changed anywhere.

        Raises:
            ReleaseError: configuration or a program is missing (exit 2); what is there differs (exit 3); it cannot be
                reached, after retries (exit 7).
        """

    @staticmethod
    def check(job: Job) -> Iterator[Seen]:
        """Fetch what was published as a user would, and yield what came of each look; nothing is raised for that."""


def different(what: str, hint: str = "") -> ReleaseError:
    """Something is there under this name, and is not ours (exit 3)."""
    return refusal(what, hint or "nothing is ever replaced: publish under the next version")


def unreachable(what: str, hint: str = "") -> ReleaseError:
    """A service gave no answer that helps, after retries (exit 7): the same command goes on."""
    return interrupted(what, hint or "when it answers again: invoke publish; what is there is not uploaded twice")
