"""Every folder here with a case.toml is a case: the files of before/, rewritten to `new`, are those of after/.

File names end in `_`, so that no tool takes them for real ones. `reference/` is the tree of the last tag, `tagged`
its version. A place is written as path:line, key and text.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import tomli

from release.config import Target
from release.formats import sites
from release.formats.survey import Reference, Survey, survey
from release.version import parse

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

HERE = Path(__file__).parent
CASES = sorted(path.parent.name for path in HERE.glob("*/case.toml"))


@dataclass
class Memory:
    files: Mapping[str, bytes]

    @property
    def paths(self) -> Collection[str]:
        return self.files.keys()

    def mode(self, path: str) -> str:
        return "100644" if path in self.files else ""

    def read(self, path: str) -> bytes:
        return self.files[path]


def load(folder: Path) -> Memory:
    found = sorted(path for path in folder.rglob("*_") if path.is_file())
    return Memory({path.relative_to(folder).as_posix()[:-1]: path.read_bytes() for path in found})


def surveyed(case: Mapping[str, Any], files: Memory, reference: Memory) -> Survey:
    tagged = case.get("tagged")
    return survey(
        files,
        targets=[Target(**target) for target in case.get("target", ())],
        foreign=case.get("foreign_globs", ()),
        reference=Reference(files=reference, version=parse(tagged)) if tagged else None,
        head=parse(case["head"]) if "head" in case else None,
    )


def places(found: Survey, *, managed: bool) -> list[str]:
    return [f"{site.place} {site.text}" for site in found.sites if site.managed is managed]


@pytest.mark.parametrize("name", CASES)
def test_only_the_literals_change(name: str) -> None:
    folder = HERE / name
    case = tomli.loads((folder / "case.toml").read_text("utf-8"))
    before, after = load(folder / "before"), load(folder / "after")
    new = parse(case["new"])

    found = surveyed(case, before, load(folder / "reference"))
    assert found.problems == ()
    assert places(found, managed=True) == case.get("managed", [])
    assert places(found, managed=False) == case.get("foreign", [])
    assert [one.path for one in found.unreadable] == case.get("unreadable", [])

    assert {**before.files, **sites.edits(before, found.sites, new)} == after.files


@pytest.mark.parametrize("name", CASES)
def test_the_result_is_read_again_and_can_be_undone(name: str) -> None:
    folder = HERE / name
    case = tomli.loads((folder / "case.toml").read_text("utf-8"))
    before, after = load(folder / "before"), load(folder / "after")
    new = parse(case["new"])
    found = surveyed(case, before, load(folder / "reference"))

    again = surveyed({**case, "head": case["new"]}, after, load(folder / "reference"))
    mine = sites.inherit(again.sites, found.sites)
    assert [site.place for site in mine if site.managed] == [site.place for site in found.managed]
    assert sites.drift(mine, new) == ()
    for path in {site.path for site in found.managed}:
        here = [site for site in found.sites if site.path == path]
        assert sites.normalise(before.files[path], here, new) == after.files[path]

    old = found.version
    if old is not None and not sites.drift(found.sites, old):
        assert {**after.files, **sites.edits(after, mine, old)} == before.files


def test_there_are_cases() -> None:
    assert len(CASES) > 30  # a wrong pattern would find none, and pass
