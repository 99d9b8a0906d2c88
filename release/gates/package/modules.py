"""Which modules a wheel brings, by the paths of its files: those that somebody can import by a name of their own."""

from __future__ import annotations

import keyword
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_DATA = ".data"
_METADATA = ".dist-info"
_LIBRARIES = frozenset({"purelib", "platlib"})
_ENDS = (".py", ".so")


def top(paths: Iterable[str]) -> tuple[str, ...]:
    """Return the names of the modules that a wheel's files are, the outermost only; sorted.

    A folder without `__init__` is a namespace, importable whatever is in it: there the modules in it are named.
    """
    known = {name for path in paths for name in _modules(path)}
    return tuple(sorted(name for name in known if not any(name.startswith(f"{other}.") for other in known)))


def _modules(path: str) -> Iterator[str]:
    """Yield the name of the module that a file is; none if it cannot be imported by a name."""
    words = path.split("/")
    if words[0].endswith(_DATA):
        words = words[2:] if words[1:2] and words[1] in _LIBRARIES else []
    if not words or words[0].endswith(_METADATA) or not words[-1].endswith(_ENDS):
        return
    *folders, file = words
    stem = file.partition(".")[0]  # of an extension module, too: _speed.cpython-311-x86_64-linux-gnu.so
    if stem == "__main__":
        return  # which is a program
    names = folders if stem == "__init__" else [*folders, stem]
    if names and all(name.isidentifier() and not keyword.iskeyword(name) for name in names):
        yield ".".join(names)
