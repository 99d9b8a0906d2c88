from __future__ import annotations

import pytest

from release.errors import Exit, ReleaseError
from release.formats import find


def found(pattern: str, data: str | bytes) -> list[str]:
    encoded = data if isinstance(data, bytes) else data.encode()
    literals = find("regex", encoded, (pattern,))
    assert [encoded[one.start : one.end].decode() for one in literals] == [one.text for one in literals]
    assert {one.key for one in literals} <= {pattern}
    return [one.text for one in literals]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("x 1.0.0 y", "1.0.0"),
        ("x 1.0.0.", "1.0.0"),
        ("x 1.0.0-linux.tar.gz", "1.0.0"),
        ("x 1.0.0.app", "1.0.0"),
        ("x 1.0.0rc12)", "1.0.0rc12"),
        ("x 1.0.0-rc.12-linux", "1.0.0-rc.12"),
        ("x 1.0.0-0.dev.3", "1.0.0-0.dev.3"),
        ("x 1.0.0.dev3", "1.0.0.dev3"),
        ("x 1.0.0-alpha", "1.0.0-alpha"),
        ("x 1.0.0-alphabet", "1.0.0"),
        ("x 1.0.0b", "1.0.0"),
        ("x v1.0.0a1", "v1.0.0a1"),
        ("x 2024.1", "2024.1"),
        ("x 7", "7"),
        ("x 10.20.300.4000", "10.20.300.4000"),
    ],
)
def test_the_place_takes_a_whole_version_and_no_more(text: str, word: str) -> None:
    assert found("x {version}", text) == [word]


@pytest.mark.parametrize(
    ("pattern", "data", "words"),
    [
        ("v{version}", "v1.0.0", ["1.0.0"]),
        ("{version}", "rev1.0", ["1.0"]),
        ("a-{version}-linux", "a-1.0.0-rc.1-linux", ["1.0.0-rc.1"]),
        (r"{version}\.0", "1.2.3.0", ["1.2.3"]),
        ("{version}0", "1.10", []),
        ("{version}", "1.0.0 1.0.0\n2.0", ["1.0.0", "1.0.0", "2.0"]),
        ("^a={version}$", "a=1\r\nb=2\r\na=3\r\n", ["1", "3"]),
        ("^a={version}$", "x\r\n" * 40 + "a=1\r\n\na=2\r\n", ["1", "2"]),
        ("^a={version}$\n^b", "a=1\r\nb=2\r\na=3\r\n", ["1"]),
        ("é={version}", "\ufeffé={0}\r\né=1.0 😀\r\né=2.0", ["1.0", "2.0"]),
        ("^x={version}", "\ufeffx=1", ["1"]),
        ("é={version}", b"\r\n\xe9=1.0\r\n\xe9\xe9=2.0", ["1.0", "2.0"]),
        ("(?s)a.b={version}", "a\nb=1", ["1"]),
        ("a=(?P<q>['\"]){version}(?P=q)", "a='1' a=\"2\" a='3\"", ["1", "2"]),
        ("a={version}", "", []),
        ("a={version}", "a=x", []),
        ("a={version}", "a=\u0967.\u0966", []),
    ],
)
def test_patterns(pattern: str, data: str | bytes, words: list[str]) -> None:
    assert found(pattern, data) == words


def test_two_patterns_for_one_place_find_it_once() -> None:
    assert [one.key for one in find("regex", b"a=1 b=2", ("a={version}", "[ab]={version}"))] == [
        "a={version}",
        "[ab]={version}",
    ]


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("a", "exactly once"),
        ("", "exactly once"),
        ("{version} {version}", "exactly once"),
        ("({version}", "not a regular expression"),
        ("(?<={version})x", "not a regular expression"),
        ("(?P<version>x){version}", "not a regular expression"),
        ("a{99999999999999}{version}", "not a regular expression"),
    ],
)
def test_what_is_no_pattern_is_bad_input(pattern: str, why: str) -> None:
    with pytest.raises(ReleaseError, match=why) as stopped:
        found(pattern, "1.0.0")
    assert stopped.value.exit is Exit.USAGE
