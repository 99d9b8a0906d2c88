"""What an image says of itself: the labels of its configuration, and the annotations of its manifest."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from release.artifacts.publish.job import different
from release.artifacts.publish.registry import INDEXES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from release.artifacts.publish.registry import Manifest, Registry

PREFIX = "org.opencontainers.image."  # OCI image spec, "Annotations"
REVISION = f"{PREFIX}revision"
VERSION = f"{PREFIX}version"

_LARGEST = 8 * 1024 * 1024  # bytes of a configuration; those of real images have some thousands
_UNKNOWN = "unknown"  # the platform of what is no image: buildkit's attestations


def read(registry: Registry, manifest: Manifest) -> dict[str, str]:
    """Return what an image says of itself, annotations before labels; of several platforms only what all of them say.

    Raises:
        ReleaseError: a part of it is missing or no such thing (exit 3), or what `Registry.blob` raises.
    """
    if manifest.kind not in INDEXES:
        return _one(registry, manifest)
    told = [_one(registry, image) for image in _images(registry, manifest)]
    common = {name: value for name, value in told[0].items() if all(one.get(name) == value for one in told)}
    return {**common, **_texts(manifest.data.get("annotations"))}


def _images(registry: Registry, index: Manifest) -> Iterator[Manifest]:
    """Yield the images of an index, at least one."""
    listed = index.data.get("manifests")
    found = 0
    for entry in listed if isinstance(listed, list) else ():
        if isinstance(entry, dict) and _table(entry.get("platform")).get("os") != _UNKNOWN:
            image = registry.manifest(str(entry.get("digest")))
            if image is None or image.kind in INDEXES:
                raise different(f"{registry.place} has an index, but not its image {entry.get('digest')}")
            found += 1
            yield image
    if not found:
        raise different(f"{registry.place} has an index without images")


def _one(registry: Registry, manifest: Manifest) -> dict[str, str]:
    config = _table(manifest.data.get("config"))
    try:
        content = json.loads(registry.blob(str(config.get("digest")), largest=_LARGEST))
    except (ValueError, RecursionError):
        content = {}
    labels = _table(_table(_table(content).get("config")).get("Labels"))
    return {**_texts(labels), **_texts(manifest.data.get("annotations"))}


def _table(found: object) -> dict[str, Any]:
    return found if isinstance(found, dict) else {}


def _texts(found: object) -> dict[str, str]:
    return {str(name): value for name, value in _table(found).items() if isinstance(value, str)}
