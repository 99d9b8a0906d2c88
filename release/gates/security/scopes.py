"""Which names of a Python file stand for what: as much of Python's scopes as the shell check needs.

A name may be bound many times; all of its bindings count, wherever they stand, as order is not followed.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

VALUE = "value"  # the value of `node`
ITEM = "item"  # any item of `node`, which a loop goes through
IMPORT = "import"  # what `origin` names, such as "shlex.quote"
CONTEXT = "context"  # a parameter that is a context of Invoke or Fabric
DATA = "data"  # anything

_CONTEXTS = frozenset({"c", "cx", "ctx", "context", "conn", "connection"})
_CONTEXT_TYPES = frozenset({"Context", "Connection", "Group", "SerialGroup", "ThreadingGroup"})
_DEEPEST = 8  # names of names of names
_DECORATORS = frozenset({"task"})


class Binding(NamedTuple):
    """One way in which a name gets its meaning."""

    kind: str
    node: ast.expr | None = None
    origin: str = ""


class Scope:
    """The names of a module, a class or a function, and the scope around it."""

    def __init__(self, outer: Scope | None, *, is_class: bool = False) -> None:
        self.outer = outer
        self.is_class = is_class
        self.bindings: dict[str, list[Binding]] = {}
        self.elsewhere: dict[str, Scope] = {}  # names declared global or nonlocal, and where they belong

    def bind(self, name: str, binding: Binding) -> None:
        """Note a binding, in the scope that the name belongs to."""
        self.elsewhere.get(name, self).bindings.setdefault(name, []).append(binding)

    def lookup(self, name: str) -> tuple[Scope, list[Binding]] | None:
        """Return the scope that a name is found in, and its bindings; None for a builtin, or nothing at all."""
        scope: Scope | None = self.elsewhere.get(name, self)
        is_first = True
        while scope is not None:
            if name in scope.bindings and (is_first or not scope.is_class):
                return scope, scope.bindings[name]
            scope, is_first = scope.outer, False
        return None

    def module(self) -> Scope:
        """Return the outermost scope."""
        scope = self
        while scope.outer is not None:
            scope = scope.outer
        return scope

    def dotted(self, node: ast.expr) -> str:
        """Return what an expression names, by its origin: `q` is "shlex.quote" after such an import; "" for others."""
        if isinstance(node, ast.Attribute):
            before = self.dotted(node.value)
            return f"{before}.{node.attr}" if before else ""
        if not isinstance(node, ast.Name):
            return ""
        found = self.lookup(node.id)
        if found is None:
            return node.id
        origins = {binding.origin for binding in found[1]}
        return origins.pop() if len(origins) == 1 else ""


def calls(tree: ast.Module) -> Iterator[tuple[ast.Call, Scope]]:
    """Yield every call of a module, with the scope that its names are looked up in, when all scopes are known."""
    reader = _Reader()
    reader.visit(tree)
    yield from reader.calls


class _Reader(ast.NodeVisitor):
    """Notes bindings and calls."""

    def __init__(self) -> None:
        self.scope = Scope(None)
        self.calls: list[tuple[ast.Call, Scope]] = []

    def visit_Call(self, node: ast.Call) -> None:
        self.calls.append((node, self.scope))
        self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            name = alias.asname or alias.name.partition(".")[0]
            self.scope.bind(name, Binding(IMPORT, origin=alias.name if alias.asname else name))

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            before = "." * node.level + (node.module or "")
            self.scope.bind(alias.asname or alias.name, Binding(IMPORT, origin=f"{before}.{alias.name}"))

    def visit_Global(self, node: ast.Global) -> None:
        for name in node.names:
            self.scope.elsewhere[name] = self.scope.module()

    def visit_Nonlocal(self, node: ast.Nonlocal) -> None:
        for name in node.names:
            found = self.scope.outer.lookup(name) if self.scope.outer else None
            if found:
                self.scope.elsewhere[name] = found[0]

    def visit_Assign(self, node: ast.Assign) -> None:
        for target in node.targets:
            self._bind(target, Binding(VALUE, node.value))
        self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self._bind(node.target, Binding(VALUE, node.value))
        self.generic_visit(node)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self._bind(node.target, Binding(VALUE, node.value))
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        is_plus = isinstance(node.op, ast.Add)
        self._bind(node.target, Binding(VALUE, node.value) if is_plus else Binding(DATA))
        self.generic_visit(node)

    def visit_For(self, node: ast.For | ast.AsyncFor | ast.comprehension) -> None:
        self._bind(node.target, Binding(ITEM, node.iter))
        self.generic_visit(node)

    def visit_AsyncFor(self, node: ast.AsyncFor) -> None:
        self.visit_For(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        self.visit_For(node)

    def visit_withitem(self, node: ast.withitem) -> None:
        if node.optional_vars is not None:
            self._bind(node.optional_vars, Binding(VALUE, node.context_expr))
        self.generic_visit(node)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name:
            self.scope.bind(node.name, Binding(DATA))
        self.generic_visit(node)

    def visit_MatchAs(self, node: ast.MatchAs | ast.MatchStar) -> None:
        if node.name:
            self.scope.bind(node.name, Binding(DATA))
        self.generic_visit(node)

    def visit_MatchStar(self, node: ast.MatchStar) -> None:
        self.visit_MatchAs(node)

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        if node.rest:
            self.scope.bind(node.rest, Binding(DATA))
        self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.scope.bind(node.name, Binding(DATA))
        for one in (*node.decorator_list, *node.bases, *node.keywords):
            self.visit(one)
        self._inside(Scope(self.scope, is_class=True), node.body)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.scope.bind(node.name, Binding(DATA))
        for one in node.decorator_list:
            self.visit(one)
        self._function(node.args, node.body, is_task=any(map(self._is_task, node.decorator_list)))

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.visit_FunctionDef(node)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._function(node.args, [node.body], is_task=False)

    def _function(self, arguments: ast.arguments, body: list[ast.stmt] | list[ast.expr], *, is_task: bool) -> None:
        for default in (*arguments.defaults, *filter(None, arguments.kw_defaults)):
            self.visit(default)
        inner = Scope(self.scope)
        named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        for at, one in enumerate(named):
            is_context = one.arg in _CONTEXTS or (is_task and at == 0) or _is_context_type(one.annotation)
            inner.bind(one.arg, Binding(CONTEXT if is_context else DATA))
        for rest in (arguments.vararg, arguments.kwarg):
            if rest is not None:
                inner.bind(rest.arg, Binding(DATA))
        self._inside(inner, body)

    def _inside(self, scope: Scope, body: list[ast.stmt] | list[ast.expr]) -> None:
        around, self.scope = self.scope, scope
        for one in body:
            self.visit(one)
        self.scope = around

    def _is_task(self, decorator: ast.expr) -> bool:
        function = decorator.func if isinstance(decorator, ast.Call) else decorator
        return self.scope.dotted(function).rpartition(".")[2] in _DECORATORS

    def _bind(self, target: ast.expr, binding: Binding) -> None:
        """Bind the names of a target; what is unpacked, or stands in a list, may be anything."""
        if isinstance(target, ast.Name):
            self.scope.bind(target.id, binding)
        elif isinstance(target, ast.Starred):
            self._bind(target.value, Binding(DATA))
        elif isinstance(target, (ast.Tuple, ast.List)):
            for one in target.elts:
                self._bind(one, Binding(DATA))


def _is_context_type(annotation: ast.expr | None) -> bool:
    """Whether an annotation, also one in quotes, speaks of a context."""
    if annotation is None:
        return False
    words: set[str] = set()
    for node in ast.walk(annotation):
        if isinstance(node, ast.Name):
            words.add(node.id)
        elif isinstance(node, ast.Attribute):
            words.add(node.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            words |= {word.rpartition(".")[2].strip() for word in node.value.replace("[", "|").split("|")}
    return not words.isdisjoint(_CONTEXT_TYPES)


def is_context(node: ast.expr, scope: Scope, depth: int = 0) -> bool:
    """Whether an expression is a context of Invoke or a connection of Fabric, as far as names tell."""
    if isinstance(node, ast.Attribute):
        return node.attr in _CONTEXTS
    if isinstance(node, ast.Call):
        return scope.dotted(node.func).rpartition(".")[2] in _CONTEXT_TYPES
    if not isinstance(node, ast.Name) or depth > _DEEPEST:
        return False
    found = scope.lookup(node.id)
    if found is None:
        return False
    inside, bindings = found
    return node.id in _CONTEXTS or any(
        binding.kind == CONTEXT
        or (binding.kind == VALUE and binding.node is not None and is_context(binding.node, inside, depth + 1))
        for binding in bindings
    )
