"""Trials logged again when the home's MLflow database was emptied or deleted.

What MLflow was told of a trial is in its outbox, and sent again by itself. A trial of an earlier version has
none, nor has one whose outbox is damaged: it is logged from its result, which has everything but the curves.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nemesis_sweep.data.meter import SayLine
from nemesis_sweep.messages.counting import counted
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.spec.tasks import Task
from nemesis_sweep.sweep.corruption_file import FILE as CORRUPTION
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.logged import applying, final_metrics, params_and_tags, varied
from nemesis_sweep.sweep.result import Result
from nemesis_sweep.sweep.trial_words import TrialWords
from nemesis_sweep.sweep.worker.result import WORDS, read_result
from nemesis_sweep.tracking.location import database
from nemesis_sweep.tracking.lost import records_are_lost
from nemesis_sweep.tracking.outbox import OPEN, Outbox
from nemesis_sweep.tracking.part_run import PartRun
from nemesis_sweep.tracking.sweep_run import TRIALS
from nemesis_sweep.tracking.trial_run import TrialRun, tell_of_trial


def log_again_if_lost(sweep: Sweep, home: Home, say: SayLine) -> None:
    """See to it that every complete trial is logged again where the database does not know the sweep."""
    if not records_are_lost(home.path):
        return
    trials = without_curves = 0
    for key, tasks in sweep.studies().items():
        for folder in sorted(path for path in (home.path / TRIALS / key).glob("*") if path.is_dir()):
            trials += 1
            if any(event["event"] == OPEN for event in Outbox(folder).read()[0]):
                continue
            result = read_result(folder)
            if result is not None:
                _log(folder, result, tasks, sweep)
                without_curves += bool(result.epochs)
    told = f"{database(home.path)} has no record of this sweep; {counted(trials, 'trial')} logged again"
    if without_curves:
        told += f", {without_curves} of them without the curves, which only the database had"
    say(told)


def _log(folder: Path, result: Result, tasks: Sequence[Task], sweep: Sweep) -> None:
    """Write the outbox of a complete trial from its result."""
    values = {**applying(result.baseline, result.config), "seeds": result.seeds}
    params, tags = params_and_tags(tasks, result.baseline, result.params, values, varied(sweep))
    run = TrialRun.open(folder, params, tags)
    for task in tasks:
        part = None if result.task else read_result(folder / task.key)
        if part is not None:
            place = PartRun(run, task.key)
            if part.left:
                place.log_files(folder / task.key, part.left[0], _others(folder / task.key))
            place.finish("FINISHED", final_metrics(part), epoch=part.epochs)
    if result.left:
        run.log_files(folder, result.left[0], _others(folder))
    run.finish("FINISHED", final_metrics(result), epoch=result.last_step)
    words = TrialWords(
        result.study, result.number, result.baseline, result.params, sweep.search.objective, result.measured,
        result.replicates,
    )  # fmt: skip
    tell_of_trial(folder, words.name, words.note)


def _others(folder: Path) -> list[str]:
    return [name for name in (WORDS, CORRUPTION) if (folder / name).is_file()]
