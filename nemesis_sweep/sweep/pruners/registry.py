"""Optuna's pruners by the names that a sweep file uses."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from nemesis_sweep.spec.errors import nearest
from nemesis_sweep.spec.faults import Fault, refuse, shown
from nemesis_sweep.sweep.options import option_faults, settable, under

if TYPE_CHECKING:
    import optuna

CLASSES = {
    "hyperband": "HyperbandPruner",
    "successive_halving": "SuccessiveHalvingPruner",
    "median": "MedianPruner",
    "percentile": "PercentilePruner",
    "wilcoxon": "WilcoxonPruner",
    "patient": "PatientPruner",
    "none": "NopPruner",
}
PRUNER_NAMES: tuple[str, ...] = tuple(CLASSES)
PATIENT = "patient"
WRAPPED: tuple[str, ...] = tuple(name for name in CLASSES if name != PATIENT)
"""What `patient` can wrap; around `none` it stops whatever no longer improves."""


def build_pruner(
    name: str, options: Mapping[str, Any], epochs: int, eval_every: int
) -> "optuna.pruners.BasePruner":
    """The pruner with defaults that fit trials of ``epochs`` epochs, measured every ``eval_every``.

    `patient` wraps the one that its option ``pruner`` names (with that one's defaults) and holds it back
    until ``patience`` measurements in a row have not improved by more than ``min_delta``.
    Raises ``UserError`` for options that Optuna's own class does not have or does not take.
    """
    refuse(under(("search", "pruner_options"), pruner_faults(name, options, epochs, eval_every)))
    return _make(name, epochs, eval_every)(**options)


def pruner_faults(
    name: str, options: Mapping[str, Any], epochs: int = 50, eval_every: int = 5
) -> list[Fault]:
    """What is wrong with a pruner's options, each at the key of the option."""
    import optuna

    allowed = settable(getattr(optuna.pruners, CLASSES[name]))
    if name == PATIENT:
        allowed = {"pruner": ("str",), **allowed}
        wrapped = options.get("pruner", "none")
        if isinstance(wrapped, str) and wrapped not in WRAPPED:
            near = nearest(wrapped, WRAPPED)
            return [Fault(("pruner",), "unknown pruner", shown(wrapped), ", ".join(WRAPPED), near)]
    return option_faults(_make(name, epochs, eval_every), allowed, options, name)


def needs_replicates(name: str, options: Mapping[str, Any]) -> bool:
    """Whether the pruner compares replicates one by one, so that their values have to be kept."""
    return "wilcoxon" in (name, options.get("pruner"))


def _make(name: str, epochs: int, eval_every: int) -> "Callable[..., optuna.pruners.BasePruner]":
    """What builds the pruner from the user's options."""
    import optuna

    from nemesis_sweep.sweep.pruners.hyperband import Hyperband
    from nemesis_sweep.sweep.pruners.wilcoxon import ReplicateWilcoxonPruner

    defaults = _defaults(name, epochs, eval_every)

    def make(**options: Any) -> optuna.pruners.BasePruner:
        values = {**defaults, **options}
        if name == "wilcoxon":
            return ReplicateWilcoxonPruner(optuna.pruners.WilcoxonPruner(**options), defaults["first_epoch"])
        if name == PATIENT:
            wrapped = values.pop("pruner")
            inner = None if wrapped == "none" else _make(wrapped, epochs, eval_every)()
            return optuna.pruners.PatientPruner(inner, **values)
        if name == "hyperband":
            return Hyperband(**values)
        pruner: optuna.pruners.BasePruner = getattr(optuna.pruners, CLASSES[name])(**values)
        return pruner

    return make


def _defaults(name: str, epochs: int, eval_every: int) -> dict[str, Any]:
    """Resources are epochs. The first judgement comes after a fifth of them, when the warm-up is over."""
    first = max(eval_every, epochs // 5)
    defaults: dict[str, dict[str, Any]] = {
        "hyperband": {"min_resource": first, "max_resource": epochs, "reduction_factor": 3},
        "successive_halving": {"min_resource": first, "reduction_factor": 3},
        "median": {"n_startup_trials": 5, "n_warmup_steps": first},
        "percentile": {"percentile": 50.0, "n_startup_trials": 5, "n_warmup_steps": first},
        "wilcoxon": {"first_epoch": first},
        PATIENT: {"pruner": "median", "patience": 2},
    }
    return defaults.get(name, {})
