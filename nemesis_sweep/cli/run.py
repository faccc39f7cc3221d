"""`nemesis-sweep run`: run a sweep file, or continue it where it stopped."""

import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from nemesis_sweep.cli import simulation
from nemesis_sweep.cli.options import HomePath, load, overrides, sweep_file, trials
from nemesis_sweep.cli.output import lasting_output
from nemesis_sweep.cli.report import write_after_a_run
from nemesis_sweep.cli.simulation import FAILED, WORKERS
from nemesis_sweep.cli.system import INTERRUPTED
from nemesis_sweep.messages.counting import counted
from nemesis_sweep.messages.errors import UserError
from nemesis_sweep.messages.passwords import masked
from nemesis_sweep.messages.printable import printable, quoted
from nemesis_sweep.spec.loader import located
from nemesis_sweep.sweep.cluster.supervisor import ONCE
from nemesis_sweep.sweep.home.usual_place import SWEEPS

if TYPE_CHECKING:
    from nemesis_sweep.spec.sweep import Sweep
    from nemesis_sweep.sweep.home.folder import Home
    from nemesis_sweep.sweep.outcome import Outcome
    from nemesis_sweep.sweep.study import Study


@click.command("run")
@sweep_file
@click.option("--home", type=HomePath(), help="Folder of this sweep [default: sweeps/NAME].")
@trials
@overrides
@click.option("--extend", is_flag=True, help="Go on with more trials, hours or tasks than before.")
@click.option("--fresh", is_flag=True, help="Start over; the former home is kept as HOME.1, HOME.2, ...")
@click.option("--retry-failed", is_flag=True, help="Also train failed trials again, under their numbers.")
@click.option(
    "--simulate",
    is_flag=False,
    flag_value="",
    metavar="[RECORDED_HOME]",
    help="Train nothing: trials follow a synthetic response, or what RECORDED_HOME's trials measured.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 1000),
    help=f"Workers of a simulation [default: {WORKERS}].",
)
@click.option(
    "--report/--no-report",
    default=True,
    envvar="NEMESIS_SWEEP_REPORT",
    help="Write HOME/report at the end, as `nemesis-sweep report` does [default: --report].",
)
@click.option("-q", "--quiet", is_flag=True, help="Print errors, and at the end the answer and where it is.")
@lasting_output()
def command(
    file: Path,
    home: Path | None,
    trials: int | None,
    overrides: tuple[str, ...],
    extend: bool,
    fresh: bool,
    retry_failed: bool,
    simulate: str | None,
    workers: int | None,
    report: bool,
    quiet: bool,
) -> None:
    """Run the sweep in FILE. Run it again to continue it: nothing that is done is done twice."""
    from nemesis_sweep.sweep.cluster.lost import starting_again
    from nemesis_sweep.sweep.home.compatibility import set_aside
    from nemesis_sweep.sweep.home.folder import home_at
    from nemesis_sweep.sweep.home.full_disk_error import told_when_full
    from nemesis_sweep.sweep.interrupt import interruptible

    sweep = load(file, trials, overrides)
    if extend and fresh:
        raise click.UsageError("--extend goes on with a home, --fresh starts over: one of them")
    if retry_failed and (fresh or simulate is not None):
        raise click.UsageError("--retry-failed trains what failed in a home: without --fresh and --simulate")
    if workers is not None and simulate is None:
        raise click.UsageError("--workers is for --simulate; a real run has resources.concurrent")
    usual = simulation.default_home(sweep) if simulate is not None else SWEEPS / sweep.name
    with interruptible():
        try:
            # A job's command has no shell that expands ~.
            place = home_at(home or usual)
            if fresh and (kept := set_aside(place)) and not quiet:
                click.echo(f"Starting over; the former sweep is kept in {printable(kept)}")
            with starting_again(), told_when_full(place):
                if simulate is not None:
                    simulation.simulate(sweep, place, simulate, workers or WORKERS, extend, report, quiet)
                else:
                    _run(sweep, place, extend, retry_failed, report, quiet)
        except UserError as error:
            raise located(error, file, overrides) from error
        except KeyboardInterrupt:
            _interrupted()


def _interrupted() -> NoReturn:
    words = [word for word in sys.argv[1:] if word not in ONCE]
    again = masked(" ".join(map(quoted, ["nemesis-sweep", *words])))
    click.echo(f"\nInterrupted. What was reported is kept; continue with:\n  {again}", err=True)
    sys.exit(INTERRUPTED)


def _run(sweep: "Sweep", place: "Home", extend: bool, retry_failed: bool, report: bool, quiet: bool) -> None:
    from rich.console import Console

    from nemesis_sweep.cli.image_tower import image_tower_lines
    from nemesis_sweep.cli.logit_scale import logit_scale_lines
    from nemesis_sweep.cli.quiet import OnlyErrors, print_essentials
    from nemesis_sweep.report.best_records import write_best_records
    from nemesis_sweep.report.closing import print_closing
    from nemesis_sweep.report.leaderboard import leaderboard
    from nemesis_sweep.report.progress import Progress
    from nemesis_sweep.report.results import write_results
    from nemesis_sweep.report.study_counts import counts_of
    from nemesis_sweep.sweep.best import mark_best
    from nemesis_sweep.sweep.runner import run_sweep

    def say(line: str) -> None:
        if not quiet:
            click.echo(line, err=True)

    def show(studies: "Sequence[Study]") -> "OnlyErrors | Progress":
        return OnlyErrors() if quiet else Progress(map(counts_of, studies), metric=objectives[0])

    for line in (*logit_scale_lines(sweep), *image_tower_lines(sweep)):
        say(line)
    objectives = sweep.search.objective

    def conclude(outcome: "Outcome") -> Path | None:
        rows = mark_best(outcome.rows, objectives)
        write_results(place.path, rows)
        if outcome.causes and len(outcome.empty_studies) == len(sweep.studies()):
            return None
        with suppress(OSError):  # They are a matter of MLflow, as is what becomes of them.
            write_best_records(place.path, rows)
        boards = leaderboard(rows, objectives)
        if quiet:
            print_essentials(place.path, boards)
        else:
            print_closing(place.path, boards, Console(), sweep.tracking.mlflow)
        return write_after_a_run(place.path, quiet) if report else None

    outcome = run_sweep(
        sweep,
        place,
        show,
        extend=extend,
        retry=retry_failed,
        say=say,
        keep=lambda rows: write_results(place.path, mark_best(rows, objectives)),
        conclude=conclude,
    )
    if outcome.causes:
        raise outcome.causes
    _conclude(outcome, sweep, quiet)


def _conclude(outcome: "Outcome", sweep: "Sweep", quiet: bool) -> None:
    """Say that all is done, or why a sweep ended early; exit code 1 if it did not reach what it is for."""
    budget = sweep.budget
    ended_well = not outcome.too_many_failures and not outcome.empty_studies
    if outcome.hours_are_spent:
        spent = counted(budget.hours or 0, "hour")
        click.echo(f"The budget of {spent} is spent; larger budget.hours and --extend go on.")
    elif ended_well and not quiet:
        click.echo(_all_done(sweep, outcome.space_is_done, outcome.converged))
    if outcome.empty_studies:
        click.echo(
            f"error: no trial that trains a prompt completed in: {', '.join(outcome.empty_studies)}", err=True
        )
    if outcome.too_many_failures:
        why = f"budget.max_failures is {budget.max_failures}, so no more were begun; a larger one goes on"
        click.echo(f"error: {counted(outcome.failed, 'trial')} failed; {why}", err=True)
    if outcome.failed:
        click.echo(f"{counted(outcome.failed, 'trial')} failed; --retry-failed trains them again.")
    if outcome.empty_studies or outcome.too_many_failures:
        sys.exit(FAILED)


def _all_done(sweep: "Sweep", space_is_done: bool, converged: bool) -> str:
    """That there is nothing left to do, and how there may be more."""
    done = "All is done; every point was tried." if space_is_done else "All is done."
    more = []
    if sweep.space and converged:
        more.append("the same command with --set budget.until=null --extend")
    elif sweep.space and not space_is_done:
        more.append(f"the same command with --trials {2 * sweep.budget.trials or 1} --extend")
    if sweep.search.study != "joint":
        more.append(f"{'' if more else 'the same command with '}more tasks in the file and --extend")
    return f"{done} To go on: {', or '.join(more)}." if more else done
