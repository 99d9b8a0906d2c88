"""What is known of gates for a tree, as people and programs are shown it."""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from release.gates import receipts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from release.gates.receipts import Receipt
    from release.git.repository import Repository

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_FEW = 2  # of a unit are told in the next smaller one


class State(NamedTuple):
    """A gate, a tree, and the receipt that counts for both; None when there is none."""

    gate: str
    tree: str
    receipt: Receipt | None

    @property
    def expires(self) -> int | None:
        """From when on the receipt counts no longer, in UTC seconds; None for never, or without a receipt."""
        return None if self.receipt is None else self.receipt.expires

    @property
    def mark(self) -> str:
        """The same in a few words."""
        if self.receipt is None:
            return f"{self.gate} missing"
        return f"{self.gate} {'ok' if self.expires is None else remaining(self.expires)}"

    def facts(self) -> dict[str, Any]:
        """The same as plain data, for JSON."""
        return {
            "gate": self.gate,
            "tree": self.tree,
            "passed": self.receipt is not None,
            "expires": moment(self.expires),
        }


def of(repository: Repository, gates: Iterable[str], tree: str) -> tuple[State, ...]:
    """Return what is known of gates for a tree, each once, in the given order."""
    return tuple(State(gate, tree, receipts.find(repository, gate, tree)) for gate in dict.fromkeys(gates))


def remaining(expires: int) -> str:
    """Say how far away the end of a receipt is."""
    left = expires - time.time()
    for unit, name in ((_DAY, "days"), (_HOUR, "h")):
        if left >= _FEW * unit:
            return f"expires in {round(left / unit)} {name}"
    return f"expires in {max(1, round(left / _MINUTE))} min"


def moment(seconds: int | None) -> str | None:
    """Return UTC seconds as ISO 8601 has them; None for None."""
    if seconds is None:
        return None
    return dt.datetime.fromtimestamp(seconds, dt.timezone.utc).isoformat().replace("+00:00", "Z")
