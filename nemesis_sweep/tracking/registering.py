"""A model in MLflow's registry: by a name, with a version for each time that it is registered."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.messages.passwords import is_masked, masked
from nemesis_sweep.tracking.client import connect
from nemesis_sweep.tracking.location import OWN_URI, artifact_location, check_answers, database
from nemesis_sweep.tracking.reasons import reason
from nemesis_sweep.tracking.run_artifact import VARIABLE
from nemesis_sweep.tracking.store import recorded

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT = "registered models"
"""Whose runs hold the files of registered models."""
PLACE = "model"


@dataclass(frozen=True)
class Registry:
    """Where a name is free to be registered, or known already."""

    uri: str
    name: str

    def register(self, folder: Path) -> str:
        """Keep a model's folder as a new version of the name; the version. Raises ``UserError``."""
        from mlflow.exceptions import MlflowException

        client = connect(self.uri)
        try:
            if not _is_known(client, self.name):
                client.create_registered_model(self.name)
            run = client.create_run(_experiment(client, self.uri), run_name=self.name)
            client.log_artifacts(run.info.run_id, str(folder), PLACE)
            client.set_terminated(run.info.run_id)
            source = f"{run.info.artifact_uri}/{PLACE}"
            return str(client.create_model_version(self.name, source, run.info.run_id).version)
        except (MlflowException, OSError) as error:
            raise _refused(self.uri, self.name, error) from error


def registry(name: str, home: Path | None) -> Registry:
    """The registry of $MLFLOW_TRACKING_URI, else that of a sweep's own records, and a name that it takes.

    Nothing is written yet. Raises ``UserError`` where there is none, and for a name that it refuses.
    """
    from mlflow.exceptions import MlflowException

    uri = os.environ.get(VARIABLE) or _of_home(home)
    check_answers(uri)
    try:
        _is_known(connect(uri), name)
    except MlflowException as error:
        raise _refused(uri, name, error) from error
    return Registry(uri, name)


def _is_known(client: MlflowClient, name: str) -> bool:
    from mlflow.exceptions import MlflowException

    try:
        client.get_registered_model(name)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return False
        raise
    return True


def _of_home(home: Path | None) -> str:
    record = recorded(home) if home is not None else None
    if home is None or record is None:
        allowed = f"${VARIABLE} with the address of a server or a database, or a prompt of a sweep's home"
        raise UserError(Problem("no registry to register in", "--register", allowed=allowed))
    if is_masked(record["uri"]):
        message, allowed = "the sweep's registry has a password", f"its whole address as ${VARIABLE}"
        raise UserError(Problem(message, "--register", found=record["uri"], allowed=allowed))
    return f"sqlite:///{database(home.absolute())}" if record["uri"] == OWN_URI else record["uri"]


def _experiment(client: MlflowClient, uri: str) -> str:
    found = client.get_experiment_by_name(EXPERIMENT)
    if found is not None:
        return str(found.experiment_id)
    return str(client.create_experiment(EXPERIMENT, artifact_location=artifact_location(uri)))


def _refused(uri: str, name: str, error: Exception) -> UserError:
    message = f"the registry at {masked(uri)} refuses this ({reason(error)})"
    return UserError(Problem(message, "--register", found=repr(name)))
