"""A forge: a remote that protects branches, and lands pull requests in each of the ways in which forges do."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from support import Project, copied, git_flow, thorough

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# What the forge itself does passes; what people push to a protected branch does not.
HOOK = """\
#!/bin/sh
test -n "$FORGE" && exit 0
{read}
case " {protected} " in *" $ref "*)
    echo "GH006: Protected branch update failed for $ref." >&2
    exit 1 ;;
esac
{end}
"""
WAYS = ("merge", "squash", "rebase", "fast-forward")
SQUASHED = ("squash", *thorough("merge", "rebase", "fast-forward"))  # where one way shows what all do
REWRITTEN = ("squash", "rebase")  # the commits of the branch are not in what landed


class Forge(Project):
    """The server's own clone: people reach the remote through `project`."""

    def __init__(self, project: Project) -> None:
        super().__init__(project.folder)
        self.path = project.folder / "forge"
        if not self.path.exists():
            self.git("clone", "-q", str(self.remote), str(self.path), cwd=self.folder)

    def git(self, *arguments: str, cwd: Path | None = None, check: bool = True) -> str:
        env = {**os.environ, "FORGE": "1", "GIT_COMMITTER_NAME": "Forge"}
        done = subprocess.run(["git", *arguments], cwd=cwd or self.path, capture_output=True, check=False, env=env)
        if check and done.returncode != 0:
            raise AssertionError(f"git {' '.join(arguments)}: {done.stderr.decode()}")
        return done.stdout.decode("utf-8", "surrogateescape").strip()

    def protect(self, *branches: str, hook: str = "pre-receive") -> None:
        """Let nobody push to these branches; `hook` is pre-receive, or update, which is asked for each ref."""
        protected = " ".join(f"refs/heads/{branch}" for branch in branches)
        reads = {"pre-receive": "while read old new ref; do", "update": "ref=$1"}
        ends = {"pre-receive": "done", "update": ""}
        place = self.remote / "hooks" / hook
        place.write_text(HOOK.format(read=reads[hook], protected=protected, end=ends[hook]))
        place.chmod(0o755)

    def add(self, branch: str, message: str, files: Mapping[str, str]) -> str:
        """Commit on a branch of the remote, as a colleague who reviews it; return the commit."""
        self._switch(branch)
        commit = self.commit(message, files)
        self.git("push", "-q", "origin", branch)
        return commit

    def land(self, branch: str, how: str = "merge", *, into: str = "main", delete: bool = False) -> str:
        """Merge a pull request; return the commit that then is the tip of `into`."""
        self._switch(into)
        source = f"origin/{branch}"
        if how == "merge":
            self.git("merge", "-q", "--no-ff", "-m", f"Merge pull request #1 from {branch}", source)
        elif how == "squash":
            self.git("merge", "-q", "--squash", source)
            self.git("commit", "-q", "-m", f"Release {branch} (#1)")
        elif how == "rebase":
            self.git("switch", "-q", "-C", "rebased", source)
            # As a forge does: new commits, its own, even where the old ones would do.
            self.git("rebase", "-q", "--force-rebase", f"origin/{into}")
            self.git("switch", "-q", into)
            self.git("merge", "-q", "--ff-only", "rebased")
        else:
            self.git("merge", "-q", "--ff-only", source)
        self.git("push", "-q", "origin", into)
        if delete:
            self.git("push", "-q", "origin", f":{branch}")
        return self.ref("HEAD")

    def _switch(self, branch: str) -> None:
        self.git("fetch", "-q", "--prune", "origin")
        self.git("switch", "-q", "-C", branch, f"origin/{branch}")


def protected(folder: Path, *branches: str) -> tuple[Project, Forge]:
    """Make a Git Flow project whose remote protects `branches`, main if none are named."""

    def build(place: Path) -> None:
        Forge(git_flow(place)).protect(*(branches or ("main",)))

    project = copied(folder, f"protected {branches}", build)
    return project, Forge(project)


def awaiting(folder: Path, *branches: str) -> tuple[Project, Forge]:
    """Make such a project in which 1.0.0 is requested, and waits to be merged; its branch is checked out."""

    def build(place: Path) -> None:
        requested(protected(place, *branches)[0])

    project = copied(folder, f"awaiting {branches}", build)
    return project, Forge(project)


def requested(project: Project, version: str = "1.0.0", *options: str) -> str:
    """Prepare a release with a fix of its own and ask for a pull request; return the branch's tip."""
    assert project.invoke("release.prepare", version).code == 0
    project.commit("fix: last minute", {"late.txt": "late\n"})
    ended = project.invoke("release.finish", "--pr", "--yes", *options)
    assert ended.code == 0, ended.text
    return project.ref("HEAD")


def cloned(project: Project, name: str = "clone", *, branch: str = "develop") -> Project:
    """Return a fresh clone, as a colleague or a CI job has it, with this branch checked out."""
    clone = Project(project.folder)
    clone.path = project.folder / name
    address = f"file://{project.remote}"  # so that only what refs lead to comes
    project.git("clone", "-q", "-b", branch, address, str(clone.path), cwd=project.folder)
    return clone


def tagged(project: Project, tag: str = "v1.0.0") -> str:
    """Return the commit of a tag that is here and at the remote, the same object."""
    assert project.ref(f"refs/tags/{tag}") == project.remote_ref(f"refs/tags/{tag}") != ""
    return project.ref(f"{tag}^{{commit}}")


def contains(project: Project, branch: str, commit: str) -> bool:
    """Whether a branch of the remote contains a commit."""
    return commit in project.git("rev-list", branch, cwd=project.remote).split()


def finished(project: Project, *options: str) -> str:
    """Finish 1.0.0, which has landed; return what was said."""
    ended = project.invoke("release.finish", "--version", "1.0.0", "--yes", *options)
    assert ended.code == 0, ended.text
    return ended.err
