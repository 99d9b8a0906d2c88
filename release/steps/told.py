"""What the page of a release says: the section of the changelog, or for a candidate what is new in it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from release import version as versions
from release.formats import changelog
from release.git import history
from release.steps import section

if TYPE_CHECKING:
    from release.artifacts.tagged import Tagged
    from release.git.database import ObjectReader
    from release.git.repository import Repository


def of_release(repository: Repository, reader: ObjectReader, release: Tagged, address: str) -> str:
    """Return the Markdown of a release's page, without a heading of its own; "" when there is nothing to tell.

    `address` is where the repository is for others.

    Raises:
        ReleaseError: as of `notes.Section.render`.
    """
    if not versions.is_final(release.version) and (text := _since_last(repository, reader, release, address)):
        return text
    document = reader.plain_file(release.commit, release.config.changelog)
    name = str(versions.release_segment(release.version))
    return _body(changelog.section(document, name) or "") if document is not None else ""


def _since_last(repository: Repository, reader: ObjectReader, release: Tagged, address: str) -> str:
    """Return what a candidate has that the greatest tag that it builds on has not."""
    last = history.greatest(repository, release.commit, release.older)
    if last is None:
        return ""
    source = section.Source(
        repository=repository,
        cliff=reader.plain_file(release.commit, section.CLIFF),
        remote_url=address,
        tag=release.config.tag,
    )
    day = dt.datetime.fromtimestamp(reader.commit(release.commit).time, dt.timezone.utc).date()
    return _body(source.section(release.version, day, last.version).render(last.commit, release.commit))


def _body(text: str) -> str:
    return text.partition("\n")[2].strip("\n") + "\n" if text else ""
