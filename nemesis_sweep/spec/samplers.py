"""The samplers: where the code of each is, what we set, what it cannot do. Nothing here imports Optuna."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from nemesis_sweep.spec.outside.reference import load, outside
from nemesis_sweep.spec.values import Values


@dataclass(frozen=True)
class Sampler:
    """One way to propose trials.

    factory: its class as `module:Name`, or the class. It is given what it has arguments for: `seed`, and of a
    finite space `space` and `points`. about: what it is, in a line. defaults: arguments that we set.
    several_objectives, metric_constraints: whether it may be asked for them.
    finite: it goes through the points of a finite space, and is made once for a study.
    asked: how often it is asked before another point is taken. others: what other tools call it.
    """

    factory: Any
    about: str
    defaults: Values = field(default_factory=dict)
    several_objectives: bool = True
    metric_constraints: bool = True
    finite: bool = False
    asked: int = 10
    others: tuple[str, ...] = ()


TOLD = ("several_objectives", "metric_constraints", "finite", "asked")
"""What a class from outside may say of itself."""

# Dimensions under a choice are drawn one by one in every trial that has them: no news, the docs say it.
_QUIET = {"warn_independent_sampling": False}

SAMPLERS: dict[str, Sampler] = {
    "tpe": Sampler(
        "optuna.samplers:TPESampler",
        "learns which regions are good, one of the few that take anything",
        {"multivariate": True, "group": True, "constant_liar": True},
        others=("bayes", "bayesian", "bayesopt", "hyperopt", "optuna", "bohb"),
    ),
    "gp": Sampler(
        "optuna.samplers:GPSampler",
        "a Gaussian process",
        {"deterministic_objective": False, **_QUIET},
        # It takes long to answer, and answers the same again.
        asked=1,
        others=("botorch", "skopt"),
    ),
    "cmaes": Sampler(
        "optuna.samplers:CmaEsSampler",
        "an evolution strategy on numbers",
        _QUIET,
        several_objectives=False,
        metric_constraints=False,
    ),
    "nsga2": Sampler(
        "optuna.samplers:NSGAIISampler", "a genetic algorithm for fronts", others=("nsgaii", "nsga")
    ),
    "qmc": Sampler("optuna.samplers:QMCSampler", "spreads points evenly", _QUIET, others=("sobol",)),
    "random": Sampler("optuna.samplers:RandomSampler", "independent draws"),
    "grid": Sampler(
        "nemesis_sweep.sweep.samplers.grid:GridSampler",
        "every point once, in a shuffled order",
        finite=True,
    ),
}


def sampler_of(name: str) -> Sampler:
    """The entry of a name, or what the class at `module:Name` says of itself, by attributes of that name.

    One that can do everything for a name that is none.
    """
    if name in SAMPLERS or not (place := outside(name, "samplers")):
        return SAMPLERS.get(name, Sampler(None, ""))
    found = load(place)
    told = {each: getattr(found, each) for each in TOLD if hasattr(found, each)}
    return Sampler(found, (found.__doc__ or "").strip().partition("\n")[0], **told)


def able(what: str) -> list[str]:
    """The samplers that can do what a field of theirs says."""
    return [name for name, sampler in SAMPLERS.items() if getattr(sampler, what)]
