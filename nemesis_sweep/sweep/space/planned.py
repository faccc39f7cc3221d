"""How many trials a study will hold, and which points of the space may become one."""

import math
from collections.abc import Sequence

from nemesis_sweep.spec.checks.limits import LARGEST_GRID
from nemesis_sweep.spec.configuration import method_values
from nemesis_sweep.spec.cross_section import CrossSection
from nemesis_sweep.spec.draw import all_points, size
from nemesis_sweep.spec.expression import Condition
from nemesis_sweep.spec.kinds import is_row
from nemesis_sweep.spec.method import visible_values
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.spec.tasks import Task
from nemesis_sweep.spec.values import Values
from nemesis_sweep.sweep.space.point_key import key_of, point_key


def epochs_of(sweep: Sweep, task: Task) -> list[int]:
    """Epochs that a trial of the task can have, in ascending order; of a searched range its bounds."""
    parts = CrossSection(sweep.method, sweep.space)
    return sorted({int(value) for value in parts.possible("epochs", cell=(task.dataset, task.shots))})


def trains_prompts(sweep: Sweep) -> bool:
    """Whether any trial can train a prompt; rows without one need no epochs."""
    return not all(map(is_row, CrossSection(sweep.method, sweep.space).possible("prompt")))


def limits_of(sweep: Sweep) -> list[Condition]:
    """The constraints over parameters alone."""
    return [condition for condition in sweep.search.conditions if not condition.metrics]


def keeps(sweep: Sweep, tasks: Sequence[Task], params: Values) -> bool:
    """Whether a point keeps the constraints over parameters, whatever fixed values a task has beside it."""
    limits = limits_of(sweep)
    if not limits:
        return True
    values = [visible_values(method_values(sweep, task, params)) for task in tasks]
    return all(limit.kept(each) for limit in limits for each in values)


def room(sweep: Sweep, tasks: Sequence[Task]) -> float:
    """How many different trials there can be; infinite, or the points of a space too large to list."""
    count = size(sweep.space)
    if count is None:
        return math.inf
    key = key_of(sweep, tasks)
    if (not limits_of(sweep) and key is point_key) or count > LARGEST_GRID:
        return count
    return len({key(point) for point in all_points(sweep.space) if keeps(sweep, tasks, point)})


def trials_of(sweep: Sweep, tasks: Sequence[Task]) -> int:
    """Trials of a study: its budget, or all points of a space that has fewer; none is trained twice."""
    return int(min(sweep.budget.trials, room(sweep, tasks)))
