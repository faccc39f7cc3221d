"""Optuna's pruners by the names that a sweep file uses."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from nemesis_sweep.sweep.samplers import check_options

if TYPE_CHECKING:
    import optuna

CLASSES = {
    "hyperband": "HyperbandPruner",
    "successive_halving": "SuccessiveHalvingPruner",
    "median": "MedianPruner",
    "percentile": "PercentilePruner",
    "none": "NopPruner",
}
PRUNER_NAMES: tuple[str, ...] = tuple(CLASSES)


def build_pruner(
    name: str, options: Mapping[str, Any], epochs: int, eval_every: int
) -> "optuna.pruners.BasePruner":
    """The pruner with defaults that fit trials of ``epochs`` epochs, measured every ``eval_every``.

    Raises ``UserError`` for an option that Optuna's own class does not have.
    """
    import optuna

    factory: Callable[..., optuna.pruners.BasePruner] = getattr(optuna.pruners, CLASSES[name])
    check_options(factory, options, f"search.pruner_options ({name})")
    if name == "hyperband":
        from nemesis_sweep.sweep.hyperband import Hyperband

        factory = Hyperband
    return factory(**{**_defaults(name, epochs, eval_every), **options})


def _defaults(name: str, epochs: int, eval_every: int) -> dict[str, Any]:
    """Resources are epochs. The first judgement comes after a fifth of them, when the warm-up is over."""
    first = max(eval_every, epochs // 5)
    defaults: dict[str, dict[str, Any]] = {
        "hyperband": {"min_resource": first, "max_resource": epochs, "reduction_factor": 3},
        "successive_halving": {"min_resource": first, "reduction_factor": 3},
        "median": {"n_startup_trials": 5, "n_warmup_steps": first},
        "percentile": {"percentile": 50.0, "n_startup_trials": 5, "n_warmup_steps": first},
    }
    return defaults.get(name, {})
