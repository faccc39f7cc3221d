"""Failed trials trained again, under their numbers: `run --retry-failed`."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from nemesis_sweep.data.meter import SayLine
from nemesis_sweep.messages.counting import counted
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.sweep.beside_study import baselines_of
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.internals.optuna_names import id_of, study_ids
from nemesis_sweep.sweep.proposal import BASELINE, REASON, RETRIED, TWIN
from nemesis_sweep.sweep.storage.choice import open_storage
from nemesis_sweep.sweep.storage.reopen import reopen
from nemesis_sweep.sweep.worker.result import CHECKPOINT, RESULT, read_result


def retry_failed(sweep: Sweep, home: Home, storage: BaseStorage, say: SayLine) -> BaseStorage:
    """Make the failed trials of a sweep RUNNING again; the storage with which the run goes on.

    They have their numbers, their parameters and what they reported, and go on as interrupted ones do, from
    their checkpoints. A trial that came to its end with a result that is not finite begins anew.
    """
    again: dict[int, str] = {}
    for key in sweep.studies():
        for number, trial in _failed(storage, key):
            _forget_results(home.trial(key, number))
            again[id_of(trial)] = trial.user_attrs.get(REASON, "failed")
    reopen(storage, home.journal, again, RETRIED)
    if not again:
        say("no trial has failed: there is nothing to try again")
        return storage
    say(f"{counted(len(again), 'trial')} that failed {'is' if len(again) == 1 else 'are'} trained again")
    return open_storage(sweep, home)


def _failed(storage: BaseStorage, key: str) -> Iterator[tuple[str, FrozenTrial]]:
    """The failed trials of a study and of its baselines, by their numbers; not those that never began."""
    known = study_ids(storage)
    for name in (baselines_of(key), key):
        for trial in storage.get_all_trials(known[name], deepcopy=False) if name in known else []:
            if trial.state != TrialState.FAIL or TWIN in trial.user_attrs:
                continue
            number = str(trial.number) if name == key else trial.user_attrs.get(BASELINE, "")
            if number:
                yield number, trial


def _forget_results(folder: Path) -> None:
    """Take away the results with a replicate that failed, and the states that led to them.

    In a joint trial's folder each task has its own; those that are whole stay.
    """
    for place in (folder, *(path for path in folder.glob("*") if path.is_dir())):
        result = read_result(place)
        if result is not None and (result.failed_seeds or place == folder):
            shutil.rmtree(place / CHECKPOINT, ignore_errors=True)
            (place / RESULT).unlink()
