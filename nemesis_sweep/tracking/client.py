"""The one door to MLflow's client: quiet, without telemetry, one connection per process and store."""

from __future__ import annotations

import functools
import logging
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow import MlflowClient

# MLflow reads these while it is imported (`1` is not accepted for DO_NOT_TRACK). The last one stops the
# "View run" lines that it would print into the live view for every finished run.
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
# A request that is not answered is the sender's to try again, when it can be told; MLflow would for minutes.
LIMITS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
    "MLFLOW_DATABRICKS_ENDPOINT_HTTP_RETRY_TIMEOUT": "5",
}
# Here and not in a function: no import of any part of MLflow below this package may come first.
for _name, _value in (QUIET | LIMITS).items():
    os.environ.setdefault(_name, _value)
# What MLflow took over to send later would count as sent, and be lost with this process.
os.environ["MLFLOW_ENABLE_ASYNC_LOGGING"] = "false"
# Creating a database is announced in two lines on stderr otherwise, and what one refuses in a traceback
# beside the exception that says it.
logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
# The same of Databricks, whose missing credentials are an error of ours.
logging.getLogger("mlflow.utils.databricks_utils").setLevel(logging.CRITICAL)


@functools.lru_cache(maxsize=8)
def connect(uri: str) -> MlflowClient:
    """Return this process's client for a tracking URI; MLflow itself is imported here (about 2 s).

    Nothing global in MLflow is set, so several sweeps can share a process.
    Raises `mlflow.exceptions.MlflowException` if the store cannot be opened.
    """
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=uri)
