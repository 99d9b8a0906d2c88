"""Receipts on their way from one machine to another: a folder with their bytes and, beside each, a signature.

Two files for a gate, `NAME.TREE.json` and `NAME.TREE.json.sig`, as `ssh-keygen -Y sign` leaves them. What is read here
was made elsewhere, by nobody knows whom, until its signature says so.

A receipt that is signed by somebody who counts is bound to the tree by its id, as those made here are, and to nothing
else: not to a commit or a repository. The id stands for every byte that the gate saw (its noxfile, locks, settings and
submodules among them), so in another repository, or on another branch, the same id is the same question with the same
answer. What was built of the tree it names by hashes: where others were built it does not count. A shallow clone, which
is what a CI has, could not even name a first commit to be bound to.
"""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from release.errors import ReleaseError, refusal, usage
from release.formats import inert
from release.gates import digests, parts, receipts, settings, signatures
from release.git import journal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from release.gates.receipts import Receipt
    from release.gates.signatures import Key, Trust
    from release.git.database import ObjectReader
    from release.git.repository import Repository

_RECEIPT, _SIGNATURE = ".json", ".sig"
_LARGEST = 1 << 20  # bytes of a receipt or a signature; theirs are some kilobytes
_MOST = 200  # files that are looked at
_DOWNLOAD = "gh run download -n receipts -D FOLDER brings them here"
_RUN = "run it here: remove that receipt, or begin with a new clone"


class Offer(NamedTuple):
    """What a folder has for a tree: receipts that count, and a line for whatever does not, with the reason."""

    accepted: tuple[Receipt, ...] = ()
    ignored: tuple[str, ...] = ()

    @property
    def gates(self) -> tuple[str, ...]:
        """The gates that need not be run."""
        return tuple(receipt.gate for receipt in self.accepted)

    def lines(self) -> Iterator[str]:
        """Say what counts and what does not."""
        for receipt in self.accepted:
            yield f"gate {receipt.gate}: the receipt signed by {receipt.signer} counts"
        yield from self.ignored


def source(given: str) -> Path:
    """Return the folder that receipts are to be taken from.

    Raises:
        ReleaseError: there is no such folder, or it cannot be read (exit 2).
    """
    folder = Path(given).resolve()
    try:
        os.scandir(folder).close()
    except OSError as error:
        raise usage(f"the folder of receipts {given} cannot be read: {error.strerror}", _DOWNLOAD) from None
    return folder


def target(given: str, key: Key | None) -> Path:
    """Return the folder that receipts are to be written to, made if need be, once it is sure that the key signs.

    Raises:
        ReleaseError: as of `Key.sign`, or the folder cannot be made (exit 2).
    """
    folder = Path(given).resolve()
    if key is not None:
        key.sign(b"")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise usage(f"the folder {given} cannot be made: {error.strerror}", "name another folder") from None
    return folder


def export(
    repository: Repository,
    *,
    tree: str,
    gates: Sequence[str],
    folder: Path,
    key: Key | None,
    say: Callable[[str], None],
) -> None:
    """Write the receipts that these gates have for a tree, all of them or none; without a key they are not signed.

    Raises:
        ReleaseError: as of `Key.sign`; one is missing, was made without a submodule, or was itself taken from elsewhere
            (exit 3); a file cannot be written (exit 2).
    """
    waiting: list[tuple[Path, bytes, bytes]] = []
    for gate in gates:
        data = receipts.stored(repository, gate, tree)
        receipt = receipts.judged(data, gate, tree)
        if receipt is None:
            raise refusal(f"gate {gate} has no receipt for the tree {tree}", "run it again: nox -s gates")
        if receipt.absent:
            raise refusal(f"gate {gate} was run without {parts.named(receipt.absent)}", parts.FETCH_SUBMODULES)
        if receipt.signer:
            raise refusal(f"gate {gate} was not run here: its receipt was taken from {receipt.signer}", _RUN)
        place = folder / f"{receipts.folder_name(gate)}.{tree}{_RECEIPT}"
        waiting.append((place, data, b"" if key is None else key.sign(data)))
    try:
        for place, data, signature in waiting:
            beside = _beside(place)
            beside.unlink(missing_ok=True)  # so that none is ever seen beside another receipt
            journal.replace_file(place, data, 0o644, ours=True)
            if signature:
                journal.replace_file(beside, signature, 0o644, ours=True)
    except OSError as error:
        raise usage(f"{error.filename} cannot be written: {error.strerror}", "name another folder") from None
    say(f"receipts of {', '.join(gates)}{', signed' if key is not None else ''}: {folder}")
    if key is None:
        say(f"they are not signed, and count nowhere else: {signatures.KEY} and {signatures.KEY_FILE} are not set")


def offered(repository: Repository, objects: ObjectReader, *, folder: Path, tree: str, gates: Sequence[str]) -> Offer:
    """Return what a folder has for gates that have no receipt for `tree` here; nothing is stored.

    Whose signatures count, the commit that is released says by `receipt_signers`, out of those whom git trusts here.
    """
    waiting = receipts.missing(repository, gates, tree)
    if not waiting:
        return Offer()
    try:
        names = sorted(entry.name for entry in os.scandir(folder))
    except OSError as error:
        return Offer(ignored=(_ignored(str(folder), f"it cannot be read: {error.strerror}"),))
    wanted = [name for name in names if name.endswith(_RECEIPT)]
    strangers = len(set(names) - set(wanted) - {f"{name}{_SIGNATURE}" for name in wanted})
    if not wanted:
        return Offer(ignored=(_ignored(str(folder), f"no receipt is in it ({_DOWNLOAD})"),))
    signers = settings.of(objects, tree).receipt_signers
    try:
        trusted = signatures.trust(repository, signers)
    except ReleaseError as error:
        problem = error.problems[0]
        return Offer(ignored=(_ignored(f"all receipts in {folder}", problem.what), f"  {problem.hint}"))
    accepted: dict[str, Receipt] = {}
    ignored: list[str] = []
    for name in wanted[:_MOST]:
        try:
            receipt = _read(folder / name, trusted, tree, gates)
            _compare(repository, objects, receipt)
            accepted.setdefault(receipt.gate, receipt)
        except ReleaseError as error:
            ignored.append(_ignored(name, error.problems[0].what))
    if len(wanted) > _MOST:
        ignored.append(_ignored(f"{len(wanted) - _MOST} more in {folder}", f"no more than {_MOST} are looked at"))
    if strangers:
        ignored.append(_ignored(f"{strangers} more in {folder}", "no receipts, by their names"))
    return Offer(tuple(accepted[gate] for gate in waiting if gate in accepted), tuple(ignored))


def accept(repository: Repository, offer: Offer) -> None:
    """Store what counts, as if the gates had been run here."""
    for receipt in offer.accepted:
        receipts.write(repository, receipt)


def _read(place: Path, trusted: Trust, tree: str, gates: Sequence[str]) -> Receipt:
    """Return a receipt that counts for the tree, with who signed it.

    Raises:
        ReleaseError: it does not, and why (exit 3).
    """
    try:
        data = _content(place)
        receipt = receipts.parse(data)
    except ValueError as error:
        raise refusal(str(error)) from None
    if receipt.tree != tree:
        raise refusal(f"it is of the tree {receipt.tree[:10]}, and {tree[:10]} is to be tagged")
    if receipt.gate not in gates:
        raise refusal(f"{receipt.gate} is none of gates in [tool.release]")
    beside = _beside(place)
    if not os.path.lexists(beside):
        raise refusal(f"it is not signed (there is no {beside.name})")
    try:
        signature = _content(beside)
    except ValueError as error:
        raise refusal(f"its signature {beside.name} cannot be read: {error}") from None
    signer = signatures.signer(trusted, data, signature)
    why = receipts.objection(receipt)
    if receipt.signer:
        why = f"its signer has not run the gate, but taken it from {receipt.signer}"
    if receipt.absent:
        why = f"its gate was run without submodules: {parts.named(receipt.absent)}"
    if why:
        raise refusal(why)
    return replace(receipt, signer=signer)


def _compare(repository: Repository, objects: ObjectReader, receipt: Receipt) -> None:
    """Refuse a receipt that was made with another noxfile or other locks than its tree has, or of other distributions.

    Raises:
        ReleaseError: it was (exit 3).
    """
    if digests.of(objects, objects.tree(receipt.tree)) != (receipt.noxfile, receipt.lock):
        raise refusal("it was made with another noxfile.py or other lock files than its tree has")
    if receipts.is_of_others(repository, receipt):
        raise refusal("it is of other distributions than those that were built of its tree here")


def _content(place: Path) -> bytes:
    """Return the bytes of a plain file of a usual size; of a link, a pipe or a device nothing is read.

    Raises:
        ValueError: it is none, or cannot be read.
    """
    try:
        descriptor = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise ValueError("it is a link" if place.is_symlink() else str(error.strerror)) from None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("it is no file")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            data = file.read(_LARGEST + 1)
    finally:
        os.close(descriptor)
    if len(data) > _LARGEST:
        raise ValueError(f"it is larger than {_LARGEST} bytes")
    return data


def _beside(place: Path) -> Path:
    return place.with_name(f"{place.name}{_SIGNATURE}")


def _ignored(what: str, why: str) -> str:
    """Say it in one line, whatever a file is called."""
    return inert.reason(f"ignored: {what}: {why}").replace("\n", " ")
