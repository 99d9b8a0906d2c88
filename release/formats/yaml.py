"""YAML 1.2: Chart.yaml, CITATION.cff and their kind, read from a parser's events, which say where each scalar stands.

A file can hold several documents: a key is looked up in every one of them.
"""

from __future__ import annotations

import functools
from codecs import BOM_UTF8
from typing import TYPE_CHECKING, Any

from release.formats import FormatError, Literal, shifted
from release.formats.keys import parse, resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Event = Any  # ruamel.yaml's events have attributes that its annotations do not know
    Events = Callable[[str], Iterable[Event]]

_NULL = frozenset(("", "~", "null", "Null", "NULL"))  # YAML 1.2.2, 10.3.2


def find(data: bytes, keys: tuple[str, ...]) -> tuple[Literal, ...]:
    """Return the scalars at `keys`, plain or in quotes; an alias is the literal at its anchor, counted once.

    Unquoted numbers are text: `version: 1.0` holds "1.0". Null, a mapping, a list or nothing there yields nothing.

    Raises:
        FormatError: not YAML 1.2 in UTF-8, a mapping that names a key twice, an undefined alias, or a scalar whose
            bytes are not its text (escapes, several lines, the block styles `|` and `>`).
        ReleaseError: a key that cannot be read (exit 2).
    """
    text, found = _parsed(data)
    scalars: dict[int, tuple[str, Event]] = {}
    for key in keys:
        for document in found:
            for _, node in resolve(document, parse(key), text=_text):
                scalars.setdefault(id(node), (key, node))
    literals = [_literal(text, key, node) for key, node in scalars.values() if _is_text(node)]
    return shifted(literals, len(BOM_UTF8) if data.startswith(BOM_UTF8) else 0)


def documents(data: bytes) -> list[object]:
    """Return the documents as dicts, lists, texts, and None for null: what is in them, however it is written.

    Raises:
        FormatError: not YAML 1.2 in UTF-8, or as of `find`.
    """
    try:
        return [_plain(document) for document in _parsed(data)[1]]
    except RecursionError as error:
        raise FormatError("not YAML: something is in itself") from error


def _plain(node: object) -> object:
    if isinstance(node, dict):
        return {name: _plain(value) for name, value in node.items()}
    if isinstance(node, list):
        return [_plain(value) for value in node]
    return _text(node) if _is_text(node) else None


def _parsed(data: bytes) -> tuple[str, list[object]]:
    """Return the text, and the documents in it, whose leaves are events.

    Raises:
        FormatError: it cannot be read.
    """
    body = data.removeprefix(BOM_UTF8)
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise FormatError(f"not UTF-8 (line {body.count(10, 0, error.start) + 1})") from error
    events, errors = event_parser()
    try:
        return text, _compose(events(text))
    except (errors, RecursionError) as error:
        raise FormatError(f"not YAML: {_complaint(error)}") from error


@functools.lru_cache(maxsize=1)
def event_parser() -> tuple[Events, type[Exception]]:
    """Import the fastest parser there is: libyaml's, which only CPython has, or else ruamel.yaml's own."""
    from ruamel.yaml.error import YAMLError  # noqa: PLC0415  # 20 ms, for those who have YAML files

    try:
        from _ruamel_yaml import CParser  # type: ignore[import-not-found]  # noqa: PLC0415  # has no annotations
    except ImportError:
        return pure_events, YAMLError

    def events(text: str) -> Iterable[Event]:
        return iter(CParser(text).get_event, None)

    return events, YAMLError


def pure_events(text: str) -> Iterable[Event]:
    """Yield the events of ruamel.yaml's parser in Python, which slower says the same as the one in C."""
    from ruamel.yaml import YAML  # noqa: PLC0415

    events: Iterable[Event] = YAML(typ="safe", pure=True).parse(text)
    return events


def _compose(events: Iterable[Event]) -> list[object]:
    """Return the documents as dicts and lists whose leaves are the scalars' events."""
    from ruamel.yaml import events as kinds  # noqa: PLC0415

    starts = {kinds.MappingStartEvent: dict, kinds.SequenceStartEvent: list}
    ends = (kinds.MappingEndEvent, kinds.SequenceEndEvent)
    documents: list[object] = []
    anchors: dict[str, object] = {}
    open_nodes: list[Any] = []  # dicts and lists whose end is still to come
    open_items: list[list[object]] = [documents]  # what has been read of each, keys and values alternating in a dict
    for event in events:
        kind = type(event)
        if kind is kinds.ScalarEvent:
            open_items[-1].append(event)
            if event.anchor is not None:
                anchors[event.anchor] = event
        elif kind in starts:
            node = starts[kind]()
            open_items[-1].append(node)
            open_nodes.append(node)
            open_items.append([])
            if event.anchor is not None:
                anchors[event.anchor] = node
        elif kind in ends:
            _fill(open_nodes.pop(), open_items.pop())
        elif kind is kinds.AliasEvent:
            if event.anchor not in anchors:
                raise FormatError(f"not YAML: undefined alias *{event.anchor} (line {event.start_mark.line + 1})")
            open_items[-1].append(anchors[event.anchor])
        else:
            anchors = {}  # they end with their document
    return documents


def _fill(node: dict[str, object] | list[object], items: list[Any]) -> None:
    """Put what was read into a list, or into a mapping, then what `<<` merges in (yaml.org/type/merge)."""
    if isinstance(node, list):
        node += items
        return
    for name, value in zip(items[::2], items[1::2], strict=True):
        if not hasattr(name, "value"):
            continue  # a mapping or a list as key: no key of ours leads there
        if name.value in node:
            raise FormatError(f"not YAML: the key {name.value!r} is there twice (line {name.start_mark.line + 1})")
        node[name.value] = value
    merged = node.get("<<")
    for source in merged if isinstance(merged, list) else [merged]:
        if isinstance(source, dict):
            node.update({name: value for name, value in source.items() if name not in node})


def _is_text(node: Event) -> bool:
    return hasattr(node, "value") and (bool(node.style) or node.value not in _NULL)


def _text(node: object) -> object:
    return getattr(node, "value", None)


def _literal(text: str, key: str, node: Event) -> Literal:
    """Return the bytes of a scalar: its event spans anchor, tag and quotes as well, and counts in characters."""
    if node.style in ("|", ">"):
        raise FormatError(f"{key} is a block scalar (line {node.start_mark.line + 1}): write it on the key's line")
    end = node.end_mark.index - len(node.style or "")
    start = end - len(node.value)
    before = text[start - 1 : start] if node.style else node.style
    if start < node.start_mark.index or text[start:end] != node.value or before != node.style:
        where = f"(line {node.start_mark.line + 1})"
        raise FormatError(f"{key} is written so that its bytes are not its text {where}: write it on one line, plainly")
    if not text.isascii():
        start, end = (len(text[:index].encode()) for index in (start, end))
    return Literal(key=key, start=start, end=end, text=node.value)


def _complaint(error: BaseException) -> str:
    """Return ruamel.yaml's message on one line."""
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    return f"{problem} (line {mark.line + 1})" if mark is not None else str(problem)
