"""Whatever surrounds a literal: find and splice change its bytes alone, and a parser of the format agrees."""

from __future__ import annotations

import ast
import json
from typing import TYPE_CHECKING, Any

import tomli
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from release.formats import find, splice
from release.version import Spelling, Version, parse, spell

if TYPE_CHECKING:
    from collections.abc import Callable

VERSION = "4.5.6"
numbers = st.integers(0, 30)
versions = st.builds(
    lambda release, suffix: parse(f"{release[0]}.{release[1]}.{release[2]}{suffix}"),
    st.tuples(numbers, numbers, numbers),
    st.sampled_from(["", "a1", "b2", "rc3", ".dev0"]),
)
spelled = st.builds(spell, versions, st.sampled_from(Spelling))
# Text that holds the version, and quotes, comment signs and escapes in its neighbourhood.
words = st.lists(
    st.sampled_from(
        [VERSION, "version", '"', "'", "# ", ": ", " = ", "\\", "é", "😀", "$", "a", "[", "{", "\n", "\r\n", " "]
    ),
    max_size=6,
).map("".join)
plain = st.lists(st.sampled_from([VERSION, "version", "a", " b", "é", "😀", "#", ": ", " = "]), max_size=4).map("".join)
names = st.text("abcxyz", min_size=1, max_size=3)
ends = st.sampled_from(["\n", "\r\n"])
marks = st.sampled_from([b"", b"\xef\xbb\xbf"])


def changed(format_name: str, data: bytes, key: str, new: str) -> bytes:
    """Splice `new` over the one literal, and check all that can be checked without the format's parser."""
    (literal,) = find(format_name, data, (key,))
    assert literal.text == VERSION
    after = splice(data, [(literal, new)])
    assert (after[: literal.start], after[literal.start + len(new) :]) == (data[: literal.start], data[literal.end :])
    (again,) = find(format_name, after, (key,))
    assert (again.text, again.start) == (new, literal.start)
    assert splice(after, [(again, VERSION)]) == data
    return after


def agrees(load: Callable[[bytes], Any], before: bytes, after: bytes, new: str) -> None:
    """`load` sees the new value at the root's `version`, and everything else as it was."""
    assert load(after) == {**load(before), "version": new}


def basic(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


@settings(deadline=None)  # the first example imports a parser
@given(
    st.dictionaries(names, words, max_size=4), st.dictionaries(names, words, max_size=3), words, ends, marks, spelled
)
def test_toml(before: dict[str, str], after: dict[str, str], comment: str, end: str, mark: bytes, new: str) -> None:
    tables = "".join(f"[{name}]\nversion = {basic(text)}\n" for name, text in after.items() if name not in before)
    keys = "".join(f"{name} = {basic(text)} # {VERSION}\n" for name, text in before.items())
    note = comment.replace("\n", " ").replace("\r", " ")
    lines = f"{keys}version = '{VERSION}' # {note}\n{tables}long = '''\n\"{VERSION}\" '{VERSION}' \n'''"
    data = mark + lines.replace("\n", end).encode()

    def load(source: bytes) -> Any:
        return tomli.loads(source.decode("utf-8-sig"))

    agrees(load, data, changed("toml", data, "version", new), new)


@settings(deadline=None)
@given(st.dictionaries(words, words, max_size=4), st.sampled_from([None, 0, 2]), st.booleans(), marks, spelled)
def test_json(members: dict[str, str], indent: int | None, escaped: bool, mark: bytes, new: str) -> None:
    document = {**members, VERSION: [VERSION, {"version": VERSION}], "version": VERSION, "z": VERSION}
    data = mark + json.dumps(document, indent=indent, ensure_ascii=escaped).encode()

    def load(source: bytes) -> Any:
        return json.loads(source.decode("utf-8-sig"))

    agrees(load, data, changed("json", data, "version", new), new)


@settings(deadline=None)
@given(
    st.dictionaries(names, words, max_size=4),
    plain,
    st.sampled_from(["version: {}", "version:   {}   ", "version: '{}'", '"version" : "{}"', "version: &a !!str {}"]),
    ends,
    marks,
    spelled,
)
def test_yaml(members: dict[str, str], comment: str, line: str, end: str, mark: bytes, new: str) -> None:
    note = comment.replace(": ", " ")
    others = "".join(f"{name}: {json.dumps(text, ensure_ascii=False)} # {note}\n" for name, text in members.items())
    data = (
        mark
        + f"# {note}\n{others}{line.format(VERSION)} # {VERSION}\ndeep: {{version: {VERSION}}}".replace(
            "\n", end
        ).encode()
    )

    def load(source: bytes) -> Any:
        return YAML(typ="safe", pure=True).load(source.decode("utf-8-sig"))

    agrees(load, data, changed("yaml", data, "version", new), new)


@settings(deadline=None)
@given(st.lists(words, max_size=3), st.sampled_from(["utf-8", "latin-1", "cp1252"]), ends, spelled)
def test_python(strings: list[str], encoding: str, end: str, new: str) -> None:
    shown = [repr(text.replace("😀", "ü")) for text in strings]
    before = "; ".join(f"a{number} = {text}" for number, text in enumerate(shown))
    head = f"# coding: {encoding}\n'''é {VERSION}\n__version__ = \"{VERSION}\"'''\n"
    source = f"{head}{before or 'pass'}; __version__ = '{VERSION}' # é {VERSION}\n\x0cb = '{VERSION}'"
    data = source.replace("\n", end).encode(encoding)
    after = changed("python", data, "__version__", new)

    def assigned(data: bytes) -> list[str]:
        return [ast.dump(statement) for statement in ast.parse(data).body]

    pairs = list(zip(assigned(data), assigned(after), strict=True))
    (one,) = [pair for pair in pairs if pair[0] != pair[1]] if new != VERSION else [(VERSION, new)]
    assert one[0].replace(VERSION, new) == one[1]


quoted = words.map(
    lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "").replace("\r", "") + '"'
)


@settings(deadline=None)
@given(
    st.lists(st.tuples(names, quoted), max_size=3),
    st.lists(st.tuples(names, quoted), max_size=3),
    st.sampled_from([" ", " \\\n  ", " \\\n# version=4.5.6\n\n ", "\t"]),
    st.sampled_from(["version={}", 'version="{}"', "'version'='{}'"]),
    ends,
    spelled,
)
def test_dockerfile(
    before: list[tuple[str, str]], after: list[tuple[str, str]], gap: str, pair: str, end: str, new: str
) -> None:
    pairs = [f"{name}={text}" for name, text in before]
    more = [f"{name}={text}" for name, text in after]
    label = gap.join(["LABEL", *pairs, pair.format(VERSION), *more])
    data = f"FROM x:{VERSION}\nRUN <<E\nLABEL version={VERSION}\nE\n{label}\nENV version={VERSION}".replace("\n", end)
    changed("dockerfile", data.encode(), "LABEL version", new)


@settings(deadline=None)
@given(words, words, st.sampled_from(["utf-8", "latin-1"]), marks, versions, st.sampled_from(Spelling))
def test_regex(before: str, after: str, encoding: str, mark: bytes, version: Version, spelling: Spelling) -> None:
    tail = after if not after[:1].isalnum() else f" {after}"
    text = f"{before}\r\nmy-app=={VERSION}{tail}".replace("😀", "ü")
    data = (mark if encoding == "utf-8" else b"") + text.encode(encoding)
    changed("regex", data, "^my-app=={version}", spell(version, spelling))
