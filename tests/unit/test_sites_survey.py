"""The survey: targets, what cannot be read, and paths that are not ours. Cases of judgement are in tests/formats."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from release.config import Target
from release.errors import Exit
from release.formats import yaml
from release.formats.discovery import Rule
from release.formats.sites import sites_at
from release.formats.survey import Reference, Survey, survey
from release.formats.trees import Reader
from release.version import Spelling, parse

if TYPE_CHECKING:
    from release.formats import Literal

VERSION = parse("4.5.6")


@dataclass
class Memory:
    """Files by path; an error in place of bytes is raised."""

    files: Mapping[str, bytes | OSError]
    modes: Mapping[str, str] = field(default_factory=dict)

    @property
    def paths(self) -> Collection[str]:
        return [*self.files]

    def mode(self, path: str) -> str:
        return self.modes.get(path, "100644")

    def read(self, path: str) -> bytes:
        data = self.files[path]
        if isinstance(data, OSError):
            raise data
        return data


def memory(files: Mapping[str, str | bytes | OSError], **modes: str) -> Memory:
    encoded = {path: data.encode() if isinstance(data, str) else data for path, data in files.items()}
    return Memory({"VERSION": b"4.5.6\n", **encoded}, modes)


def places(found: Survey) -> list[str]:
    return [f"{site.place} {site.text}" for site in found.sites if site.managed and site.path != "VERSION"]


def problems(found: Survey) -> list[str]:
    return [str(problem) for problem in found.problems]


def test_a_target_replaces_what_was_discovered_at_its_place() -> None:
    files = memory({"Chart.yaml": "version: 4.5.6\nappVersion: v4.5.6\n"})
    targets = [
        Target(path="Chart.yaml", key="version", spelling="pep440"),
        Target(path="Chart.yaml", pattern="appVersion: v{version}"),
    ]
    found = survey(files, targets=targets)
    assert [(site.start, site.end, site.spelling, site.keeps_v) for site in found.sites[:2]] == [
        (9, 14, Spelling.PEP440, False),
        (28, 33, Spelling.SEMVER, True),
    ]
    assert [site.origin for site in found.sites] == [
        "target Chart.yaml version",
        "target Chart.yaml appVersion: v{version}",
        "discovered",
    ]


def test_a_target_has_what_is_usual_in_its_file() -> None:
    files = memory({"x/VERSION": "v4.5.6", "a/other.py": "__version__ = '4.5.6'", "b/Chart.yaml": "version: 4.5.6"})
    found = survey(files, targets=[Target(path="?/*"), Target(path="x/V*", format="text", spelling="tag")])
    (problem,) = problems(found)
    assert problem.startswith("x/VERSION:1: target x/V* and target ?/* name the same bytes differently")
    found = survey(files, targets=[Target(path="?/*", spelling=""), Target(path="b/**/Chart.yaml")])
    assert found.problems == ()
    assert [(site.path, site.spelling.value, site.keeps_v) for site in found.sites] == [
        ("VERSION", "pep440", False),
        ("a/other.py", "pep440", True),
        ("b/Chart.yaml", "semver", True),
        ("x/VERSION", "pep440", True),
    ]


@pytest.mark.parametrize(
    ("target", "message", "code"),
    [
        (Target(path="no/*.txt"), "target no/*.txt: no file matches", Exit.REFUSED),
        (Target(path="gone.txt"), "target gone.txt: no file matches", Exit.REFUSED),
        (
            Target(path="two.txt", pattern="v={version}"),
            "two.txt has 2 matches (line 1: '4.5.6', line 3: '4.5.6'), where 1 should be",
            Exit.REFUSED,
        ),
        (
            Target(path="two.txt", pattern="v={version}", count=3),
            "2 matches (line 1: '4.5.6', line 3: '4.5.6'), where 3 should",
            Exit.REFUSED,
        ),
        (Target(path="two.txt", pattern="{version}"), "line 4: '3', ...), where 1 should be", Exit.REFUSED),
        (Target(path="two.txt", pattern="w={version}"), "two.txt has no match, where 1 should be", Exit.REFUSED),
        (Target(path="bad.json", pattern="{version}", count=2), "has no match, where 2 should be", Exit.REFUSED),
        (Target(path="a.toml", pattern="{version}", count=2), "has 1 match (line 1: '4.5.6'), where 2", Exit.REFUSED),
        (Target(path="two.txt", pattern="{version}", count=5), "7 matches", Exit.REFUSED),
        (Target(path="a.toml", key="no.where"), "a.toml has no match", Exit.REFUSED),
        (Target(path="bad.json", key="version"), "bad.json cannot be read: not JSON", Exit.REFUSED),
        (Target(path="locked.txt"), "locked.txt cannot be read: Permission denied", Exit.REFUSED),
        (Target(path="link.txt"), "link.txt is a symbolic link", Exit.REFUSED),
        (Target(path="sub"), "sub is a submodule", Exit.REFUSED),
        (Target(path="../x"), "target ../x: the path leaves the repository", Exit.USAGE),
        (Target(path="/etc/x"), "the path leaves the repository", Exit.USAGE),
        (Target(path=".git/config"), "the path lies in .git", Exit.USAGE),
        (Target(path="a.toml", key="a..b"), "cannot read the key 'a..b'", Exit.USAGE),
        (Target(path="two.txt", pattern="("), "exactly once", Exit.USAGE),
        (Target(path="a.toml"), "no place is usual in a.toml", Exit.USAGE),
    ],
)
def test_targets_that_do_not_fit_are_problems(target: Target, message: str, code: Exit) -> None:
    files = memory(
        {
            "two.txt": "v=4.5.6\n\nv=4.5.6\n1 2 3 4 5",
            "a.toml": "version = '4.5.6'",
            "bad.json": "{",
            "locked.txt": PermissionError(13, "Permission denied"),
            "gone.txt": FileNotFoundError(2, "gone"),
            "link.txt": "4.5.6",
            "sub": "4.5.6",
        },
        **{"link.txt": "120000", "sub": "160000"},
    )
    found = survey(files, targets=[target, Target(path="a.toml", key="version")])
    (problem,) = found.problems
    assert message in problem.what
    assert target.path in problem.what
    assert problem.exit is code
    assert problem.hint or code is Exit.USAGE
    assert places(found) == ["a.toml:1 version 4.5.6"]


def test_one_bad_file_of_a_target_hides_none_of_the_others() -> None:
    files = memory({"a.json": "{", "b.json": '{"v": "4.5.6"}', "c.json": '{"v": 4}', "d.json": "{}"})
    found = survey(files, targets=[Target(path="*.json", key="v")])
    assert places(found) == ["b.json:1 v 4.5.6"]
    assert [text.partition("\n")[0].split(": ")[1].split()[0] for text in problems(found)] == [
        "a.json",
        "c.json",
        "d.json",
    ]


def test_a_problem_of_every_file_is_told_once() -> None:
    files = memory({"a.toml": "", "b.toml": ""})
    assert len(survey(files, targets=[Target(path="*.toml", key="a..b")]).problems) == 1


def test_what_is_no_plain_file_is_not_discovered() -> None:
    chart = "version: 4.5.6\n"
    found = survey(
        memory({"a/Chart.yaml": chart, "b/Chart.yaml": chart, "../Chart.yaml": chart}, **{"a/Chart.yaml": "120000"})
    )
    assert places(found) == ["b/Chart.yaml:1 version 4.5.6"]
    assert (found.unreadable, found.problems) == ((), ())


def test_a_file_deleted_in_the_working_tree_is_gone() -> None:
    gone = FileNotFoundError(2, "No such file")
    found = survey(
        memory({"Chart.yaml": gone, "VERSION": gone, "pyproject.toml": gone}),
        reference=Reference(files=memory({"Chart.yaml": "version: 4.5.6"}), version=VERSION),
    )
    assert found == Survey(version=None, sites=(), unreadable=(), problems=())


@pytest.mark.parametrize(
    ("data", "why"),
    [(b"4.5.6\n4.5.7\n", "more than one line"), (b"", "empty"), (IsADirectoryError(21, "Is a directory"), "directory")],
)
def test_a_version_file_that_cannot_be_read_is_a_problem(data: bytes | OSError, why: str) -> None:
    found = survey(memory({"VERSION": data, "Chart.yaml": "version: 4.5.6"}), foreign=["VERSION"])
    assert found.version is None
    assert found.unreadable == ()
    assert why in problems(found)[0]
    assert places(found) == []


def test_a_version_file_that_is_a_link_is_a_problem() -> None:
    assert problems(survey(memory({}, VERSION="120000")))[0].startswith("VERSION cannot be read: is a symbolic link")


def test_a_version_of_no_kind_is_a_site_without_a_version() -> None:
    found = survey(memory({"VERSION": "1.0.0-alpha\n"}), head=None)
    assert (found.version, found.problems) == (None, ())
    assert [(site.text, site.version, site.managed) for site in found.sites] == [("1.0.0-alpha", None, True)]


def test_an_unreadable_file_is_a_problem_when_it_held_the_version() -> None:
    files = memory({"a/Chart.yaml": "version: [", "b/Chart.yaml": "version: [", "c/Chart.yaml": "version: ["})
    past = memory({"a/Chart.yaml": "version: 4.5.6", "b/Chart.yaml": "version: 4.0.0", "c/Chart.yaml": "version: ]"})
    found = survey(files, reference=Reference(files=past, version=VERSION))
    assert [one.path for one in found.unreadable] == ["b/Chart.yaml", "c/Chart.yaml"]
    (problem,) = found.problems
    assert problem.what.startswith("a/Chart.yaml cannot be read: not YAML")
    assert "`foreign`" in problem.hint
    out = survey(files, reference=Reference(files=past, version=VERSION), foreign=["?"])
    assert (out.unreadable, out.problems) == ((), ())


def test_the_name_can_be_poetrys() -> None:
    found = survey(
        memory({"pyproject.toml": "[tool.poetry]\nname = 'My.App'\n", "Dockerfile": "\nENV MY_APP_VERSION=4.5.6"})
    )
    assert places(found) == ["Dockerfile:2 ENV MY_APP_VERSION 4.5.6"]


def test_what_foreign_takes_out_says_so() -> None:
    chart = {"a/Chart.yaml": "version: 4.5.6", "b/Chart.yaml": "version: 4.5.6"}
    assert [site.origin for site in survey(memory(chart), foreign=["a"]).sites] == [
        "discovered",
        "foreign",
        "discovered",
    ]


def test_a_project_with_an_odd_name_is_surveyed_all_the_same() -> None:
    found = survey(memory({"pyproject.toml": "[project]\nname = 'a]b'\n", "uv.lock": "", "Dockerfile": ""}))
    assert (found.unreadable, found.problems) == ((), ())


class Asked(Mapping[str, bytes]):
    """A tree that cannot be listed, only asked."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = files

    def __getitem__(self, path: str) -> bytes:
        return self.files[path]

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0

    @property
    def paths(self) -> Collection[str]:
        return self.keys()

    def mode(self, path: str) -> str:
        return "100644" if path in self else ""

    def read(self, path: str) -> bytes:
        return self[path]


def test_a_reference_is_only_asked_for_what_is_looked_at() -> None:
    past = Asked({"VERSION": b"4.5.6", "Chart.yaml": b"version: 4.5.6"})
    files = memory({"VERSION": "5.0.0", "Chart.yaml": "version: 4.5.6\nappVersion: 4.5.6"})
    assert places(survey(files, reference=Reference(files=past, version=parse("1.0.0")))) == [
        "Chart.yaml:1 version 4.5.6"
    ]


def test_equal_bytes_are_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[bytes] = []
    find = yaml.find

    def counted(data: bytes, keys: tuple[str, ...]) -> tuple[Literal, ...]:
        calls.append(data)
        return find(data, keys)

    monkeypatch.setattr(yaml, "find", counted)
    same = {"a/Chart.yaml": "version: 4.5.6", "b/Chart.yaml": "version: 4.5.6", "c/Chart.yaml": "version: ["}
    reader = Reader()
    reference = Reference(files=memory(same), version=VERSION)
    first = survey(memory({**same, "d/Chart.yaml": "version: 1"}), reference=reference, reader=reader)
    assert sorted(calls) == [b"version: 1", b"version: 4.5.6", b"version: ["]
    assert survey(memory({**same, "d/Chart.yaml": "version: 1"}), reference=reference, reader=reader) == first
    assert len(calls) == 3


def test_a_thousand_charts_are_surveyed_in_no_time() -> None:
    chart = "apiVersion: v2\nname: c{}\nversion: 4.5.6\nappVersion: '4.5.6'\nmaintainers:\n- name: x\n  email: y\n"
    files = memory({f"c{number}/Chart.yaml": chart.format(number) for number in range(1000)})
    survey(memory({"Chart.yaml": chart}))  # imports
    started = time.process_time()
    found = survey(files, reference=Reference(files=files, version=VERSION))
    assert time.process_time() - started < 2  # 0.1 s
    assert len(found.managed) == 2001


def test_every_literal_needs_a_verdict() -> None:
    rule = Rule(path="a", format="text", keys=("",), spelling=Spelling.PEP440, keeps_v=True)
    with pytest.raises(ValueError, match="zip"):
        sites_at(rule, b"", [], managed=[True], origin="")
