"""`nemesis-sweep run`: run a sweep file, or continue it where it stopped."""

import sys
from pathlib import Path

import click

from nemesis_sweep.cli.options import load, overrides, sweep_file, trials
from nemesis_sweep.spec.errors import UserError
from nemesis_sweep.spec.loader import located

INTERRUPTED = 130


@click.command("run")
@sweep_file
@click.option("--home", type=click.Path(path_type=Path), help="Folder of this sweep [default: sweeps/NAME].")
@trials
@overrides
def command(file: Path, home: Path | None, trials: int | None, overrides: tuple[str, ...]) -> None:
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

    objective = sweep.search.objective[0]
    better = direction(objective)
    place = Home((home or Path("sweeps") / sweep.name).absolute())
    try:
        outcome = run_sweep(
            sweep,
            place,
            lambda studies: Progress(map(tally_of, studies), metric=objective, maximize=better == "maximize"),
        )
    except UserError as error:
        raise located(error, file, overrides) from error
    except KeyboardInterrupt:
        again = " ".join(["nemesis-sweep", *sys.argv[1:]])
        click.echo(f"\nInterrupted. What was reported is kept; continue with:\n  {again}", err=True)
        sys.exit(INTERRUPTED)
    write_results(place.path, outcome.rows)
    boards = leaderboard(outcome.rows, objective, better)
    print_closing(place.path, boards, Console(), sweep.tracking.mlflow)
    if outcome.empty_studies:
        raise UserError(f"no trial completed in: {', '.join(outcome.empty_studies)}")
