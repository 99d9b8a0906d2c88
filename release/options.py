"""Tables whose keys are declared as dataclass fields, and what follows: their reader, JSON Schema and listing."""

from __future__ import annotations

import json
from dataclasses import MISSING, Field, field, fields, is_dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from release.shapes import Shape, nearest, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from release.shapes import Place

_T = TypeVar("_T")


def option(default: object, shape: Shape, doc: str, *, empty: str = "") -> Any:
    """Declare a key as a dataclass field; MISSING makes it required.

    `empty` says what an empty value means, where that is not plain.
    """
    return field(default=default, metadata={"shape": shape, "doc": doc, "empty": empty})


def _options(cls: type) -> dict[str, Field[Any]]:
    return {one.name: one for one in fields(cls) if "shape" in one.metadata}


def table_of(cls: type[_T], check: Callable[[_T, Place], None] | None = None) -> Shape:
    """Return the shape of a table that is read as a `cls`, which `check` may then look at as a whole."""
    required = [name for name, one in _options(cls).items() if one.default is MISSING]

    def read(value: Any, place: Place) -> Any:
        if not place.is_a(dict, value, "a table"):
            return value
        before = place.count
        values = read_keys(cls, value, place)
        for name in required:
            if name not in value:
                place.wrong(f"has no {name}", f"wanted: {_options(cls)[name].metadata['shape'].wanted}")
        if place.count > before:
            return value
        result = cls(**values)
        if check is not None:
            check(result, place)
        return result

    return Shape("a table", {**schema_of(cls), **({"required": required} if required else {})}, read)


def read_keys(cls: type, table: dict[str, Any], place: Place) -> dict[str, Any]:
    """Read the keys of `table` that `cls` declares; for others, note which one may have been meant."""
    options = _options(cls)
    for name in table:
        if name not in options:
            place.inside("." + shown(name).strip("'")).wrong("is unknown", nearest(name, options))
    return {
        name: one.metadata["shape"].read(table[name], place.inside(f".{name}"))
        for name, one in options.items()
        if name in table
    }


def schema_of(cls: type) -> dict[str, Any]:
    """Return the JSON Schema of a table with the keys of `cls`."""

    def described(one: Field[Any]) -> dict[str, Any]:
        says_itself = one.default is not MISSING and (one.default or not one.metadata["empty"])
        default = {"default": plain(one.default)} if says_itself else {}
        return {"description": one.metadata["doc"], **one.metadata["shape"].schema, **default}

    properties = {name: described(one) for name, one in _options(cls).items()}
    return {"type": "object", "properties": properties, "additionalProperties": False}


class Entry(NamedTuple):
    """A key with one of its values."""

    key: str
    value: Any
    shape: Shape
    doc: str
    empty: str  # what an empty value means

    @property
    def toml(self) -> str:
        """The value as it would stand in the file."""
        return _toml(plain(self.value))


def entries(table: object, before: str = "") -> Iterator[Entry]:
    """Yield the keys and values of an object whose class declares them; tables in it as dotted keys."""
    for name, one in _options(type(table)).items():
        value = getattr(table, name)
        if is_dataclass(value):
            yield from entries(value, f"{before}{name}.")
        else:
            yield Entry(f"{before}{name}", value, one.metadata["shape"], one.metadata["doc"], one.metadata["empty"])


def plain(value: object) -> Any:
    """Return a value as TOML and JSON have it; tables without the keys that hold their default."""
    if is_dataclass(value):
        pairs = {name: (getattr(value, name), one.default) for name, one in _options(type(value)).items()}
        return {name: plain(inner) for name, (inner, default) in pairs.items() if inner != default}
    return [plain(one) for one in value] if isinstance(value, tuple) else value


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{name} = {_toml(inner)}' for name, inner in value.items())} }}" if value else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value, ensure_ascii=not str(value).isprintable())
