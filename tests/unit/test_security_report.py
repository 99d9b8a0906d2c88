"""What people and services see of a result: lines, SARIF, GitHub's annotations and page; how they are asked for."""

from __future__ import annotations

from typing import Any

import jsonschema  # type: ignore[import-untyped]  # it has no types of its own
import pytest

from release.errors import Exit, ReleaseError
from release.gates.results import Result
from release.gates.security import report, sarif, session
from release.gates.security.findings import BANDIT, OWN, PIP_AUDIT, Finding, plain
from release.gates.security.gate import Looked

FINDINGS = (
    Finding(tool=BANDIT, rule="B602", text="a, b: 100%", level="warning", path="a b/é,x:y%.py", line=3),
    Finding(tool=OWN, rule="RG101", text="x | y\n::error::z", path="tasks.py", line=1),
    Finding(tool=PIP_AUDIT, rule="CVE-1", text="bad <b>[x](y)", package="jinja2", version="3.1.2"),
)
FOUND = Looked(
    Result(session="security", findings=(*map(str, FINDINGS), "entry 1 has expired"), evidence=("e",), notes=("n",)),
    FINDINGS,
)
BLIND = Looked(Result(session="security", not_looked=("the service is down",), versions={"bandit": "1.9.4"}))

# What sarif-schema-2.1.0.json requires of the parts that are written.
TEXT = {
    "type": "object",
    "required": ["text"],
    "properties": {"text": {"type": "string"}},
    "additionalProperties": False,
}
NOTE = {
    "type": "object",
    "required": ["message"],
    "properties": {"message": TEXT, "level": {"enum": ["none", "note", "warning", "error"]}},
    "additionalProperties": False,
}
PLACE = {
    "type": "object",
    "properties": {
        "physicalLocation": {
            "type": "object",
            "required": ["artifactLocation"],
            "properties": {
                "artifactLocation": {
                    "type": "object",
                    "properties": {"uri": {"type": "string", "pattern": r"^[!-~]+$"}, "uriBaseId": {"type": "string"}},
                    "additionalProperties": False,
                },
                "region": {
                    "type": "object",
                    "properties": {"startLine": {"type": "integer", "minimum": 1}},
                    "additionalProperties": False,
                },
            },
            "additionalProperties": False,
        }
    },
    "additionalProperties": False,
}
RESULT = {
    "type": "object",
    "required": ["message"],
    "properties": {
        "ruleId": {"type": "string"},
        "ruleIndex": {"type": "integer", "minimum": -1},
        "level": {"enum": ["none", "note", "warning", "error"]},
        "message": TEXT,
        "locations": {"type": "array", "items": PLACE},
    },
    "additionalProperties": False,
}
DRIVER = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string"},
        "version": {"type": "string"},
        "informationUri": {"type": "string", "format": "uri"},
        "rules": {
            "type": "array",
            "uniqueItems": True,
            "items": {
                "type": "object",
                "required": ["id"],
                "properties": {"id": {"type": "string"}, "shortDescription": TEXT},
                "additionalProperties": False,
            },
        },
    },
    "additionalProperties": False,
}
RUN = {
    "type": "object",
    "required": ["tool"],
    "properties": {
        "tool": {"type": "object", "required": ["driver"], "properties": {"driver": DRIVER}},
        "invocations": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["executionSuccessful"],
                "properties": {
                    "executionSuccessful": {"type": "boolean"},
                    "toolExecutionNotifications": {"type": "array", "items": NOTE},
                },
                "additionalProperties": False,
            },
        },
        "originalUriBaseIds": {"type": "object"},
        "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
        "results": {"type": "array", "items": RESULT},
    },
    "additionalProperties": False,
}
SARIF = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {"version": {"enum": ["2.1.0"]}, "$schema": {}, "runs": {"type": "array", "items": RUN}},
    "additionalProperties": False,
}


@pytest.mark.parametrize("looked", [FOUND, BLIND])
def test_sarif_is_what_its_schema_says(looked: Looked) -> None:
    jsonschema.validate(sarif.document(looked.result, looked.open), SARIF)


def test_sarif_has_a_run_for_each_tool_that_looks_into_files() -> None:
    bandit, own = sarif.document(FOUND.result, FOUND.open)["runs"]
    assert [one["ruleId"] for one in (*bandit["results"], *own["results"])] == ["B602", "RG101"]
    place = bandit["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "a%20b/%C3%A9%2Cx%3Ay%25.py"
    assert place["region"] == {"startLine": 3}
    assert own["tool"]["driver"]["rules"] == [
        {"id": "RG101", "shortDescription": {"text": "Data reaches the shell of a task"}}
    ]


def test_sarif_says_that_it_could_not_look() -> None:
    for run in sarif.document(BLIND.result, BLIND.open)["runs"]:
        (invocation,) = run["invocations"]
        assert not invocation["executionSuccessful"]
        assert invocation["toolExecutionNotifications"][0]["message"]["text"] == "the service is down"


def test_annotations_follow_the_escaping_rules_of_github() -> None:
    assert list(report.annotated(FOUND)) == [
        "::warning file=a b/é%2Cx%3Ay%25.py,line=3,title=bandit B602::a, b: 100%25",
        "::error file=tasks.py,line=1,title=shell check RG101::x | y%0A::error::z",
        "::error title=pip-audit CVE-1::jinja2 3.1.2: CVE-1 bad <b>[x](y)",
        "::error title=security::entry 1 has expired",
    ]
    assert list(report.annotated(BLIND)) == ["::error title=NOT AUDITED::the service is down"]


def test_the_page_forges_no_structure() -> None:
    page = report.page(FOUND)
    assert page.startswith("### security: found\n\n| where | rule | what |\n|---|---|---|\n")
    assert "| tasks.py:1 | RG101 | x \\| y ::error::z |\n" in page
    assert "| jinja2 3.1.2 | CVE-1 | bad &lt;b&gt;[x\\](y) |\n" in page
    assert page.endswith("| | | entry 1 has expired |\n\n- e\n- n\n\n")
    assert report.page(BLIND).startswith("### security: NOT AUDITED\n\n- NOT AUDITED: the service is down\n")


def test_the_summary_ends_with_what_matters_most() -> None:
    assert list(report.lines(FOUND.result))[:3] == ["e", "note: n", f"found: {FINDINGS[0]}"]
    assert report.failure(BLIND.result) == "NOT AUDITED: the service is down"
    both = Result(session="security", not_looked=("a",), findings=("b",))
    assert report.failure(both) == "NOT AUDITED: a; besides, 1 finding"
    assert report.failure(FOUND.result).startswith("found: a b/é,x:y%.py:3: B602 a, b: 100%; tasks.py:1: RG101")
    assert report.failure(Result(session="security")) == ""
    many = Result(session="security", findings=tuple(map(str, range(30))))
    assert report.failure(many).endswith("; 19; and 10 more")


def test_no_password_of_a_url_is_shown() -> None:
    assert plain("for url: https://user:s3cret@host/x") == "for url: https://host/x"


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ([], session.Asked()),
        (["--json", "a", "--sarif=b=c", "--service", "u"], session.Asked("a", "b=c", "u")),
        (["--json=--x"], session.Asked("--x")),
    ],
)
def test_positional_arguments_are_read(words: list[str], asked: session.Asked) -> None:
    assert session.read(words) == asked


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["x"], "security does not know x"),
        (["--jason", "a"], "security does not know --jason\n  did you mean '--json'?"),
        (["--json"], "--json has no value\n  security takes --json FILE, --sarif FILE, --service URL"),
        (["--json", "--sarif", "x"], "--json has no value"),
        (["--sarif="], "--sarif has no value"),
    ],
)
def test_unknown_positional_arguments_are_refused(words: list[str], says: str) -> None:
    with pytest.raises(ReleaseError) as caught:
        session.read(words)
    assert caught.value.exit == Exit.USAGE
    assert says in str(caught.value)


def test_a_result_is_plain_data() -> None:
    data: dict[str, Any] = FOUND.result.plain()
    assert (data["result"], data["layout"]) == ("found", 1)
