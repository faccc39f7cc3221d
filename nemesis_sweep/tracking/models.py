"""The best trial of a study as a model in MLflow, with its metrics on two named datasets.

On which of them it was chosen is the context of the dataset, `validation (chosen on)`, and so in the run's
inputs, too. The prompt itself is an artifact of the trial's run: the model is an external one.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nemesis_sweep.spec.values import Values
from nemesis_sweep.tracking.artifacts import folder_of
from nemesis_sweep.tracking.limits import cut, text_of
from nemesis_sweep.tracking.outbox import METRICS, Event, Outbox
from nemesis_sweep.tracking.runs import log

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import DatasetInput, LoggedModel, Metric

KIND = "soft-prompt"
READY = "READY"
CHOSEN, NEVER = "validation (chosen on)", "test (never chosen on)"
CONTEXT = "mlflow.data.context"
LONGEST = 500
"""Characters of a model's parameter."""
AT_ONCE = 100
"""Models that MLflow gives to one question."""
# An older server has no models: a run without one is all that it can show.
WITHOUT_MODELS = {"ENDPOINT_NOT_FOUND", "NOT_IMPLEMENTED", "FEATURE_DISABLED"}


@dataclass(frozen=True)
class NamedData:
    """Images on which metrics were measured. name, digest: of MLflow's dataset, the digest of which images
    they are. context: what they were used for. count: of images. source: the record that lists them.
    metrics: the names of those that were measured on them."""

    name: str
    digest: str
    context: str
    count: int
    source: str
    metrics: tuple[str, ...]


@dataclass(frozen=True)
class Winner:
    """A trial (`STUDY/NUMBER`) that is the best of its study, and what it is as a model."""

    trial: str
    name: str
    params: Values
    data: tuple[NamedData, ...] = ()

    def to_plain(self) -> dict[str, Any]:
        """A dictionary of plain values."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: Values) -> Winner:
        """What :meth:`to_plain` made."""
        data = tuple(NamedData(**{**each, "metrics": tuple(each["metrics"])}) for each in plain["data"])
        return cls(plain["trial"], plain["name"], plain["params"], data)


def model_name(study: str) -> str:
    """A study's name as MLflow's models may be called: its registry refuses some characters."""
    return re.sub(r"[/:.%\"']", "-", study)


def models_of(
    client: MlflowClient, experiment_id: str, run_ids: Sequence[str]
) -> dict[str, LoggedModel] | None:
    """The models that some runs are already, by run; None where a server knows no models.

    Raises whatever else MLflow raises.
    """
    from mlflow.exceptions import MlflowException

    found: dict[str, LoggedModel] = {}
    try:
        for start in range(0, len(run_ids), AT_ONCE):
            names = ", ".join(f"'{run_id}'" for run_id in run_ids[start : start + AT_ONCE])
            models = client.search_logged_models([experiment_id], f"source_run_id IN ({names})")
            found |= {str(model.source_run_id): model for model in models}
        return found
    except MlflowException as error:
        if error.error_code not in WITHOUT_MODELS:
            raise
        return None


def begin_model(client: MlflowClient, experiment_id: str, run_id: str, winner: Winner) -> LoggedModel:
    """Make a trial's run a model, which is not ready yet. Raises whatever MLflow raises."""
    # As `mlflow.create_external_model` does, which would use the process's one tracking address.
    client.log_inputs(run_id, datasets=[_input(data) for data in winner.data])
    return client.create_logged_model(
        experiment_id,
        name=model_name(winner.name),
        source_run_id=run_id,
        tags={"mlflow.model.isExternal": "true", "nemesis.trial": winner.trial},
        params={name: cut(text_of(value), LONGEST) for name, value in winner.params.items()},
        model_type=KIND,
    )


def finish_model(
    client: MlflowClient, model: LoggedModel, winner: Winner, outbox: Outbox, tags: Mapping[str, str]
) -> None:
    """Give a model its metrics, and its run the tags; only then it is ready, so nothing lacks when it is.

    outbox: the trial's, with its metrics. Raises whatever MLflow raises.
    """
    run_id = str(model.source_run_id)
    _write_mlmodel(client, model)
    told = [each for each in outbox.read()[0] if each["event"] == METRICS]
    metrics = [metric for data in winner.data for metric in _metrics(told, data, model.model_id, run_id)]
    log(client, run_id, metrics, tags)
    client.finalize_logged_model(model.model_id, READY)


def _write_mlmodel(client: MlflowClient, model: LoggedModel) -> None:
    """The file without which a model cannot be registered."""
    from mlflow.models.utils import get_external_mlflow_model_spec

    specification = get_external_mlflow_model_spec(model)
    place = folder_of(model.artifact_location)
    if place is not None:
        place.mkdir(parents=True, exist_ok=True)
        specification.save(str(place / "MLmodel"))
        return
    with tempfile.TemporaryDirectory() as folder:
        specification.save(str(Path(folder) / "MLmodel"))
        client.log_model_artifacts(model.model_id, folder)


def _metrics(told: list[Event], data: NamedData, model_id: str, run_id: str) -> list[Metric]:
    """The last value of each metric, with its time and epoch: the run has it already, and keeps one."""
    from mlflow.entities import Metric

    found: list[Metric] = []
    for name in data.metrics:
        events = [each for each in told if name in each["metrics"]]
        if events:
            last = max(events, key=lambda each: each["time"])
            found.append(
                Metric(
                    name, float(last["metrics"][name]), last["time"], last["epoch"], model_id, data.name,
                    data.digest, run_id,
                )
            )  # fmt: skip
    return found


def _input(data: NamedData) -> DatasetInput:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    profile: Mapping[str, Any] = {"images": data.count, "metrics": list(data.metrics)}
    source = json.dumps({"record": data.source})
    dataset = Dataset(data.name, data.digest, "local", source, profile=json.dumps(profile))
    return DatasetInput(dataset, [InputTag(CONTEXT, data.context)])
