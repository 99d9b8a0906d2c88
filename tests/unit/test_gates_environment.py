"""When environments are used again, what is only an installation, and what a gate is given."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest

from release.entry import Entry
from release.gates import environment

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "line",
    [
        "/envs/tests/bin/python -m pip install .",
        "python3.12 -I -m pip3 install -q x",
        "pip install x",
        "pip3.11 download x",
        "uv pip install -e .",
        "uv --quiet sync --frozen",
        "uv venv",
        "/opt/conda install --yes x",
        "poetry install",
        "pdm sync",
        "python -m venv x",
        "python -m ensurepip",
        "virtualenv x",
    ],
)
def test_installations_are_no_evidence(line: str) -> None:
    assert environment.installs(shlex.split(line))


@pytest.mark.parametrize(
    "line",
    [
        "pytest",
        "true",
        "python",
        "python -c 'import pip'",
        "python install.py -m pip install",
        "pip check",
        "pip-audit --strict",
        "uv run pytest",
        "uv lock --check",
        "poetry check",
        "make install",
        "uv",
    ],
)
def test_other_commands_are_evidence(line: str) -> None:
    assert not environment.installs(shlex.split(line))


@pytest.mark.parametrize(
    ("line", "again"),
    [
        ("python -m pip install .[tests]", True),
        ("python -m pip install -r requirements.txt", True),
        ("uv pip install -e . pytest>=8", True),
        ("pytest x.whl", True),
        ("python -m pip install dist/x-1.0-py3-none-any.whl", False),
        ("python -m pip install --find-links dist x", False),
        ("pip install 'x @ file:///y'", False),
        ("uv pip install -r requirements.txt", False),
        ("uv sync", False),
        ("poetry install", False),
    ],
)
def test_environments_are_used_again_only_if_all_is_brought_up_to_date(line: str, again: bool, tmp_path: Path) -> None:
    package = tmp_path / "envs" / "tests" / "package"
    package.mkdir(parents=True)
    environment.keep(tmp_path, "key", [["pytest"], shlex.split(line)])
    environment.renew(tmp_path, "key")
    assert package.exists() == again
    environment.renew(tmp_path, "key")
    assert not package.exists(), "the run in between did not end"


def test_environments_of_other_files_are_not_used(tmp_path: Path) -> None:
    (tmp_path / "envs" / "tests").mkdir(parents=True)
    environment.keep(tmp_path, "key", [])
    environment.renew(tmp_path, "other")
    assert not (tmp_path / "envs").exists()


@pytest.mark.parametrize(
    ("path", "matters"),
    [
        ("noxfile.py", True),
        ("pyproject.toml", True),
        ("packages/one/pyproject.toml", True),
        ("setup.cfg", True),
        ("uv.lock", True),
        ("pylock.dev.toml", True),
        ("requirements/base.txt", True),
        ("dev-requirements.in", True),
        ("constraints.txt", True),
        ("src/demo/__init__.py", False),
        ("README.md", False),
    ],
)
def test_a_change_of_what_belongs_into_environments_is_seen(path: str, matters: bool) -> None:
    one = environment.fingerprint({path: Entry(mode="100644", oid="1")}, "1.0")
    two = environment.fingerprint({path: Entry(mode="100644", oid="2")}, "1.0")
    assert (one != two) == matters
    assert one != environment.fingerprint({path: Entry(mode="100644", oid="1")}, "1.1")


@pytest.mark.parametrize(
    ("given", "passed"),
    [
        ("https://user:pass@host/simple", "https://host/simple"),
        ("https://user:p@ss@host/simple", "https://host/simple"),
        ("https://token@host:8080", "https://host:8080"),
        ("https://host/simple/@scope/", "https://host/simple/@scope/"),
        ("one=https://a:b@one/ https://two/\nhttps://c@three/", "one=https://one/ https://two/\nhttps://three/"),
        ("https://host/simple?token=abc&x=1#sha256=0 /folder?", "https://host/simple#sha256=0 /folder?"),
        ("git+https://token@host/?t=abc", "git+https://host/"),
        ("/folder", "/folder"),
    ],
)
def test_indexes_lose_user_and_password(given: str, passed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", given)
    assert environment.variables()["PIP_EXTRA_INDEX_URL"] == passed
    assert environment.stripped() == (() if given == passed else ("PIP_EXTRA_INDEX_URL",))


def test_proxies_in_lower_case_are_passed_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://user:pass@proxy:3128")
    assert environment.variables()["https_proxy"] == "http://user:pass@proxy:3128"


def test_where_images_are_is_passed_and_no_login(monkeypatch: pytest.MonkeyPatch) -> None:
    places = {"DOCKER_HOST": "ssh://me@host", "CONTAINER_HOST": "unix:///run/x.sock", "CONTAINERS_STORAGE_CONF": "/x"}
    logins = ("DOCKER_AUTH_CONFIG", "DOCKER_CONFIG", "REGISTRY_AUTH_FILE", "TRIVY_PASSWORD", "SNYK_TOKEN")
    for name, value in {**places, **dict.fromkeys(logins, "secret")}.items():
        monkeypatch.setenv(name, value)
    passed = environment.variables()
    assert {name: passed.get(name) for name in places} == places
    assert not passed.keys() & {*logins}


def test_names_that_only_begin_like_those_of_a_locale_or_a_folder_are_not_passed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = {"LC_ALL": "C", "LC_CTYPE": "C.UTF-8", "XDG_CONFIG_HOME": "/config", "XDG_DATA_DIRS": "/share"}
    others = ("LC_TOKEN", "LC_", "XDG_TOKEN", "XDG_SESSION_ID")  # sshd takes any LC_*: people carry secrets in them
    for name, value in {**known, **dict.fromkeys(others, "secret")}.items():
        monkeypatch.setenv(name, value)
    passed = environment.variables()
    assert {name: passed.get(name) for name in known} == known
    assert not passed.keys() & {*others}
