"""Stop a trial whose replicates are worse than the best trial's, by more than chance explains."""

import copy
import json
from typing import cast

import optuna
from optuna.trial import FrozenTrial

REPLICATES = "replicates:"
"""Prefix of the trial attributes that hold the values of all replicates at one epoch."""


def keep_replicates(trial: optuna.Trial, epoch: int, values: list[float]) -> None:
    """Keep the objective of every replicate at an epoch, in the order of the seeds; before it is reported."""
    trial.set_user_attr(f"{REPLICATES}{epoch}", json.dumps(values))


class ReplicateWilcoxonPruner(optuna.pruners.BasePruner):
    """Optuna's `WilcoxonPruner` with a step for every replicate, at the epoch just measured.

    Trials report the mean over replicates per epoch, which is what samplers read of a pruned trial. For the
    test they keep each replicate's value beside it, and the pruner sees both trials as they were at the same
    epoch, replicate r being step r:

    - Paired by seed: replicate r of either trial has the same few-shot sample and the same batch order, so
      the difference is the configuration's doing. That is what a signed-rank test on pairs needs.
    - Same epoch: the best trial stands there as it was after as much training, not as it ended.
    - This epoch's R pairs alone: the values of one replicate at several epochs are steps of one trajectory.
      Pooled they would pass for independent evidence, and p would come out too small.

    R pairs never give p below 2^-R, so 4 replicates are the fewest that can be pruned at 0.1. Every
    measurement is a test of its own: over k of them the chance to stop a trial that is as good as the best
    exceeds ``p_threshold`` (by at most a factor of k), so ask for a smaller one where that matters.
    A best trial that was not measured at this epoch, or none at all, prunes nothing; nor does anything before
    ``first_epoch``, while the learning rate still warms up.
    """

    def __init__(self, first_epoch: int, p_threshold: float = 0.1, n_startup_steps: int = 2) -> None:
        self.test = optuna.pruners.WilcoxonPruner(p_threshold=p_threshold, n_startup_steps=n_startup_steps)
        self.first_epoch = first_epoch

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        epoch = trial.last_step
        if epoch is None or epoch < self.first_epoch:
            return False
        try:
            best = study.best_trial
        except ValueError:
            return False
        ours, theirs = _at_epoch(trial, epoch), _at_epoch(best, epoch)
        if not ours.intermediate_values or not theirs.intermediate_values:
            return False
        # The test asks a study for nothing but its best trial and its direction.
        seen = cast(optuna.Study, _AsItWas(theirs, study.direction))
        return self.test.prune(seen, ours)


class _AsItWas:
    """A study whose best trial stands as it was at an earlier epoch."""

    def __init__(self, best_trial: FrozenTrial, direction: optuna.study.StudyDirection) -> None:
        self.best_trial = best_trial
        self.direction = direction


def _at_epoch(trial: FrozenTrial, epoch: int) -> FrozenTrial:
    """The trial with its replicates' values at an epoch as intermediate values, step r for replicate r."""
    seen = copy.copy(trial)
    values = json.loads(trial.user_attrs.get(f"{REPLICATES}{epoch}", "[]"))
    seen.intermediate_values = dict(enumerate(values))
    return seen
