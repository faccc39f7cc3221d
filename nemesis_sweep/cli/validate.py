"""`nemesis-sweep validate`: check a sweep file without running it."""

from __future__ import annotations

from pathlib import Path

import click

from nemesis_sweep.cli.options import load, overrides, sweep_file


@click.command("validate")
@sweep_file
@overrides
@click.option("--resolved", is_flag=True, help="Print the file with all defaults filled in.")
def command(file: Path, overrides: tuple[str, ...], resolved: bool) -> None:
    """Check the sweep file FILE and tell everything that is wrong with it, with file, line and key.

    Ends with exit code 2 if anything is.
    """
    from nemesis_sweep.spec.dump import sweep_to_yaml
    from nemesis_sweep.spec.printable import printable
    from nemesis_sweep.spec.space import searched_names

    sweep = load(file, None, overrides)
    if resolved:
        click.echo(sweep_to_yaml(sweep), nl=False)
        return
    counted = "trials per task" if sweep.search.study == "per_task" else "joint trials over all tasks"
    searched = ", ".join(searched_names(sweep.space)) or "nothing"
    click.echo(
        f"{printable(file)} is valid: tasks {len(sweep.task_list())}, {counted} {sweep.budget.trials}, "
        f"baselines {len(sweep.search.baselines)}, points {len(sweep.search.points)}, "
        f"replicates {sweep.tasks.replicates}, searched {searched}"
    )
