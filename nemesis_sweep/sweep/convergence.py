"""`budget.until: converged`: a study ends when less is left to gain than its replicates can tell apart.

Optuna's terminator (Makarova et al., 2022, Automatic Termination for Hyperparameter Optimization): a Gaussian
process over the better half of the complete trials bounds, with high probability, by how much any point of
the space may beat the best found. A search ends when that bound is below the error of the best: here the
standard error of its mean over the replicates. The bound sees the dimensions that all trials have.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import stdev
from typing import Any

import optuna
from optuna.terminator import BaseErrorEvaluator, RegretBoundEvaluator
from optuna.trial import FrozenTrial, TrialState

from nemesis_sweep.spec.checks.convergence import EVERY, SHARE, STARTUP
from nemesis_sweep.spec.metrics import Direction
from nemesis_sweep.sweep.best import best_trial

ERROR = "error"
"""User attribute of a complete trial: the standard error of its objective."""
ASKED = "convergence"
"""User attribute of a study: what the last answer was."""


@dataclass(frozen=True)
class Convergence:
    """What was found when it was asked: improvement, the most that is left to gain; error, that of the best.

    complete: trials that were complete then. error: None where the best has none, as in an earlier version.
    """

    complete: int
    improvement: float
    error: float | None

    @property
    def is_reached(self) -> bool:
        """Whether what is left to gain is below the error."""
        return self.error is not None and self.improvement < self.error

    def __str__(self) -> str:
        told = f"possible improvement {self.improvement:.2g}"
        if self.error is None:
            return f"{told}, and no error of the best to compare it with"
        return f"{told} {'below' if self.is_reached else 'not below'} the error of {self.error:.2g}"


class ReplicateError(BaseErrorEvaluator):
    """The standard error of the best trial, of those that keep the constraints; NaN where it is not known."""

    def evaluate(self, trials: list[FrozenTrial], study_direction: optuna.study.StudyDirection) -> float:
        direction: Direction = "minimize" if study_direction.name == "MINIMIZE" else "maximize"
        found = best_trial([(str(trial.number), trial) for trial in trials], [direction])
        return math.nan if found is None else float(found[1].user_attrs.get(ERROR, math.nan))


def standard_error(replicates: Sequence[float]) -> float | None:
    """The standard error of the mean of independent values; None of fewer than two, or where one is not
    finite."""
    if len(replicates) < 2 or not all(map(math.isfinite, replicates)):
        return None
    return stdev(replicates) / math.sqrt(len(replicates))


def next_asked(complete: int) -> int:
    """How many trials have to be complete when it is asked next, after an answer with so many (0: none)."""
    return complete + max(EVERY, complete // SHARE) if complete else STARTUP


def last_answer(attributes: dict[str, Any]) -> Convergence | None:
    """The last answer for a study, by its user attributes."""
    told = attributes.get(ASKED)
    return Convergence(**told) if told else None


def ask_again(study: optuna.Study, seed: Callable[[str], int]) -> Convergence | None:
    """Ask, where enough trials have completed since the last answer, and keep the answer; else the last one.

    The same trials have the same answer. seed: gives that for a purpose.
    """
    last = last_answer(study.user_attrs)
    trials = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if (last and last.is_reached) or len(trials) < next_asked(last.complete if last else 0):
        return last
    room = RegretBoundEvaluator(seed=seed(f"convergence {len(trials)}"), min_n_trials=STARTUP)
    improvement = float(room.evaluate(trials, study.direction))
    error = ReplicateError().evaluate(trials, study.direction)
    found = Convergence(len(trials), improvement, None if math.isnan(error) else error)
    study.set_user_attr(ASKED, asdict(found))
    return found


def forget_answer(study: optuna.Study) -> None:
    """Take back an answer that no longer ends the study, so that it is asked again where it should."""
    if study.user_attrs.get(ASKED):
        study.set_user_attr(ASKED, None)


def ending(begun: int, trials: int, answer: Convergence | None) -> str:
    """Why a search asked for no more trials, after the words `the search`; '' while it goes on.

    begun: trials of the study. trials: as many as there can be.
    """
    if answer is not None and answer.is_reached:
        return f"stopped after {begun} of {trials} trials: {answer}"
    if begun < trials:
        return ""
    return f"took all {trials} trials" + (f": {answer}" if answer else "")
