"""The corrupted prompts of a report's sweeps (`search.corrupt`): of each task those that tables show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nemesis_sweep.files.sealed import DamagedError
from nemesis_sweep.report.corruption import Cells, cells_of
from nemesis_sweep.spec.sweep import JOINT
from nemesis_sweep.sweep.corruption_file import FILE, read_corruption

if TYPE_CHECKING:
    from nemesis_sweep.report.page.contenders import Contender
    from nemesis_sweep.report.page.material import Material, TaskOfSweep


@dataclass(frozen=True, eq=False)
class CorruptedPrompt:
    """One operation on the prompt of a method of a task, tested on a split. method: as tables of all sweeps
    name it; kind: without the sweep."""

    task: TaskOfSweep
    kind: str
    method: str
    split: str
    cells: Cells

    @property
    def told(self) -> str:
        """What was done, such as `rescale, test`."""
        return f"{self.cells.grid.operation}, {self.split}"


def corrupted_of(material: Material) -> tuple[CorruptedPrompt, ...]:
    """What was corrupted of all tasks; a method that is the same trial as an earlier one of its task once."""
    return tuple(each for task in material.tasks for each in _of_task(material, task))


def _of_task(material: Material, task: TaskOfSweep) -> Iterator[CorruptedPrompt]:
    seen: set[str] = set()
    for contender in task.contenders:
        folder = _folder(task, contender)
        if contender.row.number in seen or not (folder / FILE).exists():
            continue
        seen.add(contender.row.number)
        try:
            kept = read_corruption(folder)
        except DamagedError:
            continue
        for split, found in kept.items():
            for each in found:
                method = material.method(task, contender)
                yield CorruptedPrompt(task, contender.method, method, split, cells_of(each))


def _folder(task: TaskOfSweep, contender: Contender) -> Path:
    trial = task.sweep.home.trial(task.study, contender.row.number)
    return trial / task.name if task.study == JOINT else trial
