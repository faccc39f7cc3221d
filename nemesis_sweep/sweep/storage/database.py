"""Optuna's trials in a database that sweeps may share."""

from __future__ import annotations

import importlib.util
import json
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from optuna.storages import BaseStorage, RDBStorage
from optuna.study import StudyDirection
from optuna.trial import TrialState
from sqlalchemy import event
from sqlalchemy.exc import DatabaseError, IntegrityError, SQLAlchemyError

from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.messages.passwords import masked
from nemesis_sweep.spec.values import Values
from nemesis_sweep.sweep.internals.optuna_names import (
    check_database,
    check_optuna,
    database_models,
    database_session,
)

if TYPE_CHECKING:
    from nemesis_sweep.sweep.internals.optuna_names import FrozenStudy

KEY = "search.storage"
SECONDS = 10
"""How long a server may take to answer; how long a writer waits for another one's lock is longer."""
LOCK_SECONDS = 60

WAITS: dict[str, dict[str, Any]] = {
    "sqlite": {"timeout": LOCK_SECONDS},
    "postgresql": {"connect_timeout": SECONDS},
    "mysql": {"connect_timeout": SECONDS},
    "mariadb": {"connect_timeout": SECONDS},
}
"""What the drivers call it."""

PATIENCE = 60.0
"""How long a sweep that has begun waits for a server that is started anew, seconds."""

DRIVERS = {"postgresql": ("psycopg", "psycopg2")}
"""Python drivers that do equally well. Which one SQLAlchemy takes of itself depends on its version."""

RACES = 5
"""How often the tables are looked for again when another sweep was making them at the same moment."""


class Database(RDBStorage):
    """An Optuna storage that shows one sweep its own studies, by their own names.

    In the database a study is called `PREFIX/NAME`, so that sweeps with equal tasks never mix.
    """

    def __init__(self, url: str, prefix: str) -> None:
        check_optuna()
        check_database()
        arguments = {
            "pool_pre_ping": True,
            "connect_args": WAITS.get(url.partition("://")[0].split("+")[0], {}),
        }
        super().__init__(_with_driver(url), engine_kwargs=arguments)
        if not url.startswith("sqlite"):
            event.listen(self.engine, "do_connect", _connect_again)
        self._prefix = f"{prefix}/"

    def create_new_study(self, directions: Sequence[StudyDirection], study_name: str | None = None) -> int:
        return super().create_new_study(directions, self._full(study_name or ""))

    def get_study_id_from_name(self, study_name: str) -> int:
        return super().get_study_id_from_name(self._full(study_name))

    def get_study_name_from_id(self, study_id: int) -> str:
        return super().get_study_name_from_id(study_id).removeprefix(self._prefix)

    def get_all_studies(self) -> list[FrozenStudy]:
        own = [study for study in super().get_all_studies() if study.study_name.startswith(self._prefix)]
        for study in own:
            study.study_name = study.study_name.removeprefix(self._prefix)
        return own

    def _full(self, name: str) -> str:
        # Optuna's own methods call one another with names that are full already.
        return name if name.startswith(self._prefix) else f"{self._prefix}{name}"


def open_database(url: str, prefix: str) -> Database:
    """The studies of one sweep in a database; its tables are made when they are not there.

    Raises ``UserError`` when it does not answer, or its driver is not installed.
    """
    for again in reversed(range(RACES)):
        try:
            return Database(url, prefix)
        except ImportError as error:
            allowed = (
                "a database whose Python driver is installed here: "
                "pip install 'nemesis-sweep[postgres]' for postgresql, mysqlclient for mysql"
            )
            raise UserError(
                Problem(f"no driver ({error})", KEY, found=masked(url), allowed=allowed)
            ) from error
        except (SQLAlchemyError, RuntimeError, ValueError) as error:
            if again and _another_was_faster(error):
                time.sleep(0.5)
                continue
            message = f"Optuna cannot use this storage ({_reason(error)})"
            raise UserError(Problem(message, KEY, found=masked(url))) from error
    raise AssertionError("unreachable")


def reopen_trials(storage: BaseStorage, trials: Mapping[int, str], reason: str) -> None:
    """Make trials that are over RUNNING again. trials: by Optuna's id, why; kept as an attribute."""
    assert isinstance(storage, RDBStorage)
    models = database_models()
    with database_session(storage) as session:
        for number, why in trials.items():
            trial = session.get_one(models.TrialModel, number)
            trial.state, trial.datetime_complete = TrialState.RUNNING, None
            session.query(models.TrialValueModel).filter_by(trial_id=number).delete()
            session.query(models.TrialUserAttributeModel).filter_by(trial_id=number, key=reason).delete()
            session.add(
                models.TrialUserAttributeModel(trial_id=number, key=reason, value_json=json.dumps(why))
            )


def lost(error: BaseException | None, url: str | None) -> UserError | None:
    """What to tell when ``error`` came of a database that no longer answers; None when it did not.

    Ray Tune wraps what goes wrong within it, and Optuna what goes wrong below it.
    """
    while error is not None:
        if isinstance(error, SQLAlchemyError):
            allowed = "the same command again, when it answers: what was reported is kept"
            message = f"the storage was lost ({_reason(error)})"
            return UserError(Problem(message, KEY, found=masked(url or ""), allowed=allowed))
        error = error.__cause__ or error.__context__
    return None


def _reason(error: Exception) -> str:
    """SQLAlchemy's errors end with the statement and a link; the driver's own words are in `orig`."""
    return masked(" ".join(str(getattr(error, "orig", None) or error).split()))[:300]


def _connect_again(dialect: Any, record: Any, arguments: Sequence[Any], options: Values) -> Any:
    """Connect to a server that has answered before."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return dialect.connect(*arguments, **options)
        except dialect.loaded_dbapi.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def _with_driver(url: str) -> str:
    """The address with a driver that is installed, where it names none."""
    kind, mark, rest = url.partition("://")
    there = [name for name in DRIVERS.get(kind, ()) if importlib.util.find_spec(name)]
    return f"{kind}+{there[0]}{mark}{rest}" if there else url


def _another_was_faster(error: Exception) -> bool:
    """Whether another sweep was making the tables, or writing their version, at the same moment."""
    exists = isinstance(error, DatabaseError) and "already exists" in str(error)
    return exists or isinstance(error, IntegrityError)
