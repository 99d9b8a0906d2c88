"""What an expression may be as text for a shell: pieces that the program's author wrote, and values that are quoted."""

from __future__ import annotations

import ast
import re
import string
from typing import TYPE_CHECKING

from release.gates.security.scopes import ITEM, VALUE, Scope

if TYPE_CHECKING:
    from collections.abc import Callable

# A piece: text of the author, or None for a value that is quoted for the shell.
Pieces = list["str | None"]

_QUOTING = frozenset({"shlex.quote", "shlex.join", "pipes.quote"})
_NUMBERS = frozenset({"int", "float", "len", "round", "bool"})
_LISTS = frozenset({"list", "sorted", "tuple", "reversed", "set"})
_STRIPS = frozenset({"strip", "lstrip", "rstrip"})
_PERCENT = re.compile(r"%(?:\((?P<name>\w+)\))?(?P<flags>[#0\- +\d.]*)(?P<kind>[a-zA-Z%])")
_NUMERIC = "diuxXoeEfFgG"
_QUOTED = "\0"
# An escaped character, a text in quotes, a comment, as a POSIX shell reads them.
_SPANS = re.compile(r"\\.|'[^']*'?|\"(?:\\.|[^\"\\])*\"?|(?<!\S)#[^\n]*", re.DOTALL)


class DataError(Exception):
    """An expression that may be anything is part of the text."""

    def __init__(self, node: ast.AST) -> None:
        self.node = node
        super().__init__()


def pieces(node: ast.expr, scope: Scope, seen: frozenset[tuple[int, str]] = frozenset()) -> Pieces:
    """Return the pieces of a text; of alternatives, the pieces of all.

    Raises:
        DataError: part of it is neither constant nor quoted.
    """
    if isinstance(node, ast.Constant):
        return [node.value if isinstance(node.value, str) else "0"]
    if isinstance(node, ast.Name):
        return _name(node, scope, seen)
    for kind, read in _READERS.items():
        if isinstance(node, kind):
            return read(node, lambda inner: pieces(inner, scope, seen), scope)
    raise DataError(node)


def _name(node: ast.Name, scope: Scope, seen: frozenset[tuple[int, str]]) -> Pieces:
    found = scope.lookup(node.id)
    if found is None:
        raise DataError(node)
    inside, bindings = found
    key = (id(inside), node.id)
    if key in seen:
        return []  # x = x + "a": what it starts with is told by another binding
    result: Pieces = []
    for binding in bindings:
        values = (
            [binding.node] if binding.kind == VALUE else _items(binding.node, inside) if binding.kind == ITEM else None
        )
        if values is None:
            raise DataError(node)
        for value in values:
            if value is None:
                raise DataError(node)
            try:
                result += pieces(value, inside, seen | {key})
            except DataError:
                raise DataError(node) from None
    return result


def _items(node: ast.expr | None, scope: Scope) -> list[ast.expr] | None:
    """Return the items of what a loop goes through, if they are written there; a named list could have got others."""
    if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
        return list(node.elts)
    if isinstance(node, ast.Name):
        found = scope.lookup(node.id)
        if found and len(found[1]) == 1 and isinstance(found[1][0].node, ast.Tuple) and found[1][0].kind == VALUE:
            return _items(found[1][0].node, scope)
    return None


def _joined_string(node: ast.JoinedStr, read: Callable[[ast.expr], Pieces], scope: Scope) -> Pieces:
    return [piece for value in node.values for piece in _formatted(value, read, scope)]


def _formatted(node: ast.expr, read: Callable[[ast.expr], Pieces], scope: Scope) -> Pieces:
    if not isinstance(node, ast.FormattedValue):
        return read(node)
    found = read(node.value)
    is_plain = node.conversion in {-1, ord("s")} and node.format_spec is None
    if not is_plain and not (is_number(node.value, scope) and node.conversion == -1):
        raise DataError(node.value)  # which may cut a quote off, or quote once more
    return found


def is_number(node: ast.expr, scope: Scope) -> bool:
    """Whether an expression is sure to be a number."""
    if isinstance(node, ast.Constant):
        return not isinstance(node.value, (str, bytes))
    return isinstance(node, ast.Call) and scope.dotted(node.func) in _NUMBERS


def _operation(node: ast.BinOp, read: Callable[[ast.expr], Pieces], scope: Scope) -> Pieces:
    if isinstance(node.op, ast.Add):
        return [*read(node.left), *read(node.right)]
    if isinstance(node.op, ast.Mult) and is_number(node.right, scope):
        return read(node.left)
    if isinstance(node.op, ast.Mod) and isinstance(node.left, ast.Constant) and isinstance(node.left.value, str):
        return _percent(node.left.value, node.right, read)
    raise DataError(node)


def _percent(template: str, values: ast.expr, read: Callable[[ast.expr], Pieces]) -> Pieces:
    """Read `template % values`."""
    named: dict[str, ast.expr] = {}
    if isinstance(values, ast.Dict):
        pairs = zip(values.keys, values.values, strict=True)
        named = {str(key.value): value for key, value in pairs if isinstance(key, ast.Constant)}
    waiting = list(values.elts) if isinstance(values, ast.Tuple) else [values]
    result: Pieces = []
    at = 0
    for match in _PERCENT.finditer(template):
        result.append(template[at : match.start()])
        at = match.end()
        if match["kind"] == "%":
            result.append("%")
            continue
        value = named.get(match["name"]) if match["name"] else waiting.pop(0) if waiting else None
        if value is None:
            raise DataError(values)
        if match["kind"] in _NUMERIC:
            result.append("0")
        elif match["kind"] == "s" and not match["flags"]:
            result += read(value)
        else:
            raise DataError(value)
    return [*result, template[at:]]


def _call(node: ast.Call, read: Callable[[ast.expr], Pieces], scope: Scope) -> Pieces:
    name = scope.dotted(node.func)
    if name in _QUOTING:
        return [None]
    if name in _NUMBERS:
        return ["0"]
    if name in {"str", "textwrap.dedent"} and len(node.args) == 1 and not node.keywords:
        return read(node.args[0])
    if isinstance(node.func, ast.Attribute):
        text, method = node.func.value, node.func.attr
        if method == "format" and isinstance(text, ast.Constant) and isinstance(text.value, str):
            return _format(text.value, node, read)
        if method == "join" and len(node.args) == 1:
            return _join(read(text), node.args[0], read, scope)
        if method in _STRIPS and not node.args:
            return read(text)
    raise DataError(node)


def _format(template: str, node: ast.Call, read: Callable[[ast.expr], Pieces]) -> Pieces:
    """Read `template.format(...)`."""
    named = {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
    result: Pieces = []
    count = 0
    try:
        parsed = list(string.Formatter().parse(template))
    except ValueError:
        raise DataError(node) from None
    for text, field, spec, conversion in parsed:
        result.append(text)
        if field is None:
            continue
        position = count if field == "" else int(field) if field.isdigit() else -1
        count += field == ""
        value = node.args[position] if 0 <= position < len(node.args) else named.get(field)
        if value is None or isinstance(value, ast.Starred):
            raise DataError(node)
        if spec or conversion:
            raise DataError(value)
        result += read(value)
    return result


def _join(separator: Pieces, items: ast.expr, read: Callable[[ast.expr], Pieces], scope: Scope) -> Pieces:
    """Read `separator.join(items)`."""
    if isinstance(items, (ast.GeneratorExp, ast.ListComp, ast.SetComp)):
        return [*read(items.elt), *separator, *read(items.elt)]
    if isinstance(items, ast.Call) and items.args:
        name = scope.dotted(items.func)
        if name == "map" and scope.dotted(items.args[0]) in _QUOTING:
            return [None, *separator, None]
        if name in _LISTS:
            return _join(separator, items.args[0], read, scope)
    found = _items(items, scope)
    if found is None:
        raise DataError(items)
    result: Pieces = []
    for one in found:
        inner = _join(separator, one.value, read, scope) if isinstance(one, ast.Starred) else read(one)
        result += [*inner, *separator]
    return result


def _choice(node: ast.IfExp, read: Callable[[ast.expr], Pieces], _: Scope) -> Pieces:
    return [*read(node.body), *read(node.orelse)]


def _any_of(node: ast.BoolOp, read: Callable[[ast.expr], Pieces], _: Scope) -> Pieces:
    return [piece for one in node.values for piece in read(one)]


def _named(node: ast.NamedExpr, read: Callable[[ast.expr], Pieces], _: Scope) -> Pieces:
    return read(node.value)


_READERS: dict[type[ast.expr], Callable[..., Pieces]] = {
    ast.JoinedStr: _joined_string,
    ast.BinOp: _operation,
    ast.Call: _call,
    ast.IfExp: _choice,
    ast.BoolOp: _any_of,
    ast.NamedExpr: _named,
}


def is_in_quotes(found: Pieces) -> bool:
    """Whether a quoted value stands inside quotes, after a backslash or in a comment, where its own quotes do not hold.

    In a comment it is the line end of a value that ends it.
    """
    text = "".join(_QUOTED if piece is None else piece for piece in found)
    return any(_QUOTED in match[0] for match in _SPANS.finditer(text))
