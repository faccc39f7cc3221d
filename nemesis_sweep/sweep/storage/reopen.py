"""Trials that are over made RUNNING again, which Optuna itself never does: to be trained once more."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from optuna.storages import BaseStorage
from optuna.trial import TrialState

from nemesis_sweep.sweep.internals.optuna_names import JournalOperation
from nemesis_sweep.sweep.proposal import AGAIN
from nemesis_sweep.sweep.storage.journal import Journal
from nemesis_sweep.sweep.storage.journal_file import Entry, rewrite


def reopen(storage: BaseStorage, journal: Path, trials: Mapping[int, str], mark: str = AGAIN) -> None:
    """Make trials RUNNING again, with their numbers, parameters and reports; for a driver that is alone.

    trials: by Optuna's own id, why; kept as the user attribute ``mark``. journal: the file of a ``Journal``.
    The storage has to be opened anew, for it remembers trials that are over.
    """
    if not trials:
        return
    if isinstance(storage, Journal):
        rewrite(journal, lambda entry: _without_its_end(entry, trials, mark))
        return
    from nemesis_sweep.sweep.storage.database import reopen_trials

    reopen_trials(storage, trials, mark)


def _without_its_end(entry: Entry, trials: Mapping[int, str], mark: str) -> Entry:
    """The entry by which a trial ended becomes the one that says why it is open again."""
    number = entry.get("trial_id", -1)
    if number not in trials or entry["op_code"] != JournalOperation.SET_TRIAL_STATE_VALUES:
        return entry
    if not TrialState(entry["state"]).is_finished():
        return entry
    kept = {name: entry[name] for name in ("worker_id", "trial_id")}
    return {
        "op_code": int(JournalOperation.SET_TRIAL_USER_ATTR),
        **kept,
        "user_attr": {mark: trials[number]},
    }
