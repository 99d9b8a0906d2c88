"""Version-aware merges of random trees: what stands beside a version merges, and all sites say one version after it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from releasing import semver
from support import bare

from release import version as versions
from release.entry import Entry
from release.formats import survey as sites
from release.git import merge, repository
from release.git.database import ObjectReader
from release.git.objects import ObjectWriter
from release.git.snapshot import Snapshot
from release.steps.merging import Merge, Outcome, Side

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Every line with a number can be edited; in front of and behind each version stands one.
TEMPLATES = {
    "VERSION": "{pep440}\n",
    "pyproject.toml": '# 0\n[project]\nname = "demo"\n# 1\nversion = "{pep440}"\n# 2\npin = "other==0.9.0"\n',
    "src/demo/__init__.py": '# 3\n__version__ = "{pep440}"  # said here\n# 4\nother = "0.9.0"\n',
    "chart/Chart.yaml": "# 5\nname: demo\n# 6\nversion: {semver}\n# 7\nappVersion: '{semver}'\n# 8\n",
    "Dockerfile": "# 9\nFROM scratch\n# 10\nLABEL version={pep440}\n# 11\n",
    "uv.lock": '# 12\n[[package]]\nname = "other"\nversion = "0.9.0"\n# 13\n[[package]]\nname = "demo"\n'
    'version = "{pep440}"\n# 14\n',
}
LINES = range(15)
VERSIONS = st.sampled_from(
    ["0.9.0", "0.9.1", "1.0.0", "1.0.0rc1", "1.0.0rc2", "1.1.0.dev0", "1.1.0a1", "1.2.0b2", "2.0.0"]
)
ENDS = st.sampled_from(["\n", "\n", "\r\n"])


class Words(NamedTuple):
    """What a tree says: its version and how often each line was edited."""

    version: str
    lines: tuple[tuple[int, str], ...] = ()

    def files(self, end: str, *, without: frozenset[str] = frozenset()) -> dict[str, bytes]:
        written = dict(self.lines)
        found = {}
        for path in TEMPLATES.keys() - without:
            text = TEMPLATES[path].format(pep440=self.version, semver=semver(self.version))
            text = re.sub(r"(?m)^# (\d+)$", lambda line: f"# {line[1]} {written.get(int(line[1]), '')}", text)
            found[path] = text.replace("\n", end).encode()
        return found


class Workshop:
    """Trees in memory, over a repository that stays empty."""

    def __init__(self, where: repository.Repository, reader: ObjectReader, merger: merge.Merger) -> None:
        self.writer = ObjectWriter(repository=where, reader=reader)
        self.merger = merger

    def side(self, label: str, files: Mapping[str, bytes]) -> Side:
        entries = {path: Entry("100644", self.writer.blob(data)) for path, data in files.items()}
        edits: dict[str, Entry | None] = dict(entries)
        snapshot = Snapshot(entries=entries, reader=lambda _, entry: self.writer.reader.blob(entry.oid))
        tree = self.writer.tree("", edits)
        return Side(label=label, tree=tree, files=snapshot, sites=sites.survey(snapshot).sites)

    def merge(self, bases: list[Side], ours: Side, theirs: Side, version: str, root: Side | None = None) -> Outcome:
        found = Merge(
            bases=bases,
            ours=ours,
            theirs=theirs,
            version=versions.parse(version),
            changelog="CHANGELOG.md",
            survey=sites.survey,
            root=root,
        )
        return found.carry_out(self.merger, self.writer)

    def tree(self, files: Mapping[str, bytes]) -> str:
        return self.side("", files).tree


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    folder = tmp_path_factory.mktemp("workshop")
    where = repository.locate(bare(folder / "p").path)
    reader = ObjectReader(where.top)
    with merge.merger(where, reader) as merger:
        yield Workshop(where, reader, merger)
    reader.close()


@st.composite
def edits(draw: st.DrawFn, hands: int) -> list[dict[int, str]]:
    """Return what each of several hands wrote into lines; no two wrote into the same line."""
    result: list[dict[int, str]] = [{} for _ in range(hands)]
    for line in LINES:
        hand = draw(st.integers(-1, hands - 1))
        if hand >= 0:
            result[hand][line] = draw(st.sampled_from(["one", "two", 'version = "0.9.0"', "0.9.1"]))
    return result


def words(version: str, *written: dict[int, str]) -> Words:
    return Words(version, tuple((line, text) for hand in written for line, text in hand.items()))


@settings(max_examples=40, deadline=None)
@given(edits(2), st.tuples(VERSIONS, VERSIONS, VERSIONS, VERSIONS), ENDS)
def test_edits_beside_versions_never_conflict_and_both_sides_are_there(
    workshop: Workshop, hands: list[dict[int, str]], said: tuple[str, ...], end: str
) -> None:
    base, ours, theirs = (
        workshop.side(label, words(version, *written).files(end))
        for label, version, written in zip(("base", "ours", "theirs"), said, ([], hands[:1], hands[1:]), strict=False)
    )
    wanted = workshop.tree(words(said[3], *hands).files(end))
    for one, two in ((ours, theirs), (theirs, ours)):
        found = workshop.merge([base], one, two, said[3])
        assert (found.tree, found.conflicts, found.repaired) == (wanted, (), ())


@settings(max_examples=25, deadline=None)
@given(edits(4), st.tuples(*[VERSIONS] * 6))
def test_several_merge_bases_merge_clean(
    workshop: Workshop, hands: list[dict[int, str]], said: tuple[str, ...]
) -> None:
    first, second, mine, yours = hands
    root = workshop.side("root", words(said[0]).files("\n"))
    bases = [
        workshop.side("base", words(version, hand).files("\n")) for version, hand in zip(said[1:], hands, strict=False)
    ]
    ours = workshop.side("ours", words(said[3], first, second, mine).files("\n"))
    theirs = workshop.side("theirs", words(said[4], first, second, yours).files("\n"))
    wanted = workshop.tree(words(said[5], *hands).files("\n"))
    for one, two in ((ours, theirs), (theirs, ours)):
        found = workshop.merge(bases[:2], one, two, said[5], root)
        assert (found.tree, found.conflicts) == (wanted, ())


@settings(max_examples=25, deadline=None)
@given(st.sets(st.sampled_from(sorted(TEMPLATES.keys() - {"VERSION", "pyproject.toml"}))), edits(2), *[VERSIONS] * 4)
def test_files_that_only_one_side_has_agree_too(
    workshop: Workshop, new: set[str], hands: list[dict[int, str]], old: str, one: str, two: str, result: str
) -> None:
    base = workshop.side("base", words(old).files("\n", without=frozenset(new)))
    ours = workshop.side("ours", words(one, hands[0]).files("\n", without=frozenset(new)))
    theirs = workshop.side("theirs", words(two, hands[1]).files("\n"))
    found = workshop.merge([base], ours, theirs, result)
    assert not found.conflicts
    back = workshop.merge([base], theirs, ours, result)
    assert (back.tree, back.conflicts) == (found.tree, ())
    merged = {**words(result, *hands).files("\n"), **words(result, hands[1]).files("\n")}
    shared = words(result, *hands).files("\n", without=frozenset(new))
    assert found.tree == workshop.tree({**merged, **shared})


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(sorted(TEMPLATES.keys() - {"VERSION"})), *[VERSIONS] * 4)
def test_a_line_that_both_sides_changed_is_the_only_conflict_and_sites_beside_it_are_settled(
    workshop: Workshop, path: str, old: str, one: str, two: str, result: str
) -> None:
    line = next(int(number) for number in re.findall(r"# (\d+)", TEMPLATES[path]))
    base, ours, theirs = (
        workshop.side(label, words(version, {line: text}).files("\n"))
        for label, version, text in (("base", old, "a"), ("ours", one, "b"), ("theirs", two, "c"))
    )
    found = workshop.merge([base], ours, theirs, result)
    assert [conflict.path for conflict in found.conflicts] == [path]
    marked = f"<<<<<<< ours\n# {line} b\n=======\n# {line} c\n>>>>>>> theirs\n"
    settled = words(result, {line: "@"}).files("\n")
    settled[path] = settled[path].replace(f"# {line} @\n".encode(), marked.encode())
    assert found.tree == workshop.tree(settled)
    clean = workshop.merge([base], ours, ours, result)
    assert (clean.tree, clean.conflicts) == (workshop.tree(words(result, {line: "b"}).files("\n")), ())


def test_what_several_bases_share_is_no_news_in_each_of_them(workshop: Workshop) -> None:
    def side(label: str, text: str) -> Side:
        return workshop.side(label, {"VERSION": b"1.0.0\n", "text": text.encode()})

    root, one, two = side("root", "a\nb\n"), side("one", "A\nb\n"), side("two", "a\nb\nc\n")
    ours, theirs = side("ours", "A\nB\nc\n"), side("theirs", "A\nb\nc\n")
    found = workshop.merge([one, two], ours, theirs, "1.0.0", root)
    assert (found.tree, found.conflicts) == (ours.tree, ())
