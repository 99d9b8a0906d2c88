"""The changelog: the section of one version, written from commits as often as it takes."""

from __future__ import annotations

import datetime as dt
import os
import time
from typing import TYPE_CHECKING, NamedTuple, Protocol

from release.errors import Problem, ReleaseError, usage
from release.formats import changelog
from release.version import release_segment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from release.version import Version


class Section(Protocol):
    """Tells a section of one range of commits, or of two, as `release.steps.notes.Section` does."""

    def render(self, start: str | None, stop: str) -> str:
        """Return it for what `stop` has and `start` has not; "" without entries."""

    def render_both(self, wanted: changelog.Range, written: changelog.Range) -> tuple[str, str | None]:
        """Return it for both ranges; None for a second one that cannot be read any more."""


class Tagged(NamedTuple):
    """A GA release: its version, the range of its commits (full ids) and its day."""

    version: Version
    start: str | None
    stop: str
    date: dt.date


def moment(environ: Mapping[str, str] | None = None) -> int:
    """Return the second that what is made now is dated with: SOURCE_DATE_EPOCH if it is set, else the clock's.

    Raises:
        ReleaseError: SOURCE_DATE_EPOCH is no number of seconds (exit 2).
    """
    value = (os.environ if environ is None else environ).get("SOURCE_DATE_EPOCH")
    if not value:
        return int(time.time())
    try:
        day(int(value))
    except (ValueError, OverflowError, OSError):
        what = f"SOURCE_DATE_EPOCH is {value[:40]!a}, not a number of seconds since 1970"
        raise usage(what, "mend or unset it") from None
    return int(value)


def day(moment: int) -> dt.date:
    """Return the day, in UTC, that a section written at this second gets."""
    return dt.datetime.fromtimestamp(moment, dt.timezone.utc).date()


def write(
    document: bytes | None,
    *,
    version: Version,
    start: str | None,
    stop: str,
    date: dt.date,
    section: Section,
    allow_empty: bool,
    known: changelog.Range | None = None,
) -> bytes:
    """Return CHANGELOG.md with the section [X.Y.Z] of `version` for the commits that `stop` has and `start` has not.

    A section that is there already is taken on from the range it names, or else from `known`: hand edits stay, later
    commits are added once. If that range cannot be read any more, equal entries appear once.

    Raises:
        ReleaseError: `version` is a development version (exit 2), the section has no entry (exit 3), or it cannot be
            told.
    """
    if version.dev is not None:
        raise usage(
            f"{version} is a development version, which has no changelog section",
            "name what is to be released first: invoke bump final",
        )
    name = str(release_segment(version))
    written = (changelog.marker(document, name) if document else None) or known
    if written is None or written == (start, stop):
        rendered = section.render(start, stop)
        base = rendered if written else None
    else:
        rendered, base = section.render_both((start, stop), written)
    result = changelog.put_section(
        document, version=name, date=date, rendered=rendered, base=base, marker=(start, stop)
    )
    if not allow_empty and changelog.is_empty(result, name):
        raise ReleaseError(
            [
                Problem(
                    what=f"the section [{name}] would be empty: none of the commits since the last release is listed",
                    hint="write an entry under [Unreleased], let cliff.toml list more, or pass --allow-empty",
                )
            ]
        )
    return result


def all_sections(document: bytes | None, releases: Iterable[Tagged], *, render: Callable[[Tagged], str]) -> bytes:
    """Return CHANGELOG.md with a section for every release that has none, in descending order; others stay as they are.

    A release without entries gets its heading. Unreleased entries stay where they are: they belong to no tag.
    """
    result = document or changelog.PREAMBLE.encode()
    for release in sorted(releases, key=lambda known: known.version):
        name = str(release_segment(release.version))
        if not changelog.has_section(result, name):
            result = changelog.add_section(result, version=name, date=release.date, rendered=render(release))
    return result
