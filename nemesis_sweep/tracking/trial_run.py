"""One trial in MLflow: the child run that a worker writes, and continues after a crash."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nemesis_sweep.tracking.client import connect
from nemesis_sweep.tracking.limits import entity_name
from nemesis_sweep.tracking.runs import Status, close, create, find, reopen
from nemesis_sweep.tracking.store import Tracking

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Run

PARENT_TAG = "mlflow.parentRunId"
STUDY_TAG = "nemesis.study"
TRIAL_TAG = "nemesis.trial"
PROMPT_FILES = ("prompt.safetensors", "prompt.json")
PROMPT_FOLDER = "prompt"
# MLflow takes at most 1000 metrics a call; a trial has a handful.
MAX_METRICS = 1000


class TrialRun:
    """The MLflow run of one trial, `STUDY/NUMBER` below the sweep's run.

    Uses only its own client: nothing is left behind in a worker that goes on to another trial.
    """

    def __init__(
        self, client: MlflowClient, run_id: str, logged: Mapping[str, Mapping[int, float]] | None = None
    ) -> None:
        """Wrap an open run; `logged` is what it already holds: metric -> step -> value."""
        self._client = client
        self.run_id = run_id
        self._logged = {name: dict(steps) for name, steps in (logged or {}).items()}
        self._waiting: list[Metric] = []

    @classmethod
    def open(
        cls,
        tracking: Tracking,
        study: str,
        number: str,
        params: Mapping[str, Any],
        tags: Mapping[str, Any],
    ) -> TrialRun:
        """Continue the trial's run if it exists (whatever state it was left in), else create it.

        params: values of any kind; over-long ones are cut with a mark. tags: `nemesis.baseline`, `dataset`,
        `shots`, `backbone`; parent, name, study and trial are added here.
        """
        client = connect(tracking.uri)
        trial = f"{study}/{number}"
        marks = {**tags, PARENT_TAG: tracking.parent_run_id, STUDY_TAG: study, TRIAL_TAG: trial}
        found = _find(client, tracking, trial)
        if found is None:
            return cls(client, create(client, tracking.experiment_id, f"{number} {study}", params, marks))
        return cls(client, reopen(client, found, params, marks), _history(client, found))

    @property
    def last_epoch(self) -> int:
        """The highest epoch logged so far, 0 if there is none."""
        return max((step for steps in self._logged.values() for step in steps), default=0)

    def log_epoch(self, epoch: int, metrics: Mapping[str, float], *, wait: bool = False) -> None:
        """Log an epoch's metrics; what is already logged for this epoch is left as it is.

        A call costs some 20 ms on SQLite however much it carries. wait: keep the metrics until the next call
        without `wait` (make that one before a checkpoint, or a crash leaves a gap) and send all in one.
        """
        self._add(
            epoch,
            {
                name: value
                for name, value in metrics.items()
                if epoch not in self._logged.get(entity_name(name), {})
            },
        )
        if not wait:
            self._send()

    def log_prompt(self, folder: Path, place: str = PROMPT_FOLDER) -> None:
        """Log `prompt.safetensors` and `prompt.json` of a trial's folder as artifacts below `place`.

        Logged again they replace the former ones. Raises FileNotFoundError if one is missing.
        """
        for name in PROMPT_FILES:
            if not (folder / name).is_file():
                raise FileNotFoundError(folder / name)
            self._client.log_artifact(self.run_id, str(folder / name), place)

    def finish(
        self,
        status: Status,
        metrics: Mapping[str, float] | None = None,
        reason: str = "",
        *,
        epoch: int | None = None,
    ) -> None:
        """Log the final metrics at `epoch` (default: the last one logged) and end the run."""
        self.log_final(self.last_epoch if epoch is None else epoch, metrics or {})
        close(self._client, self.run_id, status, reason)

    def log_final(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Log metrics that differ from those logged for that epoch and take their place as the latest."""
        self._add(
            epoch,
            {
                name: value
                for name, value in metrics.items()
                if self._logged.get(entity_name(name), {}).get(epoch) != float(value)
            },
        )
        self._send()

    def _add(self, step: int, metrics: Mapping[str, float]) -> None:
        from mlflow.entities import Metric

        now = time.time_ns() // 1_000_000
        for name, value in metrics.items():
            metric = Metric(entity_name(name), float(value), now, step)
            self._waiting.append(metric)
            self._logged.setdefault(metric.key, {})[step] = metric.value

    def _send(self) -> None:
        while self._waiting:
            self._client.log_batch(self.run_id, metrics=self._waiting[:MAX_METRICS])
            del self._waiting[:MAX_METRICS]


def close_trial(tracking: Tracking, study: str, number: str, status: Status, reason: str = "") -> bool:
    """End the run of a trial whose worker cannot do it (it died); False if the trial has no run.

    A run that has already ended stays as it is.
    """
    client = connect(tracking.uri)
    found = _find(client, tracking, f"{study}/{number}")
    if found is None:
        return False
    if found.info.status == "RUNNING":
        close(client, found.info.run_id, status, reason)
    return True


def _find(client: MlflowClient, tracking: Tracking, trial: str) -> Run | None:
    return find(client, tracking.experiment_id, {TRIAL_TAG: trial, PARENT_TAG: tracking.parent_run_id})


def _history(client: MlflowClient, run: Run) -> dict[str, dict[int, float]]:
    """Return metric -> step -> latest value of everything a run has logged."""
    return {
        name: {
            metric.step: metric.value
            for metric in sorted(
                client.get_metric_history(run.info.run_id, name), key=lambda metric: metric.timestamp
            )
        }
        for name in run.data.metrics
    }
