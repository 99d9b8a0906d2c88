"""What a project needs, asked of a real pip and an index on loopback: by the lock, else the newest."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
import shipping
import tiny_backend
from support import bare

from release.artifacts import resolution
from release.errors import Exit, ReleaseError

if TYPE_CHECKING:
    from pathlib import Path

    from shipping import Shop

    from release.artifacts.record import Resolution

LOCK = """\
lock-version = "1.0"
created-by = "tests"
packages = [{name = "tiny-alpha", version = "1.0"}, {name = "tiny-beta", version = "1.0"}]
"""
NEEDS = (
    "Requires-Dist: tiny-alpha[more]",
    "Requires-Dist: absent; python_version < '3'",
    "Requires-Dist: x; extra=='x'",
)


@pytest.fixture
def stocked(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """An index with tiny-alpha 1.0 and 2.0, which need tiny-beta with an extra."""
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", shop.at.simple)
    for version in ("1.0", "2.0"):
        more = ("Provides-Extra: more", "Requires-Dist: tiny-beta; extra == 'more'", "License-Expression: MIT")
        shipping.wheel(shop.folder, "tiny_alpha", version, *more)
    shipping.wheel(shop.folder, "tiny_beta", "1.0", "Classifier: License :: OSI Approved :: BSD License")


def resolve(folder: Path, *lines: str, lock: str = "") -> Resolution:
    """Resolve what a wheel of demo with these lines of metadata needs, in a checkout with this lock."""
    project = bare(folder / "checkout")
    project.commit("feat: begin", {"a.txt": "a\n", **({"pylock.toml": lock} if lock else {})})
    scratch = folder / "scratch"
    scratch.mkdir()
    said = tiny_backend.metadata("1.0.0").replace(
        "Version: 1.0.0\n", "Version: 1.0.0\n" + "".join(f"{x}\n" for x in lines)
    )
    name = tiny_backend.write_wheel(folder, "1.0.0", {"demo.py": ""}, said=said)
    return resolution.resolve(project.path, folder / name, ("demo",), scratch)


@pytest.mark.usefixtures("stocked")
def test_without_a_lock_it_is_the_newest_and_says_what_needs_what(tmp_path: Path) -> None:
    digest = shipping.wheel(tmp_path, "tiny_beta", "1.0", "Classifier: License :: OSI Approved :: BSD License")
    found = resolve(tmp_path, *NEEDS)
    alpha, beta = found.components
    assert (alpha.name, alpha.version, alpha.needs, alpha.license) == ("tiny-alpha", "2.0", ("tiny-beta",), "MIT")
    assert (beta.name, beta.version, beta.needs, beta.license) == ("tiny-beta", "1.0", (), "BSD License")
    assert beta.hashes == (digest,)
    assert (found.needs, found.source.partition(" for ")[0][:16]) == (("tiny-alpha",), "resolved by pip ")


@pytest.mark.usefixtures("stocked")
def test_the_lock_says_which_versions(tmp_path: Path) -> None:
    found = resolve(tmp_path, *NEEDS, lock=LOCK)
    assert [(one.name, one.version) for one in found.components] == [("tiny-alpha", "1.0"), ("tiny-beta", "1.0")]
    assert found.source.startswith("pylock.toml, as chosen by pip ")


@pytest.mark.usefixtures("stocked")
@pytest.mark.parametrize(
    ("lines", "lock", "code", "says"),
    [
        (("Requires-Dist: tiny-alpha>=2",), LOCK, Exit.GATE_FAILED, "Cannot install demo==1.0.0 because these package"),
        (("Requires-Python: >=3.99",), "", Exit.GATE_FAILED, "requires a different Python"),
        (("Requires-Dist: tiny-gamma",), "", Exit.NOT_AUDITED, "No matching distribution found for tiny-gamma"),
        ((), "lock-version = '2.0'", Exit.NOT_AUDITED, "pylock.toml: lock-version is '2.0'"),
    ],
)
def test_what_cannot_be_resolved_is_a_finding_only_if_it_never_can(
    tmp_path: Path, lines: tuple[str, ...], lock: str, code: Exit, says: str
) -> None:
    with pytest.raises(ReleaseError) as caught:
        resolve(tmp_path, *lines, lock=lock)
    assert (caught.value.exit, says in str(caught.value)) == (code, True), str(caught.value)


@pytest.mark.thorough  # pip tries for several seconds
def test_without_a_network_nothing_was_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple/")
    with pytest.raises(ReleaseError) as caught:
        resolve(tmp_path, *NEEDS)
    assert caught.value.exit is Exit.NOT_AUDITED
