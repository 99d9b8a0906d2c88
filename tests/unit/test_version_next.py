"""Which version comes next: parts, candidates, and what may be released at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from release import version as versions
from release.errors import Exit, ReleaseError
from release.version import Version

if TYPE_CHECKING:
    from collections.abc import Iterable

    from release.version import Phase


def optional(text: str) -> Version | None:
    return Version(text) if text else None


def many(text: str) -> tuple[Version, ...]:
    return tuple(map(Version, text.split()))


def bumped(part: str, current: str, reachable: str = "", tags: str = "", next_part: str = "minor") -> str:
    version = versions.bump(
        part,
        current=optional(current),
        tags=many(tags or reachable),
        reachable=optional(reachable),
        next_part=next_part,
    )
    return str(version)


@pytest.mark.parametrize(
    ("part", "current", "reachable", "expected"),
    [
        ("major", "", "", "1.0.0"),
        ("minor", "", "", "0.1.0"),
        ("patch", "", "", "0.0.1"),
        ("minor", "1.2.3", "", "1.3.0"),  # a final VERSION counts, tagged or not
        ("minor", "1.2.3", "1.2.3", "1.3.0"),
        ("major", "1.2.3", "1.0.0", "2.0.0"),
        ("patch", "1.0.0", "1.2.3", "1.2.4"),  # the greater of the two
        ("minor", "1.1.0.dev0", "1.0.0", "1.1.0"),  # an unfinished VERSION does not count
        ("patch", "1.1.0.dev0", "1.0.0", "1.0.1"),
        ("major", "1.1.0rc1", "1.0.0", "2.0.0"),
        ("minor", "1.1.0rc1", "", "0.1.0"),
    ],
)
def test_numbers_count_from_the_last_release(part: str, current: str, reachable: str, expected: str) -> None:
    assert bumped(part, current, reachable) == expected


@pytest.mark.parametrize(
    ("part", "current", "tags", "expected"),
    [
        ("rc", "1.1.0.dev0", "1.0.0", "1.1.0rc1"),
        ("alpha", "1.1.0.dev4", "1.0.0", "1.1.0a1"),
        ("alpha", "1.1.0a1", "1.0.0 1.1.0a1", "1.1.0a2"),
        ("beta", "1.1.0a3", "1.1.0a1 1.1.0a2 1.1.0a3", "1.1.0b1"),
        ("rc", "1.1.0rc2", "1.1.0rc1 1.1.0rc2 1.1.0rc10", "1.1.0rc11"),  # as numbers, not as words
        ("rc", "1.1.0rc1", "1.1.0rc1 1.1.0rc2", "1.1.0rc3"),  # one of them only on the remote
        ("rc", "1.1.0rc1", "1.0.0", "1.1.0rc1"),  # the next untagged number is VERSION's own
        ("rc", "1.1.0rc7", "1.1.0rc1", "1.1.0rc2"),  # what was never tagged leaves no gap
        ("rc", "1.1.0", "1.0.0", "1.1.0rc1"),  # untagged: keeps its segment
        ("rc", "1.0.0", "1.0.0", "1.1.0rc1"),  # tagged: the next one
        ("rc", "1.0.0", "1.0.0 1.1.0rc1", "1.1.0rc2"),
        ("beta", "1.1.0rc1", "2.0.0b9 1.2.0b4", "1.1.0b1"),  # numbers of another X.Y.Z do not count
        ("alpha", "", "", "0.1.0a1"),
    ],
)
def test_prereleases_take_the_next_number(part: str, current: str, tags: str, expected: str) -> None:
    reachable = max((tag for tag in many(tags) if versions.is_final(tag)), default=None)
    assert bumped(part, current, str(reachable or ""), tags) == expected


@pytest.mark.parametrize(
    ("current", "reachable", "next_part", "expected"),
    [
        ("1.1.0.dev0", "1.0.0", "minor", "1.1.0.dev1"),
        ("1.1.0.dev9", "2.0.0", "minor", "1.1.0.dev10"),
        ("1.1.0", "1.0.0", "minor", "1.2.0.dev0"),
        ("1.1.0", "1.1.0", "major", "2.0.0.dev0"),
        ("1.1.0", "1.1.0", "patch", "1.1.1.dev0"),
        ("1.1.0rc1", "1.0.0", "minor", "1.2.0.dev0"),  # never below VERSION
        ("1.0.0", "1.4.0", "minor", "1.5.0.dev0"),
        ("", "1.4.0", "minor", "1.5.0.dev0"),
        ("", "", "minor", "0.1.0.dev0"),
    ],
)
def test_development_versions(current: str, reachable: str, next_part: str, expected: str) -> None:
    assert bumped("dev", current, reachable, next_part=next_part) == expected


@pytest.mark.parametrize("current", ["1.1.0.dev3", "1.1.0a1", "1.1.0rc2", "1.1.0"])
def test_final_drops_the_suffix(current: str) -> None:
    assert bumped("final", current, "1.0.0") == "1.1.0"


def test_next_part_is_used_from_a_tagged_release() -> None:
    assert bumped("rc", "1.2.3", "1.2.3", next_part="patch") == "1.2.4rc1"
    assert bumped("rc", "1.2.3", "1.2.3", next_part="major") == "2.0.0rc1"


def test_what_opens_after_a_release() -> None:
    assert str(versions.next_development(Version("1.1.0"), "minor")) == "1.2.0.dev0"
    assert str(versions.next_development(Version("1.1.0rc3"), "patch")) == "1.1.1.dev0"


@pytest.mark.parametrize(
    ("part", "exit_code", "what"),
    [
        ("final", Exit.REFUSED, "no VERSION"),
        ("next", Exit.USAGE, "commits"),
        ("mnior", Exit.USAGE, "not a part"),
        ("", Exit.USAGE, "not a part"),
        ("\x1b[31m", Exit.USAGE, r"'\\x1b\[31m'"),
    ],
)
def test_parts_that_cannot_be(part: str, exit_code: Exit, what: str) -> None:
    with pytest.raises(ReleaseError, match=what) as caught:
        bumped(part, "")
    assert caught.value.exit is exit_code


SEGMENTS = st.builds("{}.{}.{}".format, *[st.integers(0, 2)] * 3)
ANY = st.builds(Version, st.builds(str.__add__, SEGMENTS, st.sampled_from(["", "a1", "b2", "rc1", ".dev0"])))


@settings(deadline=None)
@given(st.sampled_from([part for part in versions.PARTS if part != "next"]), ANY, st.lists(ANY))
def test_whatever_is_bumped_can_be_written(part: str, current: Version, tags: list[Version]) -> None:
    reachable = max(filter(versions.is_final, tags), default=None)
    bumped = versions.bump(part, current=current, tags=tags, reachable=reachable)
    assert versions.is_canonical(str(bumped))
    if part in {"major", "minor", "patch"}:
        assert not versions.check_new(bumped, reachable_ga=[reachable] if reachable else [], tags=[])
    if part in {"alpha", "beta", "rc"}:
        assert bumped not in tags
    if part == "dev":
        assert bumped > current


@settings(deadline=None)
@given(SEGMENTS, st.sampled_from(["alpha", "beta", "rc"]), st.integers(0, 20))
def test_candidates_count_without_gaps(segments: str, phase: str, count: int) -> None:
    tags: list[Version] = []
    for number in range(1, count + 1):
        version = versions.next_candidate(Version(segments), cast("Phase", phase), reversed(tags))
        assert version.pre is not None
        assert version.pre[1] == number
        tags.append(version)


def problems(version: str, reachable: Iterable[Version], tags: Iterable[Version]) -> list[str]:
    found = versions.check_new(Version(version), reachable_ga=reachable, tags=tags)
    assert all(problem.exit is Exit.REFUSED and problem.hint for problem in found)
    return [problem.what for problem in found]


@pytest.mark.parametrize(
    ("version", "reachable", "tags"),
    [
        ("1.1.0", "1.0.0", "1.0.0"),
        ("1.1.0", "1.0.0", "1.0.0 1.1.0a1 1.1.0rc3"),  # final ends its own candidates
        ("1.1.0rc4", "1.0.0", "1.1.0rc3"),
        ("1.1.0", "1.0.0", "1.2.0rc1 2.0.0a1"),  # pre-releases of another X.Y.Z
        ("1.9.5", "1.9.4", "2.3.0 1.9.4"),  # on a support branch, 2.3.0 cannot be reached
        ("0.1.0", "", ""),
        ("1.1.0", "1.0.0 1.2.0rc1", ""),  # only GA tags count as reachable
    ],
)
def test_new_versions(version: str, reachable: str, tags: str) -> None:
    assert not problems(version, many(reachable), many(tags))


@pytest.mark.parametrize(
    ("version", "reachable", "tags", "expected"),
    [
        ("1.1.0", "", "1.1.0", ["1.1.0 exists already"]),
        ("1.1.0", "1.1.0", "1.1.0", ["1.1.0 exists already"]),
        ("1.1.0rc1", "1.0.0", "1.1.0rc1 1.1.0a1", ["1.1.0rc1 exists already"]),
        ("1.1.0b1", "1.0.0", "1.1.0rc2 1.1.0rc10", ["1.1.0b1 is not newer than 1.1.0rc10, which is tagged"]),
        ("1.1.0rc2", "1.1.0", "1.1.0", ["1.1.0rc2 is not newer than 1.1.0, which is tagged"]),
        ("1.0.2", "1.1.0", "1.1.0", ["1.0.2 is not newer than 1.1.0, which is released"]),
        (
            "1.0.2rc1",
            "1.1.0 1.2.0",
            "1.0.2rc3",
            [
                "1.0.2rc1 is not newer than 1.0.2rc3, which is tagged",
                "1.0.2rc1 is not newer than 1.2.0, which is released",
            ],
        ),
    ],
)
def test_versions_that_are_not_new(version: str, reachable: str, tags: str, expected: list[str]) -> None:
    assert problems(version, many(reachable), many(tags)) == expected


def test_hints_name_a_version_that_would_do_and_the_support_branch() -> None:
    (older,) = versions.check_new(Version("1.0.2"), reachable_ga=many("1.1.0"), tags=many("1.0.1"))
    assert "1.1.1" in older.hint
    assert "support.start 1.0" in older.hint
    (unknown,) = versions.check_new(Version("0.9.0"), reachable_ga=many("1.1.0"), tags=many("1.1.0"))
    assert "support.start" not in str(unknown)
    (again,) = versions.check_new(Version("1.1.0b1"), reachable_ga=(), tags=many("1.1.0rc1"))
    assert "1.1.0rc1, such as 1.1.0" in again.hint


@settings(deadline=None)
@given(ANY, st.lists(ANY))
def test_new_means_above_all_that_count(version: Version, tags: list[Version]) -> None:
    finals = [tag for tag in tags if versions.is_final(tag)]
    assume(all(tag.release != version.release or tag < version for tag in tags))
    is_new = not versions.check_new(version, reachable_ga=finals, tags=tags)
    assert is_new == all(version > tag for tag in finals)
