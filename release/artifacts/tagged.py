"""The release that is meant: its tag, read from git alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from release import config as configuration
from release import version as versions
from release.errors import refusal, usage
from release.gates import settings
from release.git import history
from release.git.repository import LIST_REFS, parse_refs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from release.config import Config
    from release.git.database import ObjectReader
    from release.git.repository import Ref, Repository
    from release.version import Version

_TAGS = "refs/tags/"


class Tagged(NamedTuple):
    """A release: its version, the name and the id of its tag, commit and tree, and the configuration of that tree.

    What has no tag yet has neither name nor id of one.
    `previous` is the tag of the final release before it, "" for none; `older` are the commits of all tags of versions
    below it, whether it builds on them or not; `is_newest` says that no greater final version is tagged here.
    """

    version: Version
    name: str
    oid: str
    commit: str
    tree: str
    config: Config
    previous: str
    older: Mapping[Version, str]
    is_newest: bool


def find(repository: Repository, reader: ObjectReader, wanted: str = "") -> Tagged:
    """Return the release of the version `wanted`; without one that of HEAD, else the nearest that HEAD builds on.

    Raises:
        ReleaseError: there is no such release, or HEAD has none, or its configuration cannot be read (exit 2); its tag
            is not annotated, or says another name than it has (exit 3).
    """
    head, pattern, tags = _look(repository, reader)
    version = versions.parse(wanted) if wanted else _of(repository, head, tags)
    if version not in tags:
        name = versions.tag_name(version, pattern)
        raise usage(f"there is no tag {name} here", "git fetch --tags, or see: invoke release.status")
    return _read(repository, reader, version, tags, pattern)


def of_tag(repository: Repository, reader: ObjectReader, name: str) -> Tagged:
    """Return the release of a tag that is here.

    Raises:
        ReleaseError: as `find`.
    """
    _, pattern, tags = _look(repository, reader)
    version = versions.from_tag(name, pattern)
    if version is None or version not in tags:
        raise usage(f"there is no release {name} here", "git fetch --tags, or see: invoke release.status")
    return _read(repository, reader, version, tags, pattern)


def head(repository: Repository, reader: ObjectReader) -> Tagged:
    """Return what HEAD is: the release that is tagged there as VERSION, or one without a tag yet.

    Raises:
        ReleaseError: it has no VERSION of ours, or its configuration cannot be read (exit 2); as `find` (exit 3).
    """
    commit, pattern, tags = _look(repository, reader)
    version = versions.parse_file(reader.plain_file(commit, "VERSION") or b"", "VERSION at HEAD")
    if version in tags and tags[version].commit == commit:
        return _read(repository, reader, version, tags, pattern)
    tree = reader.commit(commit).tree
    older = _older(version, tags)
    previous = _previous(repository, commit, older, pattern)
    return Tagged(version, "", "", commit, tree, settings.of(reader, tree), previous, older, is_newest=False)


def _look(repository: Repository, reader: ObjectReader) -> tuple[str, str, dict[Version, Ref]]:
    """Return the commit of HEAD, how it names tags, and the tags of versions.

    Raises:
        ReleaseError: there is no commit yet, or its configuration cannot be read (exit 2).
    """
    commit = reader.resolve("HEAD")
    if commit is None:
        raise usage("the repository has no commit yet", "make the first commit")
    pattern = configuration.load(reader.file(commit, "pyproject.toml"), origin="pyproject.toml at HEAD").tag
    return commit, pattern, _versions(parse_refs(repository.run(*LIST_REFS, "refs/tags/").out), pattern)


def _read(
    repository: Repository, reader: ObjectReader, version: Version, tags: Mapping[Version, Ref], pattern: str
) -> Tagged:
    ref, name = tags[version], versions.tag_name(version, pattern)
    _refuse_replayed(reader, ref, name)
    tree = reader.commit(ref.commit).tree
    finals = [one for one in tags if versions.is_final(one)]
    older = _older(version, tags)
    return Tagged(
        version=version,
        name=name,
        oid=ref.oid,
        commit=ref.commit,
        tree=tree,
        config=settings.of(reader, tree),
        previous=_previous(repository, ref.commit, older, pattern),
        older=older,
        is_newest=versions.is_final(version) and version == max(finals),
    )


def _versions(refs: Mapping[str, Ref], pattern: str) -> dict[Version, Ref]:
    found = ((versions.from_tag(name[len(_TAGS) :], pattern), ref) for name, ref in refs.items())
    return {version: ref for version, ref in found if version is not None}


def _of(repository: Repository, head: str, tags: Mapping[Version, Ref]) -> Version:
    """Return the greatest version tagged at HEAD, else that of the nearest tag below it.

    Raises:
        ReleaseError: there is none (exit 2).
    """
    nearest = history.released(repository, head, {version: ref.commit for version, ref in tags.items()}).nearest
    if nearest is None:
        raise usage("HEAD builds on no release", "say which: --version X.Y.Z")
    return nearest.version


def _refuse_replayed(reader: ObjectReader, ref: Ref, name: str) -> None:
    """Refuse a tag that is only a name for a commit, and the tag of another release under this name.

    Raises:
        ReleaseError: it is one of these (exit 3).
    """
    kind, content = reader.read(ref.oid)
    if kind != "tag":
        raise refusal(f"{name} is no annotated tag: it was not made by a release", f"see: git cat-file -t {name}")
    head = content.partition(b"\n\n")[0].decode("utf-8", "replace").split("\n")
    said = next((line[4:] for line in head if line.startswith("tag ")), "")
    if said != name:
        raise refusal(f"the tag {name} holds the tag object of {said!a}", "it was put there by hand: do not trust it")


def _older(version: Version, tags: Mapping[Version, Ref]) -> dict[Version, str]:
    return {one: ref.commit for one, ref in tags.items() if one < version}


def _previous(repository: Repository, commit: str, older: Mapping[Version, str], pattern: str) -> str:
    finals = {one: at for one, at in older.items() if versions.is_final(one)}
    found = history.greatest(repository, commit, finals)
    return versions.tag_name(found.version, pattern) if found is not None else ""
