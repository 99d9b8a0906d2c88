"""Every test: its own HOME, no global git configuration, fixed identities and dates."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
from forge import Forge, awaiting, protected
from hypothesis import HealthCheck, settings
from shipping import TOKEN, Shop
from support import EPOCH, TEMPLATE, Project, git_flow

from release.artifacts import loopback

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hub import Hub

# These tests are a gate: it must not depend on what else the machine does.
settings.register_profile("gate", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("gate")

_KEPT = ("PATH", "TMPDIR", "VIRTUAL_ENV", "LANG")

_ON_DEMAND = ("crash", "thorough")
# A commit, a fetch and a push each start two more programs to see whether there is anything to tidy up: not here.
_SETTINGS = """\
[user]
    name = Test
    email = test@example.org
[init]
    defaultBranch = main
[maintenance]
    auto = false
[receive]
    autogc = false
"""


def pytest_configure() -> None:
    """Hear signals as a program does that was started at a terminal; in the background of a script they are ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without -m, leave out what is run when it is asked for."""
    if not config.option.markexpr:
        left_out = [item for item in items if any(item.get_closest_marker(name) for name in _ON_DEMAND)]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(autouse=True)
def hermetic(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take everything out of the environment that could make a test depend on the machine."""
    for name in [name for name in os.environ if name not in _KEPT and not name.startswith("PYTEST")]:
        monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    settings = home / "gitconfig"
    settings.write_text(_SETTINGS)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_TEMPLATE_DIR", str(TEMPLATE))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(EPOCH))
    monkeypatch.setenv("GIT_AUTHOR_DATE", f"{EPOCH} +0000")
    monkeypatch.setenv("GIT_COMMITTER_DATE", f"{EPOCH} +0000")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("PYTHONHASHSEED", "0")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A Git Flow project: main at v0.9.0, develop two commits ahead, both pushed."""
    return git_flow(tmp_path / "project")


@pytest.fixture
def guarded(tmp_path: Path) -> tuple[Project, Forge]:
    """Such a project whose remote lets nobody push to main."""
    return protected(tmp_path / "guarded")


@pytest.fixture
def waiting(tmp_path: Path) -> tuple[Project, Forge]:
    """Such a guarded project with a request of 1.0.0 that waits to be merged."""
    return awaiting(tmp_path / "guarded")


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A loopback GitHub; storage must not be asked with the token of the API."""
    from hub import serving  # noqa: PLC0415  # it makes certificates

    with serving() as made:
        yield made
        assert made.leaked == []


@pytest.fixture(scope="session")
def _shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("shop")
    with loopback.index(folder) as at:
        yield Shop(at, folder)


@pytest.fixture
def shop(_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A real package index on loopback, empty, with a login for it in the environment."""
    monkeypatch.setenv("TWINE_USERNAME", "__token__")
    monkeypatch.setenv("TWINE_PASSWORD", TOKEN)
    for path in _shop.folder.iterdir():
        path.unlink()
    return _shop
