"""Previews: patches that git applies to the very bytes, and text that no terminal obeys."""

from __future__ import annotations

import io
import os
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from release import console, terminal
from release.plan import FileDiff

LINES = st.lists(st.sampled_from([b"a", b"b", b"c\r", b"", b"\t1.0.0", b"\xe9"]), max_size=14)
CONTENTS = st.builds(lambda lines, end: b"\n".join(lines) + (b"\n" if end and lines else b""), LINES, st.booleans())


def patch(path: str, old: bytes | None, new: bytes | None) -> bytes:
    return b"".join(console.unified(FileDiff(path=path, mode="100644", old=old, new=new)))


def apply(path: str, old: bytes | None, text: bytes) -> bytes | None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        if old is not None:
            (folder / path).write_bytes(old)
        subprocess.run(["git", "apply", "--whitespace=nowarn", "-"], cwd=folder, input=text, check=True)
        return (folder / path).read_bytes() if (folder / path).exists() else None


@settings(max_examples=80, deadline=None)
@given(CONTENTS, CONTENTS)
def test_git_applies_every_patch_and_gets_the_same_bytes(old: bytes, new: bytes) -> None:
    if old != new:
        assert apply("a file", old, patch("a file", old, new)) == new


def test_new_and_deleted_files() -> None:
    assert apply("new", None, patch("new", None, b"x\n")) == b"x\n"
    assert apply("old", b"x\n", patch("old", b"x\n", None)) is None
    assert patch("same", b"x", b"x") == b""


def test_odd_names_are_quoted_as_git_does() -> None:
    odd = 'fo"o\\\t\n\x1bé.txt'
    assert apply(odd, b"1\n", patch(odd, b"1\n", b"2\n")) == b"2\n"


def test_a_long_file_with_far_edits_has_a_hunk_for_each() -> None:
    old = b"".join(b"%d\n" % number for number in range(5000))
    new = old.replace(b"\n100\n", b"\nx\n").replace(b"\n4000\n", b"\ny\n")
    text = patch("long", old, new)
    assert text.count(b"@@ -") == 2
    assert apply("long", old, text) == new


def test_what_a_terminal_would_obey_is_escaped() -> None:
    assert terminal.visible("\x1b[31m\u202e\u200bé\t\n\x9b") == "\\x1b[31m\\u202e\\u200bé\t\n\\x9b"


def test_colours_only_on_a_terminal_that_wants_them(monkeypatch) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    stream = io.StringIO()
    stream.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert terminal.colours(stream)
    monkeypatch.setenv("NO_COLOR", "1")
    assert not terminal.colours(stream)
    assert not terminal.colours(io.StringIO())


def test_a_terminal_that_was_closed_ends_nothing() -> None:
    ours, theirs = os.openpty()
    with os.fdopen(theirs, "w") as stream:
        os.close(ours)
        with terminal.heard(stream):
            print("nobody sees this", file=stream, flush=True)
        with terminal.heard(stream):
            print("nor this", file=stream, flush=True)
