"""What a study trains when its search is over: of the best ones their controls, then their confirmations."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from optuna.trial import FrozenTrial

from nemesis_sweep.spec.baselines import CONFIRM, CONTROL
from nemesis_sweep.spec.method import Method
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.spec.tasks import Task
from nemesis_sweep.sweep.beside import baseline_of
from nemesis_sweep.sweep.best import Trials
from nemesis_sweep.sweep.confirm import missing_confirmations
from nemesis_sweep.sweep.control import missing_control
from nemesis_sweep.sweep.space.baselines import most_confirmations, most_controls


def missing_last(
    sweep: Sweep,
    tasks: Sequence[Task],
    trials: Trials,
    methods_of: Callable[[str, FrozenTrial], Sequence[Method]],
    out: Collection[str],
) -> str | None:
    """The number of one that is missing; None also where a trial is out that may change which are the best.

    trials: of a study over the tasks, with their numbers. methods_of: what a trial trains on every task. out:
    the numbers of those that are not over.
    """
    if _may_need_control(out):
        return None
    control = missing_control(sweep, tasks, trials, methods_of)
    # A control may itself be among the best.
    if control is not None or _may_be_confirmed(out):
        return control
    return next(iter(missing_confirmations(sweep, trials)), None)


def still_to_come(sweep: Sweep, trials: Trials, out: Collection[str], searching: bool) -> int:
    """How many confirmations there will be yet, as far as it is known: at most, until all else is over.

    searching: whether the sampler may still be asked. trials: those beside the space at least, all of the
    study where that is over.
    """
    if searching or _may_be_confirmed(out):
        begun = sum(baseline_of(number) == CONFIRM for number, _ in trials)
        return max(0, most_confirmations(sweep) - begun)
    return len(missing_confirmations(sweep, trials))


def more_may_be_missing(sweep: Sweep, out: Collection[str]) -> bool:
    """Whether trials that are out may make one missing when they are over."""
    if sweep.search.confirm is not None and _may_be_confirmed(out):
        return True
    return most_controls(sweep) > 0 and _may_need_control(out)


def _may_need_control(out: Collection[str]) -> bool:
    return any(baseline_of(number) not in (CONTROL, CONFIRM) for number in out)


def _may_be_confirmed(out: Collection[str]) -> bool:
    return any(baseline_of(number) != CONFIRM for number in out)
