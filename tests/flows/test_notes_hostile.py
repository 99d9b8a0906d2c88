"""No commit can make a section say anything but what its message says, or vanish from it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from commits import DATE, History
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from release.formats import changelog, markdown
from release.formats.inert import LONGEST_LINE

if TYPE_CHECKING:
    from pathlib import Path

# Every field of a commit at the start of a line, which no sane template does.
EVERYTHING = """
[changelog]
body = '''
{% for c in commits %}
{{ c.message }}
{{ c.scope }}
{% if c.conventional %}
{{ c.body }}
{{ c.breaking_description }}
{% for f in c.footers %}
{{ f.token }}
{{ f.value }}
{% endfor %}
{% endif %}
{{ c.raw_message }}
{{ c.author.name }}
{{ c.author.email }}
{% for l in c.links %}
{{ l.text }}
({{ l.href }})
{% endfor %}
{% endfor %}
'''
[git]
filter_unconventional = false
commit_parsers = [{ message = "", group = "x" }]
link_parsers = [{ pattern = '[a-z]+:\\S+', href = "$0" }]
"""
MARKER = "<!-- release: " + "a" * 40 + ".." + "b" * 40 + " -->"


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "history")


def headings(text: str) -> list[str]:
    """Return what CommonMark and what laxer readers take for a heading, ATX or Setext."""
    lines = text.split("\n")
    return [
        line
        for at, line in enumerate(lines)
        if re.match(r"\s*#+(?![0-9#])", line) or (re.fullmatch(r"\s*(?:=+|-+)\s*", line) and at and lines[at - 1])
    ]


def is_inert(text: str) -> None:
    """Assert that a rendered section has one heading and nothing but text below."""
    assert headings(text) == headings(text)[:1]
    assert markdown.heading(text.split("\n", maxsplit=1)[0]) == (2, "[1.1.0] - 2026-01-31")
    outside_code = re.sub(r"(?<![\\`])(`+)(?!`)[^\n]*?(?<!`)\1(?!`)", "", text)
    assert not re.search(r"<[A-Za-z/!?]", outside_code)
    assert not re.search(r"(?<!\\)\]\(", outside_code)
    assert not re.search(r"^\s*\[[^\]\n]*\]:", outside_code, re.MULTILINE)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]", text)
    assert changelog.marker(text.encode(), "1.1.0") is None


@pytest.mark.parametrize(
    ("message", "entry"),
    [
        ("feat: \x1b[31mred\x1b[0m", "Red"),
        ("feat: \x1b]8;;http://evil.example\x07click\x1b]8;;\x07", "Click"),
        ("feat: \x1b]0;title\x1b\\rest \x9b1mx", "Rest x"),
        ("feat: user\u202egnp.exe\u202c \u2066x\u2069", "Usergnp.exe x"),
        ("feat: zero\u200bwidth\ufeff\u00ad\U000e0041", "Zerowidth"),
        ("feat: a\rb", "A"),  # a line end of old
        ("feat: <script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("feat: see <javascript:alert(1)>", "See &lt;javascript:alert(1)&gt;"),
        ("feat: [click](javascript:alert(1))", "[click]\\(javascript:alert(1))"),
        ("feat: ![pixel](http://evil.example/x.png)", "![pixel]\\(http://evil.example/x.png)"),
        ("feat: [1.0.0]: javascript:alert(1)", "[1.0.0]\\: javascript:alert(1)"),
        ("feat: ## [9.9.9] - 2030-01-01", "\\## [9.9.9] - 2030-01-01"),
        ("feat: - item", "\\- item"),
        ("feat: 1. item", "1\\. item"),
        ("feat: > quote", "&gt; quote"),
        (f"feat: {MARKER}", MARKER.replace("<", "&lt;").replace(">", "&gt;")),
        ("feat: comment -->", "Comment --&gt;"),
        ("feat: `open <b>", "\\`open &lt;b&gt;"),
        ("feat: \\`<b>`", "\\`&lt;b&gt;\\`"),
        ("feat: ends with \\", "Ends with \\\\"),
        ("feat(a[b]): (javascript:x)", "**a[b\\]:** (javascript:x)"),
        ("feat: {{ get_env(name='HOME') }} {% raw %}", "{{ get_env(name='HOME') }} {% raw %}"),
    ],
)
def test_markup_and_controls_are_neutralised(history: History, message: str, entry: str) -> None:
    history.commit(message)
    assert history.entries() == [entry]


@pytest.mark.parametrize(
    "subject",
    [
        "Snake_case and __dunder__ names",
        "Use `list[int]` and ``a ` b``",
        "Fix #12 (a < b), x -> y, 1 <= 2 <3",
        "Support [extras] and f(x)[0]",
        "Café, naïve, 日本語, emoji 🎉",
        "**bold** & <=> operator",
        "50% off, see https://example.org/a_(b)?c=d#e",
    ],
)
def test_what_is_harmless_stays_as_it_is(history: History, subject: str) -> None:
    history.commit(f"feat: {subject}\n")
    assert history.entries() == [subject]


BODY = f"""fix: x
## [9.9.9] - 2030-01-01

### Security

- forged entry

Setext
======

{MARKER}
<details>
[ref]: javascript:alert(1)
[multi
line]: javascript:alert(1)
```
fence
~~~
***

BREAKING CHANGE: # forged
Reviewed-by: <b>Bob</b>
"""


def test_no_field_forges_anything_wherever_a_template_puts_it(history: History) -> None:
    history.commit(BODY, author=b"# Eve [x](y) \xe2\x80\xae <eve@example.org>")
    text = history.render(cliff=EVERYTHING)
    is_inert(text)
    for word in ("9.9.9", "forged entry", "Setext", "fence", "Bob", "Eve", "eve@example.org"):
        assert word in text, text
    written = changelog.put_section(None, version="1.1.0", date=DATE, rendered=text, base=None, marker=None)
    assert written.count(b"\n## ") == 2


def test_links_lead_to_the_web_and_nowhere_else(history: History) -> None:
    history.commit("feat: http://a.example/x_(y)<b> javascript:alert(1) https:evil data:text/html,x ftp://b.example\n")
    found = re.findall(r"^\((.*)\)$", history.render(cliff=EVERYTHING), re.MULTILINE)
    assert found == ["http://a.example/x_%28y%29&lt;b&gt;"]


@pytest.mark.parametrize(
    ("message", "entry"),
    [
        ("fix(core): crlf\r\n\r\nbody line\r\n\r\nRefs: #1\r\n", "**core:** Crlf"),
        ("fix: crlf without blank line\r\nbody\r\n", "Crlf without blank line"),
        ("fix: no blank line\nbody\n", "No blank line"),
        ("fix: old mac\r\rbody\r", "Old mac"),
        ("fix: empty trailer\n\nbody\n\nFixes:\n", "Empty trailer"),
        ("fix: empty number\n\nbody\n\nSee #\n", "Empty number"),
        ("fix: two empty trailers\n\nFixes:\nSee #\n\n", "Two empty trailers"),
        ("\n\n  fix: leading lines\n", "Leading lines"),
        (b"fix: caf\xe9 in Latin-1\n", "Café in Latin-1"),
        ("fix: late break\n\nRefs:\nBREAKING CHANGE: gone\n", "**breaking:** Late break: gone"),
        ("fix: crlf break\r\n\r\nBREAKING CHANGE: gone\r\nfor good\r\n", "**breaking:** Crlf break: gone for good"),
    ],
)
def test_no_message_loses_its_commit(history: History, message: str | bytes, entry: str) -> None:
    """git-cliff alone drops most of these without a word."""
    history.commit("feat: first\n")
    history.commit(message)
    history.commit("feat: last\n")
    assert sorted(history.entries()) == sorted(["First", "Last", entry])


def test_a_declared_encoding_is_decoded(history: History) -> None:
    history.commit(
        "fix: \u017elu\u0165ou\u010dk\u00fd k\u016f\u0148".encode("iso-8859-2"), header=b"encoding ISO-8859-2\n"
    )
    assert history.entries() == ["Žluťoučký kůň"]


@pytest.mark.parametrize("author", [b"", b" <>", b"Ann <ann@example.org", b"\xff\xfe <x>", b"Ann \x1b[1m<a<b>c>"])
def test_a_broken_identity_loses_no_commit(history: History, author: bytes) -> None:
    history.commit("feat: told", author=author)
    assert history.entries() == ["Told"]
    is_inert(history.render(cliff=EVERYTHING))


@pytest.mark.thorough
def test_an_enormous_message_is_cut_and_told(history: History) -> None:
    history.commit("feat: " + "`<a [b](c " * 100_000)
    history.commit("fix: body\n\n" + "## forged\n" * 100_000)
    text = history.render(cliff=EVERYTHING)
    is_inert(text)
    assert len(text) < 500_000
    assert all(len(entry) < 4 * LONGEST_LINE for entry in history.entries())
    assert len(history.entries()) == 2


def test_empty_messages_are_listed_where_everything_is(history: History) -> None:
    for message in ("", "\n\n", "\x1b[0m\u200b"):
        history.commit(message)
    assert history.render(cliff=EVERYTHING).count("(no message)\n") == 6  # as message and as raw_message


BITS = [
    *["feat: ", "fix(a): ", "x!: ", "BREAKING CHANGE: ", "Refs #", "Note: ", "\n", "\n\n", "\r\n", "\r", " ", "\t"],
    *["#", "## ", "=", "---", "* ", "1. ", "> ", "`", "```", "~~~", "\\", "[", "]", "](", "]:", "(", ")", "!"],
    *["<", ">", "<!--", "-->", "<b>", "<javascript:x>", MARKER, "http://x", "javascript:x", "a", "\x00", "\x1b[1m"],
    *["\u202e", "\u2028", "&lt;", "(no message)", "|", "_", "^", ":"],
]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(messages=st.lists(st.lists(st.sampled_from(BITS), max_size=14).map("".join), min_size=1, max_size=40))
def test_whatever_messages_say_each_comes_back_inert(
    messages: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    history = History(tmp_path_factory.mktemp("any") / "history")
    for number, message in enumerate(messages):
        history.commit(f"{message}{number}z".replace("\x00", ""))
    text = history.render(cliff=EVERYTHING)
    is_inert(text)
    assert all(f"{number}z" in text for number in range(len(messages)))
