"""What `[tool.release]` may hold, what is said about the rest, and what follows from the declaration."""

from __future__ import annotations

import dataclasses
import json
import re
import typing
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # it has no types of its own
import pytest
import tomli
from hypothesis import given, settings
from hypothesis import strategies as st

from release import config as configuration
from release import formats, options, shapes
from release import version as versions
from release.config import Config, Publish, Target, load
from release.errors import Exit, ReleaseError

ORIGIN = "pyproject.toml at develop"
DOCUMENT = Path(__file__).parents[2] / "docs" / "configuration.md"


def loaded(table: str) -> Config:
    return load(f"[tool.release]\n{table}".encode(), origin=ORIGIN)


def refused(table: str) -> list[tuple[str, str]]:
    """Return what and hint of every problem."""
    with pytest.raises(ReleaseError) as caught:
        loaded(table)
    assert caught.value.exit is Exit.USAGE
    assert all(problem.what.isprintable() and problem.hint.isprintable() for problem in caught.value.problems)
    return [
        (problem.what.removeprefix(f"{ORIGIN}: tool.release").removeprefix("."), problem.hint)
        for problem in caught.value.problems
    ]


@pytest.mark.parametrize("data", [None, b"", b"[project]\nname = 'x'\n", b"[tool.release]\n", b"tool = 3\n"])
def test_without_a_table_everything_has_its_default(data: bytes | None) -> None:
    config = load(data, origin=ORIGIN)
    assert config == Config(source=ORIGIN)
    assert {setting.origin for setting in configuration.settings(config)} == {"default"}


def test_the_defaults() -> None:
    assert dataclasses.asdict(Config()) == {
        "main": "",
        "develop": "develop",
        "remote": "",
        "tag": "v{version}",
        "release": "release/v{version}",
        "hotfix": "hotfix/{name}",
        "feature": "feature/{name}",
        "support": "support/{line}",
        "backmerge": "backmerge/v{version}",
        "gates": ("tests", "security"),
        "fail_fast": False,
        "receipt_signers": (),
        "build": False,
        "next": "minor",
        "reproducible": False,
        "sign": False,
        "signers": (),
        "publish": {
            "index": ("ga", "rc", "beta", "alpha"),
            "image": ("ga",),
            "chart": ("ga",),
            "forge": ("ga", "rc", "beta", "alpha"),
        },
        "parallel_releases": False,
        "foreign": (),
        "changelog": "CHANGELOG.md",
        "target": (),
        "tests": {"command": ()},
        "security": {
            "service": "https://api.osv.dev/v1/query",
            "exclude": ("**/test", "**/tests"),
            "tasks": (),
            "accepted": "security.toml",
            "timeout": 15,
        },
        "image": {
            "name": "",
            "spelling": "pep440",
            "containerfile": "",
            "builder": "",
            "latest": True,
            "scan": (
                *("trivy", "image", "--exit-code", "1", "--severity", "{severities}"),
                *("--format", "json", "--output", "{report}", "{image}"),
            ),
            "severity": "high",
            "clean": 0,
            "found": 1,
            "image_at": "",
            "findings_at": "",
            "timeout": 900,
        },
        "index": {"upload": "https://upload.pypi.org/legacy/", "simple": "https://pypi.org/simple/"},
        "chart": {"path": "", "registry": ""},
        "forge": {"repository": "", "api": "https://api.github.com"},
        "advisory_hours": 24,
        "source": "",
        "written": frozenset(),
    }


EVERYTHING = """\
main = "trunk"
develop = "trunk"
remote = "upstream"
tag = "{version}"
release = "rel-{version}"
hotfix = "fix/{name}"
feature = "{name}/feature"
support = "{line}-maint"
backmerge = "back/{version}"
gates = []
fail_fast = true
receipt_signers = ["ci@example.org"]
build = false
next = "patch"
reproducible = true
sign = true
signers = ["maintainer@example.org"]
publish = { forge = ["ga"], index = ["ga", "rc"], image = [] }
parallel_releases = true
foreign = ["vendor/", "charts/*/Chart.yaml"]
changelog = "docs/\u00c4nderungen.md"
advisory_hours = 1
[tool.release.tests]
command = ["python", "-m", "pytest", ""]
[tool.release.security]
service = "http://127.0.0.1:8080/v1/query"
exclude = ["tests/", "examples/**"]
tasks = ["ci/*.py"]
accepted = "ci/security.toml"
timeout = 30
[tool.release.image]
name = "registry.example.org:5000/acme/my_app"
spelling = "semver"
containerfile = "deploy/Containerfile"
builder = "buildah"
latest = false
scan = "tools/scan --of={image} --to={report} --from={severity} --go={{.x}}"
severity = "low"
clean = 10
found = 0
image_at = "/0/a~1b"
findings_at = "/1/"
timeout = 60
[tool.release.index]
upload = "https://index.example.org/upload/"
simple = "https://index.example.org/simple/"
[tool.release.chart]
path = "charts/app"
registry = "registry.example.org/charts"
[tool.release.forge]
repository = "acme/my.app"
api = "https://git.example.org/api/v3"
[[tool.release.target]]
path = "deploy/**/*.yaml"
format = "yaml"
key = "spec.version"
spelling = "semver"
count = 2
[[tool.release.target]]
path = "docs/install.md"
format = ""
pattern = 'x==(?:{version})$'
[build-system]
requires = []
"""


def test_every_key_is_read() -> None:
    config = loaded(EVERYTHING)
    assert config.written == {field.name for field in dataclasses.fields(Config)} - {"source", "written"}
    assert (config.main, config.develop, config.remote) == ("trunk", "trunk", "upstream")
    assert config.gates == ()
    assert config.fail_fast
    assert config.receipt_signers == ("ci@example.org",)
    assert not config.build
    assert config.reproducible
    assert config.signers == ("maintainer@example.org",)
    assert (config.index.upload, config.chart.path) == ("https://index.example.org/upload/", "charts/app")
    assert config.forge.repository == "acme/my.app"
    assert config.publish == Publish(index=("ga", "rc"), forge=("ga",))
    assert config.foreign == ("vendor/", "charts/*/Chart.yaml")
    assert config.changelog == "docs/Änderungen.md"
    assert config.tests == configuration.Tests(command=("python", "-m", "pytest", ""))
    assert config.target == (
        Target(path="deploy/**/*.yaml", format="yaml", key="spec.version", spelling="semver", count=2),
        Target(path="docs/install.md", pattern="x==(?:{version})$"),
    )
    assert {hash(config)} == {hash(loaded(EVERYTHING))}


def test_bom_and_crlf_do_not_matter() -> None:
    data = b"\xef\xbb\xbf" + f"[tool.release]\n{EVERYTHING}".replace("\n", "\r\n").encode()
    assert load(data, origin=ORIGIN) == loaded(EVERYTHING)


def test_distributions_are_built_where_there_is_a_build_system() -> None:
    assert load(b"[build-system]\nrequires = []\n", origin=ORIGIN).build
    assert load(b"[build-system]\n[tool.release]\nsign = true\n", origin=ORIGIN).build
    assert not load(b"[build-system]\n[tool.release]\nbuild = false\n", origin=ORIGIN).build


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("\"pytest -q 'two words'\"", ("pytest", "-q", "two words")),
        ('["pytest", "$HOME; x"]', ("pytest", "$HOME; x")),
        ('"a; b && c | d"', ("a;", "b", "&&", "c", "|", "d")),
    ],
)
def test_a_test_command_is_words(written: str, words: tuple[str, ...]) -> None:
    assert loaded(f"tests.command = {written}").tests.command == words


@pytest.mark.parametrize(
    ("written", "takers"),
    [
        ("", {"ga": "index image chart forge", "rc": "index forge", "dev": ""}),
        ("publish = {}", {"ga": "", "rc": ""}),
        ('publish = { forge = ["ga"], image = ["ga", "rc"] }', {"ga": "image forge", "rc": "image", "beta": ""}),
    ],
)
def test_publishers_take_kinds(written: str, takers: dict[str, str]) -> None:
    publish = loaded(written).publish
    assert {kind: " ".join(publish.takers(kind)) for kind in takers} == takers


WRONG = [  # table, what, hint
    ('devlop = "x"', "devlop is unknown", "did you mean 'develop'?"),
    ("parallel-releases = true", "parallel-releases is unknown", "did you mean 'parallel_releases'?"),
    ('"\\u001b[31m" = 1', "\\x1b[31m is unknown", "known: main, develop,"),
    ("develop = 3", "develop is an integer: 3", "wanted: a name that git allows"),
    ('develop = ""', "develop = '' is no name for git", ""),
    ('develop = "a..b"', "develop = 'a..b' holds '..'", ""),
    ('main = "a b"', "main = 'a b' holds ' '", ""),
    ('main = "\\u001b[31m"', "main = '\\x1b[31m' holds '\\x1b'", ""),
    ('remote = "git@host:x/y"', "remote = 'git@host:x/y' holds ':'", ""),
    ('tag = "v{name}"', "tag = 'v{name}' does not hold {version} exactly once", "wanted: a ref name with {version}"),
    ('tag = "v"', "tag = 'v' does not hold {version}", ""),
    ('tag = "{version}{version}"', "tag = '{version}{version}' does not hold {version} exactly once", ""),
    ('tag = "{version}.lock"', "tag = '{version}.lock' has a part that ends with \".lock\"", ""),
    ('tag = "-{version}"', "tag = '-{version}' starts with '-'", ""),
    ('release = "release/{version}/"', "release = 'release/{version}/' ends with '/'", ""),
    ('support = "support/{version}"', "support = 'support/{version}' does not hold {line}", ""),
    ('gates = "tests"', "gates is a string: 'tests'", "wanted: a list of nox sessions"),
    ('gates = ["tests", "tests"]', "gates = ['tests', 'tests'] names something twice", ""),
    ('gates = [""]', "gates[0] = '' is empty", ""),
    ('gates = ["tests", "--help"]', "gates[1] = '--help' starts with a hyphen", ""),
    ('receipt_signers = "ci"', "receipt_signers is a string: 'ci'", "wanted: a list of names"),
    ('receipt_signers = [""]', "receipt_signers[0] = '' is empty", "wanted: a name in git's file of allowed signers"),
    ('receipt_signers = ["*@x"]', "receipt_signers[0] = '*@x' holds a blank or what makes a pattern", ""),
    ('receipt_signers = ["a,b"]', "receipt_signers[0] = 'a,b' holds a blank or", ""),
    ('forge.repository = "acme"', "forge.repository = 'acme' is not OWNER/NAME", "wanted: OWNER/NAME"),
    ('receipt_signers = ["-I"]', "receipt_signers[0] = '-I' starts with a hyphen", ""),
    ("build = 1", "build is an integer: 1", "wanted: true or false"),
    ('next = "mayor"', "next = 'mayor' is unknown", "did you mean 'major'?"),
    ('next = "rc"', "next = 'rc' is unknown", "known: minor, major, patch"),
    ('sign = "auto"', "sign is a string: 'auto'", "wanted: true or false"),
    ("sign = 1979-05-27", "sign is a date or a time", ""),
    ('publish = ["index"]', "publish is a list: ['index']", "wanted: a table"),
    ('publish = { pypi = ["ga"] }', "publish.pypi is unknown", "known: index, image, chart, forge"),
    ('publish.index = ["dev"]', "publish.index[0] = 'dev' is unknown", "known: ga, rc, beta, alpha"),
    ('publish.index = "ga"', "publish.index is a string: 'ga'", "wanted: a list of ga, rc, beta, alpha"),
    ('foreign = ["/etc/*"]', "foreign[0] = '/etc/*' leaves the repository", ""),
    ('foreign = ["a/../../b"]', "foreign[0] = 'a/../../b' leaves the repository", ""),
    ('foreign = ["a/.Git/config"]', "foreign[0] = 'a/.Git/config' leads into .git", ""),
    ('changelog = "./CHANGELOG.md"', "changelog = './CHANGELOG.md' has an empty or a \".\" part", ""),
    ('changelog = ""', "changelog = '' has an empty", ""),
    ('changelog = "a\\u001bb"', "changelog = 'a\\x1bb' holds a control character", ""),
    ('changelog = "a\\u202eb"', "changelog = 'a\\u202eb' holds a control character", ""),
    ("advisory_hours = 0", "advisory_hours = 0 is out of range", "wanted: a whole number from 1"),
    ("advisory_hours = true", "advisory_hours is a boolean: True", ""),
    ("advisory_hours = 1.5", "advisory_hours is a number: 1.5", ""),
    (f"advisory_hours = 0x{'f' * 4000}", "advisory_hours = a value too long to show is out of range", ""),
    (f'next = "{"x" * 500}"', f"next = '{'x' * 59}... is unknown", ""),
    ('tests = "pytest"', "tests is a string: 'pytest'", "wanted: a table"),
    ("tests.comand = []", "tests.comand is unknown", "did you mean 'command'?"),
    ('tests.command = [""]', "tests.command = [''] is no command", ""),
    ('tests.command = ""', "tests.command = '' is no command", ""),
    ('tests.command = " "', "tests.command = ' ' is no command", ""),
    ('tests.command = ["x", 3]', "tests.command = ['x', 3] is no command", ""),
    ('tests.command = "a \'b"', 'tests.command = "a \'b" cannot be split into words: No closing quotation', ""),
    ('security.service = "ftp://x/y"', "security.service = 'ftp://x/y' does not start with https://", "wanted: a URL"),
    ('security.service = "https://u:p@x/y"', "security.service = 'https://u:p@x/y' holds a user or a password", ""),
    ('security.service = "https://x/y?key=z"', "security.service = 'https://x/y?key=z' has a query", ""),
    ('security.service = "https://x/a b"', "security.service = 'https://x/a b' holds a blank", ""),
    ('security.exclude = ["../a"]', "security.exclude[0] = '../a' leaves the repository", ""),
    ("security.timeout = 0", "security.timeout = 0 is out of range", ""),
    ('image.scan = ["x", "{report}"]', "image.scan has no {image} after the program", ""),
    ('image.scan = "x {image}"', "image.scan has no {report} after the program", "needs both {image} and {report}"),
    ('image.scan = "x {image} {report} {imgae}"', "image.scan has the placeholder {imgae}, which is", "mean 'image'?"),
    ('image.scan = "{report} {image} {report}"', "image.scan has a placeholder as its program", "name the scanner"),
    ("image.clean = 1", "image.found = 1 is the status clean, too", ""),
    ("image.found = 256", "image.found = 256 is out of range", "wanted: an exit status from 0 to 255"),
    ("image.found = -9", "image.found = -9 is out of range", ""),
    ("image.clean = false", "image.clean is a boolean: False", "wanted: an exit status"),
    ('image.image_at = "/x"', "image has only one of image_at and findings_at", ""),
    ('image.findings_at = "x"', "image.findings_at = 'x' is no JSON pointer", ""),
    ('image.findings_at = "/a~2"', "image.findings_at = '/a~2' is no JSON pointer", ""),
    ('image.severity = "High"', "image.severity = 'High' is unknown", "did you mean 'high'?"),
    ('image.spelling = ""', "image.spelling = '' is unknown", "known: pep440, semver, tag"),
    ('image.name = "acme/app:1.0"', "image.name = 'acme/app:1.0' has a tag or a digest: the tag is the version", ""),
    ("target = {}", "target is a table: {}", "wanted: a list of tables"),
    ("target = [3]", "target[0] is an integer: 3", "wanted: a table"),
    ("target = [{}]", "target[0] has no path", "wanted: a glob"),
    ('target = [{path = "a", format = "tmol"}]', "target[0].format = 'tmol' is unknown", "did you mean 'toml'?"),
    ('target = [{path = "a", spelling = "SemVer"}]', "target[0].spelling = 'SemVer' is unknown", "'semver'?"),
    ('target = [{path = "a", count = 0}]', "target[0].count = 0 is out of range", ""),
    ('target = [{path = "a", pattern = "x"}]', "target[0].pattern = 'x' does not hold {version} exactly once", ""),
    ('target = [{path = "a", pattern = "({version}"}]', "target[0].pattern = '({version}' is no regular expr", ""),
    ('target = [{path = "a", key = "b", pattern = "{version}"}]', "target[0] has both a key and a pattern", ""),
    ('target = [{path = "a", format = "toml", pattern = "{version}"}]', "target[0] has a pattern, but the for", ""),
    ('target = [{path = "a", format = "regex"}]', "target[0] has the format regex, but no pattern", ""),
    ('target = [{path = "a"}, {path = "a"}]', "target = [{'path': 'a'}, {'path': 'a'}] names something twice", ""),
]


@pytest.mark.parametrize(("table", "what", "hint"), WRONG, ids=[what for _, what, _ in WRONG])
def test_what_is_wrong_is_named(table: str, what: str, hint: str) -> None:
    ((found, found_hint),) = refused(table)
    assert found.startswith(what)
    assert hint in found_hint
    assert found_hint


def test_all_problems_are_shown_together() -> None:
    mistakes = [
        (table, what) for table, what, _ in WRONG if table.startswith(("devlop", "develop = 3", 'gates = [""]', "next"))
    ]
    unique = {table.partition(" ")[0]: (table, what) for table, what in mistakes}
    found = refused("\n".join(table for table, _ in unique.values()))
    assert len(found) == len(unique) == 4
    for _, what in unique.values():
        assert any(one.startswith(what) for one, _ in found)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"[tool.release]\nx =\n", "is not TOML: Invalid value (at line 2, column 4)"),
        (b'x = "\x1b"\n', "is not TOML"),
        (b"x = 1\nx = 2\n", "at line 2"),
        (b"[tool.release]\nmain = '\xff'\n", "is not UTF-8 (at line 2)"),
        (b"x = " + b"[" * 20000, "is nested too deeply"),
        (b"x = " + b"1" * 5000, "is not TOML"),
        (b"[tool]\nrelease = 3\n", "tool.release is an integer: 3"),
        (b"[[tool.release]]\n", "tool.release is a list"),
    ],
)
def test_files_that_cannot_be_read_are_named(data: bytes, what: str) -> None:
    with pytest.raises(ReleaseError) as caught:
        load(data, origin=ORIGIN)
    (problem,) = caught.value.problems
    assert problem.exit is Exit.USAGE
    assert problem.what.startswith(ORIGIN)
    assert what in problem.what
    assert problem.what.isprintable()
    assert not configuration.project_names(data)


@pytest.mark.parametrize(
    ("table", "what"),
    [
        ('feature = "{name}"', "feature = '{name}' also fits release = 'release/v{version}'"),
        ('feature = "release/{name}"', "feature = 'release/{name}' also fits release = "),
        ('support = "release/v{line}"', "release = 'release/v{version}' also fits support = 'release/v{line}'"),
        ('develop = "feature/develop"', "feature = 'feature/{name}' also fits develop = 'feature/develop'"),
        ('hotfix = "fix/{name}"\nfeature = "fix/{name}"', "hotfix = 'fix/{name}' also fits feature = 'fix/{name}'"),
        ('backmerge = "release/v{version}"', "release = 'release/v{version}' also fits backmerge = "),
    ],
)
def test_a_branch_is_of_one_kind(table: str, what: str) -> None:
    assert any(found.startswith(what) for found, _ in refused(table))


def test_the_default_branches_are_of_one_kind() -> None:
    assert loaded('hotfix = "hotfix/{name}"').hotfix == Config().hotfix  # writing one makes load look at all


VALUES = st.recursive(
    st.one_of(st.text(), st.integers(), st.booleans(), st.floats(), st.dates()),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
    max_leaves=6,
)
KEYS = st.one_of(st.sampled_from([field.name for field in dataclasses.fields(Config)]), st.text())


@settings(deadline=None)
@given(st.dictionaries(KEYS, VALUES), st.one_of(st.none(), st.lists(st.dictionaries(KEYS, VALUES))))
def test_whatever_the_table_holds_only_problems_come_of_it(table: dict[str, Any], targets: list[Any] | None) -> None:
    if targets is not None:
        table["target"] = targets
    problems: list[Any] = []
    options.read_keys(Config, table, shapes.Place(problems, "x"))
    assert all(problem.what.isprintable() and problem.exit is Exit.USAGE for problem in problems)


@settings(deadline=None)
@given(st.binary(), st.text())
def test_whatever_the_file_holds_only_problems_come_of_it(data: bytes, text: str) -> None:
    for content in (data, text.encode("utf-8", "surrogatepass"), b"[tool.release]\n" + data):
        configuration.project_names(content)
        try:
            config = load(content, origin=ORIGIN)
        except ReleaseError:
            continue
        assert config.source == ORIGIN


def test_origins_tell_written_from_default() -> None:
    shown = {setting.key: setting for setting in configuration.settings(loaded('gates = []\ntests.command = "x y"'))}
    assert shown["gates"] == ("gates", "[]", "no gates configured", ORIGIN)
    assert shown["tests.command"] == ("tests.command", '["x", "y"]', "", ORIGIN)
    assert shown["develop"] == ("develop", '"develop"', "", "default")
    assert shown["main"] == ("main", '""', "main or master, whichever exists alone", "default")
    assert shown["publish.image"] == ("publish.image", '["ga"]', "", "default")


@pytest.mark.parametrize("table", ["", EVERYTHING, 'foreign = ["a\\"b"]\n'])
def test_what_is_shown_is_what_could_be_written(table: str) -> None:
    config = loaded(table)
    written = "".join(f"{setting.key} = {setting.value}\n" for setting in configuration.settings(config))
    again = loaded(written)
    assert dataclasses.replace(again, source="", written=frozenset()) == dataclasses.replace(
        config, source="", written=frozenset()
    )


def test_names_have_to_agree() -> None:
    one = loaded('develop = "dev"\nsign = true')
    other = load(None, origin="pyproject.toml at release/v1.0.0")
    assert not configuration.differing_names(one, one)
    assert configuration.names(one)["develop"] == "dev"
    assert set(configuration.names(one)) == {
        *("remote", "main", "develop", "tag", "release", "hotfix", "feature", "support", "backmerge")
    }
    (problem,) = configuration.differing_names(one, other)
    assert problem.what == f"develop is 'dev' ({ORIGIN}) and 'develop' (default)"
    assert problem.exit is Exit.USAGE


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("[project]\nname = 'My.App'\n", ("My.App",)),
        ("[tool.poetry]\nname = 'a'\n[project]\nname = 'b'\n", ("b", "a")),
        ("[tool.poetry]\nname = 'a'\n[project]\nname = 'a'\n", ("a",)),
        ("[project]\nname = 3\n[tool]\npoetry = 3\n", ()),
        ("project = 'x'\ntool = []\n", ()),
        ("[project]\nname = ''\n", ()),
        ("", ()),
    ],
)
def test_project_names(text: str, names: tuple[str, ...]) -> None:
    assert configuration.project_names(text.encode()) == names


def test_no_file_has_no_project_names() -> None:
    assert configuration.project_names(None) == ()


def test_the_names_of_other_registries_are_known() -> None:
    assert configuration.FORMATS == formats.FORMATS
    schema = configuration.schema()["properties"]
    kinds = schema["publish"]["properties"]["index"]["items"]["enum"]
    assert [*kinds, "dev"] == list(typing.get_args(versions.Kind))
    assert set(schema["next"]["enum"]) <= set(versions.PARTS)
    spellings = schema["target"]["items"]["properties"]["spelling"]["anyOf"][1]["enum"]
    assert spellings == [spelling.value for spelling in versions.Spelling]


def test_the_schema_accepts_what_is_accepted() -> None:
    schema = configuration.schema()
    jsonschema.Draft7Validator.check_schema(schema)
    tables = [
        EVERYTHING,
        "",
        *re.findall(r"```toml\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL),
        'publish = {}\ntests.command = "pytest -q"\nmain = ""',
    ]
    assert len(tables) > 5
    for table in tables:
        text = table if "[tool.release]" in table or "[[tool" in table.split("\n")[0] else f"[tool.release]\n{table}"
        load(text.encode(), origin="docs")
        jsonschema.Draft7Validator(schema).validate(tomli.loads(text)["tool"]["release"])


def test_the_schema_knows_every_default() -> None:
    schema = configuration.schema()
    defaults = {name: one["default"] for name, one in schema["properties"].items() if "default" in one}
    assert json.loads(json.dumps(schema)) == schema
    assert {"main", "remote", "build"} == set(schema["properties"]) - set(defaults)
    jsonschema.Draft7Validator(schema).validate(defaults)


@pytest.mark.parametrize(
    "table",
    [
        table
        for table, what, _ in WRONG
        if re.search(r"unknown|is an? |no path|does not hold|= 0 is|= \['x', 3|twice|^develop = '' is", what)
        and "{version}{version}" not in table  # what JSON Schema's patterns cannot say
    ],
)
def test_the_schema_rejects_what_it_can(table: str) -> None:
    value = tomli.loads(table)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(configuration.schema()).validate(value)


def test_the_documentation_holds_the_tables() -> None:
    blocks = re.findall(r"(?:^\|.*\n)+", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    assert blocks == [configuration.table(), configuration.table(Target(path=""))]


@pytest.mark.parametrize("table", [Config(), Target(path="")])
def test_every_key_is_documented(table: Config | Target) -> None:
    entries = {entry.key: entry for entry in options.entries(table)}
    fields = {field.name for field in dataclasses.fields(table)} - {"source", "written"}
    assert {key.partition(".")[0] for key in entries} == fields
    for entry in entries.values():
        assert f"| `{entry.key}` | {entry.shape.wanted} |" in configuration.table(table)
        assert re.fullmatch(r"[A-Z`].*\.", entry.doc)
