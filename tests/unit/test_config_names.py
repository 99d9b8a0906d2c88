"""Names of branches and tags: what git allows, and how patterns are filled and read back."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from release import config as configuration
from release import shapes

NAMES = [
    *(
        "main",
        "a/b",
        "v1.0.0",
        "a.b",
        "a@b",
        "@a",
        "a{b",
        "a{}b",
        "ä",
        "a-",
        "a/-b",
        "x.lockb",
        "HEAD/x",
        "refs/heads/x",
    ),
    *("", "@", "HEAD", "-a", "/a", "a/", "a//b", ".a", "a/.b", "a..b", "a.", "a.lock", "a.lock/b", "a@{b", "a/b."),
    *("a b", "a~1", "a^", "a:b", "a?", "a*", "a[b", "a\\b", "a\tb", "a\x7fb", "a\nb", "a\x01"),
]


@pytest.mark.parametrize("name", NAMES)
def test_git_and_we_agree_on_names(name: str) -> None:
    run = subprocess.run(["git", "check-ref-format", f"refs/heads/{name}"], check=False)
    reserved = name in {"@", "HEAD"} or name.startswith("-")  # git branch refuses these too
    assert bool(configuration.ref_objection(name)) == (run.returncode != 0 or reserved)


NAMED = st.text(alphabet="abc/.-{}v1", min_size=1)


@settings(deadline=None)
@given(st.sampled_from(["hotfix/{name}", "{name}-fix", "a/{name}/a", "{name}"]), NAMED)
def test_a_filled_pattern_is_read_back(pattern: str, name: str) -> None:
    assert configuration.unfill(pattern, configuration.fill(pattern, name)) == name


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("hotfix/{name}", "hotfix/"),
        ("hotfix/{name}", "feature/x"),
        ("a{name}a", "a"),
        ("a{name}a", "aa"),
        ("{name}x", "y"),
    ],
)
def test_what_does_not_fit_is_none(pattern: str, name: str) -> None:
    assert configuration.unfill(pattern, name) is None


@pytest.mark.parametrize(
    ("pattern", "other", "expected"),
    [
        ("release/v{version}", "release/v{version}", True),
        ("release/v{version}", "release/{version}", False),  # 1.2.3 has no v
        ("release/{name}", "release/v{version}", True),
        ("release/v{version}", "release/{name}", False),  # x is no version; the other way round it is seen
        ("support/{line}", "support/{version}", True),
        ("support/{version}", "support/{line}", True),
        ("release/v{version}", "release/v1", True),
        ("release/v{version}", "main", False),
        ("feature/{name}", "", False),
    ],
)
def test_a_pattern_is_ambiguous_when_it_fits_anothers_branches(pattern: str, other: str, *, expected: bool) -> None:
    assert shapes.is_ambiguous(pattern, other) == expected
