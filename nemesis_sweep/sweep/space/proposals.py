"""From a search space to parameters: what Optuna is asked, and whether given parameters lie in the space."""

from typing import TYPE_CHECKING, Any

from nemesis_sweep.spec.dimensions import Choice, Dimension, FloatRange, IntRange, Space
from nemesis_sweep.spec.draw import fill
from nemesis_sweep.spec.steps import is_exact
from nemesis_sweep.spec.values import Values

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution


def suggest(trial: "optuna.Trial", space: Space) -> dict[str, Any]:
    """Ask the sampler for every dimension of the space, and for those that its choices open."""
    return fill(space, lambda name, dimension: _suggest_one(trial, name, dimension))


def _suggest_one(trial: "optuna.Trial", name: str, dimension: Dimension) -> Any:
    match dimension:
        case Choice(choices=choices):
            return trial.suggest_categorical(name, choices)
        case IntRange(low=low, high=high, step=step, log=log):
            return trial.suggest_int(name, low, high, step=step, log=log)
        case FloatRange(low=low, high=high, log=log):
            return trial.suggest_float(name, low, high, step=_step(dimension), log=log)


def distribution(dimension: Dimension) -> "BaseDistribution":
    """Optuna's distribution of a dimension."""
    from optuna import distributions as kinds

    match dimension:
        case Choice(choices=choices):
            return kinds.CategoricalDistribution(choices)
        case IntRange(low=low, high=high, step=step, log=log):
            return kinds.IntDistribution(low, high, log=log, step=step)
        case FloatRange(low=low, high=high, log=log):
            return kinds.FloatDistribution(low, high, log=log, step=_step(dimension))


def _step(dimension: FloatRange) -> float | None:
    """The step for Optuna; None where rounding would cost the range its end.

    There it draws from the whole range, and :mod:`nemesis_sweep.sweep.samplers.feasible` keeps to the steps.
    """
    return dimension.step if is_exact(dimension) else None


def distributions(space: Space, point: Values) -> dict[str, "BaseDistribution"]:
    """Optuna's distributions of the dimensions that exist at a point."""
    found: dict[str, BaseDistribution] = {}

    def note(name: str, dimension: Dimension) -> Any:
        found[name] = distribution(dimension)
        return point[name]

    fill(space, note)
    return found


def within(space: Space, values: Values) -> dict[str, Any] | None:
    """The point of the space that takes these values, or None when a dimension cannot take its value."""
    point: dict[str, Any] = {}
    for name, dimension in space.items():
        if name not in values or not dimension.contains(values[name]):
            return None
        point[name] = values[name]
        if isinstance(dimension, Choice):
            opened = within(dimension.opened_by(values[name]), values)
            if opened is None:
                return None
            point |= opened
    return point
