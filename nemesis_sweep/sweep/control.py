"""Controls: the best found once more without its penalty, so that nothing else explains the difference.

Plain CoOp stands at the published number of context vectors. Where the search moves that, or the learning
rate, or anything else that is not of the penalty, a winner may owe its lead over CoOp to that alone. With
`controls` the best of every kind of prompt with PUN, with PAN and with both has one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from optuna.trial import FrozenTrial, TrialState

from nemesis_sweep.spec.baselines import BASELINES, CONFIRM, CONTROL, CONTROLS, COOP
from nemesis_sweep.spec.losses import NONE, loss_of
from nemesis_sweep.spec.method import PENALTY_FIELDS, Method
from nemesis_sweep.spec.owned import applies
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.spec.tasks import Task
from nemesis_sweep.sweep.beside import baseline_of, control_of
from nemesis_sweep.sweep.best import Trials, best_trial
from nemesis_sweep.sweep.space.baselines import baseline_method, most_controls


def missing_control(
    sweep: Sweep,
    tasks: Sequence[Task],
    trials: Trials,
    methods_of: Callable[[str, FrozenTrial], Sequence[Method]],
) -> str | None:
    """The number of a control that one of the best trials lacks.

    trials: of a study over the tasks, with their numbers. methods_of: what a trial trains on every task.
    None where plain CoOp differs from them in nothing but the penalty, or where they have no penalty.
    """
    if not most_controls(sweep):
        return None
    known = dict(trials)
    coop = [baseline_method(sweep, task, COOP) for task in tasks]
    for number, trial in _best_ones(sweep, trials, methods_of):
        methods = methods_of(number, trial)
        bare = all(loss_of(method.model_dump()) == NONE for method in methods)
        explained = bare or all(map(_alike, methods, coop))
        if not explained and control_of(number) not in known:
            return control_of(number)
    return None


def _best_ones(
    sweep: Sweep, trials: Trials, methods_of: Callable[[str, FrozenTrial], Sequence[Method]]
) -> list[tuple[str, FrozenTrial]]:
    """The best of all, and with `controls` those of every kind of prompt and loss."""
    groups: dict[object, list[tuple[str, FrozenTrial]]] = {}
    if CONTROL in sweep.search.baselines:
        groups["all"] = list(trials)
    if CONTROLS in sweep.search.baselines:
        for number, trial in trials:
            if trial.state == TrialState.COMPLETE and baseline_of(number) not in (*BASELINES, CONFIRM):
                methods = methods_of(number, trial)
                of = tuple((method.prompt, loss_of(method.model_dump())) for method in methods)
                groups.setdefault(of, []).append((number, trial))
    found = [best_trial(group, sweep.search.directions) for group in groups.values()]
    return [each for each in found if each is not None]


def control_methods(methods: Sequence[Method]) -> tuple[Method, ...]:
    """What a control trains: what its trial trained, with omega 0."""
    return tuple(method.model_copy(update={"omega": 0.0}) for method in methods)


def _alike(one: Method, other: Method) -> bool:
    """Whether two methods differ in nothing but the penalty."""
    chosen = one.model_dump()
    names = [name for name in set(chosen) - PENALTY_FIELDS if applies(name, chosen, one.kinds)]
    return all(getattr(one, name) == getattr(other, name, None) for name in names)
