"""`nemesis-sweep validate`: check a sweep file without running it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from nemesis_sweep.cli.options import load, overrides, sweep_file
from nemesis_sweep.spec.errors import Problem, UserError
from nemesis_sweep.spec.loader import located

if TYPE_CHECKING:
    from nemesis_sweep.spec.sweep import Sweep


@click.command("validate")
@sweep_file
@overrides
@click.option("--resolved", is_flag=True, help="Print the file with all defaults filled in.")
def command(file: Path, overrides: tuple[str, ...], resolved: bool) -> None:
    """Check the sweep file FILE and report everything that is wrong with it, with file, line and key.

    Ends with exit code 2 if anything is.
    """
    from nemesis_sweep.spec.dump import sweep_to_yaml
    from nemesis_sweep.spec.loader import located_notes
    from nemesis_sweep.spec.printable import printable
    from nemesis_sweep.spec.space import searched_names
    from nemesis_sweep.sweep.fitting import refuse_long_names
    from nemesis_sweep.vlm.presence import missing_weights

    sweep = load(file, None, overrides)
    if resolved:
        click.echo(sweep_to_yaml(sweep), nl=False)
        return
    counted = "trials per task" if sweep.search.study == "per_task" else "joint trials over all tasks"
    searched = ", ".join(searched_names(sweep.space)) or "nothing"
    try:
        looked, names = _look_at_data(sweep)
        refuse_long_names(sweep, sweep.task_list(), names, exactly=False)
    except UserError as error:
        raise located(error, file, overrides) from error
    click.echo(
        f"{printable(file)} is valid: tasks {len(sweep.task_list())}, {counted} {sweep.budget.trials}, "
        f"baselines {len(sweep.search.baselines)}, points {len(sweep.search.points)}, "
        f"replicates {sweep.tasks.replicates}, searched {searched}"
    )
    for problem in located_notes(sweep, file, overrides):
        click.echo(f"note: {problem}")
    for line in (*looked, *missing_weights(sweep.tasks.backbone)):
        click.echo(line)


def _look_at_data(sweep: Sweep) -> tuple[list[str], dict[str, tuple[str, ...]]]:
    """Lines on data of one's own that is there: what it holds, and what a person should know of it.

    Also its class names, by the name of the dataset.

    Raises ``UserError`` with everything for which a run would refuse it, as far as a short look finds it.
    """
    from nemesis_sweep.data.episodes import nothing_to_learn
    from nemesis_sweep.data.own.glance import glance
    from nemesis_sweep.data.registry import is_path, missing_data, own_data
    from nemesis_sweep.spec.printable import printable

    lines: list[str] = []
    names: dict[str, tuple[str, ...]] = {}
    problems: list[Problem] = []
    for name in dict.fromkeys((*sweep.tasks.dataset, *sweep.tasks.targets)):
        if (path := own_data(name, sweep.tasks.root)) is None:
            lines += [
                f"no data yet for {name}: {why}"
                for why in [missing_data(name, sweep.tasks.root)]
                if is_path(name) and why
            ]
            continue
        try:
            seen = glance(name, path)
        except UserError as error:
            problems += error.problems
            continue
        names[name] = seen.classnames
        if name in sweep.tasks.dataset and not seen.to_learn:
            problems.append(nothing_to_learn(name))
        lines += [printable(f"{name}: {seen.counts}")] if seen.counts else []
        lines += [printable(f"note: {name}: {note}") for note in seen.notes]
    if problems:
        raise UserError(problems)
    return lines, names
