"""The image gate and a real program that scans: what counts as having looked, and what comes of what it saw."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from scanning import ALL, BAD, CLEAN, GRYPE, ID, NAMED, OWN, SARIF, SCOUT, TRIVY, look, scanner

from release.gates.results import FOUND, NOT_LOOKED, PASSED

if TYPE_CHECKING:
    from pathlib import Path

    from release.gates.results import Result

APP = "acme/app:1.0.0"
PROGRAMS = {TRIVY: "trivy", GRYPE: "grype", SCOUT: "docker", SARIF: "trivy", OWN: "own-scan"}


def seen(folder: Path, table: str = TRIVY, *, mode: str = "", packages: dict[str, str] = CLEAN) -> Result:
    """Have the scanner of this table look at an image with these packages."""
    program = PROGRAMS.get(table, "grype" if "grype" in table else "trivy")
    path = scanner(folder / "bin", program, mode=mode, images={APP: packages})
    return look(folder, table, path=[path]).result


@pytest.mark.parametrize(
    ("table", "evidence"),
    [
        (TRIVY, f"trivy 0.69.1: {APP} ({ID}), 0 findings from high up; Trivy's JSON"),
        (GRYPE, f"grype 0.118.0: {APP} ({ID}), 0 findings from high up, 1 below; Grype's JSON"),
        (SARIF, f"Trivy 1.2.3: {APP} ({ID}), 0 findings from high up; SARIF by Trivy"),
        (
            SCOUT,
            f"docker scout 1.2.3: {APP}, 0 findings from high up; SARIF by docker scout, which does not name the image",
        ),
        (OWN, f"own-scan: {APP}, 0 findings from high up; JSON at /scan/of~1what and /scan/issues"),
    ],
    ids=ALL,
)
def test_a_clean_image_passes_with_what_looked_at_what(table: str, evidence: str, tmp_path: Path) -> None:
    result = seen(tmp_path, table)
    assert (result.verdict, result.findings, result.not_looked, result.notes) == (PASSED, (), (), ())
    assert result.evidence == (evidence,)
    assert result.advisory


@pytest.mark.parametrize("table", list(PROGRAMS), ids=ALL)
def test_findings_are_named_the_worst_first(table: str, tmp_path: Path) -> None:
    result = seen(tmp_path, table, packages=BAD)
    assert (result.verdict, len(result.findings), result.notes) == (FOUND, 2, ())
    assert ", 2 findings from high up" in result.evidence[0]
    if table == OWN:
        assert result.findings[0].startswith('entry 1: finding (severity not known) {"id": "CVE-2023-45853"')
        return
    for text, package, severity in zip(result.findings, ("zlib1g", "openssl"), ("critical", "high"), strict=True):
        assert text.startswith(f"{package} {BAD[package]}: CVE-20")
        assert f"({severity}) " in text
    if table in {TRIVY, GRYPE}:
        assert "fixed in: 3.0.14-1~deb12u2; openssl: denial of service" in result.findings[1]
    detail = result.details[0]
    named = (detail["package"], detail["version"], detail["rule"], detail["severity"], detail["accepted"])
    assert named == ("zlib1g", BAD["zlib1g"], "CVE-2023-45853", "critical", False)


@pytest.mark.parametrize("table", [TRIVY, GRYPE], ids=["trivy", "grype"])
def test_findings_make_it_red_whatever_the_status_says(table: str, tmp_path: Path) -> None:
    result = seen(tmp_path, table, mode="says clean", packages=BAD)
    assert (result.verdict, len(result.findings)) == (FOUND, 2)
    name = PROGRAMS[table]
    assert result.notes == (f"{name} ended with status 0, which means clean, but its report has findings",)


def test_a_status_that_says_found_makes_it_red_with_what_is_below_the_threshold(tmp_path: Path) -> None:
    result = seen(tmp_path, GRYPE.replace("{severity}", "low"))
    assert result.verdict == FOUND
    assert [text.partition(" (low)")[0] for text in result.findings] == [f"libc6 {CLEAN['libc6']}: CVE-2019-1010022"]


@pytest.mark.parametrize(
    ("mode", "why"),
    [
        ("says found", "trivy ended with status 1, which means found, but its report has no finding"),
        ("says 3", f"trivy ended with status 3 (if {APP} is not there, build it first)"),
        ("killed", f"trivy was ended by signal 9 (if {APP} is not there, build it first)"),
        ("no report", "the scanner has written no report: trivy ended with status 0"),
        ("empty", "the report is empty: trivy ended with status 0"),
        ("html", "the report is not JSON: trivy ended with status 0"),
        ("folder", "the report is no regular file: trivy ended with status 0"),
        ("old file", "the report was not made by this run: it is older: trivy ended with status 0"),
        ("dated", "the report was not made by this run: trivy says that it is older: trivy ended with status 0"),
        ("other image", f"trivy was to look at {APP}, and its report is about acme/app:0.9.0"),
        ("files", "Trivy has looked at a filesystem, not at an image: trivy ended with status 0"),
        (
            "nothing recognised",
            "Trivy recognised nothing in the image, neither an operating system nor packages: trivy ended",
        ),
        (
            "bare",
            "the report begins like Trivy's JSON, but is not of the form that is known: trivy ended with status 0",
        ),
    ],
)
def test_what_has_not_looked_is_told_from_what_found_nothing(mode: str, why: str, tmp_path: Path) -> None:
    result = seen(tmp_path, mode=mode)
    assert (result.verdict, result.evidence, result.findings) == (NOT_LOOKED, (), ())
    (reason,) = result.not_looked
    assert reason.startswith(why)


def test_a_scanner_that_fails_says_why_without_its_passwords(tmp_path: Path) -> None:
    (reason,) = seen(tmp_path, mode="no database").not_looked
    said = "FATAL: failed to download vulnerability DB from https://mirror.example.org/db"
    hint = f"(if {APP} is not there, build it first)"
    assert reason == f"the scanner has written no report: trivy ended with status 1: {said} {hint}"


def test_an_image_that_is_not_there_was_not_looked_at(tmp_path: Path) -> None:
    path = scanner(tmp_path / "bin", images={"acme/app:0.9.0": CLEAN})
    (reason,) = look(tmp_path, path=[path]).result.not_looked
    assert reason.startswith("the scanner has written no report: trivy ended with status 1: FATAL: unable to find")
    assert "'acme/app:1.0.0'" in reason


def test_a_scanner_that_does_not_end_is_ended(tmp_path: Path) -> None:
    (reason,) = seen(tmp_path, NAMED + "timeout = 1\n", mode="hang").not_looked
    assert reason == "trivy did not end within 1 seconds (raise timeout in [tool.release.image])"


@pytest.mark.parametrize(
    ("pointers", "why"),
    [
        ('image_at = "/scan/name"\nfindings_at = "/scan/issues"', "the report has no text at /scan/name"),
        ('image_at = "/scan/of~1what"\nfindings_at = "/scan"', "the report has no list at /scan"),
        ('image_at = "/scan/of~1what"\nfindings_at = "/0"', "the report has no list at /0"),
        ('image_at = "/scan/of~1what"\nfindings_at = "/scan/of~1what/0"', "the report has no list at /scan/of~1what/0"),
    ],
)
def test_a_report_of_another_form_is_read_only_where_it_is_said(pointers: str, why: str, tmp_path: Path) -> None:
    table = "\n".join(line for line in OWN.splitlines() if "_at = " not in line) + f"\n{pointers}\n"
    path = scanner(tmp_path / "bin", "own-scan", images={APP: CLEAN})
    (reason,) = look(tmp_path, table, path=[path]).result.not_looked
    assert reason.startswith(why)


@pytest.mark.parametrize(
    ("version", "table", "tag"),
    [
        ("1.0.0rc1", "", "1.0.0rc1"),
        ("1.0.0rc1", 'spelling = "semver"\n', "1.0.0-rc.1"),
        ("1.0.0.dev3", 'spelling = "semver"\n', "1.0.0-0.dev.3"),
        ("1.0.0", 'spelling = "tag"\n', "v1.0.0"),
        ("v1.0.0-rc.1", "", "1.0.0rc1"),
    ],
)
def test_the_tag_is_the_version_in_the_spelling_of_images(version: str, table: str, tag: str, tmp_path: Path) -> None:
    path = scanner(tmp_path / "bin", images={f"acme/app:{tag}": CLEAN})
    result = look(tmp_path, TRIVY + table, path=[path], version=version).result
    assert result.verdict == PASSED
    assert f": acme/app:{tag} ({ID})" in result.evidence[0]


@pytest.mark.parametrize(
    ("table", "version", "reference", "why"),
    [
        (TRIVY, "1.0.0+cpu", "", "VERSION: '1.0.0+cpu' has a local part (nearest accepted form: 1.0.0)"),
        (TRIVY, "", "", "git tracks no VERSION, which is the image's tag"),
        ("", "1.0.0", "", "there is no name in [tool.release.image]: nothing to look at (name the image, or remove"),
        (TRIVY, "1.0.0", "acme/app", "--image acme/app has neither a tag nor a digest"),
        (TRIVY, "1.0.0", "acme/app:1.0.0;id", "--image acme/app:1.0.0;id names no image"),
        (TRIVY, "1.0.0", "--privileged", "--image --privileged names no image"),
        (TRIVY, "1.0.0", "acme/app:1.0.0\n", "--image acme/app:1.0.0 names no image"),
        (
            '[tool.release.image]\nname = "a;b"\n',
            "1.0.0",
            "",
            "pyproject.toml: tool.release.image.name = 'a;b' is no name",
        ),
    ],
)
def test_without_an_image_to_look_at_nobody_has_looked(
    table: str, version: str, reference: str, why: str, tmp_path: Path
) -> None:
    path = scanner(tmp_path / "bin", images={APP: CLEAN})
    result = look(tmp_path, table, path=[path], version=version, reference=reference).result
    assert result.verdict == NOT_LOOKED
    assert result.not_looked[0].startswith(why)


def test_another_image_can_be_asked_for_by_tag_or_digest(tmp_path: Path) -> None:
    name = "registry.example.org:5000/acme/app"
    path = scanner(tmp_path / "bin", images={f"{name}:ci-7": CLEAN, f"{name}@{ID}": BAD})
    assert look(tmp_path, "", path=[path], version="", reference=f"{name}:ci-7").result.verdict == PASSED
    assert look(tmp_path, "", path=[path], reference=f"{name}@{ID}").result.verdict == FOUND


ABSENT = TRIVY + 'scan = ["trivvy", "{image}", "{report}"]\n'


@pytest.mark.parametrize(
    ("version", "publish", "reference"),
    [
        ("1.0.0", "", ""),
        ("1.0.0rc1", 'publish = { image = ["ga", "rc"] }', ""),
        ("1.0.0rc1", "", "acme/app:1.0.0rc1"),
    ],
)
def test_no_scanner_no_release(version: str, publish: str, reference: str, tmp_path: Path) -> None:
    table = f"[tool.release]\n{publish}\n{ABSENT}"
    result = look(tmp_path, table, version=version, reference=reference).result
    assert (result.verdict, result.evidence) == (NOT_LOOKED, ())
    what = f"trivvy is not installed, and nobody has looked at acme/app:{version}"
    assert result.not_looked == (f"{what} (install it, or remove [tool.release.image], and image from gates)",)


@pytest.mark.parametrize(("version", "kind"), [("1.0.0rc1", "rc"), ("1.0.0a1", "alpha"), ("1.0.0.dev0", "dev")])
def test_before_a_release_no_scanner_is_said_and_never_that_it_looked(version: str, kind: str, tmp_path: Path) -> None:
    result = look(tmp_path, ABSENT, version=version).result
    assert (result.verdict, result.versions, result.advisory) == (PASSED, {}, True)
    why = f"{version} is not final, and publish.image does not take {kind}"
    assert result.evidence == (f"not looked at: acme/app:{version}; trivvy is not installed; {why}",)
    assert "nobody has looked at" in result.notes[0]


@pytest.mark.parametrize("version", ["1.0.0", "1.0.0rc1"])
@pytest.mark.parametrize("program", ["trivy", "./tools/trivy"])
def test_a_scanner_that_cannot_be_started_is_no_absent_one(program: str, version: str, tmp_path: Path) -> None:
    folder = tmp_path / ("bin" if program == "trivy" else "work/tools")
    scanner(folder, images={APP: CLEAN})
    (folder / "trivy").chmod(0o644)
    table = TRIVY + f'scan = ["{program}", "{{image}}", "{{report}}"]\n'
    (reason,) = look(tmp_path, table, path=[folder], version=version).result.not_looked
    assert reason.startswith(f"{program} is there, but cannot be started: ")
    (folder / "trivy").write_text("#!/no/such/interpreter\n")
    (folder / "trivy").chmod(0o755)
    (reason,) = look(tmp_path, table, path=[folder], version=version).result.not_looked
    assert reason == f"{program} cannot be started: No such file or directory (look at its first line)"


def test_words_are_handed_over_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "show").write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >"{tmp_path}/said"\nenv >"{tmp_path}/env"\n')
    (folder / "show").chmod(0o755)
    words = ["show", "--a={image}", "$(id)", "a b", "{report}", "{{.}}", "{severity}/{severities}", "{image}{image}"]
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    look(tmp_path, TRIVY + f'severity = "low"\nscan = {words}\n', path=[folder])
    said = (tmp_path / "said").read_text().splitlines()
    report = f"{tmp_path}/reports/report.json"
    expected = [f"--a={APP}", "$(id)", "a b", report, "{{.}}", "low/LOW,MEDIUM,HIGH,CRITICAL", f"{APP}{APP}"]
    assert said == expected
    assert "SOURCE_DATE_EPOCH" not in (tmp_path / "env").read_text()


def test_what_a_scanner_leaves_out_is_said(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / ".trivyignore").write_text("CVE-2024-6119\n")
    assert seen(tmp_path).notes == (".trivyignore: what the scanner leaves out by it is not in the report",)


def test_of_many_findings_the_first_are_named_and_all_are_data(tmp_path: Path) -> None:
    path = scanner(tmp_path / "bin", images={APP: BAD})
    store = path / "store.json"
    many = ", ".join(
        f'{{"id": "CVE-2024-{number}", "package": "openssl", "fixed": "", "severity": "high", "title": "x"}}'
        for number in range(1000, 1030)
    )
    store.write_text(store.read_text().replace('"advisories": [', f'"advisories": [{many}, '))
    looked = look(tmp_path, path=[path])
    assert (len(looked.result.findings), len(looked.result.details), len(looked.open)) == (21, 32, 20)
    assert looked.result.findings[-1] == "and 12 more, which --json has"
    assert looked.result.findings[:20] == tuple(map(str, looked.open))
