"""Average ranks of several methods over tasks, and Friedman's test of whether they differ at all."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from nemesis_sweep.messages.counting import counted
from nemesis_sweep.report.statistics.bootstrap import DECIMALS
from nemesis_sweep.report.statistics.mean_ranks import mean_ranks
from nemesis_sweep.report.statistics.pairwise import TaskMeans
from nemesis_sweep.report.statistics.signed_rank import FEWEST_TASKS, TOO_FEW
from nemesis_sweep.report.statistics.strata import Floats


@dataclass(frozen=True)
class Ranks:
    """Methods ranked on every task that all of them have; 1 is the best, equal ones share their mean rank.

    average: method -> its rank averaged over tasks; empty where no task has all methods. statistic, p: of
    Friedman's test; None where `why` says why not. n: tasks with all methods. left_out: tasks without one.
    """

    average: Mapping[str, float]
    statistic: float | None
    p: float | None
    n: int
    left_out: int = 0
    why: str = ""


def ranks(means: TaskMeans) -> Ranks:
    """Rank the methods and test whether their ranks differ by more than chance.

    Friedman (1937) in the form of Demšar, "Statistical Comparisons of Classifiers over Multiple Data Sets",
    JMLR 7 (2006), section 3.2.2, corrected for ties as in Conover, "Practical Nonparametric Statistics"
    (1999): the statistic is compared with chi-square of K - 1 degrees of freedom.
    """
    known = {task for of_method in means.values() for task in of_method}
    tasks = [task for task in sorted(known) if all(_is_known(of.get(task)) for of in means.values())]
    left_out = len(known) - len(tasks)
    if not tasks:
        return Ranks({}, None, None, 0, left_out, f"no task has all {counted(len(means), 'method')}")
    scores = np.array([[of_method[task] for of_method in means.values()] for task in tasks])
    ranked = np.array([mean_ranks(row) for row in -np.round(scores, DECIMALS)])
    average = dict(zip(means, map(float, ranked.mean(axis=0)), strict=True))
    why = _untested(ranked, len(tasks))
    if why:
        return Ranks(average, None, None, len(tasks), left_out, why)
    from scipy import special

    statistic = _statistic(ranked)
    p = float(special.chdtrc(len(means) - 1, statistic))
    return Ranks(average, statistic, p, len(tasks), left_out)


def _statistic(ranked: Floats) -> float:
    """Friedman's statistic of ranks (tasks, methods)."""
    tasks, methods = ranked.shape
    middle = (methods + 1) / 2
    between = ((ranked.sum(axis=0) - tasks * middle) ** 2).sum()
    return float((methods - 1) * between / ((ranked - middle) ** 2).sum())


def _is_known(mean: float | None) -> bool:
    return mean is not None and math.isfinite(mean)


def _untested(ranked: Floats, tasks: int) -> str:
    """Why the ranks (tasks, methods) cannot be tested, '' where they can."""
    if ranked.shape[1] < 3:
        return "Friedman's test is of three and more methods"
    if tasks < FEWEST_TASKS:
        return f"{TOO_FEW} ({tasks} of at least {FEWEST_TASKS})"
    if (ranked == ranked[:, :1]).all():
        return "all methods are equal on every task"
    return ""
