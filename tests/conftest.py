"""Every test: its own HOME, no global git configuration, fixed identities and dates."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from support import EPOCH, Project, git_flow

if TYPE_CHECKING:
    from pathlib import Path

_KEPT = ("PATH", "TMPDIR", "VIRTUAL_ENV", "LANG")
_ON_DEMAND = ("crash", "thorough")


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
    settings.write_text("[user]\n\tname = Test\n\temail = test@example.org\n[init]\n\tdefaultBranch = main\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(EPOCH))
    monkeypatch.setenv("GIT_AUTHOR_DATE", f"{EPOCH} +0000")
    monkeypatch.setenv("GIT_COMMITTER_DATE", f"{EPOCH} +0000")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("PYTHONHASHSEED", "0")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A Git Flow project: main at v0.9.0, develop two commits ahead, both pushed."""
    return git_flow(tmp_path / "project")
