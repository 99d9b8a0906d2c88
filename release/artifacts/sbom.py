"""The software bill of materials: what the distributions need at run time, in CycloneDX 1.6 (ECMA-424), as JSON.

The same resolution always makes the same bytes: its time is that of the files in the archives, its serial number comes
from what it says.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from cyclonedx.model.component import Component as Part

    from release.artifacts.record import Component, Resolution

_SPACE = uuid.UUID("6ba7b812-9dad-11d1-80b4-00c04fd430c8")  # RFC 9562 §6.6: names that are OIDs and the like


def name(project: str, version: str) -> str:
    """Return the file's name, as the distributions beside it are named (PEP 625)."""
    return f"{canonicalize_name(project).replace('-', '_')}-{version}.cdx.json"


def rendered(project: str, version: str, resolution: Resolution, *, epoch: int, tool: str) -> bytes:
    """Return the SBOM of a project's version; `epoch` is its time in UTC seconds, `tool` our version."""
    from cyclonedx.model import Property  # noqa: PLC0415  # a heavy library, and only this needs it
    from cyclonedx.model.bom import Bom, BomMetaData  # noqa: PLC0415
    from cyclonedx.model.component import Component as Part  # noqa: PLC0415
    from cyclonedx.model.component import ComponentType  # noqa: PLC0415
    from cyclonedx.model.tool import ToolRepository  # noqa: PLC0415
    from cyclonedx.output.json import JsonV1Dot6  # noqa: PLC0415

    root = _part(project, version, (), "", ComponentType.LIBRARY)
    by = Part(type=ComponentType.APPLICATION, name="invoke-gitflow", version=tool)
    parts = {one.name: _of(one) for one in resolution.components}
    said = repr((project, version, resolution, epoch, tool))
    bom = Bom(
        serial_number=uuid.uuid5(_SPACE, said),
        version=1,
        metadata=BomMetaData(
            component=root,
            timestamp=dt.datetime.fromtimestamp(epoch, dt.timezone.utc),
            tools=ToolRepository(components=[by]),
            properties=[Property(name="invoke-gitflow:resolution", value=resolution.source)],
        ),
        components=parts.values(),
    )
    bom.register_dependency(root, [parts[one] for one in resolution.needs])
    for one in resolution.components:
        bom.register_dependency(parts[one.name], [parts[needed] for needed in one.needs])
    return (JsonV1Dot6(bom).output_as_string(indent=1) + "\n").encode()


def _of(one: Component) -> Part:
    from cyclonedx.model.component import ComponentType  # noqa: PLC0415  # as above

    return _part(one.name, one.version, one.hashes, one.license, ComponentType.LIBRARY)


def _part(project: str, version: str, hashes: tuple[str, ...], license_: str, kind: object) -> Part:
    from cyclonedx.contrib.license.factories import LicenseFactory  # noqa: PLC0415  # as above
    from cyclonedx.model import HashAlgorithm, HashType  # noqa: PLC0415
    from cyclonedx.model.component import Component, ComponentType  # noqa: PLC0415
    from packageurl import PackageURL  # noqa: PLC0415

    assert isinstance(kind, ComponentType)  # noqa: S101  # for the type checker alone
    url = PackageURL("pypi", None, canonicalize_name(project), version)
    return Component(
        type=kind,
        name=project,
        version=version,
        bom_ref=url.to_string(),
        purl=url,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=one) for one in hashes],
        licenses=[LicenseFactory().make_from_string(license_)] if license_ else (),
    )
