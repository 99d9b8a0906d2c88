"""The Invoke face: parse, plan, show, ask, apply. What a task does stands in flows and steps."""

from __future__ import annotations

from invoke.collection import Collection

from release.tasks import branches, flow, steps


def collection() -> Collection:
    """Return all tasks, as `tasks.py` exposes them."""
    root = Collection()
    for step in (
        steps.version,
        steps.bump,
        steps.propagate,
        steps.changelog,
        steps.scan,
        steps.build,
        steps.tag,
        steps.publish,
    ):
        root.add_task(step)
    releases = Collection("release")
    for part in (
        flow.prepare,
        flow.candidate,
        flow.finish,
        flow.drop,
        flow.status,
        flow.check,
        flow.config,
        flow.verify,
        flow.resume,
        flow.abort,
        flow.rehearse,
    ):
        releases.add_task(part)
    root.add_collection(releases)
    for name, parts in branches.GROUPS.items():
        group = Collection(name)
        for verb, part in parts.items():
            group.add_task(part, name=verb)
        root.add_collection(group)
    return root
