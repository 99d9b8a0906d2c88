"""What every format promises, and what text, TOML and JSON refuse."""

from __future__ import annotations

import time

import pytest

from release.errors import Exit, ReleaseError
from release.formats import FORMATS, LARGEST, FormatError, Literal, find, shifted, splice

BOM = b"\xef\xbb\xbf"
KEYS = {"text": "", "python": "__version__", "dockerfile": "ARG VERSION", "regex": "x={version}"}


def texts(format_name: str, data: bytes, *keys: str) -> list[str]:
    return [literal.text for literal in find(format_name, data, keys)]


@pytest.mark.parametrize("format_name", FORMATS)
def test_binary_data_and_data_beyond_measure_are_refused(format_name: str) -> None:
    key = KEYS.get(format_name, "version")
    with pytest.raises(FormatError, match="binary"):
        find(format_name, "version: 1.0.0\n".encode("utf-16"), (key,))
    with pytest.raises(FormatError, match="larger than 16 MiB"):
        find(format_name, b" " * (LARGEST + 1), (key,))


def test_an_unknown_format_is_bad_input() -> None:
    with pytest.raises(ReleaseError, match=r"unknown format 'xml'\n.*text, toml, yaml") as stopped:
        find("xml", b"", ("version",))
    assert stopped.value.exit is Exit.USAGE


def test_splice_takes_edits_in_any_order() -> None:
    edits = [(Literal(key="", start=start, end=start + 1, text="b"), "LONG") for start in (3, 1)]
    assert splice(b"abcbe\xff", edits) == b"aLONGcLONGe\xff"


def test_splice_writes_nothing_but_ascii() -> None:
    with pytest.raises(UnicodeEncodeError):
        splice(b"a", [(Literal(key="", start=0, end=1, text="a"), "é")])


def test_shifted_moves_by_the_mark_that_was_cut() -> None:
    literal = Literal(key="k", start=1, end=4, text="abc")
    assert shifted([literal], 0) == (literal,)
    assert shifted([literal], 3) == (Literal(key="k", start=4, end=7, text="abc"),)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty"),
        (BOM + b" \r\n", "empty"),
        (b"1.0.0\n1.0.1\n", "more than one line"),
        (b"1.0.0\r1.0.1", "more than one line"),
        (b"1.0.0\n\n# why\n", "more than one line"),
        (b"1.0.0\xff\n", "not UTF-8"),
    ],
)
def test_text_is_one_line(data: bytes, why: str) -> None:
    with pytest.raises(FormatError, match=why):
        find("text", data, ("",))


def test_text_has_no_keys() -> None:
    with pytest.raises(ReleaseError, match="no key 'version'") as stopped:
        find("text", b"1.0.0", ("version",))
    assert stopped.value.exit is Exit.USAGE


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("version = 'x'", ["x"]),
        ("version = ''", [""]),
        ('version = ""\nother = ""\nlong = """"""\n', [""]),
        ("[version]\nx = 'y'", []),
        ("version = true", []),
        ("version = ['x']", []),
        ("", []),
        ("version = 'a\"b'  # 'a\"b'", ['a"b']),
        ("'1' = 1\nversion = '1'", ["1"]),
        ("sentinel0 = 'sentinel'\nversion = 'sentinel0'", ["sentinel0"]),
    ],
)
def test_toml_strings_are_found(data: str, expected: list[str]) -> None:
    assert texts("toml", data.encode(), "version") == expected


def test_toml_sentinels_survive_a_key_that_equals_the_value() -> None:
    data = b"[tool.'1.0.0']\nother = '1.0.0'\nversion = '1.0.0'\n"
    (literal,) = find("toml", data, ("tool.'1.0.0'.version",))
    assert literal.start == data.rindex(b"1.0.0")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"version = 1.0", 'not a string: write it in quotes, "1.0"'),
        (b"version = 1", "not a string"),
        (b"version = 2024-01-01", "not a string"),
        (b'version = "1.0\\u002e0"  # "1.0.0"', "escapes"),
        (b'version = """\n1.0.0"""', "escapes"),
        (b'version = """1.\\\n   0"""', "escapes"),
        (b"\nversion = \n", "line 2"),
        (b"a = 1\n\nname = '\xe9'", r"not UTF-8 \(line 3\)"),
        (b"version = '1'\nversion = '1'", "not TOML"),
        (b"a = " + b"[" * 100_000, "not TOML"),
    ],
)
def test_toml_that_cannot_be_edited_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(FormatError, match=why):
        find("toml", data, ("version",))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ('{"version": "x"}', ["x"]),
        ('{"version": "", "": "", "a": [""]}', [""]),
        ('{"version": {"version": "x"}}', []),
        ('{"version": null, "a": {"version": "x"}}', []),
        ('{"version": true}', []),
        ('{"version": "é😀"}', ["é😀"]),
        ("[]", []),
    ],
)
def test_json_strings_are_found(data: str, expected: list[str]) -> None:
    assert texts("json", data.encode(), "version") == expected


def test_json_keeps_an_empty_value_apart_from_an_empty_key() -> None:
    data = b'{"version": "1.0.0", "packages": {"": {"version": ""}}}'
    (literal,) = find("json", data, ('packages."".version',))
    assert (literal.start, literal.end, literal.text) == (len(data) - 4, len(data) - 4, "")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b'{"version": 1.0}', "not a string"),
        (b'{"version": "1.0\\u002e0", "a": "1.0.0"}', "escapes"),
        (b'{"version": "\\ud800"}', "escapes"),
        (b'{"version": "1", "version": "1"}', "'version' twice"),
        (b'{"a": {"b": 1, "c": 1, "b": 1}}', "'b' twice"),
        (b"{'version': '1'}", "line 1"),
        (b'{"a": "\xff"}', "not UTF-8"),
        (b"[" * 100_000, "not JSON"),
        (b'{"a": ' + b"1" * 5000 + b"}", "not JSON"),
    ],
)
def test_json_that_cannot_be_edited_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(FormatError, match=why):
        find("json", data, ("version",))


def test_the_entry_of_a_long_lock_is_found_among_equal_versions_in_no_time() -> None:
    entry = '[[package]]\nname = "dep-{}"\nversion = "4.5.6"\nsource = {{ registry = "https://example.org" }}\n\n'
    own = '[[package]]\nname = "my-app"\nversion = "4.5.6"\nsource = { editable = "." }\n\n'
    half = "".join(map(entry.format, range(500)))
    data = f"version = 1\n\n{half}{own}{half}".encode()
    assert data.count(b"\n") > 5000
    started = time.process_time()
    (literal,) = find("toml", data, ("package[name=my-app].version",))
    assert time.process_time() - started < 1  # 0.03 s; a parse a candidate would take half a minute
    assert literal.start == len(f"version = 1\n\n{half}") + own.index("4.5.6")
