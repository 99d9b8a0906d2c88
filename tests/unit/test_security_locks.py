"""Locks: what they hold, what comes from elsewhere, and what cannot be read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from auditing import tree, uv_lock
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import canonicalize_name
from packaging.version import Version

from release.errors import Exit, ReleaseError
from release.gates.security import locks, requirements
from release.gates.security.audit import _rounds
from release.gates.security.locks import Locked
from release.gates.security.requirements import Pin

if TYPE_CHECKING:
    from pathlib import Path

HASH = f"--hash=sha256:{'0' * 64}"


def found(tmp_path: Path, files: dict[str, str | bytes]) -> Locked | None:
    return locks.find(tree(tmp_path, files), ["Demo"])


def pins(*texts: str) -> frozenset[Pin]:
    return frozenset(Pin(*text.split("==")) for text in texts)


PYLOCK = """\
lock-version = "1.0"
created-by = "x"
[[packages]]
name = "attrs"
version = "23.1.0"
marker = "python_version < '3'"
[[packages]]
name = "Torch"
version = "2.1.0+cpu"
[[packages]]
name = "demo"
directory = { path = "." }
[[packages]]
name = "tool"
vcs = { type = "git", url = "https://example.org/tool" }
[[packages]]
name = "unversioned"
"""


def test_pylock(tmp_path: Path) -> None:
    assert found(tmp_path, {"pylock.toml": PYLOCK, "uv.lock": "not read"}) == Locked(
        "pylock.toml",
        pins("attrs==23.1.0", "torch==2.1.0"),
        (("tool", "comes from vcs"), ("unversioned", "has no version")),
    )


def test_uv_lock_and_the_members_of_its_workspace(tmp_path: Path) -> None:
    more = '\n[[package]]\nname = "part"\nversion = "1"\nsource = { editable = "part" }\n'
    more += (
        '\n[[package]]\nname = "near"\nversion = "1"\nsource = { directory = "near" }\n[manifest]\nmembers = ["part"]\n'
    )
    locked = found(tmp_path, {"uv.lock": uv_lock("idna==3.7", "idna==3.6") + more})
    assert locked == Locked("uv.lock", pins("idna==3.7", "idna==3.6"), (("near", "comes from directory"),))


REQUIREMENTS = f"""\
# made by a program
--index-url https://user:secret@index.example.org/simple
-c constraints.txt
attrs==23.1.0 \\
    {HASH} \\
    {HASH}  # via x
Idna[x] == 3.7 ; python_version < "3" {HASH}
-r more/nested.txt
-e .
./local  {HASH}
git+https://example.org/x#egg=From_Git
named @ https://example.org/named.tar.gz {HASH}
demo @ file:///project {HASH}
"""


def test_requirements_with_hashes(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "requirements.txt": REQUIREMENTS,
        "more/nested.txt": f"-r ../requirements.txt\nsix==1.16.0 {HASH}\n",
        "requirements-dev.txt": "pytest\n",
    }
    assert found(tmp_path, files) == Locked(
        "requirements.txt",
        pins("attrs==23.1.0", "idna==3.7", "six==1.16.0"),
        tuple((name, "comes from no index") for name in ("./local", "from-git", "named")),
        ("requirements-dev.txt has no hashes and is not audited",),
    )


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"requirements.txt": f"attrs==1 {HASH}\nidna==2\nsix>=1\n"}, "requirements.txt:2: idna==2 has no hash"),
        ({"requirements.txt": f"six>=1 {HASH}\n"}, "requirements.txt:1: six is not pinned with =="),
        ({"requirements.txt": f"six==1.* {HASH}\n"}, "requirements.txt:1: six is not pinned with =="),
        ({"requirements.txt": f"a b c {HASH}\n"}, "requirements.txt:1: 'a b c' is no requirement"),
        ({"requirements.txt": f"six===x {HASH}\n"}, "requirements.txt:1: six: 'x' is no version"),
        (
            {"requirements.txt": f"-r gone.txt\nsix==1 {HASH}\n"},
            "requirements.txt:1 names gone.txt, which is no tracked",
        ),
        ({"uv.lock": "version = 1\n[[package]]\nversion = '1'\n"}, "uv.lock: package is not a list of packages with"),
        ({"uv.lock": "version = 1\n[[package]]\nname = 'a'\nversion = 'x'\n"}, "uv.lock: a: 'x' is no version"),
        ({"uv.lock": "x ="}, "uv.lock is not TOML"),
        ({"pylock.toml": "lock-version = '2.0'\npackages = []\n"}, "pylock.toml: lock-version is '2.0', known is 1.0"),
        ({"uv.lock": b"\xff"}, "uv.lock is not TOML"),
    ],
)
def test_what_cannot_be_read_is_named(files: dict[str, str | bytes], says: str, tmp_path: Path) -> None:
    with pytest.raises(ReleaseError) as caught:
        found(tmp_path, files)
    assert caught.value.exit == Exit.NOT_AUDITED
    assert says in str(caught.value)


def test_without_hashes_there_is_no_lock(tmp_path: Path) -> None:
    assert found(tmp_path, {"requirements.txt": "attrs==23.1.0\n"}) is None


NAMES = st.from_regex(re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,8}[A-Za-z0-9])?", re.ASCII), fullmatch=True)
VERSIONS = st.builds(
    "{}.{}{}".format, st.integers(0, 99), st.integers(0, 99), st.sampled_from(["", "rc1", ".post1", "+a"])
)
SPACES = st.sampled_from([" ", "  ", " \\\n    "])


@given(st.lists(st.tuples(NAMES, VERSIONS, SPACES, st.sampled_from(["", ' ; python_version < "3"'])), max_size=6))
def test_every_pin_of_a_requirements_file_is_read(rows: list[tuple[str, str, str, str]]) -> None:
    text = "".join(f"{name}=={version}{marker}{space}{HASH}\n" for name, version, space, marker in rows)
    read = list(requirements.lines(text))
    assert [line.pin for line in read] == [(canonicalize_name(name), Version(ver).public) for name, ver, _, _ in rows]
    assert all(line.hashed and not line.error for line in read)


@given(st.text(max_size=60))
def test_whatever_stands_in_a_line_it_is_read_or_named(text: str) -> None:
    for line in requirements.lines(text):
        assert [bool(one) for one in (line.pin, line.elsewhere, line.file, line.error)].count(True) == 1


@given(st.sets(st.builds(Pin, st.sampled_from("abc"), st.sampled_from("123"))))
def test_no_file_names_a_package_twice_and_nothing_is_left_out(locked: set[Pin]) -> None:
    rounds = list(_rounds(locked))
    assert sorted(pin for one in rounds for pin in one) == sorted(locked)
    assert all(len({pin.name for pin in one}) == len(one) for one in rounds)
