"""The working tree as the single steps see it: its files, its configuration, and the release it builds on."""

from __future__ import annotations

import contextlib
import functools
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from release import config as configuration
from release import version as versions
from release.errors import refusal, usage
from release.formats import survey as sites
from release.git import command, history, snapshot
from release.git import repository as git
from release.git.database import ObjectReader
from release.steps import evidence, squashed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from release.config import Config
    from release.formats.trees import Reader
    from release.git.objects import ObjectWriter
    from release.git.repository import Repository
    from release.git.snapshot import Snapshot
    from release.process import Process
    from release.version import Version

CONFIG = "pyproject.toml"
VERSION = "VERSION"


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class WorkingTree:
    """One working tree, read once. `head` is None before the first commit; tags are those that are here."""

    repository: Repository
    objects: ObjectReader
    files: Snapshot
    config: Config
    head: str | None
    tags: Mapping[Version, str]
    walking: Process
    _files: dict[str, bytes | None] = field(default_factory=dict)

    def refuse_missing_version(self) -> None:
        """Refuse a tree without VERSION (exit 2)."""
        if VERSION not in self.files.paths:
            raise usage(
                "there is no tracked file VERSION at the root",
                "write one line with the version, such as 0.1.0.dev0, then: git add VERSION",
            )

    @functools.cached_property
    def version(self) -> Version:
        """What VERSION says.

        Raises:
            ReleaseError: there is no VERSION, or it holds no version of ours (exit 2); it is no plain file (exit 3).
        """
        self.refuse_missing_version()
        data = _read(self.files, VERSION)
        if data is None:
            raise usage("VERSION is tracked, and the file is gone", "bring it back: git checkout HEAD -- VERSION")
        return versions.parse_file(data, VERSION)

    @functools.cached_property
    def released(self) -> history.Released:
        """The tags that HEAD builds on."""
        if self.head is None:
            return history.Released()
        return history.released(self.repository, self.head, self.tags, walking=self.walking)

    def since(self, writer: ObjectWriter, last: history.Tagged | None) -> history.Tagged | None:
        """Return a release as the start of what is new since, as `squashed.since`."""
        if last is None:
            return None
        names = (versions.tag_name(one, self.config.tag) for one in squashed.line(last, self.tags))
        return squashed.since(writer, last, [f"refs/tags/{name}" for name in names])

    @functools.cached_property
    def survey(self) -> sites.Survey:
        """Every site, managed or foreign."""
        return survey(
            self.objects,
            self.files,
            self.config,
            self.released,
            head=None if self.head is None else versions.read_file(self.objects.plain_file(self.head, VERSION)),
        )

    @functools.cached_property
    def remote_url(self) -> str:
        """The address of the remote, for links in the changelog; empty without one."""
        name = self.config.remote or "origin"
        found = self.repository.run("config", "--get", f"remote.{name}.url", accept=(0, 1)).out
        return found.decode("utf-8", "replace").strip()

    def file(self, path: str) -> bytes | None:
        """Return a file's bytes, tracked or not yet, or None when there is none.

        Raises:
            ReleaseError: it is not a plain file of this working tree (exit 3).
        """
        if path not in self._files:
            self._files[path] = self._look(path)
        return self._files[path]

    def _look(self, path: str) -> bytes | None:
        try:
            return snapshot.read_regular(self.repository.top, path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise refusal(f"{path} cannot be read: {error}", "make it a plain file inside the repository") from None


def survey(
    objects: ObjectReader,
    tree: Snapshot,
    config: Config,
    released: history.Released,
    *,
    head: Version | None = None,
    reader: Reader | None = None,
) -> sites.Survey:
    """Find the sites of a snapshot, judged by the tags that it builds on, and by how VERSION came to be.

    `reader` remembers what it has parsed.
    """
    return sites.survey(
        tree,
        targets=config.target,
        foreign=config.foreign,
        head=head,
        reference=evidence.reference(objects, released),
        past=functools.partial(evidence.past, objects, released.tip),
        reader=reader,
    )


def _read(tree: Snapshot, path: str) -> bytes | None:
    """Return a tracked file's bytes; None when it is not there.

    Raises:
        ReleaseError: it is no plain file (exit 3).
    """
    try:
        return tree.get(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise refusal(f"{path} cannot be read: {error}", "make it a plain file again") from None


@contextlib.contextmanager
def opened(locate: Callable[[], Repository]) -> Iterator[WorkingTree]:
    """Read the working tree around the current folder; git finds the repository, its files and tags side by side.

    Raises:
        ReleaseError: no repository, or its configuration cannot be read (exit 2).
    """
    folder = Path.cwd()
    with contextlib.closing(ObjectReader(folder)) as objects, contextlib.ExitStack() as stack:
        objects.start()
        listing = snapshot.list_tracked(folder)
        tags = command.start([*git.LIST_REFS, "refs/tags"], cwd=folder)
        walking = history.walk(folder, "HEAD")
        for started in (listing, tags, walking):
            stack.callback(started.kill)
        repository = locate()
        tree = snapshot.of_working_tree(repository, listing)
        config = configuration.load(_read(tree, CONFIG), origin=CONFIG)
        refs = git.parse_refs(command.checked(tags.finish()).out)
        found = (
            (versions.from_tag(name.removeprefix("refs/tags/"), config.tag), ref.commit) for name, ref in refs.items()
        )
        yield WorkingTree(
            repository=repository,
            objects=objects,
            files=tree,
            config=config,
            head=objects.resolve("HEAD"),
            tags={version: commit for version, commit in found if version is not None},
            walking=walking,
        )
