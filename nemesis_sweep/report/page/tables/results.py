"""Every method on every task, beside plain CoOp: the first table of a page."""

from __future__ import annotations

from collections.abc import Iterator

from nemesis_sweep.messages.counting import counted
from nemesis_sweep.report.cells import params_text
from nemesis_sweep.report.entry import is_test_set
from nemesis_sweep.report.page.contenders import Contender
from nemesis_sweep.report.page.material import Material, TaskOfSweep
from nemesis_sweep.report.page.pieces import Cell, Column, Line, Piece, ReportTable, Section
from nemesis_sweep.spec.baselines import trains_prompt
from nemesis_sweep.spec.checks.idle_dimensions import matters


def _make(material: Material) -> Iterator[ReportTable]:
    metrics = _more(material)
    columns = [Column("method", digits=None), Column("val", "max"), Column("test", "max")]
    columns += [Column(metric.removeprefix("test/"), "max") for metric in metrics]
    columns += [
        Column("gain"),
        Column("n", digits=0),
        Column("selected on"),
        Column("parameters", printed=False),
    ]
    lines = [
        Line(_cells(material, task, each, metrics), task.label)
        for task in material.tasks
        for each in task.contenders
    ]
    yield ReportTable("results", "Every method on every task", _caption(material), columns, lines)


def _cells(material: Material, task: TaskOfSweep, each: Contender, metrics: list[str]) -> list[Cell]:
    entry = each.entry
    scores = [entry.val, entry.test, *(entry.metric(name) for name in metrics)]
    n = max((score.n for score in scores if score is not None), default=0)
    return [material.method(task, each), *scores, entry.gain, n, each.selected or "-", _parameters(each)]


def _parameters(each: Contender) -> str:
    entry = each.entry
    if not trains_prompt(entry.baseline) or not entry.params:
        return ""
    known = {**entry.config, **entry.params}
    context = {"omega": float(entry.is_nemesis), **known}
    return params_text({name: value for name, value in entry.params.items() if matters(name, context)})


def _more(material: Material) -> list[str]:
    """The accuracies on further test sets, those of transfer protocols."""
    names = [name for task in material.tasks for each in task.contenders for name in each.entry.more]
    return [name for name in dict.fromkeys(names) if is_test_set(name)]


def _caption(material: Material) -> str:
    count = sum(len(task.searched) for task in material.tasks)
    return (
        f"Accuracy in percent, {material.spread} (n). Gain: on test over "
        "plain CoOp, paired by seed, with its 95 % interval. 'selected on' names the split and metric that "
        f"chose a row among {counted(count, 'trial')} on all tasks, or the strengths of one that trains no "
        "prompt; '-': nothing was chosen. The test set chose nothing unless that column says so."
    )


PIECE = Piece(Section.RESULTS, 10, _make)
