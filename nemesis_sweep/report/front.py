"""Which rows may be the best of their study, and which of them nothing beats."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nemesis_sweep.spec.baselines import trains_prompt
from nemesis_sweep.spec.metrics import direction
from nemesis_sweep.spec.sweep import MEAN
from nemesis_sweep.sweep.front import pareto_front

Row = Mapping[str, Any]


def measured(row: Row, metric: str) -> float | None:
    """Return a metric's mean over replicates, None where it was not measured or is not finite."""
    value = row.get("seconds") if metric == "seconds" else (row.get("metrics") or {}).get(metric)
    return float(value) if value is not None and math.isfinite(value) else None


def trained(rows: Iterable[Row], objectives: Sequence[str]) -> list[Row]:
    """Return the trained trials that are complete with every objective; zero-shot trains nothing."""
    return [
        row
        for row in rows
        if row.get("state", "COMPLETE") == "COMPLETE"
        and trains_prompt(row.get("baseline"))
        and all(measured(row, metric) is not None for metric in objectives)
    ]


def front_of(rows: Iterable[Row], objectives: Sequence[str]) -> list[Row]:
    """Return the rows of one study that no other beats, the best by the first objective first.

    Candidates are trained trials that keep every constraint. Of one objective: the best, and its equals.
    """
    candidates = [row for row in trained(rows, objectives) if not row.get("broken")]
    values = [[measured(row, metric) or 0.0 for metric in objectives] for row in candidates]
    return [candidates[place] for place in pareto_front(values, [direction(name) for name in objectives])]


def mark_front(rows: Sequence[Row], objectives: Sequence[str]) -> list[dict[str, Any]]:
    """Return the rows with `front`: whether no other trial of the same study beats this one."""
    by_study: dict[str, list[Row]] = {}
    for row in rows:
        by_study.setdefault(str(row["study"]), []).append(row)
    on_front = {
        (study, row["number"])
        for study, group in by_study.items()
        # A joint trial is judged by its means, whatever it reached on one of the tasks.
        for row in front_of([row for row in group if row.get("task") == MEAN] or group, objectives)
    }
    return [{**row, "front": (str(row["study"]), row["number"]) in on_front} for row in rows]
