"""Imports point down the house only, and each tool stands in the rooms that are its own."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import release

ROOT = Path(release.__file__).parent
# From the roof down; what stands on one line may import itself and everything on later lines.
FLOORS = (
    {"tasks", "sessions"},
    {"flows"},
    {"steps"},
    {"console"},
    {"gates", "artifacts"},
    {"formats"},
    {"git"},
    {
        "beside",
        "entry",
        "image",
        "version",
        "conventional",
        "config",
        "options",
        "shapes",
        "plan",
        "checks",
        "errors",
        "process",
        "terminal",
    },
)
# Tool → the modules that may import it.
OWNERS = {
    "subprocess": {"process"},
    "tomlkit": {"config", "formats"},
    "ruamel": {"formats"},
    "packaging": {"version", "gates", "artifacts"},  # versions; names, markers and requirements of what is made
    "invoke": {"tasks", "__init__"},
    "nox": {"sessions"},
}


def modules() -> list[Path]:
    return sorted(ROOT.rglob("*.py"))


def room(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def floor(name: str) -> int:
    return next(number for number, rooms in enumerate(FLOORS) if name in rooms)


def imported(path: Path) -> list[str]:
    """Every module that a file imports when it runs; imports for type checkers are not run."""
    names: list[str] = []
    waiting: list[ast.AST] = [ast.parse(path.read_bytes())]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            module = node.module or ""
            names += [f"{module}.{alias.name}" for alias in node.names]
        waiting += ast.iter_child_nodes(node)
    return names


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path: Path) -> None:
    own = room(path)
    for name in imported(path):
        parts = name.split(".")
        if parts[0] == "release" and len(parts) > 1 and own != "__init__":
            assert floor(parts[1]) >= floor(own), f"{path} imports {name}, which stands above it"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_each_tool_stays_in_its_room(path: Path) -> None:
    for name in imported(path):
        owners = OWNERS.get(name.split(".")[0])
        assert owners is None or room(path) in owners, f"{path} imports {name}"


def test_every_module_has_a_floor() -> None:
    for path in modules():
        if room(path) != "__init__":
            floor(room(path))
