from __future__ import annotations

import pytest

from release.errors import Exit, ReleaseError
from release.formats import globs
from release.formats.keys import Selector, Step, at, parse, resolve

DOCUMENT = {
    "a": {"b.c": "one", "": "two", "0": "three"},
    "list": ["x", {"name": "n", "value": "four"}, {"name": "m"}, {"name": "n", "value": "five"}],
}


@pytest.mark.parametrize(
    ("key", "steps"),
    [
        ("version", ("version",)),
        ("project.version", ("project", "version")),
        ('packages."".version', ("packages", "", "version")),
        ("'a.b'.\"c d\"", ("a.b", "c d")),
        ("a[0].b[12]", ("a", 0, "b", 12)),
        ("[0].a", (0, "a")),
        ("package[name=my-app].version", ("package", Selector("name", "my-app"), "version")),
        ("p['a b'=\"c]d\"]", ("p", Selector("a b", "c]d"))),
        ("@scope/x.ü", ("@scope/x", "ü")),
    ],
)
def test_keys_have_steps(key: str, steps: tuple[Step, ...]) -> None:
    assert parse(key) == steps


@pytest.mark.parametrize(
    "key", ["", ".a", "a.", "a..b", "a b", "a[", "a[x]", "a[x=]", "a[-1]", "a[0]b", '"a', "a.[0]", "a'b'"]
)
def test_what_is_no_key_is_bad_input(key: str) -> None:
    with pytest.raises(ReleaseError) as stopped:
        parse(key)
    assert stopped.value.exit is Exit.USAGE


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ("a.'b.c'", ["one"]),
        ('a.""', ["two"]),
        ("a.0", ["three"]),
        ("list[0]", ["x"]),
        ("list.0", ["x"]),
        ("list[name=n].value", ["four", "five"]),
        ("list[name=m].value", []),
        ("list[4]", []),
        ("list.9", []),
        ("list.x", []),
        ("list.²", []),
        ("a[0]", []),
        ("a[name=n]", []),
        ("a.'b.c'.d", []),
        ("nothing.there", []),
    ],
)
def test_keys_lead_to_places(key: str, found: list[str]) -> None:
    places = resolve(DOCUMENT, parse(key))
    assert [value for _, value in places] == found
    assert [at(DOCUMENT, path) for path, _ in places] == found


@pytest.mark.parametrize("path", [("list", 4), ("list", "x"), ("a", "x"), ("a", "", "x"), ("list", 0, "x")])
def test_no_place_is_none(path: tuple[str | int, ...]) -> None:
    assert at(DOCUMENT, path) is None


@pytest.mark.parametrize(
    ("glob", "path", "matches"),
    [
        ("a.txt", "a.txt", True),
        ("a.txt", "aXtxt", False),
        ("a.txt", "b/a.txt", False),
        ("*.txt", "a.txt", True),
        ("*.txt", "b/a.txt", False),
        ("a/*", "a/b/c", False),
        ("**/a.txt", "a.txt", True),
        ("**/a.txt", "b/c/a.txt", True),
        ("**/a.txt", "b/xa.txt", False),
        ("b/**/a.txt", "b/a.txt", True),
        ("b/**/a.txt", "b/c/d/a.txt", True),
        ("b/**", "b/c/d", True),
        ("b/**", "b", False),
        ("b**/c", "bx/c", True),
        ("b**/c", "b/x/c", False),
        ("?.txt", "a.txt", True),
        ("?.txt", "ab.txt", False),
        ("a?b", "a/b", False),
        ("a[/]b", "a/b", False),
        ("[ab].txt", "b.txt", True),
        ("[!ab].txt", "b.txt", False),
        ("[!ab].txt", "c.txt", True),
        ("[a-c].txt", "b.txt", True),
        ("[]].txt", "].txt", True),
        ("[^a].txt", "^.txt", True),
        ("[^a].txt", "b.txt", False),
        ("[!a].txt", "!.txt", True),
        ("[\\d].txt", "1.txt", False),
        ("[\\d].txt", "d.txt", True),
        ("[\\].txt", "\\.txt", True),
        ("[\\].txt", "X.txt", False),
        ("[.txt", "[.txt", True),
        ("A.txt", "a.txt", False),
    ],
)
def test_globs(glob: str, path: str, matches: bool) -> None:
    assert (globs.compiled(glob).fullmatch(path) is not None) is matches


@pytest.mark.parametrize(
    ("glob", "path", "covers"),
    [
        ("vendor", "vendor/x/Chart.yaml", True),
        ("vendor/", "vendor/x/Chart.yaml", True),
        ("vendor/**", "vendor/x/Chart.yaml", True),
        ("vendor/x/Chart.yaml", "vendor/x/Chart.yaml", True),
        ("*/x", "vendor/x/Chart.yaml", True),
        ("Chart.yaml", "Chart.yaml", True),
        ("vendor", "vendored/Chart.yaml", False),
        ("x", "vendor/x/Chart.yaml", False),
    ],
)
def test_a_glob_covers_what_lies_below(glob: str, path: str, covers: bool) -> None:
    assert globs.covers(glob, path) is covers


@pytest.mark.parametrize(
    ("path", "mode", "why"),
    [
        ("a/b", "100644", ""),
        ("a/b", "100755", ""),
        (".github/x", "100644", ""),
        ("a..b", "100644", ""),
        ("a/b", "120000", "is a symbolic link"),
        ("a/b", "160000", "is a submodule"),
        ("a/b", "040000", "is not a regular file"),
        ("/a", "100644", "leaves the repository"),
        ("a/../b", "100644", "leaves the repository"),
        ("a/.git/b", "100644", "lies in .git"),
        (".GIT/b", "100644", "lies in .git"),
    ],
)
def test_paths_that_are_not_ours(path: str, mode: str, why: str) -> None:
    assert globs.objection(path, mode) == why
