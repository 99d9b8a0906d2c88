"""Which versions there are, and how they are spelled, read and named."""

from __future__ import annotations

import itertools
import re

import pytest
import semver
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.version import Version as Reference

from release import version as versions
from release.errors import Exit, ReleaseError
from release.version import Spelling, Version

NUMBERS = st.integers(0, 10**6)
SUFFIXES = st.one_of(
    st.just(""),
    st.builds("{}{}".format, st.sampled_from(["a", "b", "rc"]), st.integers(1, 10**6)),
    st.builds(".dev{}".format, NUMBERS),
)
TEXTS = st.builds("{}.{}.{}{}".format, NUMBERS, NUMBERS, NUMBERS, SUFFIXES)
CLOSE = st.builds(  # few numbers, so that segments are often equal
    "{}.{}.{}{}".format,
    *[st.integers(0, 2)] * 3,
    st.one_of(
        st.just(""),
        st.builds("{}{}".format, st.sampled_from(["a", "b", "rc", ".dev"]), st.integers(1, 12)),
    ),
)
ALMOST = st.text(alphabet="0123456789.-_+!vabcrdevlphot \n\x1b١", max_size=80)  # noqa: RUF001  # a digit of another script

ACCEPTED = {
    "1.0.0": "1.0.0",
    "v1.1.0": "1.1.0",
    "V1.1.0": "1.1.0",
    "1.1.0-alpha.1": "1.1.0a1",
    "v1.0.0-rc.1": "1.0.0rc1",
    "1.0.0rc1": "1.0.0rc1",
    "1.0.0RC1": "1.0.0rc1",
    "1.0.0c1": "1.0.0rc1",
    "1.0.0.preview_1": "1.0.0rc1",
    "1.0.0-beta2": "1.0.0b2",
    "01.1.0": "1.1.0",
    "2024.01.05": "2024.1.5",
    "1.0.0a01": "1.0.0a1",
    "1.0.0.dev0": "1.0.0.dev0",
    "1.0.0dev": "1.0.0.dev0",
    "1.0.0-0.dev.7": "1.0.0.dev7",
    " 1.0.0\r\n": "1.0.0",
    "9" * 60 + ".0.0": "9" * 60 + ".0.0",
}

REFUSED = {  # and the nearest accepted form, where there is one
    "": None,
    " \n": None,
    "v": None,
    "latest": None,
    "rc0": None,
    "1": "1.0.0",
    "1.1": "1.1.0",
    "v1": "1.0.0",
    "1.1.0.0": "1.1.0",
    "1.0rc1": "1.0.0rc1",
    "v0.2.0-alpha": "0.2.0a1",
    "0.2.0rc0": "0.2.0rc1",
    "1.0.0.post1": "1.0.1",
    "1.0.0-1": "1.0.1",
    "1.1.post2": "1.1.1",
    "1!1.0.0": "1.0.0",
    "1.0.0+local": "1.0.0",
    "1.0.0a1.dev1": "1.0.0a1",
    "1.0.0-beta.2.3": "1.0.0b2",
    "1.0.0-canary.1": "1.0.0",
    "v0.1.6-final": "0.1.6",
    "release/v1.2.3": "1.2.3",
    "1.0.0\n2.0.0": "1.0.0",
    "١.٢.٣": "1.2.3",  # noqa: RUF001  # digits of another script are the case
    "1.0.0-prev\N{LATIN SMALL LETTER DOTLESS I}ew.1": None,
    "\x1b[31m1.0.0\x1b[0m": "1.0.0",
    "\N{RIGHT-TO-LEFT OVERRIDE}1.0.0": "1.0.0",
    "\ufeff1.0.0": "1.0.0",
    "1.0.0c" + "1" * 58: None,  # its canonical spelling is too long
    "9" * 61 + ".0.0": None,
    "1" * 5000: None,
}


@pytest.mark.parametrize(("text", "canonical"), ACCEPTED.items())
def test_accepted_spellings_become_canonical(text: str, canonical: str) -> None:
    assert str(versions.parse(text)) == canonical
    assert versions.is_canonical(text) == (text.strip() == canonical)


@pytest.mark.parametrize(("text", "nearest"), REFUSED.items())
def test_refusals_name_the_nearest_accepted_form(text: str, nearest: str | None) -> None:
    with pytest.raises(ReleaseError) as caught:
        versions.parse(text)
    (problem,) = caught.value.problems
    assert problem.exit is Exit.USAGE
    assert problem.hint == (f"nearest accepted form: {nearest}" if nearest else versions._FORMS)  # noqa: SLF001
    assert str(caught.value).replace("\n", "").isprintable()
    assert str(caught.value).isascii()
    assert versions.read(text) is None
    assert not versions.is_canonical(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("1.1", "three segments"),
        ("1!1.0.0", "epoch"),
        ("1.0.0+x", "local"),
        ("1.0.0.post1", "post-release"),
        ("1.0.0a1.dev1", "development version of a pre-release"),
        ("1.0.0rc0", "from 1 up"),
        ("x", "not a version"),
        ("9" * 65, "65 characters"),
    ],
)
def test_refusals_say_why(text: str, why: str) -> None:
    with pytest.raises(ReleaseError, match=why):
        versions.parse(text)


@settings(deadline=None)
@given(st.one_of(st.text(), ALMOST))
def test_any_text_is_a_version_or_a_refusal(text: str) -> None:
    if versions.read(text.strip(" \t\r\n")) is not None:
        version = versions.parse(text)
        assert version == Reference(text.replace("-0.dev.", ".dev"))
        assert all(versions.read(versions.spell(version, spelling)) == version for spelling in Spelling)
        return
    with pytest.raises(ReleaseError) as caught:
        versions.parse(text)
    assert caught.value.exit is Exit.USAGE
    assert str(caught.value).replace("\n", "").isprintable()
    near = re.search(r"nearest accepted form: (\S+)", str(caught.value))
    assert near is None or versions.is_canonical(near[1])


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"1.0.0\n", "1.0.0"),
        (b"\xef\xbb\xbfv1.0.0-rc.1\r\n", "1.0.0rc1"),
        (b"1.0", None),
        (b"1.0.0\n\n2.0.0\n", None),
        (b"\xff\xfe1\x00", None),
        (b"", None),
        (b"1.0.0\x00", None),
    ],
)
def test_the_bytes_of_a_version_file(data: bytes, found: str | None) -> None:
    assert versions.read_file(data) == (Version(found) if found else None)
    if found:
        assert versions.parse_file(data, "VERSION") == Version(found)
    else:
        with pytest.raises(ReleaseError, match=r"^VERSION at main: ") as caught:
            versions.parse_file(data, "VERSION at main")
        assert caught.value.exit is Exit.USAGE


def test_no_version_file_is_no_version() -> None:
    assert versions.read_file(None) is None


@settings(deadline=None)
@given(TEXTS)
def test_every_spelling_can_be_read_back(text: str) -> None:
    version = versions.parse(text)
    assert str(version) == text
    spelled = {spelling: versions.spell(version, spelling) for spelling in Spelling}
    assert all(versions.read(one) == version for one in spelled.values())
    assert all(versions.is_canonical(one, spelling) for spelling, one in spelled.items())
    assert semver.Version.is_valid(spelled[Spelling.SEMVER])


@settings(deadline=None)
@given(CLOSE, CLOSE)
def test_semver_keeps_the_order(one: str, other: str) -> None:
    ours = [versions.parse(one), versions.parse(other)]
    theirs = [semver.Version.parse(versions.spell(version, Spelling.SEMVER)) for version in ours]
    references = [Reference(one), Reference(other)]
    assert (ours[0] < ours[1]) == (theirs[0] < theirs[1]) == (references[0] < references[1])
    assert (ours[0] == ours[1]) == (theirs[0] == theirs[1]) == (one == other)


@pytest.mark.parametrize(
    ("text", "kind", "semver_text"),
    [
        ("1.0.0", "ga", "1.0.0"),
        ("1.0.0rc2", "rc", "1.0.0-rc.2"),
        ("1.0.0b10", "beta", "1.0.0-beta.10"),
        ("1.0.0a1", "alpha", "1.0.0-alpha.1"),
        ("1.0.0.dev0", "dev", "1.0.0-0.dev.0"),
    ],
)
def test_kinds_and_their_spelling(text: str, kind: str, semver_text: str) -> None:
    version = Version(text)
    assert versions.kind(version) == kind
    assert versions.is_final(version) == (kind == "ga")
    assert versions.release_segment(version) == Version("1.0.0")
    assert versions.spell(version, Spelling.SEMVER) == semver_text
    assert versions.spell(version, Spelling.TAG) == f"v{text}"


def test_canonical_depends_on_the_spelling_that_is_wanted() -> None:
    spelled = {"1.0.0rc1": Spelling.PEP440, "1.0.0-rc.1": Spelling.SEMVER, "v1.0.0rc1": Spelling.TAG}
    for text, spelling in itertools.product(spelled, Spelling):
        assert versions.is_canonical(text, spelling) == (spelled[text] is spelling)


PATTERNS = ["v{version}", "{version}", "release/v{version}", "python-{version}-out", "v1{version}", "v{version}0"]


@settings(deadline=None)
@given(TEXTS, st.sampled_from(PATTERNS))
def test_a_tag_name_names_one_version(text: str, pattern: str) -> None:
    name = versions.tag_name(Version(text), pattern)
    assert versions.from_tag(name, pattern) == Version(text)


@settings(deadline=None)
@given(st.one_of(st.text(), ALMOST), st.sampled_from(PATTERNS))
def test_a_name_that_tag_name_would_not_give_is_legacy(text: str, pattern: str) -> None:
    for name in (text, pattern.replace("{version}", text)):
        version = versions.from_tag(name, pattern)
        assert version is None or versions.tag_name(version, pattern) == name


@pytest.mark.parametrize(
    "name",
    [
        "v0.1.6-final",
        "v0.2.0-alpha",
        "v1",
        "v1.0",
        "v1.0.0rc0",
        "v1.0.0-rc.1",
        "v01.0.0",
        "v1.0.0 ",
        "V1.0.0",
        "1.0.0",
        "vv1.0.0",
        "v",
        "",
        "release/v1.0.0",
        "other/1.1.0",
        "v1.0.0.post1",
        "v" + "1" * 5000,
    ],
)
def test_legacy_tags(name: str) -> None:
    assert versions.from_tag(name, "v{version}") is None
