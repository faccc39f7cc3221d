"""Whether what a home says of its complete trials agrees, looked at before a run goes on with it.

A trial is in Optuna's storage, with its parameters and its value; in `result.json`, with all that it
measured; and, where it trained one, in its prompt. The row in `results.parquet` is made of these. Where they
disagree the storage counts for what was to be trained: proposals are its own, and a result with other
parameters is another trial's. For what came of it the result counts, if it carries a checksum: a digit that
was altered in it would show, and a database has nothing of the kind. A result of an earlier version has none
either; nobody knows then which of the two was altered, and the trial is trained again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from nemesis_sweep.data.meter import SayLine
from nemesis_sweep.files.sealed import DamagedError
from nemesis_sweep.messages.counting import counted
from nemesis_sweep.spec.configuration import configuration
from nemesis_sweep.spec.sweep import JOINT, Sweep
from nemesis_sweep.spec.tasks import Task
from nemesis_sweep.sweep.beside_study import baselines_of
from nemesis_sweep.sweep.confirm import seeds_of
from nemesis_sweep.sweep.home.copies import restore
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.internals.optuna_names import id_of, study_ids
from nemesis_sweep.sweep.objective_values import objective_values
from nemesis_sweep.sweep.proposal import BASELINE
from nemesis_sweep.sweep.result import Result
from nemesis_sweep.sweep.storage.choice import open_storage
from nemesis_sweep.sweep.storage.journal import mend_journal
from nemesis_sweep.sweep.storage.reopen import reopen
from nemesis_sweep.sweep.worker.result import LEFT, RESULT, Owner, check_result, read_result, set_aside

TOLD = 10
"""Trials that are told one by one."""


def open_mended(sweep: Sweep, home: Home, say: SayLine) -> BaseStorage:
    """The storage with which a run goes on, and all records of complete trials in order; for its driver.

    say: gets a line for everything that was damaged. Raises ``UserError`` when that cannot be mended.
    """
    lines = mend_journal(home.journal)
    storage = open_storage(sweep, home)
    found = mend_records(sweep, home, storage)
    for line in (*lines, *found):
        say(line)
    return open_storage(sweep, home) if found else storage


def mend_records(sweep: Sweep, home: Home, storage: BaseStorage) -> list[str]:
    """Make what is damaged whole again, and open the trials again that have to be trained once more.

    Gives a line for each; where there are any, the storage has to be opened anew.
    """
    lines: list[str] = []
    again: dict[int, str] = {}
    for key, tasks in sweep.studies().items():
        for number, trial in _complete(storage, key):
            record = _Record(sweep, home, key, tasks, number, trial)
            record.look()
            lines += [f"{key} trial {number}: {line}" for line in record.told]
            if record.again:
                again[id_of(trial)] = record.again
    reopen(storage, home.journal, again)
    more = len(lines) - TOLD
    return lines if more <= 1 else [*lines[:TOLD], f"and {counted(more, 'trial')} more, in the same way"]


def _complete(storage: BaseStorage, key: str) -> Iterator[tuple[str, FrozenTrial]]:
    """The complete trials of a study and of its baselines, by their numbers."""
    known = study_ids(storage)
    for name in (baselines_of(key), key):
        found = storage.get_all_trials(known[name], deepcopy=False) if name in known else []
        for trial in found:
            if trial.state == TrialState.COMPLETE:
                yield trial.user_attrs.get(BASELINE, "") if name != key else str(trial.number), trial


@dataclass
class _Record:
    """One complete trial. told: what was found and mended. again: why it has to be opened again, or ''."""

    sweep: Sweep
    home: Home
    study: str
    tasks: Sequence[Task]
    number: str
    trial: FrozenTrial

    def __post_init__(self) -> None:
        self.told: list[str] = []
        self.again = ""

    def look(self) -> None:
        folder = self.home.trial(self.study, self.number)
        whole = Owner(self.study, self.number, self.trial.params, seeds_of(self.sweep, self.trial))
        parts = [(folder if self.study != JOINT else folder / task.key, task) for task in self.tasks]
        try:
            checked = [self._check(place, replace(whole, task=task.key), task) for place, task in parts]
            result = self._check(folder, whole) if self.study == JOINT else checked[0]
            self._compare(folder, result)
        except DamagedError as error:
            # A part's result makes that of the whole; neither is answered from what is no longer there.
            for place in {error.file.parent, folder}:
                set_aside(place / RESULT)
            self._open(f"trained again, for {error}")

    def _check(self, folder: Path, owner: Owner, task: Task | None = None) -> Result:
        """The result in a folder. Raises ``DamagedError`` where nothing can mend it."""
        try:
            result = check_result(folder, owner)
        except DamagedError as error:
            if not self._restored(error.file):
                raise
            self.told.append(f"{error}; restored from the copy in MLflow's artifacts")
            result = check_result(folder, owner)
        if task is not None and self.number.isdigit():
            self._refuse_another_method(folder, result, task)
        return result

    def _refuse_another_method(self, folder: Path, result: Result, task: Task) -> None:
        method = configuration(self.sweep, task, self.trial.params).model_dump()
        wanted = json.loads(json.dumps(method))
        for name, value in result.config.items():
            if wanted.get(name, value) != value:
                raise DamagedError(folder / RESULT, f"was trained with {name} {value}, not {wanted[name]}")

    def _compare(self, folder: Path, result: Result) -> None:
        """Compare the objectives in the storage with those of the result. Raises ``DamagedError``."""
        values = objective_values(self.sweep.search, result.measured, result.baseline)
        if values == tuple(self.trial.values):
            return
        stored, found = (", ".join(f"{value:g}" for value in each) for each in (self.trial.values, values))
        if not result.checksum:
            raise DamagedError(folder / RESULT, f"says {found}, and the storage {stored}")
        file = folder / RESULT
        self._open(f"its value is {found}, as {file} has it with a checksum that fits, and not {stored}")

    def _restored(self, damaged: Path) -> bool:
        """Take what lies beside the result from MLflow's artifacts, if it is there as the result says."""
        folder, result = damaged.parent, read_result(damaged.parent)
        name, wanted = (result.left if result else None) or ("", "")
        if not wanted or damaged.name not in LEFT[name].files:
            return False
        place = name if self.study != JOINT else f"{name}/{folder.name}"

        def is_it(file: Path) -> bool:
            try:
                return LEFT[name].checksum(file.parent) == wanted
            except DamagedError:
                return False

        return all(restore(self.home, folder / each, f"{place}/{each}", is_it) for each in LEFT[name].files)

    def _open(self, reason: str) -> None:
        self.told.append(reason)
        self.again = reason
