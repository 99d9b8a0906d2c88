"""The release as tasks: prepare, drop, status, check, config, verify, resume, abort, rehearse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invoke.tasks import task

from release.tasks import branches, words

if TYPE_CHECKING:
    from invoke.context import Context

    from release.flows.situation import Situation
    from release.plan import Plan


@task(
    auto_shortflags=False,
    help={
        "version": words.VERSION_OR_PART,
        "push": words.PUSH,
        "pr": "push the new branch, and open a pull request of it into main",
        "allow-empty": words.ALLOW_EMPTY,
        **words.CHANGING,
    },
)
def prepare(
    context: Context,
    version: str,
    push: bool = False,
    pr: bool = False,
    allow_empty: bool = False,
    dry_run: bool = False,
    yes: bool = False,
) -> None:
    """Open release/vX.Y.Z from develop: VERSION, sites and changelog in one commit."""
    from release.tasks import face  # noqa: PLC0415

    with face.changing(context, dry_run=dry_run, yes=yes, loads=["release.flows.prepare"]) as run, run.look() as scene:
        from release.flows import prepare as flow  # noqa: PLC0415  # nothing is loaded for `invoke --list`

        plan = flow.prepare(scene, version, push=push, allow_empty=allow_empty, pr=pr)
        run.carry_out(plan, scene.objects)


@task(
    auto_shortflags=False,
    help={
        "version": words.RELEASE,
        "allow-changed": "release although the branch has changed since its last candidate",
        **words.FINISHING,
    },
)
def finish(
    context: Context,
    version: str = "",
    no_push: bool = False,
    keep: bool = False,
    message: str = "",
    message_file: str = "",
    pr: bool = False,
    commit: str = "",
    allow_changed: bool = False,
    allow_empty: bool = False,
    receipts: str = "",
    publish: bool = False,
    dry_run: bool = False,
    yes: bool = False,
) -> None:
    """Merge a release to main, tag it, merge back, push all at once, and delete the branch."""
    from release.tasks import face  # noqa: PLC0415

    with face.changing(context, dry_run=dry_run, yes=yes, loads=["release.flows.finish"], receipts=receipts) as run:
        told: dict[str, str | bool] = {
            "name": version,
            "push": not no_push,
            "keep": keep,
            "message": face.message(message, message_file),
            "message_file": face.absolute(message_file),
            "pr": pr,
            "commit": commit,
            "allow_changed": allow_changed,
            "allow_empty": allow_empty,
            "receipts": str(run.receipts or ""),
            "publish": publish,
        }
        run.flow("release.finish", told)


@task(
    auto_shortflags=False,
    help={
        "phase": "alpha, beta or rc (default: the one VERSION is in, or rc)",
        "version": words.RELEASE,
        "no-push": words.NO_PUSH,
        "message": words.MESSAGE,
        "allow-empty": words.ALLOW_EMPTY,
        "receipts": words.RECEIPTS,
        **words.CHANGING,
    },
)
def candidate(
    context: Context,
    phase: str = "",
    version: str = "",
    no_push: bool = False,
    message: str = "",
    allow_empty: bool = False,
    receipts: str = "",
    dry_run: bool = False,
    yes: bool = False,
) -> None:
    """Tag the next alpha, beta or rc on the open release branch."""
    from release.tasks import face  # noqa: PLC0415

    with face.changing(context, dry_run=dry_run, yes=yes, loads=["release.flows.candidate"], receipts=receipts) as run:
        face.word(phase, ("", "alpha", "beta", "rc"), "phase")

        def make(scene: Situation) -> Plan:
            from release.flows import candidate as flow  # noqa: PLC0415  # after git was set to work

            wish = flow.Wish(
                name=version,
                phase=phase,
                push=not no_push,
                message=message,
                allow_empty=allow_empty,
                receipts=str(run.receipts or ""),
            )
            return flow.candidate(scene, wish)

        run.numbered(make)


@task(
    auto_shortflags=False,
    help={
        "name": "the release: 1.1.0, v1.1.0 or the branch's name (default: the current or the only one)",
        "remote": words.REMOTE,
        **words.CHANGING,
    },
)
def drop(context: Context, name: str = "", remote: bool = False, dry_run: bool = False, yes: bool = False) -> None:
    """Delete an unfinished release branch, after asking."""
    branches.drop(context, "release", name, remote=remote, dry_run=dry_run, yes=yes)


@task(auto_shortflags=False, help={"json": "print the facts as JSON"})
def status(context: Context, json: bool = False) -> None:  # a flag's name
    """Show where the release stands and the next command."""
    del context
    from release.tasks import reports  # noqa: PLC0415

    reports.status(as_json=json)


@task(auto_shortflags=False, help={"version": "the version or part to be released (default: next)"})
def check(context: Context, version: str = "next") -> None:
    """Show every problem that a release would meet, at once; exit 3 if there is one."""
    del context
    from release.tasks import reports  # noqa: PLC0415

    reports.check(version)


@task(auto_shortflags=False, help={"json": "print the facts as JSON", "schema": "print the JSON Schema instead"})
def config(context: Context, json: bool = False, schema: bool = False) -> None:  # a flag's name
    """Show the effective configuration and where each value comes from."""
    del context
    from release.tasks import reports  # noqa: PLC0415

    reports.config(as_json=json, schema=schema)


@task(auto_shortflags=False, help={"version": "the release", "json": "print the facts as JSON"})
def verify(context: Context, version: str, json: bool = False) -> None:  # a flag's name
    """Download what was published and check digests, signatures, provenance, and that it installs."""
    from release.tasks import shipping  # noqa: PLC0415

    shipping.verify(context, version, as_json=json)


@task(auto_shortflags=False, help={"dry-run": "show what it would do and change nothing"})
def resume(context: Context, dry_run: bool = False) -> None:
    """Complete what was interrupted, whichever task it was."""
    from release.tasks import recovery  # noqa: PLC0415

    recovery.resume(dry_run=dry_run or context.config.run.dry)


@task(auto_shortflags=False, help={"dry-run": "show what it would do and change nothing"})
def abort(context: Context, dry_run: bool = False) -> None:
    """Undo what was interrupted, as long as nothing was pushed."""
    from release.tasks import recovery  # noqa: PLC0415

    recovery.abort(dry_run=dry_run or context.config.run.dry)


@task(
    auto_shortflags=False,
    help={
        "version": words.VERSION_OR_PART,
        "keep": "keep the throw-away folder and say where it is",
    },
)
def rehearse(context: Context, version: str, keep: bool = False) -> None:
    """Rehearse the release in a throw-away clone with its own remote; nothing else is touched."""
    del context
    from release.flows import rehearse as flow  # noqa: PLC0415
    from release.tasks import face, rehearsing  # noqa: PLC0415

    with face.ending() as repository:
        flow.rehearse(repository(), version, keep=keep, play=rehearsing.play)
