"""Finding, creating, continuing and closing one MLflow run."""

from __future__ import annotations

import getpass
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from nemesis_sweep.spec.values import Values
from nemesis_sweep.tracking.limits import MAX_TAG, cut, entity_name, log_together, same_param, text_of

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Run

Status = Literal["FINISHED", "KILLED", "FAILED"]

REASON_TAG = "nemesis.reason"
NAME_TAG, NOTE_TAG = "mlflow.runName", "mlflow.note.content"
"""Tags that MLflow shows as a run's name and, as Markdown, as its description."""
SOURCE_TAGS = {"mlflow.source.name": "nemesis-sweep", "mlflow.source.type": "LOCAL"}


def find(client: MlflowClient, experiment_id: str, tags: Mapping[str, str]) -> Run | None:
    """Return the oldest run of the experiment that carries all these tags, deleted runs aside."""
    runs = client.search_runs(
        [experiment_id],
        " and ".join(f"tags.`{key}` = {_quoted(value)}" for key, value in tags.items()),
        max_results=1,
        order_by=["attributes.start_time ASC"],
    )
    return runs[0] if runs else None


def create(
    client: MlflowClient, experiment_id: str, name: str, tags: Values, began: int | None = None
) -> Run:
    """Create a run in state RUNNING with its tags.

    began: when, in milliseconds since 1970; None is now.
    """
    marks = {"mlflow.user": _user(), **SOURCE_TAGS, **tags}
    text = {key: cut(text_of(value), MAX_TAG) for key, value in marks.items()}
    return client.create_run(experiment_id, start_time=began, run_name=name, tags=text)


def reopen(client: MlflowClient, run: Run, params: Values, tags: Values) -> None:
    """Continue a run: RUNNING again, reason removed, tags renewed, missing parameters added.

    MLflow never changes a parameter. A value that differs now (a larger budget, say) is kept beside the old
    one as the tag `nemesis.now.NAME`.
    """
    run_id = str(run.info.run_id)
    if run.info.status != "RUNNING":
        client.update_run(run_id, status="RUNNING")
    if REASON_TAG in run.data.tags:
        client.delete_tag(run_id, REASON_TAG)
    marks = dict(tags)
    missing = {}
    for name, value in params.items():
        stored = run.data.params.get(entity_name(name))
        if stored is None:
            missing[name] = value
        elif not same_param(stored, value):
            marks[f"nemesis.now.{entity_name(name)}"] = value
    log(client, run_id, tags=marks, params=missing)


def log(
    client: MlflowClient,
    run_id: str,
    metrics: Sequence[Metric] = (),
    tags: Values | None = None,
    params: Values | None = None,
) -> None:
    """Log metrics, tags and parameters, mostly in one call; over-long values are cut with a mark."""
    from mlflow.entities import RunTag

    marks = [RunTag(key, cut(text_of(value), MAX_TAG)) for key, value in (tags or {}).items()]
    log_together(client, run_id, params or {}, metrics, marks)


def close(client: MlflowClient, run_id: str, status: str, ended: int | None = None) -> None:
    """End a run. ended: when, in milliseconds since 1970; None is now."""
    client.set_terminated(run_id, status, ended)


def _quoted(value: str) -> str:
    # MLflow's filters have two quotes and no escape; our values come from folder names and numbers.
    return f'"{value}"' if "'" in value else f"'{value}'"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container whose user id has no name
        return "unknown"
