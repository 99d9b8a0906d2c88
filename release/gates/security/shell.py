"""Data that reaches a shell, which Bandit does not see in `c.run(f"git tag {name}")`: a check of the syntax tree.

RG101: `.run()`, `.sudo()`, `.local()` and `.prefix()` of an Invoke context or a Fabric connection, in files with tasks.
RG102: `shell=True` (and asyncio's create_subprocess_shell), in every Python file. RG103: a quoted value inside quotes.
A constant text is fine, and so is one whose values all went through `shlex.quote` or `shlex.join`, or are numbers.
"""

from __future__ import annotations

import ast
import warnings
from typing import TYPE_CHECKING, NamedTuple

from release.formats import globs
from release.gates.security import texts
from release.gates.security.findings import OWN, Finding, Seen, blind, counted, ordered, plain
from release.gates.security.scopes import VALUE, Scope, calls, is_context

if TYPE_CHECKING:
    from collections.abc import Iterator

    from release.config import Security
    from release.gates.security.tracked import Tree

RULES = {
    "RG101": "Data reaches the shell of a task",
    "RG102": "Data reaches a shell",
    "RG103": "A quoted value stands inside quotes",
}

_TASKS = ("tasks.py", "tasks/**/*.py")
_METHODS = frozenset({"run", "sudo", "local", "prefix"})
_FUNCTIONS = frozenset({"invoke.run", "invoke.sudo"})
_SHELLS = frozenset({"asyncio.create_subprocess_shell", "asyncio.subprocess.create_subprocess_shell"})
_COMMANDS = ("command", "args", "cmd")  # what the first argument is called where it is named
_LONGEST = 60  # characters of an expression in a message


class _Shelled(NamedTuple):
    """A call whose first argument a shell will read."""

    rule: str
    shown: str
    argument: ast.expr | None


def scan(tree: Tree, security: Security) -> Seen:
    """Check the tracked Python files that are not excluded.

    Raises:
        ReleaseError: a configured glob names no file with tasks (exit 5). Files that do not parse are in the result.
    """
    files = tree.python(security.exclude)
    for glob in security.tasks:
        if not any(globs.covers(glob, path) for path in files):
            raise blind(f"shell check: tasks = {glob!r} in [tool.release.security] names no Python file")
    tasks = {path for path in files if any(globs.covers(glob, path) for glob in (*_TASKS, *security.tasks))}
    findings: list[Finding] = []
    objections: list[str] = []
    for path in files:
        try:
            findings += check(tree.read(path), path, has_tasks=path in tasks)
        except (SyntaxError, ValueError) as error:
            line = f":{error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
            objections.append(plain(f"shell check: {path}{line} does not parse: {getattr(error, 'msg', error)}"))
        except RecursionError:
            objections.append(plain(f"shell check: {path} is nested too deeply"))
    looked = f"{counted(len(files), 'file')}, {len(tasks)} with tasks"
    return Seen(ordered(findings), tuple(objections), (), looked)


def check(source: bytes, path: str, *, has_tasks: bool) -> Iterator[Finding]:
    """Yield the findings of one file.

    Raises:
        SyntaxError, ValueError, RecursionError: it cannot be parsed.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the file's own literals
        tree = ast.parse(source)
    for node, scope in calls(tree):
        shelled = (_task_call(node, scope) if has_tasks else None) or _shell_call(node, scope)
        if shelled is not None:
            yield from _findings(shelled, node, scope, path)


def _task_call(node: ast.Call, scope: Scope) -> _Shelled | None:
    """Return what a call is if it is one by which tasks reach a shell."""
    function: ast.expr = node.func
    if isinstance(function, ast.Name):  # run = c.run
        found = scope.lookup(function.id)
        if found and len(found[1]) == 1 and found[1][0].kind == VALUE and found[1][0].node is not None:
            function = found[1][0].node
    is_method = isinstance(function, ast.Attribute) and function.attr in _METHODS and is_context(function.value, scope)
    if not is_method and scope.dotted(function) not in _FUNCTIONS:
        return None
    return _Shelled("RG101", _shown(node.func), _first(node))


def _shell_call(node: ast.Call, scope: Scope) -> _Shelled | None:
    """Return what a call is if it has `shell=True`, or as good as that."""
    given = next((keyword.value for keyword in node.keywords if keyword.arg == "shell"), None)
    is_shell = isinstance(given, ast.Constant) and bool(given.value) and not isinstance(given.value, str)
    if not is_shell and scope.dotted(node.func) not in _SHELLS:
        return None
    return _Shelled("RG102", _shown(node.func), _first(node))


def _first(node: ast.Call) -> ast.expr | None:
    """Return the argument that is the command; what is unpacked from elsewhere may be one."""
    if node.args:
        return node.args[0]
    named = next((keyword.value for keyword in node.keywords if keyword.arg in _COMMANDS), None)
    return named or next((keyword.value for keyword in node.keywords if keyword.arg is None), None)


def _findings(shelled: _Shelled, node: ast.Call, scope: Scope, path: str) -> Iterator[Finding]:
    if shelled.argument is None:
        return
    try:
        words = shelled.argument.elts if isinstance(shelled.argument, (ast.List, ast.Tuple)) else [shelled.argument]
        found = [piece for word in words for piece in texts.pieces(word, scope)]
    except texts.DataError as error:
        what = f"{shelled.shown}() hands {_shown(error.node)} to a shell"
        advice = "put shlex.quote() around each value, or run a list of words without a shell"
        yield _finding(shelled.rule, f"{what}: {advice}", path, node.lineno)
        return
    if texts.is_in_quotes(found):
        what = f"{shelled.shown}() has a quoted value inside quotes, which it ends"
        yield _finding("RG103", f"{what}: leave out the outer quotes", path, node.lineno)


def _finding(rule: str, text: str, path: str, line: int) -> Finding:
    return Finding(tool=OWN, rule=rule, text=plain(text), path=path, line=line)


def _shown(node: ast.AST) -> str:
    text = ast.unparse(node)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
