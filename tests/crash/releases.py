"""The tasks that release, each with the project it is run in; git flow in full."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support import PYPROJECT

from crash.cases import Case, a_colleague_reworks, behind, flow

if TYPE_CHECKING:
    from pathlib import Path

    from crash.stage import Stage

_PARALLEL = {"pyproject.toml": PYPROJECT.replace("gates = []", "gates = []\nparallel_releases = true")}
_RELEASE = "release/v1.0.0"


def _invoke(stage: Stage, *words: str) -> None:
    ended = stage.project.invoke(*words)
    assert ended.code == 0, ended.text


def _commit(stage: Stage, message: str, path: str, content: str, *, cwd: Path | None = None) -> None:
    """Commit one file, and nothing else that lies about."""
    ((cwd or stage.project.path) / path).write_text(content)
    stage.project.git("add", path, cwd=cwd)
    stage.project.git("commit", "-q", "-m", message, cwd=cwd)


def _push(stage: Stage, *branches: str) -> None:
    stage.project.git("push", "-q", "origin", *branches)


def _opened(stage: Stage) -> None:
    """A release is open, with a fix of its own; it is checked out, and here and at the remote the same."""
    flow(stage, _PARALLEL)
    _invoke(stage, "release.prepare", "1.0.0", "--push", "--yes")
    _commit(stage, "fix: for the release", "run.sh", "echo release\n")
    _push(stage, _RELEASE)


def _released(stage: Stage) -> None:
    """That release has a candidate; a newer one is open, develop is ahead of both, and a colleague has reworked it."""
    _opened(stage)
    _invoke(stage, "release.candidate", "--yes")
    stage.project.git("switch", "-q", "develop")
    _commit(stage, "feat: add c", "c.txt", "c\n")
    _invoke(stage, "release.prepare", "1.1.0", "--push", "--yes")
    stage.project.git("switch", "-q", "develop")
    _commit(stage, "feat: add d", "d.txt", "d\n")
    _push(stage, "develop")
    a_colleague_reworks(stage)
    stage.project.git("switch", "-q", _RELEASE)
    stage.project.git("pack-refs", "--all")


def _hotfixed(stage: Stage) -> None:
    """A hotfix beside an open release; develop, which a colleague has reworked, is checked out in a linked worktree."""
    _opened(stage)
    project = stage.project
    _invoke(stage, "hotfix.start", "--push", "--yes")
    _commit(stage, "fix: urgent", "urgent.txt", "mended\n")
    a_colleague_reworks(stage)
    project.git("worktree", "add", "-q", str(stage.slot / "linked"), "develop")
    (stage.slot / "linked/notes.txt").write_text("untracked\n")


def _merged(stage: Stage) -> None:
    """A release was merged into main by hand, and is neither pushed nor tagged."""
    _opened(stage)
    stage.project.git("switch", "-q", "main")
    stage.project.git("merge", "-q", "--no-ff", "-m", "Merge the release", _RELEASE)


def _featured(stage: Stage) -> None:
    """A feature with two commits, one of them pushed; a colleague has reworked develop."""
    flow(stage)
    stage.project.git("switch", "-q", "-c", "feature/tool")
    _commit(stage, "feat: a tool", "tooling.txt", "tool\n")
    _push(stage, "feature/tool")
    _commit(stage, "feat: more of it", "tooling.txt", "tool\nand more\n")
    a_colleague_reworks(stage)


def _disputed(stage: Stage) -> None:
    """The release conflicts with a newer one and with develop, each in its own way."""
    _opened(stage)
    for branch, version, content in (("develop", "1.1.0", "1.1"), ("develop", "", "develop")):
        stage.project.git("switch", "-q", branch)
        if version:
            _invoke(stage, "release.prepare", version, "--push", "--yes")
        _commit(stage, f"fix: otherwise in {content}", "run.sh", f"echo {content}\n")
        stage.project.git("push", "-q", "origin", "HEAD")
    stage.project.git("switch", "-q", _RELEASE)


def _staged(stage: Stage) -> None:
    """Resolve the first conflict: edit, git add."""
    place = stage.slot / "work-merge-release-v1.1.0"
    (place / "run.sh").write_text("echo release and 1.1\n")
    stage.project.git("add", "run.sh", cwd=place)


def _committed(stage: Stage) -> None:
    """Resolve the second one, and commit the merge."""
    place = stage.slot / "work-merge-develop"
    (place / "run.sh").write_text("echo release and develop\n")
    stage.project.git("commit", "-q", "-a", "--no-edit", cwd=place)


FINISH = Case(name="finish", words=("release.finish", "--yes"), build=_released, pushes=True)
KEPT = Case(name="finish-no-push", words=("release.finish", "--no-push"), build=_released)
HOTFIX = Case(name="hotfix-finish", words=("hotfix.finish", "--yes"), build=_hotfixed, pushes=True)
CANDIDATE = Case(name="candidate", words=("release.candidate", "--yes"), build=_opened, pushes=True)
TAG = Case(name="tag-push", words=("tag", "--push", "--yes"), build=_merged, pushes=True)
HOTFIX_START = Case(name="hotfix-start", words=("hotfix.start",), build=behind)
FEATURE = Case(name="feature-finish", words=("feature.finish", "--yes"), build=_featured, pushes=True)
CONFLICT = Case(
    name="finish-conflict",
    words=("release.finish", "--yes"),
    build=_disputed,
    pushes=True,
    resolve=(_staged, _committed),
)

RELEASES = (FINISH, KEPT, HOTFIX, CANDIDATE, TAG, HOTFIX_START, FEATURE)
