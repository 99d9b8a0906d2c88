"""Accepted findings: what a file may hold, what it accepts, and until when."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from release.errors import Exit, ReleaseError
from release.gates.security.accepted import Entry, judge, last_day, read, unaudited
from release.gates.security.findings import BANDIT, PIP_AUDIT, Finding

TODAY = dt.date(2026, 6, 1)
PATH = "security.toml"


def entry(**more: object) -> Entry:
    return Entry(**{"place": "entry", "reason": "x", "until": TODAY, **more})  # type: ignore[arg-type]  # keys vary


def bandit(path: str = "a.py", rule: str = "B602", line: int = 1) -> Finding:
    return Finding(tool=BANDIT, rule=rule, text="x", path=path, line=line)


def advisory(rule: str = "PYSEC-1", package: str = "jinja2", aliases: tuple[str, ...] = ("CVE-1",)) -> Finding:
    return Finding(tool=PIP_AUDIT, rule=rule, text="x", package=package, version="1", aliases=aliases)


def test_a_file_is_read() -> None:
    text = """
[[accepted]]
advisory = "CVE-1"
package = "Jinja2"
reason = "x"
until = 2026-12-31
[[accepted]]
test = "B602"
path = "a.py"
reason = "x"
until = 2026-12-31
[[accepted]]
test = "RG101"
path = "a.py"
count = 2
reason = "x"
until = 2026-12-31
[[accepted]]
unaudited = "local"
reason = "x"
until = 2026-12-31
"""
    entries = read(text.encode(), PATH)
    assert [(one.what, one.most) for one in entries[:3]] == [
        ("CVE-1 of Jinja2", 1),
        ("B602 in a.py", 1),
        ("RG101 in a.py", 2),
    ]
    assert entries[3].what == "local, not audited"
    assert entries[3].place == "security.toml: entry 4"


GOOD = '[[accepted]]\ntest = "B1"\npath = "a"\nreason = "x"\nuntil = 2026-01-01\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x =", "security.toml is not TOML"),
        ("ignore = []", "security.toml: ignore is unknown, known is [[accepted]]"),
        ("accepted = 3", "security.toml: accepted is not a list of tables"),
        (GOOD.replace('reason = "x"\n', ""), "entry 1 has no reason"),
        (GOOD.replace('"x"', '" "'), "entry 1 has an empty reason"),
        (GOOD.replace("until = 2026-01-01", ""), "entry 1 has no until"),
        (GOOD.replace("2026-01-01", '"2026-01-01"'), "entry 1 has until = '2026-01-01', which is no date such as"),
        (GOOD.replace("2026-01-01", "2026-01-01T00:00:00"), "entry 1 has until = datetime.datetime(2026, 1, 1"),
        (GOOD + "count = 0", "entry 1 has count = 0, which is no number from 1"),
        (GOOD + "count = true", "entry 1 has count = True"),
        (GOOD + "untill = 3", "entry 1 has an unknown key untill: did you mean 'until'?"),
        (GOOD + 'package = "x"', "entry 1 has an unknown key package"),
        (GOOD.replace('path = "a"\n', ""), "entry 1 has no path"),
        (GOOD.replace('"a"', "3"), "entry 1 has a path that is no text"),
        (GOOD + GOOD, "entry 2 accepts B1 in a again: keep one entry"),
        (GOOD + 'advisory = "x"', "entry 1 names not exactly one of advisory, test and unaudited"),
    ],
)
def test_what_is_wrong_is_named(text: str, says: str) -> None:
    with pytest.raises(ReleaseError) as caught:
        read(text.encode(), PATH)
    assert caught.value.exit == Exit.NOT_AUDITED
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("one", "finding", "fits"),
    [
        (entry(advisory="PYSEC-1", package="jinja2"), advisory(), True),
        (entry(advisory="cve-1", package="Jinja_2"), advisory(package="jinja-2"), True),
        (entry(advisory="CVE-2", package="jinja2"), advisory(), False),
        (entry(advisory="CVE-1", package="other"), advisory(), False),
        (entry(test="B602", path="a.py", most=1), bandit(), True),
        (entry(test="B602", path="b.py", most=1), bandit(), False),
        (entry(test="B603", path="a.py", most=1), bandit(), False),
        (entry(unaudited="jinja2"), advisory(), False),
    ],
)
def test_an_entry_accepts_what_it_names(one: Entry, finding: Finding, fits: bool) -> None:
    judged = judge([one], [finding], TODAY)
    assert (judged.accepted == (finding,)) is fits
    assert (judged.open == (finding,)) is not fits
    assert (judged.used == (one,)) is fits


def test_an_entry_ends_with_its_last_day() -> None:
    one = entry(test="B602", path="a.py", most=1, until=TODAY - dt.timedelta(days=1))
    judged = judge([one], [bandit()], TODAY)
    assert judged.open == (bandit(),)
    assert judged.expired == ("entry (B602 in a.py) has expired on 2026-05-31",)
    assert judge([one], [], TODAY).expired == judged.expired


def test_what_is_too_much_is_said() -> None:
    entries = [entry(test="B602", path="a.py", most=3), entry(advisory="CVE-9", package="x")]
    assert judge(entries, [bandit()], TODAY).notes == (
        "entry (B602 in a.py) accepts 3, found 1: lower its count",
        "entry (CVE-9 of x) matches nothing: remove it",
    )


def test_packages_of_no_index_are_not_looked_at_unless_that_is_accepted() -> None:
    entries = [entry(unaudited="My.Tool"), entry(unaudited="gone")]
    found = unaudited(entries, [("my-tool", "comes from git"), ("other", "comes from path")], TODAY)
    assert found.blind == ("other cannot be audited: it comes from path",)
    assert found.notes[0] == "my-tool is not audited, which is accepted: x"
    assert found.notes[1] == "entry (gone, not audited) matches nothing: remove it"
    assert found.used == (entries[0],)
    assert last_day(found.used) == "2026-06-01"
    assert unaudited(entries, [("my-tool", "x")], TODAY + dt.timedelta(days=1)).used == ()


FINDINGS = st.lists(
    st.builds(bandit, st.sampled_from("ab"), st.sampled_from(["B1", "B2"]), st.integers(1, 9)), max_size=8
)
ENTRIES = st.lists(
    st.builds(
        lambda path, test, most, days: entry(test=test, path=path, most=most, until=TODAY + dt.timedelta(days=days)),
        st.sampled_from("ab"),
        st.sampled_from(["B1", "B2"]),
        st.integers(1, 4),
        st.integers(-1, 1),
    ),
    unique_by=lambda one: (one.path, one.test),
)


@given(FINDINGS, ENTRIES)
def test_no_more_is_accepted_than_is_written(findings: list[Finding], entries: list[Entry]) -> None:
    judged = judge(entries, findings, TODAY)
    assert len(judged.open) + len(judged.accepted) == len(findings)
    for finding in judged.accepted:
        (one,) = [one for one in entries if one.fits(finding)]
        assert one.until >= TODAY
        assert [(other.path, other.rule) for other in findings].count((finding.path, finding.rule)) <= one.most
