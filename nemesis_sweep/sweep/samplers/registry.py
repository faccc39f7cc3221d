"""Optuna's samplers by the names that a sweep file uses; `grid` is ours, see `sweep/samplers/grid.py`."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from nemesis_sweep.spec.faults import Fault, refuse
from nemesis_sweep.spec.limits import GRID
from nemesis_sweep.sweep.options import option_faults, settable, under

if TYPE_CHECKING:
    import optuna

CLASSES = {
    "tpe": "TPESampler",
    "gp": "GPSampler",
    "cmaes": "CmaEsSampler",
    "qmc": "QMCSampler",
    "random": "RandomSampler",
    "nsga2": "NSGAIISampler",
}
# Dimensions under a choice are drawn one by one in every trial that has them: no news, the docs say it.
_QUIET = {"warn_independent_sampling": False}
DEFAULTS: dict[str, dict[str, Any]] = {
    "tpe": {"multivariate": True, "group": True, "constant_liar": True},
    "gp": {"deterministic_objective": False, **_QUIET},
    "cmaes": _QUIET,
    "qmc": _QUIET,
}
SAMPLER_NAMES: tuple[str, ...] = (*CLASSES, GRID)


def build_sampler(name: str, options: Mapping[str, Any], seed: int) -> "optuna.samplers.BaseSampler":
    """Optuna's sampler with our defaults, the user's options over them, and the given seed.

    Raises ``UserError`` for options that Optuna's own class does not have or does not take.
    """
    refuse(under(("search", "sampler_options"), sampler_faults(name, options)))
    return _make(name, seed=seed, **options)


def sampler_faults(name: str, options: Mapping[str, Any]) -> list[Fault]:
    """What is wrong with a sampler's options, each at the key of the option."""
    import optuna

    if name == GRID:
        return option_faults(dict, {}, options, name)
    # The seed is the sweep's own: `search.seed`.
    allowed = settable(getattr(optuna.samplers, CLASSES[name]), reserved=("seed",))
    return option_faults(partial(_make, name, seed=0), allowed, options, name)


def _make(name: str, **options: Any) -> "optuna.samplers.BaseSampler":
    import optuna

    sampler: optuna.samplers.BaseSampler = getattr(optuna.samplers, CLASSES[name])(
        **{**DEFAULTS.get(name, {}), **options}
    )
    return sampler
