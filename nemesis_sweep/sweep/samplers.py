"""Optuna's samplers by the names that a sweep file uses."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nemesis_sweep.spec.errors import Problem, UserError, nearest

if TYPE_CHECKING:
    import optuna

    Grid = Mapping[str, Sequence[Any]]

CLASSES = {
    "tpe": "TPESampler",
    "gp": "GPSampler",
    "cmaes": "CmaEsSampler",
    "qmc": "QMCSampler",
    "random": "RandomSampler",
    "nsga2": "NSGAIISampler",
}
DEFAULTS: dict[str, dict[str, Any]] = {
    "tpe": {"multivariate": True, "group": True, "constant_liar": True},
    "gp": {"deterministic_objective": False},
}
SAMPLER_NAMES: tuple[str, ...] = tuple(CLASSES)


def build_sampler(name: str, options: Mapping[str, Any], seed: int) -> "optuna.samplers.BaseSampler":
    """The sampler with our defaults, the user's options over them, and the given seed.

    Raises ``UserError`` for an option that Optuna's own class does not have.
    """
    import optuna

    factory: Callable[..., optuna.samplers.BaseSampler] = getattr(optuna.samplers, CLASSES[name])
    check_options(factory, options, f"search.sampler_options ({name})", reserved=("seed",))
    return factory(**{**DEFAULTS.get(name, {}), **options, "seed": seed})


def check_options(
    factory: Callable[..., Any], options: Mapping[str, Any], key: str, reserved: Sequence[str] = ()
) -> None:
    """Raise ``UserError`` unless every option is a parameter of ``factory`` that the user may set."""
    allowed = [name for name in inspect.signature(factory).parameters if name not in reserved]
    problems = [
        Problem(
            "unknown option", key, found=option, allowed=", ".join(allowed), nearest=nearest(option, allowed)
        )
        for option in options
        if option not in allowed
    ]
    if problems:
        raise UserError(problems)
