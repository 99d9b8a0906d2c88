"""cliff.toml: what it may say, what git-cliff is given instead of it, and its rules for leaving commits out.

git-cliff drops commits without a word, by rule and by mistake alike. So it is given the rules in a form in which every
commit comes back: a parser with `skip` marks its commits with a group of ours, one more parser marks those that no
other took. `sift` then applies the rules, and whatever did not come back is not the rules' doing.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import tomli

from release.errors import refusal, usage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from release.errors import ReleaseError

Config = dict[str, Any]

# What git-cliff 2.12 to 2.14 reads; it ignores every other key without a word. "#" stands for a list of tables.
_TABLES = """
 changelog git remote bump
changelog header header_marker body footer trim render_always format postprocessors output
changelog.postprocessors # pattern replace replace_command
git processing_order conventional_commits require_conventional filter_unconventional split_commits
git commit_preprocessors commit_parsers protect_breaking_commits link_parsers filter_commits
git fail_on_unmatched_commit tag_pattern skip_tags ignore_tags count_tags limit_tags use_branch_tags
git topo_order topo_order_commits sort_commits limit_commits recurse_submodules include_paths exclude_paths
git.commit_preprocessors # pattern replace replace_command
git.commit_parsers # sha message body footer group default_scope scope skip field pattern
git.link_parsers # pattern href text
remote offline github gitlab gitea bitbucket azure_devops
remote.github owner repo token api_url http_timeout native_tls
remote.gitlab owner repo token api_url http_timeout native_tls
remote.gitea owner repo token api_url http_timeout native_tls
remote.bitbucket owner repo token api_url http_timeout native_tls
remote.azure_devops owner repo token api_url http_timeout native_tls
bump features_always_bump_minor breaking_always_bump_major initial_tag bump_type
bump custom_major_increment_regex custom_minor_increment_regex no_increment_regex
"""
_KNOWN: dict[str, list[str]] = {}
for _line in _TABLES.strip("\n").split("\n"):
    _KNOWN.setdefault(_line.split(" ")[0], []).extend(_line.split(" ")[1:])
_FORGES = ("github", "gitlab", "gitea", "bitbucket", "azure_devops")
# Rules that `sift` applies. git-cliff's own configuration fills in those that are absent.
_RULES = (
    "conventional_commits",
    "require_conventional",
    "filter_unconventional",
    "split_commits",
    "protect_breaking_commits",
    "filter_commits",
    "fail_on_unmatched_commit",
)

_SKIPPED = "\x1fskipped\x1f"
_UNMATCHED = "\x1funmatched\x1f"
_TYPE = re.compile(r"[^\s():!]+")
_SHOWN = 5  # commits named in a message


class Sifted(NamedTuple):
    """The commits that the rules leave, as git-cliff described them, and the ids of those they took out."""

    kept: list[dict[str, Any]]
    dropped: set[str]


def read(source: bytes) -> Config:
    """Read a cliff.toml.

    Raises:
        ReleaseError: no TOML, an unknown key, or a rule that is neither true nor false (exit 2); every fault at once.
    """
    try:
        config: Config = tomli.loads(source.decode("utf-8-sig"))
    except (tomli.TOMLDecodeError, UnicodeDecodeError) as error:
        raise usage(f"cliff.toml cannot be read: {error}") from None
    faults = [*_unknown(config, "")]
    if not faults:
        git = config.get("git", {})
        faults = [f"git.{rule} is neither true nor false" for rule in _RULES if type(git.get(rule, True)) is not bool]
    if faults:
        raise usage(f"cliff.toml: {'; '.join(faults)}")
    return config


def _unknown(table: Mapping[str, Any], path: str) -> Iterable[str]:
    for key, value in table.items():
        here = f"{path}.{key}".lstrip(".")
        if key not in _KNOWN[path]:
            import difflib  # noqa: PLC0415  # only a slip needs it

            nearest = difflib.get_close_matches(key, _KNOWN[path], n=1, cutoff=0)
            yield f"unknown key {here!a} (nearest: {nearest[0]})"
        elif _is_list(here) and not (isinstance(value, list) and all(isinstance(one, dict) for one in value)):
            yield f"{here} has to be a list of tables"
        elif _is_list(here):
            for one in value:
                yield from _unknown(one, here)
        elif here in _KNOWN and not isinstance(value, dict):
            yield f"{here} has to be a table"
        elif here in _KNOWN:
            yield from _unknown(value, here)


def _is_list(path: str) -> bool:
    return "#" in _KNOWN.get(path, ())


def lacks_rules(config: Config) -> bool:
    """Whether git-cliff's own configuration has a say in what is left out."""
    return not {*_RULES, "commit_parsers"} <= config.get("git", {}).keys()


def completed(config: Config, defaults: Config) -> Config:
    """Return the configuration with git-cliff's own values for what it leaves open."""
    return {**config, "git": {**defaults["git"], **config.get("git", {})}}


def reads_trees(config: Config) -> bool:
    """Whether the files that commits change matter: paths are chosen, or something asks for statistics."""
    git = config["git"]
    return bool(git.get("include_paths") or git.get("exclude_paths")) or "statistics" in json.dumps(config)


def counts(config: Config) -> bool:
    """Whether every commit of the range has to come back from git-cliff.

    Not so when a message may become several commits, or when commits are chosen by path or by number.
    """
    git = config["git"]
    chosen = ("split_commits", "processing_order", "limit_commits", "include_paths", "exclude_paths")
    return not any(git.get(key) for key in chosen)


def _marks(config: Config) -> bool:
    return not (config["git"].get("split_commits") or config["git"].get("processing_order"))


def collecting(config: Config, ids: Mapping[str, str]) -> str:
    """Return the configuration with which git-cliff describes commits. `ids` has the ids under which it sees them."""
    git = {**config["git"], "recurse_submodules": False}  # their messages would be as they were written
    parsers = [dict(parser) for parser in git["commit_parsers"]]
    for parser in parsers:
        if "sha" in parser:
            parser["sha"] = ids.get(str(parser["sha"]).lower(), parser["sha"])
    if _marks(config):
        for parser in parsers:
            if parser.pop("skip", False):
                parser["group"] = f"{_SKIPPED}{parser.get('group', '')}"
        parsers.append({"message": "(?s)^.*$", "group": _UNMATCHED})
        git |= dict.fromkeys(
            ("require_conventional", "filter_unconventional", "filter_commits", "fail_on_unmatched_commit"), False
        )
    return _written({"changelog": {"body": ""}, "git": {**git, "commit_parsers": parsers}})


def rendering(config: Config, remote_url: str) -> str:
    """Return the configuration with which git-cliff writes Markdown: the user's templates, without its commands.

    Without a remote of its own it gets the owner and the name that `remote_url` has, which is what git-cliff does
    with the remote of a branch.
    """
    changelog = {key: value for key, value in config.get("changelog", {}).items() if key != "output"}
    git = {"commit_parsers": [{**parser, "skip": False} for parser in config["git"]["commit_parsers"]]}
    remote = {key: _without(value, "token") for key, value in config.get("remote", {}).items()}
    path = re.split(r"[/:]", remote_url.removesuffix("/").removesuffix(".git"))
    if not any(remote.get(forge) for forge in _FORGES) and len(path) > 1 and all(path[-2:]):
        remote = {**remote, "github": {"owner": path[-2], "repo": path[-1]}}
    return _written({"changelog": changelog, "git": git, "remote": {**remote, "offline": True}})


def _without(table: Any, unwanted: str) -> Any:
    return {key: value for key, value in table.items() if key != unwanted} if isinstance(table, dict) else table


def _written(config: Config) -> str:
    """Write the configuration as JSON: that is YAML 1.2, which git-cliff reads."""
    return json.dumps(config, ensure_ascii=False, default=str)


def sift(commits: Iterable[dict[str, Any]], config: Config) -> Sifted:
    """Apply the rules of cliff.toml to what git-cliff said of all commits.

    Raises:
        ReleaseError: `require_conventional` or `fail_on_unmatched_commit` does not allow a commit (exit 3).
    """
    git = config["git"]
    if not _marks(config):
        return Sifted(kept=list(commits), dropped=set())
    has_to_be = git["conventional_commits"] and git["filter_unconventional"] and not git["require_conventional"]
    sifted = Sifted(kept=[], dropped=set())
    unmatched = []
    for commit in commits:
        group: str | None = commit["group"]
        is_protected = git["protect_breaking_commits"] and commit.get("breaking")
        is_unmatched = group == _UNMATCHED
        is_skipped = (group or "").startswith(_SKIPPED) and not is_protected
        if is_skipped or (is_unmatched and git["filter_commits"]) or (has_to_be and not commit["conventional"]):
            sifted.dropped.add(commit["id"])
            continue
        if is_unmatched:
            unmatched.append(commit)
        group = "" if is_unmatched else (group or "").removeprefix(_SKIPPED)
        sifted.kept.append({**commit, "group": group or _type(commit)})
    if git["require_conventional"]:
        _refuse("not conventional (git.require_conventional)", [one for one in sifted.kept if not one["conventional"]])
    if git["fail_on_unmatched_commit"]:
        _refuse("matched by no parser (git.fail_on_unmatched_commit)", unmatched)
    return sifted


def _type(commit: Mapping[str, Any]) -> str | None:
    """Return the type of a conventional commit, which is its group when no parser gives it one."""
    match = _TYPE.match(commit["raw_message"]) if commit["conventional"] else None
    return match[0] if match else None


def _refuse(why: str, commits: list[dict[str, Any]]) -> None:
    if commits:
        raise refused(why, [(commit["id"], commit["raw_message"]) for commit in commits])


def refused(why: str, commits: list[tuple[str, str]]) -> ReleaseError:
    """Build the refusal of commits (id and inert message) for one reason, naming the first few."""
    named = "; ".join(f"{commit[:12]} {message.partition(chr(10))[0][:72]!r}" for commit, message in commits[:_SHOWN])
    more = f" and {len(commits) - _SHOWN} more" if len(commits) > _SHOWN else ""
    return refusal(
        f"{len(commits)} commit{'s are' if len(commits) > 1 else ' is'} {why}: {named}{more}",
        "give cliff.toml a rule for them, or change their messages",
    )
