"""What builds an image and pushes it: buildah, podman, docker. Nothing of it is left on the machine."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, NamedTuple

from release.artifacts.publish import hosts, programs
from release.errors import ReleaseError, refusal, usage
from release.gates import parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

    Push = Callable[[], str]  # pushes what was built, and returns the digest that the builder reports

_DIGEST = re.compile(r"\bsha256:[0-9a-f]{64}\b")
_ENV = {
    # Attestations hold times, and make an index of what is one image.
    "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",
    "NO_COLOR": "1",
}
_LONGEST_RUNROOT = 50  # characters; podman takes no longer one
_WITHOUT = "in a container without user namespaces set STORAGE_DRIVER=vfs and BUILDAH_ISOLATION=chroot"


class Builder(NamedTuple):
    """A program that builds images: its name, and where it is."""

    name: str
    program: str


class Work(NamedTuple):
    """What is to be built: `context` with the Containerfile `file` in it, as `reference`.

    `epoch` is the time of all that is in it (UTC seconds); `scratch` is a folder for the builder.
    """

    reference: str
    context: Path
    file: str
    labels: Mapping[str, str]
    epoch: int
    env: Mapping[str, str]
    scratch: Path


def find(wanted: str, env: Mapping[str, str]) -> Builder:
    """Return the builder `wanted`, or if that is "" the first that is on PATH and can work.

    Raises:
        ReleaseError: there is none (exit 2).
    """
    for name in [wanted] if wanted else list(_BUILDERS):
        program = programs.find(name, env)
        # A client of docker is on many machines without a daemon behind it.
        if program and (name != "docker" or programs.works([program, "info", "--format", "{{.ID}}"], env)):
            return Builder(name, program)
        if program:
            raise usage("docker is here, but its daemon does not answer", "start it, or install buildah or podman")
    if wanted:
        raise usage(f"{wanted}, which builds the image, is not on PATH", "install it, or change image.builder")
    raise usage(f"nothing that builds an image is on PATH: {', '.join(_BUILDERS)}", "install one of them")


def built(builder: Builder, work: Work) -> AbstractContextManager[Push]:
    """Build an image, and yield what pushes it; at the end it is gone from this machine.

    Raises:
        ReleaseError: it cannot be built (exit 4). Of the push: it was not let in (exit 2), or failed (exit 7).
    """
    return _BUILDERS[builder.name](builder, work)


@contextlib.contextmanager
def _with_store(builder: Builder, work: Work) -> Iterator[Push]:
    """Build as buildah and podman do, which have the same options: in a store of its own."""
    place = Path(mkdtemp(prefix=f"{builder.name}-", dir=work.scratch))
    env = {**work.env, **_ENV, "SOURCE_DATE_EPOCH": str(work.epoch)}
    log, told = place / "log.txt", place / "digest"
    driver = work.env.get("STORAGE_DRIVER", "")  # which both ignore once a root is given
    run = place / "run"
    if len(str(run)) > _LONGEST_RUNROOT:
        run = Path(mkdtemp(prefix="run-", dir="/tmp"))  # new, for its owner only, and short
    store = [builder.program, "--root", str(place / "root"), "--runroot", str(run)]
    store += ["--storage-driver", driver] if driver else []
    notes = [f"{name}={value}" for name, value in work.labels.items()]
    words = ["--timestamp", str(work.epoch), "--file", str(work.context / work.file), "--tag", work.reference]
    words += [word for note in notes for word in ("--label", note, "--annotation", note)]

    def push() -> str:
        here = hosts.is_loopback(work.reference.partition("/")[0])
        plain = ["--tls-verify=false"] if here else []
        argv = [*store, "push", *plain, "--digestfile", str(told), work.reference, f"docker://{work.reference}"]
        _pushed(builder, work, programs.run(argv, cwd=work.context, env=env, log=log))
        return told.read_text(encoding="ascii").strip()

    try:
        ran = programs.run([*store, "build", *words, str(work.context)], cwd=work.context, env=env, log=log)
        if ran.status:
            hint = "" if driver else _WITHOUT
            raise programs.unsound(f"{work.reference} cannot be built", ran, hint)
        yield push
    finally:
        # In a user namespace only the program itself may remove all that it has stored.
        programs.works([*store, "rmi", "--all", "--force"], env)
        with contextlib.suppress(OSError):  # the scratch folder's owner removes it, too
            parts.remove(run)
            parts.remove(place)


@contextlib.contextmanager
def _with_daemon(builder: Builder, work: Work) -> Iterator[Push]:
    """Build as docker does: in the daemon's store, where an image of the user's own may have the same name."""
    place = Path(mkdtemp(prefix=f"{builder.name}-", dir=work.scratch))
    env = {**work.env, **_ENV, "SOURCE_DATE_EPOCH": str(work.epoch)}
    log, told = place / "log.txt", place / "id"

    def docker(*words: str) -> programs.Ran:
        return programs.run([builder.program, *words], cwd=work.context, env=env, log=log)

    def push() -> str:
        tagged = docker("image", "tag", ours, work.reference)
        if tagged.status:
            raise refusal(f"{work.reference} cannot be pushed: {tagged.words}")
        ran = docker("push", work.reference)
        _pushed(builder, work, ran)
        digests = _DIGEST.findall(ran.text)
        if not digests:
            raise refusal(f"{builder.name} does not say which digest it has pushed to {work.reference}")
        return str(digests[-1])

    before = docker("image", "inspect", "--format", "{{.Id}}", work.reference)
    theirs = before.text.strip() if before.status == 0 else ""
    labels = [word for name, value in work.labels.items() for word in ("--label", f"{name}={value}")]
    words = ["--file", str(work.context / work.file), "--iidfile", str(told), *labels]
    ran = docker("build", *words, str(work.context))
    if ran.status:
        raise programs.unsound(f"{work.reference} cannot be built", ran)
    ours = told.read_text(encoding="ascii").strip()
    try:
        yield push
    finally:
        with contextlib.suppress(ReleaseError):  # what went wrong before is what counts
            if theirs:
                docker("image", "tag", theirs, work.reference)
            else:
                docker("image", "rm", work.reference)
            if ours != theirs:
                docker("image", "rm", ours)  # fails where the last name was the last of it


def _pushed(builder: Builder, work: Work, ran: programs.Ran) -> None:
    """Go on if a push has ended well.

    Raises:
        ReleaseError: it has not (exit 2 or 7).
    """
    if ran.status:
        host = hosts.repository(work.reference.rpartition(":")[0]).host
        raise programs.not_pushed(work.reference, ran, f"{builder.name} login {host}")


# One line a builder, the preferred one first.
_BUILDERS: dict[str, Callable[[Builder, Work], AbstractContextManager[Push]]] = {
    "buildah": _with_store,
    "podman": _with_store,
    "docker": _with_daemon,
}
