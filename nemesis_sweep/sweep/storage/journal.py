"""Optuna's journal file, as the driver of a sweep uses it."""

import copy
import json
import os
from collections.abc import Container
from pathlib import Path
from typing import Any

from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.storages.journal._file import get_lock_file
from optuna.trial import FrozenTrial, TrialState

from nemesis_sweep.data.full_disk import naming

_OPEN = {TrialState.WAITING, TrialState.RUNNING}


class Journal(JournalStorage):
    """A journal storage that finds trials which wait or run without looking at all others.

    Optuna looks for waiting ones at every ask, which makes a sweep of many trials slower and slower. A trial
    that is over stays over and new ones stand at the end, so only those that were open before are looked at.

    synced: whether every entry is on the disk, and not only with the operating system, before work goes on.
    """

    def __init__(self, path: Path, synced: bool = True) -> None:
        super().__init__((_Whole if synced else _Unsynced)(str(path)))
        self._open: dict[int, tuple[int, list[int]]] = {}

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        if not isinstance(states, tuple) or not _OPEN.issuperset(states):
            return super().get_all_trials(study_id, deepcopy, states)
        with self._thread_lock:
            self._sync_with_backend()
            found = [trial for trial in self._open_trials(study_id) if trial.state in states]
            return copy.deepcopy(found) if deepcopy else found

    def _open_trials(self, study_id: int) -> list[FrozenTrial]:
        self._replay_result.get_study(study_id)
        numbers, trials = self._replay_result._study_id_to_trial_ids[study_id], self._replay_result._trials
        seen, before = self._open.get(study_id, (0, []))
        found = [trials[number] for number in (*before, *numbers[seen:])]
        found = [trial for trial in found if not trial.state.is_finished()]
        self._open[study_id] = len(numbers), [trial._trial_id for trial in found]
        return found


def mend(path: Path) -> None:
    """Take away what a driver left that died while it wrote; for the next driver, which is alone.

    Half an entry, of a disk that was full or lost its power: the next one would be written behind it, and the
    journal could never be read again. And Optuna's lock, for whose end the next entry would wait 30 s.
    """
    Path(f"{path}.lock").unlink(missing_ok=True)
    if not path.exists():
        return
    with path.open("rb+") as journal:
        text = journal.read()
        whole = text.rfind(b"\n") + 1
        if whole < len(text):
            journal.truncate(whole)


class _Whole(JournalFileBackend):
    """The same file, in which an entry stands whole or not at all when the disk is full."""

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        with get_lock_file(self._lock):
            _append(Path(self._file_path), logs, synced=True)


class _Unsynced(JournalFileBackend):
    """The same file, left to the operating system to bring to the disk; for one process at a time."""

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        _append(Path(self._file_path), logs, synced=False)


def _append(path: Path, logs: list[dict[str, Any]], *, synced: bool) -> None:
    rest = memoryview("".join(json.dumps(log, separators=(",", ":")) + "\n" for log in logs).encode())
    # Unbuffered: what a buffer could not write it would try again when it is closed.
    with naming(path), path.open("ab", buffering=0) as file:
        before = file.tell()
        try:
            while rest:
                rest = rest[file.write(rest) :]
            if synced:
                os.fsync(file.fileno())
        except OSError:
            file.truncate(before)
            raise
