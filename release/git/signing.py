"""Signing a tag: an object without a ref, made in a scratch repository and verified before anybody sees it."""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from release.errors import ReleaseError, refusal, usage
from release.git import command, scratch, signers, sshsig

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from release.git.objects import ObjectWriter
    from release.git.repository import Repository
    from release.plan import Tag

    Settings = Mapping[str, Sequence[str]]

PURPOSE = sshsig.Purpose("git", "tag")

_SIGNATURE = re.compile(rb"^-----BEGIN (?:PGP SIGNATURE|PGP MESSAGE|SSH SIGNATURE|SIGNED MESSAGE)-----", re.MULTILINE)
_END = re.compile(rb"^-----END [A-Z0-9 ]+-----$", re.MULTILINE)
_SECONDS = 300.0  # for a passphrase or a touch of a key
_HINT = "check user.signingKey and gpg.format: git tag -s try-it && git tag -v try-it && git tag -d try-it"
_PROBE = "release-probe"


class _Parts(NamedTuple):
    """A tag object: its headers, what is signed of it, and the signature, b"" for none."""

    headers: dict[str, str]
    signed: bytes
    signature: bytes


def sign(writer: ObjectWriter, tag: Tag, settings: Settings) -> str:
    """Return a signed tag that says what `tag` says: the id of an object of the database, without a ref.

    Raises:
        ReleaseError: git cannot sign, or what it made does not verify, or not as one of the tag's `signers` (exit 3);
            nothing has changed.
    """
    refuse_format(settings)
    content = writer.reader.read(tag.oid)[1]
    fields, message = _parts(content).headers, content.partition(b"\n\n")[2]
    with TemporaryDirectory(prefix="release-sign-") as folder:
        place = scratch.bare(Path(folder) / "git", None, hash_name=writer.repository.hash_name)
        env = {
            "GIT_DIR": str(place),
            "GIT_OBJECT_DIRECTORY": str(writer.repository.objects),
            **_identity(fields["tagger"]),
            **_settings(settings),
        }
        oid, said = _tagged(writer, place, tag.name, fields["object"], message, env)
    if not _parts(writer.reader.read(oid)[1]).signature:
        raise refusal(f"git made the tag {tag.name} without a signature{f': {said}' if said else ''}", _HINT)
    verify_tag(writer.repository, oid, tag.name, settings, tag.signers, commit=fields["object"])
    return oid


def probe(writer: ObjectWriter, tag: Tag, settings: Settings) -> str:
    """Sign something that is thrown away, as the tag is going to be, and return who signed.

    So the key is there and unlocked before anything is computed. Nothing comes into the repository.

    Raises:
        ReleaseError: git cannot sign, or what it made does not verify, or not as one of the tag's `signers` (exit 3).
    """
    refuse_format(settings)
    with TemporaryDirectory(prefix="release-sign-") as folder:
        place = scratch.bare(Path(folder) / "git", None, hash_name=writer.repository.hash_name)
        tagger = _parts(writer.reader.read(tag.oid)[1]).headers["tagger"]
        env = {"GIT_DIR": str(place), **_identity(tagger), **_settings(settings)}
        top, lock = writer.repository.top, writer.lock
        made = command.write(["hash-object", "-w", "--stdin"], cwd=top, lock=lock, data=b"a try\n", env=env)
        oid, said = _tagged(writer, place, _PROBE, made.out.decode().strip(), b"a try\n", env)
        content = command.run(["cat-file", "tag", oid], cwd=top, env=env).out
        if not _parts(content).signature:
            raise refusal(f"git signs no tags{f': {said}' if said else ''}", _HINT)
        return _signer(writer.repository, oid, content, settings, tag.signers, name=_PROBE, env=env)


def verify_tag(
    repository: Repository, oid: str, name: str, settings: Settings, pinned: Sequence[str], *, commit: str
) -> str:
    """Return who signed a tag of the database, which has to be the tag `name` of `commit`.

    SSH keys have to be valid at the time that the tag says, as with git. With nobody in `pinned` it may be any key that
    git accepts.

    Raises:
        ReleaseError: it is no annotated tag, or another one, or is not signed, or not by one of them (exit 3).
    """
    kind, content = _read(repository, oid)
    if kind != "tag":
        raise refusal(f"{name} is no annotated tag, and so is not signed", _again(name))
    parts = _parts(content)
    if parts.headers.get("tag") != name:
        told = sshsig.words(parts.headers.get("tag", ""))
        raise refusal(f"what is called {name} here is the tag {told}, under another name", _again(name))
    if (parts.headers.get("type"), parts.headers.get("object")) != ("commit", commit):
        what = f"the tag {name} is of {sshsig.words(parts.headers.get('object', ''))[:10]}"
        raise refusal(f"{what}, and not of {commit[:10]}", _again(name))
    if not parts.signature:
        raise refusal(f"the tag {name} is not signed", _again(name))
    return _signer(repository, oid, content, settings, pinned, name=name)


def refuse_format(settings: Settings) -> None:
    """Refuse what nothing here can verify.

    Raises:
        ReleaseError: git is to sign with X.509 certificates, or with something else unknown (exit 2).
    """
    given = (settings.get("gpg.format") or ["openpgp"])[-1]
    if given not in ("openpgp", "ssh"):
        raise usage(f"gpg.format is {given}, and tags are signed with ssh or openpgp here", "git config gpg.format ssh")


def _again(name: str) -> str:
    return f"delete it and make it again: git tag -d {name}    invoke tag"


def _tagged(
    writer: ObjectWriter, place: Path, name: str, target: str, message: bytes, env: Mapping[str, str]
) -> tuple[str, str]:
    """Have git sign a tag in the repository at `place`: its id, and what git said."""
    top = writer.repository.top  # from which git reads relative paths of keys
    arguments = ["tag", "-s", "--cleanup=verbatim", "-F", "-", "--", name, target]
    made = command.write(arguments, cwd=top, lock=writer.lock, data=message, env=env, accept=range(-64, 256))
    if made.status != 0:
        what = "nothing can be signed" if name == _PROBE else f"the tag {name} could not be signed"
        raise refusal(f"{what}: {made.complaint}", _HINT)
    return (place / "refs" / "tags" / name).read_text(encoding="ascii").strip(), made.complaint


def _identity(tagger: str) -> dict[str, str]:
    name, _, rest = tagger.partition(" <")
    email, _, date = rest.partition("> ")
    return {"GIT_COMMITTER_NAME": name, "GIT_COMMITTER_EMAIL": email, "GIT_COMMITTER_DATE": f"@{date}"}


def _settings(settings: Settings) -> dict[str, str]:
    """Hand over what the repository says of keys and their programs; the scratch repository says nothing."""
    pairs = [
        (key, values[-1]) for key, values in settings.items() if key == "user.signingkey" or key.startswith("gpg.")
    ]
    env = {"GIT_CONFIG_COUNT": str(len(pairs))}
    for number, (key, value) in enumerate(pairs):
        env |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return env


def _read(repository: Repository, oid: str) -> tuple[str, bytes]:
    kind = repository.run("cat-file", "-t", oid).out.decode().strip()
    return kind, repository.run("cat-file", kind, oid).out


def _parts(content: bytes) -> _Parts:
    """Take a tag apart as git does: the signature begins at the last line that begins one."""
    begins = [match.start() for match in _SIGNATURE.finditer(content)]
    end = begins[-1] if begins else len(content)
    headers: dict[str, str] = {}
    for line in content[:end].partition(b"\n\n")[0].decode("utf-8", "replace").split("\n"):
        key, _, value = line.partition(" ")
        headers.setdefault(key, value)
    return _Parts(headers, content[:end], content[end:])


def _signer(
    repository: Repository,
    oid: str,
    content: bytes,
    settings: Settings,
    pinned: Sequence[str],
    *,
    name: str,
    env: Mapping[str, str] | None = None,
) -> str:
    """Return who signed a tag object; git is asked, with `env`, where any key will do that it accepts."""
    parts = _parts(content)
    what = "what git signs" if name == _PROBE else f"the signature of the tag {name}"
    ends = _END.findall(parts.signature)
    if len(ends) != 1 or not parts.signature.rstrip(b"\n").endswith(ends[0]):
        raise refusal(f"{what} does not verify: something stands behind it", _HINT)
    is_ssh = parts.signature.startswith(signers.SSH)
    try:
        if pinned or (is_ssh and not (settings.get("gpg.ssh.allowedsignersfile") or [""])[-1]):
            pins = signers.pins(repository, settings, pinned, PURPOSE)
            return signers.signer(pins, parts.signed, parts.signature, PURPOSE, at=_time(parts))
    except ReleaseError as error:
        problem = error.problems[0]
        raise refusal(f"{what} does not verify: {problem.what}", problem.hint or _HINT) from None
    checked = command.start(["verify-tag", oid], cwd=repository.top, env=env, own_group=True).finish(timeout=_SECONDS)
    if checked.status != 0:
        raise refusal(f"{what} does not verify: {checked.complaint}", _HINT)
    return signers.unpinned(sshsig.words(checked.complaint.partition("\n")[0]))


def _time(parts: _Parts) -> int | None:
    words = parts.headers.get("tagger", "").rpartition("> ")[2].split()
    return int(words[0]) if words and words[0].isdigit() else None
