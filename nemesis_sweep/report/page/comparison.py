"""The methods of a report over its tasks: scores by task, gains over plain CoOp, and which can be ranked."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from nemesis_sweep.report.entry import measured_values, paired
from nemesis_sweep.report.page.contenders import BEST, PLAIN, TEST, Contender
from nemesis_sweep.report.page.material import Material
from nemesis_sweep.report.statistics.pairwise import TaskMeans
from nemesis_sweep.spec.baselines import trains_prompt


@dataclass
class MethodScores:
    """A method on all tasks that have it; tasks by a name that is the same in several sweeps.

    selected: the metric that chose it, '' for none. trains: whether it trains a prompt. baseline: the name of
    plain CoOp of the same sweep, '' where there is none, and of plain CoOp itself. means: task -> mean test
    accuracy over replicates. gains: task -> test accuracy minus that of plain CoOp, paired by seed. both:
    task -> the scores of all its replicates and those of plain CoOp.
    """

    method: str
    selected: str
    trains: bool
    baseline: str = ""
    means: dict[str, float] = field(default_factory=dict)
    gains: dict[str, list[float]] = field(default_factory=dict)
    both: dict[str, tuple[list[float], list[float]]] = field(default_factory=dict)

    def add(self, task: str, each: Contender, coop: Contender | None) -> None:
        """Take in its scores on a task. coop: plain CoOp of the same sweep on it."""
        if each.entry.test is not None and math.isfinite(each.entry.test.mean):
            self.means[task] = each.entry.test.mean
        if coop is None or each is coop:
            return
        pairs = paired(each.row, coop.row)
        if pairs:
            self.gains[task] = [ours - theirs for ours, theirs in pairs.values()]
        ours, theirs = measured_values(each.row, TEST), measured_values(coop.row, TEST)
        if ours and theirs:
            self.both[task] = (ours, theirs)


def method_scores(material: Material) -> list[MethodScores]:
    """Every method of every sweep, in the order in which tables show them."""
    found: dict[str, MethodScores] = {}
    for task in material.tasks:
        coop = task.contender(PLAIN)
        for each in task.contenders:
            name = material.method(task, each)
            trains = trains_prompt(each.row.baseline) and not each.entry.row
            scores = found.setdefault(name, MethodScores(name, each.selected, trains))
            scores.add(str(task.key), each, coop)
            if coop is not None and coop is not each:
                scores.baseline = material.method(task, coop)
    return list(found.values())


def ranked_means(material: Material, methods: Iterable[MethodScores]) -> TaskMeans:
    """The methods that can be ranked: those that were measured on every task on which all sweeps have a best.

    A task of a single sweep, or one whose first trials still run, ranks nobody.
    """
    having: dict[str, set[str]] = {}
    for task in material.tasks:
        best = task.contender(BEST)
        if best is not None and best.entry.test is not None:
            having.setdefault(str(task.key), set()).add(task.sweep.name)
    common = [key for key, sweeps in having.items() if len(sweeps) == len(material.sweeps)]
    kept = {each.method: {key: each.means[key] for key in common if key in each.means} for each in methods}
    return {method: means for method, means in kept.items() if common and len(means) == len(common)}


def unranked_text(methods: Iterable[MethodScores], ranked: Collection[str]) -> str:
    """Say which methods are not ranked, and on how many tasks they were measured; '' where all are."""
    left = [f"{each.method} ({len(each.means)})" for each in methods if each.method not in ranked]
    return (
        f"Not ranked, since not on all of these tasks (of each: on how many): {', '.join(left)}"
        if left
        else ""
    )


def of_one_dataset(material: Material) -> bool:
    """Whether a dataset is there with several numbers of shots: tasks that are not independent."""
    keys = {task.key for task in material.tasks}
    return len({(key.dataset, key.protocol, key.backbone) for key in keys}) < len(keys)
