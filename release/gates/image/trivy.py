"""Trivy's own JSON (schema version 2): `trivy image --format json`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from release.gates.image.told import Found, Told, found, moment, texts
from release.gates.security.findings import blind, counted

if TYPE_CHECKING:
    from collections.abc import Iterator

FORM = "Trivy's JSON"

_IMAGE = "container_image"
_NOT_FAILED = ("PASS", "EXCEPTION")  # of checks of the configuration


def is_it(data: dict[str, Any]) -> bool:
    """Whether a report is of this form."""
    return "SchemaVersion" in data and ("ArtifactName" in data or "ArtifactType" in data)


def read(data: dict[str, Any]) -> Told:
    """Read a report.

    Raises:
        ReleaseError: it is about something else than an image, or Trivy found nothing to look at (exit 5).
        KeyError, TypeError, AttributeError: it is not of the known form.
    """
    if data["ArtifactType"] != _IMAGE:
        raise blind(f"Trivy has looked at a {data['ArtifactType']}, not at an image")
    metadata, results = data["Metadata"], data.get("Results") or []
    if not results:
        raise blind("Trivy recognised nothing in the image, neither an operating system nor packages")
    names = (data["ArtifactName"], *texts(metadata.get("RepoTags")), *texts(metadata.get("RepoDigests")))
    return Told(
        form=FORM,
        tool="trivy",
        version=str((data.get("Trivy") or {}).get("Version", "")),
        names=texts(names),
        identity=texts([metadata["ImageID"]])[0],
        findings=tuple(one for result in results for one in _found(result)),
        made=moment(data.get("CreatedAt")),
        notes=tuple(_notes(metadata, results)),
    )


def _found(result: dict[str, Any]) -> Iterator[Found]:
    """Yield what was found in one target; nothing of a secret but where it is."""
    for one in result.get("Vulnerabilities") or ():
        fixed = one.get("FixedVersion") or "none"
        text = f"fixed in: {fixed}; {one.get('Title') or ''}"
        package, version = one["PkgName"], one["InstalledVersion"]
        yield found(one["VulnerabilityID"], one.get("Severity"), text, package, version)
    for one in result.get("Secrets") or ():
        place = f"line {one.get('StartLine')}"
        yield found(one["RuleID"], one.get("Severity"), one.get("Title"), result["Target"], place)
    for one in result.get("Misconfigurations") or ():
        if one.get("Status") not in _NOT_FAILED:
            yield found(one["ID"], one.get("Severity"), one.get("Title"), result["Target"])
    for one in result.get("Licenses") or ():
        package = one.get("PkgName") or one.get("FilePath") or result["Target"]
        yield found(one["Name"], one.get("Severity"), f"licence ({one.get('Category')})", package)


def _notes(metadata: dict[str, Any], results: list[dict[str, Any]]) -> Iterator[str]:
    system = metadata.get("OS") or {}
    if system.get("EOSL"):
        yield f"{system.get('Family')} {system.get('Name')} in the image is no longer supported: advisories end"
    suppressed = sum(len(result.get("ExperimentalModifiedFindings") or ()) for result in results)
    if suppressed:
        yield f"Trivy was told to leave out {counted(suppressed, 'finding')}"
