"""`nemesis-sweep run`: run a sweep file, or continue it where it stopped."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nemesis_sweep.cli.options import load, overrides, sweep_file, trials
from nemesis_sweep.spec.errors import UserError
from nemesis_sweep.spec.loader import located

if TYPE_CHECKING:
    from nemesis_sweep.spec.budget import Budget
    from nemesis_sweep.sweep.runner import Outcome

FAILED, INTERRUPTED = 1, 130


@click.command("run")
@sweep_file
@click.option("--home", type=click.Path(path_type=Path), help="Folder of this sweep [default: sweeps/NAME].")
@trials
@overrides
@click.option("--extend", is_flag=True, help="Go on with more trials, hours or tasks than before.")
@click.option("--fresh", is_flag=True, help="Start over; the former home is kept as HOME.1, HOME.2, ...")
def command(
    file: Path, home: Path | None, trials: int | None, overrides: tuple[str, ...], extend: bool, fresh: bool
) -> None:
    """Run the sweep in FILE. Run it again to continue it: nothing that is done is done twice."""
    sweep = load(file, trials, overrides)

    from rich.console import Console

    from nemesis_sweep.report.closing import print_closing
    from nemesis_sweep.report.leaderboard import leaderboard
    from nemesis_sweep.report.progress import Progress
    from nemesis_sweep.report.results import write_results
    from nemesis_sweep.report.tally import tally_of
    from nemesis_sweep.spec.search import direction
    from nemesis_sweep.sweep.home import Home
    from nemesis_sweep.sweep.runner import run_sweep
    from nemesis_sweep.sweep.same import set_aside

    objective = sweep.search.objective[0]
    better = direction(objective)
    # A job's command has no shell that expands ~.
    place = Home((home or Path("sweeps") / sweep.name).expanduser().absolute())
    if fresh and (kept := set_aside(place)):
        click.echo(f"Starting over; the former sweep is kept in {kept}")
    try:
        outcome = run_sweep(
            sweep,
            place,
            lambda studies: Progress(map(tally_of, studies), metric=objective, maximize=better == "maximize"),
            extend=extend,
        )
    except UserError as error:
        raise located(error, file, overrides) from error
    except KeyboardInterrupt:
        again = shlex.join(["nemesis-sweep", *(word for word in sys.argv[1:] if word != "--fresh")])
        click.echo(f"\nInterrupted. What was reported is kept; continue with:\n  {again}", err=True)
        sys.exit(INTERRUPTED)
    write_results(place.path, outcome.rows)
    boards = leaderboard(outcome.rows, objective, better)
    print_closing(place.path, boards, Console(), sweep.tracking.mlflow)
    _conclude(outcome, sweep.budget)


def _conclude(outcome: "Outcome", budget: "Budget") -> None:
    """Say why a sweep ended early; exit code 1 if it did not reach what it is for."""
    if outcome.hours_are_spent:
        click.echo(f"The budget of {budget.hours:g} hours is spent; larger budget.hours and --extend go on.")
    if outcome.empty_studies:
        click.echo(f"error: no trial completed in: {', '.join(outcome.empty_studies)}", err=True)
    if outcome.too_many_failures:
        allowed = f"budget.max_failures is {budget.max_failures}"
        click.echo(f"error: {outcome.failed} trials failed; {allowed}, so no more were begun", err=True)
    if outcome.empty_studies or outcome.too_many_failures:
        sys.exit(FAILED)
