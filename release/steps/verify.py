"""`release.verify`: what was published, fetched where users fetch it, against what was made."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from release.artifacts import files, store
from release.artifacts.bundle import Bundle
from release.artifacts.publish.job import Seen, State
from release.errors import Exit, ReleaseError
from release.gates import environment
from release.gates.package import clean, wheel
from release.gates.security.programs import Programs
from release.steps import publish, seals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from release.artifacts.publish.job import Job
    from release.artifacts.tagged import Tagged


def verify(work: Job, release: Tagged, names: tuple[str, ...]) -> Iterator[Seen]:
    """Yield what came of each look, whatever it is; the files of the bundle were checked before."""
    yield from _tried("tag", lambda: _tag(work, release))
    told = "as SHA256SUMS and release.json say"
    yield Seen(f"{len(work.record.files) + 1} files of the release", State.CHECKED, told)
    yield from _tried("provenance", lambda: _sealed(work, release))
    for name in names:
        yield from _tried(name, lambda name=name: publish.publisher(name).check(work))  # type: ignore[misc]
    if "index" in names:
        yield from _tried("installation", lambda: _installed(work))


def code(seen: list[Seen]) -> Exit:
    """Return the exit code for all looks together."""
    states = {one.state for one in seen}
    if State.MISMATCH in states:
        return Exit.REFUSED
    return Exit.NOT_AUDITED if State.UNSEEN in states else Exit.DONE


def _tried(name: str, look: Callable[[], Iterator[Seen]]) -> Iterator[Seen]:
    """Yield what a look yields, and in place of what it raises that it could not look, or found something else."""
    try:
        yield from look()
    except ReleaseError as error:
        for problem in error.problems:
            state = State.MISMATCH if problem.exit is Exit.REFUSED else State.UNSEEN
            yield Seen(name, state, problem.what)
    except OSError as error:
        yield Seen(name, State.UNSEEN, f"{error.filename or 'a file'}: {error.strerror or error}")


def _tag(work: Job, release: Tagged) -> Iterator[Seen]:
    note = publish.refuse_unpushed(work.repository, release)
    what = f"tag {release.name}"
    yield Seen(what, State.UNSEEN if note else State.CHECKED, note or f"{release.oid[:12]}… here and at the remote")


def _sealed(work: Job, release: Tagged) -> Iterator[Seen]:
    """Look at the signature of the tag, and at provenance; that there is none is only told."""
    signer = seals.tag_signer(work.repository, release)
    if signer:
        yield Seen(f"signature of {release.name}", State.CHECKED, signer)
    verdict = seals.looked_at(work.repository, release, Bundle(work.folder, work.record))
    if verdict is None:
        work.say("note: these files have no provenance: nobody has signed for them")
        return
    for line in verdict.wrong:
        yield Seen("provenance", State.MISMATCH, line)
    for line in verdict.unseen:
        yield Seen("provenance", State.UNSEEN, line)
    if verdict.is_good:
        yield Seen("provenance", State.CHECKED, verdict.signer)


def _installed(work: Job) -> Iterator[Seen]:
    """Install the wheel that was fetched into a clean environment, and import it."""
    made = {one.name: one for one in work.record.files}
    found = files.read(work.fetched).dists if work.fetched.is_dir() else ()
    sound = {
        one: wheel.look(one).paths
        for one in found
        if one.kind == files.WHEEL and store.files(work.fetched, [one.path]) == (made.get(one.file),)
    }
    if not sound:
        yield Seen("installation", State.UNSEEN, "no wheel was fetched that is as it was made")
        return
    env = environment.variables()
    path = os.pathsep.join([str(Path(sys.executable).parent), env.get("PATH", os.defpath)])
    place = work.scratch / "installed"
    place.mkdir()
    seen = clean.look(sound, Programs(env={**env, "PATH": path}, folder=place))
    for line in seen.findings:
        yield Seen("installation", State.MISMATCH, line)
    for line in seen.blind:
        yield Seen("installation", State.UNSEEN, line)
    if seen.looked and not seen.findings:
        yield Seen("installation", State.CHECKED, "; ".join(seen.looked))
