"""The trial of a sweep that needs the most memory, as far as that can be said without training it."""

from collections.abc import Mapping
from typing import Any

from nemesis_sweep.spec.baselines import known_before
from nemesis_sweep.spec.choices import CLASS_POSITIONS, PRECISIONS, SELECTIONS
from nemesis_sweep.spec.configuration import configuration
from nemesis_sweep.spec.cross_section import CrossSection
from nemesis_sweep.spec.kinds import is_row
from nemesis_sweep.spec.method import Method
from nemesis_sweep.spec.prompts import passes
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.spec.tasks import Task
from nemesis_sweep.sweep.space.baselines import baseline_method


def largest_method(sweep: Sweep, task: Task) -> Method:
    """A method that needs as much memory as any that the sweep can train on a task, or more.

    Every field has the largest of its possible values, whether or not they can meet in one trial; the
    baselines that are asked for count too. Of several kinds of prompts it is the one that runs most contexts
    through the text tower. Raises ``UserError`` when the fields do not go together.
    """
    parts = CrossSection(sweep.method, sweep.space)
    baselines = [baseline_method(sweep, task, name) for name in known_before(sweep.search.baselines)]

    def possible(name: str) -> list[Any]:
        return parts.possible(name, cell=(task.dataset, task.shots)) + [
            getattr(each, name) for each in baselines if name in each.method_fields()
        ]

    n_ctx, words = max(possible("n_ctx")), possible("words")
    largest = {
        "n_ctx": n_ctx,
        "words": None if None in words else max(words, key=len),
        "class_position": max(possible("class_position"), key=CLASS_POSITIONS.index),
        "csc": any(possible("csc")),
        "omega": 1.0 if max(possible("omega")) else 0.0,  # How strong a penalty is costs nothing.
        "beta": min(possible("beta")),
        "n_positions": min(n_ctx, max(possible("n_positions"))),
        "selection": max(possible("selection"), key=lambda name: SELECTIONS[name].corrupts),
        "batch": max(possible("batch")),
        "precision": min(possible("precision"), key=PRECISIONS.index),
    }
    kinds, table = list(dict.fromkeys(possible("prompt"))), sweep.method.kinds
    # What trains no prompt takes less than any that does.
    kinds = [kind for kind in kinds if not is_row(kind)] or kinds
    counts = {name for kind in kinds if kind in table for name in table[kind].costly}
    known = {name: [value for value in possible(name) if value is not None] for name in counts}
    largest |= {name: max(values) for name, values in known.items() if values}
    return configuration(
        sweep, task, {**largest, "prompt": max(kinds, key=lambda kind: passes(kind, largest, table))}
    )


def largest_trials(sweep: Sweep, classes: Mapping[str, int]) -> list[tuple[Task, Method]]:
    """For every backbone the task and the method that need the most. classes: of each task, by its key."""
    largest: dict[str, tuple[float, Task, Method]] = {}
    for task in sweep.task_list():
        method = largest_method(sweep, task)
        size = classes[task.key] * method.n_ctx * (1 + method.n_positions * (method.beta < 1))
        size *= passes(method.prompt, method.model_dump(), method.kinds)
        if task.backbone not in largest or size > largest[task.backbone][0]:
            largest[task.backbone] = (size, task, method)
    return [(task, method) for _, task, method in largest.values()]
