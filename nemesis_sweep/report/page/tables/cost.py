"""What the trials cost: time and states by kind of prompt, and what pruning saved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nemesis_sweep.report.page.material import Material
from nemesis_sweep.report.page.pieces import Cell, Column, Line, Piece, ReportTable, Section
from nemesis_sweep.report.page.record import SweepRecord
from nemesis_sweep.spec.configuration import method_values
from nemesis_sweep.spec.sweep import JOINT
from nemesis_sweep.sweep.best import judged
from nemesis_sweep.sweep.row import Row

BESIDE = "beside the search"
COLUMNS = (
    Column("trials of", digits=None),
    Column("trials", digits=0),
    Column("complete", digits=0),
    Column("pruned", digits=0),
    Column("failed", digits=0),
    Column("running", digits=0),
    Column("hours", digits=2),
    Column("seconds a trial", digits=1),
    Column("hours saved by pruning", digits=2),
)
CAPTION = (
    "Hours: training time of all trials, whatever became of them, workers side by side added up; seconds a "
    "trial: mean of complete ones. Saved by pruning: what the epochs that pruned trials did not train "
    "would have taken at the speed of those that they did; empty where nothing was pruned, or a trial's "
    "epochs are not known."
)


def _make(material: Material) -> Iterator[ReportTable]:
    lines = [line for record in material.sweeps for line in _lines(material, record)]
    yield ReportTable("cost", "What the trials cost", CAPTION, COLUMNS, lines)


def _lines(material: Material, record: SweepRecord) -> Iterator[Line]:
    group = record.name if material.several else ""
    rows = _one_each(record)
    kinds: dict[str, list[Row]] = {}
    for row in rows:
        kinds.setdefault(_kind(record, row), []).append(row)
    for kind, own in sorted(kinds.items(), key=lambda item: (item[0] == BESIDE, item[0])):
        yield Line(_cells(record, kind, own), group)
    if len(kinds) > 1:
        yield Line(_cells(record, "all", rows), group)


def _one_each(record: SweepRecord) -> list[Row]:
    """One row of every trial; of a joint one that of the means, which has all of its time."""
    by_study: dict[str, list[Row]] = {}
    for row in record.rows:
        by_study.setdefault(row.study, []).append(row)
    return [row for rows in by_study.values() for row in judged(rows)]


def _kind(record: SweepRecord, row: Row) -> str:
    """The kind of prompt of a searched trial, or that it stands beside the search."""
    if not row.is_proposed:
        return BESIDE
    return str(row.method.get("prompt", record.sweep.method.prompt))


def _cells(record: SweepRecord, kind: str, rows: Sequence[Row]) -> list[Cell]:
    states = [sum(row.state == state for row in rows) for state in ("COMPLETE", "PRUNED", "FAIL", "RUNNING")]
    complete = [row.seconds or 0.0 for row in rows if row.state == "COMPLETE"]
    hours = sum(row.seconds or 0.0 for row in rows) / 3600
    mean = sum(complete) / len(complete) if complete else None
    return [kind, len(rows), *states, hours, mean, saved_hours(record, rows)]


def saved_hours(record: SweepRecord, rows: Sequence[Row]) -> float | None:
    """What pruned trials would have taken longer; None where none was pruned or epochs are not known."""
    tasks = {study.key: study.tasks for study in record.studies}
    seconds = []
    for row in rows:
        if row.state != "PRUNED" or row.study == JOINT:
            continue
        if not row.epochs or not row.seconds:
            return None
        planned = method_values(record.sweep, tasks[row.study][0], row.params)["epochs"]
        seconds.append(row.seconds * max(0, planned - row.epochs) / row.epochs)
    return sum(seconds) / 3600 if seconds else None


PIECE = Piece(Section.COURSE, 20, _make)
