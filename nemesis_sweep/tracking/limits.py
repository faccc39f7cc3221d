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
    from mlflow.entities import Param

MAX_NAME = 250
MAX_PARAM = 6000
MAX_PARAM_OLD_SERVER = 500
MAX_TAG = 5000
# A request may hold 100 parameters and 1 MB of JSON, in which a character can take twelve bytes.
MAX_PARAMS_PER_CALL = 100
MAX_CHARACTERS_PER_CALL = 80_000


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


def log_params(client: MlflowClient, run_id: str, params: Values) -> None:
    """Log parameters in as few calls as MLflow's limits allow; over-long values are cut with a mark.

    The limit is 6000 characters, on old servers 500: the shorter form is sent where the longer is refused.
    """
    from mlflow.entities import Param
    from mlflow.exceptions import MlflowException

    entities = [Param(entity_name(name), cut(text_of(value), MAX_PARAM)) for name, value in params.items()]
    for batch in _batches(entities):
        try:
            client.log_batch(run_id, params=batch)
        except MlflowException as error:
            if error.error_code != "INVALID_PARAMETER_VALUE":
                raise
            short = [Param(param.key, cut(param.value, MAX_PARAM_OLD_SERVER)) for param in batch]
            client.log_batch(run_id, params=short)


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
