"""What WHEEL says of a wheel against the name of its file, by which installers choose it.

The rules are those of the binary distribution format (packaging.python.org/specifications/binary-distribution-format).
"""

from __future__ import annotations

import re
from email.parser import BytesHeaderParser
from typing import TYPE_CHECKING

from packaging.tags import parse_tag
from packaging.utils import parse_wheel_filename

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from packaging.tags import Tag

    from release.artifacts.files import Dist

_KNOWN = re.compile(r"1(\.\d+)*")  # with another major version installers refuse the wheel
_TRUTH = frozenset({"true", "false"})


def objections(data: bytes, path: str, dist: Dist, *, has_platlib: bool) -> Iterator[str]:
    """Say where WHEEL says something else than the file's name, or what no installer understands.

    With `has_platlib` a folder besides the root is for compiled modules, so that the root may be pure all the same.
    """
    fields = BytesHeaderParser().parsebytes(data)
    versions, roots, lines = (
        [str(one).strip() for one in fields.get_all(name, [])] for name in ("Wheel-Version", "Root-Is-Purelib", "Tag")
    )
    if len(versions) != 1:
        yield f"{path} has no single Wheel-Version"
    elif not _KNOWN.fullmatch(versions[0]):
        yield f"{path} has Wheel-Version: {versions[0]}, and installers know 1"
    named = parse_wheel_filename(dist.file)[3]
    try:
        tags = frozenset(tag for line in lines for tag in parse_tag(line))
    except ValueError:
        yield f"{path} has a Tag that is none: {', '.join(lines)}"
    else:
        if tags != named:
            yield f"{path} has {_listed(tags)}, and the file's name has {_listed(named)}"
    if len(roots) != 1 or roots[0].lower() not in _TRUTH:
        yield f"{path} has no single Root-Is-Purelib of true or false"
    elif roots[0].lower() == "false" and all((tag.abi, tag.platform) == ("none", "any") for tag in named):
        yield f"{path} says Root-Is-Purelib: false, and {_listed(named)} is of a pure wheel"
    elif roots[0].lower() == "true" and not has_platlib and all(tag.abi != "none" for tag in named):
        yield f"{path} says Root-Is-Purelib: true, and {_listed(named)} is of compiled modules"


def _listed(tags: Iterable[Tag]) -> str:
    return ", ".join(sorted(map(str, tags))) or "no tag"
