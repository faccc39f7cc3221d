"""An outbox on its way into its MLflow run, and how far it got: to send twice changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from nemesis_sweep.files.atomic import replacing
from nemesis_sweep.files.sealed import DamagedError, read_object
from nemesis_sweep.spec.values import Values
from nemesis_sweep.tracking.artifacts import put_artifact
from nemesis_sweep.tracking.experiment import describe
from nemesis_sweep.tracking.limits import entity_name
from nemesis_sweep.tracking.models import READY, Winner, begin_model, finish_model, models_of
from nemesis_sweep.tracking.outbox import BEST, CLOSE, FILES, METRICS, OPEN, TAGS, VIEWS, Event, Outbox
from nemesis_sweep.tracking.runs import NAME_TAG, NOTE_TAG, REASON_TAG, close, create, find, log, reopen
from nemesis_sweep.tracking.store import Tracking
from nemesis_sweep.tracking.sweep_run import TRIALS
from nemesis_sweep.tracking.views import BEST_TAG, View

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Run

SENT = "outbox.sent.json"
"""Beside the outbox: the run that it went to, the sweep's run above that, and how many bytes were sent."""
PARENT_TAG = "mlflow.parentRunId"
STUDY_TAG = "nemesis.study"
TRIAL_TAG = "nemesis.trial"
STATE_TAG = "state"
"""Of a trial, in Optuna's words: a pruned one is FINISHED for MLflow, whose cross stands for failures."""
STATES = {"FINISHED": "COMPLETE", "FAILED": "FAIL", "KILLED": "INTERRUPTED"}
"""What a status says of a trial of which no more is known."""
RUN = "RUN_ID_OF_THIS"
"""In a description: the id of the run, which is known only when it is sent."""
# MLflow takes at most 1000 entries a call, tags and 100 parameters among them.
MAX_METRICS = 800


class Batch:
    """What is sent together between two openings of a run: a call costs far more than what it carries.

    params: of a run that was just created. last: the event that ends the run.
    """

    def __init__(self, params: Values | None = None) -> None:
        self.params = params or {}
        self.metrics: list[Metric] = []
        self.tags: dict[str, str] = {}
        self.last: Event | None = None
        self.began: int | None = None
        """When what is first in it happened."""

    def takes(self, each: Event, is_trial: bool) -> bool:
        """Take an event; False for one that is not gathered."""
        kind = each["event"]
        if kind == METRICS:
            self.metrics += _metrics(each)
        elif kind == TAGS:
            self.tags |= _told(each)
        elif kind == CLOSE:
            self.last = each
            self.tags |= _ending(each, is_trial)
        else:
            return False
        self.began = self.began or each["time"]
        return True


class Delivery:
    """Sends the outbox of a folder, from where the last one stopped.

    trial: its name, `STUDY/NUMBER`; '' for the sweep itself, whose run is there already. What was sent to
    another sweep's run, or to a run that is gone, is sent again from the beginning. new: nobody can have sent
    anything of it before: its run is created without asking for it.
    """

    def __init__(self, folder: Path, tracking: Tracking, trial: str = "", new: bool = False) -> None:
        self.trial = trial
        self.ended = False
        """Whether the last event that was sent ended the run."""
        self._tracking = tracking
        self._outbox = Outbox(folder)
        self._run_id, self._sent = self._position()
        self._artifacts = ""
        self._is_there = not trial
        self._is_new = new

    @property
    def waits(self) -> bool:
        """Whether something has not been sent yet."""
        return self._outbox.size != self._sent

    def send(self, client: MlflowClient) -> None:
        """Send what waits. Raises whatever MLflow raises; what was sent by then is sent once more."""
        if not self._is_there and self._run_id:
            run = _active(client, self._run_id)
            if run is None:
                self._run_id, self._sent = "", 0
            else:
                self._artifacts = str(run.info.artifact_uri)
        self._is_there = True
        events, end = self._outbox.read(self._sent)
        batch = Batch()
        for each in events:
            if each["event"] == OPEN:
                self._log(client, batch)
                batch = Batch(self._open(client, each))
            elif not batch.takes(each, is_trial=bool(self.trial)):
                self._do(client, each)
        self._log(client, batch)
        if any(each["event"] in (OPEN, CLOSE) for each in events):
            self.ended = batch.last is not None
        self._keep(end)

    def _do(self, client: MlflowClient, each: Event) -> None:
        """Do what is asked for by an event that is not gathered."""
        if each["event"] == FILES:
            self._send_files(client, each)
        elif each["event"] == VIEWS:
            views = [View.from_plain(view) for view in each["views"]]
            describe(client, self._tracking, views, each["note"])
        elif each["event"] == BEST:
            self._mark(client, each)

    def _send_files(self, client: MlflowClient, each: Event) -> None:
        for name in each["names"]:
            file = self._outbox.folder / name
            # A trial that is trained again has none for a while, and logs them anew.
            if file.is_file() and file.resolve().is_relative_to(self._outbox.folder.resolve()):
                place = str(Path(each["place"] or "")).strip(".") or None
                put_artifact(client, self._run(client, each), self._artifacts, file, place)

    def _mark(self, client: MlflowClient, each: Event) -> None:
        """Tell the best trials of all studies from those that were it before, and make them models."""
        place = self._outbox.folder / TRIALS
        for name in each["former"]:
            if run := sent_to(place / name):
                log(client, run, tags={BEST_TAG: ""})
        winners = [Winner.from_plain(winner) for winner in each["winners"]]
        runs = {winner.trial: run for winner in winners if (run := sent_to(place / winner.trial))}
        experiment = self._tracking.experiment_id
        known = models_of(client, experiment, list(runs.values())) if runs else None
        for winner in winners:
            if winner.trial in runs:
                run = runs[winner.trial]
                model = None
                if known is not None:
                    model = known.get(run) or begin_model(client, experiment, run, winner)
                if model is None or model.status == READY:
                    log(client, run, tags={BEST_TAG: "yes"})
                else:
                    finish_model(client, model, winner, Outbox(place / winner.trial), {BEST_TAG: "yes"})

    def _open(self, client: MlflowClient, each: Event) -> Values:
        """Begin or continue the run; the parameters that are still to be logged."""
        params, tags = each.get("params", {}), {**each.get("tags", {}), **self._marks}
        name = each.get("name", "")
        experiment = self._tracking.experiment_id
        # What was created while the answer was lost, or by a driver that died right then, is found again.
        found = client.get_run(self._run_id) if self._run_id else self._found(client)
        if found is not None:
            renamed = {NAME_TAG: name} if name else {}
            reopen(client, found, params, {**tags, **renamed})
            params = {}
        else:
            study, _, number = self.trial.rpartition("/")
            found = create(client, experiment, name or f"{number} {study}", tags, each["time"])
        self._run_id, self._artifacts = str(found.info.run_id), str(found.info.artifact_uri)
        return params

    def _found(self, client: MlflowClient) -> Run | None:
        """The trial's run of which no answer told; of a new trial there is none until one was asked for."""
        new, self._is_new = self._is_new, False
        return None if new else find(client, self._tracking.experiment_id, self._marks)

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

    def _log(self, client: MlflowClient, batch: Batch) -> None:
        """Send metrics with parameters and tags, then the end of the run where there is one."""
        metrics, tags, last = batch.metrics, batch.tags, batch.last
        if metrics or tags or batch.params:
            run = self._run(client, {"time": batch.began})
            if NOTE_TAG in tags:
                tags = {**tags, NOTE_TAG: tags[NOTE_TAG].replace(RUN, run)}
            log(client, run, metrics[:MAX_METRICS], tags, batch.params)
        for start in range(MAX_METRICS, len(metrics), MAX_METRICS):
            log(client, self._run_id, metrics[start : start + MAX_METRICS])
        if last is not None:
            close(client, self._run(client, last), last["status"], last["time"])

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


def sent_to(folder: Path) -> str:
    """The id of the run that a folder's outbox went to; '' where it went nowhere yet."""
    try:
        return str(read_object(folder / SENT).get("run", ""))
    except (DamagedError, AttributeError):
        return ""


def _active(client: MlflowClient, run_id: str) -> Run | None:
    """The run; None where there is none any more, or a deleted one."""
    from mlflow.exceptions import MlflowException

    try:
        run = client.get_run(run_id)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return None
    return run if run.info.lifecycle_stage == "active" else None


def _ending(each: Event, is_trial: bool) -> dict[str, str]:
    """What the end of a run makes known of it."""
    why = {REASON_TAG: each["reason"]} if each["reason"] else {}
    state = str(each.get("state") or STATES.get(each["status"], each["status"]))
    return {**why, STATE_TAG: state} if is_trial else why


def _told(each: Event) -> dict[str, str]:
    """The tags of an event, the name and the description of the run among them."""
    named = {NAME_TAG: each.get("name", ""), NOTE_TAG: each.get("note", "")}
    return {**each["tags"], **{key: value for key, value in named.items() if value}}


def _metrics(each: Event) -> Iterable[Metric]:
    from mlflow.entities import Metric

    return [
        Metric(entity_name(name), float(value), each["time"], each["epoch"])
        for name, value in each["metrics"].items()
    ]
