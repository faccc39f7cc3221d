"""Optuna's Hyperband with the same verdicts, at a cost that does not grow with the number of trials.

Optuna's own goes through every trial of the study, and works out the bracket of each, at every rung that a
trial reaches. What it looks for are the values that trials of the same bracket had at the same rung; here
they are kept in order, and read from the storage only once, when a driver starts.
"""

from bisect import insort
from collections import defaultdict

import optuna
from optuna.pruners import HyperbandPruner
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from nemesis_sweep.sweep.internals.optuna_names import id_of, rung_key, storage_of


class Hyperband(HyperbandPruner):
    """Hyperband of one study, whose verdicts are asked for by one process, the driver.

    Brackets, rungs and promotions are those of optuna.pruners.HyperbandPruner and SuccessiveHalvingPruner:
    bracket s has rungs at min_resource * reduction_factor ** (s + rung), and a trial goes on from a rung when
    it is among the best 1 / reduction_factor of those that were there before it.
    """

    def __init__(
        self,
        min_resource: int = 1,
        max_resource: str | int = "auto",
        reduction_factor: int = 3,
        bootstrap_count: int = 0,
    ) -> None:
        super().__init__(min_resource, max_resource, reduction_factor, bootstrap_count)
        self._brackets: dict[int, int] = {}
        self._rungs: dict[tuple[int, int], list[float]] | None = None

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        if not self._pruners:
            self._try_initialization(study)
        step = trial.last_step
        if not self._pruners or step is None:
            return False
        value = trial.intermediate_values[step]
        bracket = self._get_bracket_id(study, trial)
        rung = _rungs_done(trial)
        while step >= self._min_resource * self._reduction_factor ** (bracket + rung):
            if value != value:  # NaN is never promising
                return True
            reached = self._values(study)[bracket, rung]
            storage_of(study).set_trial_system_attr(id_of(trial), rung_key(rung), value)
            insort(reached, value)
            if not self._promotes(value, reached, study.direction):
                return True
            rung += 1
        return False

    def _promotes(self, value: float, reached: list[float], direction: StudyDirection) -> bool:
        """Whether a value goes on from a rung; ``reached`` are all values there, its own too, in order."""
        if len(reached) <= self._bootstrap_count:
            return False
        place = max(0, len(reached) // self._reduction_factor - 1)
        if direction == StudyDirection.MAXIMIZE:
            return value >= reached[-(place + 1)]
        return value <= reached[place]

    def _values(self, study: optuna.Study) -> dict[tuple[int, int], list[float]]:
        """Values by bracket and rung, in order."""
        if self._rungs is None:
            self._rungs = defaultdict(list)
            for trial in study.get_trials(deepcopy=False):
                for rung in range(_rungs_done(trial)):
                    place = self._get_bracket_id(study, trial), rung
                    insort(self._rungs[place], trial.system_attrs[rung_key(rung)])
        return self._rungs

    def _get_bracket_id(self, study: optuna.Study, trial: FrozenTrial) -> int:
        # Samplers ask for it too, for every trial: they learn only from trials of the same bracket.
        if not self._pruners:
            return super()._get_bracket_id(study, trial)
        if trial.number not in self._brackets:
            self._brackets[trial.number] = super()._get_bracket_id(study, trial)
        return self._brackets[trial.number]


def _rungs_done(trial: FrozenTrial) -> int:
    rung = 0
    while rung_key(rung) in trial.system_attrs:
        rung += 1
    return rung
