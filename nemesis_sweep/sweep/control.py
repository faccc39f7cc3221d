"""The control: the best found once more without its penalty, so that nothing else explains the difference.

Plain CoOp stands at the published number of context vectors. Where the search moves that, or the learning
rate, or anything else that is not of the penalty, a winner may owe its lead over CoOp to that alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from optuna.trial import FrozenTrial

from nemesis_sweep.spec.baselines import CONTROL, COOP
from nemesis_sweep.spec.kinds import is_row
from nemesis_sweep.spec.method import Method
from nemesis_sweep.spec.owned import applies
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.spec.tasks import Task
from nemesis_sweep.spec.training_fields import PENALTY_FIELDS
from nemesis_sweep.sweep.best import best_trial
from nemesis_sweep.sweep.space.baselines import baseline_method, control_is_possible

_OF = f"{CONTROL}-of-"


def control_of(number: str) -> str:
    """The number of the control of a trial."""
    return f"{_OF}{number}"


def baseline_of(number: str) -> str:
    """The baseline that a trial beside the space is, by its number."""
    return CONTROL if number.startswith(_OF) else number


def original_of(number: str) -> str:
    """The number of the trial that a control is of."""
    return number.removeprefix(_OF)


def missing_control(
    sweep: Sweep,
    tasks: Sequence[Task],
    trials: Sequence[tuple[str, FrozenTrial]],
    methods_of: Callable[[str, FrozenTrial], Sequence[Method]],
) -> str | None:
    """The number of the control that the best trial lacks.

    trials: of a study over the tasks, with their numbers. methods_of: what a trial trains on every task.
    None where plain CoOp differs from it in nothing but the penalty, or where it has no penalty itself, as
    a row without a prompt has none.
    """
    if not control_is_possible(sweep):
        return None
    best = best_trial(trials, sweep.search.directions)
    if best is None or control_of(best[0]) in dict(trials):
        return None
    methods = methods_of(*best)
    coop = [baseline_method(sweep, task, COOP) for task in tasks]
    bare = all(method.omega == 0 or is_row(method.prompt) for method in methods)
    if bare or all(map(_alike, methods, coop)):
        return None
    return control_of(best[0])


def control_methods(methods: Sequence[Method]) -> tuple[Method, ...]:
    """What a control trains: what its trial trained, with omega 0."""
    return tuple(method.model_copy(update={"omega": 0.0}) for method in methods)


def _alike(one: Method, other: Method) -> bool:
    """Whether two methods differ in nothing but the penalty."""
    chosen = one.model_dump()
    names = [name for name in set(chosen) - PENALTY_FIELDS if applies(name, chosen, one.kinds)]
    return all(getattr(one, name) == getattr(other, name, None) for name in names)
