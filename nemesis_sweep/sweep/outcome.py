"""What a run left: the rows of its trials, and why it may have ended before it reached its aim."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from optuna.trial import TrialState

from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.spec.baselines import trains_prompt
from nemesis_sweep.spec.sweep import JOINT, MEAN
from nemesis_sweep.sweep.best import best_trial
from nemesis_sweep.sweep.broker import TrialBroker
from nemesis_sweep.sweep.early_end import rows_of
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.row import Row
from nemesis_sweep.sweep.study import Study
from nemesis_sweep.sweep.winners import winner_of
from nemesis_sweep.tracking.models import Winner
from nemesis_sweep.tracking.sweep_run import finish_sweep, mark_best


@dataclass(frozen=True)
class Outcome:
    """What a run left.

    rows: those of its trials. empty_studies: those without a complete trial that trains a prompt.
    failed: trials that failed. too_many_failures: more than the budget allows, so that no more were begun.
    space_is_done: no study has a point left that it could try.
    converged: every study has converged before its trials were all begun.
    hours_are_spent: the budget's hours ended the sweep before its trials did.
    """

    rows: list[Row]
    empty_studies: list[str]
    failed: int
    too_many_failures: bool
    space_is_done: bool
    hours_are_spent: bool
    converged: bool = False
    causes: UserError | None = None
    """What kept all trials of some studies from beginning, so that they wait for another run."""


def collect(broker: TrialBroker, home: Home) -> Outcome:
    """Gather what a run left, and close the sweep in MLflow."""
    studies = broker.studies
    trials = [trial for study in studies for _, trial in study.trials()]
    empty = [study.key for study in studies if not has_complete(study)]
    found = {study.key: best_trial(study.trials(), broker.sweep.search.directions) for study in studies}
    best = {f"best/{key}": one[1].values[0] for key, one in found.items() if one}
    rows = rows_of(studies, home.path)
    numbers = {key: one[0] for key, one in found.items() if one}
    mark_best(home.path, _winners(broker.studies, home, rows, numbers))
    causes = broker.causes.error if broker.causes else None
    failed = bool(empty or broker.too_many_failures or causes)
    finish_sweep(home.path, "FAILED" if failed else "FINISHED", best, reason=str(causes or ""))
    return Outcome(
        rows,
        empty,
        failed=sum(trial.state == TrialState.FAIL for trial in trials),
        too_many_failures=broker.too_many_failures,
        space_is_done=all(study.proposer.space_is_done for study in studies),
        hours_are_spent=broker.hours_are_spent and any(study.proposer.may_propose for study in studies),
        converged=all(study.proposer.converged for study in studies),
        causes=causes,
    )


def _winners(
    studies: Sequence[Study], home: Home, rows: Sequence[Row], best: Mapping[str, str]
) -> list[Winner]:
    """The best trials of all studies. best: their numbers."""
    judged = {(row.study, row.number): row for row in rows if row.study != JOINT or row.task == MEAN}
    found = {study.key: judged.get((study.key, best.get(study.key, ""))) for study in studies}
    tasks = {study.key: study.tasks for study in studies}
    return [winner_of(home, key, tasks[key], row) for key, row in found.items() if row is not None]


def has_complete(study: Study) -> bool:
    """Whether a trial that trains a prompt is complete."""
    return any(
        trial.state == TrialState.COMPLETE and trains_prompt(number) for number, trial in study.trials()
    )
