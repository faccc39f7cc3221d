"""What rows without a prompt cannot give where they are kinds of `method.prompt`."""

from __future__ import annotations

from collections.abc import Iterator

from nemesis_sweep.messages.faults import Fault, Path, listed, shown
from nemesis_sweep.spec.checks.prompts import CHOSEN
from nemesis_sweep.spec.cross_section import CrossSection
from nemesis_sweep.spec.expression import metrics_in
from nemesis_sweep.spec.kinds import is_row
from nemesis_sweep.spec.metrics import MEASURED

OF_TRAINING = tuple(name for name in MEASURED if name.startswith(("norm/", "train/", "pan/")))
"""Metrics that only what trains a prompt has."""


def row_faults(parts: CrossSection) -> Iterator[Fault]:
    """Yield objectives and constraints that a row does not measure, and views for epochs that it has not."""
    if "prompt" in parts.unsure:
        return
    kinds = list(dict.fromkeys(parts.possible("prompt")))
    rows = [kind for kind in kinds if is_row(kind)]
    if not rows:
        return
    yield from _not_measured(parts, rows)
    if rows == kinds and parts.unsure.isdisjoint({"views"}) and "epochs" in parts.possible("views"):
        allowed = "a number of views"
        message = f"{listed(rows)} has no epochs that could see new views"
        yield Fault(("method", "views"), message, shown("epochs"), allowed, related=CHOSEN)


def _not_measured(parts: CrossSection, rows: list[str]) -> Iterator[Fault]:
    if parts.search is None or not parts.unsure.isdisjoint({"search.objective", "search.constraints"}):
        return
    told = f"{listed(rows)} trains no prompt, so it measures no"
    for objective in parts.search.objective:
        if objective in OF_TRAINING:
            path: Path = ("search", "objective")
            yield Fault(path, f"{told} {objective}", "", "an accuracy, a loss or seconds", related=CHOSEN)
    for number, text in enumerate(parts.search.constraints):
        for name in metrics_in(text):
            if name in OF_TRAINING:
                path = ("search", "constraints", number)
                allowed = "conditions over accuracies, losses and seconds"
                yield Fault(path, f"{told} {name}", shown(text), allowed, related=CHOSEN)
