from __future__ import annotations

import pytest

from release.errors import Exit, ReleaseError
from release.formats import FormatError, find

KEYS = ("LABEL version", "ARG VERSION", "ENV VERSION")


def found(data: str, *keys: str) -> list[str]:
    encoded = data.encode()
    literals = find("dockerfile", encoded, keys or KEYS)
    assert [encoded[one.start : one.end].decode() for one in literals] == [one.text for one in literals]
    return [f"{one.key} {one.text}" for one in literals]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("LABEL version=1.0.0", ["LABEL version 1.0.0"]),
        ("label version='1.0.0'", ["LABEL version 1.0.0"]),
        ('LABEL "version"="1.0.0"', ["LABEL version 1.0.0"]),
        ("LABEL version 1.0.0 ", ["LABEL version 1.0.0"]),
        ('LABEL version "1.0.0"', ["LABEL version 1.0.0"]),
        ("LABEL version=1.0.0 version=1.0.1", ["LABEL version 1.0.0", "LABEL version 1.0.1"]),
        ('LABEL a="version=1" b=version=2 version=3', ["LABEL version 3"]),
        ("LABEL a=b\\ version=1 version=2", ["LABEL version 2"]),
        ('LABEL a="\\" version=1" version=2', ["LABEL version 2"]),
        ("LABEL a='\\' version=2", ["LABEL version 2"]),
        ("LABEL Version=1", []),
        ("LABEL base.version=1", []),
        ("LABEL version=", ["LABEL version "]),
        ('LABEL version=""', ["LABEL version "]),
        ("\\\nLABEL version=1", ["LABEL version 1"]),
        ("LABEL \\\n\\\nversion=1", ["LABEL version 1"]),
        ("LABEL a=\\\n1 version=2", ["LABEL version 2"]),
        ("LABEL a=1 \\ \t\n # version=3 \\\n\n\t# x\n  version=2", ["LABEL version 2"]),
        ("LABEL a=1 \\", []),
        ("LABEL a=1\\\\\nLABEL version=1", ["LABEL version 1"]),
        ("# LABEL version=1 \\\nLABEL version=2", ["LABEL version 2"]),
        ("RUN x \\\n  LABEL version=1\nLABEL version=2", ["LABEL version 2"]),
        ("ENV VERSION 1.0.0", ["ENV VERSION 1.0.0"]),
        ("ENV VERSION a b=c", ["ENV VERSION a b=c"]),
        ("ENV A VERSION=1", []),
        ("ENV VERSION", []),
        ("ENV", []),
        ("ENV A=$B VERSION=1-${A}", []),
        ("ENV A=$B VERSION=1", ["ENV VERSION 1"]),
        ("ARG VERSION", []),
        ("ARG VERSION=1.0.0", ["ARG VERSION 1.0.0"]),
        ("ARG A B VERSION=1 C", ["ARG VERSION 1"]),
        ("ARG VERSION =1", []),
        ("LABEL A=1\nARG version=1\nENV version=1 VERSIONS=1", []),
        ("ONBUILD ARG VERSION=1", ["ARG VERSION 1"]),
        ("onbuild \\\n label version=1", ["LABEL version 1"]),
        ("ONBUILD\nLABEL version=1", ["LABEL version 1"]),
        ("LABEL version\\\n=1", ["LABEL version 1"]),
        ("  LABEL version=1", ["LABEL version 1"]),
        ("LABEL\tversion=1\v a=2", ["LABEL version 1"]),
        ("\ufeffLABEL ü=é version='😀'\r\nENV VERSION=1\r\n", ["LABEL version 😀", "ENV VERSION 1"]),
        ("#escape=`\nLABEL a=b\\ `\n version=1", ["LABEL version 1"]),
        ("# syntax=x\n#ESCAPE = ` \nLABEL a=b` c=d version=1", ["LABEL version 1"]),
        ("# a comment\n# escape=`\nLABEL a=\\\n1 version=2", ["LABEL version 2"]),
        ("\n# escape=`\nLABEL a=\\\n1 version=2", ["LABEL version 2"]),
        ("RUN <<A <<B\nLABEL version=1\nA\nLABEL version=2\nB\nLABEL version=3", ["LABEL version 3"]),
        ("RUN cat 3<<-A\n\tLABEL version=1\n\t\tA\nLABEL version=3", ["LABEL version 3"]),
        ("COPY <<'A' <<\"B\" /x\nLABEL version=1\nA\n B\nB\r\nLABEL version=3", ["LABEL version 3"]),
        ("RUN a \\\n <<A\nLABEL version=1\nA\nLABEL version=3", ["LABEL version 3"]),
        ("RUN echo '<<A' \"<<A\" <<<A a<<A << A\nLABEL version=3", ["LABEL version 3"]),
        ('RUN ["<<A", "a \\" <<A b"]\nLABEL version=3', ["LABEL version 3"]),
        ("ADD <<A /x\n\tA\nLABEL version=1\nA\nLABEL version=3", ["LABEL version 3"]),
        ("RUN [ <<A\nLABEL version=1\nA\nLABEL version=3", ["LABEL version 3"]),
        ("CMD <<A\nLABEL version=3", ["LABEL version 3"]),
        ("RUN <<A echo it's\nLABEL version=1\nA", ["LABEL version 1"]),
        ("RUN <<''\nLABEL version=1\n", ["LABEL version 1"]),
        ("# escape=`\nRUN <<A\\ x\nLABEL version=1\nA x\nLABEL version=2", ["LABEL version 2"]),
        ("\t# escape=`\nLABEL a=1 `\nversion=1", ["LABEL version 1"]),
        ("ENV VERSION 1.0 \\\n  \n", ["ENV VERSION 1.0"]),
        ("{% if x %}\nLABEL version=3\n{% endif %}", ["LABEL version 3"]),
        ("", []),
    ],
)
def test_values_are_found(data: str, expected: list[str]) -> None:
    assert found(data) == expected


def test_keys_are_an_instruction_in_any_case_and_a_name() -> None:
    assert found("ARG VERSION=1\nENV A.b=2\n", "arg  VERSION", "Env A.b") == ["arg  VERSION 1", "Env A.b 2"]


@pytest.mark.parametrize("key", ["version", "LABEL", "RUN x", "LABEL a b", ""])
def test_what_is_no_key_is_bad_input(key: str) -> None:
    with pytest.raises(ReleaseError, match="cannot read the key") as stopped:
        found("", key)
    assert stopped.value.exit is Exit.USAGE


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ('FROM x\nLABEL version="1.0.0', r"quote without its partner \(line 2\)"),
        ("ARG VERSION='", "quote without its partner"),
        ("LABEL version=1.\\\n0.0", "in one piece"),
        ('LABEL version="1.\\\n0.0"', "in one piece"),
        ('LABEL version="1.0".0', "quote without its partner"),
        ('LABEL version="1.0"".0"', "in one piece"),
        ("LABEL version=1.0'.0'", "in one piece"),
        ("LABEL version=1\\.0", "in one piece"),
        ("LABEL a=1 version", r"LABEL has a word without = \(line 1\)"),
        ("ENV A=1 VERSION 1", "ENV has a word without ="),
        ("RUN <<EOF\nLABEL version=1", "'EOF' of line 1 does not end"),
        ("RUN <<EOF\nLABEL version=1\n EOF", "does not end"),
        ("# escape=x\nLABEL version=1", "escape directive"),
    ],
)
def test_what_cannot_be_edited_is_refused(data: str, why: str) -> None:
    with pytest.raises(FormatError, match=why):
        found(data)


def test_bytes_that_are_no_text_do_not_matter() -> None:
    data = b"LABEL a=\xff version=1 \\\n \xfe=1"
    (literal,) = find("dockerfile", data, KEYS)
    assert data[literal.start : literal.end] == b"1"
