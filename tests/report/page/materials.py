"""What a report is made from, of rows made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nemesis_sweep.report.page.material import Material
from nemesis_sweep.report.page.pieces import Piece, ReportTable
from nemesis_sweep.report.page.record import SweepRecord
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.sweep.best import mark_best
from nemesis_sweep.sweep.home.folder import Home
from nemesis_sweep.sweep.row import Row
from nemesis_sweep.sweep.status import SweepStatus

OBJECTIVES = ("val/accuracy",)


def material_of(objectives: Sequence[str] = OBJECTIVES, **sweeps: Sequence[Row]) -> Material:
    """The material of sweeps by their names; of their files objectives and three replicates matter."""
    return Material([_record(name, rows, tuple(objectives)) for name, rows in sweeps.items()])


def table_of(piece: Piece, material: Material) -> ReportTable:
    """The one table that a piece makes."""
    (table,) = piece.make(material)
    assert isinstance(table, ReportTable)
    return table


def _record(name: str, rows: Sequence[Row], objectives: tuple[str, ...]) -> SweepRecord:
    said: dict[str, Any] = {"name": name, "tasks": {"dataset": ["clipart"]}, "budget": {"trials": 0}}
    sweep = Sweep.model_validate({**said, "search": {"objective": list(objectives)}})
    home = Home(Path("/nowhere") / name)
    status = SweepStatus(name, False, str(home.path), objectives[0], objectives, (), None, "", ())
    return SweepRecord(name, home, sweep, (), mark_best(rows, objectives), status)
