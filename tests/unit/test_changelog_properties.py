"""What holds for every changelog, well-formed or not."""

from __future__ import annotations

import datetime as dt
import re

from hypothesis import given
from hypothesis import strategies as st

from release.errors import ReleaseError
from release.formats import changelog, entries, inert, sections

DAY = dt.date(2026, 1, 31)
A, B = "a" * 40, "b" * 40
MARKER = f"<!-- release: ..{A} -->"

CLOSED = [
    *["# Changelog", "", "", "text", "  more", "## [Unreleased]", "## Notes", "### Added", "### Fixed", "#### Sub"],
    *["## [1.0.0] - 2020-01-01", "## [1.1.0] - 2021-01-01", "## 0.9.0", "# [v2.0.0](url)", "- a", "- b", "* c", "1. x"],
    *["- d\n  - e", "\t- tab", "    code", "---", "=", MARKER, "<!-- c -->", "```\n## x\n```", "[1.0.0]: http://x"],
    *["[b]: y", "\ufeff", "- f\n\n  g", "\x0b\x0c\x85\u2028"],
]
OPEN = [*CLOSED, "```", "~~~", "- ```py", "<!--", "-->", "<pre>", "</pre>"]


def documents(lines: list[str]) -> st.SearchStrategy[bytes]:
    """Return files of these lines, with LF, CRLF or both, and with or without a newline at the end."""
    one = st.tuples(st.sampled_from(lines), st.sampled_from(["\n", "\n", "\n", "\r\n"]))
    return st.builds(
        lambda pairs, last: "".join(text + end for text, end in pairs).encode() + last,
        st.lists(one, max_size=25),
        st.sampled_from([b"", b"", b"end", b"\xff\xfe", b"\r", b"## [1.1.0]"]),
    )


GROUPS = st.dictionaries(
    st.sampled_from(["Added", "Changed", "Fixed"]), st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=4)
)
RENDERED = GROUPS.map(
    lambda groups: (
        "## [1.1.0] - 2026-01-31\n"
        + "".join(
            f"\n### {name}\n\n{''.join(f'- {word}{chr(10)}' for word in words)}" for name, words in groups.items()
        )
    )
)
VERSIONS = st.sampled_from(["1.1.0", "1.0.0", "2.0.0", "0.5.0"])


@given(st.one_of(documents(OPEN), st.binary(max_size=200)))
def test_what_is_read_is_written_byte_for_byte(document: bytes) -> None:
    read = sections.parse(document)
    assert sections.unparse(read) == document
    for section in read.sections:
        assert tuple(entries.write(entries.read(section.body))) == section.body


def put(document: bytes, version: str, rendered: str, base: str | None) -> bytes:
    return changelog.put_section(document, version=version, date=DAY, rendered=rendered, base=base, marker=(None, B))


@given(documents(CLOSED), VERSIONS, RENDERED, RENDERED)
def test_writing_a_section_twice_changes_nothing(document: bytes, version: str, first: str, second: str) -> None:
    written = put(document, version, first, None)
    assert put(written, version, first, first) == written
    assert put(written, version, first, None) == written
    later = put(written, version, second, first)
    assert put(later, version, second, second) == later
    assert changelog.marker(later, version) is not None
    finished = changelog.finish_section(later, version, DAY)
    assert changelog.finish_section(finished, version, DAY) == finished
    assert changelog.marker(finished, version) is None


@given(documents(CLOSED), VERSIONS, RENDERED)
def test_no_words_get_lost(document: bytes, version: str, rendered: str) -> None:
    written = put(document, version, rendered, None)
    assert words(document) - words(written) == set()
    assert words(rendered.encode()) - words(written) == set()


def words(document: bytes) -> set[str]:
    """Return the lines that are no headings and no markers, without their blanks and bullets."""
    lines = document.decode("utf-8", "surrogateescape").replace("\ufeff", "").replace("\r", "").split("\n")
    bare = (" ".join(re.sub(r"^\s*(?:[-*+]|1\.)\s", "", line).split()) for line in lines)
    return {line for line in bare if line and not line.startswith(("#", "<!-- release:"))}


@given(documents(OPEN), VERSIONS, RENDERED)
def test_a_section_that_was_written_is_there_or_it_is_refused(document: bytes, version: str, rendered: str) -> None:
    try:
        written = put(document, version, rendered, None)
    except ReleaseError:
        return
    assert changelog.marker(written, version) is not None
    names = [section.name for section in sections.parse(written).sections]
    assert names.count(version) == max(1, [one.name for one in sections.parse(document).sections].count(version))


@given(documents(OPEN), documents(OPEN))
def test_a_side_that_did_nothing_has_no_say(base: bytes, other: bytes) -> None:
    assert changelog.merge(base, other, base) == other
    assert changelog.merge(base, base, other) == other
    assert changelog.merge(base, other, other) == other


@given(documents(CLOSED), documents(CLOSED), documents(CLOSED))
def test_conflicts_are_the_same_from_both_sides(base: bytes, one: bytes, two: bytes) -> None:
    here, there = changelog.merge(base, one, two), changelog.merge(base, two, one)
    assert isinstance(here, tuple) == isinstance(there, tuple)
    if isinstance(here, tuple):
        assert here == there


QUIET = [line for line in CLOSED if "Unreleased" not in line]


@given(documents(QUIET), documents(QUIET), RENDERED, RENDERED)
def test_two_releases_from_one_base_never_conflict(above: bytes, below: bytes, first: str, second: str) -> None:
    base = above + b"\n## [Unreleased]\n" + below
    merged = changelog.merge(base, put(base, "1.5.0", first, None), put(base, "1.6.0", second, None))
    assert isinstance(merged, bytes)
    names = [section.name for section in sections.parse(merged).sections]
    assert sorted(names) == sorted([*(section.name for section in sections.parse(base).sections), "1.5.0", "1.6.0"])


TEXTS = st.one_of(
    st.text(max_size=80),
    st.lists(st.sampled_from(["feat: ", "#", "`", "<b>", "](", "]:", "[", "\\", "\n", "-", " ", "a", "Refs: "])).map(
        "".join
    ),
)


@given(TEXTS)
def test_an_inert_message_stays_inert_and_readable(text: str) -> None:
    once = inert.message(text)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", once)
    assert not re.search(r"^(?:#{1,6}(?:\s|$)|>|[-+*](?:\s|$)|\d+[.)](?:\s|$))", once, re.MULTILINE)
    assert not once.endswith("\n")
    if not re.search(r"[:#\x1b\x80-\x9f]", text):  # no control sequences, and no trailers without a value
        letters = re.compile(r"[A-Za-z]")
        assert len(letters.findall(once)) >= len(letters.findall(text))
