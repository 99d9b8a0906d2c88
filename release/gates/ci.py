"""What the session `gates` does: every gate on the tree of HEAD, as before a tag, and their receipts for elsewhere."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from release import config as configuration
from release.errors import usage
from release.gates import exchange, flags, signatures
from release.gates import run as gates
from release.git import repository as repositories
from release.git.database import ObjectReader
from release.shapes import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_FLAGS = {"--receipts": ("folder", "FOLDER"), "--key": ("key", "FILE")}
_TAKES = "--receipts FOLDER and, with it, --key FILE"


class Asked(NamedTuple):
    """What the session was called with: the folder for receipts, and the path of the key that signs them."""

    folder: str = ""
    key: str = ""


def read(words: Sequence[str]) -> Asked:
    """Read positional arguments.

    Raises:
        ReleaseError: one is unknown or has no value, or is a key (exit 2).
    """
    if any(map(signatures.is_key, words)):
        raise usage(
            "a private key stands among the arguments, where everybody on the machine can read it: make a new one",
            f"--key takes the path of a key, and the variable {signatures.KEY} the key itself",
        )
    given = flags.read("gates", words, _FLAGS, takes=_TAKES, show=shown)
    if "key" in given and "folder" not in given:
        raise usage("--key has nothing to sign", f"gates takes {_TAKES}")
    return Asked(**given)


def run(words: Sequence[str], *, name: str, say: Callable[[str], None]) -> None:
    """See that every gate but the session `name` itself has a receipt for HEAD's tree, and export them if asked to.

    The working tree is not looked at, but every submodule has to be there: others could not tell what was not. A key is
    taken out of the environment before anything is started, and tried before gates take their time.

    Raises:
        ReleaseError: as of `gates.run`, `exchange.target` and `exchange.export`; there is no repository or no commit
            (exit 2).
    """
    asked = read(words)
    key = signatures.take_key(asked.key)
    repository = repositories.locate(Path.cwd())
    with contextlib.closing(ObjectReader(repository.top)) as objects:
        head = objects.resolve("HEAD")
        if head is None:
            raise usage("the repository has no commit yet", "make the first commit")
        tree = objects.commit(head).tree
        config = configuration.load(objects.plain_file(head, "pyproject.toml"), origin="pyproject.toml at HEAD")
    wanted = tuple(gate for gate in config.gates if gate != name)
    if not wanted:
        say("no gates configured")
        return
    folder = exchange.target(asked.folder, key) if asked.folder else None
    gates.run(repository, commit=head, tree=tree, gates=wanted, say=say, whole=True)
    if folder is not None:
        exchange.export(repository, tree=tree, gates=wanted, folder=folder, key=key, say=say)
