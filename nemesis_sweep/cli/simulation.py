"""`nemesis-sweep run FILE --simulate`: the same run in simulated time, with nothing trained."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nemesis_sweep.cli.report import write_after_a_run
from nemesis_sweep.files.current_folder import from_here
from nemesis_sweep.files.nearest_path import nearest_path
from nemesis_sweep.files.regular_file import is_there
from nemesis_sweep.messages.counting import counted
from nemesis_sweep.messages.errors import Problem, UserError
from nemesis_sweep.messages.printable import printable
from nemesis_sweep.sweep.home.usual_place import SWEEPS

if TYPE_CHECKING:
    from nemesis_sweep.spec.sweep import Sweep
    from nemesis_sweep.sweep.home.folder import Home
    from nemesis_sweep.sweep.row import Row

WORKERS = 4
FAILED = 1


def simulate(
    sweep: "Sweep",
    place: "Home",
    recorded: str,
    workers: int,
    extend: bool,
    report: bool,
    quiet: bool,
) -> None:
    """Simulate the sweep and print what came of it. recorded: home of an earlier sweep, '' for none.

    quiet: whether only errors and the places of what was written are.
    """
    from rich.console import Console

    from nemesis_sweep.report.results import read_results
    from nemesis_sweep.report.simulated import MARK, SimulationProgress, print_simulation, write_simulated
    from nemesis_sweep.sweep.best import mark_best
    from nemesis_sweep.sweep.simulation.actors import Clock
    from nemesis_sweep.sweep.simulation.recorded import RecordedResponse
    from nemesis_sweep.sweep.simulation.response import Response
    from nemesis_sweep.sweep.simulation.run import run_simulation
    from nemesis_sweep.sweep.simulation.synthetic import SyntheticResponse
    from nemesis_sweep.sweep.study import Study

    console = Console(quiet=quiet)
    response: Response = SyntheticResponse(sweep.space)
    source = "The response is invented (synthetic); it says nothing about any dataset."
    if recorded:
        _refuse_no_folder(Path(recorded))
        response = RecordedResponse(sweep, Path(recorded), read_results(Path(recorded)))
        source = f"The response was recorded in {printable(recorded)}."

    def show(studies: Sequence[Study], clock: Clock) -> SimulationProgress:
        done = sum(trial.state.is_finished() for study in studies for _, trial in study.trials())
        title = f"{MARK}: {counted(workers, 'worker')}, nothing is trained. {source}"
        return SimulationProgress(
            done, sum(study.total for study in studies), lambda: clock.now, console, title
        )

    def keep(rows: "Sequence[Row]") -> None:
        write_simulated(place.path, mark_best(rows, sweep.search.objective))

    outcome = run_simulation(sweep, place, show, response, workers, extend=extend, keep=keep)
    rows = mark_best(outcome.rows, sweep.search.objective)
    results = write_simulated(place.path, rows)
    print_simulation(rows, sweep.search.objective, outcome.seconds, source, console)
    click.echo(f"Simulated results  {printable(results)}")
    if report:
        write_after_a_run(place.path)
    if outcome.empty_studies:
        click.echo(
            f"error: no trial that trains a prompt completed in: {', '.join(outcome.empty_studies)}", err=True
        )
        sys.exit(FAILED)


def _refuse_no_folder(recorded: Path) -> None:
    """Say what may follow `--simulate`, for it is easily taken for a response's name or for `--home`."""
    from_here(recorded)
    if not is_there(recorded) or not recorded.is_dir():
        allowed = "the home of a finished sweep, or nothing for the synthetic response"
        near = nearest_path(recorded)
        raise UserError(
            Problem("no such folder", "--simulate", found=f"'{recorded}'", allowed=allowed, nearest=near)
        )


def default_home(sweep: "Sweep") -> Path:
    """A home for each pair of sampler and pruner, so that they can be compared."""
    return SWEEPS / f"{sweep.name}-simulated-{sweep.search.sampler}-{sweep.search.pruner}"
