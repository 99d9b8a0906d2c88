"""The time that files in archives get, SOURCE_DATE_EPOCH: a function of the tree, so that everybody finds the same."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

from release import version as versions
from release.formats import sections

if TYPE_CHECKING:
    from release.git.database import ObjectReader

_DATE = re.compile(r"\b\d{4}-\d{2}-\d{2}\b", re.ASCII)
# ZIP has no other times (APPNOTE 4.4.6).
_FIRST = 315532800  # 1980-01-01T00:00:00
_LAST = 4354819198  # 2107-12-31T23:59:58


def of(reader: ObjectReader, commit: str, *, changelog: str) -> int:
    """Return the time for a commit, in UTC seconds: the midnight of its version's date in the changelog.

    A merge that brings nothing new has the tree that was built and gated before, and so is not built again. Without
    such a date it is the time of the commit.

    Raises:
        ReleaseError: the commit is not here (exit 1).
    """
    version = versions.read_file(reader.plain_file(commit, "VERSION"))
    document = reader.plain_file(commit, changelog)
    found = None
    if version is not None and document is not None:
        found = sections.parse(document).get(str(versions.release_segment(version)))
    dates = _DATE.findall(found.heading) if found is not None else []
    midnight = _midnight(dates[-1]) if dates else None
    return min(_LAST, max(_FIRST, reader.commit(commit).time if midnight is None else midnight))


def _midnight(date: str) -> int | None:
    try:
        return int(dt.datetime.fromisoformat(f"{date}T00:00:00+00:00").timestamp())
    except ValueError:
        return None
