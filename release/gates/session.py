"""One gate: its nox session on a clean checkout, in a process group of its own, and the receipt if it passed."""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
import re
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from release import config as configuration
from release import process
from release.errors import ReleaseError
from release.gates import checkout, environment, parts, receipts, results, verdict
from release.git.database import ObjectReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from release.entry import Entry
    from release.gates.checkout import Checkout
    from release.gates.receipts import Receipt
    from release.gates.results import Result
    from release.git.repository import Repository

_WITNESS = Path(__file__).with_name("witness.py")
_LOCKS = re.compile(r"uv\.lock|pylock(?:\..*)?\.toml|requirements.*\.txt")


def run(repository: Repository, *, gate: str, commit: str, tree: str, say: Callable[[str], None]) -> Receipt:
    """Run a gate and return its receipt, which is stored; one that another run made meanwhile is as good.

    Raises:
        ReleaseError: as of `checkout.opened` and `verdict.judge`; the gate changed what it was to look at (exit 4); a
            file of ours cannot be written (exit 5).
    """
    say(f"gate {gate}: running")
    begun = time.monotonic()
    try:
        with checkout.opened(repository, gate=gate, commit=commit, tree=tree, say=say) as place:
            receipt = receipts.find(repository, gate, tree) or _passed(repository, place, commit, tree)
    except (ReleaseError, OSError) as error:
        say(f"gate {gate}: not passed ({time.monotonic() - begun:.1f} s)")
        if isinstance(error, OSError):
            raise checkout.blind(gate, f"{error.filename or 'a file'}: {error.strerror}") from None
        raise
    say(f"gate {gate}: passed ({time.monotonic() - begun:.1f} s)")
    return receipt


def refuse_unknown(
    repository: Repository, *, gates: Sequence[str], commit: str, tree: str, say: Callable[[str], None]
) -> None:
    """Refuse gates of which nox knows no session, before any of them runs.

    Raises:
        ReleaseError: as of `checkout.opened`, or no such session (exit 2).
    """
    named = [gate for gate in gates if not gate.startswith("-")]  # which nox takes for an option here
    try:
        with checkout.opened(repository, gate=gates[0], commit=commit, tree=tree, say=say) as place:
            ran = _nox(place, commit, "--list", "--session", *named)
            if ran.status:
                verdict.refuse_unknown(ran)
    except OSError as error:
        raise checkout.blind(gates[0], f"{error.filename or 'a file'}: {error.strerror}") from None


def _passed(repository: Repository, place: Checkout, commit: str, tree: str) -> Receipt:
    """Run nox, judge what it left, and store the receipt."""
    started = int(time.time())
    nox = importlib.metadata.version("nox")
    key = environment.fingerprint(place.files, nox, receipts.tool_version())
    environment.renew(place.folder, key)
    ran = _nox(place, commit, f"--session={place.gate}")
    environment.keep(place.folder, key, (command.argv for command in verdict.commands(ran)))
    judged = verdict.judge(ran)
    touched = checkout.changed(place)
    if touched:
        raise verdict.failed(ran, f"it changed what it was to look at: {parts.named(touched)}")
    with closing(ObjectReader(repository.top)) as reader:
        root = reader.tree(tree)
        receipt = receipts.Receipt(
            gate=place.gate,
            tree=tree,
            commit=commit,
            sessions=judged.sessions,
            evidence=judged.evidence,
            tool=receipts.tool_version(),
            nox=nox,
            python=platform.python_version(),
            noxfile=_digest(reader, [root["noxfile.py"].oid]),
            lock=_digest(reader, [root[name].oid for name in sorted(root) if _LOCKS.fullmatch(name)]),
            started=started,
            ended=int(time.time()),
            expires=_expiry(reader, root, judged.results, started),
        )
    receipts.write(repository, receipt)
    return receipt


def _expiry(reader: ObjectReader, root: Mapping[str, Entry], told: Iterable[Result], started: int) -> int | None:
    """Return when results count no longer, None for never: what advisory databases say ages, acceptances end."""
    ends = [end for one in told if (end := one.ends()) is not None]
    if any(one.advisory for one in told):
        data = reader.blob(root["pyproject.toml"].oid) if "pyproject.toml" in root else None
        hours = configuration.load(data, origin="pyproject.toml").advisory_hours
        ends.append(started + hours * 3600)
    return int(min(ends)) if ends else None


def _nox(place: Checkout, commit: str, *selection: str) -> verdict.Ran:
    """Run nox on what is selected to its end; on an exception, all that it started has ended."""
    ran = verdict.Ran(gate=place.gate, commit=commit, status=0, folder=place.folder)
    for old in (ran.report, ran.record, ran.log, ran.results):
        old.unlink(missing_ok=True)
    argv = [
        sys.executable,
        str(_WITNESS),
        str(ran.record),
        "--noxfile=noxfile.py",
        f"--report={ran.report}",
        f"--envdir={place.folder / 'envs'}",
        "--reuse-venv=yes",  # what is there was made for the same files; sessions may say that they want none of it
        "--error-on-missing-interpreters",
        "--no-color",
        *selection,
    ]
    with ran.log.open("wb") as log:
        group = process.start_group(
            argv,
            cwd=place.tree,
            env={**environment.variables(), results.VARIABLE: str(ran.results)},
            output=log.fileno(),
            keep=(place.lock,),
        )
        return ran._replace(status=group.wait())


def _digest(reader: ObjectReader, blobs: Iterable[str]) -> str:
    """Return the SHA-256 over the content of blobs, "" without any."""
    contents = [reader.blob(blob) for blob in blobs]
    digest = hashlib.sha256()
    for content in contents:
        if len(contents) > 1:
            digest.update(b"%d\0" % len(content))  # so that no two lists of files look the same
        digest.update(content)
    return digest.hexdigest() if contents else ""
