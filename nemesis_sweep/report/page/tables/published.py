"""The layout of papers: a method a row, a dataset a column, with the average; one table for each protocol."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nemesis_sweep.messages.counting import counted
from nemesis_sweep.report.entry import is_test_set
from nemesis_sweep.report.page.material import DOMAINS, Material, TaskOfSweep
from nemesis_sweep.report.page.pieces import Cell, Column, Line, Piece, ReportTable, Section
from nemesis_sweep.report.statistics import Score, score

BASE_TO_NEW = "base_to_new"
AVERAGE = "average"


@dataclass(frozen=True)
class _Place:
    """A column: a metric of a task."""

    name: str
    task: TaskOfSweep
    metric: str


def _make(material: Material) -> Iterator[ReportTable]:
    groups: dict[tuple[str, str], list[TaskOfSweep]] = {}
    for task in material.tasks:
        groups.setdefault((task.key.protocol, task.key.backbone), []).append(task)
    for number, ((protocol, backbone), tasks) in enumerate(groups.items(), 1):
        suffix = "" if len(groups) == 1 else f"-{number}"
        for shots, some in _tables_of(tasks):
            name = f"published{suffix}{shots and f'-{shots}'}"
            table = _table(material, name, (protocol, backbone), some)
            # A simulation measures no further test sets, such as base and new classes.
            if any(cell is not None for line in table.lines for cell in line.cells[1:]):
                yield table


def _tables_of(tasks: Sequence[TaskOfSweep]) -> list[tuple[str, list[TaskOfSweep]]]:
    """A table for each number of shots; of a single dataset one for all of them."""
    if len({task.key.dataset for task in tasks}) == 1:
        return [("", list(tasks))]
    by_shots: dict[int, list[TaskOfSweep]] = {}
    for task in tasks:
        by_shots.setdefault(task.key.shots, []).append(task)
    if len(by_shots) == 1:
        return [("", list(tasks))]
    return [(f"{shots}shot", by_shots[shots]) for shots in sorted(by_shots)]


def _table(material: Material, name: str, of: tuple[str, str], tasks: Sequence[TaskOfSweep]) -> ReportTable:
    protocol, backbone = of
    places = [place for task in _one_each(tasks) for place in _places(task, tasks)]
    methods = dict.fromkeys(material.method(task, each) for task in tasks for each in task.contenders)
    averaged = _averaged(places)
    columns = [Column("method"), *(Column(place.name, "max") for place in places)]
    columns += [Column(f"{AVERAGE} {each}".strip(), "max") for each in averaged]
    lines = []
    for method in methods:
        scores = [_score(material, place, tasks, method) for place in places]
        averages: list[Cell] = [_average(places, scores, each) for each in averaged]
        lines.append(Line([method, *scores, *averages]))
    shots = sorted({task.key.shots for task in tasks})
    counts = counted(shots[0], "shot") if len(shots) == 1 else f"{', '.join(map(str, shots))} shots"
    told = f"{counts}, {protocol.replace('_', ' ')}, {backbone}"
    title, caption = f"As papers print it: {told}", _caption(material, protocol, tasks)
    return ReportTable(name, title, caption, columns, lines)


def _one_each(tasks: Sequence[TaskOfSweep]) -> list[TaskOfSweep]:
    """One task of each, of those that several sweeps have."""
    return list({task.key: task for task in reversed(tasks)}.values())[::-1]


def _places(task: TaskOfSweep, tasks: Sequence[TaskOfSweep]) -> list[_Place]:
    several = len({each.key.shots for each in tasks}) > 1
    alone = len({each.key.dataset for each in tasks}) == 1
    name = counted(task.key.shots, "shot") if several and alone else task.data
    if task.key.protocol == BASE_TO_NEW:
        return [_Place(f"{name} {part}", task, f"test/{part}") for part in ("base", "new", "H")]
    if task.key.protocol == DOMAINS:
        known = {metric for each in task.contenders for metric in each.entry.more if is_test_set(metric)}
        targets = sorted(known - {"test/source", "test/loss"})
        before = f"{name} " if len({each.key for each in tasks}) > 1 else ""
        return [
            _Place(f"{before}{metric.removeprefix('test/')}", task, metric)
            for metric in ("test/source", *targets)
        ]
    return [_Place(name, task, "test/accuracy")]


def _averaged(places: Sequence[_Place]) -> list[str]:
    """What is averaged over datasets: base, new and H apart; of domains the targets; nothing of one."""
    parts = [_part(place) for place in places]
    return [part for part in dict.fromkeys(parts) if part is not None and parts.count(part) > 1]


def _part(place: _Place) -> str | None:
    if place.task.key.protocol == BASE_TO_NEW:
        return place.metric.removeprefix("test/")
    if place.task.key.protocol == DOMAINS:
        return None if place.metric == "test/source" else "of targets"
    return ""


def _score(material: Material, place: _Place, tasks: Sequence[TaskOfSweep], method: str) -> Score | None:
    for task in tasks:
        if task.key == place.task.key:
            for each in task.contenders:
                if material.method(task, each) == method:
                    return each.entry.metric(place.metric)
    return None


def _average(places: Sequence[_Place], scores: Sequence[Score | None], part: str) -> float | None:
    """The mean over the columns of a part; none where one of them is missing.

    The average H is the harmonic mean of the average base and new, as CoCoOp's tables have it.
    """
    if part == "H":
        base, new = (_average(places, scores, each) for each in ("base", "new"))
        return statistics.harmonic_mean([base, new]) if base and new else None
    own = [each for place, each in zip(places, scores, strict=True) if _part(place) == part]
    if not own or any(each is None or not math.isfinite(each.mean) for each in own):
        return None
    return score([each.mean for each in own if each is not None]).mean


def _caption(material: Material, protocol: str, tasks: Sequence[TaskOfSweep]) -> str:
    told = (
        f"Test accuracy in percent, {material.spread}. {_selected_text(material, tasks)}. An average stands "
        "where every column has a value."
    )
    if protocol == BASE_TO_NEW:
        told += " H: harmonic mean of base and new; of the average, of the averages."
    return told


def _selected_text(material: Material, tasks: Sequence[TaskOfSweep]) -> str:
    """Which rows were chosen on what: among trials, or by strengths of their own."""
    chosen: dict[str, dict[str, None]] = {}
    for task in tasks:
        for each in task.contenders:
            if each.selected:
                chosen.setdefault(each.selected, {})[material.method(task, each)] = None
    told = [f"selected on {metric}: {', '.join(methods)}" for metric, methods in chosen.items()]
    told.append("nothing selected the others" if told else "nothing was selected")
    return f"{told[0][0].upper()}{'; '.join(told)[1:]}"


PIECE = Piece(Section.RESULTS, 20, _make)
