"""The configuration: `[tool.release]` of pyproject.toml, declared once, in the fields of `Config`.

From them come the checks of `load`, the JSON Schema, the tables of the documentation and what `release.config`
shows. A key is named like its attribute; every value is immutable, and its absence means the default.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import MISSING, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import tomli

from release.errors import Exit, Problem, ReleaseError, usage
from release.options import entries, option, read_keys, schema_of, table_of
from release.shapes import (
    COMMAND,
    COUNT,
    FLAG,
    FOLDERS,
    GLOB,
    IMAGE,
    KEY,
    PATH,
    POINTER,
    REF,
    REGEX,
    SESSION,
    SIGNER,
    SLUG,
    STATUS,
    URL,
    Place,
    choice,
    fill,
    is_ambiguous,
    list_of,
    nearest,
    optional,
    ref_objection,
    ref_pattern,
    shown,
    unfill,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "FORMATS",
    "SEVERITIES",
    "Chart",
    "Config",
    "Forge",
    "Image",
    "Index",
    "Publish",
    "Security",
    "Setting",
    "Target",
    "Tests",
    "differing_names",
    "fill",
    "load",
    "names",
    "project_names",
    "ref_objection",
    "schema",
    "settings",
    "table",
    "unfill",
]

FORMATS = ("text", "toml", "yaml", "json", "python", "dockerfile", "regex")  # those of release.formats
_KINDS = ("ga", "rc", "beta", "alpha")  # those of release.version.kind that are released
_TAKES = list_of(choice(*_KINDS), f"a list of {', '.join(_KINDS)}")
_NAME_OR_NONE = optional(REF)
_VERSIONED = ref_pattern("version")
_NAMED = ref_pattern("name")


@dataclass(frozen=True, kw_only=True, repr=False)
class Target:
    """A rule that names version sites; "" stands for what is not given."""

    path: str = option(MISSING, GLOB, "The files.", empty="has to be given")
    format: str = option("", optional(choice(*FORMATS)), "How the files are read.", empty="by the file's name")
    key: str = option("", optional(KEY), "Where the version stands.", empty="where the format has it")
    pattern: str = option("", optional(REGEX), "Instead of a key; the literal stands at `{version}`.", empty="none")
    spelling: str = option(
        "", optional(choice("pep440", "semver", "tag")), "How the version is written.", empty="as is usual there"
    )
    count: int = option(1, COUNT, "How many sites there have to be.")


def _check_target(target: Target, place: Place) -> None:
    if target.key and target.pattern:
        place.wrong("has both a key and a pattern", "keep the one that says where the version stands")
    if target.pattern and target.format not in {"", "regex"}:
        place.wrong(f"has a pattern, but the format {target.format}", "leave out format, or use a key")
    if target.format == "regex" and not target.pattern:
        place.wrong("has the format regex, but no pattern", f"wanted: {REGEX.wanted}")


@dataclass(frozen=True, kw_only=True, repr=False)
class Publish:
    """Which kinds of version, in the words of `version.kind`, each publisher takes; () means that it is not used."""

    index: tuple[str, ...] = option((), _TAKES, "Versions that go to the package index.")
    image: tuple[str, ...] = option((), _TAKES, "Versions that go to the image registry.")
    chart: tuple[str, ...] = option((), _TAKES, "Versions whose chart goes to the registry.")
    forge: tuple[str, ...] = option((), _TAKES, "Versions that get a release on the forge.")

    def takers(self, kind: str) -> tuple[str, ...]:
        """Return the publishers that take this kind of version, in the order in which they publish."""
        return tuple(entry.key for entry in entries(self) if kind in entry.value)


@dataclass(frozen=True, kw_only=True, repr=False)
class Tests:
    """How the packaged `tests` session runs the tests."""

    command: tuple[str, ...] = option((), COMMAND, "What the packaged `tests` session runs.", empty="pytest")


_GLOBS = list_of(FOLDERS, "a list of globs")


@dataclass(frozen=True, kw_only=True, repr=False)
class Security:
    """What the packaged `security` session looks at, and whom it asks."""

    service: str = option(
        "https://api.osv.dev/v1/query", URL, "The OSV service that is asked; a password for it belongs into netrc."
    )
    exclude: tuple[str, ...] = option(
        ("**/test", "**/tests"), _GLOBS, "Files and folders in which no Python file is scanned."
    )
    tasks: tuple[str, ...] = option(
        (), _GLOBS, "Files with tasks, besides `tasks.py` and those below `tasks`, whose shell commands are checked."
    )
    accepted: str = option("security.toml", PATH, "The file of accepted findings.")
    timeout: int = option(15, COUNT, "Seconds that the service has for an answer.")


SEVERITIES = ("unknown", "negligible", "low", "medium", "high", "critical")  # in their order, as scanners have it
_TRIVY = ("trivy", "image", "--exit-code", "1", "--severity", "{severities}")
_PLACEHOLDERS = ("image", "report", "severity", "severities")


@dataclass(frozen=True, kw_only=True, repr=False)
class Image:
    """The image: how it is built, what the packaged `image` session calls, and how that is read."""

    name: str = option(
        "",
        optional(IMAGE),
        "The image, such as registry.example.org/acme/app; the version is its tag.",
        empty="no image",
    )
    spelling: str = option("pep440", choice("pep440", "semver", "tag"), "How the version is written in its tag.")
    containerfile: str = option(
        "", optional(PATH), "What the image is built from.", empty="Containerfile, else Dockerfile"
    )
    builder: str = option(
        "",
        optional(choice("buildah", "podman", "docker")),
        "What builds and pushes it.",
        empty="the first that is there",
    )
    latest: bool = option(True, FLAG, "Whether the tag `latest` follows the newest final version.")
    scan: tuple[str, ...] = option(
        (*_TRIVY, "--format", "json", "--output", "{report}", "{image}"),
        COMMAND,
        "The scanner: `{image}` has to be looked at, `{report}` is the JSON file to be written; there are also "
        "`{severity}` and `{severities}`.",
    )
    severity: str = option("high", choice(*SEVERITIES), "From which severity on a finding counts.")
    clean: int = option(0, STATUS, "The scanner's exit status for: looked, found nothing.")
    found: int = option(1, STATUS, "The scanner's exit status for: looked, found something.")
    image_at: str = option(
        "", optional(POINTER), "In a report of no known form: where the image's name stands.", empty="none"
    )
    findings_at: str = option(
        "", optional(POINTER), "In a report of no known form: where the list of findings stands.", empty="none"
    )
    timeout: int = option(900, COUNT, "Seconds that the scanner has.")


def _check_image(image: Image, place: Place) -> None:
    scan = place.inside(".scan")
    for name in _PLACEHOLDERS[:2]:
        if not any(f"{{{name}}}" in word for word in image.scan[1:]):
            scan.wrong(f"has no {{{name}}} after the program", "the scanner needs both {image} and {report}")
    for name in re.findall(r"\{(\w+)\}", " ".join(image.scan)):
        if name not in _PLACEHOLDERS:
            scan.wrong(f"has the placeholder {{{name}}}, which is none", nearest(name, _PLACEHOLDERS))
    if image.scan and "{" in image.scan[0]:
        scan.wrong("has a placeholder as its program", "name the scanner")
    if image.clean == image.found:
        place.inside(".found").wrong(f"= {image.found} is the status clean, too", "give each a status of its own")
    if bool(image.image_at) != bool(image.findings_at):
        place.wrong("has only one of image_at and findings_at", "say both, or none for Trivy, Grype and SARIF")


@dataclass(frozen=True, kw_only=True, repr=False)
class Index:
    """The package index: where distributions are uploaded, and where users find them."""

    upload: str = option("https://upload.pypi.org/legacy/", URL, "Where distributions are uploaded.")
    simple: str = option("https://pypi.org/simple/", URL, "The simple API, where users find them.")


@dataclass(frozen=True, kw_only=True, repr=False)
class Chart:
    """The Helm chart, and the OCI registry that it goes to."""

    path: str = option("", optional(PATH), "The folder of the chart.", empty="the only one whose version is managed")
    registry: str = option(
        "", optional(IMAGE), "Where charts are, such as registry.example.org/charts.", empty="no chart is published"
    )


@dataclass(frozen=True, kw_only=True, repr=False)
class Forge:
    """The forge that has a page for each release, and the requests of `--pr`."""

    repository: str = option(
        "", optional(SLUG), "The repository there, OWNER/NAME.", empty="that of a remote at GitHub"
    )
    api: str = option("https://api.github.com", URL, "The API of GitHub, or of a GitHub Enterprise Server.")


@dataclass(frozen=True, kw_only=True, repr=False)
class Config:
    """The effective configuration. `source` says where its table stands, `written` which keys are in it."""

    main: str = option(
        "", _NAME_OR_NONE, "The branch that receives releases.", empty="main or master, whichever exists alone"
    )
    develop: str = option("develop", REF, "The branch that releases start from; in trunk mode the same as `main`.")
    remote: str = option("", _NAME_OR_NONE, "The remote that is pushed to.", empty="origin, else the only one")
    tag: str = option("v{version}", _VERSIONED, "The name of a version's tag.")
    release: str = option("release/v{version}", _VERSIONED, "The branch of an open release.")
    hotfix: str = option("hotfix/{name}", _NAMED, "The branch of a hotfix.")
    feature: str = option("feature/{name}", _NAMED, "The branch of a feature.")
    support: str = option("support/{line}", ref_pattern("line"), "The branch of an older line, such as 1.9 or 1.x.")
    backmerge: str = option("backmerge/v{version}", _VERSIONED, "The branch of a back-merge by pull request.")
    gates: tuple[str, ...] = option(
        ("tests", "security"),
        list_of(SESSION, "a list of nox sessions"),
        "The nox sessions without whose receipts nothing is tagged; `[]` for none.",
        empty="no gates configured",
    )
    fail_fast: bool = option(False, FLAG, "Whether the first gate that does not pass ends those beside it.")
    receipt_signers: tuple[str, ...] = option(
        (),
        list_of(SIGNER, "a list of names in git's file of allowed signers"),
        "Whose signed receipts `--receipts` takes; the keys stand in the file that `gpg.ssh.allowedSignersFile` names.",
    )
    build: bool = option(False, FLAG, "Whether distributions are built.", empty="true with a `[build-system]`")
    next: str = option("minor", choice("minor", "major", "patch"), "What develop counts up after a release.")
    reproducible: bool = option(False, FLAG, "Whether two builds that differ stop a release, instead of being told.")
    sign: bool = option(False, FLAG, "Whether tags are signed, with the key that git is configured with.")
    signers: tuple[str, ...] = option(
        (),
        list_of(SIGNER, "a list of names in git's file of allowed signers, or of fingerprints of OpenPGP keys"),
        "Whose signatures of tags and of provenance count; `[]` for any that git accepts.",
    )
    publish: Publish = option(  # noqa: RUF009  # a field, like the others
        Publish(index=_KINDS, image=("ga",), chart=("ga",), forge=_KINDS),
        table_of(Publish),
        "Which kinds of version each publisher takes; with this table, one that is not in it takes none.",
    )
    parallel_releases: bool = option(False, FLAG, "Whether several releases may be open at once.")
    foreign: tuple[str, ...] = option((), _GLOBS, "Files and folders whose versions are left alone.")
    changelog: str = option("CHANGELOG.md", PATH, "The changelog.")
    target: tuple[Target, ...] = option(
        (), list_of(table_of(Target, _check_target), "a list of tables"), "Sites besides those that are discovered."
    )
    tests: Tests = option(Tests(), table_of(Tests), "The packaged `tests` session.")  # noqa: RUF009  # a field
    security: Security = option(  # noqa: RUF009  # a field, like the others
        Security(), table_of(Security), "The packaged `security` session."
    )
    image: Image = option(  # noqa: RUF009  # a field, like the others
        Image(), table_of(Image, _check_image), "The packaged `image` session."
    )
    index: Index = option(Index(), table_of(Index), "The package index.")  # noqa: RUF009  # a field, like the others
    chart: Chart = option(Chart(), table_of(Chart), "The chart.")  # noqa: RUF009  # a field, like the others
    forge: Forge = option(Forge(), table_of(Forge), "The forge.")  # noqa: RUF009  # a field, like the others
    advisory_hours: int = option(24, COUNT, "Hours for which the results of advisory databases count.")
    source: str = ""
    written: frozenset[str] = frozenset()

    def origin(self, key: str) -> str:
        """Return "default", or where the key was read, such as "pyproject.toml at develop"."""
        return self.source if key.partition(".")[0] in self.written else "default"


def load(data: bytes | None, *, origin: str) -> Config:
    """Read the configuration from the bytes of a pyproject.toml; None or no table means the defaults.

    `origin` is how messages name the file, such as "pyproject.toml at develop".

    Raises:
        ReleaseError: not UTF-8 or TOML, or any keys or values that cannot be, all of them together (exit 2).
    """
    file = _parse(data or b"", origin)
    tool = file.get("tool")
    table = tool.get("release", {}) if isinstance(tool, dict) else {}
    problems: list[Problem] = []
    place = Place(problems, f"{origin}: tool.release")
    if place.is_a(dict, table, "a table"):
        values = read_keys(Config, table, place)
        if not problems:
            settled = {"build": "build-system" in file, **values}
            config = Config(**settled, source=origin, written=frozenset(values))
            if not config.written.isdisjoint(_NAMES):
                _check_branches(config, place)
            if not problems:
                return config
    raise ReleaseError(problems)


def edited(data: bytes, values: dict[str, Any]) -> bytes:
    """Return a pyproject.toml with these keys of `[tool.release]` set; comments and order of all else stay."""
    import tomlkit  # noqa: PLC0415  # only edits of structure need it

    document = tomlkit.parse(data)
    tool = document.setdefault("tool", tomlkit.table(is_super_table=True))
    tool.setdefault("release", tomlkit.table()).update(values)
    return tomlkit.dumps(document).encode()


def _parse(data: bytes, origin: str) -> dict[str, Any]:
    try:
        return tomli.loads(data.removeprefix(b"\xef\xbb\xbf").decode())
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise usage(f"{origin} is not UTF-8 (at line {line})", "save the file as UTF-8") from None
    except RecursionError:
        raise usage(f"{origin} is nested too deeply", "no table of a pyproject.toml needs that") from None
    except ValueError as error:  # TOMLDecodeError, which says the line; a number that int() refuses
        why = str(error).encode("unicode_escape").decode()
        raise usage(f"{origin} is not TOML: {why}", "correct the file") from None


def _check_branches(config: Config, place: Place) -> None:
    """Refuse patterns by which a branch could be taken for one of another kind."""
    patterns = {name: getattr(config, name) for name in ("release", "hotfix", "feature", "support", "backmerge")}
    branches = {**patterns, "main": config.main, "develop": config.develop}
    for one, other in itertools.permutations(branches, 2):
        if one in patterns and is_ambiguous(branches[one], branches[other]):
            what = f"= {shown(branches[one])} also fits {other} = {shown(branches[other])}"
            place.inside(f".{one}").wrong(what, "give every kind of branch a name of its own")


# What has to agree between the commit that a task starts on and the branch that it releases.
_NAMES = ("remote", "main", "develop", "tag", "release", "hotfix", "feature", "support", "backmerge")


def names(config: Config) -> dict[str, str]:
    """Return the remote, branch names and patterns, by key."""
    return {name: getattr(config, name) for name in _NAMES}


def differing_names(one: Config, other: Config) -> tuple[Problem, ...]:
    """Return a problem (exit 2) for each name or pattern in which the configurations of two commits differ."""
    pairs = [(name, getattr(one, name), getattr(other, name)) for name in _NAMES]
    return tuple(
        Problem(
            what=f"{name} is {shown(ours)} ({one.origin(name)}) and {shown(theirs)} ({other.origin(name)})",
            hint="write the same names into [tool.release] of both branches",
            exit=Exit.USAGE,
        )
        for name, ours, theirs in pairs
        if ours != theirs
    )


def project_names(data: bytes | None) -> tuple[str, ...]:
    """Return the project's names by PEP 621 and by Poetry, as far as they can be read; never an error."""
    try:
        file = _parse(data or b"", "")
    except ReleaseError:
        return ()
    found: list[str] = []
    for path in (("project", "name"), ("tool", "poetry", "name")):
        value: Any = file
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        if isinstance(value, str) and value and value not in found:
            found.append(value)
    return tuple(found)


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the table (draft 7, as pyproject.toml's own)."""
    return {"$schema": "http://json-schema.org/draft-07/schema#", "title": "[tool.release]", **schema_of(Config)}


class Setting(NamedTuple):
    """One line of the effective configuration: the value as TOML, what it means if that is not plain, its origin."""

    key: str
    value: str
    note: str
    origin: str


def settings(config: Config) -> Iterator[Setting]:
    """Yield every key in the order of the documentation."""
    for entry in entries(config):
        note = entry.empty if entry.value in {"", ()} else ""
        yield Setting(key=entry.key, value=entry.toml, note=note, origin=config.origin(entry.key))


def table(of: Config | Target | None = None) -> str:
    """Return the Markdown table of the keys of `[tool.release]`, or of a target."""
    lines = ["| key | value | default | meaning |", "|---|---|---|---|"]
    for entry in entries(of or Config()):
        default = f"`{entry.toml}`" if entry.value or not entry.empty else entry.empty
        lines.append(f"| `{entry.key}` | {entry.shape.wanted} | {default} | {entry.doc} |")
    return "".join(f"{line}\n" for line in lines)
