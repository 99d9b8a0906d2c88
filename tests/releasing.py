"""What the tests of flows ask of a repository: which version it says everywhere, what moved, and what is refused."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from support import Ended, Project, bare, copied

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DAY = 86_400
# Where the generated project holds its version, read without the product; the charts spell it as SemVer does.
PLACES = {
    "VERSION": r"\A(.*?)\r?\n?\Z",
    "pyproject.toml": r'^version = "(.*?)"',
    "src/demo/__init__.py": r'^__version__ = "(.*?)"',
    "Dockerfile": r"^LABEL version=(\S+)",
}
CHART = r"^(?:version|appVersion): '?([^'\s]+)"
_SEMVER = (("a", "-alpha."), ("b", "-beta."), ("rc", "-rc."), (".dev", "-0.dev."))


def semver(version: str) -> str:
    match = re.fullmatch(r"(\d+\.\d+\.\d+)(a|b|rc|\.dev)(\d+)", version)
    return version if match is None else f"{match[1]}{dict(_SEMVER)[match[2]]}{match[3]}"


def said(project: Project, commit: str) -> set[str]:
    """Return every version that the project's own places hold in a commit, those of the chart by their SemVer text."""
    found = set()
    for path, pattern in PLACES.items():
        found |= set(re.findall(pattern, project.at(commit, path), re.MULTILINE if path != "VERSION" else 0))
    return found | set(re.findall(CHART, project.at(commit, "chart/Chart.yaml"), re.MULTILINE))


def says(project: Project, commit: str, version: str) -> None:
    """Assert that a commit says one version everywhere, and that what only looks like it was left alone."""
    assert said(project, commit) == {version, semver(version)}
    text = project.at(commit, "pyproject.toml")
    assert 'python_version = "0.9.0"' in text
    assert '"other==0.9.0"' in text


def parents(project: Project, commit: str) -> list[str]:
    return project.git("rev-list", "--parents", "-n1", commit).split()[1:]


def contains(project: Project, commit: str, older: str) -> bool:
    return project.git("merge-base", commit, older) == project.git("rev-parse", f"{older}^{{commit}}")


def headings(project: Project, commit: str) -> list[str]:
    """Return the names of the changelog's sections, in their order."""
    return re.findall(r"^## \[(.*?)\]", project.at(commit, "CHANGELOG.md"), re.MULTILINE)


def section(project: Project, commit: str, version: str) -> str:
    """Return the text of a changelog section below its heading."""
    text = project.at(commit, "CHANGELOG.md").partition(f"## [{version}]")[2]
    return text.partition("\n")[2].partition("\n## ")[0].strip()


def done(ended: Ended, *hints: str) -> str:
    """Assert that a task went well and said these things; returns what it said."""
    assert ended.code == 0, ended.text
    for hint in hints:
        assert hint in ended.text, ended.text
    return ended.text


def refuses(project: Project, *words: str, code: int = 3, says: str = "") -> str:
    """Assert that a task ends with `code` and one message, and that nothing at all has changed."""
    before = project.state(times=True)
    ended = project.invoke(*words)
    assert (ended.code, project.state(times=True) == before) == (code, True), ended.text
    assert says in ended.err, ended.text
    assert "Traceback" not in ended.err
    return ended.err


def type_in(project: Project, ended: Ended, label: str) -> None:
    """Type the command that a task printed after `label` ("next" or "undo"), as its reader would."""
    command = next(line for line in ended.err.splitlines() if line.startswith(f"{label}: "))
    project.typed(command.removeprefix(f"{label}: "))


def pushed(project: Project) -> None:
    """Assert that branches and tags are the same here and at the remote."""
    listed = ["for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/tags"]
    assert project.git(*listed) == project.git(*listed, cwd=project.remote)


def opened(project: Project, version: str, fixes: Mapping[str, str] | None = None, *, push: bool = True) -> None:
    """Open a release, and commit fixes on its branch."""
    done(project.invoke("release.prepare", version, *(["--push", "--yes"] if push else [])))
    for path, text in (fixes or {}).items():
        project.commit(f"fix: {path}", {path: text})


def hotfixed(project: Project, *words: str, fix: str = "hot.txt") -> None:
    """Open a hotfix, and commit the fix."""
    done(project.invoke("hotfix.start", *words))
    project.commit(f"fix: {fix}", {fix: "mended\n"})


def trunk(folder: Path, files: Mapping[str, str | bytes], *, tag: str = "v0.9.0") -> Project:
    """Make a project in trunk mode: main tagged, one commit ahead, pushed."""

    def build(place: Path) -> None:
        project = bare(place)
        text = files["pyproject.toml"]
        assert isinstance(text, str)
        project.commit("feat: begin", {**files, "pyproject.toml": f'{text}develop = "main"\n'})
        if tag:
            project.git("tag", "-a", tag, "-m", tag)
        project.commit("feat: more", {"more.txt": "x\n"})
        project.git("push", "-q", "origin", "main", *([tag] if tag else []))

    return copied(folder, f"trunk {files} {tag}", build)
