"""What all tasks share: where they work, the lock, what they are told, and the exit code."""

from __future__ import annotations

import contextlib
import importlib
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from invoke.exceptions import Exit

from release import console
from release.errors import Exit as Code
from release.errors import ReleaseError, usage
from release.tasks.running import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from invoke.context import Context

    from release.git.repository import Repository


def word(text: str, known: tuple[str, ...], what: str) -> str:
    """Return a word that a task was given.

    Raises:
        ReleaseError: it is none of the known ones (exit 2).
    """
    if text not in known:
        raise usage(f"{text[:40]!a} is no {what}", f"known: {', '.join(filter(None, known))}")
    return text


def needs(given: object, flags: Mapping[str, bool], wanted: str) -> None:
    """Refuse flags that mean nothing without another.

    Raises:
        Exit: one of them was given without it (exit 2).
    """
    idle = [name for name, is_set in flags.items() if is_set]
    if idle and not given:
        console.say(f"error: {', '.join(idle)} needs {wanted}\n  add {wanted}, or tag HEAD: invoke tag")
        raise Exit(code=int(Code.USAGE))


def message(text: str, path: str) -> str:
    """Return the message that a task was given, as text or in a file.

    Raises:
        ReleaseError: both were given, or the file cannot be read or is empty (exit 2).
    """
    if not path:
        return text
    if text:
        raise usage("--message and --message-file were both given", "leave one out")
    try:
        found = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise usage(f"the message file cannot be read: {error}", "name a text file") from None
    if not found:
        raise usage(f"the message file {path} is empty", "write the message into it, or leave --message-file out")
    return found


def absolute(path: str) -> str:
    """Return a path as it holds wherever one stands; "" for none."""
    return str(Path(path).resolve()) if path else ""


def report(error: ReleaseError) -> None:
    """Say every problem, and what is said after all of them."""
    for problem in error.problems:
        console.say(f"error: {problem}")
    for line in error.closing:
        console.say(line)


@contextlib.contextmanager
def changing(
    context: Context, *, dry_run: bool, yes: bool = False, loads: Sequence[str] = (), receipts: str = ""
) -> Iterator[Run]:
    """Begin a task that changes something: find the repository, hold the lock, refuse while a journal exists.

    A task that looks at refs and remotes names the modules that it `loads`: this is done while git answers. `receipts`
    is the folder that it was told, which has to be there.
    """
    from release.git import journal  # noqa: PLC0415  # loaded by tasks that change something
    from release.tasks import rehearsing  # noqa: PLC0415  # as above

    with ending() as repository, contextlib.ExitStack() as stack:
        where = repository()
        lock = None if dry_run or context.config.run.dry else stack.enter_context(journal.locked(where))
        journal.refuse_if_in_progress(where)
        rehearsal, folder = rehearsing.of(context), _folder(receipts)
        run = Run(repository=where, lock=lock, yes=yes, receipts=folder, rehearsal=rehearsal)
        if loads:
            from release.git import world  # noqa: PLC0415  # the single steps need none of it

            run.begun.append(world.begin(where, remote=world.USUAL))
            stack.callback(lambda: [one.drop() for one in run.begun])
            for name in loads:
                importlib.import_module(name)
        yield run


def _folder(given: str) -> Path | None:
    """Return the folder of receipts that a task was told, None for none.

    Raises:
        ReleaseError: it cannot be read (exit 2).
    """
    if not given:
        return None
    from release.gates import exchange  # noqa: PLC0415  # only when there is one

    return exchange.source(given)


@contextlib.contextmanager
def ending() -> Iterator[Callable[[], Repository]]:
    """Turn whatever ends a task into one message and its exit code. Yields a function that finds the repository."""
    found: list[Repository] = []
    on_interrupt = signal.getsignal(signal.SIGINT)

    def locate() -> Repository:
        from release.git import repository  # noqa: PLC0415  # loaded by tasks that look at a repository

        found.append(repository.locate(Path.cwd()))
        return found[0]

    try:
        yield locate
    except ReleaseError as error:
        report(error)
        code = error.exit
        if code is Code.UNEXPECTED and _interrupted(found):
            code = Code.INTERRUPTED
        _leave(code, found)
    except KeyboardInterrupt:
        # CPython remembers an interrupt that came while it ran source text, as to make a dataclass, until it runs some
        # again: `python -m invoke` would end by the signal, whatever its exit status.
        exec("")  # noqa: S102
        console.say("interrupted")
        _leave(Code.INTERRUPTED if _interrupted(found) else Code.REFUSED, found)
    except OSError as error:
        console.say(f"error: {error}")
        _leave(Code.INTERRUPTED if _interrupted(found) else Code.UNEXPECTED, found)
    finally:
        if on_interrupt is not None and signal.getsignal(signal.SIGINT) is not on_interrupt:
            signal.signal(signal.SIGINT, on_interrupt)


def _interrupted(found: list[Repository]) -> bool:
    return bool(found) and (found[0].common / "release" / "journal.json").exists()


def _can_undo(where: Repository) -> bool:
    """Whether nothing has been pushed yet, as far as the journal knows."""
    from release.git import journal  # noqa: PLC0415  # a task that only looks has none

    with contextlib.suppress(ReleaseError):
        present = journal.read(where)
        return present is None or present.can_undo
    return False


def _leave(code: Code, found: list[Repository]) -> None:
    if code is Code.INTERRUPTED and _interrupted(found):
        console.say("next: invoke release.resume")
        if _can_undo(found[0]):
            console.say("undo: invoke release.abort")
    raise Exit(code=int(code))
