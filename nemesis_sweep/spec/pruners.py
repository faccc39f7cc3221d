"""The pruners: where the code of each is, what we set, and what it needs. Nothing here imports Optuna."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nemesis_sweep.spec.outside.reference import load, outside, refused
from nemesis_sweep.spec.values import Values


@dataclass(frozen=True)
class Pruner:
    """One way to stop trials early.

    factory: its class as `module:Name`, or the class. It is given what it has arguments for: `first_epoch`,
    the epoch before which nothing should be judged, and `epochs`, of a whole trial. about: when it stops a
    trial. defaults: arguments that we set, by these two.
    replicates: the fewest with which it can stop a trial, by its options; 0 for one that knows only means.
    wraps: its argument for another pruner, which the option `pruner` names. stops: whether it ever does.
    others: what other tools call it.
    """

    factory: Any
    about: str
    defaults: Callable[[int, int], Values] = lambda first_epoch, epochs: {}
    replicates: Callable[[Values], int] = lambda options: 0
    wraps: str = ""
    stops: bool = True
    others: tuple[str, ...] = ()


WRAPPED = "pruner"
"""Option of a pruner that wraps another, which it names; around one that never stops it is alone."""


def _pairs(options: Values) -> int:
    """The signed-rank test of n pairs never gives less than 2^-n."""
    threshold = options.get("p_threshold", 0.1)
    if not isinstance(threshold, int | float) or not threshold > 0:
        return 1
    return next(count for count in range(1, 1100) if 0.5**count < threshold)


PRUNERS: dict[str, Pruner] = {
    "hyperband": Pruner(
        "nemesis_sweep.sweep.pruners.hyperband:Hyperband",
        "that is not among the best of its rung, in brackets that judge sooner or later",
        lambda first, epochs: {"min_resource": first, "max_resource": epochs, "reduction_factor": 3},
        others=("asynchyperband",),
    ),
    "successive_halving": Pruner(
        "optuna.pruners:SuccessiveHalvingPruner",
        "that is not among the best of its rung",
        lambda first, epochs: {"min_resource": first, "reduction_factor": 3},
        others=("asha", "sha"),
    ),
    "median": Pruner(
        "optuna.pruners:MedianPruner",
        "that is worse than half of the others at the same epoch",
        lambda first, epochs: {"n_startup_trials": 5, "n_warmup_steps": first},
        others=("medianstopping",),
    ),
    "percentile": Pruner(
        "optuna.pruners:PercentilePruner",
        "that is worse than a share of the others at the same epoch",
        lambda first, epochs: {"percentile": 50.0, "n_startup_trials": 5, "n_warmup_steps": first},
    ),
    "wilcoxon": Pruner(
        "nemesis_sweep.sweep.pruners.wilcoxon:ReplicateWilcoxonPruner",
        "whose replicates are worse than the best trial's at the same epoch",
        replicates=_pairs,
    ),
    "patient": Pruner(
        "optuna.pruners:PatientPruner",
        "that another pruner would stop, but only after some measurements without improvement",
        lambda first, epochs: {WRAPPED: "median", "patience": 2},
        wraps="wrapped_pruner",
    ),
    "none": Pruner("optuna.pruners:NopPruner", "never", stops=False, others=("nop", "no", "off", "fifo")),
}


def pruner_of(name: str) -> Pruner:
    """The entry of a name, or of the class at `module:Name`; one that needs nothing for a name that is none.

    A class from outside with `replicates`, a number, is given the values of every replicate.
    """
    if name in PRUNERS or not (place := outside(name, "pruners")):
        return PRUNERS.get(name, Pruner(None, ""))
    found = load(place)
    fewest = getattr(found, "replicates", 0)
    if type(fewest) is not int or fewest < 0:
        message = "has `replicates` that are no number of them"
        raise refused(name, message, fewest, "a whole number >= 0")
    about = (found.__doc__ or "").strip().partition("\n")[0]
    return Pruner(found, about, replicates=lambda options: fewest)


def innermost(name: str, options: Values) -> str:
    """The pruner whose verdicts count: the one that is wrapped, where one is."""
    entry = pruner_of(name)
    return str(options.get(WRAPPED, entry.defaults(1, 1)[WRAPPED])) if entry.wraps else name
