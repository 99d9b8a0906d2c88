"""How git is called: an old one is refused by every task, and few processes are started."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from support import Project, wrap_git

if TYPE_CHECKING:
    from pathlib import Path

# As git 2.34 does: rev-parse repeats an option that it does not know.
OLD = """\
case " $* " in
*" version "*) echo "git version 2.34.1"; exit ;;
*" rev-parse "*) for word; do case $word in --exclude-hidden=*) echo "$word" ;; esac; done ;;
esac
exec "$GIT" "$@"
"""


@pytest.mark.parametrize("words", [("release.prepare", "1.0.0"), ("bump", "1.0.0"), ("version",), ("release.resume",)])
def test_an_old_git_is_one_clear_message(
    project: Project, words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrap_git(tmp_path / "bin", OLD, monkeypatch)
    before = project.state()
    ended = project.invoke(*words)
    assert (ended.code, project.state() == before) == (2, True), ended.text
    assert ended.err == "error: git 2.34.1 is too old\n  install git 2.39 or newer\n"


def test_prepare_starts_few_processes(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"):  # with them the author is asked for apart
        monkeypatch.delenv(name)
    calls = project.folder / "calls"
    monkeypatch.setenv("GIT_TRACE2_EVENT", str(calls))
    assert project.invoke("release.prepare", "1.0.0").code == 0
    events = [json.loads(line) for line in calls.read_text().splitlines()]
    ours = [event for event in events if event["event"] == "start" and "/" not in event["sid"]]
    assert len(ours) <= 18, "\n".join(" ".join(event["argv"]) for event in ours)
