"""All that tables and figures are made from: the sweeps of a report, with their tasks aligned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from nemesis_sweep.report.page.contenders import Contender, contenders, several_tried
from nemesis_sweep.report.page.corrupted import CorruptedPrompt, corrupted_of
from nemesis_sweep.report.page.mistakes import Mistakes, mistakes_of
from nemesis_sweep.report.page.record import SweepRecord
from nemesis_sweep.report.page.short_names import short_names
from nemesis_sweep.spec.sweep import JOINT, MEAN
from nemesis_sweep.sweep.best import judged
from nemesis_sweep.sweep.row import Row

DOMAINS = "domain_generalization"


@dataclass(frozen=True)
class TaskKey:
    """What makes a task the same in several sweeps. targets: what else it was tested on, of domain
    generalisation: accuracies on other domains are not to be compared."""

    dataset: str
    shots: int
    protocol: str
    backbone: str
    targets: tuple[str, ...] = ()

    @classmethod
    def of(cls, row: Row, sweep: SweepRecord) -> TaskKey:
        """The task that a row of a sweep was measured on."""
        targets = tuple(sorted(sweep.sweep.tasks.targets)) if row.protocol == DOMAINS else ()
        return cls(str(row.dataset), int(row.shots or 0), str(row.protocol), str(row.backbone), targets)


@dataclass(frozen=True)
class TaskOfSweep:
    """A task of a sweep.

    study: in which its trials are. rows: of its trials, whatever became of them. data, backbone: what its
    dataset and its backbone are called on this page, where each has a name of its own. label: what it is
    called itself.
    """

    sweep: SweepRecord
    key: TaskKey
    study: str
    name: str
    rows: Sequence[Row]
    contenders: Sequence[Contender]
    data: str = ""
    backbone: str = ""
    label: str = ""

    @property
    def searched(self) -> list[Row]:
        """The trials that the sampler proposed, complete or not."""
        return [row for row in self.rows if row.is_proposed]

    def contender(self, method: str) -> Contender | None:
        """The method by its name, None where the task has none."""
        return next((each for each in self.contenders if each.method == method), None)


@dataclass(frozen=True)
class Material:
    """The sweeps of a report. Whatever is drawn comes from here."""

    sweeps: Sequence[SweepRecord]

    @cached_property
    def tasks(self) -> tuple[TaskOfSweep, ...]:
        """Every task of every sweep: those that are the same in several sweeps behind one another."""
        found = [task for sweep in self.sweeps for task in _tasks_of(sweep)]
        data = short_names(task.key.dataset for task in found)
        backbones = short_names(task.key.backbone for task in found)
        first = list(dict.fromkeys(task.key.dataset for task in found))
        order = sorted(
            {task.key for task in found},
            key=lambda key: (key.protocol, key.backbone, first.index(key.dataset), key.shots, key.targets),
        )
        named = [
            replace(task, data=data[task.key.dataset], backbone=backbones[task.key.backbone])
            for key in order
            for task in found
            if task.key == key
        ]
        domains = len({task.key.targets for task in found if task.key.targets}) > 1
        return tuple(replace(task, label=_label(task, len(backbones) > 1, domains)) for task in named)

    @cached_property
    def mistakes(self) -> Mistakes:
        """What the best found and plain CoOp predicted image by image, read once for all pieces."""
        return mistakes_of(self)

    @cached_property
    def corrupted(self) -> tuple[CorruptedPrompt, ...]:
        """The corrupted prompts of all tasks, read once for all pieces."""
        return corrupted_of(self)

    @property
    def several(self) -> bool:
        """Whether the report is on more than one sweep."""
        return len(self.sweeps) > 1

    @property
    def replicates(self) -> str:
        """How many replicates a score is of: `8 replicates`."""
        counts = sorted({len(sweep.sweep.tasks.seeds) for sweep in self.sweeps})
        return f"{' or '.join(map(str, counts))} {'replicate' if counts == [1] else 'replicates'}"

    @property
    def spread(self) -> str:
        """What stands in a cell of a score: mean and standard deviation, over how many replicates."""
        over = self.replicates
        return over if over == "1 replicate" else f"mean ± standard deviation over {over}"

    def title(self, task: TaskOfSweep) -> str:
        """What a task is called, with its sweep where there are several."""
        return self.of_sweep(task.label, task.sweep)

    def of_sweep(self, told: str, sweep: SweepRecord) -> str:
        """What is told of a sweep, with its name where there are several."""
        return f"{told} ({sweep.name})" if self.several else told

    def board(self, sweep: SweepRecord, study: str) -> str:
        """What the table of a study, or of a joint one's task, is called in tables of all tasks."""
        own = [task for task in self.tasks if task.sweep is sweep]
        labels = {task.name if task.study == JOINT else task.study: task.label for task in own}
        return self.of_sweep(labels.get(study, study), sweep)

    def method(self, task: TaskOfSweep, contender: Contender) -> str:
        """The name of a method in a table of all sweeps: with the sweep, where there are several."""
        return self.of_sweep(contender.method, task.sweep)


def _label(task: TaskOfSweep, with_backbone: bool, with_targets: bool) -> str:
    label = f"{task.data} {task.key.shots}-shot"
    if task.key.protocol != "few_shot":
        label += f" {task.key.protocol.replace('_', ' ')}"
    if with_targets and task.key.targets:
        label += f" to {', '.join(task.key.targets)}"
    return f"{label} {task.backbone}" if with_backbone else label


def _tasks_of(sweep: SweepRecord) -> Iterator[TaskOfSweep]:
    studies: dict[str, list[Row]] = {}
    for row in sweep.rows:
        studies.setdefault(row.study, []).append(row)
    beaten = any(row.best and not row.is_proposed for row in sweep.rows)
    several = several_tried(row for rows in studies.values() for row in judged(rows))
    for study, rows in studies.items():
        tasks: dict[str, list[Row]] = {}
        for row in rows:
            if row.task != MEAN:
                tasks.setdefault(str(row.task), []).append(row)
        for name, own in tasks.items():
            shown = contenders(own, judged(rows), sweep.objectives, beaten, several)
            yield TaskOfSweep(sweep, TaskKey.of(own[0], sweep), study, name, own, shown)
