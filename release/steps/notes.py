"""What changed in a range of commits, as Markdown that git-cliff writes by the repository's cliff.toml.

git-cliff runs twice: once to describe the commits of a shadow history (shadow.py), so that it can be seen that none is
missing, and once to write them. In between the rules of cliff.toml are applied (formats/cliff.py) and the description
is put right: real ids, the version, the date. It never sees the network, a token, the user's configuration or a tag.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import shutil
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from release import process
from release.errors import usage
from release.formats import cliff as rules
from release.formats import inert, markdown, sections
from release.steps import shadow

if TYPE_CHECKING:
    from collections.abc import Sequence

PACKAGED = Path(__file__).parent.parent / "cliff.toml"  # for repositories that have none

_DEEPEST = 6  # levels of headings
_URL = re.compile(r"https?://[^/\s]", re.IGNORECASE)
_LOGGED = re.compile(r"(?:Error:|ERROR git_cliff >|INFO .*\n)\s*")  # what stands in front of git-cliff's reason
_UNSAFE_IN_URL = re.compile(r"[\s<>()\[\]\\`\"']")


def render(
    *,
    objects: Path,
    cliff: bytes | None,
    start: str | None,
    stop: str,
    version: str,
    date: dt.date,
    remote_url: str = "",
    tag: str = "",
    previous: str = "",
) -> str:
    """Return the section `## [version] - date` for the commits that `stop` has and `start` has not; "" without entries.

    `objects` is the repository's object folder, `cliff` the content of its cliff.toml (None: the packaged one),
    `start` and `stop` are full ids (`start` None: from the root on). Templates find `tag` as their `version` and
    `previous` as their `previous.version`.

    Raises:
        MissingHistoryError: a commit of the range is missing (exit 3).
        ReleaseError: git-cliff is absent or cliff.toml is faulty (exit 2); a rule forbids a commit, or a commit was
            left out that no rule names (exit 3).
    """
    program = _program()
    config = rules.read(PACKAGED.read_bytes() if cliff is None else cliff)
    if rules.lacks_rules(config):
        config = rules.completed(config, _own_defaults(program))
    with shadow.cast(objects, start, stop, with_trees=rules.reads_trees(config)) as history:
        if not history.commits:
            return ""
        described = _describe(program, history, config)
        if described is None:
            return ""
        described |= {
            "version": tag or version,
            "timestamp": int(dt.datetime.combine(date, dt.time(), dt.timezone.utc).timestamp()),
            "commit_id": stop,
            "repository": None,
            "previous": {**described, "version": previous, "commit_id": start, "commits": []} if previous else None,
        }
        text = _run(
            program,
            history.folder,
            rules.rendering(config, remote_url),
            "--strip",
            "all",
            "--from-context",
            "-",
            data=json.dumps([described]).encode(),
        )
    return _section(text.decode("utf-8", "replace"), version, tag or version, date)


def _program() -> Path:
    """Find git-cliff where its wheel puts it, beside this Python, else on PATH."""
    beside = Path(sys.executable).parent / "git-cliff"
    if beside.is_file():
        return beside
    found = shutil.which("git-cliff")
    if found is None:
        raise usage(
            "git-cliff is not installed", f"install it beside Python: {sys.executable} -m pip install git-cliff"
        )
    return Path(found)


def _run(program: Path, folder: Path, config: str, *arguments: str, data: bytes = b"") -> bytes:
    """Run git-cliff in `folder` with nothing but `config` (YAML)."""
    path = folder / "config.yaml"
    path.write_text(config, encoding="utf-8")
    return _started(program, folder, "--config", str(path), *arguments, data=data)


def _started(program: Path, folder: Path, *arguments: str, data: bytes = b"") -> bytes:
    """Run git-cliff without network, commands or environment.

    Raises:
        ReleaseError: it fails, which only a faulty configuration makes it do here (exit 2).
    """
    result = process.run(
        [str(program), "--offline", "--no-exec", *arguments],
        cwd=folder,
        env={"HOME": "/nonexistent", "LC_ALL": "C.UTF-8"},
        data=data,
    )
    if result.status:
        said = _LOGGED.split(inert.reason(result.complaint))[-1]
        if "unexpected argument" in said:
            raise usage(f"{program} is older than git-cliff 2.12", f"{sys.executable} -m pip install -U git-cliff")
        raise usage(f"git-cliff cannot work with cliff.toml: {said}")
    return result.out


def _own_defaults(program: Path) -> rules.Config:
    """Return git-cliff's own configuration, which holds for all that a cliff.toml leaves open."""
    with TemporaryDirectory(prefix="release-notes-") as name:
        path = Path(name) / "defaults.toml"
        _started(program, path.parent, "--config", str(path), "--init")
        return rules.read(path.read_bytes())


def _describe(program: Path, history: shadow.Shadow, config: rules.Config) -> dict[str, Any] | None:
    """Return git-cliff's description of the range, with real ids and less what the rules leave out; None: nothing left.

    Raises:
        ReleaseError: git-cliff left out a commit that no rule names (exit 3).
    """
    asked = rules.collecting(config, {commit.id: seen for seen, commit in history.commits.items()})
    releases: list[dict[str, Any]] = json.loads(_run(program, history.folder, asked, "--context", "--", history.range))
    described = [commit for release in releases for commit in release["commits"]]
    came_back = {commit["id"] for commit in described}
    missing = [(commit.id, commit.message) for seen, commit in history.commits.items() if seen not in came_back]
    if missing and rules.counts(config):
        raise rules.refused("left out by git-cliff, and no rule of cliff.toml names it", missing)
    commits = [_real(commit, history.commits[commit["id"]]) for commit in described]
    kept = [_mended(commit) for commit in rules.sift(commits, config).kept]
    if not kept:
        return None
    return {
        **releases[0],
        "commits": kept,
        "commit_range": {"from": kept[0]["id"], "to": kept[-1]["id"]},
        "statistics": _statistics(kept),
    }


def _real(described: dict[str, Any], commit: shadow.Commit) -> dict[str, Any]:
    """Return a description with the real id, and with people whose names libgit2 has not trimmed."""
    people = {
        role: {"name": person.name, "email": person.address, "timestamp": person.time}
        for role, person in (("author", commit.author), ("committer", commit.committer))
    }
    return {**described, "id": commit.id, **people}


def _mended(commit: dict[str, Any]) -> dict[str, Any]:
    """Return a commit that git-cliff reads back as what it was, with links that lead to the web and nowhere else."""
    links = [
        {"text": inert.line(link["text"]), "href": _UNSAFE_IN_URL.sub(_percent, link["href"])}
        for link in commit["links"]
        if _URL.match(link["href"])
    ]
    # It reads a message again, and would find a conventional one where the rules told it not to look.
    raw = commit["raw_message"] if commit["conventional"] else f" {commit['raw_message']}"
    return {**commit, "links": links, "raw_message": raw}


def _percent(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode())


def _statistics(commits: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Count as git-cliff does, over the commits that are left."""
    days = [commit["committer"]["timestamp"] // 86_400 for commit in commits]
    links = Counter((link["text"], link["href"]) for commit in commits for link in commit["links"])
    return {
        "commit_count": len(commits),
        "commits_timespan": max(days) - min(days) if len(days) > 1 else None,
        "conventional_commit_count": sum(commit["conventional"] for commit in commits),
        "links": [{"text": text, "href": href, "count": count} for (text, href), count in links.most_common()],
    }


def _section(text: str, version: str, tag: str, date: dt.date) -> str:
    """Return what a template wrote under our heading; "" if it wrote nothing else.

    A template's own heading for the release is one of level 1 or 2 that names the version, the date or "unreleased".
    Others of these levels would end the section: all headings are moved down so that the highest has level 3.
    """
    lines = [line.rstrip() for line in text.replace("\r", "").split("\n")]
    prose = markdown.is_prose(lines)
    found = {at: heading for at, line in enumerate(lines) if prose[at] and (heading := markdown.heading(line))}
    names = (version, tag, date.isoformat(), "unreleased")
    for at, (level, title) in found.items():
        if level <= sections.DEEPEST and any(name in title.lower() for name in names):
            lines[at] = ""
            del found[at]
            break
    down = max(0, sections.DEEPEST + 1 - min((level for level, _ in found.values()), default=_DEEPEST))
    for at, (level, title) in found.items():
        lines[at] = f"{'#' * min(level + down, _DEEPEST)} {title}"
    prose = markdown.is_prose(lines)
    tight = [line for at, line in enumerate(lines) if line or not prose[at] or (at and lines[at - 1])]
    body = "\n".join(tight).strip("\n")
    return f"## [{version}] - {date.isoformat()}\n\n{body}\n" if body else ""
