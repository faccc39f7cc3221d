"""What is measured of a trial, by name."""

from __future__ import annotations

from typing import Literal, get_args

Metric = Literal["val/accuracy", "val/loss", "test/accuracy", "test/loss", "norm/mean", "seconds"]
"""What a sweep can optimise; `seconds` is the time that a trial trains, all its replicates together."""

Direction = Literal["maximize", "minimize"]

MEASURED: tuple[str, ...] = (
    *get_args(Metric),
    *("train/accuracy", "train/loss", "train/cross_entropy", "pan/selected"),
)
"""What a constraint may speak of: means over replicates at the end of a trial."""


def direction(metric: str) -> Direction:
    """Return Optuna's name for what is better: more accuracy, less of everything else."""
    return "maximize" if metric.endswith("accuracy") else "minimize"
