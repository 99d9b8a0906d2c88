"""The branches beside the release as tasks: hotfix, feature and support."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invoke.tasks import task

from release.tasks import words

if TYPE_CHECKING:
    from invoke.context import Context


@task(
    auto_shortflags=False,
    help={
        "name": "the branch's name (default: v and the version)",
        "from": "main, or the support branch to start from (default: the one you stand on, else main)",
        "push": words.PUSH,
        **words.CHANGING,
    },
)
def start_hotfix(
    context: Context,
    name: str = "",
    from_: str = "",
    push: bool = False,
    dry_run: bool = False,
    yes: bool = False,
) -> None:
    """Open a hotfix branch from main with the next free patch as VERSION."""
    from release.tasks import face  # noqa: PLC0415

    with face.changing(context, dry_run=dry_run, yes=yes, loads=["release.flows.opening"]) as run, run.look() as scene:
        from release.flows import opening  # noqa: PLC0415  # nothing is loaded for `invoke --list`

        run.carry_out(opening.hotfix(scene, name, from_, push=push), scene.objects)


@task(
    auto_shortflags=False,
    help={
        "name": words.NAME.format("hotfix"),
        "version": "release it as this version instead of the one it holds",
        **words.FINISHING,
    },
)
def finish_hotfix(
    context: Context,
    name: str = "",
    version: str = "",
    no_push: bool = False,
    keep: bool = False,
    message: str = "",
    message_file: str = "",
    pr: bool = False,
    commit: str = "",
    allow_empty: bool = False,
    receipts: str = "",
    publish: bool = False,
    dry_run: bool = False,
    yes: bool = False,
) -> None:
    """Merge a hotfix to main, tag it, merge it into newer open releases and develop, push all at once."""
    from release.tasks import face  # noqa: PLC0415

    with face.changing(context, dry_run=dry_run, yes=yes, loads=["release.flows.finish"], receipts=receipts) as run:
        told: dict[str, str | bool] = {
            "name": name,
            "version": version,
            "push": not no_push,
            "keep": keep,
            "message": face.message(message, message_file),
            "message_file": face.absolute(message_file),
            "pr": pr,
            "commit": commit,
            "allow_changed": True,
            "allow_empty": allow_empty,
            "receipts": str(run.receipts or ""),
            "publish": publish,
        }
        run.flow("hotfix.finish", told)


@task(auto_shortflags=False, help={"name": words.NAME.format("hotfix"), "remote": words.REMOTE, **words.CHANGING})
def drop_hotfix(
    context: Context, name: str = "", remote: bool = False, dry_run: bool = False, yes: bool = False
) -> None:
    """Delete an unfinished hotfix branch, after asking."""
    drop(context, "hotfix", name, remote=remote, dry_run=dry_run, yes=yes)


@task(auto_shortflags=False, help={"name": "the feature's name", "push": words.PUSH, **words.CHANGING})
def start_feature(context: Context, name: str, push: bool = False, dry_run: bool = False, yes: bool = False) -> None:
    """Open a feature branch from develop."""
    from release.tasks import face  # noqa: PLC0415

    with face.changing(context, dry_run=dry_run, yes=yes, loads=["release.flows.opening"]) as run, run.look() as scene:
        from release.flows import opening  # noqa: PLC0415

        run.carry_out(opening.feature(scene, name, push=push), scene.objects)


@task(
    auto_shortflags=False,
    help={
        "name": words.NAME.format("feature"),
        "no-push": words.NO_PUSH,
        "keep": words.KEEP,
        "pr": "push the branch for a pull request instead of merging it here",
        **words.CHANGING,
    },
)
def finish_feature(
    context: Context,
    name: str = "",
    no_push: bool = False,
    keep: bool = False,
    pr: bool = False,
    dry_run: bool = False,
    yes: bool = False,
) -> None:
    """Merge a feature into develop, push develop and delete the branch."""
    from release.tasks import face  # noqa: PLC0415

    with face.changing(context, dry_run=dry_run, yes=yes, loads=["release.flows.feature"]) as run:
        told: dict[str, str | bool] = {
            "name": name,
            "push": not no_push,
            "keep": keep,
            "pr": pr,
        }
        run.flow("feature.finish", told, features=True)


@task(auto_shortflags=False, help={"name": words.NAME.format("feature"), "remote": words.REMOTE, **words.CHANGING})
def drop_feature(
    context: Context, name: str = "", remote: bool = False, dry_run: bool = False, yes: bool = False
) -> None:
    """Delete an unmerged feature branch, after asking."""
    drop(context, "feature", name, remote=remote, dry_run=dry_run, yes=yes)


def drop(context: Context, group: str, name: str, *, remote: bool, dry_run: bool, yes: bool) -> None:
    """Delete a branch of a group of tasks, after asking: what each `drop` does."""
    from release.tasks import face  # noqa: PLC0415

    with (
        face.changing(context, dry_run=dry_run, yes=yes, loads=["release.flows.drop"]) as run,
        run.look(features=group == "feature") as scene,
    ):
        from release.flows import drop as flow  # noqa: PLC0415

        plan, loss = flow.drop(scene, group, name, remote=remote)
        run.carry_out(plan, scene.objects, question=loss)


@task(
    auto_shortflags=False,
    help={"line": "the line of versions: 1.9, or 1.x", "push": words.PUSH, **words.CHANGING},
)
def start_support(context: Context, line: str, push: bool = False, dry_run: bool = False, yes: bool = False) -> None:
    """Open the branch of an older line at its last release."""
    from release.tasks import face  # noqa: PLC0415

    with face.changing(context, dry_run=dry_run, yes=yes, loads=["release.flows.opening"]) as run, run.look() as scene:
        from release.flows import opening  # noqa: PLC0415

        run.carry_out(opening.support(scene, line, push=push), scene.objects)


# Collections by name, and their tasks by the name that they have there.
GROUPS = {
    "hotfix": {"start": start_hotfix, "finish": finish_hotfix, "drop": drop_hotfix},
    "feature": {"start": start_feature, "finish": finish_feature, "drop": drop_feature},
    "support": {"start": start_support},
}
