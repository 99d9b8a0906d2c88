"""The single steps as tasks: version, bump, propagate, changelog, scan, tag, build, publish."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from invoke.tasks import task

from release.tasks import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from invoke.context import Context

DRY_RUN = "show the diff and change nothing"


@task(
    auto_shortflags=False,
    help={
        "check": "exit 3 when a site disagrees with VERSION, naming file:line",
        "json": "print the facts as JSON",
        "next": "print the version that the commits since the last release ask for",
    },
)
def version(context: Context, check: bool = False, json: bool = False, next: bool = False) -> None:  # noqa: A002  # a flag's name
    """Show VERSION, every site and its value."""
    del context
    from release.tasks import reports  # noqa: PLC0415  # nothing is loaded for `invoke --list`

    reports.version(check=check, as_json=json, following=next)


@task(
    auto_shortflags=False,
    help={
        "version": "a version, or major minor patch alpha beta rc final dev next",
        "dry-run": DRY_RUN,
    },
)
def bump(context: Context, version: str, dry_run: bool = False) -> None:
    """Write VERSION and all managed sites in the working tree."""
    from release.steps import bump as step  # noqa: PLC0415
    from release.steps import working_tree  # noqa: PLC0415
    from release.tasks import face  # noqa: PLC0415

    with face.changing(context, dry_run=dry_run) as run, working_tree.opened(lambda: run.repository) as tree:
        run.carry_out(step.bump(tree, version, lock=run.lock), tree.objects)


@task(
    auto_shortflags=False,
    help={
        "check": "exit 3 when a site disagrees with VERSION, naming file:line",
        "commit": "commit HEAD plus the version literals, and nothing else",
        "tag": "with --commit: tag that commit, once the gates have passed it",
        "push": "with --commit: push the branch, and the tag with it, at once",
        "message": words.MESSAGE,
        "dry-run": DRY_RUN,
        "yes": words.YES,
    },
)
def propagate(
    context: Context,
    check: bool = False,
    commit: bool = False,
    tag: bool = False,
    push: bool = False,
    message: str = "",
    dry_run: bool = False,
    yes: bool = False,
) -> None:
    """Make every managed site agree with VERSION."""
    from release.steps import propagate as step  # noqa: PLC0415
    from release.steps import working_tree  # noqa: PLC0415
    from release.tasks import face, reports  # noqa: PLC0415

    if check:
        reports.version(check=True, as_json=False, following=False)
        return
    face.needs(commit, {"--tag": tag, "--push": push}, "--commit")
    with face.changing(context, dry_run=dry_run, yes=yes) as run, working_tree.opened(lambda: run.repository) as tree:
        plan = step.propagate(tree, committed=commit, lock=run.lock)
        if not (tag or push):
            run.carry_out(plan, tree.objects)
            return
        from release.flows import tagging  # noqa: PLC0415  # only this looks at remotes and gates
        from release.plan import typed  # noqa: PLC0415

        with run.look() as scene:
            plan = tagging.with_commit(scene, plan, tagged=tag, push=push, message=message)
            plan = replace(plan, task=typed("propagate", commit=True, tag=tag, push=push, message=message))
            run.carry_out(plan, scene.objects)


@task(
    auto_shortflags=False,
    help={
        "push": "push the tag, and the branch it is on where the remote lacks the commit",
        **words.TAGGING,
        "receipts": words.RECEIPTS,
        "dry-run": "show the tag and the push, and change nothing",
        "yes": words.YES,
    },
)
def tag(
    context: Context,
    push: bool = False,
    message: str = "",
    message_file: str = "",
    receipts: str = "",
    dry_run: bool = False,
    yes: bool = False,
) -> None:
    """Tag HEAD as the version that it holds, once the gates have passed it."""
    from release.flows import tagging  # noqa: PLC0415
    from release.plan import typed  # noqa: PLC0415
    from release.tasks import face  # noqa: PLC0415

    with face.changing(context, dry_run=dry_run, yes=yes, receipts=receipts) as run, run.look() as scene:
        plan = tagging.tag(scene, push=push, message=face.message(message, message_file))
        told = {"push": push, "message": message, "message_file": face.absolute(message_file)}
        plan = replace(plan, task=typed("tag", **told, receipts=str(run.receipts or "")))
        run.carry_out(plan, scene.objects)


@task(
    auto_shortflags=False,
    help={
        "all": "add a section for every released version that has none",
        "allow-empty": "write the section even when no commit asks for an entry",
        "dry-run": DRY_RUN,
    },
)
def changelog(context: Context, all: bool = False, allow_empty: bool = False, dry_run: bool = False) -> None:  # noqa: A002  # a flag's name
    """Write the section of the current version into the changelog."""
    from release.steps import section as step  # noqa: PLC0415
    from release.steps import working_tree  # noqa: PLC0415
    from release.tasks import face  # noqa: PLC0415

    with face.changing(context, dry_run=dry_run) as run, working_tree.opened(lambda: run.repository) as tree:
        run.carry_out(step.plan(tree, every=all, allow_empty=allow_empty, lock=run.lock), tree.objects)


@task(
    auto_shortflags=False,
    iterable=["gate"],
    help={
        "gate": "only this one of the configured gates; may be given several times",
        "fresh": "run all of them again, in new environments, whatever receipts are there",
        "json": "print the facts as JSON",
        "dry-run": "say which gates would run",
    },
)
def scan(
    context: Context,
    gate: Sequence[str] | None = None,
    fresh: bool = False,
    json: bool = False,
    dry_run: bool = False,
) -> None:
    """Run the gates on what HEAD has committed, where they have no receipt yet."""
    from release.tasks import scanning  # noqa: PLC0415  # nothing is loaded for `invoke --list`

    scanning.scan(gate or (), fresh=fresh, dry_run=dry_run or context.config.run.dry, as_json=json)


@task(auto_shortflags=False, help={"dry-run": "say what would be built"})
def build(context: Context, dry_run: bool = False) -> None:
    """Build sdist, wheel, SBOM, checksums and metadata from HEAD's tree into dist/."""
    from release.tasks import shipping  # noqa: PLC0415  # nothing is loaded for `invoke --list`

    shipping.build(context, dry_run=dry_run)


@task(
    auto_shortflags=False,
    help={
        "to": "only this publisher: index, image, chart or forge",
        "version": "the release (default: that of HEAD, or the last one that HEAD builds on)",
        "final": "publish the forge's draft, too",
        "dry-run": "look everywhere, and say what would be uploaded",
        "yes": words.YES,
    },
)
def publish(
    context: Context,
    to: str = "",
    version: str = "",
    final: bool = False,
    dry_run: bool = False,
    yes: bool = False,
) -> None:
    """Upload what was built for a tag: to the index, registries, and the forge as a draft."""
    from release.tasks import shipping  # noqa: PLC0415  # nothing is loaded for `invoke --list`

    shipping.publish(context, shipping.Wish(version, to=to, is_final=final), dry_run=dry_run, yes=yes)
