"""The driver's first step: database, experiment and the sweep's own run, found again or created."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nemesis_sweep.files.full_disk import full_disk, naming
from nemesis_sweep.files.sealed import DamagedError, read_sealed, write_sealed
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.messages.passwords import masked
from nemesis_sweep.spec.tracking import DATABRICKS, scheme_of
from nemesis_sweep.spec.values import Values
from nemesis_sweep.tracking.client import connect
from nemesis_sweep.tracking.creation import clear_half_made, create_database
from nemesis_sweep.tracking.location import (
    KEY,
    OWN_URI,
    absolute_uri,
    artifact_location,
    check_answers,
    database,
    sqlite_file,
)
from nemesis_sweep.tracking.moved import follow
from nemesis_sweep.tracking.reasons import reason
from nemesis_sweep.tracking.runs import create, find, log, reopen
from nemesis_sweep.tracking.versions import another_version, is_of_another_version, settle_version

if TYPE_CHECKING:
    from mlflow import MlflowClient

RECORD = "tracking.json"
KIND = "mlflow.experimentKind"
"""Tag by which MLflow shows an experiment's runs; without it the pages for traces of agents open."""
TRAINING = "custom_model_development"
"""Its value for experiments that train models."""
SWEEP_TAG = "nemesis.sweep"
SWEEP_ID_TAG = "nemesis.sweep.id"
HOME_TAG = "nemesis.sweep.home"
CREDENTIALS = "DATABRICKS_HOST and DATABRICKS_TOKEN in the environment, or a profile in ~/.databrickscfg"


@dataclass(frozen=True)
class Tracking:
    """Where a sweep is recorded."""

    uri: str
    experiment_id: str
    parent_run_id: str


def prepare(
    home: Path,
    sweep_name: str,
    experiment: str,
    uri: str | None = None,
    params: Values | None = None,
    tags: Mapping[str, str] | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Tracking:
    """Get MLflow ready for a sweep; run once, by the driver, before anything is sent.

    Creates the database, finds or creates the experiment, and continues the sweep's run if this home has one.
    The home's identity is a random id in `HOME/tracking.json`, so homes that share a server or a path on two
    machines never mix; without that file, and a database of its own that knows it, a new run begins.

    uri: tracking URI; None is a SQLite database in the home with artifacts beside it. say: told when that was
    made by an older MLflow and is brought to the installed one's version.
    Raises UserError, within seconds, if the store does not answer or cannot be used.
    """
    home = home.absolute()
    home.mkdir(parents=True, exist_ok=True)
    address = absolute_uri(home, uri)
    check_answers(address)
    if uri is None:
        clear_half_made(sqlite_file(address))
        follow(home)
    sweep_id = (recorded(home) or {}).get("sweep_id") or _known_to(home, uri) or uuid.uuid4().hex
    place = {
        "sweep_id": sweep_id,
        "uri": OWN_URI if uri is None else masked(address),
        "experiment": experiment,
    }
    _write_record(home, place)  # before the run exists: a crash in between must not lead to a second one
    with _told_to_the_user(address):
        if address.startswith("sqlite:"):
            settle_version(sqlite_file(address), uri is None, say)
            create_database(sqlite_file(address))
        client = connect(address)
        experiment_id = _experiment(client, experiment, artifact_location(address))
        found = find(client, experiment_id, {SWEEP_ID_TAG: sweep_id})
        identity = {SWEEP_TAG: sweep_name, SWEEP_ID_TAG: sweep_id, HOME_TAG: str(home), **(tags or {})}
        if found:
            reopen(client, found, params or {}, identity)
        else:
            found = create(client, experiment_id, sweep_name, identity)
            log(client, found.info.run_id, params=params)
        run_id = str(found.info.run_id)
    _write_record(home, {**place, "experiment_id": experiment_id, "parent_run_id": run_id})
    return Tracking(address, experiment_id, run_id)


def recorded(home: Path) -> dict[str, str] | None:
    """Return what `HOME/tracking.json` says, or None if it is missing or cannot be understood.

    Keys: sweep_id, uri (without its password; `sqlite:///mlflow.db` is the file in the home), experiment and,
    once prepared, experiment_id and parent_run_id.
    """
    try:
        record = read_sealed(home / RECORD)
    except DamagedError:
        return None
    if not str(record.get("sweep_id", "")).isalnum():
        return None
    return {str(key): str(value) for key, value in record.items()}


def _known_to(home: Path, uri: str | None) -> str:
    """The home's identity by its own database, where no other sweep is; '' when that does not know it either.

    So that a damaged `tracking.json` does not begin a second run, with all trials below it once more.
    """
    if uri is not None or not database(home).is_file():
        return ""
    query = "SELECT value FROM tags WHERE key = ?"
    try:
        with closing(sqlite3.connect(database(home), timeout=20)) as connection:
            found = {str(value) for (value,) in connection.execute(query, (SWEEP_ID_TAG,))}
    except sqlite3.Error:
        return ""
    return found.pop() if len(found) == 1 else ""


def _experiment(client: MlflowClient, name: str, artifact_root: str | None) -> str:
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is None:
        try:
            return str(client.create_experiment(name, artifact_location=artifact_root, tags={KIND: TRAINING}))
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            found = client.get_experiment_by_name(name)  # another sweep on this server was a moment faster
    if found.lifecycle_stage != "active":
        raise UserError(
            Problem(
                "this experiment was deleted in MLflow; restore it with"
                f" `mlflow experiments restore --experiment-id {found.experiment_id}` or name another",
                key="tracking.experiment",
                found=repr(name),
            )
        )
    if KIND not in found.tags:
        client.set_experiment_tag(found.experiment_id, KIND, TRAINING)
    return str(found.experiment_id)


@contextmanager
def _told_to_the_user(uri: str) -> Iterator[None]:
    """Turn MLflow's refusals (schema too old, no permission) into UserError.

    What is no MLflow server makes its client stumble in many ways, so that any other error means the same.
    """
    with naming(sqlite_file(uri)) if uri.startswith("sqlite:") else nullcontext():
        try:
            yield
        except UserError:
            raise
        except Exception as error:
            if full_disk(error):
                raise
            if is_of_another_version(str(error)):
                raise another_version(uri) from error
            message = f"MLflow at {masked(uri)} cannot be used ({reason(error)})"
            allowed = CREDENTIALS if scheme_of(uri) == DATABRICKS else ""
            raise UserError(Problem(message, key=KEY, allowed=allowed)) from error


def _write_record(home: Path, record: Mapping[str, str]) -> None:
    write_sealed(home / RECORD, record)
