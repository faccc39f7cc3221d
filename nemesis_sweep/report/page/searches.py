"""The searches of a report: of every study the trials that its sampler proposed, and what they drew from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from optuna.trial import FrozenTrial

from nemesis_sweep.messages.counting import counted
from nemesis_sweep.report.page.material import Material, TaskOfSweep
from nemesis_sweep.report.page.record import SweepRecord
from nemesis_sweep.report.page.scale import Scale, scales_of
from nemesis_sweep.spec.metrics import direction
from nemesis_sweep.spec.sweep import JOINT
from nemesis_sweep.sweep.best import candidates_of, judged
from nemesis_sweep.sweep.recorded import RecordedStudy
from nemesis_sweep.sweep.row import Row

LOST = ("PRUNED", "FAIL")
"""States of trials that are over and have no value."""


@dataclass(frozen=True)
class Search:
    """One study of one sweep.

    rows: one of every trial that was proposed, whatever became of it; of a joint study those with the means.
    """

    sweep: SweepRecord
    study: RecordedStudy
    label: str
    rows: Sequence[Row]

    @property
    def objective(self) -> str:
        """The metric that selects."""
        return self.study.objective

    @property
    def sign(self) -> int:
        """1 where more of the objective is better, else -1."""
        return 1 if direction(self.objective) == "maximize" else -1

    @cached_property
    def ranked(self) -> list[Row]:
        """The complete trials that keep the constraints, the best first."""
        known = {row.number: row for row in self.rows}
        found = candidates_of(self.rows, self.sweep.objectives)
        return [known[each.number] for each in sorted(found, key=lambda each: each.key)]

    @cached_property
    def lost(self) -> list[Row]:
        """The trials that were pruned or have failed."""
        return [row for row in self.rows if row.state in LOST]

    @cached_property
    def trials(self) -> Mapping[str, FrozenTrial]:
        """What Optuna keeps of every trial, by its number."""
        return dict(self.study.trials)

    @cached_property
    def scales(self) -> dict[str, Scale]:
        """The searched dimensions by name, those inside choices too."""
        return scales_of(self.sweep.sweep.space)

    def value(self, row: Row) -> float:
        """The objective of a complete trial."""
        value = row.measured(self.objective)
        assert value is not None
        return value

    def behind(self, row: Row) -> float:
        """How far a complete trial is behind the best of its search, 0 or less, in units of the objective."""
        return self.sign * (self.value(row) - self.value(self.ranked[0]))


def searches(material: Material) -> list[Search]:
    """Every study of every sweep, in the order of its tasks; those in which nothing was proposed are left
    out."""
    return [search for sweep in material.sweeps for search in searches_of(material, sweep)]


def searches_of(material: Material, sweep: SweepRecord) -> list[Search]:
    """The searches of one sweep."""
    by_study: dict[str, list[Row]] = {}
    for row in sweep.rows:
        if row.is_proposed:
            by_study.setdefault(row.study, []).append(row)
    tasks = {task.study: task for task in material.tasks if task.sweep is sweep}
    return [
        Search(sweep, study, _label(material, sweep, study, tasks), judged(by_study[study.key]))
        for study in sweep.studies
        if study.key in by_study
    ]


def _label(
    material: Material, sweep: SweepRecord, study: RecordedStudy, tasks: Mapping[str, TaskOfSweep]
) -> str:
    if study.key == JOINT:
        return material.of_sweep(f"mean over {counted(len(study.tasks), 'task')}", sweep)
    return material.title(tasks[study.key])
