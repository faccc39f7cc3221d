"""Whether the factor on cosines that a sweep file gives has a backbone that takes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from nemesis_sweep.messages.faults import Fault, shown
from nemesis_sweep.spec.cross_section import CrossSection


def scale_faults(parts: CrossSection, stores_scale: Callable[[str], bool]) -> Iterator[Fault]:
    """Yield the factor where every backbone has one of its own. stores_scale: whether one has."""
    tasks = parts.tasks
    if tasks is None or tasks.logit_scale is None or "tasks.backbone" in parts.unsure:
        return
    if all(map(stores_scale, tasks.backbone)):
        message = "every backbone here has a logit_scale of its own in its weights"
        allowed = "without it, or a backbone that stores none, such as BLIP"
        yield Fault(("tasks", "logit_scale"), message, shown(tasks.logit_scale), allowed)
