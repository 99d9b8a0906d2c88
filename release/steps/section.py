"""The changelog of a real repository: which commits a section tells, and the plan that writes it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, NamedTuple

from release import version as versions
from release.errors import usage
from release.formats import changelog as notation
from release.formats import inert
from release.git import history, objects
from release.plan import typed
from release.steps import changelog, edits, notes

if TYPE_CHECKING:
    from release.formats.changelog import Range
    from release.git.database import ObjectReader
    from release.git.history import Tagged
    from release.git.objects import ObjectWriter
    from release.git.repository import Repository
    from release.plan import Plan
    from release.steps.working_tree import WorkingTree
    from release.version import Version

CLIFF = "cliff.toml"


class Source(NamedTuple):
    """What sections are made from: the repository, its cliff.toml (None: the packaged one), its remote's address."""

    repository: Repository
    cliff: bytes | None
    remote_url: str
    tag: str

    def section(self, version: Version, date: dt.date, last: Version | None) -> notes.Section:
        """Return the section of `version`, which follows `last`, to be told of a range of commits."""
        return notes.Section(
            objects=self.repository.objects,
            cliff=self.cliff,
            version=str(versions.release_segment(version)),
            date=date,
            remote_url=inert.public(self.remote_url),
            tag=versions.tag_name(versions.release_segment(version), self.tag),
            previous="" if last is None else versions.tag_name(last, self.tag),
        )

    def written(
        self,
        document: bytes | None,
        *,
        version: Version,
        last: Tagged | None,
        stop: str,
        date: dt.date,
        allow_empty: bool,
        known: Range | None = None,
    ) -> bytes:
        """Return the changelog with the section of `version`: what came since the release `last`, up to `stop`.

        `known` is the `last_range` of a section that is there and finished.

        Raises:
            ReleaseError: a development version or a faulty cliff.toml (exit 2), nothing to tell (exit 3).
        """
        return changelog.write(
            document,
            version=version,
            start=None if last is None else last.commit,
            stop=stop,
            date=date,
            section=self.section(version, date, None if last is None else last.version),
            allow_empty=allow_empty,
            known=known,
        )


def last_range(
    repository: Repository, reader: ObjectReader, path: str, *, version: Version, tip: str, since: Tagged | None
) -> Range | None:
    """Return the range that the finished section of a version named before, in the changelog at `path` of `tip`.

    It names none any more, but commits can follow, as after a pull request that was closed. None: it is not finished.
    """
    name = str(versions.release_segment(version))
    document = reader.file(tip, path)
    if document is None or not notation.has_section(document, name) or notation.marker(document, name):
        return None
    scope = [f"^{since.commit}"] if since is not None else []
    out = repository.run("rev-list", "--first-parent", tip, *scope, "--", f":(top,literal){path}").out
    for commit in out.decode().split():
        before = reader.commit(commit).parents[:1]
        document = reader.file(before[0], path) if before else None
        if document is None or not notation.has_section(document, name):
            break
        if (found := notation.marker(document, name)) is not None:
            return found
    return None


def plan(tree: WorkingTree, *, every: bool, allow_empty: bool, lock: int | None) -> Plan:
    """Plan the section of VERSION in the working tree; with `every`, also those that released versions lack.

    Raises:
        ReleaseError: no commit yet or a development version (exit 2), nothing to tell (exit 3).
    """
    if tree.head is None:
        raise usage("the repository has no commit yet", "make the first commit")
    path = tree.config.changelog
    source = Source(
        repository=tree.repository,
        cliff=tree.files.get(CLIFF),
        remote_url=tree.remote_url,
        tag=tree.config.tag,
    )
    writer = objects.ObjectWriter(repository=tree.repository, reader=tree.objects, lock=lock)
    document = tree.file(path)
    result = document
    if tree.version not in tree.tags:
        last = tree.since(writer, tree.released.greatest)
        result = source.written(
            document,
            version=tree.version,
            last=last,
            stop=tree.head,
            date=changelog.day(changelog.moment()),
            allow_empty=allow_empty,
            known=last_range(tree.repository, tree.objects, path, version=tree.version, tip=tree.head, since=last),
        )
    elif not every:
        raise usage(f"{tree.version} is tagged already: its section is finished", "choose the next: invoke bump next")
    if every:
        released = _released(tree, tree.head, writer)
        earlier = {one.version: before for one, before in released}
        result = changelog.all_sections(
            result,
            [one for one, _ in released],
            render=lambda one: source.section(one.version, one.date, earlier[one.version]).render(one.start, one.stop),
        )
    changed = {path: result} if result is not None and result != document else {}
    return edits.plan(
        tree,
        changed,
        task=typed("changelog", all=every, allow_empty=allow_empty),
        done=f"wrote {path}",
        nothing=f"{path} is up to date",
        lock=lock,
    )


def _released(tree: WorkingTree, head: str, writer: ObjectWriter) -> list[tuple[changelog.Tagged, Version | None]]:
    """Return the GA releases that `head` contains, each with the greatest one that it builds on itself."""
    finals = {version: commit for version, commit in sorted(tree.tags.items()) if versions.is_final(version)}
    missing = history.unreachable(tree.repository, head, finals.values())
    found = []
    for version, commit in finals.items():
        if commit in missing:
            continue
        older = {one: at for one, at in finals.items() if one < version and at != commit}
        before = tree.since(writer, history.released(tree.repository, commit, older).greatest)
        itself = tree.since(writer, history.Tagged(version, commit))
        release = changelog.Tagged(
            version=version,
            start=None if before is None else before.commit,
            stop=commit if itself is None else itself.commit,
            date=dt.datetime.fromtimestamp(tree.objects.commit(commit).time, dt.timezone.utc).date(),
        )
        found.append((release, None if before is None else before.version))
    return found
