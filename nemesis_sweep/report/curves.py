"""Metrics of trials by epoch, read from what was told to MLflow: no MLflow, no torch, no server."""

from __future__ import annotations

from pathlib import Path

from nemesis_sweep.spec.sweep import JOINT
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.tracking.outbox import METRICS, Outbox

Curve = list[tuple[int, float]]
"""Epochs, and the mean over the replicates after each."""


def curves_of(home: Path, study: str, number: str, task: str = "") -> dict[str, Curve]:
    """Every metric of a trial, by epoch; empty where nothing was told. task: of a joint trial's.

    Of an epoch that was told twice, as after a crash, the later value counts. `test/` metrics, which are
    measured once, have one point, at the last epoch.
    """
    events, _ = Outbox(Home(home).trial(study, number)).read()
    mark = f"{task}/" if study == JOINT else ""
    found: dict[str, dict[int, float]] = {}
    for each in events:
        for name, value in each["metrics"].items() if each["event"] == METRICS else ():
            if name.startswith(mark):
                found.setdefault(name.removeprefix(mark), {})[each["epoch"]] = float(value)
    return {name: sorted(values.items()) for name, values in found.items()}
