"""How git is called: argv, a scrubbed environment, pinned settings, no prompt, no editor."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from release import process
from release.errors import Exit, Problem, ReleaseError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

# What a user may set for git and we pass on; every other GIT_* (a hook's GIT_DIR, an editor) stays outside.
_PASSED = frozenset(
    {
        "GIT_ASKPASS",
        "GIT_AUTHOR_DATE",
        "GIT_AUTHOR_EMAIL",
        "GIT_AUTHOR_NAME",
        "GIT_COMMITTER_DATE",
        "GIT_COMMITTER_EMAIL",
        "GIT_COMMITTER_NAME",
        "GIT_CONFIG_GLOBAL",
        "GIT_CONFIG_NOSYSTEM",
        "GIT_CONFIG_SYSTEM",
        "GIT_EXEC_PATH",
        "GIT_PROXY_COMMAND",
        "GIT_SSH",
        "GIT_SSH_COMMAND",
        "GIT_SSH_VARIANT",
        "GIT_SSL_CAINFO",
        "GIT_SSL_CAPATH",
        "GIT_SSL_CERT",
        "GIT_SSL_KEY",
        "GIT_SSL_NO_VERIFY",
        "GIT_TEMPLATE_DIR",
        "GIT_TRACE2",
        "GIT_TRACE2_EVENT",
        "GIT_TRACE2_PERF",
    }
)
# GIT_CONFIG_COUNT and its KEY_n, VALUE_n are how CI hands over credentials.
_PASSED_PREFIX = ("GIT_CONFIG_COUNT", "GIT_CONFIG_KEY_", "GIT_CONFIG_VALUE_")

# Our own private keys, and where they are: no hook, helper or remote of git has to do with them.
_KEYS = ("RELEASE_PROVENANCE_KEY", "RELEASE_RECEIPT_KEY")

_PINNED = (
    "-c",
    "core.fsmonitor=false",  # starts a daemon that would outlive us
    "-c",
    "core.quotePath=true",
    "-c",
    "gc.auto=0",  # no collection while our objects have no ref
    "-c",
    "maintenance.auto=false",
)
# Only for calls that write: durable before the call returns, in the order in which we make them.
_DURABLE = (
    "-c",
    "core.fsync=loose-object,pack,pack-metadata,index,reference",
    "-c",
    "core.fsyncMethod=batch",  # one flush for many loose objects
)

NETWORK_SECONDS = 120.0  # an answer to ls-remote; longer is reported, never waited for
TRANSFER_SECONDS = 1800.0  # a fetch or a push, pre-push hooks included


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of every git call: ours less unknown GIT_* and our keys, C locale, nothing that asks."""
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("GIT_", *_KEYS)) or name in _PASSED or name.startswith(_PASSED_PREFIX)
    }
    env.update(
        LC_ALL="C",
        GIT_OPTIONAL_LOCKS="0",
        GIT_NO_REPLACE_OBJECTS="1",
        GIT_TERMINAL_PROMPT="0",
        GIT_EDITOR="false",
        GIT_SEQUENCE_EDITOR="false",
        GIT_MERGE_AUTOEDIT="no",
        GIT_PAGER="cat",
    )
    # OpenSSH asks on /dev/tty unless it is told to use a program for it; `false` answers that there is no password.
    env.setdefault("SSH_ASKPASS", "false")
    env.setdefault("SSH_ASKPASS_REQUIRE", "force")
    env.update(more or {})
    return env


def handed_over(settings: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return what adds these git settings to an environment, after those that it hands over already.

    Unlike `-c` it stands in no argv, which everybody on the machine can read.
    """
    first = int(os.environ.get("GIT_CONFIG_COUNT") or 0)
    env = {"GIT_CONFIG_COUNT": str(first + len(settings))}
    for number, (key, value) in enumerate(settings, first):
        env |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return env


def argv(arguments: Sequence[str], *, durable: bool = False) -> list[str]:
    """Return the whole argv of a git call with its pinned settings."""
    return ["git", *_PINNED, *(_DURABLE if durable else ()), *arguments]


def start(
    arguments: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    durable: bool = False,
    keep: Sequence[int] = (),
    own_group: bool = False,
    own_session: bool = False,
) -> process.Process:
    """Start a git call; `keep`, `own_group` and `own_session` are those of `process.start`.

    Raises:
        ReleaseError: there is no git program (exit 2).
    """
    try:
        return process.start(
            argv(arguments, durable=durable),
            cwd=cwd,
            env=environment(env),
            keep=keep,
            own_group=own_group,
            own_session=own_session,
        )
    except FileNotFoundError as error:
        if error.filename != "git":
            raise
        raise ReleaseError(
            [Problem(what="git is not installed", hint="install git 2.39 or newer", exit=Exit.USAGE)]
        ) from None


def run(
    arguments: Sequence[str],
    *,
    cwd: Path,
    data: bytes = b"",
    env: Mapping[str, str] | None = None,
    accept: Collection[int] = (0,),
) -> process.Result:
    """Run a reading git call; a status outside `accept` is an error."""
    return checked(start(arguments, cwd=cwd, env=env).finish(data), accept)


def write(
    arguments: Sequence[str],
    *,
    cwd: Path,
    lock: int | None,
    data: bytes = b"",
    env: Mapping[str, str] | None = None,
    accept: Collection[int] = (0,),
) -> process.Result:
    """Run a writing git call: durable, out of Ctrl-C's reach, holding our lock (a descriptor) until it has ended."""
    keep = () if lock is None else (lock,)
    with process.uninterrupted():
        ended = start(arguments, cwd=cwd, env=env, durable=True, keep=keep, own_group=True).finish(data)
    return checked(ended, accept)


def checked(result: process.Result, accept: Collection[int] = (0,)) -> process.Result:
    """Return `result` if its status is accepted.

    Raises:
        ReleaseError: it is not; git's own words say why (exit 1: nobody foresaw it).
    """
    if result.status in accept:
        return result
    words = [word for word in result.argv[1:] if word not in (*_PINNED, *_DURABLE)]
    raise ReleaseError(
        [
            Problem(
                what=f"git {words[0]} failed with status {result.status}: {result.complaint or 'no message'}",
                hint="",
                exit=Exit.UNEXPECTED,
            )
        ]
    )
