"""The file that the scanner left: made by this run, JSON of a form that is known, or read where the configuration says.

A form is a module with `is_it` and `read`, and its line here.
"""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from release.gates.image import grype, sarif, trivy
from release.gates.image.told import Told, found, texts, unknown
from release.gates.security.findings import blind

if TYPE_CHECKING:
    from release.config import Image


class Form(Protocol):
    """What a module of a form has."""

    FORM: str

    def is_it(self, data: dict[str, Any]) -> bool:
        """Whether a report is of this form."""

    def read(self, data: dict[str, Any]) -> Told:
        """Read a report."""


_FORMS: tuple[Form, ...] = (trivy, grype, sarif)

_LARGEST = 256 * 2**20  # bytes
_COARSE = 2.0  # seconds by which the clock of a file system may be behind
_LATE = 60.0  # seconds by which the clock of a scanner may be


def load(place: Path, image: Image, *, since: float) -> Told:
    """Read the report at `place`, which has to be newer than `since`, in UTC seconds.

    Raises:
        ReleaseError: there is none, or none that says anything (exit 5).
    """
    told = _read(_bytes(place, since), image)
    if told.made is not None and told.made < since - _LATE:
        raise blind(f"the report was not made by this run: {told.tool} says that it is older")
    return told


def _bytes(place: Path, since: float) -> bytes:
    try:
        facts = place.lstat()
        if not stat.S_ISREG(facts.st_mode):
            raise blind("the report is no regular file")
        if facts.st_mtime < since - _COARSE:
            raise blind("the report was not made by this run: it is older")
        if facts.st_size > _LARGEST:
            raise blind(f"the report has more than {_LARGEST // 2**20} MiB")
        data = place.read_bytes()
    except FileNotFoundError:
        raise blind("the scanner has written no report") from None
    except OSError as error:
        raise blind(f"the report cannot be read: {error.strerror}") from None
    if not data.strip():
        raise blind("the report is empty")
    return data


def _read(data: bytes, image: Image) -> Told:
    try:
        report = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise blind("the report is not JSON") from None
    if isinstance(report, dict):
        for form in _FORMS:
            if form.is_it(report):
                try:
                    return form.read(report)
                except (KeyError, TypeError, AttributeError, ValueError, IndexError):
                    raise unknown(form.FORM) from None
    if image.image_at:
        return _pointed(report, image)
    raise blind(
        "the report is JSON, but not of Trivy's, of Grype's or of SARIF's form",
        "say in [tool.release.image] where to look, with image_at and findings_at",
    )


def _pointed(report: Any, image: Image) -> Told:
    """Read a report of which only the configuration knows where things stand; all that it lists counts."""
    name, listed = _at(report, image.image_at), _at(report, image.findings_at)
    if not isinstance(name, str) or not isinstance(listed, list):
        what = f"list at {image.findings_at}" if isinstance(name, str) else f"text at {image.image_at}"
        raise blind(f"the report has no {what}", "correct image_at and findings_at in [tool.release.image]")
    tool = Path(image.scan[0]).name
    return Told(
        form=f"JSON at {image.image_at} and {image.findings_at}",
        tool=tool,
        version="",
        names=texts([name]),
        findings=tuple(found("finding", "", json.dumps(one), f"entry {at}") for at, one in enumerate(listed, 1)),
    )


def _at(value: Any, pointer: str) -> Any:
    """Return what a JSON pointer (RFC 6901) leads to, None if that is nothing."""
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and key in map(str, range(len(value))):
            value = value[int(key)]
        else:
            return None
    return value
