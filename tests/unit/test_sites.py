"""Sites: rules, drift, edits, and what several trees say about one site."""

from __future__ import annotations

import pytest

from release.formats import FormatError
from release.formats.discovery import custom, format_of, rules
from release.formats.sites import FOREIGN, Site, counterpart, drift, edits, inherit, normalise, overlap, rewrite
from release.version import Spelling, parse

NEW = parse("5.0.0rc1")
SITE = Site(
    path="a/Dockerfile",
    format="dockerfile",
    key="ARG VERSION",
    start=12,
    end=17,
    text="4.5.6",
    spelling=Spelling.PEP440,
    managed=True,
    origin="discovered",
    line=1,
)
DATA = b"ARG VERSION=4.5.6\nFROM x\n"


class Memory(dict[str, bytes]):
    """Files by path."""

    @property
    def paths(self) -> tuple[str, ...]:
        return tuple(self)

    def mode(self, path: str) -> str:
        return "100644" if path in self else ""

    def read(self, path: str) -> bytes:
        return self[path]


def looked_at(*paths: str, names: tuple[str, ...] = ("My.App",)) -> dict[str, str]:
    return {rule.path: rule.format for rule in rules(paths, names)}


def test_files_are_looked_at_by_name_and_place() -> None:
    sources = {"pkg/__init__.py": "python", "pkg/deep/_version.py": "python", "src/a/b/__version__.py": "python"}
    files = {
        "VERSION": "text",
        "pyproject.toml": "toml",
        "CITATION.cff": "yaml",
        "uv.lock": "toml",
        "a/b/Chart.yaml": "yaml",
        "third_party/x/package.json": "json",
        "package-lock.json": "json",
        "deploy/Dockerfile.dev": "dockerfile",
        "Containerfile": "dockerfile",
        "Containerfile.test": "dockerfile",
        "web.Dockerfile": "dockerfile",
        "web.dockerfile": "dockerfile",
        **sources,
    }
    assert looked_at(*files) == files


@pytest.mark.parametrize(
    "path",
    [
        "docs/VERSION",
        "sub/pyproject.toml",
        "sub/uv.lock",
        "sub/CITATION.cff",
        "web/node_modules/x/package.json",
        ".venv/lib/x/Chart.yaml",
        "a/../Chart.yaml",
        "/Chart.yaml",
        "x/.git/Chart.yaml",
        "chart.yaml",
        "Chart.yaml.bak",
        "Dockerfile.dockerignore",
        "Dockerfile.",
        "Dockerfiles",
        "dockerfile",
        "version.py",
        "lib/_version.py",
        "lib/sub/__init__.py",
        "src.py",
    ],
)
def test_other_files_are_not_looked_at(path: str) -> None:
    assert looked_at(path, "pkg/__init__.py") == {"pkg/__init__.py": "python"}


def test_a_project_without_a_name_has_no_lock_entry_of_its_own() -> None:
    assert looked_at("uv.lock", "Dockerfile", names=()) == {"Dockerfile": "dockerfile"}


def test_keys_carry_the_name_of_the_project() -> None:
    lock, image = custom("uv.lock", ("My_.App",)), custom("Dockerfile", ("My_.App", "other"))
    assert lock is not None
    assert lock.keys == ("package[name=my-app].version",)
    assert image is not None
    assert [key for key in image.keys if key.startswith("ENV")] == [
        "ENV VERSION",
        "ENV MY_APP_VERSION",
        "ENV OTHER_VERSION",
    ]


@pytest.mark.parametrize(
    ("name", "format_name"),
    [
        ("x.toml", "toml"),
        ("poetry.lock", "toml"),
        ("x.yml", "yaml"),
        ("x.cff", "yaml"),
        ("x.json", "json"),
        ("x.py", "python"),
        ("Dockerfile.py", "dockerfile"),
        ("README", "text"),
        ("toml", "toml"),
        ("x.ini", "text"),
    ],
)
def test_a_name_stands_for_a_format(name: str, format_name: str) -> None:
    assert format_of(name, ()) == format_name


@pytest.mark.parametrize(
    ("text", "keeps_v", "spelling", "wanted"),
    [
        ("4.5.6", True, Spelling.PEP440, "5.0.0rc1"),
        ("4.5.6", True, Spelling.SEMVER, "5.0.0-rc.1"),
        ("4.5.6", False, Spelling.TAG, "v5.0.0rc1"),
        ("v4.5.6", True, Spelling.SEMVER, "v5.0.0-rc.1"),
        ("V4.5.6", True, Spelling.PEP440, "V5.0.0rc1"),
        ("v4.5.6", False, Spelling.PEP440, "5.0.0rc1"),
        ("vague", True, Spelling.PEP440, "5.0.0rc1"),
        ("v", True, Spelling.PEP440, "5.0.0rc1"),
        ("", True, Spelling.PEP440, "5.0.0rc1"),
    ],
)
def test_a_site_wants_its_spelling(text: str, keeps_v: bool, spelling: Spelling, wanted: str) -> None:
    site = SITE._replace(text=text, keeps_v=keeps_v, spelling=spelling)
    assert site.wanted(NEW) == wanted
    assert drift([site], NEW) == (site,)
    assert drift([site._replace(text=wanted)], NEW) == ()


def test_another_spelling_of_the_version_is_drift_and_a_foreign_site_never_is() -> None:
    site = SITE._replace(text="5.0.0-rc.1")
    assert site.version == NEW
    assert drift([site, site._replace(managed=False)], NEW) == (site,)


def test_rewrite_changes_managed_sites_alone() -> None:
    data = b"ARG VERSION=4.5.6\nARG VERSION=4.5.6\n"
    second = SITE._replace(start=30, end=35, managed=False)
    assert rewrite(data, [second, SITE], NEW) == b"ARG VERSION=5.0.0rc1\nARG VERSION=4.5.6\n"
    assert edits(Memory({"a/Dockerfile": data}), [SITE, second], NEW) == {"a/Dockerfile": rewrite(data, [SITE], NEW)}
    assert edits(Memory(), [SITE._replace(text="5.0.0rc1"), second], NEW) == {}


def test_rewrite_refuses_sites_of_other_bytes() -> None:
    with pytest.raises(ValueError, match="a/Dockerfile:1 ARG VERSION was not found"):
        rewrite(b"\n" + DATA, [SITE], NEW)


@pytest.mark.parametrize(
    ("nth", "of", "text", "others", "verdict"),
    [
        (0, 1, "1", [], None),
        (0, 1, "1", [("2", True)], True),
        (0, 1, "1", [("1", False)], False),
        (1, 2, "1", [("1", True), ("1", False)], False),
        (1, 2, "1", [("1", True)], True),
        (0, 2, "1", [("1", False)], False),
        (0, 2, "2", [("1", True)], None),
        (0, 1, "1", [("1", True), ("1", False)], False),
        (0, 1, "1", [("1", True), ("2", False)], True),
    ],
)
def test_a_counterpart_is_known_by_its_number_or_else_by_its_text(
    nth: int, of: int, text: str, others: list[tuple[str, bool]], verdict: bool | None
) -> None:
    assert counterpart(nth, of, text, others) is verdict


def test_managed_in_one_tree_is_managed_in_a_merge() -> None:
    foreign = SITE._replace(managed=False, text="4.9.9")
    assert inherit([foreign], [], [SITE._replace(managed=False)]) == (foreign,)
    assert inherit([foreign], [], [SITE]) == (foreign._replace(managed=True),)
    assert inherit([SITE], [foreign]) == (SITE,)
    for other in (SITE._replace(path="b"), SITE._replace(key="ENV VERSION"), SITE._replace(format="regex")):
        assert inherit([foreign], [other]) == (foreign,)


def test_what_the_configuration_takes_out_stays_out_of_a_merge() -> None:
    taken = SITE._replace(managed=False, origin=FOREIGN)
    assert inherit([taken], [SITE]) == (taken,)


def test_normalise_finds_the_counterparts_in_other_bytes() -> None:
    other = b"# longer\nARG VERSION=4.4.4 # 4.5.6\nARG X=4.5.6\n"
    assert normalise(other, [SITE], NEW) == other.replace(b"4.4.4", b"5.0.0rc1")
    assert normalise(DATA, [SITE._replace(managed=False)], NEW) == DATA
    assert normalise(b"FROM x\n", [SITE], NEW) == b"FROM x\n"


def test_normalise_leaves_foreign_siblings() -> None:
    data = b"ARG VERSION=1.1.1\nARG VERSION=4.4.4\n"
    second = SITE._replace(nth=1, of=2)
    assert normalise(data, [second], NEW) == b"ARG VERSION=1.1.1\nARG VERSION=5.0.0rc1\n"
    longer = b"ARG VERSION=0\nARG VERSION=4.5.6\nARG VERSION=4.4.4\n"
    assert normalise(longer, [second], NEW) == longer.replace(b"4.5.6", b"5.0.0rc1")


def test_normalise_keeps_the_v_that_is_there() -> None:
    assert normalise(b"ARG VERSION=v1.0", [SITE._replace(keeps_v=True)], NEW) == b"ARG VERSION=v5.0.0rc1"
    assert normalise(b"ARG VERSION=v1.0", [SITE], NEW) == b"ARG VERSION=5.0.0rc1"


def test_normalise_says_when_a_file_cannot_be_read() -> None:
    with pytest.raises(FormatError):
        normalise(b"RUN <<E\n", [SITE], NEW)


@pytest.mark.parametrize(
    ("start", "end", "shared"), [(12, 17, True), (16, 20, True), (17, 20, False), (5, 12, False), (13, 13, True)]
)
def test_overlap(start: int, end: int, shared: bool) -> None:
    other = SITE._replace(start=start, end=end)
    assert overlap(SITE, other) is shared
    assert overlap(other, SITE) is shared


def test_empty_places_overlap_with_themselves() -> None:
    empty = SITE._replace(start=12, end=12)
    assert overlap(empty, empty)
    assert not overlap(empty, SITE._replace(start=13, end=13))
    assert not overlap(empty, SITE)
