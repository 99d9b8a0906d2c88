"""`release.rehearse`: the release in a throw-away clone with its own bare remote; the repository is only read."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from release import config as configuration
from release import console, process
from release.errors import Exit, Problem, ReleaseError, usage
from release.flows import commands
from release.git import command

if TYPE_CHECKING:
    from collections.abc import Sequence

    from release.git.repository import Repository

CONFIG = "pyproject.toml"
_STEP_SECONDS = 3600.0  # one task of the rehearsal


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """Where the rehearsal plays: a folder with a bare remote and a clone of it."""

    folder: Path

    @property
    def remote(self) -> Path:
        """The bare repository that stands for the server."""
        return self.folder / "remote.git"

    @property
    def clone(self) -> Path:
        """The working clone."""
        return self.folder / "clone"

    def git(self, *arguments: str) -> str:
        """Run git in the clone."""
        return os.fsdecode(command.run(arguments, cwd=self.clone).out)


def rehearse(repository: Repository, wanted: str, *, keep: bool) -> None:
    """Show the whole release of `wanted` on copies; afterwards they are removed unless `keep`.

    Raises:
        ReleaseError: the repository cannot be cloned, or a step of the release fails (with the step's exit code).
    """
    stage = Stage(folder=Path(tempfile.mkdtemp(prefix="rehearsal-")))
    try:
        _set(stage, repository)
        _play(stage, wanted)
        _show(stage)
    finally:
        if keep:
            console.say(f"kept: {stage.clone} (remote: {stage.remote})")
        else:
            shutil.rmtree(stage.folder, ignore_errors=True)
            console.say("rehearsal removed; your repository was only read")


def _set(stage: Stage, repository: Repository) -> None:
    """Copy what HEAD holds: branches, those known of the remote, and tags, into a bare remote and a clone of it."""
    head = command.run(["rev-parse", "-q", "--verify", "HEAD^{commit}"], cwd=repository.top, accept=(0, 1, 128)).out
    if not head.strip():
        raise usage("the repository has no commit yet", "make the first commit")
    repository.refuse_shallow("it cannot be rehearsed")
    console.say(f"rehearsing on copies of {repository.top}")
    config = configuration.load(_committed(repository), origin=f"{CONFIG} at HEAD")
    main = config.main or (config.develop if config.develop in ("main", "master") else "main")
    command.run(["init", "-q", "--bare", f"--initial-branch={main}", str(stage.remote)], cwd=stage.folder)
    # The remote's branches first, the local ones over them: what would be released from here.
    for scope in ("refs/remotes/origin", "refs/heads", "refs/tags"):
        into = "refs/heads" if scope == "refs/remotes/origin" else scope
        command.run(
            ["fetch", "-q", "--no-tags", "--no-write-fetch-head", str(repository.top), f"+{scope}/*:{into}/*"],
            cwd=stage.remote,
        )
    command.run(["update-ref", "-d", "refs/heads/HEAD"], cwd=stage.remote)  # origin/HEAD is no branch
    known = command.run(["for-each-ref", "--format=%(refname)", "refs/heads"], cwd=stage.remote).out.decode().split()
    if f"refs/heads/{main}" not in known:
        command.run(["update-ref", f"refs/heads/{main}", head.decode().strip()], cwd=stage.remote)
    start = config.develop if f"refs/heads/{config.develop}" in known else main
    command.run(["clone", "-q", "--branch", start, str(stage.remote), str(stage.clone)], cwd=stage.folder)
    _introduce(stage, repository)
    if config.develop == main:
        _add_develop(stage)
    if not (stage.clone / "tasks.py").exists():
        (stage.clone / "tasks.py").write_text("from release import ns\n")
        (stage.clone / ".git" / "info" / "exclude").write_text("/tasks.py\n")


def _committed(repository: Repository) -> bytes | None:
    shown = command.run(["show", f"HEAD:{CONFIG}"], cwd=repository.top, accept=(0, 128))
    return shown.out if shown.status == 0 else None


def _introduce(stage: Stage, repository: Repository) -> None:
    """Commit as the user does; where git does not know them, as a rehearsal."""
    for key, stand_in in (("user.name", "Rehearsal"), ("user.email", "rehearsal@localhost")):
        known = command.run(["config", key], cwd=repository.top, accept=(0, 1)).out.decode().strip()
        stage.git("config", key, known or stand_in)
    stage.git("config", "commit.gpgSign", "false")


def _add_develop(stage: Stage) -> None:
    """Give a trunk-mode project a develop branch, in the clone alone, so that Git Flow can be seen."""
    path = stage.clone / CONFIG
    path.write_bytes(configuration.edited(path.read_bytes(), {"develop": "develop"}))
    stage.git("switch", "-q", "-c", "develop")
    stage.git("commit", "-q", "-m", "chore: rehearse with a develop branch", "--", CONFIG)
    stage.git("push", "-q", "origin", "refs/heads/develop:refs/heads/develop")
    console.say("trunk mode: added a branch develop to the copy")


def _play(stage: Stage, wanted: str) -> None:
    """Prepare, make a candidate, finish: what a maintainer types, and what each task prints."""
    _task(stage, ["release.prepare", wanted, "--dry-run"])
    _task(stage, ["release.prepare", wanted, "--push", "--yes"])
    _task(stage, ["release.candidate", "--yes"])
    _task(stage, ["release.status"])
    _task(stage, ["release.finish", "--dry-run"])
    _task(stage, ["release.finish", "--yes"])
    _task(stage, ["version", "--check"])
    _task(stage, ["release.status"])


def _task(stage: Stage, words: Sequence[str]) -> None:
    """Run one task in a process of its own."""
    console.say(f"$ {commands.invoke(*words)}")
    program = [sys.executable, "-m", "invoke", *words]
    result = process.run(program, cwd=stage.clone, env=dict(os.environ), timeout=_STEP_SECONDS)
    for line in (result.out + result.err).decode("utf-8", "replace").splitlines():
        console.show(f"  {line}")
    if result.status != 0:
        what = f"the rehearsal stopped: invoke {words[0]} ended with {result.status}"
        code = Exit(result.status) if result.status in set(Exit) else Exit.UNEXPECTED
        raise ReleaseError([Problem(what=what, hint="its last lines, above, say why", exit=code)])


def _show(stage: Stage) -> None:
    console.show("the result:")
    for line in stage.git("log", "--graph", "--oneline", "--decorate", "--all", "-n", "14").splitlines():
        console.show(f"  {line}")
    console.show("at the remote:")
    shown = command.run(
        ["for-each-ref", "--format=%(refname:short) %(objecttype)", "--sort=-creatordate", "--count=6"],
        cwd=stage.remote,
    ).out
    for line in os.fsdecode(shown).splitlines():
        console.show(f"  {line}")
