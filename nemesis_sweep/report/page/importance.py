"""How much each searched dimension matters for being among the best: PED-ANOVA, with bootstrap intervals.

The evaluator is Optuna's (Watanabe et al. 2023, arXiv 2304.10255; with conditions arXiv 2601.20800). Its
values are normalised to a sum of 1.
"""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
from optuna.importance import PedAnovaImportanceEvaluator
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial

TOP = 0.1
"""The best share of the trials that importance is about."""
FEWEST = 20
"""Complete trials below which nothing is told: of fewer the best are hardly any."""
AT_TOP = 5
"""Trials that the best are at least, as Optuna's documentation advises."""
DRAWS, LEAST_DRAWS = 100, 20
"""Resamples of a search: of a large one, or of many, fewer, so that a page does not take minutes."""
ALL_DRAWS, ALL_TRIALS = 300, 50_000
"""Resamples of all searches of a page, and trials in all resamples of one, beyond which there are fewer."""
BOUNDS = (2.5, 97.5)


@dataclass(frozen=True)
class Importance:
    """The share of a dimension, and the 2.5 and 97.5 percentiles over resamples of the trials."""

    name: str
    share: float
    low: float
    high: float


def importances(
    trials: Sequence[FrozenTrial], values: Sequence[float], names: Sequence[str], draws: int = DRAWS
) -> list[Importance]:
    """The importances of some dimensions, the largest first; none of fewer than 20 trials.

    trials: complete ones. values: what each is judged by, less is better. names: of dimensions; one that no
    trial has is left out. draws: resamples.
    """
    known = [name for name in names if any(name in trial.params for trial in trials)]
    if len(trials) < FEWEST or len(known) < 2 or len(set(values)) < 2:
        return []
    told = np.asarray(values, float)
    trials = _with_shared_distributions(trials)
    found = _shares(trials, told, known)
    generator = np.random.default_rng(0)
    samples = [generator.integers(0, len(trials), len(trials)) for _ in range(draws)]
    shares = [_shares([trials[place] for place in sample], told[sample], known) for sample in samples]
    low, high = (
        np.percentile([[each[name] for name in known] for each in shares], bound, axis=0) for bound in BOUNDS
    )
    made = [
        Importance(name, found[name], float(low[place]), float(high[place]))
        for place, name in enumerate(known)
    ]
    return sorted(made, key=lambda each: -each.share)


def draws_for(trials: int, searches: int) -> int:
    """How many resamples each of some searches has, of so many trials."""
    return max(LEAST_DRAWS, min(DRAWS, ALL_DRAWS // searches, ALL_TRIALS // max(1, trials)))


def _with_shared_distributions(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """The trials with one object for equal distributions: Optuna compares them over and over."""
    kept: dict[Any, Any] = {}
    shared = []
    for trial in trials:
        same = copy.copy(trial)
        same.distributions = {
            name: kept.setdefault(distribution, distribution)
            for name, distribution in trial.distributions.items()
        }
        shared.append(same)
    return shared


class _Sample(InMemoryStorage):
    """A storage of some trials as they are: Optuna's own would copy each."""

    def __init__(self, trials: Sequence[FrozenTrial]) -> None:
        super().__init__()
        self._sample = list(trials)

    def get_all_trials(self, study_id: int, deepcopy: bool = True, states: Any = None) -> list[FrozenTrial]:
        return self._sample


def _shares(trials: Sequence[FrozenTrial], values: np.ndarray, names: Sequence[str]) -> dict[str, float]:
    losses = dict(zip(map(id, trials), values, strict=True))
    evaluator = PedAnovaImportanceEvaluator(target_quantile=max(TOP, min(0.5, AT_TOP / len(trials))))
    with warnings.catch_warnings():
        # Of small regimes and of what a target is: both are told in our words.
        warnings.simplefilter("ignore")
        study = optuna.create_study(storage=_Sample(trials), study_name="sample")
        found = evaluator.evaluate(
            study,
            [name for name in names if any(name in trial.params for trial in trials)],
            target=lambda trial: losses[id(trial)],
        )
    total = math.fsum(found.values())
    return {name: found.get(name, 0.0) / total if total > 0 else 1 / len(names) for name in names}
