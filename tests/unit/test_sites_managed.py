"""Managed or foreign, where a site only happens to equal VERSION. Plain cases of judgement are in tests/formats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from release.config import Target
from release.formats.survey import Reference, survey
from release.version import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from release.formats.sites import Files

CHART = "charts/db/Chart.yaml"


@dataclass
class Memory:
    files: Mapping[str, str]

    @property
    def paths(self) -> Collection[str]:
        return self.files.keys()

    def mode(self, path: str) -> str:
        return "100644" if path in self.files else ""

    def read(self, path: str) -> bytes:
        return self.files[path].encode()


def tree(version: str, *charts: str, path: str = CHART, own: str = "") -> Memory:
    """Return a tree with VERSION ("" for none), the project's own chart at `own`, and one with these versions."""
    files = {"VERSION": f"{version}\n"} if version else {}
    files["own/Chart.yaml"] = f"version: {own or version}\n"
    if charts:
        files[path] = "".join(
            f"{key}: {chart}\n" for key, chart in zip(("version", "appVersion"), charts, strict=False)
        )
    return Memory(files)


def reference(files: Memory, *before: Memory, older: Reference | None = None, tagged: str = "1.1.0") -> Reference:
    return Reference(files=files, version=parse(tagged), before=lambda: before, older=lambda: older)


def managed(
    files: Memory,
    known: Reference | None = None,
    *,
    path: str = CHART,
    past: Callable[[], Sequence[Files]] = tuple,
    head: str = "",
) -> list[bool]:
    found = survey(files, reference=known, past=past, head=parse(head) if head else None)
    assert found.problems == ()
    return [site.managed for site in found.sites if site.path == path]


NOW = tree("1.2.0", "1.1.0", own="1.1.0")


def test_what_stood_there_before_version_came_is_foreign() -> None:
    old = reference(tree("1.0.0", "1.1.0"), tagged="1.0.0")
    for past in (
        reference(tree("1.1.0", "1.1.0"), tree("1.0.0", "1.1.0")),
        reference(tree("1.1.0", "1.1.0"), older=old),
        reference(tree("1.1.0", "v1.1.0"), older=old),
        reference(tree("1.1.0", "1.1.0"), tree("1.0.0"), tree("1.1.0.dev0", "1.1.0"), older=None),
    ):
        assert managed(NOW, past) == [False]
        assert managed(NOW, past, path="own/Chart.yaml") == [True]


def test_what_moved_with_version_or_came_to_it_then_stays_managed() -> None:
    for held in ("1.0.0", "0.5.0", "1.0.9", "nonsense"):
        old = reference(tree("1.0.0", held), tagged="1.0.0")
        assert managed(NOW, reference(tree("1.1.0", "1.1.0"), tree("1.0.0", held), older=old)) == [True]


def test_without_evidence_what_equals_version_is_managed() -> None:
    for past in (
        reference(tree("1.1.0", "1.1.0")),
        reference(tree("1.1.0", "1.1.0"), tree("1.0.0"), older=reference(tree("1.0.0"), tagged="1.0.0")),
        reference(tree("1.1.0", "1.1.0"), tree("", "1.1.0"), tree("nonsense", "1.1.0")),
        reference(tree("1.1.0", "1.1.0"), tree("1.1.0", "1.1.0")),
    ):
        assert managed(NOW, past) == [True]


def test_a_tag_speaks_for_a_tree_without_version() -> None:
    old = reference(tree("", "1.1.0", own="1.0.0"), tagged="1.0.0")
    assert managed(NOW, reference(tree("", "1.1.0", own="1.1.0"), older=old)) == [False]
    assert managed(NOW, reference(tree("", "1.1.0", own="1.1.0"), older=old), path="own/Chart.yaml") == [True]


def test_each_site_of_a_file_has_its_own_past() -> None:
    now = tree("1.2.0", "1.1.0", "1.1.0")
    past = reference(tree("1.1.0", "1.1.0", "1.1.0"), tree("1.0.0", "1.0.0", "1.1.0"))
    assert managed(now, past) == [True, False]


def dockerfile(version: str, *held: str) -> Memory:
    return Memory({"VERSION": version, "Dockerfile": "".join(f"FROM a\nARG VERSION={one}\n" for one in held)})


def test_sites_at_one_key_are_told_apart_by_place_and_else_by_text() -> None:
    now = dockerfile("1.2.0", "1.1.0", "1.1.0")
    past = reference(dockerfile("1.1.0", "1.1.0", "1.1.0"), dockerfile("1.0.0", "1.1.0", "1.0.0"))
    assert managed(now, past, path="Dockerfile") == [False, True]
    past = reference(dockerfile("1.1.0", "1.1.0", "1.1.0"), dockerfile("1.0.0", "1.1.0"))
    assert managed(now, past, path="Dockerfile") == [False, False]
    past = reference(dockerfile("1.1.0", "1.1.0", "1.1.0"), dockerfile("1.0.0", "1.0.0"))
    assert managed(now, past, path="Dockerfile") == [True, True]


def test_what_ran_ahead_once_and_moved_with_version_before_stays_managed() -> None:
    first = reference(tree("1.0.0", "1.0.0"), tree("0.9.0", "0.9.0"), tagged="1.0.0")
    assert managed(NOW, reference(tree("1.1.0", "1.1.0"), tree("1.0.0", "1.1.0"), older=first)) == [True]


def test_what_runs_ahead_at_every_release_is_foreign() -> None:
    known = None
    for old, new in (("0.8.0", "0.9.0"), ("0.9.0", "1.0.0"), ("1.0.0", "1.1.0")):
        known = reference(tree(new, new), tree(old, new), older=known, tagged=new)
        assert managed(tree("2.0.0", new), known) == [False]


def test_the_past_is_followed_through_a_few_releases_only() -> None:
    asked = []

    def older() -> Reference:
        asked.append(1)
        return Reference(
            files=tree("1.1.0", "1.1.0"), version=parse("1.1.0"), before=lambda: [tree("1.0.0", "1.1.0")], older=older
        )

    assert managed(NOW, older()) == [False]
    assert len(asked) < 6


def test_the_past_is_only_looked_at_for_what_equals_version() -> None:
    def fail() -> Sequence[Files]:
        raise AssertionError

    files = Memory({"VERSION": "1.1.0", CHART: "version: 1.0.0", "pyproject.toml": "[project]\nversion = '1.1.0'\n"})
    known = Reference(files=files, version=parse("1.1.0"), before=fail)
    assert managed(Memory({**files.files, "new/Chart.yaml": "version: 1.0.0"}), known, past=fail) == [False]


def test_the_projects_own_description_has_no_foreign_past() -> None:
    def files(version: str) -> Memory:
        return Memory({"VERSION": version, "pyproject.toml": "[project]\nversion = '1.1.0'\n"})

    past = reference(files("1.1.0"), files("1.1.0.dev0"))
    assert managed(files("1.2.0"), past, path="pyproject.toml") == [True]


@pytest.mark.parametrize("head", ["", "1.0.0"])
def test_a_new_site_that_stood_there_before_version_came_is_foreign(head: str) -> None:
    now = tree("1.1.0", "1.1.0")
    known = reference(tree("1.0.0"), tagged="1.0.0")
    stood, moved = tree("1.0.0", "1.1.0"), tree("1.0.0", "1.0.0")
    assert managed(now, known, past=lambda: [now, stood], head=head) == [False]
    assert managed(now, known, past=lambda: [now, moved], head=head) == [True]
    assert managed(now, known, past=lambda: [now, tree("", "1.1.0")], head=head) == [True]
    assert managed(now, known, past=lambda: [now], head=head) == [True]
    assert managed(now, None, past=lambda: [now, stood], head=head) == [True]  # nothing was released yet


@pytest.mark.parametrize(
    "folder",
    [
        *("vendor", "_vendor", "src/demo/_vendor/dep", "a/vendored/b", "_vendored", "third_party", "third-party/x"),
        *("ThirdParty", "3rdparty", "3rd-party", "extern", "a/_extern"),
    ],
)
def test_below_a_folder_for_copies_a_site_has_to_have_moved(folder: str) -> None:
    path = f"{folder}/Chart.yaml"
    equal = tree("1.1.0", "1.1.0", path=path)
    assert managed(equal, path=path) == [False]
    assert managed(equal, reference(tree("1.0.0"), tagged="1.0.0"), path=path) == [False]
    assert managed(equal, reference(equal), path=path) == [False]
    assert managed(equal, reference(equal, tree("1.0.0"), tree("1.0.0", "0.3.0", path=path)), path=path) == [False]
    assert managed(equal, reference(equal, tree("1.0.0", "1.0.0", path=path)), path=path) == [True]
    old = reference(tree("1.0.0", "1.0.0", path=path), tagged="1.0.0")
    assert managed(equal, reference(equal, older=old), path=path) == [True]
    named = survey(equal, targets=[Target(path=path, key="version")])
    assert [site.managed for site in named.sites if site.path == path] == [True]


@pytest.mark.parametrize("path", ["external/Chart.yaml", "charts/vendor.d/Chart.yaml", "vendors/Chart.yaml"])
def test_other_folders_are_like_any(path: str) -> None:
    assert managed(tree("1.1.0", "1.1.0", path=path), path=path) == [True]
