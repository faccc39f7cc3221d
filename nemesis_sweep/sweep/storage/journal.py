"""Optuna's journal file, as the driver of a sweep uses it."""

import copy
from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from typing import Any

from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from nemesis_sweep.files.sealed import DamagedError
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.sweep.internals.optuna_names import check_optuna, file_of, id_of, locked, replayed
from nemesis_sweep.sweep.storage.journal_file import append, mend

_OPEN = {TrialState.WAITING, TrialState.RUNNING}


class Journal(JournalStorage):
    """A journal storage that finds trials which wait or run without looking at all others.

    Optuna looks for waiting ones at every ask, which makes a sweep of many trials slower and slower. A trial
    that is over stays over and new ones stand at the end, so only those that were open before are looked at.

    synced: whether every entry is on the disk, and not only with the operating system, before work goes on.
    """

    def __init__(self, path: Path, synced: bool = True) -> None:
        check_optuna()
        try:
            super().__init__((_Whole if synced else _Unsynced)(str(path)))
        except OSError:
            raise
        except Exception as error:
            # Entries of an earlier version have no checksum: Optuna may fail on them in any way.
            message = f"Optuna cannot read the sweep's journal ({type(error).__name__}: {error})"
            raise UserError(Problem(message, file=str(path))) from error
        self._open: dict[int, tuple[int, list[int]]] = {}

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        if not isinstance(states, tuple) or not _OPEN.issuperset(states):
            return super().get_all_trials(study_id, deepcopy, states)
        with replayed(self, study_id) as (numbers, trials):
            found = [trial for trial in self._open_trials(study_id, numbers, trials) if trial.state in states]
            return copy.deepcopy(found) if deepcopy else found

    def _open_trials(
        self, study_id: int, numbers: Sequence[int], trials: Mapping[int, FrozenTrial]
    ) -> list[FrozenTrial]:
        seen, before = self._open.get(study_id, (0, []))
        found = [trials[number] for number in (*before, *numbers[seen:])]
        found = [trial for trial in found if not trial.state.is_finished()]
        self._open[study_id] = len(numbers), [id_of(trial) for trial in found]
        return found


def mend_journal(path: Path) -> list[str]:
    """Make a journal whole for the next driver, which is alone; gives a line for what was damaged.

    Raises ``UserError`` when it cannot be mended.
    """
    try:
        return mend(path)
    except DamagedError as error:
        allowed = "the file as it was, from a backup; another --home; or --fresh, which keeps this one beside"
        message = f"the sweep's journal {error.reason}"
        raise UserError(Problem(message, file=str(path), allowed=allowed)) from error


class _Whole(JournalFileBackend):
    """The same file, in which an entry stands whole or not at all when the disk is full."""

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        with locked(self):
            append(Path(file_of(self)), logs, synced=True)


class _Unsynced(JournalFileBackend):
    """The same file, left to the operating system to bring to the disk; for one process at a time."""

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        append(Path(file_of(self)), logs, synced=False)
