"""Confirmations: the best settings and plain CoOp once more, on seeds that chose nothing.

The best of many noisy trials owes some of its score to the seeds on which it was chosen. Trained again on
fresh seeds it has a score that nobody selected. A confirmation is a trial beside the space, as a baseline is:
no sampler sees it, and it is never the best.
"""

from __future__ import annotations

import optuna
from optuna.trial import FrozenTrial

from nemesis_sweep.spec.baselines import COOP
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.sweep.beside import confirmation_of
from nemesis_sweep.sweep.best import Trials, best_ones
from nemesis_sweep.sweep.proposal import SEEDS


def confirmations(sweep: Sweep, trials: Trials) -> list[str]:
    """The numbers of the confirmations that a study wants; none while nothing that may be the best completed.

    trials: of the study, with their numbers.
    """
    confirm = sweep.search.confirm
    if confirm is None:
        return []
    numbers = [number for number, _ in best_ones(trials, sweep.search.directions, confirm.top)]
    if numbers and COOP not in numbers:
        numbers.append(COOP)
    return [confirmation_of(number) for number in numbers]


def missing_confirmations(sweep: Sweep, trials: Trials) -> list[str]:
    """Those that were not begun yet."""
    known = dict(trials)
    return [number for number in confirmations(sweep, trials) if number not in known]


def seeds_of(sweep: Sweep, trial: optuna.Trial | FrozenTrial) -> tuple[int, ...]:
    """The seeds of a trial: a confirmation's own, or the sweep's."""
    return tuple(trial.user_attrs.get(SEEDS, sweep.tasks.seeds))
