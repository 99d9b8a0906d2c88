"""Which modules a wheel brings, by where its files are installed: those that can be imported by a name of their own."""

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


def place(path: str) -> str:
    """Return where among the installed modules a wheel's file comes to lie; "" for one that is put elsewhere."""
    top, _, rest = path.partition("/")
    if not top.endswith(_DATA):
        return path
    library, _, inner = rest.partition("/")
    return inner if library in _LIBRARIES else ""


def _modules(path: str) -> Iterator[str]:
    """Yield the name of the module that a file is; none if it cannot be imported by a name."""
    words = place(path).split("/")
    if words[0].endswith(_METADATA) or not words[-1].endswith(_ENDS):
        return
    *folders, file = words
    stem = file.partition(".")[0]  # of an extension module, too: _speed.cpython-311-x86_64-linux-gnu.so
    if stem == "__main__":
        return  # which is a program
    names = folders if stem == "__init__" else [*folders, stem]
    if names and all(name.isidentifier() and not keyword.iskeyword(name) for name in names):
        yield ".".join(names)
