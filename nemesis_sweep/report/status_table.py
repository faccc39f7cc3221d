"""The status of a sweep as a table."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.table import Table
from rich.text import Text

from nemesis_sweep.messages.printable import printable
from nemesis_sweep.report.cells import params_text
from nemesis_sweep.report.study_counts import duration
from nemesis_sweep.spec.sweep import JOINT
from nemesis_sweep.sweep.status import StudyStatus, SweepStatus

UNBOUNDED = 10_000
"""Columns of a terminal that every table fits."""


def status_table(status: SweepStatus) -> Group:
    """A line about the driver and a row per study; of several objectives also the Pareto front of each."""
    driven = f"running (process {status.driver} on {status.driver_host})" if status.driver else "not running"
    title = f"SIMULATED {status.name}" if status.simulated else status.name
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("task", overflow="fold", min_width=12)
    # What began and has not ended waits, when nobody works on it, for the next run.
    for name in ("done", "pruned", "failed", "running" if status.driver else "waiting"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("best", justify="right", no_wrap=True)
    table.add_column("its\ntest", justify="right", no_wrap=True)
    table.add_column("left", justify="right", no_wrap=True)
    lines = []
    for study in status.studies:
        ended = study.complete + study.pruned + study.failed
        counts = (study.pruned, study.failed, study.running)
        left = "-" if study.eta_seconds is None or not status.driver else duration(study.eta_seconds)
        best = (_best(study), "-" if study.best_test is None else f"{study.best_test:.2f}")
        table.add_row(study.task, f"{ended}/{study.total}", *map(str, counts), *best, left)
        began = "running" if status.driver else "waiting"
        told = f"{ended}/{study.total} done, {counts[0]} pruned, {counts[1]} failed, {counts[2]} {began}"
        lines.append(Text(f"{study.task}: {told}; best {best[0]}, its test {best[1]}; left {left}"))
    by = status.objective
    if [study.task for study in status.studies] == [JOINT]:
        by = f"the mean {by} of the tasks"
    head = f"{title} in {printable(status.home)}: {driven}; best (trial) by {by}"
    if status.constraints:
        head += f" where {' and '.join(status.constraints)}"
    ends = [Text(f"{study.task}: the search {study.search}") for study in status.studies if study.search]
    fronts = [_front(study) for study in status.studies if study.front]
    return Group(Text(head), _Fitting(table, lines), *ends, *fronts)


@dataclass(frozen=True)
class _Fitting:
    """A table where the terminal has room for it, else a line for each of its rows: no column is cut."""

    table: Table
    lines: Sequence[Text]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        needed = console.measure(self.table, options=options.update(width=UNBOUNDED)).minimum
        yield from [self.table] if needed <= options.max_width else self.lines


def _front(study: StudyStatus) -> Table:
    """The trials that no other one beats, the best by the first objective first."""
    table = Table(
        title=f"Pareto front of {study.task}", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False
    )
    metrics = list(study.front[0].values)
    table.add_column("trial")
    for metric in metrics:
        table.add_column(metric, justify="right", no_wrap=True)
    table.add_column("parameters", overflow="fold")
    for point in study.front:
        values = [f"{point.values[metric]:.4g}" for metric in metrics]
        table.add_row(point.trial, *values, params_text(point.params))
    return table


def _best(study: StudyStatus) -> str:
    if study.best_value is None:
        return "-"
    return f"{study.best_value:.2f} ({study.best_trial})"
