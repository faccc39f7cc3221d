"""From a sweep, a task and a proposal to what is trained."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from nemesis_sweep.messages.faults import Fault, refuse, shown
from nemesis_sweep.spec.method import Method
from nemesis_sweep.spec.outside.methods import method_model, narrowed, outside_kinds
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.spec.tasks import Task
from nemesis_sweep.spec.translate import faults_of
from nemesis_sweep.spec.values import Values


def method_values(sweep: Sweep, task: Task, params: Values) -> dict[str, Any]:
    """Return every field of the method that `configuration` would give, without checking any."""
    defaults = {name: field.default for name, field in sweep.method.method_fields().items()}
    return defaults | sweep.method.values(task.dataset, task.shots) | dict(params)


def configuration(sweep: Sweep, task: Task, params: Values) -> Method:
    """Return the complete method of one trial: what is written for its task, and `params` over it.

    params: method fields by name, such as Optuna's `trial.params`.
    Raises `UserError` for names and values that the method does not have.
    """
    values = sweep.method.values(task.dataset, task.shots) | dict(params)
    model = method_model(outside_kinds(sweep.method))
    try:
        method = model.model_validate(values)
    except ValidationError as error:
        refuse(faults_of(error, values, model))
        raise
    there = _vectors(method)
    if there is not None and method.n_positions > there:
        message = "more positions than context vectors"
        refuse([Fault(("n_positions",), message, shown(method.n_positions), f"at most {there}")])
    return narrowed(method)


def _vectors(method: Method) -> int | None:
    """The vectors that PAN draws from; None where the words, the tower or a kind from outside decide."""
    kind = method.kinds.get(method.prompt)
    if kind is None:
        return None
    counts: list[int | None] = []
    if "n_ctx" in kind.names:
        blocks = method.prompt_depth if kind.between_blocks else 1
        counts.append(None if method.words is not None or blocks is None else method.n_ctx * blocks)
    if kind.own_in_image_tower:
        blocks = method.prompt_depth_vision or method.vision_last
        counts.append(None if blocks is None else method.n_ctx_vision * blocks)
    return sum(filter(None, counts)) if counts and None not in counts else None
