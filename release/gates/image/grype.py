"""Grype's own JSON: `grype --output json`. It holds findings of every severity, whatever `--fail-on` says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from release.gates.image.told import Found, Told, found, moment, texts
from release.gates.security.findings import blind, counted

if TYPE_CHECKING:
    from collections.abc import Iterator

FORM = "Grype's JSON"

_SCHEMES = ("docker:", "podman:", "registry:", "containerd:")  # from where it is to take the image


def is_it(data: dict[str, Any]) -> bool:
    """Whether a report is of this form."""
    return "matches" in data and "descriptor" in data


def read(data: dict[str, Any]) -> Told:
    """Read a report.

    Raises:
        ReleaseError: it is about something else than an image (exit 5).
        KeyError, TypeError, AttributeError: it is not of the known form.
    """
    source, descriptor = data["source"], data["descriptor"]
    if source["type"] != "image":
        raise blind(f"Grype has looked at a {source['type']}, not at an image")
    target = source["target"]
    given = target["userInput"]
    named = next((given.removeprefix(scheme) for scheme in _SCHEMES if given.startswith(scheme)), given)
    ignored = len(data.get("ignoredMatches") or ())
    return Told(
        form=FORM,
        tool="grype",
        version=str(descriptor["version"]),
        names=texts([given, named, *texts(target.get("tags")), *texts(target.get("repoDigests"))]),
        identity=texts([target["imageID"]])[0],
        findings=tuple(_found(data["matches"])),
        made=moment(descriptor.get("timestamp")),
        notes=(f"Grype was told to leave out {counted(ignored, 'finding')}",) if ignored else (),
    )


def _found(matches: list[dict[str, Any]]) -> Iterator[Found]:
    for one in matches:
        advisory, package = one["vulnerability"], one["artifact"]
        fixed = ", ".join(texts((advisory.get("fix") or {}).get("versions"))) or "none"
        text = f"fixed in: {fixed}; {advisory.get('description') or ''}"
        yield found(advisory["id"], advisory.get("severity"), text, package["name"], package["version"])
