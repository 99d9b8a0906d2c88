"""Which commits a section tells: a range of a real repository, whatever tags, branches and clones there are."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from commits import History

from release.errors import Exit, ReleaseError
from release.steps import notes, shadow
from release.steps.shadow import MissingHistoryError

SECTION = """\
## [1.1.0] - 2026-01-31

### Added

- **api:** Second thing
- Third thing

### Fixed

- **breaking:** Wrong default: set it yourself now
"""


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "history")


def grown(history: History) -> str:
    """Write what SECTION tells; return where it starts."""
    start = history.commit("feat: first thing\n")
    history.commit("feat(api): second thing\n\nWith a body.\n")
    history.commit("docs: not for users\n")
    history.commit("fix!: wrong default\n\nBREAKING CHANGE: set it\nyourself now\n")
    history.commit("feat: third thing\n")
    history.commit("chore(release): 1.1.0rc1\n")
    return start


def test_a_section_tells_the_range_by_the_groups_of_keep_a_changelog(history: History) -> None:
    assert history.render(grown(history)) == SECTION


def test_without_a_start_it_tells_the_whole_history(history: History) -> None:
    grown(history)
    assert history.entries()[0] == "First thing"
    assert len(history.entries()) == 4


def test_tags_hide_nothing(history: History) -> None:
    start = history.commit("chore: root\n")
    history.git("tag", "v1.0.0")
    history.commit("feat: before the candidate\n")
    history.git("tag", "v1.1.0rc1")
    history.commit("feat: after the candidate\n")
    history.git("tag", "-a", "-m", "legacy", "release-7")
    history.git("tag", "v1.1.0rc2")
    history.git("tag", "v1.1.0")  # rc and GA on one commit
    wanted = ["Before the candidate", "After the candidate"]
    assert history.entries(start) == wanted
    # Patterns of a cliff.toml cannot hide them either.
    hiding = 'tag_pattern = "none"\nskip_tags = "1"\nignore_tags = "."\ncount_tags = "none"\nlimit_tags = 0\n'
    assert history.entries(start, cliff=with_git(hiding)) == wanted


def with_git(lines: str) -> str:
    """Return the packaged cliff.toml with other lines in [git]."""
    keys = {line.split(" ")[0] for line in lines.splitlines()}
    kept = [line for line in notes.PACKAGED.read_text().splitlines() if line.split(" ")[0] not in keys]
    return "\n".join(kept) + "\n" + lines


@pytest.mark.parametrize("message", ["docs: only this\n", "", "something\n"])
def test_nothing_to_tell_is_an_empty_text(history: History, message: str) -> None:
    start = history.commit("feat: released\n")
    assert not history.render(start)
    history.commit(message)
    assert not history.render(start)


def test_both_sides_of_a_merge_are_told_and_the_merge_is_not(history: History) -> None:
    start = history.commit("feat: root\n")
    left = history.commit("feat: left\n")
    right = history.commit("feat: right\n", parents=[start])
    history.commit("feat: conventional merge (#12)\n", parents=[left, right])
    assert sorted(history.entries(start)) == ["Left", "Right"]
    assert history.entries(left) == ["Right"]  # a merge whose other parent lies outside the range


def test_commits_no_ref_leads_to_can_be_told(history: History) -> None:
    start = grown(history)
    tip = history.tip
    history.commit("feat: somewhere else\n", parents=[])
    assert history.render(start, tip) == SECTION


@pytest.mark.parametrize("cliff", [None, "[git]\nlimit_commits = 3\n", '[git]\nsort_commits = "newest"\n'])
def test_two_ranges_at_once_are_told_as_each_by_itself(history: History, cliff: str | None) -> None:
    root, start = history.commit("chore: root\n"), history.commit("feat: before\n")
    left = history.commit("feat: left\n", parents=[start])
    right = history.commit("fix: right\n", parents=[start])
    merge = history.commit("feat: merge (#12)\n", parents=[left, right])
    tip = history.commit("feat: late\n")
    aside = history.commit("feat: rebased since\n", parents=[left])
    section = history.section(cliff)
    for written in ((start, left), (start, right), (start, merge), (start, aside), (root, right), (None, left)):
        assert section.render_both((start, tip), written) == (section.render(start, tip), section.render(*written))


def test_of_two_ranges_the_one_that_was_collected_is_missing(history: History) -> None:
    start = grown(history)
    assert history.tip
    for written in ((start, "f" * 40), ("f" * 40, history.tip)):
        assert history.section().render_both((start, history.tip), written) == (SECTION, None)


def test_of_two_ranges_a_rule_that_forbids_a_commit_holds_for_both(history: History) -> None:
    start = history.commit("chore: root\n")
    forbidden = history.commit("no type\n", parents=[start])
    tip = history.commit("feat: instead\n", parents=[start])
    section = history.section("[git]\nrequire_conventional = true\n")
    assert "Instead" in section.render(start, tip).title()
    with pytest.raises(ReleaseError, match="require_conventional"):
        section.render_both((start, tip), (start, forbidden))


def test_the_same_commits_give_the_same_bytes_on_any_day(history: History) -> None:
    start = grown(history)
    assert history.render(start) == history.render(start)


def test_times_that_run_backwards_and_equal_commits_on_two_branches(history: History) -> None:
    start = history.commit("feat: root\n")
    one = history.commit("fix: twin\n", parents=[start])
    history.count -= 1
    two = history.commit("fix: twin\n", parents=[start], tree=history.file("x", b"1"))
    history.count -= 3  # younger commits with older dates
    history.commit("feat: joined\n", parents=[two])
    history.commit("Merge branch 'x'\n", parents=[history.tip or "", one])
    assert sorted(history.entries(start)) == ["Joined", "Twin", "Twin"]


def test_a_linked_worktree_and_a_clone_that_borrows_objects(history: History, tmp_path: Path) -> None:
    changed = history.commit("feat: root"), history.commit("feat: changed", tree=history.file("a", b"1"))
    start = grown(history)
    worktree = tmp_path / "linked"
    history.git("worktree", "add", "-q", "--detach", str(worktree))
    common = subprocess.check_output(["git", "rev-parse", "--git-path", "objects"], cwd=worktree, text=True).strip()
    assert history.render(start, objects=Path(worktree, common)) == SECTION

    borrowing = tmp_path / "borrowing"
    history.git("clone", "-q", "--bare", "--shared", ".", str(borrowing))
    relative = Path("..", "..", "history", ".git", "objects")
    (borrowing / "objects" / "info" / "alternates").write_text(f"# a comment\n{relative}\n")
    assert history.render(start, objects=borrowing / "objects") == SECTION
    with_trees = with_git('exclude_paths = ["nothing"]\n')  # git-cliff itself has to find them
    assert "- Changed\n" in history.render(changed[0], changed[1], objects=borrowing / "objects", cliff=with_trees)
    third = tmp_path / "third, of 'a' chain"
    history.git("clone", "-q", "--bare", "--shared", str(borrowing), str(third))
    assert history.render(start, objects=third / "objects") == SECTION


def test_packed_objects(history: History) -> None:
    start = grown(history)
    history.git("gc", "-q")
    assert history.render(start) == SECTION


def test_a_sha256_repository(history: History, tmp_path: Path) -> None:
    other = tmp_path / "sha256"
    subprocess.run(["git", "init", "-q", "--object-format=sha256", str(other)], check=True)
    for message in ("feat: root", "feat: told"):
        subprocess.run(["git", "commit", "-q", "--allow-empty", "-m", message], cwd=other, check=True)
    start, stop = subprocess.check_output(["git", "rev-parse", "@~", "@"], cwd=other, text=True).split()
    text = history.render(start, stop, objects=other / ".git" / "objects")
    assert "- Told\n" in text
    assert "Root" not in text
    with pytest.raises(ReleaseError, match="SHA-256") as caught:
        history.render(start, stop, objects=other / ".git" / "objects", cliff=with_git('include_paths = ["x"]\n'))
    assert caught.value.exit is Exit.USAGE


def test_a_shallow_clone_is_an_error_and_not_a_shorter_text(history: History, tmp_path: Path) -> None:
    start = grown(history)
    shallow = tmp_path / "shallow"
    subprocess.run(["git", "clone", "-q", "--depth=2", f"file://{history.path}", str(shallow)], check=True)
    for first in (start, None):
        with pytest.raises(MissingHistoryError, match="unshallow") as caught:
            history.render(first, objects=shallow / ".git" / "objects")
        assert caught.value.exit is Exit.REFUSED


@pytest.mark.parametrize("name", ["f" * 40, "main", "--all", "0" * 39, "", "v1.0.0\n"])
def test_what_is_no_known_commit_is_an_error(history: History, name: str) -> None:
    history.commit("feat: x\n")
    with pytest.raises(MissingHistoryError):
        history.render(name or " ")
    with pytest.raises(MissingHistoryError):
        history.render(None, name or " ")


def test_a_missing_commit_in_the_middle_is_an_error(history: History) -> None:
    start = grown(history)
    lost = history.git("rev-parse", "main~2")
    (history.objects / lost[:2] / lost[2:]).unlink()
    with pytest.raises(MissingHistoryError):
        history.render(start)


def test_missing_files_do_not_matter(history: History) -> None:
    """A partial clone has commits and no trees."""
    start = history.commit("feat: root\n")
    history.commit("feat: told\n", tree="1" * 40)
    assert history.entries(start) == ["Told"]


def test_templates_find_the_tag_the_previous_one_and_the_remote(history: History) -> None:
    start = history.commit("feat: root\n")
    history.commit("feat: told\n")
    cliff = (
        '[changelog]\nbody = "{{ previous.version }}..{{ version }} of {{ remote.github.owner }}/'
        "{{ remote.github.repo }} on {{ timestamp | date }} {{ repository }} {{ commit_id }} "
        '{% for c in commits %}{{ c.id }}{% endfor %}"\n'
    )
    text = history.render(
        start,
        cliff=cliff,
        tag="v1.1.0",
        previous="v1.0.0",
        remote_url="https://user:secret@example.org/own/er/name.git",
    )
    assert (
        text.split("\n\n")[1].split() == f"v1.0.0..v1.1.0 of er/name on 2026-01-31 {history.tip} {history.tip}".split()
    )
    text = history.render(start, cliff=cliff, previous="v0", remote_url="git@example.org:owner/name")
    assert "of owner/name on" in text


def test_git_cliff_is_looked_for_beside_python_and_on_path(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = grown(history)
    beside = shutil.which("git-cliff") or str(Path(sys.executable).parent / "git-cliff")
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    git = Path(shutil.which("git") or "").parent
    (folder / "git").symlink_to(git / "git")
    monkeypatch.setenv("PATH", str(folder))
    with pytest.raises(ReleaseError, match="pip install git-cliff") as caught:
        history.render(start)
    assert caught.value.exit is Exit.USAGE
    (folder / "git-cliff").symlink_to(beside)
    assert history.render(start) == SECTION


def test_an_older_git_cliff_is_named(history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "git-cliff"
    program.write_text("#!/bin/sh\necho \"error: unexpected argument '--offline' found\" >&2\nexit 2\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    history.commit("feat: x\n")
    with pytest.raises(ReleaseError, match=r"older than git-cliff 2\.12"):
        history.render()


def test_the_packaged_configuration_is_the_one_of_this_repository() -> None:
    assert notes.PACKAGED.read_bytes() == (Path(notes.__file__).parents[2] / "cliff.toml").read_bytes()


def test_git_cliff_sees_the_range_and_not_the_history(history: History) -> None:
    for number in range(50):
        history.commit(f"feat: old {number}\n")
    start = history.tip
    stop = history.commit("feat: new\n")
    with shadow.cast(history.objects, start, stop, with_trees=False) as seen:
        assert [commit.message for commit in seen.commits.values()] == ["feat: new"]
        listed = subprocess.check_output(["git", "cat-file", "--batch-all-objects", "--batch-check"], cwd=seen.folder)
        assert len(listed.splitlines()) == 3  # it, an empty tree, and one commit for all that came before
        subprocess.run(["git", "fsck", "--strict", "--no-dangling"], cwd=seen.folder, check=True, capture_output=True)
    assert not seen.folder.exists()
