"""What is read out of scanners' reports, beside what their programs write when all goes as usual."""

from __future__ import annotations

import datetime as dt
import json
import os
import time
from typing import TYPE_CHECKING, Any

import pytest

from release.config import Image
from release.errors import Exit, ReleaseError
from release.gates.image import report, told

if TYPE_CHECKING:
    from pathlib import Path

    from release.gates.image.told import Told

TRIVY: dict[str, Any] = {
    "SchemaVersion": 2,
    "ArtifactName": "acme/app:1.0.0",
    "ArtifactType": "container_image",
    "Metadata": {"ImageID": "sha256:1"},
    "Results": [{"Target": "acme/app:1.0.0 (debian 12.5)", "Class": "os-pkgs", "Type": "debian"}],
}


def read(folder: Path, data: Any, image: Image | None = None) -> Told:
    place = folder / "report.json"
    place.write_text(json.dumps(data), encoding="utf-8")
    return report.load(place, image or Image(), since=time.time())


def sarif(result: dict[str, Any], rule: dict[str, Any] | None = None) -> dict[str, Any]:
    driver = {"name": "x", "rules": [{"id": "R1", **(rule or {})}]}
    return {"version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": [{"message": {}, **result}]}]}


def test_trivy_finds_more_than_vulnerabilities(tmp_path: Path) -> None:
    target = {
        "Target": "app/.env",
        "Secrets": [{"RuleID": "aws", "Severity": "CRITICAL", "Title": "AWS key", "StartLine": 3, "Match": "AKIA123"}],
        "Misconfigurations": [
            {"ID": "DS002", "Severity": "HIGH", "Title": "root user", "Status": "FAIL"},
            {"ID": "DS001", "Severity": "HIGH", "Title": "tag", "Status": "PASS"},
            {"ID": "DS003", "Severity": "HIGH", "Title": "x", "Status": "EXCEPTION"},
            {"ID": "DS004", "Severity": "HIGH", "Title": "y"},
        ],
        "Licenses": [{"Name": "AGPL-3.0", "Severity": "CRITICAL", "Category": "forbidden", "PkgName": "ghost"}],
    }
    read_ = read(tmp_path, {**TRIVY, "Results": [target]})
    assert [one.rule for one in read_.findings] == ["aws", "DS002", "DS004", "AGPL-3.0"]
    assert read_.findings[0] == told.Found("aws", "critical", "AWS key", "app/.env", "line 3")
    assert "AKIA" not in str(read_)


def test_what_trivy_says_of_itself_and_of_the_image_is_kept(tmp_path: Path) -> None:
    metadata = {**TRIVY["Metadata"], "OS": {"Family": "debian", "Name": "9", "EOSL": True}}
    result = {**TRIVY["Results"][0], "ExperimentalModifiedFindings": [{}, {}]}
    data = {**TRIVY, "Trivy": {"Version": "0.71.0"}, "Metadata": metadata, "Results": [result]}
    read_ = read(tmp_path, data)
    assert (read_.tool, read_.version, read_.identity) == ("trivy", "0.71.0", "sha256:1")
    assert read_.notes == (
        "debian 9 in the image is no longer supported: advisories end",
        "Trivy was told to leave out 2 findings",
    )


def test_grype_may_be_told_where_the_image_is(tmp_path: Path) -> None:
    target = {"userInput": "podman:acme/app:1.0.0", "imageID": "sha256:1"}
    data = {
        "matches": [],
        "ignoredMatches": [{}],
        "source": {"type": "image", "target": target},
        "descriptor": {"name": "grype", "version": "0.118.0"},
    }
    read_ = read(tmp_path, data)
    assert "acme/app:1.0.0" in read_.names
    assert read_.notes == ("Grype was told to leave out 1 finding",)
    with pytest.raises(ReleaseError, match="Grype has looked at a directory, not at an image"):
        read(tmp_path, {**data, "source": {"type": "directory", "target": "/x"}})


@pytest.mark.parametrize(
    ("result", "rule", "severity"),
    [
        ({"level": "error"}, {}, "critical"),
        ({"level": "warning"}, {}, "medium"),
        ({"level": "note"}, {}, "low"),
        ({"level": "none"}, {}, "unknown"),
        ({}, {}, ""),
        ({}, {"defaultConfiguration": {"level": "note"}}, "low"),
        ({"level": "error"}, {"properties": {"security-severity": "7.5"}}, "high"),
        ({"level": "note"}, {"properties": {"security-severity": "9.0"}}, "critical"),
        ({}, {"properties": {"security-severity": 4}}, "medium"),
        ({}, {"properties": {"security-severity": "0.0"}}, "unknown"),
        ({}, {"properties": {"security-severity": "nan"}}, ""),
        ({}, {"properties": {"security-severity": "-1"}}, ""),
        ({"level": "note"}, {"properties": {"security-severity": "x"}}, "low"),
        ({}, {"properties": {"cvssV3_severity": "CRITICAL", "security-severity": "1.0"}}, "critical"),
    ],
)
def test_a_severity_of_sarif_is_the_highest_that_it_may_be(
    result: dict[str, Any], rule: dict[str, Any], severity: str, tmp_path: Path
) -> None:
    for by in ({"ruleId": "R1"}, {"ruleIndex": 0}):
        (found,) = read(tmp_path, sarif({**result, **by}, rule)).findings
        assert (found.rule, found.severity) == ("R1", severity)
        assert found.counts("high") == (severity in {"", "high", "critical"})


CRITICAL, LOW = ({"properties": {"security-severity": score}} for score in ("9.8", "1.0"))
EXTENSION = {"name": "plugin", "guid": "G", "rules": [{"id": "E0", **LOW}, {"id": "E1", "guid": "g1", **CRITICAL}]}


@pytest.mark.parametrize(
    ("result", "rule", "severity"),
    [
        ({"ruleIndex": 1}, "R2", "critical"),
        ({"rule": {"index": 1}}, "R2", "critical"),
        ({"rule": {"id": "R2"}}, "R2", "critical"),
        ({"ruleId": "R2/3/1"}, "R2/3/1", "critical"),
        ({"ruleId": "R2/3", "ruleIndex": 1}, "R2/3", "critical"),
        ({"ruleId": "R2", "ruleIndex": 0}, "R2", "critical"),
        ({"ruleId": "R22", "ruleIndex": 1}, "R22", ""),
        ({"ruleId": "E1", "ruleIndex": 1, "rule": {"index": 1, "toolComponent": {"index": 0}}}, "E1", "critical"),
        ({"rule": {"index": 1, "toolComponent": {"guid": "G"}}}, "E1", "critical"),
        ({"rule": {"id": "E1", "toolComponent": {"name": "plugin"}}}, "E1", "critical"),
        ({"rule": {"guid": "g1", "toolComponent": {"index": 0}}}, "E1", "critical"),
        ({"rule": {"index": 0, "toolComponent": {"index": 0}}}, "E0", "low"),
        ({"ruleId": "E1"}, "E1", ""),
        ({"rule": {"index": 0, "toolComponent": {"index": 7}}}, "no rule", ""),
        ({"rule": {"index": 0, "toolComponent": {"guid": "none"}}}, "no rule", ""),
        ({"ruleIndex": -1}, "no rule", ""),
        ({"ruleIndex": 9}, "no rule", ""),
        ({}, "no rule", ""),
    ],
)
def test_the_rule_of_a_result_is_where_sarif_says(
    result: dict[str, Any], rule: str, severity: str, tmp_path: Path
) -> None:
    data = sarif(result, LOW)
    tool = data["runs"][0]["tool"]
    tool["driver"]["rules"].append({"id": "R2", **CRITICAL})
    tool["extensions"] = [EXTENSION]
    (found,) = read(tmp_path, data).findings
    assert (found.rule, found.severity) == (rule, severity)


def test_sarif_of_several_runs_is_about_one_image(tmp_path: Path) -> None:
    """Each run has rules of its own; what a run does not name may be any."""
    one, other = sarif({"ruleIndex": 0}, LOW)["runs"][0], sarif({"ruleIndex": 0}, CRITICAL)["runs"][0]
    one["properties"] = {"imageName": "acme/app:1", "imageID": "sha256:1", "repoTags": ["acme/app:1"]}
    read_ = read(tmp_path, {"version": "2.1.0", "runs": [one, other]})
    assert [found.severity for found in read_.findings] == ["low", "critical"]
    other["properties"] = {"imageName": "docker.io/acme/app:1", "imageID": "sha256:1", "repoTags": ["acme/app:1"]}
    assert read(tmp_path, {"version": "2.1.0", "runs": [one, other]}).identity == "sha256:1"
    other["properties"] = {"imageName": "acme/base:7", "imageID": "sha256:2"}
    with pytest.raises(ReleaseError, match="is about several images: acme/app:1, acme/base:7"):
        read(tmp_path, {"version": "2.1.0", "runs": [one, other]})


@pytest.mark.parametrize(
    ("result", "counts"),
    [
        ({"kind": "fail"}, True),
        ({"kind": "pass"}, False),
        ({"kind": "informational"}, False),
        ({"suppressions": []}, True),
        ({"suppressions": [{"kind": "external"}]}, False),
        ({"suppressions": [{"kind": "external", "status": "accepted"}]}, False),
        ({"suppressions": [{"kind": "external", "status": "underReview"}]}, True),
        ({"suppressions": [{"kind": "external", "status": "rejected"}]}, True),
    ],
)
def test_sarif_tells_results_that_are_no_findings(result: dict[str, Any], counts: bool, tmp_path: Path) -> None:
    read_ = read(tmp_path, sarif({"ruleId": "R1", **result}))
    assert len(read_.findings) == counts
    assert read_.notes == (("1 finding suppressed in the report",) if not counts and "suppressions" in result else ())


def test_a_package_is_named_as_far_as_sarif_has_it(tmp_path: Path) -> None:
    rule = {"properties": {"purls": ["pkg:deb/debian/tar@1.35%2Bdfsg-3.1?os=x"]}}
    (found,) = read(tmp_path, sarif({"ruleId": "R1"}, rule)).findings
    assert (found.package, found.version) == ("debian/tar", "1.35%2Bdfsg-3.1")
    (found,) = read(tmp_path, sarif({"ruleId": "R2", "message": {"text": "m"}})).findings
    assert found == told.Found("R2", "", "m", "x", "")


def test_an_end_before_the_run_is_an_old_report(tmp_path: Path) -> None:
    data = sarif({"ruleId": "R1"})
    data["runs"][0]["invocations"] = [{"executionSuccessful": True, "endTimeUtc": "2026-01-01T00:00:00Z"}]
    with pytest.raises(ReleaseError, match="was not made by this run: x says that it is older"):
        read(tmp_path, data)


SARIF = b'{"version": "2.1.0", "runs": '
DRIVER = b'"tool": {"driver": {"name": "x"}}'


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "the report is empty"),
        (b'{"SchemaVersion": 2, "Artif', "the report is not JSON"),
        (b"[" * 100_000, "the report is not JSON"),
        (b'{"SchemaVersion": "\xff"}', "the report is not JSON"),
        (b"9" * 5_000, "the report is not JSON"),
        (b'{"matches": 3, "descriptor": []}', "the report begins like Grype's JSON, but is not of the form"),
        (SARIF + b"[]}", "the SARIF report has no run in it: nothing was looked at"),
        (SARIF + b"null}", "the SARIF report has no run in it: nothing was looked at"),
        (SARIF + b"[{" + DRIVER + b"}]}", "the report begins like SARIF, but is not of the form"),
        (SARIF + b"[{" + DRIVER + b', "results": null}]}', "the report begins like SARIF, but is not of the form"),
        (
            SARIF + b"[{" + DRIVER + b', "results": [], "invocations": [{"executionSuccessful": false}]}]}',
            "x says in its report that it did not succeed",
        ),
    ],
    ids=range(11),
)
def test_a_report_that_says_nothing_is_none(data: bytes, why: str, tmp_path: Path) -> None:
    place = tmp_path / "report.json"
    place.write_bytes(data)
    with pytest.raises(ReleaseError, match=why) as caught:
        report.load(place, Image(), since=time.time())
    assert caught.value.exit == Exit.NOT_AUDITED


def test_only_a_file_is_a_report(tmp_path: Path) -> None:
    place = tmp_path / "report.json"
    with pytest.raises(ReleaseError, match="the scanner has written no report"):
        report.load(place, Image(), since=time.time())
    os.mkfifo(place)
    with pytest.raises(ReleaseError, match="the report is no regular file"):
        report.load(place, Image(), since=time.time())
    place.unlink()
    place.symlink_to("/etc/hostname")
    with pytest.raises(ReleaseError, match="the report is no regular file"):
        report.load(place, Image(), since=0)
    place.unlink()
    place.touch()
    os.truncate(place, 2**28 + 1)
    with pytest.raises(ReleaseError, match="the report has more than 256 MiB"):
        report.load(place, Image(), since=time.time())


@pytest.mark.parametrize("data", ["x", 3, None, [], {}, {"runs": []}, {"version": "2.1.0"}, {"matches": []}])
def test_json_of_no_known_form_says_nothing(data: Any, tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="the report is JSON, but not of Trivy's"):
        read(tmp_path, data)


@pytest.mark.parametrize("change", [{"Metadata": None}, {"Metadata": {"ImageID": 3}}, {"Results": [3]}, {"Results": 3}])
def test_a_form_that_is_not_quite_known_says_nothing(change: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="begins like Trivy's JSON, but is not of the form that is known"):
        read(tmp_path, {**TRIVY, **change})


@pytest.mark.parametrize(
    ("pointer", "found"),
    [("/a/0/b", "x"), ("/a~1b", "y"), ("/~0", "z"), ("/", "w"), ("/a/1", None), ("/a/00/b", None), ("/a/b", None)],
)
def test_pointers_lead_where_rfc_6901_says(pointer: str, found: str | None, tmp_path: Path) -> None:
    data = {"a": [{"b": "x"}], "a/b": "y", "~": "z", "": "w", "list": [{"id": 1}]}
    image = Image(image_at=pointer, findings_at="/list")
    if found is None:
        with pytest.raises(ReleaseError, match="the report has no text at "):
            read(tmp_path, data, image)
    else:
        read_ = read(tmp_path, data, image)
        assert (read_.names, len(read_.findings)) == ((found,), 1)
        assert read_.findings[0].counts("critical"), "nobody knows its severity"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-24T10:00:00Z", (10, 0)),
        ("2026-11-24T10:00:00.123456789Z", (10, 0)),
        ("2026-11-24t10:00:00+02:00", (8, 0)),
        ("2026-11-24 10:00:00-00:30", (10, 30)),
        ("2026-11-24T10:00:00", None),
        ("2026-13-24T10:00:00Z", None),
        ("", None),
        (3, None),
    ],
)
def test_times_are_those_of_rfc_3339(text: object, moment: tuple[int, int] | None) -> None:
    expected = None if moment is None else dt.datetime(2026, 11, 24, *moment, tzinfo=dt.timezone.utc).timestamp()
    assert told.moment(text) == expected
