"""Bandit on the tracked Python files, of which each has to be among those that it has measured."""

from __future__ import annotations

import json
import os.path
from typing import TYPE_CHECKING, Any

import tomli

from release.gates.security.findings import BANDIT, Finding, Seen, blind, counted, ordered, plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from release.gates.security.programs import Programs
    from release.gates.security.tracked import Tree

_SECONDS = 1800.0
_BATCH = 100_000  # characters of file names in one call: systems limit how long it may be
_LEVELS = {"HIGH": "error", "MEDIUM": "warning"}
_FOUND = (0, 1)  # its statuses without and with findings
_TOTALS = "_totals"


def scan(tree: Tree, programs: Programs, exclude: Sequence[str]) -> Seen:
    """Scan the tracked Python files that are not excluded.

    Raises:
        ReleaseError: it could not look at all (exit 5). What it could not look at in part is in the result.
    """
    files = tree.python(exclude)
    if not files:
        raise blind(
            "bandit: git tracks no Python file that is not excluded", "correct exclude in [tool.release.security]"
        )
    configured = _configured(tree)
    arguments = _settings(programs, configured)
    findings: list[Finding] = []
    objections = [plain(f"bandit: {path} is a link to no tracked Python file") for path in tree.astray()]
    nosec = 0
    for batch in _batches(files):
        answer = _run(programs, tree, [*arguments, *(f"./{path}" for path in batch)])
        try:
            measured = {os.path.normpath(path): facts for path, facts in answer["metrics"].items() if path != _TOTALS}
            objections += _objections(answer, batch, measured)
            findings += map(_finding, answer["results"])
            nosec += sum(facts.get("nosec", 0) + facts.get("skipped_tests", 0) for facts in measured.values())
        except (KeyError, TypeError, ValueError, AttributeError):
            raise blind("bandit's JSON is not of the form that is known") from None
    notes = [*_notes(tree, configured)]
    if nosec:
        notes.append(f"bandit: {counted(nosec, 'line')} with `# nosec` passed over")
    return Seen(ordered(findings), tuple(objections), tuple(notes), counted(len(files), "file"))


def _settings(programs: Programs, configured: dict[str, Any]) -> list[str]:
    """Return options that leave nothing to what lies about: no `.bandit`, no exclusions but ours.

    Without `--ini` Bandit looks for a `.bandit` below its targets; without `-x` it leaves out every path that has
    `.git` in it, such as `.github/release.py`, where `.git` is a file, as in any worktree.
    """
    empty = programs.folder / "empty.ini"
    empty.write_text("[bandit]\n", encoding="ascii")
    arguments = ["-q", "-f", "json", "-x", "", "--ini", str(empty)]
    return [*arguments, "-c", "pyproject.toml"] if configured else arguments


def _configured(tree: Tree) -> dict[str, Any]:
    """Return [tool.bandit], which Bandit reads only when it is told to."""
    if not tree.has("pyproject.toml"):
        return {}
    try:
        table = tomli.loads(tree.read("pyproject.toml").decode()).get("tool", {}).get("bandit", {})
    except (ValueError, RecursionError, AttributeError):
        raise blind("bandit: pyproject.toml is not TOML, so that [tool.bandit] cannot be seen") from None
    return table if isinstance(table, dict) else {}


def _batches(files: Sequence[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    length = 0
    for path in files:
        length += len(path)
        if batch and length > _BATCH:
            yield batch
            batch, length = [], len(path)
        batch.append(path)
    yield batch


def _run(programs: Programs, tree: Tree, arguments: Sequence[str]) -> dict[str, Any]:
    ran = programs.run("bandit", *arguments, cwd=tree.root, timeout=_SECONDS)
    if ran.status not in _FOUND:
        raise blind(f"bandit ended with status {ran.status}: {ran.complaint}")
    try:
        answer: dict[str, Any] = json.loads(ran.out)
        if isinstance(answer["metrics"], dict) and isinstance(answer["results"], list) and "errors" in answer:
            return answer
    except (ValueError, KeyError, TypeError):
        pass  # as with an answer of another form
    raise blind(f"bandit has not answered in its JSON: {ran.complaint}")


def _objections(answer: dict[str, Any], files: Sequence[str], measured: dict[str, Any]) -> Iterator[str]:
    """Yield what was not looked at, each file once."""
    failed = {os.path.normpath(error["filename"]): str(error["reason"]) for error in answer["errors"]}
    for path, why in sorted(failed.items()):
        yield plain(f"bandit: {path}: {why}")
    for path in files:
        if path not in measured and path not in failed:
            yield plain(
                f"bandit: {path} was not scanned (excluded in [tool.bandit]? say so in [tool.release.security])"
            )


def _finding(result: dict[str, Any]) -> Finding:
    return Finding(
        tool=BANDIT,
        rule=result["test_id"],
        text=plain(f"{result['issue_text']} ({result['issue_severity'].lower()})"),
        level=_LEVELS.get(result["issue_severity"], "note"),
        path=os.path.normpath(result["filename"]),
        line=int(result["line_number"]),
    )


def _notes(tree: Tree, configured: dict[str, Any]) -> Iterator[str]:
    """Say what people may believe to be in force, and what they may have forgotten that is."""
    for key in ("skips", "tests"):
        if configured.get(key):
            yield plain(f"bandit: [tool.bandit] {key} {configured[key]}")
    for path in tree.files:
        if path.rpartition("/")[2] == ".bandit":
            yield plain(f"bandit: {path} has no effect (its place is [tool.bandit] in pyproject.toml)")
    if tree.submodules:
        yield plain(f"bandit: the files of submodules are not scanned: {', '.join(tree.submodules)}")
