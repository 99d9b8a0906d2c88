"""The forge: one page for each release, with its notes and files, that stays a draft until it is to be published."""

from __future__ import annotations

import contextlib
import hashlib
import time
from typing import TYPE_CHECKING
from urllib.parse import quote

from release.artifacts import record as records
from release.artifacts import store
from release.artifacts.publish import github, tokens
from release.artifacts.publish.answers import RejectedError
from release.artifacts.publish.job import Planned, Seen, State, different
from release.artifacts.publish.page import Page
from release.artifacts.publish.patience import Patience
from release.errors import ReleaseError, refusal
from release.formats import inert
from release.git import address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from release.artifacts.publish.github import Api, Item
    from release.artifacts.publish.job import Facts, Job
    from release.artifacts.publish.page import Standing
    from release.artifacts.record import File

_WRITE = "contents: write"
_READ = "contents: read"


def objection(job: Job) -> str:
    """Say why no page is made: it is not known where; "" when it is."""
    if repository(job):
        return ""
    host = address.host(job.config.forge.api)
    return f"the remote is no repository at {host}, and forge.repository is not set"


def repository(job: Job) -> str:
    """Return OWNER/NAME of the repository with the page, "" when it is not known."""
    forge = job.config.forge
    return forge.repository or address.at_github(job.record.repository, forge.api)


def plan(job: Job, *, pause: Callable[[float], None] = time.sleep) -> Planned:
    """Plan the draft, its assets and, if it is to be final, its publishing; as `Publisher.plan`.

    `pause` waits for that many seconds.

    Raises:
        ReleaseError: no token, or one that is not enough (exit 2); an asset or the tag differs, or the release is
            immutable and lacks one (exit 3); no answer after retries (exit 7).
    """
    with _page(job, pause) as page:
        standing = page.look()
        _refuse_immutable(page, standing)
        is_tagged = page.refuse_other_tag(is_needed=job.is_final and standing.is_draft)
        lines = tuple(_lines(page, standing, is_tagged=is_tagged))
        is_done = standing.release is not None and not standing.missing and not (standing.is_draft and job.is_final)
        is_done = is_done and not _is_mute(job, standing)
    return Planned(lines, lambda: _act(job, pause), is_done)


def check(job: Job, *, pause: Callable[[float], None] = time.sleep) -> Iterator[Seen]:
    """Look at the release as a user does: the page, its tag, and each asset; as `Publisher.check`."""
    what = f"forge: release {job.record.tag} at {repository(job)}"
    try:
        with _asked(job, pause, tokens.find(job.env, job.config.forge.api), _READ) as api:
            page = Page(job=job, api=api, files=())
            yield _tag_seen(page)
            release = api.find(f"/releases/tags/{quote(job.record.tag, safe='/')}") or page.look().release
            if release is None:
                yield Seen(what, *_absent(job))
            elif release["draft"]:
                yield Seen(what, State.UNSEEN, "still a draft")
            else:
                yield Seen(what, State.CHECKED, str(release.get("html_url", "")))
                yield from _assets_seen(job, api, release)
    except ReleaseError as error:
        yield Seen(what, State.UNSEEN, "; ".join(problem.what for problem in error.problems))


def fetch(job: Job, folder: Path, *, pause: Callable[[float], None] = time.sleep) -> bool:
    """Fetch all files of the release into an empty folder, whatever they are; returns whether there is a release.

    Of the record of `job` only the tag and the repository count: the others are what is not known yet.

    Raises:
        ReleaseError: the release has other than plain files (exit 3), or they cannot be had (exit 2, 3 or 7).
        OSError: a file cannot be written.
    """
    with _asked(job, pause, tokens.find(job.env, job.config.forge.api), _READ) as api:
        release = api.find(f"/releases/tags/{quote(job.record.tag, safe='/')}")
        if release is None:
            return False
        for one in api.pages(f"/releases/{release['id']}/assets"):
            name = str(one.get("label") or one["name"])
            if "/" in name or name.startswith(".") or not name.isprintable() or (folder / name).exists():
                raise refusal(f"the release at the forge has a file of an odd name: {inert.reason(name)}")
            _fetched(api, one, folder / name)
    return True


def _fetched(api: Api, asset: Item, to: Path) -> None:
    """Fetch as everybody does where everybody may, else with the token.

    Raises:
        ReleaseError: it cannot be had (exit 2, 3 or 7).
    """
    url, with_token = (str(asset["url"]), True) if api.is_private else (str(asset["browser_download_url"]), False)
    try:
        api.download(url, with_token=with_token, to=to)
    except RejectedError as error:
        raise api.refused(error) from None


def _act(job: Job, pause: Callable[[float], None]) -> Facts:
    """Bring the page to what it is to be, whatever was done of it before."""
    with _page(job, pause) as page:
        standing = page.look()
        _refuse_immutable(page, standing)
        page.refuse_other_tag(is_needed=job.is_final and standing.is_draft)
        release = standing.release or page.create()
        if _is_mute(job, standing):
            release = page.describe(release)
        for file in standing.missing:
            page.upload(release, file, standing.broken.get(file.name))
        if release["draft"] and job.is_final:
            after = page.look()
            if after.missing or after.release is None:
                raise different(f"forge: {job.record.tag} at {page.api.repository} changed meanwhile", "invoke publish")
            release = page.publish(release)
        return {
            "release": str(release.get("html_url", "")),
            "id": str(release["id"]),
            "draft": "true" if release["draft"] else "false",
        }


def _lines(page: Page, standing: Standing, *, is_tagged: bool) -> Iterator[str]:
    job, where = page.job, page.api.repository
    draft = f"forge: draft {page.tag} at {where}"
    if standing.release is None:
        yield f"{draft} is created"
    elif standing.is_draft:
        yield f"{draft} is there"
        if _is_mute(job, standing):
            yield "forge: it has no text: it gets the notes"
        elif _plain(standing.release.get("body")) != _plain(job.notes):
            yield "forge: its text differs from the notes, as somebody has edited it: it stays"
    else:
        yield f"forge: release {page.tag} at {where} is there, and published"
    yield from (f"forge: one more draft of {page.tag} is left alone: {other}" for other in standing.others)
    yield from (f"forge: asset {file.name} is there" for file in standing.present)
    for file in standing.missing:
        again = ", again: its upload broke off" if file.name in standing.broken else ""
        yield f"forge: asset {file.name} is uploaded{again}"
    if standing.is_draft and job.is_final:
        yield f"forge: release {page.tag} is published{' as the latest' if job.is_newest else ''}"
    elif standing.is_draft:
        yield "forge: left as a draft: publish it there, or invoke publish --final"
        if not is_tagged:
            yield f"forge: the tag {page.tag} is not there yet: do not publish the draft before it is pushed"


def _refuse_immutable(page: Page, standing: Standing) -> None:
    if standing.release is not None and standing.release.get("immutable") and standing.missing:
        names = ", ".join(file.name for file in standing.missing)
        raise different(f"forge: release {page.tag} at {page.api.repository} is immutable, and lacks {names}")


def _is_mute(job: Job, standing: Standing) -> bool:
    """Whether it is a draft without a text that could have one."""
    return standing.release is not None and standing.is_draft and not standing.release.get("body") and bool(job.notes)


def _plain(body: object) -> str:
    return str(body or "").replace("\r\n", "\n").strip()


@contextlib.contextmanager
def _page(job: Job, pause: Callable[[float], None]) -> Iterator[Page]:
    """Yield the page, to be written to."""
    forge = job.config.forge
    key = tokens.needed(job.env, forge.api, repository(job), _WRITE)
    with _asked(job, pause, key, _WRITE) as api:
        yield Page(job=job, api=api, files=_files(job))


@contextlib.contextmanager
def _asked(job: Job, pause: Callable[[float], None], key: tokens.Token | None, permission: str) -> Iterator[Api]:
    """Yield the repository as it is called there now: one that was renamed answers some calls, and not others."""
    api = github.Api(
        job.config.forge.api,
        repository(job),
        env=job.env,
        key=key,
        patience=Patience(say=lambda line: job.say(f"forge: {line}"), pause=pause),
        permission=permission,
    )
    with contextlib.closing(api):
        api.settle_name()
        yield api


def _files(job: Job) -> tuple[File, ...]:
    """Return all plain files of the folder; those of the record are among them.

    Raises:
        ReleaseError: one of the record is not there, or another (exit 3).
    """
    found = _beside(job)
    for file in job.record.files:
        if file not in found:
            raise refusal(f"{job.folder / file.name} is not the file of the record of {job.record.tag}")
    return found


def _beside(job: Job) -> tuple[File, ...]:
    paths = sorted(job.folder.iterdir()) if job.folder.is_dir() else []
    return tuple(store.file(one) for one in paths if one.is_file() and one.name[0] != "." and not one.is_symlink())


def _expected(job: Job) -> dict[str, str]:
    """Return the SHA-256 of each file that is to be there: the record, what it names, and what lies beside them."""
    own = hashlib.sha256(records.serialized(job.record)).hexdigest()
    beside = {one.name: one.sha256 for one in _beside(job)}
    return {**beside, records.NAME: own, **{one.name: one.sha256 for one in job.record.files}}


def _tag_seen(page: Page) -> Seen:
    what = f"forge: tag {page.tag} at {page.api.repository}"
    try:
        is_there = page.refuse_other_tag(is_needed=False)
    except ReleaseError as error:
        is_refused = error.exit == refusal("").exit
        return Seen(what, State.MISMATCH if is_refused else State.UNSEEN, error.problems[0].what)
    return Seen(
        what, State.CHECKED if is_there else State.MISMATCH, page.job.record.tag_object if is_there else "absent"
    )


def _absent(job: Job) -> tuple[State, str]:
    """Return what it means that no release is to be seen: without a token a draft is not."""
    was = job.known.get("forge", {}).get("draft", "")
    if was == "true" or (not was and tokens.find(job.env, job.config.forge.api) is None):
        return State.UNSEEN, "still a draft, or not there: drafts are shown to a token that may write"
    return (State.MISMATCH if was else State.UNSEEN), "there is no release of this tag"


def _assets_seen(job: Job, api: Api, release: Item) -> Iterator[Seen]:
    """Fetch each asset and compare it; what others have added is said."""
    expected = _expected(job)
    held = {
        str(one.get("label") if one.get("label") in expected else one["name"]): one
        for one in api.pages(f"/releases/{release['id']}/assets")
    }
    for name, sha256 in expected.items():
        what = f"forge: {name}"
        if name not in held:
            yield Seen(what, State.MISMATCH, "not among the release's assets")
            continue
        try:
            yield _compared(what, api, held[name], sha256)
        except ReleaseError as error:
            yield Seen(what, State.UNSEEN, error.problems[0].what)
    for name in held.keys() - expected.keys():
        job.say(f"forge: {name} is among the release's assets, and in no record")


def _compared(what: str, api: Api, asset: Item, sha256: str) -> Seen:
    """Fetch as everybody does where everybody may, else with the token."""
    ways = [(str(asset["browser_download_url"]), False)] if not api.is_private else []
    ways += [(str(asset["url"]), True)] if api.has_token or not ways else []
    why = ""
    for url, with_token in ways:
        try:
            got = api.download(url, with_token=with_token)
        except RejectedError as error:
            why = f"HTTP {error.status}: {error.words}"
            continue
        if got.sha256 == sha256:
            return Seen(what, State.CHECKED, f"sha256:{sha256}")
        if not got.kind.startswith("text/html"):  # a page that asks who one is, is not the file
            return Seen(what, State.MISMATCH, f"sha256:{got.sha256}, recorded is sha256:{sha256}")
        why = "a page was served instead of the file"
    return Seen(what, State.UNSEEN, why)
