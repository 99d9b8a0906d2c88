"""Where a release stands: branches, versions, what is in progress, and the next command."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from release import config as configuration
from release import conventional
from release import version as versions
from release.errors import Problem, ReleaseError
from release.flows import ancestry, commands, fixes, prepare, situation, subjects, unpublished
from release.gates import state
from release.git import history, journal
from release.git import world as git

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from release.flows.situation import Branch, Situation
    from release.gates.state import State

_FEATURES = 10  # features whose distance is counted; of more, the names are enough
_TO_BE_TAGGED = ("release", "hotfix")
_GATED = ("main", "trunk", "support", "develop", *_TO_BE_TAGGED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One branch of the flow: its version, and how far it and the branch that it goes to are from each other.

    `depth` is how far in it is drawn: below the branch that it came from. `tag` is the version tag on its tip, `tree`
    what the tip holds, and `gates` what is known of its gates for that: none where nothing is released.
    """

    role: str
    branch: str
    version: str
    commit: str
    tag: str
    where: str
    ahead: int
    behind: int
    against: str
    current: bool
    depth: int
    tree: str = ""
    gates: tuple[State, ...] = ()

    def facts(self) -> dict[str, Any]:
        """The same as plain data, for JSON."""
        plain = {name: getattr(self, name) for name in self.__slots__}
        return {**plain, "gates": [one.facts() for one in self.gates]}

    @property
    def marks(self) -> str:
        """Say what is known of the gates; "" where they are not waited for and none has passed."""
        is_waiting = self.role in _TO_BE_TAGGED
        shown = self.gates if is_waiting or any(one.receipt is not None for one in self.gates) else ()
        return f"gates: {', '.join(one.mark for one in shown)}" if shown else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stopped:
    """What is in progress: the task, its phase, why it stopped, and where a person has to resolve something.

    `can_undo`: nothing of it has been pushed yet.
    """

    task: str
    phase: str
    why: str
    worktree: str
    can_undo: bool


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What `release.status` shows. `worktree` is where a merge is to be resolved, `story` says what is in progress."""

    lines: tuple[Line, ...]
    last: str
    remote: str
    stopped: Stopped | None
    next: str

    def facts(self) -> dict[str, Any]:
        """The same as plain data, for JSON."""
        return {
            "branches": [line.facts() for line in self.lines],
            "last_release": self.last or None,
            "remote": self.remote or None,
            "in_progress": asdict(self.stopped) if self.stopped else None,
            "next": self.next,
        }


def standing(scene: Situation) -> Standing:
    """Look at main, support branches, hotfixes, develop, the open releases and features."""
    main = scene.main
    found = list(_below(scene, "trunk" if scene.trunk else "main", main, None, 0))
    for branch in _of(scene, "support"):
        found += _below(scene, "support", branch, None, 0)
    if not scene.trunk and scene.develop.exists:
        found += _below(scene, "develop", scene.develop, main, 0)
    tip = main.there or main.here
    last = scene.released(tip).greatest if tip is not None else None
    stopped = _stopped(journal.read(scene.repository))
    return Standing(
        lines=tuple(found),
        last="" if last is None else str(last.version),
        remote=scene.world.remote,
        stopped=stopped,
        next=_next(found, stopped)
        if stopped is not None
        else _unpublished(scene) or _untagged(scene, found, tip) or _next(found, None),
    )


def _unpublished(scene: Situation) -> str:
    """Return the push of releases that are only here; "" when there are none."""
    push = unpublished.push(scene)
    if push is None:
        return ""
    problem = next(unpublished.unsigned(scene, push.updates), None)
    if problem is not None:
        return f"{unpublished.named(push)} only here, and not to be pushed: {problem.what}"
    return f"{unpublished.named(push)} only here: {commands.push(scene, push)}"


def _untagged(scene: Situation, lines: Sequence[Line], tip: str | None) -> str:
    """Return how a version that landed on main gets its tag; "" when main's version has one, or main had none ever."""
    held = None if tip is None else scene.version_at(tip)
    last = None if tip is None else scene.released(tip).greatest
    if held is None or last is None or not versions.is_final(held) or held in scene.tags or held <= last.version:
        return ""
    of = next((line for line in lines if line.role in ("release", "hotfix") and line.version == str(held)), None)
    if of is not None:
        flag = ("--version", str(held)) if of.role == "release" else ("--name", of.branch)
        return f"{held} landed on {scene.main.name}: {commands.invoke(f'{of.role}.finish', *flag)}"
    return (
        f"{scene.main.name} holds {held} without a tag: invoke release.finish --version {held}    "
        "or, when no release branch was merged: invoke tag --push"
    )


def _below(scene: Situation, role: str, branch: Branch, against: Branch | None, depth: int) -> Iterator[Line]:
    """Yield a branch, and below it those that came from it."""
    yield _line(scene, role, branch, against, depth)
    if role in ("main", "trunk", "support"):
        for hotfix in _of(scene, "hotfix"):
            tip = hotfix.here or hotfix.there
            assert tip is not None  # noqa: S101  # branches() lists what exists
            if subjects.origin(scene, tip).name == branch.name:
                yield _line(scene, "hotfix", hotfix, branch, depth + 1)
    if role in ("develop", "trunk"):
        for release in scene.open_releases.values():
            yield _line(scene, "release", release, scene.main, depth + 1)
        for release, version, ahead in fixes.kept(scene):
            tag = versions.tag_name(version, scene.config.tag)
            yield replace(_line(scene, "released", release, None, depth + 1), ahead=ahead, against=tag)
        features = _of(scene, "feature")
        for feature in features:
            yield _line(scene, "feature", feature, branch if len(features) <= _FEATURES else None, depth + 1)


def _of(scene: Situation, group: str) -> list[Branch]:
    return [branch for branch in scene.branches() if scene.group(branch.name) == group]


def _line(scene: Situation, role: str, branch: Branch, against: Branch | None, depth: int) -> Line:
    tip = branch.here or branch.there
    other = None if against is None else against.here or against.there
    ahead = behind = 0
    is_known = tip is not None and scene.objects.resolve(tip) is not None  # features of others are not fetched
    if tip is not None and is_known and other is not None:
        ahead, behind = git.relation(scene.repository, tip, other)
    version = scene.version_at(tip) if tip is not None and is_known else None
    if branch.here and branch.there:
        where = "" if branch.here == branch.there else f"differs from {scene.world.remote}"
    else:
        where = "only here" if branch.here else f"only at {scene.world.remote}"
    tags = [version for version, commit in scene.tags.items() if commit == tip]
    tree = scene.objects.commit(tip).tree if tip is not None and is_known else ""
    return Line(
        role=role,
        branch=branch.name,
        version="" if version is None else str(version),
        commit=tip or "",
        tag=versions.tag_name(max(tags), scene.config.tag) if tags else "",
        where=where if scene.world.remote else "",
        ahead=ahead,
        behind=behind,
        against="" if against is None else against.name,
        current=scene.worktree.branch == branch.ref,
        depth=depth,
        tree=tree,
        gates=state.of(scene.repository, _gates(scene, tip), tree) if tip and tree and role in _GATED else (),
    )


def _gates(scene: Situation, tip: str) -> tuple[str, ...]:
    """Return the gates that a commit is to pass; none when its configuration cannot be read, which others tell."""
    there, here = (scene.objects.entry(commit, situation.CONFIG) for commit in (tip, scene.worktree.head))
    if there == here:
        return scene.config.gates
    try:
        return configuration.load(scene.objects.file(tip, situation.CONFIG), origin=situation.CONFIG).gates
    except ReleaseError:
        return ()


def _stopped(found: journal.Journal | None) -> Stopped | None:
    """Say what is in progress, and why it is not over."""
    if found is None:
        return None
    opened = None if found.stop is None or found.phase != "conflict" else found.stop.opened
    worktree = "" if opened is None else opened.path
    return Stopped(
        task=found.plan.task,
        phase=found.phase,
        why=journal.describe(found),
        worktree=worktree,
        can_undo=found.can_undo,
    )


def _next(lines: Sequence[Line], stopped: Stopped | None) -> str:
    """Return the command that usually comes next."""
    if stopped is not None:
        resolving = f"resolve it in {stopped.worktree}, git add, then: " if stopped.worktree else ""
        return f"{resolving}invoke release.resume{', or invoke release.abort' if stopped.can_undo else ''}"
    here = _from_here(next((line for line in lines if line.current), None))
    if here:
        return here
    waiting = next((line for role in ("hotfix", "release") for line in lines if line.role == role), None)
    if waiting is not None:
        return commands.git("switch", waiting.branch)
    return "invoke release.prepare next --dry-run"


def _from_here(current: Line | None) -> str:
    """Return what usually comes next on a branch that one stands on to work on it; "" elsewhere."""
    if current is not None and current.role in ("hotfix", "feature"):
        return f"commit on {current.branch}, then: invoke {current.role}.finish --dry-run"
    if current is not None and current.role == "release":
        if current.tag:
            return f"test {current.tag}, then: invoke release.finish --dry-run"
        return f"commit fixes on {current.branch}, then: invoke release.candidate, or invoke release.finish --dry-run"
    if current is not None and current.role == "released":
        return f"its commits are not in {current.against}: how they are taken along says invoke release.finish"
    return ""


def problems(scene: Situation, wanted: str) -> list[Problem]:
    """Return everything that would stop the next step from where the worktree stands.

    On an open release branch that is what would stop its end; elsewhere, what would stop `release.prepare WANTED`.
    """
    current = scene.worktree.branch.removeprefix("refs/heads/")
    opened = {branch.name: version for version, branch in scene.open_releases.items()}
    found: list[Problem] = []
    try:
        found += ancestry.problems(scene)
        if current in opened:
            return [*found, *_release_branch(scene, scene.branch(current), opened[current])]
        prepare.prepare(scene, wanted, push=False, allow_empty=False)
    except ReleaseError as error:
        found += error.problems
    return found


def _release_branch(scene: Situation, branch: Branch, version: versions.Version) -> list[Problem]:
    """What is wrong on an open release branch: features, a VERSION of another release, drift, a dirty worktree."""
    tip = branch.here or branch.there
    assert tip is not None  # noqa: S101  # the worktree stands on it
    held = scene.version_at(tip)
    found = list(prepare.branch_problems(scene, tip, branch.name))
    if held is None or versions.release_segment(held) != version:
        found.append(subjects.other_version(branch, held, version))
    onto = situation.starting_point(scene, scene.main)[0]
    found += fixes.overtaken(scene, branch, tip, version, target=scene.main, onto=onto)
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
