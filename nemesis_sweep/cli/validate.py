"""`nemesis-sweep validate`: check a sweep file without running it."""

from __future__ import annotations

from pathlib import Path

import click

from nemesis_sweep.cli.options import load, overrides, sweep_file
from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.spec.loader import located


@click.command("validate")
@sweep_file
@overrides
@click.option("--resolved", is_flag=True, help="Print the file with all defaults filled in.")
def command(file: Path, overrides: tuple[str, ...], resolved: bool) -> None:
    """Check the sweep file FILE and report everything that is wrong with it, with file, line and key.

    Ends with exit code 2 if anything is.
    """
    from nemesis_sweep.cli.own_data import look_at_data, missing_lines
    from nemesis_sweep.messages.printable import printable
    from nemesis_sweep.spec.dump import sweep_to_yaml
    from nemesis_sweep.spec.loader import located_notes
    from nemesis_sweep.spec.space import searched_names
    from nemesis_sweep.vlm.configuration import untrained_patches
    from nemesis_sweep.vlm.presence import missing_weights

    sweep = load(file, None, overrides)
    if resolved:
        click.echo(sweep_to_yaml(sweep), nl=False)
        return
    counted = "trials per task" if sweep.search.study == "per_task" else "joint trials over all tasks"
    searched = ", ".join(searched_names(sweep.space)) or "nothing"
    try:
        looked = look_at_data(sweep, exactly=False)
    except UserError as error:
        raise located(error, file, overrides) from error
    click.echo(
        f"{printable(file)} is valid: tasks {len(sweep.task_list())}, {counted} {sweep.budget.trials}, "
        f"baselines {len(sweep.search.baselines)}, points {len(sweep.search.points)}, "
        f"replicates {sweep.tasks.replicates}, searched {searched}"
    )
    for problem in located_notes(sweep, file, overrides, untrained_patches):
        click.echo(f"note: {problem}")
    for line in (*looked, *missing_lines(sweep), *missing_weights(sweep.tasks.backbone)):
        click.echo(line)
