"""`nemesis-sweep plan`: what a sweep would do, without doing any of it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nemesis_sweep.cli.options import load, overrides, sweep_file, trials
from nemesis_sweep.messages.counting import counted
from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.spec.loader import located

if TYPE_CHECKING:
    from rich.table import Table

    from nemesis_sweep.spec.sweep import Sweep
    from nemesis_sweep.spec.tasks import Task


@click.command("plan")
@sweep_file
@trials
@overrides
@click.option(
    "--probe", is_flag=True, help="Also time a few steps of every task, to forecast hours and memory."
)
def command(file: Path, trials: int | None, overrides: tuple[str, ...], probe: bool) -> None:
    """Show the tasks, trials and baselines of the sweep in FILE. Nothing is run or written.

    Without --probe only lists of images are read. Data that is not there yet is reported, and is no error;
    what a run would refuse is.
    """
    from rich.console import Console

    from nemesis_sweep.cli.own_data import look_at_data
    from nemesis_sweep.sweep.space.baselines import most_confirmations, most_controls

    sweep = load(file, trials, overrides)
    try:
        look_at_data(sweep)
        remarks = _remarks(sweep)
    except UserError as error:
        raise located(error, file, overrides) from error
    console = Console()
    joint = sweep.search.study == "joint"
    rows = _rows(sweep)
    title = f"sweep {sweep.name}: {counted(sweep.tasks.replicates, 'replicate')} a trial"
    console.print(title, soft_wrap=True, highlight=False, markup=False)
    console.print(_table(sweep, rows))
    if (beside := _beside_all(rows)) is not None:
        console.print(f"baselines beside them: {beside}", soft_wrap=True, highlight=False)
    selected_on = " and ".join(sweep.search.objective)
    for line in _paper_inside(sweep):
        console.print(line, soft_wrap=True, highlight=False)
    if joint:
        names = "".join(f"\n  {task.key}: {_trained(sweep, task)}" for task in sweep.task_list())
        console.print(f"every trial trains these tasks, one after the other:{names}\n", highlight=False)
        selected_on += ", the mean over all tasks"
    counts = [counted(sum(row.trials for row in rows), "trial")]
    if n_beside := sum(len(row.beside) for row in rows):
        counts.append(counted(n_beside, "baseline"))
    open_end = sweep.budget.until is not None or most_controls(sweep) + most_confirmations(sweep)
    at_most = "at most " if open_end else ""
    console.print(
        f"{at_most}{' and '.join(counts)} in all, "
        f"{counted(sum(row.prompts for row in rows), 'prompt')} to train; "
        f"sampler {sweep.search.sampler}, pruner {sweep.search.pruner}, "
        f"selected on {selected_on}",
        soft_wrap=True,
        highlight=False,
    )
    for line in remarks:
        console.print(line, soft_wrap=True, highlight=False, markup=False)
    if probe:
        from nemesis_sweep.cli.forecast import show_forecast

        try:
            show_forecast(sweep, console)
        except UserError as error:
            raise located(error, file, overrides) from error


@dataclass(frozen=True)
class _Row:
    """A study: its trials, those that no sampler draws, the baselines beside them, the prompts of all."""

    study: str
    epochs: str
    trials: int
    given: int
    beside: list[str]
    prompts: int


def _rows(sweep: "Sweep") -> list[_Row]:
    from nemesis_sweep.spec.baselines import CONFIRM, CONTROL, PAPER, trains_prompt
    from nemesis_sweep.sweep.space.baselines import (
        most_confirmations,
        most_controls,
        outside_the_space,
        paper_point,
    )
    from nemesis_sweep.sweep.space.planned import trains_prompts, trials_of

    rows = []
    for study, tasks in sweep.studies().items():
        beside = outside_the_space(sweep, tasks) + [CONTROL] * most_controls(sweep)
        inside = paper_point(sweep, tasks) is not None and PAPER in sweep.search.baselines
        trials = trials_of(sweep, tasks)
        trained = trials * trains_prompts(sweep) + sum(map(trains_prompt, beside))
        confirmed = most_confirmations(sweep)
        epochs = " + ".join(_epochs(sweep, task) for task in tasks) if len(tasks) < 5 else "below"
        given = min(trials, inside + len(sweep.search.points))
        prompts = trained * sweep.tasks.replicates + confirmed * len(sweep.confirm_seeds)
        beside += [CONFIRM] * confirmed
        rows.append(_Row(study, epochs, trials, given, beside, prompts * len(tasks)))
    return rows


def _paper_inside(sweep: "Sweep") -> list[str]:
    """Where the row `paper` is when it is a trial, in a line."""
    from nemesis_sweep.spec.baselines import PAPER
    from nemesis_sweep.sweep.space.baselines import paper_point
    from nemesis_sweep.sweep.space.planned import trials_of

    if PAPER not in sweep.search.baselines:
        return []
    inside = [
        study
        for study, tasks in sweep.studies().items()
        if paper_point(sweep, tasks) is not None and trials_of(sweep, tasks)
    ]
    where = "" if len(inside) == len(sweep.studies()) else f" of {', '.join(inside)}"
    return [f"{PAPER} is a point of the space: trial 0{where}"] if inside else []


def _table(sweep: "Sweep", rows: list[_Row]) -> "Table":
    from rich.table import Table

    table = Table()
    alike = _beside_all(rows) is not None  # Then a line says it, and names have more room.
    # Only names and lists may be wrapped in a narrow terminal.
    table.add_column("study" if sweep.search.study == "joint" else "task", overflow="fold")
    given = any(row.given for row in rows)
    for heading in ("epochs", "trials", *["not\nsampled"] * given):
        table.add_column(heading, justify="right", no_wrap=True)
    if not alike:
        table.add_column("baselines beside them")
    for row in rows:
        counts = (row.epochs, str(row.trials), *[str(row.given)] * given)
        table.add_row(row.study, *counts, *([] if alike else [_named(row.beside)]))
    return table


def _beside_all(rows: list[_Row]) -> str | None:
    """The baselines beside every study; None where they differ."""
    told = {_named(row.beside) or "none" for row in rows}
    return told.pop() if len(told) == 1 else None


def _named(beside: Sequence[str]) -> str:
    """Each once, with how many there are of it."""
    counts = Counter(beside)
    return ", ".join(name if count == 1 else f"{name} ({count})" for name, count in counts.items())


def _epochs(sweep: "Sweep", task: "Task") -> str:
    """How long a trial of the task trains."""
    from nemesis_sweep.sweep.space.planned import epochs_of, trains_prompts

    if not trains_prompts(sweep):
        return "no"
    values = epochs_of(sweep, task)
    return str(values[0]) if len(values) == 1 else f"{values[0]} to {values[-1]}"


def _trained(sweep: "Sweep", task: "Task") -> str:
    epochs = _epochs(sweep, task)
    return f"{epochs} {'epoch' if epochs == '1' else 'epochs'}"


def _until_text(trials: int) -> str:
    """When a study with so many trials is asked whether it has converged."""
    from nemesis_sweep.spec.checks.convergence import EVERY, STARTUP

    if trials < STARTUP:
        return f"never asked, for that takes {STARTUP} complete trials"
    asked = f"when {STARTUP} are complete, then after {EVERY} more or a tenth, if that is more"
    return f"a study may end before its {trials} trials; it is asked {asked}"


def _remarks(sweep: "Sweep") -> list[str]:
    """What else decides which trials there are and which of them can win."""
    from nemesis_sweep.cli.coarseness import selection_lines
    from nemesis_sweep.cli.image_tower import image_tower_lines
    from nemesis_sweep.cli.logit_scale import logit_scale_lines
    from nemesis_sweep.cli.own_data import missing_lines
    from nemesis_sweep.spec.baselines import CONFIRM
    from nemesis_sweep.spec.confirm import seeds_text
    from nemesis_sweep.spec.samplers import sampler_of
    from nemesis_sweep.sweep.space.planned import room
    from nemesis_sweep.vlm.presence import missing_weights

    lines = [*missing_lines(sweep), *missing_weights(sweep.tasks.backbone), *selection_lines(sweep)]
    lines += [*logit_scale_lines(sweep), *image_tower_lines(sweep)]
    lines += [f"constraint: {text}" for text in sweep.search.constraints]
    if sweep.budget.until is not None:
        lines.append(f"budget.until {sweep.budget.until}: {_until_text(sweep.budget.trials)}")
    if (confirm := sweep.search.confirm) is not None:
        best = "the best" if confirm.top == 1 else f"the {confirm.top} best"
        seeds = seeds_text(sweep.confirm_seeds)
        lines.append(f"{CONFIRM}: {best} and plain CoOp are trained again on {seeds}")
    if (corrupted := sweep.search.corrupt) is not None:
        cells = sum(map(len, corrupted.operations.values()))
        where = counted(len(corrupted.positions), "position") if corrupted.positions else "every position"
        lines.append(
            f"corrupt: each prompt is tested again on {' and '.join(corrupted.on)} with one vector changed, "
            f"at {where}, in {counted(cells, 'way')} ({', '.join(corrupted.operations)}); "
            "nothing is chosen by it"
        )
    if any(name.startswith("test/") for name in sweep.search.objective):
        lines.append("the best is selected on test, which flatters it; every table says so")
    if len(sweep.search.objective) > 1:
        lines.append("several objectives: a Pareto front for every task, and nothing is pruned")
    sizes = [room(sweep, tasks) for tasks in sweep.studies().values()]
    if min(sizes) < sweep.budget.trials or sampler_of(sweep.search.sampler).finite:
        told = f"{min(sizes)} to {max(sizes)}" if min(sizes) < max(sizes) else f"{sizes[0]}"
        points = "point" if told == "1" else "points"
        end = "; a study ends when all were tried" * (min(sizes) < sweep.budget.trials)
        lines.append(f"the space has {told} {points}, budget.trials is {sweep.budget.trials}{end}")
    return lines
