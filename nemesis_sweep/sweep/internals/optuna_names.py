"""What is used of Optuna that is not public.

Subclasses (`Journal`, `Hyperband`) use what they inherit by `self`; those names are listed here, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

import optuna
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial

from nemesis_sweep.sweep.internals.private_names import importing, refuse_missing

with importing("optuna"):
    from optuna.storages.journal._file import get_lock_file
    from optuna.storages.journal._storage import JournalOperation as JournalOperation

if TYPE_CHECKING:
    from optuna.study._frozen import FrozenStudy as FrozenStudy
    from sqlalchemy.orm import Session

FIXED_PARAMS = "fixed_params"
"""System attribute with the parameters that an enqueued trial was given."""

NAMES = (
    *(
        f"optuna.storages.journal._storage.JournalOperation.{name}"
        for name in ("CREATE_STUDY", "CREATE_TRIAL", "SET_TRIAL_STATE_VALUES", "SET_TRIAL_USER_ATTR")
    ),
    "optuna.storages.journal._storage.JournalStorageReplayResult._study_id_to_trial_ids",
    "optuna.storages.journal._storage.JournalStorageReplayResult._trials",
    "optuna.storages.journal._file.get_lock_file",
    "optuna.storages.journal.JournalFileBackend._file_path",
    "optuna.storages.journal.JournalFileBackend._lock",
    "optuna.storages.JournalStorage._replay_result",
    "optuna.storages.JournalStorage._sync_with_backend",
    "optuna.storages.JournalStorage._thread_lock",
    "optuna.study._frozen.FrozenStudy._study_id",
    "optuna.study.Study._storage",
    "optuna.trial.FrozenTrial._trial_id",
    "optuna.trial.Trial._trial_id",
    *(
        f"optuna.pruners.HyperbandPruner.{name}"
        for name in (
            "_bootstrap_count",
            "_get_bracket_id",
            "_min_resource",
            "_pruners",
            "_reduction_factor",
            "_try_initialization",
        )
    ),
    "optuna.pruners._successive_halving._completed_rung_key",
)
"""Used by every sweep."""

DATABASE_NAMES = (
    *(
        f"optuna.storages._rdb.models.{name}"
        for name in ("TrialModel", "TrialUserAttributeModel", "TrialValueModel")
    ),
    "optuna.storages._rdb.storage._create_scoped_session",
    "optuna.storages.RDBStorage.scoped_session",
    "optuna.storages.RDBStorage.engine",
)
"""Used where the studies are in a database."""


def check_optuna() -> None:
    """Raise a UserError with the names that Optuna lacks."""
    refuse_missing("optuna", NAMES)


def check_database() -> None:
    """Raise a UserError with the names that Optuna's database storage lacks."""
    refuse_missing("optuna", DATABASE_NAMES)


def storage_of(study: optuna.Study) -> BaseStorage:
    """The storage itself; `Study` shows copies of what is in it."""
    return study._storage


def id_of(trial: optuna.Trial | FrozenTrial) -> int:
    """The id of a trial in its storage, where its number is that within its study."""
    return trial._trial_id


def study_ids(storage: BaseStorage) -> dict[str, int]:
    """The ids of all studies of a storage, by their names."""
    return {study.study_name: study._study_id for study in storage.get_all_studies()}


def frozen_of(trial: optuna.Trial) -> FrozenTrial:
    """A trial as its storage has it now."""
    return storage_of(trial.study).get_trial(id_of(trial))


@contextmanager
def replayed(storage: JournalStorage, study_id: int) -> Iterator[tuple[list[int], dict[int, FrozenTrial]]]:
    """The ids of a study's trials, in order, and all trials by id, up to date and held while they are read.

    Raises KeyError, as Optuna does, where there is no such study.
    """
    with storage._thread_lock:
        storage._sync_with_backend()
        state = storage._replay_result
        state.get_study(study_id)
        yield state._study_id_to_trial_ids[study_id], state._trials


def file_of(backend: JournalFileBackend) -> str:
    """The path of a journal."""
    return backend._file_path


def locked(backend: JournalFileBackend) -> AbstractContextManager[None]:
    """Holds the lock of a journal, which every writer waits for."""
    return get_lock_file(backend._lock)


def rung_key(rung: int) -> str:
    """The system attribute under which Optuna keeps a trial's value at a rung of successive halving."""
    from optuna.pruners._successive_halving import _completed_rung_key

    return _completed_rung_key(rung)


def database_session(storage: RDBStorage) -> AbstractContextManager[Session]:
    """A transaction in Optuna's database: kept at its end, taken back when it raises."""
    with importing("optuna"):
        from optuna.storages._rdb.storage import _create_scoped_session

    return _create_scoped_session(storage.scoped_session)


def database_models() -> Any:
    """The module of Optuna's tables."""
    with importing("optuna"):
        from optuna.storages._rdb import models

    return models
