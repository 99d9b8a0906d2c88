"""The recipes of Git Flow, each as it reads in the documentation."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from release.flows.situation import Situation
    from release.plan import Plan

# Flows that merge, and so can stop at a conflict and be planned again: the task's name → module and function.
_MERGING = {
    "release.finish": ("release.flows.finish", "finish"),
    "hotfix.finish": ("release.flows.finish", "finish"),
    "feature.finish": ("release.flows.feature", "finish"),
}


def planned(scene: Situation, flow: str, options: Mapping[str, Any], resolutions: Mapping[str, str]) -> Plan:
    """Plan a flow that merges, by the options that its task was given; `resolutions` are those of earlier conflicts.

    Raises:
        ReleaseError: as the flow.
    """
    name, function = _MERGING[flow]
    module = importlib.import_module(name)
    plan: Plan = getattr(module, function)(scene, module.Wish(flow=flow, **options), resolutions)
    return plan
