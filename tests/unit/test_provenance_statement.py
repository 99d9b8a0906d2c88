"""Statements of provenance: what they say, that they say it always alike, and what is found to differ."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sealing import released, stated

from release.artifacts.provenance import dsse
from release.artifacts.provenance import statement as statements

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from release.artifacts.record import Record

ACTIONS = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "acme/demo",
    "GITHUB_RUN_ID": "42",
    "GITHUB_RUN_ATTEMPT": "2",
    "GITHUB_WORKFLOW_REF": "acme/demo/.github/workflows/release.yml@refs/tags/v1.0.0",
}


@pytest.fixture
def record(tmp_path: Path) -> Record:
    return released(tmp_path / "dist")


def test_it_says_what_was_made_from_what_and_how(record: Record) -> None:
    facts = json.loads(stated(record))
    names = ["demo-1.0.0-py3-none-any.whl", "demo-1.0.0.tar.gz"]
    assert (facts["_type"], facts["predicateType"]) == (
        "https://in-toto.io/Statement/v1",
        "https://slsa.dev/provenance/v1",
    )
    assert [one["name"] for one in facts["subject"]] == names
    assert [one["digest"] for one in facts["subject"]] == [{"sha256": one.sha256} for one in record.files]
    definition, run = facts["predicate"]["buildDefinition"], facts["predicate"]["runDetails"]
    assert definition["buildType"].endswith("/docs/artifacts.md#build-type")
    assert definition["externalParameters"] == {
        "repository": "https://github.com/acme/demo",
        "ref": "refs/tags/v1.0.0",
        "version": "1.0.0",
    }
    assert definition["internalParameters"] == {"epoch": 1_700_000_000}
    assert definition["resolvedDependencies"] == [
        {
            "name": "demo",
            "uri": "git+https://github.com/acme/demo@refs/tags/v1.0.0",
            "digest": {"gitCommit": "c" * 40},
        },
        {"uri": "pkg:generic/python@3.11.7"},
        {"uri": "pkg:pypi/build@1.6.1"},
        {"uri": "pkg:pypi/hatch-ling@1.27.0%2Blocal"},
    ]
    assert run["builder"] == {"id": statements.LOCAL, "version": {"invoke-gitflow": "0.1.0"}}
    assert run["metadata"] == {"startedOn": "2023-11-14T22:15:00Z", "finishedOn": "2023-11-14T22:16:00Z"}


def test_it_is_always_the_same_whatever_the_order(record: Record) -> None:
    other = replace(record, builder=dict(sorted(record.builder.items(), reverse=True)))
    assert stated(record) == stated(other, files=record.files[::-1])


def test_in_a_workflow_it_says_which_run(record: Record) -> None:
    run = json.loads(stated(record, env=ACTIONS))["predicate"]["runDetails"]
    assert run["builder"]["id"] == f"https://github.com/{ACTIONS['GITHUB_WORKFLOW_REF']}"
    assert run["metadata"]["invocationId"] == "https://github.com/acme/demo/actions/runs/42/attempts/2"


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_a_variable_that_is_odd_is_not_repeated(record: Record, name: str) -> None:
    data = stated(record, env={**ACTIONS, name: "https://user:secret@example.org/\n"})
    assert json.loads(data)["predicate"]["runDetails"]["builder"]["id"] == statements.LOCAL
    assert b"secret" not in data


@pytest.mark.parametrize(
    ("repository", "uri"),
    [
        ("ssh://example.org/acme/demo.git", "git+ssh://example.org/acme/demo.git@refs/tags/v1.0.0"),
        ("example.org:acme/demo.git", "git+ssh://example.org/acme/demo.git@refs/tags/v1.0.0"),
        ("/srv/my demo.git", "git+file:///srv/my%20demo.git@refs/tags/v1.0.0"),
        ("", None),
    ],
)
def test_every_address_is_a_uri(record: Record, repository: str, uri: str | None) -> None:
    data = stated(replace(record, repository=repository))
    assert json.loads(data)["predicate"]["buildDefinition"]["resolvedDependencies"][0].get("uri") == uri


def changed(data: bytes, change: Callable[[Any], object]) -> bytes:
    facts = json.loads(data)
    change(facts)
    return json.dumps(facts).encode()


def definition(facts: Any) -> Any:
    return facts["predicate"]["buildDefinition"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda facts: facts.update(_type="x"), "another kind"),
        (lambda facts: facts.update(predicateType="x"), "another kind"),
        (lambda facts: facts.pop("subject"), "no statement of provenance"),
        (lambda facts: facts["subject"].pop(), "does not name demo-1.0.0.tar.gz"),
        (lambda facts: facts["subject"].append(facts["subject"][0]), "more than once"),
        (lambda facts: facts["subject"].append({"name": "x", "digest": {}}), "'x', which is none of the files"),
        (lambda facts: facts["subject"][0]["digest"].update(sha256="0" * 64), "has another digest for demo"),
        (lambda facts: facts["subject"][0]["digest"].update(md5="0"), "has another digest for demo"),
        (lambda facts: definition(facts)["externalParameters"].update(ref="refs/tags/v2"), "ref is 'refs/tags/v2'"),
        (lambda facts: definition(facts)["externalParameters"].update(more="x"), "its parameters are others"),
        (lambda facts: definition(facts).update(externalParameters=[]), "its parameters are others"),
        (lambda facts: definition(facts)["resolvedDependencies"].pop(0), "it is not of the commit"),
        (
            lambda facts: definition(facts)["resolvedDependencies"][0]["digest"].update(gitCommit="0" * 40),
            "it is not of the commit",
        ),
        (lambda facts: definition(facts)["resolvedDependencies"].append({"uri": "git+x"}), "it is not of the commit"),
        (lambda facts: definition(facts).update(buildType="x"), "another kind"),
        (lambda facts: definition(facts).update(resolvedDependencies=[1]), "no statement of provenance"),
    ],
)
def test_what_is_not_so_is_found(record: Record, change: Callable[[Any], object], says: str) -> None:
    data = stated(record)
    assert not [*statements.objections(data, record, record.files)]
    (found,) = statements.objections(changed(data, change), record, record.files)
    assert says in found


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"{}", b"\xff", b"[" * 100_000])
def test_what_is_no_statement_is_said(record: Record, data: bytes) -> None:
    assert len([*statements.objections(data, record, record.files)]) == 1


def test_a_key_that_stands_twice_is_refused(record: Record) -> None:
    data = stated(record).replace(b'{"_type"', b'{"subject":[],"_type"', 1)
    assert "stands twice" in "".join(statements.objections(data, record, record.files))


def test_the_statement_of_another_release_is_none_of_this(record: Record) -> None:
    other = stated(replace(record, version="0.9.0", tag="v0.9.0", commit="e" * 40))
    found = "; ".join(statements.objections(other, record, record.files))
    assert "ref is 'refs/tags/v0.9.0', not refs/tags/v1.0.0" in found
    assert "not of the commit" in found


def test_the_encoding_is_that_of_the_protocol() -> None:
    """The example of github.com/secure-systems-lab/dsse, protocol.md."""
    assert dsse.pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_an_envelope_is_one_line_and_is_read_back() -> None:
    envelope = dsse.Envelope(b"\x00payload\xff", dsse.PAYLOAD_TYPE, "SHA256:x", b"\xfb\xff" * 32)
    data = dsse.serialized(envelope)
    assert (data.count(b"\n"), dsse.parse(data)) == (1, envelope)
    assert dsse.parse(data.replace(b"+", b"-").replace(b"vnd.in-toto-json", b"vnd.in-toto+json")) == envelope


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b'{"payload":"","payloadType":"x","signatures":[]}',
        b'{"payload":"","payloadType":"x","signatures":[{"sig":""},{"sig":""}]}',
        b'{"payload":"!","payloadType":"x","signatures":[{"sig":""}]}',
        b'{"payload":1,"payloadType":"x","signatures":[{"sig":""}]}',
        b'{"payload":"","payloadType":1,"signatures":[{"sig":""}]}',
        b'{"payload":"","payload":"","payloadType":"x","signatures":[{"sig":""}]}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_envelope_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        dsse.parse(data)
