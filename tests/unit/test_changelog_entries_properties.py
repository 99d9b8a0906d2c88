"""What holds for entries of every shape: their bytes stay, none is lost, and doing it twice is doing it once."""

from __future__ import annotations

import datetime as dt
import re

from hypothesis import example, given
from hypothesis import strategies as st

from release.formats import changelog, entries, entries_merge, markdown

DAY = dt.date(2026, 1, 31)
HEADINGS = ["### Added", "### Fixed", "#### Parts"]
# What people write, and much that only looks like an item or a break; no two say the same in other bytes.
SHAPES = [
    *[
        "- item {n}",
        "* star {n}",
        "+ plus {n}",
        "{n}. numbered {n}",
        "7) seventh {n}",
        "* --",
        "- deep {n}\n  - in {n}",
    ],
    *["**Note {n}:** restart", "*Breaking {n}* the API", "-O{n} is fast", "+{n} for speed", "--flag{n} is gone", "*"],
    *[
        "- long {n}\n\n  * paragraph {n}\n\n      code {n}",
        "    code {n}\n    * more {n}",
        "\t# tab {n}",
        "> quote {n}",
    ],
    *[
        "```\n* fenced {n}\n\n- more\n```",
        "Title {n}\n---",
        "hard {n}  \nbreak",
        "- hard item {n}  \n  break",
        "   near {n}",
    ],
    *["---", "***", "* * *", "_ _ _", "  - - -", "<!-- comment {n} -->", "<!-- two\n* lines {n} -->", "1986. was {n}"],
]
BLOCKS = st.one_of(
    st.sampled_from(HEADINGS), st.builds(lambda shape, n: shape.format(n=n), st.sampled_from(SHAPES), st.integers(1, 3))
)


def bodies(blocks: st.SearchStrategy[str] = BLOCKS) -> st.SearchStrategy[str]:
    """Return bodies of sections: such blocks with blank lines between them, or without."""
    some = st.lists(st.tuples(blocks, st.sampled_from(["\n", "\n\n"])), max_size=8)
    return some.map(lambda pairs: "".join(block + gap for block, gap in pairs))


GROUPS = st.dictionaries(
    st.sampled_from(["Added", "Changed", "Fixed"]), st.lists(st.sampled_from("abcd"), min_size=1, max_size=3)
)
RENDERED = GROUPS.map(
    lambda groups: "\n".join(
        f"### {name}\n\n{''.join(f'- {word}{chr(10)}' for word in words)}" for name, words in groups.items()
    )
)


def document(unreleased: str, section: str) -> bytes:
    return (
        f"# Changelog\n\n## [Unreleased]\n\n{unreleased}\n## [1.1.0] - 2026-01-31\n\n{section}\n## [1.0.0]\n".encode()
    )


def put(known: bytes, rendered: str, base: str | None) -> bytes:
    return changelog.put_section(
        known, version="1.1.0", date=DAY, rendered=rendered, base=base, marker=("a" * 40, "b" * 40)
    )


def hand_written(text: bytes) -> set[str]:
    """Return the lines that are no headings and say something, with each byte; of bullets, with one sign."""
    lines = [line for line in text.decode().replace("\r\n", "\n").split("\n") if line.strip()]
    return {
        line if markdown.is_break(line) else re.sub(r"^[-*+](?=[ \t]|$)", "-", line)
        for line in lines
        if not re.match(r"#|<!-- release|<!-- -->|[-*+]$", line)
    }


@given(bodies(), bodies(), RENDERED, st.sampled_from(["\n", "\r\n"]))
@example("---\n", "* a\n", "### Fixed\n\n- x\n", "\n")
@example("**Note:** restart\n\n*Breaking* the API\n", "- a\n", "- x\n", "\n")
def test_no_byte_of_a_line_changes_but_the_sign_of_a_bullet(
    unreleased: str, section: str, rendered: str, newline: str
) -> None:
    known = document(unreleased, section).replace(b"\n", newline.encode())
    written = put(known, rendered, None)
    assert hand_written(known) - hand_written(written) == set()
    assert hand_written(written) - hand_written(known) <= hand_written(rendered.encode())
    assert written.count(b"\n") == written.count(newline.encode())


@given(bodies(), bodies(), RENDERED, RENDERED)
def test_a_second_run_changes_nothing(unreleased: str, section: str, first: str, second: str) -> None:
    written = put(document(unreleased, section), first, None)
    assert put(written, first, None) == written
    assert put(written, first, first) == written
    later = put(written, second, first)
    assert put(later, second, second) == later


@given(bodies(), bodies(), RENDERED)
@example("    code 1\n    * more 1\nTitle 1\n---\n", "", "")
def test_a_break_below_unreleased_never_leaves_it(unreleased: str, section: str, rendered: str) -> None:
    known = document(unreleased, section)
    heading = "## [1.1.0] - 2026-01-31\n"
    above, _, below = put(known, rendered, None).decode().partition(heading)
    before, _, after = known.decode().partition(heading)
    assert breaks(above) == breaks(before)
    assert breaks(below) == breaks(after)


def breaks(text: str) -> list[str]:
    """Return the lines of the breaks of the top level."""
    return [entry.lines[0] for _, entry in entries.keyed(entries.read(text.split("\n"))) if entry.is_break]


def keys(text: str) -> set[entries.Key]:
    """Return the keys of what is no break, and not what is written to part others."""
    found = entries.keyed(entries.read(text.split("\n")))
    return {key for key, entry in found if not entry.is_break and entry.words != "<!-- -->"}


def adopted(ours: str, theirs: str, base: set[entries.Key] | None) -> str:
    sides = [entries.read(side.split("\n")) for side in (ours, theirs)]
    return "\n".join(entries.write(entries_merge.adopt(sides[0], sides[1], base=base, end="")))


@given(bodies(), bodies(), bodies())
def test_an_entry_goes_only_when_one_side_removed_or_moved_it(base: str, ours: str, theirs: str) -> None:
    old, here, there = keys(base), keys(ours), keys(theirs)
    merged = keys(adopted(ours, theirs, entries.keys(entries.read(base.split("\n")))))
    assert merged <= here | there
    for one, other in ((here, there), (there, here)):
        changed = {words for path, words in old if (path, words) not in other or (path, words) not in one}
        assert {key for key in one - merged if key[1] not in changed} == set()
    for key in here & there:
        assert key in merged
    kept = keys(adopted(ours, theirs, None))
    assert here <= kept
    assert {words for _, words in there} <= {words for _, words in kept}
