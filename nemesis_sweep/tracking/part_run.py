"""One task of a joint trial in MLflow: its share of the trial's run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from nemesis_sweep.tracking.runs import Status
from nemesis_sweep.tracking.trial_run import TrialRun


class PartRun:
    """Writes into the run of the whole trial: metrics as `TASK/METRIC`, files below `KIND/TASK/`."""

    def __init__(self, run: TrialRun, task: str) -> None:
        self._run = run
        self._task = task

    def log_epoch(self, epoch: int, metrics: Mapping[str, float], *, wait: bool = False) -> None:
        """Log an epoch of this task, as :meth:`TrialRun.log_epoch` does."""
        self._run.log_epoch(epoch, self._named(metrics), wait=wait)

    def log_files(self, folder: Path, kind: str, also: Sequence[str] = ()) -> None:
        """Log what the task ended with, a `prompt` or a `reference`, as :meth:`TrialRun.log_files` does."""
        self._run.log_files(folder, kind, also, f"{kind}/{self._task}")

    def finish(self, status: Status, metrics: Mapping[str, float], *, epoch: int) -> None:
        """Log the task's final metrics; the run stays open, as other tasks follow."""
        self._run.log_final(epoch, self._named(metrics))

    def _named(self, metrics: Mapping[str, float]) -> dict[str, float]:
        return {f"{self._task}/{name}": value for name, value in metrics.items()}
