"""What `plan` says about validation images: how finely they tell trials apart, which classes are short."""

import math
from collections.abc import Iterator
from functools import cache

from nemesis_sweep.data.class_counts import ClassCounts, class_counts
from nemesis_sweep.data.own.torchvision_names import PREFIX
from nemesis_sweep.data.registry import missing_data
from nemesis_sweep.data.selection import Selection, selection, too_few
from nemesis_sweep.messages.counting import counted
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.messages.faults import listed
from nemesis_sweep.spec.named_data import named_by
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.spec.tasks import ALL, Task

SHOWN = 6
"""Lines at most, those of the coarsest tasks."""


def selection_lines(sweep: Sweep) -> Iterator[str]:
    """Lines about the tasks whose data is there; their lists are read, and no image is opened.

    Raises ``UserError`` for data that cannot be listed.
    """
    problems: list[Problem] = []

    @cache
    def counts(name: str) -> ClassCounts | None:
        # torchvision would have to be imported to know.
        if name.startswith(PREFIX) or missing_data(name, sweep.tasks.root):
            return None
        try:
            return class_counts(name, sweep.tasks.root)
        except UserError as error:
            problems.extend(named_by(sweep, name, error).problems)
            return None

    replicates = sweep.tasks.replicates
    found = [
        (task, selection(known, task, replicates), selection(known, task, replicates, ALL).images)
        for task in sweep.task_list()
        if (known := counts(task.dataset)) is not None
    ]
    if problems:
        raise UserError(problems)
    if any(objective.startswith("val/") for objective in sweep.search.objective):
        yield from _coarseness(sweep, found)
    for task, own, _ in found:
        yield from too_few(task.key, own.short)


def _coarseness(sweep: Sweep, found: list[tuple[Task, Selection, int]]) -> Iterator[str]:
    """found: the tasks, what they are selected on, and how many images there would be with all of val."""
    tasks = [each for each in found if each[1].images]
    alike: dict[tuple[float, int, int], list[str]] = {}
    for task, own, every in tasks:
        alike.setdefault((own.standard_error, own.images, every), []).append(task.key)
    groups = sorted(alike.items(), key=lambda each: -each[0][0])
    over = counted(sweep.tasks.replicates, "replicate")
    for (error, images, every), names in groups[:SHOWN]:
        more = f"; `tasks.val_shots: all` has {counted(every, 'image')}" if every > images else ""
        yield (
            f"{listed(names)}: {counted(images, 'validation image')} a replicate, 1 image = "
            f"{100 / images:.1f} points; standard error about {error:.1f} points at 50 %, over {over}{more}"
        )
    if others := sum(len(names) for _, names in groups[SHOWN:]):
        yield f"{counted(others, 'other task')} with a smaller standard error"
    if sweep.search.study == "joint" and len(tasks) == len(sweep.task_list()) > 1:
        error = math.sqrt(sum(own.standard_error**2 for _, own, _ in tasks)) / len(tasks)
        yield f"the mean over the {len(tasks)} tasks: standard error about {error:.1f} points at 50 %"
    for task, own, _ in found:
        if not own.images:
            yield f"{task.key}: no image is left to validate on"
