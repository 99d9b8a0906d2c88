"""What is said of a gate: in a few words, and when its receipt ends."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from release.gates import receipts, state

RECEIPT = receipts.Receipt(
    gate="tests",
    tree="1" * 40,
    commit="2" * 40,
    sessions=(receipts.Session("tests", "success", 1.5),),
    evidence=("pytest",),
    tool="1.0",
    nox="2026.10.20",
    python="3.12.1",
    noxfile="a" * 64,
    lock="",
    started=0,
    ended=2,
)


@pytest.mark.parametrize(
    ("left", "says"),
    [
        (5 * 86_400 - 60, "expires in 5 days"),
        (86_400 - 60, "expires in 24 h"),
        (3 * 3600 + 60, "expires in 3 h"),
        (5400, "expires in 90 min"),
        (20, "expires in 1 min"),
        (-20, "expires in 1 min"),
    ],
)
def test_the_end_is_told_in_the_unit_that_people_would_use(left: int, says: str) -> None:
    receipt = replace(RECEIPT, expires=int(time.time()) + left)
    assert state.State(receipt.gate, receipt.tree, receipt).mark == f"{receipt.gate} {says}"


def test_without_an_end_it_is_ok_and_without_a_receipt_missing() -> None:
    assert state.State("tests", "1" * 40, RECEIPT).mark == "tests ok"
    absent = state.State("tests", "1" * 40, None)
    assert absent.mark == "tests missing"
    assert absent.facts() == {"gate": "tests", "tree": "1" * 40, "passed": False, "expires": None}


def test_moments_are_utc() -> None:
    assert (state.moment(0), state.moment(None)) == ("1970-01-01T00:00:00Z", None)
