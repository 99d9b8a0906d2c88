"""The step: which renderings it asks for, and what it refuses."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from release import version as versions
from release.errors import Exit, ReleaseError, refusal
from release.formats.changelog import PREAMBLE, marker, section
from release.steps import changelog
from release.steps.shadow import MissingHistoryError

if TYPE_CHECKING:
    from release.errors import Problem
    from release.formats.changelog import Range

DAY = dt.date(2026, 1, 31)
A, B, C = "a" * 40, "b" * 40, "c" * 40


class Rendering:
    """Commits by range, rendered; remembers what was asked for."""

    def __init__(self, **entries: str) -> None:
        self.entries = entries
        self.asked: list[tuple[str | None, str]] = []

    def render(self, start: str | None, stop: str) -> str:
        self.asked.append((start, stop))
        words = self.entries.get(stop[0])
        if words is None:
            raise MissingHistoryError(problems())
        items = "".join(f"- {word}\n" for word in words.split())
        return f"## [1.1.0] - 2026-01-31\n\n### Added\n\n{items}" if items else ""

    def render_both(self, wanted: Range, written: Range) -> tuple[str, str | None]:
        text = self.render(*wanted)
        try:
            return text, self.render(*written)
        except MissingHistoryError:
            return text, None


def problems() -> tuple[Problem, ...]:
    return refusal("gone").problems


def write(
    document: bytes | None,
    render: Rendering,
    stop: str,
    *,
    version: str = "1.1.0",
    start: str | None = A,
    allow_empty: bool = False,
) -> bytes:
    return changelog.write(
        document,
        version=versions.parse(version),
        start=start,
        stop=stop,
        date=DAY,
        section=render,
        allow_empty=allow_empty,
    )


def test_one_section_for_a_release_and_its_candidates() -> None:
    render = Rendering(b="one", c="one two")
    first = write(None, render, B, version="1.1.0a1")
    assert marker(first, "1.1.0") == (A, B)
    final = write(first, render, C, version="1.1.0rc2")
    assert section(final, "1.1.0") == "## [1.1.0] - 2026-01-31\n\n### Added\n\n- one\n- two\n"
    assert final.count(b"## [1.1.0]") == 1
    assert sorted(render.asked) == [(A, B), (A, B), (A, C)]


def test_the_same_range_is_rendered_once() -> None:
    render = Rendering(b="one")
    first = write(None, render, B)
    assert write(first, render, B) == first
    assert render.asked == [(A, B), (A, B)]


def test_a_hand_edit_survives_as_long_as_its_range_can_be_read() -> None:
    render = Rendering(b="one", c="one two")
    edited = write(None, render, B).replace(b"- one", b"- number one")
    assert b"- one\n" not in write(edited, render, C)
    gone = Rendering(c="one two")
    written = write(edited, gone, C)
    assert (section(written, "1.1.0") or "").endswith("- number one\n- one\n- two\n")
    assert marker(written, "1.1.0") == (A, C)


def test_the_first_release_has_no_start() -> None:
    assert marker(write(None, Rendering(b="one"), B, start=None), "1.1.0") == (None, B)


def test_a_development_version_has_no_section() -> None:
    render = Rendering()
    with pytest.raises(ReleaseError, match="invoke bump") as caught:
        write(None, render, B, version="1.1.0.dev0")
    assert caught.value.exit is Exit.USAGE
    assert not render.asked


def test_an_empty_section_has_to_be_allowed() -> None:
    render = Rendering(b="")
    with pytest.raises(ReleaseError, match="--allow-empty") as caught:
        write(None, render, B)
    assert caught.value.exit is Exit.REFUSED
    written = write(None, render, B, allow_empty=True)
    assert section(written, "1.1.0") == "## [1.1.0] - 2026-01-31\n"
    assert write(written, render, B, allow_empty=True) == written
    with pytest.raises(ReleaseError, match="--allow-empty"):
        write(written, render, B)


@pytest.mark.parametrize("text", ["### Added\n- By hand\n", "Words.\n"])
def test_what_stands_under_unreleased_is_enough(text: str) -> None:
    document = f"{PREAMBLE}{text}".encode()
    assert text.split("\n")[-2] in (section(write(document, Rendering(b=""), B), "1.1.0") or "")
    with pytest.raises(ReleaseError, match="--allow-empty"):
        write(f"{PREAMBLE}<!-- {text} -->\n### Added\n".encode(), Rendering(b=""), B)


def test_every_released_version_gets_the_section_that_it_lacks() -> None:
    document = f"{PREAMBLE}\n- Not released\n\n## [1.1.0] - by hand\n\n- Mine\n".encode()
    releases = [
        changelog.Tagged(versions.parse(name), None if number == 0 else A, B, DAY + dt.timedelta(days=number))
        for number, name in enumerate(["1.0.0", "1.1.0", "1.2.0", "1.10.0"])
    ]

    def render(release: changelog.Tagged) -> str:
        return "" if str(release.version) == "1.2.0" else f"### Fixed\n\n- In {release.version}\n"

    wanted = (
        f"{PREAMBLE}\n- Not released\n\n"
        "## [1.10.0] - 2026-02-03\n\n### Fixed\n\n- In 1.10.0\n\n"
        "## [1.2.0] - 2026-02-02\n\n"
        "## [1.1.0] - by hand\n\n- Mine\n\n"
        "## [1.0.0] - 2026-01-31\n\n### Fixed\n\n- In 1.0.0\n"
    ).encode()
    assert changelog.all_sections(document, reversed(releases), render=render) == wanted
    assert changelog.all_sections(wanted, releases, render=render) == wanted
    assert changelog.all_sections(None, [], render=render) == PREAMBLE.encode()


@pytest.mark.parametrize(
    ("value", "day"),
    [("0", "1970-01-01"), ("86399", "1970-01-01"), ("86400", "1970-01-02"), ("1700000000", "2023-11-14")],
)
def test_the_day_is_that_of_the_epoch(value: str, day: str) -> None:
    assert str(changelog.day(changelog.moment({"SOURCE_DATE_EPOCH": value}))) == day


def test_without_an_epoch_the_day_is_that_of_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    before = dt.datetime.now(dt.timezone.utc).date()
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    assert before <= changelog.day(changelog.moment({})) <= dt.datetime.now(dt.timezone.utc).date()
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert changelog.day(changelog.moment()) == dt.date(1970, 1, 2)


@pytest.mark.parametrize("value", ["yesterday", "1e9", "9" * 30, "1.5", "9" * 5000])
def test_an_epoch_that_is_no_time_is_bad_input(value: str) -> None:
    with pytest.raises(ReleaseError, match="SOURCE_DATE_EPOCH") as caught:
        changelog.moment({"SOURCE_DATE_EPOCH": value})
    assert caught.value.exit is Exit.USAGE
