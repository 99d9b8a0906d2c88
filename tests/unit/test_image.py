"""Names of images: what is one, and which of them mean the same."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from release import image

DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("app", ("", "app", "", "")),
        ("acme/app:1.0.0", ("", "acme/app", "1.0.0", "")),
        ("acme/app:1.0.0-rc.1", ("", "acme/app", "1.0.0-rc.1", "")),
        ("localhost/app", ("localhost", "app", "", "")),
        ("localhost:5000/app", ("localhost:5000", "app", "", "")),
        ("registry.example.org/acme/my_app/x__y--z.w:_a", ("registry.example.org", "acme/my_app/x__y--z.w", "_a", "")),
        ("[::1]:5000/app", ("[::1]:5000", "app", "", "")),
        ("REGISTRY/app", ("REGISTRY", "app", "", "")),
        (f"app@{DIGEST}", ("", "app", "", DIGEST)),
        (f"quay.io/a/b:1@{DIGEST}", ("quay.io", "a/b", "1", DIGEST)),
        ("a:" + "x" * 128, ("", "a", "x" * 128, "")),
    ],
)
def test_references_have_parts(text: str, parts: tuple[str, ...]) -> None:
    assert image.read(text) == parts


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " ",
            "-app",
            "--help",
            "App",
            "acme/App",
            "a b",
            "a;b",
            "a|b",
            "a&b",
            "$(id)",
            "`id`",
            "a\n",
            "\na",
            "a\0",
        ),
        *("/app", "app/", "a//b", "a/../b", "./a", "a..b", "a___b", "_a", "a_", "a-", "http://x/a", "u:p@x.org/a"),
        *("a:", "a:-x", "a:.x", "a:1.0.0+cpu", "a:x y", "a:" + "x" * 129, "a@", "a@sha256:12", "a@sha256:" + "g" * 64),
        *("a" * 256, "x.org/" + "a" * 250, "\u00e4pp", "a\u2024b", "a" * 100_000),
    ],
    ids=lambda text: repr(text)[:30],
)
def test_other_texts_are_no_references(text: str) -> None:
    assert image.read(text) is None
    assert image.name_objection(text)


def test_a_name_has_no_tag() -> None:
    assert not image.name_objection("registry.example.org:5000/acme/app")
    assert "the tag is the version" in image.name_objection("acme/app:1.0.0")
    assert "the tag is the version" in image.name_objection(f"acme/app@{DIGEST}")
    assert "more than 255" in image.name_objection("a" * 256)


@given(st.from_regex(re.compile(r"[a-z0-9_.:/@+-]{1,40}", re.ASCII), fullmatch=True))
def test_what_is_read_is_what_was_written(text: str) -> None:
    found = image.read(text)
    if found is not None:
        written = "/".join(part for part in (found.domain, found.path) if part)
        written += f":{found.tag}" * bool(found.tag) + f"@{found.digest}" * bool(found.digest)
        assert written == text
        assert image.is_same(text, text)


@pytest.mark.parametrize(
    ("asked", "told", "is_same"),
    [
        ("acme/app:1", "acme/app:1", True),
        ("acme/app:1", "docker.io/acme/app:1", True),
        ("index.docker.io/acme/app:1", "acme/app:1", True),
        ("app:1", "docker.io/library/app:1", True),
        ("app", "app:latest", True),
        ("acme/app:1", "localhost/acme/app:1", True),
        ("localhost/acme/app:1", "acme/app:1", False),
        ("quay.io/acme/app:1", "localhost/acme/app:1", False),
        ("quay.io/acme/app:1", "quay.io/acme/app:1", True),
        ("quay.io/library/app:1", "quay.io/app:1", False),
        ("quay.io/acme/app:1", "acme/app:1", False),
        ("acme/app:1.0.0", "acme/app:1.0.0rc1", False),
        ("acme/app:1.0.0", "acme/app", False),
        ("acme/app:1.0.0", f"acme/app@{DIGEST}", False),
        ("acme/app:1.0.0", f"acme/app:1.0.0@{DIGEST}", True),
        (f"acme/app@{DIGEST}", f"acme/app:1.0.0@{DIGEST}", True),
        (f"acme/app:2@{DIGEST}", f"acme/app@{DIGEST}", True),
        (f"acme/app@{DIGEST}", "acme/app:latest", False),
        (f"acme/app@{DIGEST}", f"acme/app@{DIGEST[:-1]}0", False),
        (f"acme/app@{DIGEST}", f"acme/other@{DIGEST}", False),
        ("acme/app:1", "image.tar", False),
        ("acme/app:1", "", False),
        ("acme/app:1", "/tmp/x y", False),
    ],
)
def test_names_of_the_same_image(asked: str, told: str, is_same: bool) -> None:
    assert image.is_same(asked, told) == is_same
