from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from release.formats import FormatError, find
from release.formats import yaml as module

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(params=["libyaml", "pure"], autouse=True)
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Both parsers have to give the same answers."""
    if request.param == "pure":
        monkeypatch.setitem(sys.modules, "_ruamel_yaml", None)
    module.event_parser.cache_clear()
    assert (module.event_parser()[0] is module.pure_events) is (request.param == "pure")
    yield
    module.event_parser.cache_clear()


def found(data: str, *keys: str) -> list[tuple[str, str]]:
    encoded = data.encode()
    literals = find("yaml", encoded, keys)
    assert [encoded[one.start : one.end].decode() for one in literals] == [one.text for one in literals]
    return [(one.key, one.text) for one in literals]


@pytest.mark.parametrize(
    ("data", "texts"),
    [
        ("version: 1.0.0", ["1.0.0"]),
        ("version: 1.0 # 1.0", ["1.0"]),
        ("version:\n  1.0.0\n", ["1.0.0"]),
        ("version: '1.0.0'", ["1.0.0"]),
        ('version: "1.0.0"', ["1.0.0"]),
        ("'version' : &a !!str \"1.0.0\"", ["1.0.0"]),
        ("version: !custom &a 1.0.0", ["1.0.0"]),
        ('é😀: "é😀"\nversion: "1.0.0"', ["1.0.0"]),
        ("\ufeff# é\r\nversion: 1.0.0\r\n", ["1.0.0"]),
        ("a: 'é\u2028\u2029'\nversion: 1.0.0", ["1.0.0"]),
        ("version: 'é'", ["é"]),
        ("version: ''", [""]),
        ("version: ", []),
        ("version: null", []),
        ("version: Null", []),
        ("version: NULL", []),
        ("version: ~", []),
        ("version: 'null'", ["null"]),
        ("version: [1]", []),
        ("version: {a: 1}", []),
        ("version: {{ .Values.version }}", []),
        ("", []),
        ("# nothing", []),
        ("- version: 1", []),
        ("1.0.0", []),
        ("a: {version: 1}\nb: [version, 1]\nversion: 2", ["2"]),
        ("? {version: 1}\n: 3\n? [version]\n: 4\nversion: 2", ["2"]),
        ("version: 1\n---\nversion: 2\n...\n---\nother: 3\n", ["1", "2"]),
    ],
)
def test_scalars_are_found(data: str, texts: list[str]) -> None:
    assert [text for _, text in found(data, "version")] == texts


def test_an_alias_is_the_literal_at_its_anchor_once() -> None:
    data = "a: &v 1.0.0\nb: *v\nc: *v\nd: 1.0.0\n"
    assert found(data, "b") == [("b", "1.0.0")]
    assert found(data, "c", "a", "d") == [("c", "1.0.0"), ("d", "1.0.0")]
    assert find("yaml", data.encode(), ("b",))[0].start == data.index("1.0.0")


def test_an_anchor_can_be_set_anew_and_ends_with_its_document() -> None:
    assert found("a: &v 1\nb: *v\nc: &v 2\nd: *v\n", "b", "d") == [("b", "1"), ("d", "2")]
    with pytest.raises(FormatError, match=r"undefined alias|\*v"):
        found("a: &v 1\n---\nb: *v\n", "b")


def test_a_merge_key_brings_what_is_not_there() -> None:
    data = "x: &x {version: 1.0.0, name: n}\ny: &y {tag: t, name: o}\nz:\n  <<: [*x, *y]\n  name: z\nw: {<<: *x}\n"
    assert found(data, "z.version", "z.tag", "z.name") == [("z.version", "1.0.0"), ("z.tag", "t"), ("z.name", "z")]
    assert found(data, "w.name") == [("w.name", "n")]


def test_a_loop_of_anchors_ends() -> None:
    assert found("&a {self: *a, version: 1}", "version", "self.self.version") == [("version", "1")]
    assert found("&a [*a, {name: x, version: 1}]", "[0][name=x].version") == [("[0][name=x].version", "1")]


def test_selectors_and_indexes() -> None:
    data = "images:\n- {name: a, tag: 1}\n- {name: b, tag: 2}\n- plain\n"
    assert found(data, "images[name=b].tag", "images[0].tag") == [("images[0].tag", "1"), ("images[name=b].tag", "2")]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ("a: 1\nversion: |\n  1.0.0\n", r"block scalar \(line 2\)"),
        ("version: >-\n  1.0.0\n", "block scalar"),
        ('version: "\\x31.0.0"', "not its text"),
        ('version: "1.0\\\n  .0"', "not its text"),
        ('version: "1.0.0\\n"', "not its text"),
        ("version: 'it''s'", "not its text"),
        ("version: 1.0\n  beta", "not its text"),
        ("a: 1\nversion: 1\nb: 2\nversion: 1", r"'version' is there twice \(line 4\)"),
        ("a: {b: 1, b: 2}\nversion: 1", "'b' is there twice"),
        ("version: *nobody", "alias"),
        ("a: b\nversion: ]", r"not YAML: .*expected .*\(line 2\)$"),
        ("version: 1\n\tb: 2", "not YAML"),
        ("version: {{ .Values.version }}-x", "not YAML"),
        ("a: \x01", "not YAML"),
        ("version: 'x", "not YAML"),
    ],
)
def test_what_cannot_be_edited_is_refused(data: str, why: str) -> None:
    with pytest.raises(FormatError, match=why) as stopped:
        found(data, "version")
    assert "\n" not in str(stopped.value)


def test_latin_1_is_refused() -> None:
    with pytest.raises(FormatError, match=r"not UTF-8 \(line 2\)"):
        find("yaml", b"a: 1\nb: \xe9\nversion: 1\n", ("version",))
