"""One home as a report reads it: its trials, its tables, how far it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from optuna.trial import FrozenTrial, TrialState

from nemesis_sweep.messages.counting import counted
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.report.leaderboard import TaskBoard, leaderboard
from nemesis_sweep.report.page.short_names import short_names
from nemesis_sweep.spec.sweep import JOINT, MEAN, Sweep
from nemesis_sweep.sweep.best import mark_best, trained
from nemesis_sweep.sweep.home.folder import Home, home_at
from nemesis_sweep.sweep.recorded import RecordedStudy, recorded_studies, recorded_sweep
from nemesis_sweep.sweep.row import Row
from nemesis_sweep.sweep.rows import trial_rows
from nemesis_sweep.sweep.status import SweepStatus, status_of
from nemesis_sweep.sweep.worker.result import RESULT


@dataclass(frozen=True)
class SweepRecord:
    """A finished or a running sweep.

    name: what tells it from the others of a report. rows: of all trials, as in `results.parquet`, but for
    complete ones that have lost a result. lost: those results, files in the home that are missing or damaged.
    boards: a task's table each; a joint sweep has a last one for the means.
    """

    name: str
    home: Home
    sweep: Sweep
    studies: Sequence[RecordedStudy]
    rows: Sequence[Row]
    status: SweepStatus
    lost: Sequence[str] = ()

    @property
    def objectives(self) -> tuple[str, ...]:
        """What trials are judged by; the first decides."""
        return tuple(self.sweep.search.objective)

    @cached_property
    def boards(self) -> list[TaskBoard]:
        """The table of every task, and of the means of a joint sweep."""
        return leaderboard(self.rows, self.objectives)


def read_sweeps(folders: Sequence[Path]) -> list[SweepRecord]:
    """The sweeps in some homes, each with a name of its own.

    Raises ``UserError`` for a folder that holds no sweep, or one without a finished trial.
    """
    homes = list(dict.fromkeys(home_at(folder) for folder in folders))
    sweeps = [recorded_sweep(home) for home in homes]
    return [
        _read(home, sweep, name)
        for home, sweep, name in zip(homes, sweeps, _names(homes, sweeps), strict=True)
    ]


def _names(homes: Sequence[Home], sweeps: Sequence[Sweep]) -> list[str]:
    """The sweeps' own names; where two are alike those of their folders, as far as that tells them apart."""
    names = [sweep.name for sweep in sweeps]
    if len(set(names)) == len(names):
        return names
    folders = short_names(str(home.path) for home in homes)
    return [folders[str(home.path)] for home in homes]


def _read(home: Home, sweep: Sweep, name: str) -> SweepRecord:
    studies = recorded_studies(sweep, home)
    status = status_of(sweep, studies, home)
    rows: list[Row] = []
    lost: list[str] = []
    for study in studies:
        for number, trial in study.trials:
            own = trial_rows(study, number, trial, home.path)
            # What a simulation measured is in a file of its own.
            missing = [] if status.simulated else _lost(study, number, trial, own)
            lost += missing
            rows += [] if missing else own
    if status.simulated:
        from nemesis_sweep.report.simulated import with_simulated

        rows = list(with_simulated(home.path, rows))
    if not trained(rows, sweep.search.objective):
        message = "no trial that trains a prompt has completed, so there is nothing to report"
        allowed = (
            "a sweep of which at least one trial is complete; `nemesis-sweep status` shows how far it is"
        )
        if lost:
            message = f"nothing to report: {lost_text(lost)}"
            allowed = "`nemesis-sweep run` with the sweep file, which trains them again"
        raise UserError(Problem(message, key="HOME", found=str(home.path), allowed=allowed))
    marked = mark_best(rows, sweep.search.objective)
    return SweepRecord(name, home, sweep, studies, marked, status, tuple(lost))


def lost_text(lost: Sequence[str]) -> str:
    """`trials/digits-1shot/3/result.json and 2 other results are missing or damaged`."""
    told = lost[0]
    if len(lost) > 1:
        told += f" and {counted(len(lost) - 1, 'other result')}"
    return f"{told} {'is' if len(lost) == 1 else 'are'} missing or damaged"


def _lost(study: RecordedStudy, number: str, trial: FrozenTrial, rows: Sequence[Row]) -> list[str]:
    """The results that a complete trial should have and that cannot be read, as places in its home."""
    if trial.state != TrialState.COMPLETE:
        return []
    read = {row.task for row in rows if row.config is not None}
    folder = PurePosixPath("trials", study.key, number)
    places = {study.key: folder}
    if study.key == JOINT:
        places = {**{task.key: folder / task.key for task in study.tasks}, MEAN: folder}
    return [str(place / RESULT) for task, place in places.items() if task not in read]
