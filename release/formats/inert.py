"""Text of commits as Markdown that means nothing: it can be read, and it can forge no structure.

Markdown is CommonMark 0.31 with GitHub's additions. As much stays as can stay: `snake_case`, `` `list[int]` `` and
`a < b` come out as they went in, so that the patterns of a cliff.toml still find what their author saw in the log.
"""

from __future__ import annotations

import re

LONGEST_LINE = 1_000  # characters of one line; what is longer ends in an ellipsis
LONGEST_MESSAGE = 65_536  # characters of one message

# ECMA-48 control sequences (colours, cursor) and control strings (OSC 8 links, titles), also in their C1 forms.
_SEQUENCES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"
)
# C0, C1, soft hyphen, zero-width and bidi controls, fillers that show nothing, tags, lone surrogates.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufeff\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]"
)
# Where URLs hold secrets (RFC 3986, 3.2.1 and 3.4).
_USER = re.compile(r"(?<=://)[^/?#\s'\"]*@")
_QUERY = re.compile(r"(?<=://)([^?#\s'\"]*)\?[^#\s'\"]*")
_LINE_BREAKS = re.compile("\r\n?|\u0085|\u2028|\u2029")

# Conventional Commits as git-cliff's parser reads them: everything but blanks, parentheses, "!" and ":" is a type.
_SUBJECT = re.compile(r"(?P<type>[^\s():!]+)(?:\((?P<scope>[^()]+)\))?(?P<mark>!?:[ \t]*)(?P<rest>.*)", re.DOTALL)
_TRAILER = re.compile(r"(?P<token>BREAKING CHANGE|[^\s():!]+)(?P<separator>:[ \t]*| #[ \t]*)(?P<value>.*)", re.DOTALL)

# An escaped character, a code span, or a run of backticks that opens nothing (CommonMark §2.4, §6.1).
_CODE = re.compile(r"\\[^\n]|(?<!`)(?P<ticks>`+)(?!`)[^\n]*?(?<!`)(?P=ticks)(?!`)|`+")
_CODE_STANDS_HERE = "\x00"
_BRACKET = re.compile(r"(?<!\\)((?:\\\\)*)\]")  # one that no backslash escapes
_ESCAPED = re.compile(r"\\.")

_TAG = re.compile(r"<(?=[A-Za-z/!?])([^<>]*)>")  # §6.6: anything that could be HTML or an autolink
_TAG_OPENS = re.compile(r"<(?=[A-Za-z/!?]|$)")
_COMMENT_ENDS = re.compile(r"-->|--!>")
# What would open a block at the start of a line (§4, §5); "#12" does not, and "1.0" does not.
_BLOCK = re.compile(r"#{1,6}(?![#0-9])|=+[ \t]*$|[-+*](?=[ \t]|$)|(?:[-*_][ \t]*){2,}$|~{3,}|:{3,}")
_NUMBERED = re.compile(r"([0-9]{1,9})([.)])(?=[ \t]|$)")


def message(text: str) -> str:
    r"""Return a whole commit message: LF lines, a blank line after the subject, no line or field that opens a block.

    The subject of a conventional commit and its trailers keep their form, each of their fields is inert on its own.
    A trailer without a value is left out: with one at the end git-cliff silently drops the whole commit.
    """
    lines = [line.rstrip() for line in _visible(text)[:LONGEST_MESSAGE].split("\n")]
    while lines and not lines[0]:
        del lines[0]
    if not lines:
        return "(no message)"
    subject, *body = map(_shortened, lines)
    return "\n".join([_subject(subject.lstrip()), "", *_body(body)]).rstrip()


def line(text: str) -> str:
    """Return a name or another one-line field, in which no bracket closes a link."""
    return _segment(_shortened(" ".join(_visible(text).split())), is_name=True)


def reason(text: str) -> str:
    """Return what a program said, fit for a terminal: no control characters, no overlong line."""
    return "\n".join(map(_shortened, _visible(text).split("\n"))).strip()


def public(text: str) -> str:
    """Return a text whose URLs have neither user nor password nor query: each of these can be a token."""
    return _QUERY.sub(r"\1", _USER.sub("", text))


def _visible(text: str) -> str:
    text = _LINE_BREAKS.sub("\n", _SEQUENCES.sub("", text))
    return _INVISIBLE.sub("", text).expandtabs(4)


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_LINE else f"{text[:LONGEST_LINE]}…"


def _subject(text: str) -> str:
    match = _SUBJECT.fullmatch(text)
    if match is None:
        return _segment(text)
    scope = "" if match["scope"] is None else f"({_segment(match['scope'], is_name=True)})"
    return f"{_token(match['type'])}{scope}{match['mark']}{_segment(match['rest'])}"


def _body(lines: list[str]) -> list[str]:
    """Return the body's lines inert, less the trailers whose value is missing."""
    kept: list[str] = []
    followed = False  # whether a value could still come: some text that is no trailer of its own
    for text in reversed(lines):
        match = _TRAILER.fullmatch(text)
        if match is None:
            kept.append(_indented(text))
            followed = followed or bool(text)
        elif match["value"] or followed:
            value = _segment(match["value"])
            kept.append(f"{_token(match['token'])}{match['separator']}{value}")
            followed = False
    return kept[::-1]


def _token(text: str) -> str:
    r"""Return what stands in front of a colon; lax readers take `[x\]:` for a definition."""
    inert = _segment(text, is_name=True)
    return f"&#91;{inert[1:]}" if inert.startswith("[") else inert


def _indented(text: str) -> str:
    bare = text.lstrip()
    return text[: len(text) - len(bare)] + _segment(bare)


def _segment(text: str, *, is_name: bool = False) -> str:
    """Return one line, or a field cut from one, that opens no block, link or HTML and leaves no code span open."""
    spans: list[str] = []

    def set_aside(match: re.Match[str]) -> str:
        if match["ticks"] is not None:
            spans.append(match[0])
            return _CODE_STANDS_HERE
        return match[0] if match[0].startswith("\\") else "\\`" * len(match[0])

    if "`" in text:
        text = _CODE.sub(set_aside, text)
    text = _TAG_OPENS.sub("&lt;", _TAG.sub(r"&lt;\1&gt;", text))
    text = _COMMENT_ENDS.sub(lambda match: f"{match[0][:-1]}&gt;", text)
    text = _without_links(text, is_name=is_name)
    text = _without_block(text)
    if (len(text) - len(text.rstrip("\\"))) % 2:  # it would escape what a template puts behind it
        text += "\\"
    pieces = text.split(_CODE_STANDS_HERE)
    return "".join(piece for pair in zip(pieces, [*spans, ""], strict=True) for piece in pair)


def _without_links(text: str, *, is_name: bool) -> str:
    """Part what would be a link, an image or a definition of a reference (§4.7, §6.3)."""
    if "]" not in text:
        return text
    if is_name:
        return _BRACKET.sub(r"\1\\]", text)
    text = text.replace("](", "]\\(")
    label = _ESCAPED.sub("", text.partition("]:")[0])
    return text.replace("]:", "]\\:") if label.startswith("[") or "[" not in label else text


def _without_block(text: str) -> str:
    if text.startswith(">"):
        return f"&gt;{text[1:]}"
    if _BLOCK.match(text):
        return f"\\{text}"
    return _NUMBERED.sub(r"\1\\\2", text, count=1) if _NUMBERED.match(text) else text
