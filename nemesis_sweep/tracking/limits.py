"""What MLflow accepts as names and values, so that logging a trial can never fail on its contents."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nemesis_sweep.spec.values import Values

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param, RunTag

MAX_NAME = 250
MAX_PARAM = 6000
MAX_PARAM_OLD_SERVER = 500
MAX_TAG = 5000
# A request may hold 100 parameters and 1 MB of JSON, in which a character can take twelve bytes.
MAX_PARAMS_PER_CALL = 100
MAX_CHARACTERS_PER_CALL = 80_000
MAX_CHARACTERS_BESIDE = 20_000
"""Of parameters that share a call with metrics and tags."""


def cut(text: str, limit: int) -> str:
    """Return `text`, cut to `limit` characters with a mark that says so and how long it was."""
    if len(text) <= limit:
        return text
    mark = f" ... [cut, {len(text)} characters]"
    return text[: limit - len(mark)] + mark


def entity_name(name: str) -> str:
    """Return `name` as MLflow accepts it: word characters, `. - / :` and spaces, a plain relative path."""
    plain = posixpath.normpath(re.sub(r"[^\w.\-/ :]", "_", name)).lstrip("/")
    while plain.startswith("../"):
        plain = plain[3:]
    return "_" if plain in ("", ".", "..") else plain[:MAX_NAME].rstrip("/")


def same_param(stored: str, value: Any) -> bool:
    """Return whether a stored parameter is `value`, perhaps cut."""
    text = text_of(value)
    return stored in (cut(text, MAX_PARAM), cut(text, MAX_PARAM_OLD_SERVER))


def text_of(value: Any) -> str:
    """Return a parameter's value as text; lists and mappings become JSON."""
    return json.dumps(value, default=str) if isinstance(value, Mapping | list | tuple) else str(value)


def log_together(
    client: MlflowClient,
    run_id: str,
    params: Values,
    metrics: Sequence[Metric] = (),
    tags: Sequence[RunTag] = (),
) -> None:
    """Log parameters, and with them metrics and tags, in as few calls as MLflow's limits allow.

    Over-long values are cut with a mark: parameters at 6000 characters, on old servers at 500, as the shorter
    form is sent where the longer is refused. Of metrics and tags there are no more than MLflow takes beside
    100 parameters.
    """
    from mlflow.entities import Param

    entities = [Param(entity_name(name), cut(text_of(value), MAX_PARAM)) for name, value in params.items()]
    batches = list(_batches(entities))
    beside = batches and sum(len(param.value) for param in batches[-1]) <= MAX_CHARACTERS_BESIDE
    last = batches.pop() if beside else []
    for batch in batches:
        _log(client, run_id, params=batch)
    if last or metrics or tags:
        _log(client, run_id, metrics=metrics, params=last, tags=tags)


def _log(client: MlflowClient, run_id: str, *, params: Sequence[Param], **others: Any) -> None:
    from mlflow.entities import Param
    from mlflow.exceptions import MlflowException

    try:
        client.log_batch(run_id, params=params, **others)
    except MlflowException as error:
        if error.error_code != "INVALID_PARAMETER_VALUE" or not params:
            raise
        short = [Param(param.key, cut(param.value, MAX_PARAM_OLD_SERVER)) for param in params]
        client.log_batch(run_id, params=short, **others)


def _batches(params: Sequence[Param]) -> Iterator[list[Param]]:
    batch: list[Param] = []
    size = 0
    for param in params:
        if batch and (len(batch) == MAX_PARAMS_PER_CALL or size + len(param.value) > MAX_CHARACTERS_PER_CALL):
            yield batch
            batch, size = [], 0
        batch.append(param)
        size += len(param.value)
    if batch:
        yield batch
