"""The commit that makes a branch say a version: VERSION, every site and the changelog's section."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from release import version as versions
from release.beside import Beside
from release.errors import Exit, Problem, ReleaseError
from release.formats import changelog as document
from release.formats import sites
from release.steps import changelog, commit, section
from release.steps.working_tree import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from release.config import Config
    from release.flows.sides import Sides
    from release.flows.situation import Situation
    from release.git.history import Released
    from release.git.snapshot import Snapshot
    from release.plan import FileDiff
    from release.version import Version

_DATE = re.compile(rb"\d{4}-\d{2}-\d{2}")


class Wanted(NamedTuple):
    """What a branch is to say: a version, and a section of the changelog ("open", "finished", or "" for none).

    The section tells what `told` (a commit; "" for the branch's tip) has and the last release has not.
    """

    version: Version
    section: str
    allow_empty: bool
    message: str
    always: bool = False  # a commit even when nothing has to change
    told: str = ""


class Content(NamedTuple):
    """A tip that says it: the commit (the tip itself if nothing had to change), its tree, what the preview shows."""

    commit: str
    tree: str
    diffs: tuple[FileDiff, ...]
    made: commit.Made | None


def of_branch(
    scene: Situation, sides: Sides, *, tip: str, name: str, released: Released, wanted: Wanted
) -> tuple[Content, list[Problem]]:
    """Make, in memory, the commit on `tip` that says what is wanted; also return what stands in the way."""
    tree = sides.tree_of(tip)
    before = sides.files(tree)
    config = sides.config(tree, name)
    telling = Beside(_section(scene, config, before, tip, released, wanted)) if wanted.section else None
    found = sides.survey(tree, name, released)
    edits = sites.edits(before, found.sites, wanted.version)
    if VERSION not in before.entries:
        edits[VERSION] = f"{wanted.version}\n".encode()
    problems = list(found.problems)
    if telling is not None:
        problems += _objection(config.changelog, before.edited(edits), edits)
        try:
            edits |= telling.result()
        except ReleaseError as error:
            problems += error.problems
    after = before.edited(edits)
    if problems or not (wanted.always or after.changed()):
        return Content(tip, tree, (), None), problems
    made = commit.of_snapshot(scene.writer, after, parent=tip, message=wanted.message, identity=scene.identity)
    return Content(made.commit, made.tree, commit.diffs(after), made), []


def _objection(path: str, after: Snapshot, edits: Mapping[str, bytes]) -> list[Problem]:
    """Say why the changelog cannot stand where it is configured to."""
    objection = "holds the version itself" if path == VERSION or path in edits else after.objection(path)
    hint = "name another file: changelog = in [tool.release]"
    return [Problem(what=f"the changelog {path} {objection}", hint=hint, exit=Exit.USAGE)] if objection else []


def _section(
    scene: Situation, config: Config, files: Snapshot, tip: str, released: Released, wanted: Wanted
) -> Callable[[], dict[str, bytes]]:
    """Return a function, to be run beside others, that returns the changelog with the section, if it changes."""
    source = section.Source(
        repository=scene.repository,
        cliff=files.get(section.CLIFF),
        remote_url=scene.world.setting(f"remote.{scene.world.remote}.url") or "",
        tag=config.tag,
    )
    path, name = config.changelog, str(versions.release_segment(wanted.version))
    old = None if files.objection(path) else files.get(path)
    told = old if old is None else _renumbered(scene, old, tip, released, name)
    stop = wanted.told or tip
    last, date = scene.since(scene.released(stop).greatest), changelog.day(scene.now)
    known = section.last_range(scene.repository, scene.objects, path, version=wanted.version, tip=tip, since=last)

    def write() -> dict[str, bytes]:
        written = source.written(
            told,
            version=wanted.version,
            last=last,
            stop=stop,
            date=date,
            # A section that is there was accepted as it is when the release was opened.
            allow_empty=wanted.allow_empty or (told is not None and document.has_section(told, name)),
            known=known,
        )
        if wanted.section == "finished":
            written = document.finish_section(written, name, date)
        return {} if old is not None and _is_dated_anew(old, written) else {path: written}

    return write


def _renumbered(scene: Situation, old: bytes, tip: str, released: Released, name: str) -> bytes:
    """Return a changelog whose finished section, of a hotfix that gets another number now, has that number."""
    held, last = scene.version_at(tip), released.greatest
    if held is None or not versions.is_final(held) or (last is not None and held <= last.version):
        return old
    return document.rename_section(old, str(held), name)


def _is_dated_anew(old: bytes, new: bytes) -> bool:
    """Whether nothing but a date differs: a finished section keeps the day on which it was finished."""
    pairs = list(zip(old.split(b"\n"), new.split(b"\n"), strict=False))
    return (
        len(old) == len(new)
        and b"<!-- release:" not in new
        and all(one == two or _DATE.sub(b"", one) == _DATE.sub(b"", two) for one, two in pairs)
    )
