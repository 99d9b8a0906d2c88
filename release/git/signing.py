"""Signing a tag: an object without a ref, made in a scratch repository and verified before anybody sees it."""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from release import process
from release.errors import refusal
from release.git import command, scratch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from release.git.objects import ObjectWriter
    from release.plan import Tag

_SIGNATURE = re.compile(rb"^-----BEGIN (?:PGP|SSH) SIGNATURE-----", re.MULTILINE)
_SECONDS = 300.0  # for a passphrase or a touch of a key
_HINT = "check user.signingKey and gpg.format: git tag -s try-it && git tag -v try-it && git tag -d try-it"


def sign(writer: ObjectWriter, tag: Tag, settings: Mapping[str, Sequence[str]]) -> str:
    """Return a signed tag that says what `tag` says: the id of an object of the database, without a ref.

    Raises:
        ReleaseError: git cannot sign, or what it made does not verify (exit 3); nothing has changed.
    """
    head, _, message = writer.reader.read(tag.oid)[1].partition(b"\n\n")
    fields = dict(line.partition(" ")[::2] for line in head.decode().splitlines())
    name, _, rest = fields["tagger"].partition(" <")
    email, _, date = rest.partition("> ")
    with TemporaryDirectory(prefix="release-sign-") as folder:
        place = scratch.bare(Path(folder) / "git", None, hash_name=writer.repository.hash_name)
        env = {
            "GIT_DIR": str(place),
            "GIT_OBJECT_DIRECTORY": str(writer.repository.objects),
            "GIT_COMMITTER_NAME": name,
            "GIT_COMMITTER_EMAIL": email,
            "GIT_COMMITTER_DATE": f"@{date}",
            **_settings(settings),
        }
        arguments = ["tag", "-s", "--cleanup=verbatim", "-F", "-", "--", tag.name, fields["object"]]
        top = writer.repository.top  # from which git reads relative paths of keys
        made = command.write(arguments, cwd=top, lock=writer.lock, data=message, env=env, accept=range(-64, 256))
        if made.status != 0:
            raise refusal(f"the tag {tag.name} could not be signed: {made.complaint}", _HINT)
        oid = (place / "refs" / "tags" / tag.name).read_text(encoding="ascii").strip()
    _verify(writer, oid, tag.name, settings, made.complaint)
    return oid


def _settings(settings: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Hand over what the repository says of keys and their programs; the scratch repository says nothing."""
    pairs = [
        (key, values[-1]) for key, values in settings.items() if key == "user.signingkey" or key.startswith("gpg.")
    ]
    env = {"GIT_CONFIG_COUNT": str(len(pairs))}
    for number, (key, value) in enumerate(pairs):
        env |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return env


def _verify(writer: ObjectWriter, oid: str, name: str, settings: Mapping[str, Sequence[str]], words: str) -> None:
    """Refuse a tag whose signature is missing or wrong: git 2.39 makes unsigned ones when an SSH key is locked.

    `words` are those of the program that was to sign.
    """
    kind, content = writer.reader.read(oid)
    match = _SIGNATURE.search(content)
    if kind != "tag" or match is None:
        raise refusal(f"git made the tag {name} without a signature{f': {words}' if words else ''}", _HINT)
    is_ssh = (settings.get("gpg.format") or [""])[-1] == "ssh"
    if is_ssh and not (settings.get("gpg.ssh.allowedsignersfile") or [""])[-1]:
        checked = _check_ssh(content[: match.start()], content[match.start() :])
    else:
        checked = command.start(["verify-tag", oid], cwd=writer.repository.top, own_group=True).finish(timeout=_SECONDS)
    if checked.status != 0:
        raise refusal(f"the signature of the tag {name} does not verify: {checked.complaint}", _HINT)


def _check_ssh(signed: bytes, signature: bytes) -> process.Result:
    """Check that a signature is one of these bytes, by whatever key: who may sign is configured nowhere."""
    with TemporaryDirectory(prefix="release-sign-") as folder:
        place = Path(folder) / "signature"
        place.write_bytes(signature)
        arguments = ["ssh-keygen", "-Y", "check-novalidate", "-n", "git", "-s", str(place)]
        return process.run(arguments, cwd=Path(folder), env=command.environment(), data=signed, timeout=_SECONDS)
