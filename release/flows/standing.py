"""Where a release stands: branches, versions, what is in progress, and the next command."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from release import conventional
from release import version as versions
from release.errors import Problem, ReleaseError
from release.flows import prepare
from release.git import history, journal
from release.git import world as git

if TYPE_CHECKING:
    from release.flows.situation import Branch, Situation


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One branch of the flow: its version, and how far it is from the branch it came from."""

    role: str
    branch: str
    version: str
    commit: str
    where: str
    ahead: int
    against: str
    current: bool


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What `release.status` shows."""

    lines: tuple[Line, ...]
    last: str
    remote: str
    in_progress: str
    phase: str
    next: str

    def facts(self) -> dict[str, Any]:
        """The same as plain data, for JSON."""
        return {
            "branches": [{name: getattr(line, name) for name in Line.__slots__} for line in self.lines],
            "last_release": self.last or None,
            "remote": self.remote or None,
            "in_progress": {"task": self.in_progress, "phase": self.phase} if self.in_progress else None,
            "next": self.next,
        }


def standing(scene: Situation) -> Standing:
    """Look at main, develop and the open releases."""
    main = scene.main
    lines = [_line(scene, "main" if not scene.trunk else "trunk", main, None)]
    if not scene.trunk and scene.develop.exists:
        lines.append(_line(scene, "develop", scene.develop, main))
    lines += [_line(scene, "release", branch, main) for branch in scene.open_releases.values()]
    tip = main.there or main.here
    last = scene.released(tip).greatest if tip is not None else None
    found = journal.read(scene.repository)
    return Standing(
        lines=tuple(lines),
        last="" if last is None else str(last.version),
        remote=scene.world.remote,
        in_progress="" if found is None else found.plan.task,
        phase="" if found is None else found.phase,
        next=_next(scene, interrupted=found is not None),
    )


def _next(scene: Situation, *, interrupted: bool) -> str:
    if interrupted:
        return "invoke release.resume, or invoke release.abort"
    current = scene.worktree.branch.removeprefix("refs/heads/")
    opened = [branch.name for branch in scene.open_releases.values()]
    if current in opened:
        return f"commit fixes on {current}; what would stop it: invoke release.check"
    if opened:
        return f"git switch {opened[0]}"
    return "invoke release.prepare next --dry-run"


def _line(scene: Situation, role: str, branch: Branch, against: Branch | None) -> Line:
    tip = branch.here or branch.there
    other = None if against is None else against.here or against.there
    ahead = git.relation(scene.repository, tip, other)[0] if tip is not None and other is not None else 0
    version = None if tip is None else scene.version_at(tip)
    if branch.here and branch.there:
        where = "" if branch.here == branch.there else f"differs from {scene.world.remote}"
    else:
        where = "only here" if branch.here else f"only at {scene.world.remote}"
    return Line(
        role=role,
        branch=branch.name,
        version="" if version is None else str(version),
        commit=tip or "",
        where=where if scene.world.remote else "",
        ahead=ahead,
        against="" if against is None else against.name,
        current=scene.worktree.branch == branch.ref,
    )


def problems(scene: Situation, wanted: str) -> list[Problem]:
    """Return everything that would stop the next step from where the worktree stands.

    On an open release branch that is what would stop its end; elsewhere, what would stop `release.prepare WANTED`.
    """
    current = scene.worktree.branch.removeprefix("refs/heads/")
    opened = {branch.name: version for version, branch in scene.open_releases.items()}
    try:
        if current in opened:
            return _release_branch(scene, scene.branch(current), opened[current])
        prepare.prepare(scene, wanted, push=False, allow_empty=False)
    except ReleaseError as error:
        return list(error.problems)
    return []


def _release_branch(scene: Situation, branch: Branch, version: versions.Version) -> list[Problem]:
    """What is wrong on an open release branch: features, a VERSION of another release, drift, a dirty worktree."""
    tip = branch.here or branch.there
    assert tip is not None  # noqa: S101  # the worktree stands on it
    held = scene.version_at(tip)
    found = list(prepare.branch_problems(scene, tip, branch.name))
    if held is None or versions.release_segment(held) != version:
        found.append(
            Problem(
                what=f"VERSION of {branch.name} is {held or 'missing'}",
                hint=f"it has to be {version} or a pre-release of it: invoke bump {version}",
            )
        )
    since = scene.develop.there or scene.develop.here
    for message in history.messages(scene.repository, since, tip):
        commit = conventional.read(message)
        if commit.is_feature:
            found.append(
                Problem(
                    what=f"{branch.name} has a feature: {message.splitlines()[0]}",
                    hint="a release branch takes fixes and documentation only: move it to develop",
                )
            )
    return found
