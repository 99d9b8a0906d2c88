"""What commit messages ask for, by Conventional Commits 1.0.0."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from release import conventional
from release import version as versions
from release.errors import Exit, ReleaseError
from release.version import Version

READ = [  # message, type, scope, description, breaking
    ("feat: add x", "feat", "", "add x", False),
    ("Feat(Parser): add x", "feat", "Parser", "add x", False),
    ("feat(a b/c)!: add x", "feat", "a b/c", "add x", True),
    ("fix!: y", "fix", "", "y", True),
    ("\n  feat: led by blank lines\n", "feat", "", "led by blank lines", False),
    ("feat: add x\r\n\r\nWhy.\r\n\r\nBREAKING CHANGE: y is gone\r\n", "feat", "", "add x", True),
    ("fix: y\n\nBREAKING-CHANGE: z", "fix", "", "y", True),
    ("fix: y\n\nReviewed-by: Z\nBREAKING CHANGE: z\n  goes on", "fix", "", "y", True),
    ("fix: y\n\nBREAKING CHANGE:\nz", "fix", "", "y", True),
    ("fix: y\n\nbreaking change: z", "fix", "", "y", False),
    ("fix: y\n\nThis is no BREAKING CHANGE: z", "fix", "", "y", False),
    ("fix: mentions BREAKING CHANGE: z", "fix", "", "mentions BREAKING CHANGE: z", False),
    ("revert: feat: add x", "revert", "", "feat: add x", False),
    ('Revert "feat: add x"', "", "", 'Revert "feat: add x"', False),
    ("fixup! feat: add x", "", "", "fixup! feat: add x", False),
    ("feat add x", "", "", "feat add x", False),
    ("feat:add x", "", "", "feat:add x", False),
    ("feat(): add x", "", "", "feat(): add x", False),
    ("feat: ", "", "", "feat:", False),
    ("", "", "", "", False),
    ("\x1b[31mfeat: x", "", "", "\x1b[31mfeat: x", False),
]


@pytest.mark.parametrize(("message", "kind", "scope", "description", "breaking"), READ)
def test_messages_are_read(message: str, kind: str, scope: str, description: str, *, breaking: bool) -> None:
    assert conventional.read(message) == (kind, scope, description, breaking)


@pytest.mark.parametrize("message", ["Merge branch 'x'", "Merge tag 'v1.0.0' into develop", "Merge pull request #3"])
def test_merges_are_known_by_gits_wording(message: str) -> None:
    assert conventional.read(message).is_merge
    assert not conventional.read(f"feat: {message}").is_merge
    assert not conventional.read("Merged: two lists").is_merge


@settings(deadline=None)
@given(st.text())
def test_any_text_is_a_message(message: str) -> None:
    commit = conventional.read(message)
    assert commit.is_feature == (commit.type == "feat")
    assert commit.type == commit.type.lower()


@pytest.mark.parametrize(
    ("last", "messages", "expected"),
    [
        ("1.2.3", ["fix: a"], "1.2.4"),
        ("1.2.3", ["fix: a", "feat: b", "docs: c"], "1.3.0"),
        ("1.2.3", ["feat: b", "fix!: a"], "2.0.0"),
        ("1.2.3", ["chore: a\n\nBREAKING CHANGE: b"], "2.0.0"),
        ("1.2.3", ["no type at all\n\nBREAKING CHANGE: b"], "2.0.0"),
        ("1.2.3", ["no type at all"], "1.2.4"),
        ("1.2.3", ['Revert "feat: b"'], "1.2.4"),
        ("1.2.3", ["fixup! feat: b"], "1.2.4"),
        ("1.2.3", ["Merge branch 'feature/b'", "feat: b"], "1.3.0"),
        ("1.2.3", ["Merge pull request #3\n\nBREAKING CHANGE: b"], "2.0.0"),
        ("1.2.3rc1", ["fix: a"], "1.2.4"),
        ("0.4.1", ["fix: a"], "0.4.2"),
        ("0.4.1", ["feat: b"], "0.5.0"),
        ("0.4.1", ["feat!: b"], "0.5.0"),
        ("", ["feat: first"], "0.1.0"),
        ("", ["initial import"], "0.0.1"),
        ("", ["feat!: first"], "0.1.0"),
    ],
)
def test_commits_ask_for_a_version(last: str, messages: list[str], expected: str) -> None:
    assert str(versions.next_version(messages, Version(last) if last else None)) == expected
    assert str(versions.next_version(reversed(messages), Version(last) if last else None)) == expected


@pytest.mark.parametrize("messages", [[], ["Merge tag 'v1.2.3' into develop"]])
@pytest.mark.parametrize(
    ("last", "what"), [("1.2.3", "nothing to release since 1.2.3"), ("", "nothing to release yet")]
)
def test_nothing_to_release(messages: list[str], last: str, what: str) -> None:
    with pytest.raises(ReleaseError, match=what) as caught:
        versions.next_version(messages, Version(last) if last else None)
    assert caught.value.exit is Exit.REFUSED


@settings(deadline=None)
@given(st.lists(st.text(), min_size=1))
def test_whatever_is_committed_the_next_version_is_newer(messages: list[str]) -> None:
    assume(not all(conventional.read(message).is_merge for message in messages))
    version = versions.next_version(messages, Version("1.2.3"))
    assert version > Version("1.2.3")
    assert versions.is_final(version)
