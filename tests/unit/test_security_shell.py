"""Data that reaches a shell: what our own check finds, and what it leaves alone."""

from __future__ import annotations

import textwrap

import pytest

from release.gates.security.shell import check

HEAD = "import shlex, subprocess, asyncio\nfrom shlex import quote as q\nfrom invoke import Context, task\n"


def rules(source: str, *, has_tasks: bool = True) -> list[str]:
    return [finding.rule for finding in check((HEAD + textwrap.dedent(source)).encode(), "a.py", has_tasks=has_tasks)]


def in_task(line: str, before: str = "") -> list[str]:
    return rules(f"{before}\n@task\ndef build(c, name, names, flag=False):\n    {line}\n")


@pytest.mark.parametrize(
    "line",
    [
        "c.run(f'git tag {name}')",
        "c.run('git tag %s' % name)",
        "c.run('git tag {}'.format(name))",
        "c.run('git tag {0} {x}'.format(q(name), x=name))",
        "c.run('git tag ' + name)",
        "c.run(' '.join(['git', name]))",
        "c.run(' '.join(names))",
        "c.run(' '.join(['git', *names]))",
        "for n in ('a', *ALL): c.run(n)",
        "c.run(' '.join(f'a{n}' for n in names))",
        "c.run(' '.join(map(str, names)))",
        "c.run(name)",
        "c.run(command=name)",
        "c.run(*names)",
        "c.run(**names)",
        "c.sudo(f'rm {name}')",
        "c.local(f'rm {name}')",
        "with c.prefix(f'source {name}'): pass",
        "cmd = f'a {name}'; c.run(cmd)",
        "cmd = 'a'; cmd += name; c.run(cmd)",
        "cmd = 'a' if flag else name; c.run(cmd)",
        "[c.run(f'a {n}') for n in names]",
        "for n in names: c.run(f'a {n}')",
        "for n in ('a', name): c.run(f'a {n}')",
        "a, b = names; c.run(a)",
        "run = c.run; run(f'a {name}')",
        "other = Context(); other.run(f'a {name}')",
        "Context().run(f'a {name}')",
        "self.c.run(f'a {name}')",
        "c.run(f'a {q(name)!r}')",
        "c.run(f'a {q(name):.3}')",
        "c.run(name or 'a')",
        "c.run('a %r' % q(name))",
        "c.run(__import__('x').y)",
        "words = ['a']; words.append(name); c.run(' '.join(words))",
        "c.run(undefined)",
        "import os; c.run(f'echo {os.environ[name]}')",
        "try: pass\n    except OSError as error: c.run(f'echo {error}')",
        "def inner(): c.run(f'a {name}')",
        "f = lambda x: c.run(f'a {x}')",
        "if (cmd := name): c.run(cmd)",
    ],
)
def test_data_is_found(line: str) -> None:
    assert in_task(line) == ["RG101"]


@pytest.mark.parametrize(
    "line",
    [
        "c.run('git tag v1')",
        "c.run('git ' 'tag')",
        "c.run(f'git tag')",
        "c.run(f'git tag {q(name)}')",
        "c.run(f'git tag {shlex.quote(name)!s}')",
        "c.run('git tag ' + shlex.quote(name))",
        "c.run('git tag %s %d%%' % (q(name), flag))",
        "c.run('git tag %(n)s' % {'n': q(name)})",
        "c.run('git tag {} {x}'.format(q(name), x=q(name)))",
        "c.run(shlex.join(['git', name]))",
        "c.run(' '.join(['git', q(name)]))",
        "c.run(' '.join(q(n) for n in names))",
        "c.run(' '.join(sorted(map(shlex.quote, names))))",
        "c.run(' '.join(['git', *map(shlex.quote, names)]))",
        "c.run(' '.join(['git', *ALL]))",
        "quoted = q(name); c.run(f'git tag {quoted}')",
        "c.run(COMMAND)",
        "c.run(f'{COMMAND} -v {LIMIT}')",
        "cmd = 'a'; cmd += ' -v'; c.run(cmd)",
        "cmd = 'a'; cmd = cmd + ' -v' if flag else cmd; c.run(cmd)",
        "c.run('a' if flag else 'b')",
        "c.run(f\"a {'-v' if flag else ''}\")",
        "for n in ('a', 'b'): c.run(f'make {n}')",
        "for n in ALL: c.run(f'make {n}')",
        "c.run(f'head -n {int(name)} {len(names):02d}')",
        "import textwrap; c.run(textwrap.dedent('a').strip())",
        "c.run('echo \"it\\'s\" ' + q(name))",
        "c.run('a', name)",
        "c.run('a', env={'A': name})",
        "c.run()",
        "name.run(f'a {names}')",
        "subprocess.run(['a', name])",
        "c.cd(name)",
    ],
)
def test_what_an_author_wrote_or_quoted_is_fine(line: str) -> None:
    assert in_task(line, "COMMAND = 'git status'\nLIMIT = 3\nALL = ('a', 'b')\n") == []


@pytest.mark.parametrize(
    "line",
    [
        "c.run(f\"echo '{q(name)}'\")",
        "c.run(f'echo \"{q(name)}\"')",
        "c.run('echo \\\\' + q(name))",
        "c.run('a # ' + q(name))",
        'cmd = "sh -c \'echo "; cmd += q(name); c.run(cmd + "\'")',
    ],
)
def test_quotes_around_quotes_end_them(line: str) -> None:
    assert in_task(line) == ["RG103"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def f(ctx, x): ctx.run(x)", ["RG101"]),
        ("def f(anything: Context, x): anything.run(x)", ["RG101"]),
        ("def f(anything: 'invoke.Context | None', x): anything.run(x)", ["RG101"]),
        ("def f(anything, x): anything.run(x)", []),
        ("from fabric import SerialGroup\nSerialGroup('a', 'b').run(x)", ["RG101"]),
        ("import invoke\ninvoke.run(x)", ["RG101"]),
        ("from invoke import run as r\ndef f(x): r(x)", ["RG101"]),
        ("import fabric\nwith fabric.Connection('h') as host:\n    host.run(x)", ["RG101"]),
        ("x = 'a'\ndef g():\n    global x\n    x = input()\ndef f(c): c.run(x)", ["RG101"]),
        ("def quote(x): return x\ndef f(c, x): c.run(quote(x))", ["RG101"]),
        ("class A:\n    x = 'a'\n    def f(self, c): c.run(self.x)", ["RG101"]),
        ("class A:\n    q = str\n    def f(self, c, x): c.run(q(x))", []),
        ("@task(pre=[x])\ndef f(anything, x): anything.run(x)", ["RG101"]),
        ("match x:\n    case {'a': 1, **y}: Context().run(y)", ["RG101"]),
    ],
)
def test_contexts_and_names_are_known(source: str, expected: list[str]) -> None:
    assert rules(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("subprocess.run(f'a {x}', shell=True)", ["RG102"]),
        ("subprocess.check_output(args='a' + x, shell=True)", ["RG102"]),
        ("anything(x, shell=1)", ["RG102"]),
        ("asyncio.create_subprocess_shell(x)", ["RG102"]),
        ("subprocess.run(['a', x], shell=True)", ["RG102"]),
        ("subprocess.run('a', shell=True)", []),
        ("subprocess.run(shlex.join(x), shell=True)", []),
        ("subprocess.run(x, shell=False)", []),
        ("subprocess.run(x, shell='bash')", []),
        ("def f(c, x): c.run(x)", []),
    ],
)
def test_a_shell_is_looked_for_in_every_file(source: str, expected: list[str]) -> None:
    assert rules(source, has_tasks=False) == expected


def test_the_message_says_what_and_where() -> None:
    (found,) = check(b"def f(c, tag):\n    c.run(\n        f'git tag {tag}')\n", "tasks.py", has_tasks=True)
    assert str(found) == (
        "tasks.py:2: RG101 c.run() hands tag to a shell: put shlex.quote() around each value, or run a list of words "
        "without a shell"
    )
