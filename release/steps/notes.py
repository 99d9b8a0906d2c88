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
from typing import TYPE_CHECKING, Any, NamedTuple

from release import process
from release.beside import Beside
from release.errors import usage
from release.formats import cliff as rules
from release.formats import inert, markdown, sections
from release.steps import shadow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from release.formats.changelog import Range

PACKAGED = Path(__file__).parent.parent / "cliff.toml"  # for repositories that have none

_DEEPEST = 6  # levels of headings
_URL = re.compile(r"https?://[^/\s]", re.IGNORECASE)
_LOGGED = re.compile(r"(?:Error:|ERROR git_cliff >|INFO .*\n)\s*")  # what stands in front of git-cliff's reason
_UNSAFE_IN_URL = re.compile(r"[\s<>()\[\]\\`\"']")


class Section(NamedTuple):
    """A section `## [version] - date` that can be told of any range of commits.

    `objects` is the repository's object folder, `cliff` the content of its cliff.toml (None: the packaged one).
    Templates find `tag` as their `version` and `previous` as their `previous.version`.
    """

    objects: Path
    cliff: bytes | None
    version: str
    date: dt.date
    remote_url: str = ""
    tag: str = ""
    previous: str = ""

    def render(self, start: str | None, stop: str) -> str:
        """Return the section for the commits that `stop` has and `start` (None: from the root on) has not.

        Both are full ids. Without entries it is "".

        Raises:
            MissingHistoryError: a commit of the range is missing (exit 3).
            ReleaseError: git-cliff is absent or cliff.toml is faulty (exit 2); a rule forbids a commit, or a commit
                was left out that no rule names (exit 3).
        """
        return self._told(start, stop, None)[0]

    def render_both(self, wanted: Range, written: Range) -> tuple[str, str | None]:
        """Return the section for one range, and for the one that it was written from (None: that is missing).

        What was written before is usually the beginning of what is wanted: that is described once.

        Raises:
            ReleaseError: as `render`.
        """
        if wanted[0] == written[0]:
            text, before = self._told(*wanted, written[1])
            if before is not None:
                return text, before
            last = Beside(lambda: self.render(*written))
        else:
            last = Beside(lambda: self.render(*written))
            text = self.render(*wanted)
        try:
            return text, last.result()
        except shadow.MissingHistoryError:  # rebased and collected since
            return text, None

    def _told(self, start: str | None, stop: str, earlier: str | None) -> tuple[str, str | None]:
        """Return the section up to `stop`, and up to an `earlier` commit; None if that has to be told by itself."""
        program = _program()
        config = rules.read(PACKAGED.read_bytes() if self.cliff is None else self.cliff)
        if rules.lacks_rules(config):
            config = rules.completed(config, _own_defaults(program))
        with shadow.cast(self.objects, start, stop, with_trees=rules.reads_trees(config)) as history:
            if not history.commits:
                return "", None
            described = _describe(program, history, config)
            parts = [(stop, described["commits"])]
            if earlier is not None and rules.counts(config) and (ids := history.up_to(earlier)):
                parts.append((earlier, [commit for commit in described["commits"] if commit["id"] in ids]))
            asked = []
            for end, commits in parts:
                release = _release(described, commits, config)
                asked.append("" if release is None else json.dumps([self._named(release, start, end)]))
            texts = _written(program, history.folder, rules.rendering(config, self.remote_url), asked)
        text, *others = (_section(one, self.version, self.tag or self.version, self.date) for one in texts)
        return text, others[0] if others else None

    def _named(self, release: dict[str, Any], start: str | None, stop: str) -> dict[str, Any]:
        """Return a description with the version, its day, and what it follows."""
        before = {**release, "version": self.previous, "commit_id": start, "commits": []} if self.previous else None
        return release | {
            "version": self.tag or self.version,
            "timestamp": int(dt.datetime.combine(self.date, dt.time(), dt.timezone.utc).timestamp()),
            "commit_id": stop,
            "repository": None,
            "previous": before,
        }


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


def _configured(folder: Path, config: str) -> tuple[str, str]:
    """Write a configuration (YAML) for git-cliff; return the arguments that make it read nothing else."""
    path = folder / "config.yaml"
    path.write_text(config, encoding="utf-8")
    return ("--config", str(path))


def _started(program: Path, folder: Path, *arguments: str) -> process.Process:
    """Start git-cliff without network, commands or environment."""
    return process.start(
        [str(program), "--offline", "--no-exec", *arguments],
        cwd=folder,
        env={"HOME": "/nonexistent", "LC_ALL": "C.UTF-8"},
    )


def _finished(program: Path, started: process.Process, data: bytes = b"") -> bytes:
    """Return what git-cliff wrote.

    Raises:
        ReleaseError: it fails, which only a faulty configuration makes it do here (exit 2).
    """
    result = started.finish(data)
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
        _finished(program, _started(program, path.parent, "--config", str(path), "--init"))
        return rules.read(path.read_bytes())


def _describe(program: Path, history: shadow.Shadow, config: rules.Config) -> dict[str, Any]:
    """Return git-cliff's description of the range, with real ids.

    Raises:
        ReleaseError: git-cliff left out a commit that no rule names (exit 3).
    """
    asked = rules.collecting(config, {commit.id: seen for seen, commit in history.commits.items()})
    arguments = (*_configured(history.folder, asked), "--context", "--", history.range)
    releases: list[dict[str, Any]] = json.loads(_finished(program, _started(program, history.folder, *arguments)))
    described = [commit for release in releases for commit in release["commits"]]
    came_back = {commit["id"] for commit in described}
    missing = [(commit.id, commit.message) for seen, commit in history.commits.items() if seen not in came_back]
    if missing and rules.counts(config):
        raise rules.refused("left out by git-cliff, and no rule of cliff.toml names it", missing)
    return {**releases[0], "commits": [_real(commit, history.commits[commit["id"]]) for commit in described]}


def _release(
    described: dict[str, Any], commits: Sequence[dict[str, Any]], config: rules.Config
) -> dict[str, Any] | None:
    """Return the description of these commits, less what the rules leave out; None: nothing is left."""
    kept = [_mended(commit) for commit in rules.sift(commits, config).kept]
    if not kept:
        return None
    return {
        **described,
        "commits": kept,
        "commit_range": {"from": kept[0]["id"], "to": kept[-1]["id"]},
        "statistics": _statistics(kept),
    }


def _written(program: Path, folder: Path, config: str, asked: Sequence[str]) -> list[str]:
    """Return the Markdown of each description (JSON; "": none, which is no Markdown), made side by side."""
    arguments = (*_configured(folder, config), "--strip", "all", "--from-context", "-")
    started = {one: _started(program, folder, *arguments) for one in asked if one}
    try:
        texts = {one: _finished(program, run, one.encode()) for one, run in started.items()}
    finally:
        for run in started.values():
            run.kill()
    return [texts.get(one, b"").decode("utf-8", "replace") for one in asked]


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
