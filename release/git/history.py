"""Questions to the history, each at the cost of what is new and not of all there is."""

from __future__ import annotations

import heapq
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from release.git import command

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from release.git.repository import Repository
    from release.process import Process
    from release.version import Version

_BATCH = 8  # tags asked for at once: nearly always the first few decide


class Tagged(NamedTuple):
    """A version tag and its commit."""

    version: Version
    commit: str


class Released(NamedTuple):
    """The tags that a commit builds on: the nearest of any kind, and the greatest GA one; the commit, and all tags."""

    nearest: Tagged | None = None
    greatest: Tagged | None = None
    tip: str | None = None
    tags: Mapping[Version, str] = MappingProxyType({})


def walk(folder: Path, tip: str) -> Process:
    """Start listing the commits of `tip`, newest first; whoever reads them ends the process."""
    return command.start(["rev-list", tip, "--"], cwd=folder)


def released(
    repository: Repository, tip: str, tags: Mapping[Version, str], *, walking: Process | None = None
) -> Released:
    """Find the tags that `tip` builds on. `tags` maps each version tag to its commit.

    `walking` is a `walk` of `tip` that was started already.

    Walks back from `tip` to the first GA tag and no further; only GA tags greater than that one are asked for by
    name, since an older line may have been released later.
    """
    if not tags:
        return Released(tip=tip)
    nearest, ga = _nearest(repository, tip, tags, walking)
    above = [
        Tagged(version=version, commit=commit)
        for version, commit in tags.items()
        if _is_ga(version) and (ga is None or version > ga.version)
    ]
    # Without a GA tag on the walk there is none: it went all the way down.
    greatest = (_greatest_reachable(repository, tip, above) or ga) if ga is not None else None
    return Released(nearest=nearest, greatest=greatest, tip=tip, tags=tags)


def below(tags: Mapping[Version, str], version: Version, count: int) -> list[Tagged]:
    """Return the `count` greatest version tags below `version`, greatest first, whether they can be reached or not."""
    found = heapq.nlargest(count, (known for known in tags if known < version))
    return [Tagged(version=known, commit=tags[known]) for known in found]


def _is_ga(version: Version) -> bool:
    return version.pre is None and version.dev is None


def _nearest(
    repository: Repository, tip: str, tags: Mapping[Version, str], walking: Process | None
) -> tuple[Tagged | None, Tagged | None]:
    ordered = sorted(tags.items())  # of several on one commit the greatest comes last, and stays
    at = {commit: version for version, commit in ordered}
    finals = {commit: version for version, commit in ordered if _is_ga(version)}
    if tip in finals:
        return Tagged(version=at[tip], commit=tip), Tagged(version=finals[tip], commit=tip)
    nearest = None
    commits = walking or walk(repository.top, tip)
    try:
        for line in commits.stdout:
            commit = line.decode().strip()
            if nearest is None and commit in at:
                nearest = Tagged(version=at[commit], commit=commit)
            if commit in finals:
                return nearest, Tagged(version=finals[commit], commit=commit)
        command.checked(commits.finish())  # a walk that broke off has not seen that there is no tag
    finally:
        commits.kill()
    return nearest, None


def greatest(repository: Repository, tip: str, tags: Mapping[Version, str]) -> Tagged | None:
    """Return the greatest of these tags that `tip` contains, None if it contains none."""
    return _greatest_reachable(repository, tip, [Tagged(version, commit) for version, commit in tags.items()])


def _greatest_reachable(repository: Repository, tip: str, above: Collection[Tagged]) -> Tagged | None:
    ordered = sorted(above, key=lambda tagged: tagged.version, reverse=True)
    for start in range(0, len(ordered), _BATCH):
        batch = ordered[start : start + _BATCH]
        missing = unreachable(repository, tip, [tagged.commit for tagged in batch])
        for tagged in batch:
            if tagged.commit not in missing:
                return tagged
    return None


def unreachable(repository: Repository, tip: str, commits: Iterable[str]) -> set[str]:
    """Return those of `commits` that `tip` does not contain."""
    wanted = list(commits)
    data = "".join(f"{oid}\n" for oid in (*wanted, f"^{tip}")).encode()
    out = repository.run("rev-list", "--stdin", data=data).out.decode().split()
    return set(wanted).intersection(out)


def only_in(repository: Repository, tips: Iterable[str], others: Iterable[str]) -> list[str]:
    """Return the commits that one of `tips` contains and none of `others` does."""
    data = "".join(f"{oid}\n" for oid in (*tips, *(f"^{oid}" for oid in others))).encode()
    return repository.run("rev-list", "--stdin", "--ignore-missing", data=data).out.decode().split()


def not_picked(repository: Repository, tip: str, upstream: str, others: Iterable[str]) -> list[tuple[str, str]]:
    """Return the commits of `tip`, and their subjects, that no other has and `upstream` has not in other words.

    What was cherry-picked there is there. Oldest first, without merges: they say nothing of their own.
    """
    arguments = ["--reverse", "--no-merges", "--cherry-pick", "--right-only", "-z", "--format=%H %s"]
    scope = [f"{upstream}...{tip}", *(f"^{oid}" for oid in others)]
    out = repository.run("log", *arguments, "--no-show-signature", "--ignore-missing", *scope, "--").out
    found = [record.partition(" ") for record in out.decode("utf-8", "replace").split("\0") if record]
    return [(commit, subject) for commit, _, subject in found]


def messages(repository: Repository, since: str | None, until: str) -> list[str]:
    """Return the messages of the commits in `until` that are not in `since`, newest first."""
    scope = [f"^{since}"] if since else []
    out = repository.run("log", "-z", "--format=%B", "--no-show-signature", until, *scope, "--").out
    return [message for message in out.decode("utf-8", "replace").split("\0") if message.strip()]
