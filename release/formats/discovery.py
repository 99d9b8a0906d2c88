"""Which files are looked at for a version without being configured, and where in them."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, NamedTuple

from release.formats import globs
from release.version import Spelling

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

VERSION = "VERSION"
ONLY_AT_ROOT = frozenset((VERSION, "pyproject.toml", "uv.lock", "CITATION.cff"))  # these count nowhere else


class Custom(NamedTuple):
    """What is usual in a file of some name."""

    format: str
    keys: tuple[str, ...]
    spelling: Spelling


class Rule(NamedTuple):
    """Look into the file at `path`, read as `format`, at `keys`.

    A version there is written as `spelling`; with `keeps_v` it keeps the `v` in front of it if there is one.
    """

    path: str
    format: str
    keys: tuple[str, ...]
    spelling: Spelling
    keeps_v: bool


_NOT_OURS = frozenset(("node_modules", ".venv"))  # installed, not written
_SOURCE = Custom("python", ("__version__",), Spelling.PEP440)
_LABELS = ("LABEL version", "LABEL org.opencontainers.image.version")
# One line a file name.
_CUSTOMS = {
    VERSION: Custom("text", ("",), Spelling.PEP440),
    "pyproject.toml": Custom("toml", ("project.version", "tool.poetry.version"), Spelling.PEP440),
    "CITATION.cff": Custom("yaml", ("version",), Spelling.PEP440),
    "Chart.yaml": Custom("yaml", ("version", "appVersion"), Spelling.SEMVER),
    "package.json": Custom("json", ("version",), Spelling.SEMVER),
    "package-lock.json": Custom("json", ("version", 'packages."".version'), Spelling.SEMVER),
    "__init__.py": _SOURCE,
    "__version__.py": _SOURCE,
    "_version.py": _SOURCE,
}
_ENDS = (*_CUSTOMS, "uv.lock", "file")  # how the path of everything ends that is looked at, but for the next:
_DOCKERFILES = ("ockerfile.", "ontainerfile.")
_DOCKERFILE = r"(?:Docker|Container)file(?:\.(?!dockerignore$).+)?|.+\.(?:[Dd]ocker|[Cc]ontainer)file"
_FORMATS = {  # one line a suffix
    "toml": "toml",
    "lock": "toml",
    "yaml": "yaml",
    "yml": "yaml",
    "cff": "yaml",
    "json": "json",
    "py": "python",
}


def rules(paths: Collection[str], names: Iterable[str] = ()) -> tuple[Rule, ...]:
    """Return what is looked at among tracked `paths`, in their order, for a project with these `names`.

    Most rules hold wherever the file lies; whether what is found is the project's own version is decided later, by
    how it moved (`release.formats.managed`). What package managers install (node_modules, .venv) is left out.
    """
    known = tuple(names)
    docker, container = _DOCKERFILES
    usual_paths = [path for path in paths if path.endswith(_ENDS) or docker in path or container in path]
    packages = frozenset(path[: -len("/__init__.py")] for path in usual_paths if path.endswith("/__init__.py"))
    found = []
    for path in usual_paths:
        folder, _, name = path.rpartition("/")
        usual = custom(name, known)
        if usual is not None and _is_looked_at(path, folder, name, packages):
            found.append(Rule(path=path, keeps_v=path != VERSION, **usual._asdict()))
    return tuple(found)


def _is_looked_at(path: str, folder: str, name: str, packages: frozenset[str]) -> bool:
    if globs.objection(path) or not _NOT_OURS.isdisjoint(folder.split("/")):
        return False
    if name in ONLY_AT_ROOT:
        return not folder
    if _CUSTOMS.get(name) is _SOURCE:  # below src, and in top-level packages: there __init__.py is only their own
        top, _, below = folder.partition("/")
        return top == "src" or (top in packages and not (below and name == "__init__.py"))
    return True


def custom(name: str, names: tuple[str, ...]) -> Custom | None:
    """Return what is usual in a file of this name, whatever its folder."""
    usual = _CUSTOMS.get(name)
    if usual is None and name == "uv.lock" and names:
        keys = dict.fromkeys(f"package[name={_normal(own)}].version" for own in names)
        usual = Custom("toml", tuple(keys), Spelling.PEP440)
    if usual is None and "file" in name and re.fullmatch(_DOCKERFILE, name):
        usual = _dockerfile(names)
    return usual


@functools.lru_cache(maxsize=16)
def _dockerfile(names: tuple[str, ...]) -> Custom:
    variables = dict.fromkeys([VERSION, *(f"{_normal(name).replace('-', '_').upper()}_VERSION" for name in names)])
    settings = (f"{instruction} {variable}" for variable in variables for instruction in ("ARG", "ENV"))
    return Custom("dockerfile", (*_LABELS, *settings), Spelling.PEP440)


def _normal(name: str) -> str:
    """Return the normalised name of a project (PyPA specification "Names and normalization")."""
    return re.sub(r"[-_.]+", "-", name).lower()


def format_of(name: str, names: tuple[str, ...]) -> str:
    """Return the format that a file's name stands for; an unknown name is that of a text file."""
    usual = custom(name, names)
    return usual.format if usual is not None else _FORMATS.get(name.rpartition(".")[2], "text")
