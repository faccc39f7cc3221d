"""What `plan --probe` shows: time and memory of every study, and of the sweep on this machine."""

from rich import box
from rich.console import Console
from rich.table import Table

from nemesis_sweep.messages.counting import counted
from nemesis_sweep.report.study_counts import duration
from nemesis_sweep.spec.sweep import Sweep
from nemesis_sweep.sweep.forecast import POINTS, Forecast, forecast

MIB, GIB = 2**20, 2**30
MUCH = 0.1
"""Share of the time from which on it is told that it goes into validation and test."""


def show_forecast(sweep: Sweep, console: Console) -> None:
    """Probe the sweep and print the forecast. Raises ``UserError`` for what the sweep would refuse."""
    console.print("\nprobing a few steps of every task ...", highlight=False)
    found = forecast(sweep)
    memory = "GPU memory" if found.on_gpu else "memory"
    table = Table(
        title="forecast for this machine", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False
    )
    table.add_column("study", overflow="fold")
    for name in ("trained", "a trial", "from - to", "all", memory):
        table.add_column(name, justify="right", no_wrap=True)
    for study in found.studies:
        table.add_row(
            study.study,
            str(study.trials + study.confirmations),
            f"{study.mean:.1f} s",
            f"{study.low:.1f} - {study.high:.1f} s",
            duration(study.equal * study.mean),
            f"{study.memory / MIB:.0f} MiB",
        )
    console.print(table)
    for line in forecast_lines(found, sweep):
        console.print(line, soft_wrap=True, highlight=False, markup=False)


def forecast_lines(found: Forecast, sweep: Sweep) -> list[str]:
    """The sums, and how far they can be trusted."""
    lines = []
    if found.views:
        told = f"{duration(found.encoding)} for {counted(found.views, 'image view')} not in the cache yet"
        size = f"; they will take {found.features / GIB:.0f} GiB there" if found.features >= GIB else ""
        lines.append(f"encoding: {told}, once{size}")
    spent = found.seconds()
    lines.append(f"trial time in all: {_with_range(spent, found.seconds('low'), found.seconds('high'))}")
    if found.testing >= MUCH * spent:
        lines.append(f"validation and test are {found.testing / spent:.0%} of it: {duration(found.testing)}")
    wall = _with_range(found.wall(), found.wall("low"), found.wall("high"))
    lines.append(f"from start to end, with the {found.at_once} at once that fit this machine: {wall}")
    if sweep.budget.until is not None:
        lines.append(f"budget.until {sweep.budget.until} may end it earlier")
    if sweep.budget.hours is not None and spent > 3600 * sweep.budget.hours:
        lines.append(f"budget.hours ends it after {sweep.budget.hours:g} h of trial time")
    lines.append(
        f"A guess from a few steps at {POINTS} random points of the space, from the cheapest to the dearest. "
        "Pruned trials make it less, trials at once that share memory and caches make it more."
    )
    return lines


def _with_range(mean: float, low: float, high: float) -> str:
    return f"{duration(mean)} ({duration(low)} to {duration(high)})"
