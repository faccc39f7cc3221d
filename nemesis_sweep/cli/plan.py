"""`nemesis-sweep plan`: what a sweep would do, without doing any of it."""

from pathlib import Path

import click

from nemesis_sweep.cli.options import load, overrides, sweep_file, trials


@click.command("plan")
@sweep_file
@trials
@overrides
def command(file: Path, trials: int | None, overrides: tuple[str, ...]) -> None:
    """Show the tasks, trials and baselines of the sweep in FILE. Nothing is run, loaded or written."""
    from rich.console import Console
    from rich.table import Table

    from nemesis_sweep.spec.search import PROMPTLESS
    from nemesis_sweep.sweep.baselines import outside_the_space, paper_point

    sweep = load(file, trials, overrides)
    console = Console()
    joint = sweep.search.study == "joint"
    table = Table(
        title=f"sweep {sweep.name}: {sweep.tasks.replicates} replicates a trial", title_justify="left"
    )
    table.add_column("study" if joint else "task", no_wrap=True)
    table.add_column("trials", justify="right")
    table.add_column("of these fixed", justify="right")
    table.add_column("baselines beside them")
    total = trained = 0
    for study, tasks in sweep.studies().items():
        beside = outside_the_space(sweep, tasks)
        inside = paper_point(sweep, tasks) is not None and "paper" in sweep.search.baselines
        fixed = min(sweep.budget.trials, inside + len(sweep.search.points))
        total += sweep.budget.trials + len(beside)
        trained += (sweep.budget.trials + len(beside) - sum(name in PROMPTLESS for name in beside)) * len(
            tasks
        )
        table.add_row(study, str(sweep.budget.trials), str(fixed), ", ".join(beside))
    console.print(table)
    selected_on: str = sweep.search.objective[0]
    if joint:
        names = "".join(f"\n  {task.key}" for task in sweep.task_list())
        console.print(f"every trial trains these tasks, one after the other:{names}\n", highlight=False)
        selected_on += ", the mean over all tasks"
    replicates = sweep.tasks.replicates
    console.print(
        f"{total} trials in all, {trained * replicates} prompts to train; "
        f"sampler {sweep.search.sampler}, pruner {sweep.search.pruner}, "
        f"selected on {selected_on}",
        soft_wrap=True,
        highlight=False,
    )
