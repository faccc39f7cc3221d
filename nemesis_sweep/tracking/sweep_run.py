"""The sweep's own MLflow run, and the trials below it that nobody works on any more."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from nemesis_sweep.tracking.client import connect
from nemesis_sweep.tracking.limits import entity_name
from nemesis_sweep.tracking.runs import Status, close
from nemesis_sweep.tracking.store import Tracking
from nemesis_sweep.tracking.trial_run import PARENT_TAG, TRIAL_TAG

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

PAGE = 1000
# What a trial's end in Optuna means for its run.
STATUS: Mapping[str, Status] = {"COMPLETE": "FINISHED", "PRUNED": "KILLED", "FAIL": "FAILED"}


def finish_sweep(
    tracking: Tracking, status: Status, metrics: Mapping[str, float] | None = None, reason: str = ""
) -> None:
    """Log summary metrics (`best/TASK`, counts, seconds) on the sweep's run and end it."""
    from mlflow.entities import Metric

    client = connect(tracking.uri)
    now = time.time_ns() // 1_000_000
    batch = [Metric(entity_name(name), float(value), now, 0) for name, value in (metrics or {}).items()]
    for start in range(0, len(batch), PAGE):
        client.log_batch(tracking.parent_run_id, metrics=batch[start : start + PAGE])
    close(client, tracking.parent_run_id, status, reason)


def log_files(tracking: Tracking, files: Iterable[Path], folder: str | None = None) -> None:
    """Put files (sweep.yaml, environment.json, episodes) beside the sweep's run, or in a folder there."""
    client = connect(tracking.uri)
    for file in files:
        client.log_artifact(tracking.parent_run_id, str(file), folder)


def close_stale(
    tracking: Tracking,
    running: Collection[str],
    ended: Mapping[str, str] | None = None,
    reason: str = "the sweep stopped while this trial was running",
) -> list[str]:
    """End the trial runs that are RUNNING in MLflow though nobody works on them; returns their names, sorted.

    running: the trials (`STUDY/NUMBER`) that are running or will be continued; they are left alone.
    ended: the state (COMPLETE, PRUNED, FAIL) of trials that Optuna knows to be over, so that a run whose
    worker died just before closing it ends as what it was. Any other stale run is KILLED with `reason`.
    """
    client = connect(tracking.uri)
    closed = []
    for run in _running_children(client, tracking):
        trial = run.data.tags.get(TRIAL_TAG, run.info.run_name)
        if trial in running:
            continue
        state = (ended or {}).get(trial, "")
        close(client, run.info.run_id, STATUS.get(state, "KILLED"), "" if state == "COMPLETE" else reason)
        closed.append(str(trial))
    return sorted(closed)


def _running_children(client: MlflowClient, tracking: Tracking) -> Iterator[Run]:
    """Yield the runs below the sweep that are RUNNING; all pages are read before the first is changed."""
    query = f"tags.`{PARENT_TAG}` = '{tracking.parent_run_id}' and attributes.status = 'RUNNING'"
    runs: list[Run] = []
    token = None
    while True:
        page = client.search_runs([tracking.experiment_id], query, max_results=PAGE, page_token=token)
        runs.extend(page)
        token = page.token
        if not token:
            return iter(runs)
