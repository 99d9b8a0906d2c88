"""What a gate finds around it: the variables it is given, and environments that may be used again."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import platform
import re
from pathlib import Path
from typing import TYPE_CHECKING

from release.formats import inert
from release.gates import parts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from release.entry import Entry

# Everything else stays outside, tokens above all. No VIRTUAL_ENV: tools would install into it. Of containers, where
# images are kept, and nothing that holds or names a login: not DOCKER_AUTH_CONFIG, DOCKER_CONFIG, REGISTRY_AUTH_FILE.
_PASSED = frozenset(
    {
        "CI",
        "CONTAINERD_ADDRESS",
        "CONTAINERD_NAMESPACE",
        "CONTAINERS_CONF",
        "CONTAINERS_REGISTRIES_CONF",
        "CONTAINERS_STORAGE_CONF",
        "CONTAINER_HOST",
        "CURL_CA_BUNDLE",
        "DOCKER_CERT_PATH",
        "DOCKER_CONTEXT",
        "DOCKER_HOST",
        "DOCKER_TLS_VERIFY",
        "GIT_CONFIG_GLOBAL",
        "GIT_CONFIG_NOSYSTEM",
        "HOME",
        "LANG",
        "NO_COLOR",
        "PATH",
        "PIP_CACHE_DIR",
        "PIP_CERT",
        "PIP_CONFIG_FILE",
        "PYENV_ROOT",
        "PYENV_VERSION",
        "REQUESTS_CA_BUNDLE",
        "SOURCE_DATE_EPOCH",
        "SSL_CERT_DIR",
        "SSL_CERT_FILE",
        "TERM",
        "TMPDIR",
        "UV_CACHE_DIR",
        "UV_CONFIG_FILE",
        "UV_PYTHON_INSTALL_DIR",
    }
)
# By their full names: sshd takes in any LC_*, so that people carry secrets in them.
_LOCALE = frozenset(
    f"LC_{name}"
    for name in (
        *("ALL", "COLLATE", "CTYPE", "MESSAGES", "MONETARY", "NUMERIC", "TIME"),  # POSIX; the others are glibc's
        *("ADDRESS", "IDENTIFICATION", "MEASUREMENT", "NAME", "PAPER", "TELEPHONE"),
    )
)
_FOLDERS = frozenset(
    f"XDG_{name}"
    for name in (
        *("BIN_HOME", "CACHE_HOME", "CONFIG_HOME", "DATA_HOME", "STATE_HOME"),
        *("CONFIG_DIRS", "DATA_DIRS", "RUNTIME_DIR"),
    )
)
# With their user and password if need be: behind such a proxy nothing else would be reached, and no file can hold them.
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
# Without user, password and query: these are tokens as a rule, every dependency of a gate could read them, and pip and
# uv find them in netrc, in the keyring and in their own files, too.
_INDEXES = frozenset(
    {
        "PIP_EXTRA_INDEX_URL",
        "PIP_FIND_LINKS",
        "PIP_INDEX_URL",
        "UV_DEFAULT_INDEX",
        "UV_EXTRA_INDEX_URL",
        "UV_FIND_LINKS",
        "UV_INDEX",
        "UV_INDEX_URL",
    }
)

# Files that may say what belongs into an environment.
_SAYING = re.compile(
    r"(?:.*/)?(?:noxfile\.py|pyproject\.toml|setup\.(?:py|cfg)|\.python-version|pylock[^/]*\.toml|[^/]*\.lock"
    r"|[^/]*(?:requirements|constraints)[^/]*\.(?:txt|in)|environment[^/]*\.ya?ml|requirements/.*)"
)
_PYTHON = re.compile(r"(?:python|pypy)[\d.]*")
_PIP = re.compile(r"pip[\d.]*")
_INSTALLERS = frozenset({"conda", "mamba", "micromamba", "pdm", "pip", "pipenv", "poetry", "uv"})
_INSTALLING = frozenset({"add", "download", "install", "sync", "uninstall", "update", "venv"})
_MAKERS = frozenset({"ensurepip", "venv", "virtualenv"})
_ARCHIVES = (".whl", ".gz", ".zip", ".bz2", ".xz")


def variables() -> dict[str, str]:
    """Return the variables that a gate is given."""
    found = {
        name: inert.public(value) if name in _INDEXES else value
        for name, value in os.environ.items()
        if name in _PASSED | _LOCALE | _FOLDERS | _INDEXES or name.upper() in _PROXIES
    }
    return {**found, "NOX_PARALLEL": "1"}  # sessions in processes of their own would go unwitnessed


def stripped() -> tuple[str, ...]:
    """Return the names of the index variables that lose a user, a password or a query."""
    return tuple(name for name in sorted(_INDEXES) if inert.public(value := os.environ.get(name, "")) != value)


def renew(folder: Path, key: str, *, fresh: bool = False) -> None:
    """Remove the environments of a gate's folder unless they were made for the same `key`, or in any case if `fresh`.

    Until `keep` is called they count as half made.
    """
    marker = folder / "environments"
    try:
        is_same = marker.read_text(encoding="ascii") == key
    except (OSError, ValueError):
        is_same = False
    marker.unlink(missing_ok=True)
    if fresh or not is_same:
        parts.remove(folder / "envs")


def keep(folder: Path, key: str, commands: Iterable[Sequence[str]]) -> None:
    """Let the next run use the environments again, if all that was installed is then sure to be installed again.

    What a script or a test installs on its own is not among the commands: that only a fresh run makes anew.
    """
    if all(_is_repeated(command) for command in commands if installs(command)):
        (folder / "environments").write_text(key, encoding="ascii")


def fingerprint(files: Mapping[str, Entry], *versions: str) -> str:
    """Return what environments depend on, as a key: files, versions, and the day, on which indexes may have changed.

    An environment that has outlived a change of these could hold a package that nothing asks for any more, and a gate
    would pass that fails everywhere else.
    """
    facts = [platform.python_version(), dt.datetime.now(dt.timezone.utc).date().isoformat(), *versions]
    facts += [f"{entry.oid} {path}" for path, entry in sorted(files.items()) if _SAYING.fullmatch(path)]
    return hashlib.sha256("\0".join(facts).encode("utf-8", "surrogateescape")).hexdigest()


def installs(command: Sequence[str]) -> bool:
    """Whether a command only installs, which says nothing about the commit."""
    tool, *rest = _plain(command) or ("",)
    if tool == "uv" and rest[:1] == ["pip"]:
        del rest[0]
    return tool in _MAKERS or (tool in _INSTALLERS and bool(rest) and rest[0] in _INSTALLING)


def _is_repeated(command: Sequence[str]) -> bool:
    """Whether an installation brings what it names up to date, in an environment that has it already.

    pip keeps an archive's package of the same version, and uv a folder that a file of requirements names.
    """
    plain = _plain(command)
    if plain[:2] != ["pip", "install"] and plain[:3] != ["uv", "pip", "install"]:
        return False
    doubtful = ("-f", "--find-links", "--no-index") + (("-r", "--requirement", "--requirements") * (plain[0] == "uv"))
    return not any(word.endswith(_ARCHIVES) or "file:" in word or word.startswith(doubtful) for word in command[1:])


def _plain(command: Sequence[str]) -> list[str]:
    """Return the words of a command that are no options, from the tool on: `python -m pip install x` is pip's."""
    words = [Path(command[0]).name, *command[1:]] if command else []
    if words and _PYTHON.fullmatch(words[0]):
        at = next((at for at, word in enumerate(words[1:], 1) if word == "-m" or not word.startswith("-")), 0)
        if at and words[at] == "-m":
            del words[: at + 1]
    plain = [word for word in words if not word.startswith("-")]
    return ["pip" if _PIP.fullmatch(word) else word for word in plain[:1]] + plain[1:]
