"""`release.rehearse`: the release in a throw-away clone with its own bare remote; the repository is only read."""

from __future__ import annotations

import contextlib
import os
import shlex
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from release import config as configuration
from release import console, process
from release.artifacts import loopback, tagged
from release.errors import Exit, Problem, ReleaseError, refusal, usage
from release.flows import commands
from release.gates import checkout, parts, signals
from release.git import command
from release.git import repository as repositories
from release.git.database import ObjectReader

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from release.config import Config, Index
    from release.git.repository import Repository

CONFIG = "pyproject.toml"
_SIGNER = "rehearsal"
_SECONDS = 60.0  # for a key to be made
_SECRETS = ("RELEASE_", "TWINE_", "UV_PUBLISH_")  # begin the names of variables
_TOKENS = frozenset({"GITHUB_TOKEN", "GH_TOKEN", "GH_ENTERPRISE_TOKEN"})
_HERE = ("127.0.0.1", "localhost")
_GATED = (Exit.GATE_FAILED, Exit.NOT_AUDITED)  # steps that end so have left checkouts to look at


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """Where the rehearsal plays: a folder with a bare remote and a clone of it."""

    folder: Path

    @property
    def remote(self) -> Path:
        """The bare repository that stands for the server."""
        return self.folder / "remote.git"

    @property
    def index(self) -> Path:
        """What is uploaded to the package index."""
        return self.folder / "index"

    @property
    def clone(self) -> Path:
        """The working clone."""
        return self.folder / "clone"

    def git(self, *arguments: str) -> str:
        """Run git in the clone."""
        return os.fsdecode(command.run(arguments, cwd=self.clone).out)


@dataclass(frozen=True, kw_only=True, eq=False)
class Rehearsal:
    """A rehearsal under way, and the one permission there is to go on without a gate that could not look.

    Its steps are handed it as an object, in this process. `index` is the package index that stands in for the real one,
    None when there is none here, and nothing is published then; `signers` are the names of the key that the stage has
    for signing, () for none. `unaudited` is what they went on without.
    """

    stage: Stage
    index: Index | None = None
    signers: tuple[str, ...] = ()
    unaudited: list[Problem] = field(default_factory=list)

    def configured(self, config: Config) -> Config:
        """Return what holds in the rehearsal: its own index, and its own key, if it has one."""
        changed: dict[str, Any] = {} if self.index is None else {"index": self.index}
        if self.signers:
            changed |= {"sign": True, "signers": self.signers}
        return replace(config, **changed)

    def goes_on(self, repository: Repository, problems: Collection[Problem]) -> bool:
        """Whether a step in `repository` goes on after gates had `problems`: in the clone, when none has failed."""
        is_clone = repository.common.resolve() == (self.stage.clone / ".git").resolve()
        if not is_clone or any(not one.gate or one.exit is not Exit.NOT_AUDITED for one in problems):
            return False
        for one in problems:  # without its hint: the log and the checkout go with the copies
            console.say(f"{one.what}\nthe rehearsal goes on without {one.gate}: nothing else does")
        self.unaudited.extend(problems)
        return True


def rehearse(
    repository: Repository, wanted: str, *, keep: bool, play: Callable[[Rehearsal, Sequence[str]], int]
) -> None:
    """Show the whole release of `wanted` on copies, which are removed then, but for `keep` or a gate to look into.

    `play` runs a task in the clone and returns its exit code.

    Raises:
        ReleaseError: the repository cannot be cloned, or a step of the release fails (with the step's exit code).
    """
    stage = Stage(folder=Path(tempfile.mkdtemp(prefix="rehearsal-")))
    with signals.obeyed_late(), _secluded():
        try:
            _set(stage, repository)
            with contextlib.ExitStack() as stack:
                rehearsal = _equipped(stage, stack)
                _play(rehearsal, wanted, play)
            _show(stage)
        except ReleaseError as error:
            keep = keep or error.exit in _GATED
            raise
        finally:
            _leave(stage, keep=keep)
    _conclude(rehearsal)


@contextlib.contextmanager
def _secluded() -> Iterator[None]:
    """Take keys and tokens out of the environment, which are for real releases, and let no proxy have what is local."""
    before = dict(os.environ)
    for name in before:
        if name in _TOKENS or name.startswith(_SECRETS):
            del os.environ[name]
    beyond = before.get("no_proxy") or before.get("NO_PROXY")
    os.environ.update(dict.fromkeys(("no_proxy", "NO_PROXY"), ",".join(filter(None, (beyond, *_HERE)))))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _equipped(stage: Stage, stack: contextlib.ExitStack) -> Rehearsal:
    """Return the rehearsal with a package index of its own, as long as `stack` lasts, and a key that signs."""
    index = None
    if loopback.can_serve():
        stage.index.mkdir()
        index = stack.enter_context(loopback.index(stage.index))
        console.say(f"a package index for the rehearsal: {index.simple}")
    return Rehearsal(stage=stage, index=index, signers=(_SIGNER,) if _with_key(stage) else ())


def _with_key(stage: Stage) -> bool:
    """Make a key for this rehearsal alone, and let the clone sign with it; returns whether there is one."""
    key = stage.folder / "key"
    argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", _SIGNER, "-f", str(key)]
    try:
        made = process.run(argv, cwd=stage.folder, env=command.environment(), timeout=_SECONDS)
    except (FileNotFoundError, TimeoutError):
        return False
    if made.status != 0:
        return False
    allowed = stage.folder / "allowed_signers"
    allowed.write_text(f"{_SIGNER} {key.with_name('key.pub').read_text(encoding='ascii')}", encoding="ascii")
    for name, value in (
        ("gpg.format", "ssh"),
        ("user.signingKey", str(key)),
        ("gpg.ssh.allowedSignersFile", str(allowed)),
        ("gpg.ssh.program", "ssh-keygen"),
    ):
        stage.git("config", name, value)
    return True


def _leave(stage: Stage, *, keep: bool) -> None:
    """Remove the copies and what gates checked out of them, or say where they are."""
    gates = _checkouts(stage)
    if keep:
        console.say(f"kept: {stage.clone} (remote: {stage.remote})")
        console.say(f"to remove it: {shlex.join(['rm', '-rf', '--', str(stage.folder), *map(str, gates)])}")
        return
    for folder in (stage.folder, *gates):
        with contextlib.suppress(OSError):
            parts.remove(folder)
    console.say("rehearsal removed; your repository was only read")


def _checkouts(stage: Stage) -> list[Path]:
    """Return the folder in which gates looked at the clone, if any did."""
    try:
        folder = checkout.place(repositories.locate(stage.clone), "tests").parent
    except (ReleaseError, OSError):
        return []
    return [folder] if folder.is_dir() else []


def _conclude(rehearsal: Rehearsal) -> None:
    """Say plainly what no gate has looked at; nothing when all have passed."""
    by_gate = {one.gate: one.what.splitlines()[0] for one in rehearsal.unaudited}
    for what in by_gate.values():
        console.show(what)
    if by_gate:
        alone = commands.invoke("scan", *(word for gate in by_gate for word in ("--gate", gate)))
        console.show("the rehearsal went on without that; a release stops there, with exit code 5")
        console.show(f"to have it looked at: {alone}")


def _set(stage: Stage, repository: Repository) -> None:
    """Copy what HEAD holds: branches, those known of the remote, and tags, into a bare remote and a clone of it."""
    head = command.run(["rev-parse", "-q", "--verify", "HEAD^{commit}"], cwd=repository.top, accept=(0, 1, 128)).out
    if not head.strip():
        raise usage("the repository has no commit yet", "make the first commit")
    repository.refuse_shallow("it cannot be rehearsed")
    console.say(f"rehearsing on copies of {repository.top}")
    config = configuration.load(_committed(repository), origin=f"{CONFIG} at HEAD")
    main = config.main or (config.develop if config.develop in ("main", "master") else "main")
    command.run(["init", "-q", "--bare", f"--initial-branch={main}", str(stage.remote)], cwd=stage.folder)
    remote = config.remote or "origin"
    known_of = f"refs/remotes/{remote}"
    # The remote's branches first, the local ones over them: what would be released from here.
    for scope in (known_of, "refs/heads", "refs/tags"):
        into = "refs/heads" if scope == known_of else scope
        command.run(
            ["fetch", "-q", "--no-tags", "--no-write-fetch-head", str(repository.top), f"+{scope}/*:{into}/*"],
            cwd=stage.remote,
        )
    command.run(["update-ref", "-d", "refs/heads/HEAD"], cwd=stage.remote)  # origin/HEAD is no branch
    known = command.run(["for-each-ref", "--format=%(refname)", "refs/heads"], cwd=stage.remote).out.decode().split()
    if f"refs/heads/{main}" not in known:
        command.run(["update-ref", f"refs/heads/{main}", head.decode().strip()], cwd=stage.remote)
    start = config.develop if f"refs/heads/{config.develop}" in known else main
    named = ("--origin", remote, "--branch", start)
    command.run(["clone", "-q", *named, str(stage.remote), str(stage.clone)], cwd=stage.folder)
    _refuse_elsewhere(stage, remote)
    _introduce(stage, repository)
    if config.develop == main:
        _add_develop(stage, remote)


def _committed(repository: Repository) -> bytes | None:
    shown = command.run(["show", f"HEAD:{CONFIG}"], cwd=repository.top, accept=(0, 128))
    return shown.out if shown.status == 0 else None


def _introduce(stage: Stage, repository: Repository) -> None:
    """Commit as the user does; where git does not know them, as a rehearsal."""
    for key, stand_in in (("user.name", "Rehearsal"), ("user.email", "rehearsal@localhost")):
        known = command.run(["config", key], cwd=repository.top, accept=(0, 1)).out.decode().strip()
        stage.git("config", key, known or stand_in)
    stage.git("config", "commit.gpgSign", "false")


def _refuse_elsewhere(stage: Stage, remote: str) -> None:
    """Refuse settings by which a push from the clone would leave the stage: nothing of a rehearsal does.

    Raises:
        ReleaseError: there are such (exit 3).
    """
    addresses = stage.git("remote", "get-url", "--push", "--all", "--", remote).split("\n")[:-1]
    if addresses != [str(stage.remote)]:
        others = ", ".join(one for one in addresses if one != str(stage.remote))
        raise refusal(
            f"your git settings send pushes to the rehearsal's {remote} elsewhere: {others}",
            "see: git config --show-origin --get-regexp '^(url|remote)[.]'",
        )


def _add_develop(stage: Stage, remote: str) -> None:
    """Give a trunk-mode project a develop branch, in the clone alone, so that Git Flow can be seen."""
    path = stage.clone / CONFIG
    path.write_bytes(configuration.edited(path.read_bytes(), {"develop": "develop"}))
    stage.git("switch", "-q", "-c", "develop")
    stage.git("commit", "-q", "-m", "chore: rehearse with a develop branch", "--", CONFIG)
    stage.git("push", "-q", remote, "refs/heads/develop:refs/heads/develop")
    console.say("trunk mode: added a branch develop to the copy")


def _play(rehearsal: Rehearsal, wanted: str, play: Callable[[Rehearsal, Sequence[str]], int]) -> None:
    """Prepare, make a candidate, finish, publish, verify: what a maintainer types, and what each task prints.

    Raises:
        ReleaseError: a task did not end well (with its exit code).
    """
    published = rehearsal.index is not None
    publish = [("publish", "--yes")] if published else []
    for words in (
        ("release.prepare", wanted, "--dry-run"),
        ("release.prepare", wanted, "--push", "--yes"),
        ("release.candidate", "--yes"),
        *publish,
        ("release.status",),
        ("release.finish", "--dry-run"),
        ("release.finish", "--yes"),
        ("version", "--check"),
        ("release.status",),
        *publish,
    ):
        _do(rehearsal, words, play)
    if published:
        _do(rehearsal, ("release.verify", _released(rehearsal.stage)), play)
    else:
        console.show("NOT REHEARSED: publishing needs a package index: pip install 'invoke-gitflow[rehearse]'")


def _do(rehearsal: Rehearsal, words: Sequence[str], play: Callable[[Rehearsal, Sequence[str]], int]) -> None:
    """Run one task and show what it prints.

    Raises:
        ReleaseError: it did not end well (with its exit code).
    """
    console.show(f"$ {commands.invoke(*words)}")
    status = play(rehearsal, words)
    if status != 0:
        what = f"the rehearsal stopped: invoke {words[0]} ended with {status}"
        code = Exit(status) if status in set(Exit) else Exit.UNEXPECTED
        raise ReleaseError([Problem(what=what, hint="its last lines, above, say why", exit=code)])


def _released(stage: Stage) -> str:
    """Return the version that was released: that of the tag that HEAD builds on."""
    where = repositories.locate(stage.clone)
    with contextlib.closing(ObjectReader(where.top)) as reader:
        return str(tagged.find(where, reader).version)


def _show(stage: Stage) -> None:
    console.show("the result:")
    for line in stage.git("log", "--graph", "--oneline", "--decorate", "--all", "-n", "14").splitlines():
        console.show(f"  {line}")
    console.show("at the remote:")
    shown = command.run(
        ["for-each-ref", "--format=%(refname:short) %(objecttype)", "--sort=-creatordate", "--count=6"],
        cwd=stage.remote,
    ).out
    for line in os.fsdecode(shown).splitlines():
        console.show(f"  {line}")
