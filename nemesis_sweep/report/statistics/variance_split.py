"""What the scores of a sweep vary with: the task, the setting of a trial, the seed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from nemesis_sweep.report.statistics.strata import Floats


@dataclass(frozen=True)
class VarianceSplit:
    """Variances in squared percentage points; None where they cannot be told from what they are nested in.

    tasks: between tasks. settings: between the settings of a task. seeds: between the replicates of a
    setting, which differ in few-shot images, initial context and order of batches. n_tasks, n_settings,
    n_scores: how many there are; a setting counts once for every task that it was tried on. left_out: scores
    that were not finite. why: which part is None or 0 and why, in words; else ''.
    """

    tasks: float | None
    settings: float | None
    seeds: float | None
    n_tasks: int
    n_settings: int
    n_scores: int
    left_out: int = 0
    why: str = ""

    @property
    def percent(self) -> dict[str, float]:
        """The share of each known part in the sum of the known parts; empty where nothing varies."""
        parts = {"tasks": self.tasks, "settings": self.settings, "seeds": self.seeds}
        known = {name: part for name, part in parts.items() if part is not None}
        total = sum(known.values())
        return {name: 100 * part / total for name, part in known.items()} if total > 0 else {}


def variance_split(tasks: Iterable[Iterable[Sequence[float]]]) -> VarianceSplit:
    """Split the variance of scores[task][setting][replicate]; none of the three needs to be balanced.

    The model is nested and random: score = mean + task + setting in its task + replicate in its setting, with
    a variance for each of the three. What a setting does on all tasks alike counts as setting, as does what
    it does on one of them. The variances are those with which the mean squares between tasks, between
    settings and within settings have their expectations: the analysis of variance estimates (Henderson's
    method I) of Searle, Casella and McCulloch, "Variance Components" (1992), for the unbalanced two-fold
    nested classification. On balanced data they equal restricted maximum likelihood where none is negative; a
    negative one is 0 here.

    Settings are those that were tried: in a search that narrows down on its best they are more alike than on
    a grid.
    """
    given = [[list(map(float, setting)) for setting in task] for task in tasks]
    finite = [[[v for v in setting if math.isfinite(v)] for setting in task] for task in given]
    cells = [[np.array(setting) for setting in task if setting] for task in finite]
    cells = [task for task in cells if task]
    counts = (len(cells), sum(map(len, cells)), sum(len(setting) for task in cells for setting in task))
    left_out = sum(len(setting) for task in given for setting in task) - counts[2]
    if not cells:
        return VarianceSplit(None, None, None, 0, 0, 0, left_out, "no values")
    parts = _components(cells, counts)
    of_tasks, of_settings, of_seeds = (None if part is None else max(part, 0.0) for part in parts)
    return VarianceSplit(of_tasks, of_settings, of_seeds, *counts, left_out, _why(parts, counts))


def _components(
    cells: Sequence[Sequence[Floats]], counts: tuple[int, int, int]
) -> tuple[float | None, float | None, float | None]:
    """The variances of tasks, settings and seeds as the equations give them, below 0, too."""
    n_tasks, n_settings, n_scores = counts
    of_setting = np.array([len(setting) for task in cells for setting in task], dtype=np.float64)
    of_task = np.array([sum(map(len, task)) for task in cells], dtype=np.float64)
    # How many scores an average setting of each task has, each setting weighted by its own scores.
    typical = np.array([sum(len(s) ** 2 for s in task) for task in cells]) / of_task
    between_tasks, between_settings, within = _sums_of_squares(cells)
    seeds = settings = None
    if n_scores > n_settings:
        seeds = within / (n_scores - n_settings)
    if n_settings > n_tasks:
        degrees = n_settings - n_tasks
        settings = (between_settings / degrees - (seeds or 0)) / ((n_scores - typical.sum()) / degrees)
    if n_tasks == 1:
        return None, _clean(settings), _clean(seeds)
    degrees = n_tasks - 1
    per_setting = (typical.sum() - (of_setting**2).sum() / n_scores) / degrees
    per_task = (n_scores - (of_task**2).sum() / n_scores) / degrees
    rest = (seeds or 0) + per_setting * (settings or 0)
    return _clean((between_tasks / degrees - rest) / per_task), _clean(settings), _clean(seeds)


def _sums_of_squares(cells: Sequence[Sequence[Floats]]) -> tuple[float, float, float]:
    """The sums of squares between tasks, between the settings of a task, and within settings."""
    of_tasks = [np.concatenate(task) for task in cells]
    mean = np.concatenate(of_tasks).mean()
    between_tasks = sum(len(task) * (task.mean() - mean) ** 2 for task in of_tasks)
    between_settings = sum(
        len(setting) * (setting.mean() - whole.mean()) ** 2
        for task, whole in zip(cells, of_tasks, strict=True)
        for setting in task
    )
    within = sum(((setting - setting.mean()) ** 2).sum() for task in cells for setting in task)
    return float(between_tasks), float(between_settings), float(within)


def _clean(variance: float | None) -> float | None:
    """The variance without errors of rounding, which would be 100 percent of scores that are all equal."""
    return None if variance is None else round(float(variance), 12) + 0.0


def _why(parts: tuple[float | None, float | None, float | None], counts: tuple[int, int, int]) -> str:
    n_tasks, n_settings, n_scores = counts
    told = []
    if n_tasks == 1:
        told.append("one task")
    if n_settings == n_tasks:
        told.append("one setting a task: nothing is told of settings apart from tasks")
    if n_scores == n_settings:
        told.append("one replicate a setting: seeds are not told from settings")
    names = ("tasks", "settings", "seeds")
    negative = [name for name, part in zip(names, parts, strict=True) if part is not None and part < 0]
    if negative:
        told.append(f"{' and '.join(negative)}: estimate below 0, taken as 0")
    if not told and not any(parts):
        told.append("all scores are equal")
    return "; ".join(told)
