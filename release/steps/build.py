"""`build`: what a release leaves behind, made of its tag, or of a commit that is not tagged yet."""

from __future__ import annotations

import re
import shlex
import tempfile
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from release import config as configuration
from release.artifacts import bundle, dists, files, record, sbom, sums
from release.artifacts import epoch as times
from release.artifacts.record import Gate, Record
from release.errors import Problem, ReleaseError, refusal, unseen
from release.formats import inert
from release.gates import receipts
from release.git import address, command
from release.git.database import ObjectReader
from release.steps import seals

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from release.artifacts.bundle import Bundle
    from release.artifacts.store import Dists
    from release.artifacts.tagged import Tagged
    from release.git.repository import Repository

DIST = "dist"

_PUBLIC = re.compile(r"(?:(?:https?|ssh|git)://|[\w.-]+@[\w.-]+:|[\w.-]+\.[\w.-]+:).+")
_USER = re.compile(r"(?<=://)[^/]*@")


class _Parts(NamedTuple):
    """What a bundle is made of: its record, files to be copied, and the content of others by name."""

    record: Record
    sources: tuple[Path, ...]
    more: dict[str, bytes]


def of_release(repository: Repository, release: Tagged, *, say: Callable[[str], None], is_new: bool = False) -> Bundle:
    """Return the bundle of a release: the one that is here, else the one that came along in dist/, else a new one.

    `is_new`: its tag was made a moment ago, so that what is here of another tag of that name, and was published
    nowhere, is of none any more.

    Raises:
        ReleaseError: one that is here, or came along, is not as it was made (exit 3); as of `dists.built`.
        OSError: a file cannot be read or written.
    """
    found = bundle.find(repository, release.name)
    if found is not None and is_new and found.record.tag_object != release.oid:
        found = found if bundle.published(repository, release.name) else None
    if found is not None:
        _refuse_other(repository, found.record, release, str(found.folder))
        return found
    came = None if is_new else _came_along(repository, release)
    if came is not None:
        say(f"{release.name}: taken as it came in {DIST}/")
        sources = tuple(path for path in came.files if path.name not in (record.NAME, sums.NAME))
        parts = _Parts(came.record, sources, {})
        return bundle.kept(repository, parts.record, parts.sources, parts.more, lambda _: None)
    started = int(time.time())
    parts = _parts(repository, release, say)

    def seal(folder: Path) -> None:
        seals.seal(repository, release, folder, parts.record, started=started)

    return bundle.kept(repository, parts.record, parts.sources, parts.more, seal)


def into_dist(repository: Repository, release: Tagged, *, say: Callable[[str], None]) -> Bundle:
    """Put the bundle of a release, or of a commit without a tag, into dist/ and return it as it is there.

    Raises:
        ReleaseError: as `of_release`; there is something in dist/ that no bundle has left (exit 3).
        OSError: a file cannot be read or written.
    """
    folder = repository.top / DIST
    bundle.refuse_foreign(folder)
    if release.name:
        made = of_release(repository, release, say=say)
        bundle.copied(made, folder)
    else:
        parts = _parts(repository, release, say)
        with tempfile.TemporaryDirectory(prefix="release-bundle-") as place:
            bundle.fill(Path(place), parts.record, parts.sources, parts.more, lambda _: None)
            bundle.copied(bundle.Bundle(Path(place), parts.record), folder)
    return bundle.checked(folder)


def known(repository: Repository, release: Tagged, fetch: Callable[[Record], Path | None]) -> Bundle:
    """Return the bundle of a release that is here, came along in dist/, or is fetched; nothing is built.

    `fetch` is given what is known without it, and returns the folder with all files of a release, None for none.

    Raises:
        ReleaseError: there is none (exit 5), it is not as it was made (exit 3), or as of `fetch`.
    """
    found = bundle.find(repository, release.name) or _came_along(repository, release)
    if found is None:
        folder = fetch(_blank(repository, release))
        found = (
            None if folder is None else bundle.checked(folder, hint="what is published was changed: do not install it")
        )
    if found is None:
        what = f"what was made for {release.name} is not known here: there is no {record.NAME} of it"
        raise unseen(what, f"take its files from where it was released, into {DIST}/, then again")
    _refuse_other(repository, found.record, release, str(found.folder))
    return found


def _blank(repository: Repository, release: Tagged) -> Record:
    """Return the record of a release of which nothing was built."""
    at = _address(repository, release.config.remote)
    names = _names(repository, release)
    return Record(
        project=names[0] if names else _called(at) or repository.top.name,
        version=str(release.version),
        tag=release.name,
        tag_object=release.oid,
        commit=release.commit,
        tree=release.tree,
        previous=release.previous,
        repository=at,
        epoch=0,
        tool=receipts.tool_version(),
        builder={},
        is_reproducible=True,
        resolution=None,
        gates=(),
        files=(),
    )


def is_there(repository: Repository, release: Tagged) -> bool:
    """Whether a release is built already, here or in dist/."""
    return bundle.is_there(repository, release.name) or _tag_of(repository.top / DIST) == release.name


def refuse_foreign(repository: Repository, made: Bundle) -> None:
    """Refuse a dist/ that holds distributions of nobody knows what, where a release is to be published.

    Raises:
        ReleaseError: it does, each file named (exit 3).
    """
    folder = repository.top / DIST
    if not folder.is_dir():
        return
    if _tag_of(folder) == made.record.tag:
        bundle.checked(folder)
        return
    bundle.refuse_foreign(folder)


def _came_along(repository: Repository, release: Tagged) -> Bundle | None:
    """Return what lies in dist/, if it is of this release.

    Raises:
        ReleaseError: it is, and is not as it was made (exit 3).
    """
    folder = repository.top / DIST
    if not folder.is_dir() or _tag_of(folder) != release.name:
        return None
    came = bundle.checked(folder)
    _refuse_other(repository, came.record, release, f"{DIST}/{record.NAME}")
    return came


def _tag_of(folder: Path) -> str | None:
    """Return the tag that the record in a folder names; None without a record that can be read."""
    try:
        return record.read(folder / record.NAME).tag
    except (OSError, ReleaseError):
        return None


def _refuse_other(repository: Repository, known: Record, release: Tagged, where: str) -> None:
    """Refuse the record of another commit under the same tag, or one that says of another release than is tagged.

    Raises:
        ReleaseError: it is one (exit 3).
    """
    ours = (release.oid, release.commit, release.tree)
    if (known.tag_object, known.commit, known.tree) != ours:
        what = f"{where} is of commit {known.commit[:10]}, and {release.name} is on {release.commit[:10]}"
        hint = "one of them was replaced: do not publish before you know why; if you made the tag again, remove "
        raise refusal(what, f"{hint}{Path(where).parent}")
    wrong = []
    if (known.version, known.tag) != (str(release.version), release.name):
        wrong.append(f"it is of {inert.reason(known.version)}, and {release.name} of {release.version}")
    own = _names(repository, release)
    if own and known.project != own[0]:
        wrong.append(f"it is of the project {inert.reason(known.project)}, and this is {own[0]}")
    ours_at, theirs_at = (address.read(url) for url in (_address(repository, release.config.remote), known.repository))
    if ours_at is not None and theirs_at is not None and ours_at[1:] != theirs_at[1:]:
        wrong.append(f"it is of {inert.reason(known.repository)}, and this is {'/'.join(ours_at[1:])}")
    wrong += files.unlike_named([one.name for one in known.files], release.version, known.project)
    if wrong:
        hint = "do not publish it: take it from where the release was made"
        raise ReleaseError([Problem(what=f"{where}: {what}", hint=hint) for what in wrong])


def _names(repository: Repository, release: Tagged) -> tuple[str, ...]:
    """Return the names of the project, as the commit of a release has them."""
    with closing(ObjectReader(repository.top)) as reader:
        return configuration.project_names(reader.plain_file(release.commit, "pyproject.toml"))


def _parts(repository: Repository, release: Tagged, say: Callable[[str], None]) -> _Parts:
    """Build what there is to build, and describe it.

    Raises:
        ReleaseError: as of `dists.built`; it is not what a gate of the release has looked at here (exit 3).
    """
    with closing(ObjectReader(repository.top)) as reader:
        epoch = times.of(reader, release.commit, changelog=release.config.changelog)
    blank = _blank(repository, release)
    built: Dists | None = None
    more: dict[str, bytes] = {}
    if release.config.build:
        built = dists.built(repository, commit=release.commit, tree=release.tree, say=say)
        if release.name:
            _refuse_ungated(repository, release, built)
        if not _names(repository, release):
            blank = replace(blank, project=files.read(built.folder).dists[0].name)
        text = sbom.rendered(blank.project, blank.version, built.resolution, epoch=built.epoch, tool=blank.tool)
        more[sbom.name(blank.project, blank.version)] = text
    made = replace(
        blank,
        epoch=epoch,
        builder={} if built is None else built.builder,
        is_reproducible=built is None or not built.differing,
        resolution=None if built is None else built.resolution,
        gates=tuple(_gates(repository, release)),
        files=(*(() if built is None else built.files), *record.files_of(more)),
    )
    sources: Sequence[Path] = () if built is None else [built.folder / one.name for one in built.files]
    return _Parts(made, tuple(sources), more)


def _refuse_ungated(repository: Repository, release: Tagged, built: Dists) -> None:
    """Refuse distributions of a release that differ from those for which it was tagged: these are lost.

    Raises:
        ReleaseError: they do, as the receipt of a gate says (exit 3).
    """
    for gate in dict.fromkeys(release.config.gates):
        found = receipts.judged(receipts.stored(repository, gate, release.tree), gate, release.tree)
        if found is None or not receipts.is_of_others(repository, found):
            continue
        ours = {(one.name, one.sha256) for one in built.files}
        names = ", ".join(sorted({name for name, _ in ours ^ set(found.artifacts)}))
        raise refusal(
            f"gate {gate} has looked at another {names} of {release.name} than was built now",
            f"take the files of {release.name} from where they were released, into {DIST}/, then again; "
            f"or, if they are nowhere, at its commit: invoke scan --gate {shlex.quote(gate)}",
        )


def _gates(repository: Repository, release: Tagged) -> list[Gate]:
    found = (receipts.find(repository, gate, release.tree) for gate in dict.fromkeys(release.config.gates))
    return [Gate(one.gate, one.counts or one.evidence, one.ended) for one in found if one is not None]


def _called(at: str) -> str:
    """Return what a repository is called at its address: a clone may lie in a folder of any name."""
    return at.rstrip("/").rpartition("/")[2].rpartition(":")[2].removesuffix(".git")


def _address(repository: Repository, remote: str) -> str:
    """Return where the repository is for others, without user and password; "" when it is nowhere but here."""
    names = repository.run("remote").out.decode("utf-8", "replace").splitlines()
    usual = names[0] if len(names) == 1 else "origin"  # as tasks choose the one that they push to
    asked = command.start(["remote", "get-url", "--", remote or usual], cwd=repository.top).finish()
    url = asked.out.decode("utf-8", "replace").partition("\n")[0] if asked.status == 0 else ""
    return _USER.sub("", url) if _PUBLIC.fullmatch(url) else ""
