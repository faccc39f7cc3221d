"""An outbox on its way into its MLflow run, and how far it got: to send twice changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from nemesis_sweep.files.atomic import replacing
from nemesis_sweep.files.sealed import DamagedError, read_object
from nemesis_sweep.tracking.limits import entity_name
from nemesis_sweep.tracking.outbox import CLOSE, FILES, METRICS, OPEN, Event, Outbox
from nemesis_sweep.tracking.runs import close, create, find, reopen
from nemesis_sweep.tracking.store import Tracking

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric

SENT = "outbox.sent.json"
"""Beside the outbox: the run that it went to, the sweep's run above that, and how many bytes were sent."""
PARENT_TAG = "mlflow.parentRunId"
STUDY_TAG = "nemesis.study"
TRIAL_TAG = "nemesis.trial"
# MLflow takes at most 1000 metrics a call.
MAX_METRICS = 1000


class Delivery:
    """Sends the outbox of a folder, from where the last one stopped.

    trial: its name, `STUDY/NUMBER`; '' for the sweep itself, whose run is there already. What was sent to
    another sweep's run, or to a run that is gone, is sent again from the beginning.
    """

    def __init__(self, folder: Path, tracking: Tracking, trial: str = "") -> None:
        self.trial = trial
        self.ended = False
        """Whether the last event that was sent ended the run."""
        self._tracking = tracking
        self._outbox = Outbox(folder)
        self._run_id, self._sent = self._position()
        self._is_there = not trial

    @property
    def waits(self) -> bool:
        """Whether something has not been sent yet."""
        return self._outbox.size != self._sent

    def send(self, client: MlflowClient) -> None:
        """Send what waits. Raises whatever MLflow raises; what was sent by then is sent once more."""
        if not self._is_there and self._run_id and not _exists(client, self._run_id):
            self._run_id, self._sent = "", 0
        self._is_there = True
        events, end = self._outbox.read(self._sent)
        metrics: list[Metric] = []
        for each in events:
            if each["event"] == METRICS:
                metrics += _metrics(each)
                continue
            if each["event"] != FILES:  # A call costs far more than what it carries.
                self._log(client, metrics)
                metrics = []
            self._apply(client, each)
        self._log(client, metrics)
        if events:
            self.ended = events[-1]["event"] == CLOSE
        self._keep(end)

    def _apply(self, client: MlflowClient, each: Event) -> None:
        if each["event"] == OPEN:
            self._open(client, each)
        elif each["event"] == FILES:
            for name in each["names"]:
                file = self._outbox.folder / name
                # A trial that is trained again has none for a while, and logs them anew.
                if file.is_file() and file.resolve().is_relative_to(self._outbox.folder.resolve()):
                    place = str(Path(each["place"] or "")).strip(".") or None
                    client.log_artifact(self._run(client, each), str(file), place)
        elif each["event"] == CLOSE:
            close(client, self._run(client, each), each["status"], each["reason"], each["time"])

    def _open(self, client: MlflowClient, each: Event) -> None:
        params, tags = each.get("params", {}), {**each.get("tags", {}), **self._marks}
        experiment = self._tracking.experiment_id
        # What was created while the answer was lost, or by a driver that died right then, is found again.
        found = client.get_run(self._run_id) if self._run_id else find(client, experiment, self._marks)
        if found is not None:
            self._run_id = reopen(client, found, params, tags)
            return
        study, _, number = self.trial.rpartition("/")
        self._run_id = create(client, experiment, f"{number} {study}", params, tags, each["time"])

    @property
    def _marks(self) -> dict[str, str]:
        """Tags by which the run of a trial is found; that of the sweep is known."""
        if not self.trial:
            return {}
        study = self.trial.rpartition("/")[0]
        return {PARENT_TAG: self._tracking.parent_run_id, STUDY_TAG: study, TRIAL_TAG: self.trial}

    def _run(self, client: MlflowClient, each: Event) -> str:
        """The run's id. It is opened with what is known where the event that did it was lost."""
        if not self._run_id:
            self._open(client, {"time": each["time"]})
        return self._run_id

    def _log(self, client: MlflowClient, metrics: list[Metric]) -> None:
        for start in range(0, len(metrics), MAX_METRICS):
            batch = metrics[start : start + MAX_METRICS]
            client.log_batch(self._run(client, {"time": batch[0].timestamp}), metrics=batch)

    def _position(self) -> tuple[str, int]:
        """The run and the bytes that were sent to it; of the sweep's own run as it is now."""
        own = "" if self.trial else self._tracking.parent_run_id
        try:
            known = read_object(self._outbox.folder / SENT)
            if known["parent"] == self._tracking.parent_run_id:
                return own or str(known["run"]), int(known["bytes"])
        except (DamagedError, ValueError, TypeError, KeyError, OverflowError):
            pass  # Nothing was sent, or it is not known what: then all is.
        return own, 0

    def _keep(self, end: int) -> None:
        self._sent = end
        position = {"parent": self._tracking.parent_run_id, "run": self._run_id, "bytes": end}
        with replacing(self._outbox.folder / SENT) as partial:
            partial.write_text(json.dumps(position) + "\n", encoding="utf-8")


def _exists(client: MlflowClient, run_id: str) -> bool:
    from mlflow.exceptions import MlflowException

    try:
        return bool(client.get_run(run_id).info.lifecycle_stage == "active")
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return False


def _metrics(each: Event) -> Iterable[Metric]:
    from mlflow.entities import Metric

    return [
        Metric(entity_name(name), float(value), each["time"], each["epoch"])
        for name, value in each["metrics"].items()
    ]
