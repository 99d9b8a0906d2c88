"""The package index: sdist and wheels, uploaded by twine or uv, and looked at as pip sees them."""

from __future__ import annotations

import importlib.util
import re
import shutil
import sys
from typing import TYPE_CHECKING

from release import process
from release.artifacts.publish import simple, web
from release.artifacts.publish.job import Facts, Planned, Seen, State, different, unreachable
from release.artifacts.publish.web import Web
from release.errors import refusal, usage
from release.formats import inert

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from release.artifacts.publish.job import Job
    from release.artifacts.record import File
    from release.errors import ReleaseError

_ENDS = (".whl", ".tar.gz")
_SECONDS = 900.0
_STATUS = re.compile(r"\b(?:HTTPError: |status code )\(?(\d{3})\b")
_REFUSING, _MAY_HELP, _SERVER = (401, 403), (408, 429), 500
_BROKEN = re.compile(r"connection|timed out|time-?out|error sending request|temporar|broken pipe", re.IGNORECASE)
_NO_LOGIN = re.compile(r"\bNonInteractive\b|\bmissing credentials\b", re.IGNORECASE)  # as twine and uv say it
_TOKENS = "set TWINE_USERNAME=__token__ and TWINE_PASSWORD to a token of the index that may upload"
_TOOLS = "pip install 'invoke-gitflow[publish]', or install uv"


def objection(job: Job) -> str:
    """Say why nothing goes to an index."""
    return "" if _dists(job) else "there are no distributions"


def plan(job: Job) -> Planned:
    """Look at what the index has, and return what is to be uploaded."""
    return planned(job, Web())


def planned(job: Job, asked: Web) -> Planned:
    """Look at what the index has, by `asked`, and return what is to be uploaded.

    Raises:
        ReleaseError: another file is there under a name of ours (exit 3), it cannot be reached (exit 7), nothing can
            upload (exit 2).
    """
    missing = _missing(job, asked)
    where = web.shown(job.config.index.upload)
    there = [one.name for one in _dists(job) if one not in missing]
    lines = (*(f"{name} is there" for name in there), *(f"{one.name} is uploaded to {where}" for one in missing))
    uploader = _uploader(job.env) if missing else None

    def act() -> Facts:
        for one in missing:
            assert uploader is not None  # noqa: S101  # there is one if something is missing
            _uploaded(job, asked, uploader, one)
        return {"simple": job.config.index.simple}

    return Planned(lines, act, is_done=not missing)


def check(job: Job) -> Iterator[Seen]:
    """Download what the index has, as pip would, and compare it with what was made."""
    yield from checked(job, Web())


def checked(job: Job, asked: Web) -> Iterator[Seen]:
    """Yield what came of a look at each file, by `asked`; the files are in `job.fetched` afterwards."""
    job.fetched.mkdir(exist_ok=True)
    where = web.shown(job.config.index.simple)
    listed = simple.files(asked, job.config.index.simple, job.record.project, job.version)
    ours = _dists(job)
    for one in ours:
        what = f"{one.name} at {where}"
        digest = ""
        for found in (other for other in listed if other.name == one.name):  # pip could take any of them
            digest = asked.download(found.url, job.fetched / one.name) or digest
            if digest != one.sha256:
                break
        if not digest:
            yield Seen(what, State.MISMATCH if "index" in job.known else State.UNSEEN, "it is not there")
        elif digest != one.sha256:
            yield Seen(what, State.MISMATCH, f"its digest is {digest[:12]}…, and {one.sha256[:12]}… was made")
        else:
            yield Seen(what, State.CHECKED, f"sha256 {digest[:12]}…")
    for name in dict.fromkeys(other.name for other in listed if other.name not in {one.name for one in ours}):
        yield Seen(f"{inert.reason(name)} at {where}", State.MISMATCH, "it is not of this release")


def _dists(job: Job) -> tuple[File, ...]:
    return tuple(one for one in job.record.files if one.name.endswith(_ENDS))


def _missing(job: Job, asked: Web) -> tuple[File, ...]:
    """Return what the index lacks.

    Raises:
        ReleaseError: it has another file under one of the names, or one that is not ours (exit 3); it cannot be
            reached (exit 7).
    """
    where = web.shown(job.config.index.simple)
    listed = simple.files(asked, job.config.index.simple, job.record.project, job.version)
    ours = {one.name: one for one in _dists(job)}
    for found in listed:
        name = found.name
        if name not in ours:
            raise different(f"{where} has {inert.reason(name)}, which is not of this release")
        digest = found.sha256 or asked.download(found.url, job.scratch / f"there-{name}")
        if digest != ours[name].sha256:
            raise different(f"{where} has another {name}: its digest is {digest[:12]}…, ours {ours[name].sha256[:12]}…")
    there = {found.name for found in listed}
    return tuple(one for one in ours.values() if one.name not in there)


def _uploader(env: Mapping[str, str]) -> tuple[str, ...]:
    """Return the words of the program that uploads: twine beside us, else uv.

    Raises:
        ReleaseError: there is neither (exit 2).
    """
    if importlib.util.find_spec("twine") is not None:
        return (sys.executable, "-m", "twine", "upload", "--non-interactive", "--disable-progress-bar")
    uv = shutil.which("uv", path=env.get("PATH", ""))
    if uv is None:
        raise usage("nothing here uploads to a package index", _TOOLS)
    return (uv, "publish", "--no-progress")


def _uploaded(job: Job, asked: Web, uploader: tuple[str, ...], one: File) -> None:
    """Upload one file; when that fails, look whether it has arrived all the same.

    Raises:
        ReleaseError: the index refuses it (exit 3), or cannot be reached (exit 7); there is no login (exit 2).
    """
    why = ""
    for attempt in range(web.ATTEMPTS):
        job.say(f"index: uploading {one.name}")
        why, may_help = _try(job, uploader, one)
        if not why or one not in _missing(job, asked):
            return
        if not may_help:
            raise _refused(why)
        if attempt + 1 < web.ATTEMPTS:
            asked.pause(2.0**attempt)
    raise unreachable(f"{one.name} cannot be uploaded: {why}")


def _try(job: Job, uploader: tuple[str, ...], one: File) -> tuple[str, bool]:
    """Run the program for one file; return why it failed, "" if it did not, and whether another attempt may help."""
    is_uv = uploader[1] == "publish"
    url = ("--publish-url" if is_uv else "--repository-url", job.config.index.upload)
    env = _credentials(job.env)
    argv = [*uploader, *url, "--", str(job.folder / one.name)]
    try:
        ran = process.run(argv, cwd=job.scratch, env=env, timeout=_SECONDS)
    except TimeoutError as error:
        return str(error), True
    if ran.status == 0:
        return "", False
    said = (ran.out + b"\n" + ran.err).decode("utf-8", "replace")
    if env.get("TWINE_PASSWORD"):
        said = said.replace(env["TWINE_PASSWORD"], "…")
    found = _STATUS.search(said)
    status = int(found[1]) if found else 0
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"error\b|ERROR\b|.*Error: ", line)]
    why = inert.reason((errors or lines or ["it says nothing"])[-1])
    may_help = status in _MAY_HELP or status >= _SERVER or (not status and _BROKEN.search(said) is not None)
    return why, may_help


def _credentials(env: Mapping[str, str]) -> dict[str, str]:
    """Return the variables with user and password for both programs, whichever of them they were set for."""
    both = dict(env)
    if both.get("UV_PUBLISH_TOKEN"):
        both |= {"TWINE_USERNAME": "__token__", "TWINE_PASSWORD": both.pop("UV_PUBLISH_TOKEN")}
    for name in ("USERNAME", "PASSWORD"):
        given = both.get(f"TWINE_{name}") or both.get(f"UV_PUBLISH_{name}")
        if given:
            both |= {f"TWINE_{name}": given, f"UV_PUBLISH_{name}": given}
    return both


def _refused(why: str) -> ReleaseError:
    if _NO_LOGIN.search(why):
        return usage(f"the index wants a user and a password, and there are none: {why}", _TOKENS)
    found = _STATUS.search(why)
    is_about_tokens = found is not None and int(found[1]) in _REFUSING
    return refusal(f"the index refuses the upload: {why}", _TOKENS if is_about_tokens else "")
