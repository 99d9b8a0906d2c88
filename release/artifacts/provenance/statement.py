"""The statement: in-toto Statement v1 with an SLSA provenance v1 predicate (in-toto.io/Statement, slsa.dev/provenance).

What it claims is SLSA Build L1: it says how the files were made, and is signed by whoever made them.
"""

from __future__ import annotations

import json
import os
import re
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from packaging.utils import canonicalize_name

from release.artifacts.provenance import dsse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from release.artifacts.record import File, Record

TYPE = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
DOCS = "https://github.com/invoke-gitflow/invoke-gitflow/blob/main/docs/artifacts.md"
BUILD_TYPE = f"{DOCS}#build-type"
LOCAL = f"{DOCS}#builder"

_TOOL = "invoke-gitflow"
# What GitHub Actions say of a run; whatever looks otherwise is not repeated.
_RUN = {
    "GITHUB_SERVER_URL": r"https://[A-Za-z0-9.-]+(?::\d+)?",
    "GITHUB_REPOSITORY": r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+",
    "GITHUB_RUN_ID": r"\d+",
    "GITHUB_RUN_ATTEMPT": r"\d+",
    "GITHUB_WORKFLOW_REF": r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+/\.github/workflows/[\w.+-]+\.ya?ml@[!-~]+",
}
_SCP = re.compile(r"(?:[^/:@]*@)?(?P<host>[A-Za-z0-9._-]+):(?P<path>[^:]+)")  # git-fetch, GIT URLS


def statement(
    record: Record,
    files: Sequence[File],
    *,
    started: int,
    finished: int,
    env: Mapping[str, str] | None = None,
) -> bytes:
    """Return the statement about files of a release: always the same bytes for the same input.

    `started` and `finished` are when they were made (seconds since 1970). `env` says where: the variables of GitHub
    Actions, ours by default.
    """
    builder, invocation = _builder(os.environ if env is None else env)
    predicate = {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": _parameters(record),
            "internalParameters": {"epoch": record.epoch},
            "resolvedDependencies": [_source(record), *_packages(record.builder)],
        },
        "runDetails": {
            "builder": {"id": builder, "version": {_TOOL: record.tool}},
            "metadata": {**invocation, "startedOn": _moment(started), "finishedOn": _moment(finished)},
        },
    }
    facts = {"_type": TYPE, "subject": _subjects(files), "predicateType": PREDICATE, "predicate": predicate}
    return (json.dumps(facts, sort_keys=True, separators=(",", ":")) + "\n").encode("ascii")


def objections(data: bytes, record: Record, files: Sequence[File]) -> Iterator[str]:
    """Yield what in a statement is not as the statement about these files of this release has it."""
    try:
        facts = json.loads(data, object_pairs_hook=dsse.unique)
        is_known = (facts["_type"], facts["predicateType"]) == (TYPE, PREDICATE)
        definition = facts["predicate"]["buildDefinition"]
        parameters, kind = definition["externalParameters"], definition["buildType"]
        sources = [one for one in definition["resolvedDependencies"] if not str(one.get("uri", "")).startswith("pkg:")]
        subjects = [(one["name"], one["digest"]) for one in facts["subject"]]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        yield f"it is no statement of provenance: {error}"
        return
    if not is_known or kind != BUILD_TYPE:
        yield "it is a statement of another kind"
        return
    wanted = _parameters(record)
    if parameters != wanted:
        yield f"it is of another release: {_differing(parameters, wanted)}"
    if sources != [_source(record)]:
        yield f"it is not of the commit {record.commit}"
    yield from _unlike(subjects, [(one["name"], one["digest"]) for one in _subjects(files)])


def _unlike(held: list[tuple[Any, Any]], wanted: list[tuple[Any, Any]]) -> Iterator[str]:
    names = [name for name, _ in held]
    for name, digest in wanted:
        if names.count(name) != 1:
            yield f"it {'does not name' if name not in names else 'names more than once'} {name}"
        elif held[names.index(name)][1] != digest:
            yield f"it has another digest for {name}"
    known = {name for name, _ in wanted}
    yield from (f"it names {name!a}, which is none of the files" for name in names if name not in known)


def _differing(held: Any, wanted: Mapping[str, str]) -> str:
    if not isinstance(held, dict) or held.keys() != wanted.keys():
        return "its parameters are others"
    return ", ".join(f"{key} is {held[key]!a}, not {value}" for key, value in wanted.items() if held[key] != value)


def _subjects(files: Sequence[File]) -> list[dict[str, Any]]:
    return [{"name": one.name, "digest": {"sha256": one.sha256}} for one in sorted(files)]


def _parameters(record: Record) -> dict[str, str]:
    return {"repository": record.repository, "ref": f"refs/tags/{record.tag}", "version": record.version}


def _source(record: Record) -> dict[str, Any]:
    """Return the resource descriptor of what was built, in SPDX's form of an address."""
    descriptor: dict[str, Any] = {"name": record.project, "digest": {"gitCommit": record.commit}}
    if record.repository:
        descriptor["uri"] = f"git+{_url(record.repository)}@refs/tags/{quote(record.tag)}"
    return descriptor


def _url(repository: str) -> str:
    if "://" in repository:
        return repository
    match = None if repository.startswith(("/", ".", "~")) else _SCP.fullmatch(repository)
    return f"file://{quote(repository)}" if match is None else f"ssh://{match['host']}/{match['path'].lstrip('/')}"


def _packages(builder: Mapping[str, str]) -> list[dict[str, str]]:
    """Return what built it as package URLs (purl-spec); Python itself comes from no index."""
    found = [
        f"pkg:generic/python@{quote(version, safe='')}"
        if name == "python"
        else f"pkg:pypi/{canonicalize_name(name)}@{quote(version, safe='')}"
        for name, version in builder.items()
    ]
    return [{"uri": uri} for uri in sorted(found)]


def _builder(env: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """Return who built: a workflow of GitHub Actions and which run, as the environment has it, else LOCAL."""
    values = {name: env.get(name, "") for name in _RUN}
    if env.get("GITHUB_ACTIONS") != "true" or not all(re.fullmatch(_RUN[name], values[name]) for name in _RUN):
        return LOCAL, {}
    server, repository, run, attempt, workflow = values.values()
    return f"{server}/{workflow}", {"invocationId": f"{server}/{repository}/actions/runs/{run}/attempts/{attempt}"}


def _moment(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
